//! MP3 (ISO 11172-3 and 13818-3). Keeps the frames of the sound and nothing else.

use std::io::{Read, Seek};

use super::super::plan::{Pieces, Plan};
use super::super::walk::{Fault, Walk};
use super::super::{Facts, InlineType};
use super::{flac, tags};

/// Sound of fewer frames could be anything.
const FEWEST_FRAMES: u64 = 2;

/// A file that begins with an ID3 tag. If what follows is unknown, it is a download without the tag.
pub fn tagged(walk: &mut Walk<impl Read + Seek>) -> Result<(Plan, Facts), Fault> {
    tags::skip(walk)?;
    if walk.peek(4)? == b"fLaC" {
        return flac::plan(walk);
    }
    let start = walk.at();
    if let Some(planned) = frames(walk)? {
        return Ok(planned);
    }
    walk.go_to(start)?;
    let mut rest = Pieces::default();
    rest.keep(start, tags::end_of_sound(walk)?.max(start))?;
    Ok((Plan::Rewrite(rest), Facts::default()))
}

/// Keeps the frames from here on, and drops what is between them. `None` if it is not MP3.
pub fn frames(walk: &mut Walk<impl Read + Seek>) -> Result<Option<(Plan, Facts)>, Fault> {
    let mut pieces = Pieces::default();
    let (mut count, mut microseconds) = (0, 0);
    // Whether a frame ends here, so that the next one is no coincidence.
    let mut is_in_step = false;
    while walk.left() >= 4 {
        let start = walk.at();
        match Frame::read(&walk.peek(4)?) {
            Some(frame)
                if frame.length <= walk.left() && (is_in_step || is_followed(walk, &frame)?) =>
            {
                is_in_step = true;
                count += 1;
                microseconds += frame.microseconds;
                pieces.keep(start, start + frame.length)?;
                walk.go_to(start + frame.length)?;
            }
            _ if count == 0 => return Ok(None),
            _ => {
                is_in_step = false;
                walk.skip(1)?;
                walk.skip_past(0xff)?;
                walk.go_to(walk.at() - 1)?;
                if walk.peek(1)? != [0xff] {
                    break;
                }
            }
        }
    }
    let facts = Facts::sound(InlineType::Mp3, Some(microseconds / 1_000));
    Ok((count >= FEWEST_FRAMES).then_some((Plan::Rewrite(pieces), facts)))
}

/// Whether another frame follows this one.
fn is_followed(walk: &mut Walk<impl Read + Seek>, frame: &Frame) -> Result<bool, Fault> {
    let start = walk.at();
    walk.skip(frame.length)?;
    let next = walk.peek(4)?;
    walk.go_to(start)?;
    Ok(Frame::read(&next).is_some())
}

struct Frame {
    length: u64,
    microseconds: u64,
}

impl Frame {
    /// Reads the head of a frame of layer III.
    fn read(head: &[u8]) -> Option<Self> {
        let &[0xff, second, third, _] = head else { return None };
        let is_version_1 = match second & 0b1111_1110 {
            0b1111_1010 => true,
            // Versions 2 and 2.5.
            0b1111_0010 | 0b1110_0010 => false,
            _ => return None,
        };
        let halvings = match second >> 3 & 0b11 {
            0b11 => 0,
            0b10 => 1,
            _ => 2,
        };
        let rates: [u64; 16] = if is_version_1 {
            [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0]
        } else {
            [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0]
        };
        let bits = rates[usize::from(third >> 4)] * 1_000;
        let samples_per_second = [44_100_u64, 48_000, 32_000, 0][usize::from(third >> 2 & 0b11)];
        if bits == 0 || samples_per_second == 0 {
            return None;
        }
        let samples_per_second = samples_per_second >> halvings;
        let samples = if is_version_1 { 1_152 } else { 576 };
        let padding = u64::from(third >> 1 & 1);
        Some(Self {
            length: samples / 8 * bits / samples_per_second + padding,
            microseconds: samples * 1_000_000 / samples_per_second,
        })
    }
}
