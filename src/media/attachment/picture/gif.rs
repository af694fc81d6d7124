//! GIF (87a and 89a). Keeps frames, their timing and the number of repetitions; drops comments and the data of programs,
//! such as XMP. Ends at the trailer.
//!
//! A file that only begins like a GIF is no picture, and so a download. If comments were read before the damage, it is
//! refused.

use std::io::{Read, Seek};

use super::super::plan::{Pieces, Plan};
use super::super::walk::{Fault, Walk};
use super::super::{Facts, InlineType};

const EXTENSION: u8 = 0x21;
const FRAME: u8 = 0x2c;
const TRAILER: u8 = 0x3b;
/// Kinds of extensions.
const TIMING: u8 = 0xf9;
const OF_PROGRAM: u8 = 0xff;
/// Programs whose data say how often an animation repeats, or in which colors.
const KEPT_PROGRAMS: [&[u8; 11]; 3] = [b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012"];

pub fn plan(walk: &mut Walk<impl Read + Seek>) -> Result<(Plan, Facts), Fault> {
    let mut has_metadata = false;
    match picture(walk, &mut has_metadata) {
        Err(Fault::Damaged) if !has_metadata => Ok((Plan::AsItIs, Facts::default())),
        planned => planned,
    }
}

fn picture(
    walk: &mut Walk<impl Read + Seek>,
    has_metadata: &mut bool,
) -> Result<(Plan, Facts), Fault> {
    walk.skip(6)?;
    let [w0, w1, h0, h1, flags, _, _]: [u8; 7] = walk.array()?;
    let (width, height) = (u16::from_le_bytes([w0, w1]), u16::from_le_bytes([h0, h1]));
    walk.skip(palette(flags))?;
    let mut pieces = Pieces::default();
    pieces.keep(0, walk.at())?;
    let mut frames = 0_u64;
    // Many encoders forget the trailer.
    while walk.left() > 0 {
        let start = walk.at();
        match walk.byte()? {
            TRAILER => break,
            EXTENSION => {
                let is_kept = extension(walk, has_metadata)?;
                if is_kept {
                    pieces.keep(start, walk.at())?;
                }
            }
            FRAME => {
                let [.., flags]: [u8; 9] = walk.array()?;
                // The palette, and the first code's size.
                walk.skip(palette(flags) + 1)?;
                blocks(walk)?;
                pieces.keep(start, walk.at())?;
                frames += 1;
            }
            _ => return Err(Fault::Damaged),
        }
    }
    if frames == 0 {
        return Err(Fault::Damaged);
    }
    pieces.add([TRAILER])?;
    let facts = Facts::picture(InlineType::Gif, width.into(), height.into());
    Ok((Plan::Rewrite(pieces), facts))
}

/// Bytes of a palette, if the flags say that there is one.
fn palette(flags: u8) -> u64 {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// Moves behind an extension. Returns whether it is kept.
fn extension(walk: &mut Walk<impl Read + Seek>, has_metadata: &mut bool) -> Result<bool, Fault> {
    let is_kept = match walk.byte()? {
        TIMING => true,
        OF_PROGRAM => {
            let name = walk.peek(12)?;
            name.split_first().is_some_and(|(length, name)| {
                *length == 11 && KEPT_PROGRAMS.iter().any(|kept| kept[..] == *name)
            })
        }
        _ => false,
    };
    *has_metadata |= !is_kept;
    blocks(walk)?;
    Ok(is_kept)
}

/// Moves behind blocks, each with its length before it. One without length is the last.
fn blocks(walk: &mut Walk<impl Read + Seek>) -> Result<(), Fault> {
    loop {
        match walk.byte()? {
            0 => return Ok(()),
            length => walk.skip(length.into())?,
        }
    }
}
