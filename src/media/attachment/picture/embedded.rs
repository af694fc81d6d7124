//! A JPEG inside another file: a small picture in a raw file. Overwrites its metadata where they are.

use std::io::{Read, Seek};

use super::super::plan::Edits;
use super::super::walk::{Fault, Walk};
use super::jpeg;

const MOST_SEGMENTS: usize = 1_000;

/// Overwrites the application data and comments of the JPEG at `from..to`, and what follows its end. What cannot be read
/// as a JPEG is overwritten as a whole.
pub fn clean(
    walk: &mut Walk<impl Read + Seek>,
    (from, to): (u64, u64),
    edits: &mut Edits,
) -> Result<(), Fault> {
    if from > to || to > walk.length() {
        return Err(Fault::Damaged);
    }
    walk.go_to(from)?;
    match segments(walk, to, edits) {
        Err(Fault::Damaged) => edits.zero(from, to),
        cleaned => cleaned,
    }
}

fn segments(walk: &mut Walk<impl Read + Seek>, to: u64, edits: &mut Edits) -> Result<(), Fault> {
    if walk.array()? != [0xff, jpeg::START] {
        return Err(Fault::Damaged);
    }
    for _ in 0..MOST_SEGMENTS {
        let kind = jpeg::marker(walk)?;
        if kind == jpeg::END {
            return if walk.at() > to { Err(Fault::Damaged) } else { edits.zero(walk.at(), to) };
        }
        let length = u64::from(walk.be16()?).checked_sub(2).ok_or(Fault::Damaged)?;
        let content = (walk.at(), walk.at() + length);
        if content.1 > to {
            return Err(Fault::Damaged);
        }
        let is_kept = match kind {
            // JFIF, Adobe's color transform and color profiles.
            0xe0 | 0xee => true,
            0xe2 => walk.peek(length.min(12))? == b"ICC_PROFILE\0",
            0xe1..=0xef | 0xfe => false,
            _ => true,
        };
        if !is_kept {
            edits.zero(content.0, content.1)?;
        }
        walk.go_to(content.1)?;
        if kind == jpeg::SCAN {
            jpeg::scan(walk)?;
        }
    }
    Err(Fault::Damaged)
}
