//! FLAC (RFC 9639). Keeps what is needed to play it and to seek in it; drops comments, pictures and the data of
//! programs.

use std::io::{Read, Seek};

use super::super::plan::{Pieces, Plan};
use super::super::walk::{Fault, Walk, big_endian};
use super::super::{Facts, InlineType};
use super::tags;

const STREAM_INFO: u8 = 0;
const SEEK_TABLE: u8 = 3;
const IS_LAST: u8 = 0x80;

pub fn plan(walk: &mut Walk<impl Read + Seek>) -> Result<(Plan, Facts), Fault> {
    let mut pieces = Pieces::default();
    pieces.keep(walk.at(), walk.at() + 4)?;
    walk.skip(4)?;
    let (mut info, mut seek_table) = (None, None);
    loop {
        let [kind, length @ ..]: [u8; 4] = walk.array()?;
        let length = big_endian(&length);
        match kind & !IS_LAST {
            STREAM_INFO if info.is_none() && length == 34 => info = Some(walk.bytes(34)?),
            SEEK_TABLE if seek_table.is_none() => {
                let head = [&[SEEK_TABLE | IS_LAST][..], &length.to_be_bytes()[5..]].concat();
                seek_table = Some((head, walk.at(), walk.at() + length));
                walk.skip(length)?;
            }
            _ => walk.skip(length)?,
        }
        if kind & IS_LAST != 0 {
            break;
        }
    }
    let info = info.ok_or(Fault::Damaged)?;
    let last = if seek_table.is_none() { IS_LAST } else { 0 };
    pieces.add([&[STREAM_INFO | last, 0, 0, 34], &info[..]].concat())?;
    if let Some((head, from, to)) = seek_table {
        pieces.add(head)?;
        pieces.keep(from, to)?;
    }
    // Frames begin with 14 bits that are set.
    if walk.peek(2)?.first() != Some(&0xff) {
        return Err(Fault::Damaged);
    }
    pieces.keep(walk.at(), tags::end_of_sound(walk)?)?;
    Ok((Plan::Rewrite(pieces), Facts::sound(InlineType::Flac, duration(&info))))
}

/// 20 bits are the rate, 36 the number of samples.
pub fn duration(info: &[u8]) -> Option<u64> {
    let bits = big_endian(info.get(10..18)?);
    let (rate, samples) = (bits >> 44, bits & ((1 << 36) - 1));
    (samples * 1_000).checked_div(rate).filter(|ms| *ms > 0)
}
