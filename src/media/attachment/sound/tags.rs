//! Tags around sound: ID3 (id3.org, 2.4.0, and 1.1 at the end) and APE 2.0. They contain comments, pictures with metadata
//! of their own, and private data of programs. None is kept.

use std::io::{Read, Seek};

use super::super::walk::{Fault, Walk, little_endian};

/// Tags in front of a file.
const MOST_TAGS: usize = 10;
const LENGTH_OF_ID3_1: u64 = 128;

/// Moves behind the tags here.
pub fn skip(walk: &mut Walk<impl Read + Seek>) -> Result<(), Fault> {
    for _ in 0..MOST_TAGS {
        let head = walk.peek(10)?;
        let [b'I', b'D', b'3', _, _, flags, length @ ..] = &head[..] else { break };
        // Seven bits in each byte.
        if length.len() != 4 || length.iter().any(|byte| *byte > 0x7f) {
            return Err(Fault::Damaged);
        }
        let length = length.iter().fold(0, |sum, byte| sum << 7 | u64::from(*byte));
        let footer = if flags & 0x10 == 0 { 0 } else { 10 };
        walk.skip(10 + length + footer)?;
    }
    Ok(())
}

/// Where the sound ends, before tags at the end of the file.
pub fn end_of_sound(walk: &mut Walk<impl Read + Seek>) -> Result<u64, Fault> {
    let (start, mut end) = (walk.at(), walk.length());
    loop {
        let before = end;
        if tail(walk, start, end, LENGTH_OF_ID3_1)?.starts_with(b"TAG") {
            end -= LENGTH_OF_ID3_1;
        }
        let footer = tail(walk, start, end, 32)?;
        if footer.starts_with(b"APETAGEX") {
            // The length counts the footer, but not the header, which is as long.
            let length = little_endian(&footer[12..16]) + 32;
            end = end.checked_sub(length).filter(|end| *end >= start).ok_or(Fault::Damaged)?;
        }
        if end == before {
            walk.go_to(start)?;
            return Ok(end);
        }
    }
}

/// The last bytes before `end`, or none if there are not so many.
fn tail(
    walk: &mut Walk<impl Read + Seek>,
    start: u64,
    end: u64,
    count: u64,
) -> Result<Vec<u8>, Fault> {
    if end.saturating_sub(start) < count {
        return Ok(Vec::new());
    }
    walk.go_to(end - count)?;
    walk.bytes(count)
}
