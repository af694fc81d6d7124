//! WAV (Multimedia Programming Interface and Data Specifications 1.0, and EBU Tech 3285 for its metadata). Chunks other
//! than those of the sound itself become `JUNK` and empty. What follows the end is cut off.

use std::io::{Read, Seek};

use super::super::plan::{Edits, Plan};
use super::super::walk::{Fault, Walk, little_endian};
use super::super::{Facts, InlineType};

const KEPT: [&[u8; 4]; 5] = [b"fmt ", b"data", b"fact", b"cue ", b"smpl"];

pub fn plan(walk: &mut Walk<impl Read + Seek>) -> Result<(Plan, Facts), Fault> {
    walk.skip(4)?;
    // A program that does not know the length beforehand writes zero, or the largest number.
    let end = match walk.le32()? {
        0 | u32::MAX => walk.length(),
        length => (u64::from(length) + 8).min(walk.length()),
    };
    walk.skip(4)?;
    let mut edits = Edits::default();
    let (mut bytes_per_second, mut data) = (0, None);
    while end.saturating_sub(walk.at()) >= 8 {
        let start = walk.at();
        let kind: [u8; 4] = walk.array()?;
        let length = u64::from(walk.le32()?);
        let content = walk.at();
        let mut content_end = content + length;
        match &kind {
            b"data" if content_end > end || length == 0 => content_end = end,
            _ if content_end > end => return Err(Fault::Damaged),
            b"fmt " => bytes_per_second = little_endian(walk.peek(12)?.get(8..).unwrap_or(&[])),
            _ => {}
        }
        if &kind == b"data" {
            data = Some(content_end - content);
        }
        if !KEPT.contains(&&kind) {
            edits.write(start, *b"JUNK")?;
            edits.zero(content, content_end)?;
        }
        walk.go_to((content_end + length % 2).min(end))?;
    }
    edits.cut(walk.at());
    let bytes = data.ok_or(Fault::Damaged)?;
    let duration_ms = (bytes * 1_000).checked_div(bytes_per_second);
    Ok((Plan::Overwrite(edits), Facts::sound(InlineType::Wav, duration_ms)))
}
