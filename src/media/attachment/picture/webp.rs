//! WebP (RFC 9649). Keeps pixels, frames and color profiles, and of Exif only the orientation. Ends where its header
//! says.

use std::io::{Read, Seek};

use super::super::plan::{Pieces, Plan};
use super::super::walk::{Fault, Walk, little_endian};
use super::super::{Facts, InlineType};
use super::exif;

const KEPT: [&[u8; 4]; 5] = [b"VP8 ", b"VP8L", b"ANIM", b"ALPH", b"ICCP"];
/// What a frame of an animation contains.
const IN_FRAME: [&[u8; 4]; 3] = [b"VP8 ", b"VP8L", b"ALPH"];
/// Flags of the extended header.
const HAS_EXIF: u8 = 0x08;
const HAS_XMP: u8 = 0x04;

pub fn plan(walk: &mut Walk<impl Read + Seek>) -> Result<(Plan, Facts), Fault> {
    walk.skip(4)?;
    let end = u64::from(walk.le32()?) + 8;
    walk.skip(4)?;
    if end > walk.length() {
        return Err(Fault::Damaged);
    }
    let mut picture = Picture::default();
    while walk.at() < end {
        let start = walk.at();
        let kind: [u8; 4] = walk.array()?;
        let length = u64::from(walk.le32()?);
        let next = next(walk.at() + length, end)?;
        picture.chunk(kind, (start, next), length, walk)?;
        walk.go_to(next)?;
    }
    picture.finish()
}

/// Where the next chunk begins: at an even place. Some encoders forget that after the last one.
fn next(content_end: u64, end: u64) -> Result<u64, Fault> {
    let next = if content_end == end { end } else { content_end + content_end % 2 };
    if next > end { Err(Fault::Damaged) } else { Ok(next) }
}

#[derive(Default)]
struct Picture {
    /// The content of the extended header.
    extended: Option<Vec<u8>>,
    rest: Pieces,
    orientation: Option<exif::Orientation>,
    size: Option<(u32, u32)>,
}

impl Picture {
    fn chunk(
        &mut self,
        kind: [u8; 4],
        (start, next): (u64, u64),
        length: u64,
        walk: &mut Walk<impl Read + Seek>,
    ) -> Result<(), Fault> {
        let first = walk.peek(length.min(10))?;
        match &kind {
            b"VP8X" if self.extended.is_none() && first.len() == 10 => {
                self.size = Some((side(&first[4..7], 1), side(&first[7..10], 1)));
                self.extended = Some(first);
                return Ok(());
            }
            b"VP8 " if self.size.is_none() && first.len() == 10 => {
                let side = |bytes: &[u8]| side(bytes, 0) & 0x3fff;
                self.size = Some((side(&first[6..8]), side(&first[8..10])));
            }
            b"VP8L" if self.size.is_none() && first.len() >= 5 => {
                let bits = side(&first[1..5], 0);
                self.size = Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1));
            }
            b"EXIF" if self.orientation.is_none() => {
                let exif = walk.peek(length.min(1 << 16))?;
                // Some programs write it as in a JPEG.
                let exif = exif.strip_prefix(b"Exif\0\0").unwrap_or(&exif);
                self.orientation = exif::orientation(exif);
            }
            _ => {}
        }
        let is_kept = match &kind {
            b"ANMF" => frame(length, walk)?,
            kind => KEPT.contains(&kind),
        };
        if is_kept { self.rest.keep(start, next) } else { Ok(()) }
    }

    fn finish(mut self) -> Result<(Plan, Facts), Fault> {
        let (width, height) = self.size.ok_or(Fault::Damaged)?;
        let mut head = Vec::new();
        if let Some(mut extended) = self.extended {
            if let Some(flags) = extended.first_mut() {
                *flags &= !(HAS_EXIF | HAS_XMP);
                *flags |= if self.orientation.is_some() { HAS_EXIF } else { 0 };
            }
            head = [b"VP8X", &10_u32.to_le_bytes()[..], &extended].concat();
            if let Some(orientation) = self.orientation {
                let exif = orientation.exif();
                let length = u32::try_from(exif.len()).unwrap_or(u32::MAX);
                self.rest.pad()?;
                self.rest.add([b"EXIF", &length.to_le_bytes()[..], &exif].concat())?;
            }
        }
        let length = 4 + head.len() as u64 + self.rest.length();
        let length = u32::try_from(length).map_err(|_| Fault::Damaged)?;
        self.rest.begin_with([b"RIFF", &length.to_le_bytes()[..], b"WEBP", &head].concat());
        let (width, height) = exif::upright(self.orientation, width, height);
        Ok((Plan::Rewrite(self.rest), Facts::picture(InlineType::WebP, width, height)))
    }
}

/// Checks a frame of an animation: only pixels may be in it.
fn frame(length: u64, walk: &mut Walk<impl Read + Seek>) -> Result<bool, Fault> {
    let end = walk.at() + length;
    walk.skip(16)?;
    while walk.at() < end {
        let kind: [u8; 4] = walk.array()?;
        let length = u64::from(walk.le32()?);
        if !IN_FRAME.contains(&&kind) {
            return Err(Fault::Damaged);
        }
        walk.go_to(next(walk.at() + length, end)?)?;
    }
    Ok(true)
}

fn side(bytes: &[u8], added: u32) -> u32 {
    u32::try_from(little_endian(bytes)).unwrap_or(u32::MAX).saturating_add(added)
}
