//! JPEG (ITU-T T.81, annex B). Keeps tables, frames and scans, JFIF, color profiles and Adobe's color transform, and of
//! Exif only the orientation. Ends at the end of the image: cameras append further pictures and films, each with
//! metadata of its own.

use std::io::{Read, Seek};

use super::super::plan::{Pieces, Plan};
use super::super::walk::{Fault, Walk};
use super::super::{Facts, InlineType};
use super::exif::{self, Orientation};

/// A photo has about 30 segments, a color profile at most 255. Many more are an attack on the CPU.
const MOST_SEGMENTS: usize = 10_000;

pub(super) const START: u8 = 0xd8;
pub(super) const END: u8 = 0xd9;
pub(super) const SCAN: u8 = 0xda;

pub fn plan(walk: &mut Walk<impl Read + Seek>) -> Result<(Plan, Facts), Fault> {
    if walk.array()? != [0xff, START] {
        return Err(Fault::Damaged);
    }
    let mut picture = Picture::default();
    for _ in 0..MOST_SEGMENTS {
        match marker(walk)? {
            END => return picture.finish(),
            // They stand alone, and belong into scans.
            0x01 | 0xd0..=0xd7 => {}
            kind => picture.segment(kind, walk)?,
        }
    }
    Err(Fault::Damaged)
}

/// Reads a marker, which fill bytes may precede.
pub(super) fn marker(walk: &mut Walk<impl Read + Seek>) -> Result<u8, Fault> {
    if walk.byte()? != 0xff {
        return Err(Fault::Damaged);
    }
    loop {
        match walk.byte()? {
            0xff => {}
            0 => return Err(Fault::Damaged),
            kind => return Ok(kind),
        }
    }
}

#[derive(Default)]
struct Picture {
    /// JFIF comes first in the new file, then Exif, then these.
    rest: Pieces,
    jfif: Option<Vec<u8>>,
    orientation: Option<Orientation>,
    size: Option<(u32, u32)>,
    has_scan: bool,
}

impl Picture {
    fn segment(&mut self, kind: u8, walk: &mut Walk<impl Read + Seek>) -> Result<(), Fault> {
        let start = walk.at() - 2;
        let length = u64::from(walk.be16()?).checked_sub(2).ok_or(Fault::Damaged)?;
        match kind {
            0xe0 => self.jfif(&walk.bytes(length)?),
            0xe1 => self.exif(&walk.bytes(length)?),
            0xe2 if walk.peek(length.min(12))? == b"ICC_PROFILE\0" => {
                walk.skip(length)?;
                self.keep(start, walk.at())?;
            }
            0xee => self.adobe(&walk.bytes(length)?)?,
            // Frames, with their size, and tables.
            0xc0..=0xcf => {
                let is_frame = !matches!(kind, 0xc4 | 0xc8 | 0xcc);
                if is_frame {
                    self.frame(&walk.peek(length.min(5))?)?;
                }
                walk.skip(length)?;
                self.keep(start, walk.at())?;
            }
            0xdb..=0xdf => {
                walk.skip(length)?;
                self.keep(start, walk.at())?;
            }
            SCAN => {
                walk.skip(length)?;
                scan(walk)?;
                self.has_scan = true;
                self.keep(start, walk.at())?;
            }
            // Other application data, comments and extensions.
            _ => walk.skip(length)?,
        }
        Ok(())
    }

    /// Without the small picture that it may contain.
    fn jfif(&mut self, content: &[u8]) {
        if let (None, Some(head)) = (&self.jfif, content.get(..12))
            && head.starts_with(b"JFIF\0")
        {
            self.jfif = Some([&[0xff, 0xe0, 0, 16], head, &[0, 0]].concat());
        }
    }

    fn exif(&mut self, content: &[u8]) {
        if let (None, Some(content)) = (self.orientation, content.strip_prefix(b"Exif\0\0")) {
            self.orientation = exif::orientation(content);
        }
    }

    /// Reads the size. A picture has one frame.
    fn frame(&mut self, head: &[u8]) -> Result<(), Fault> {
        let (&[_, h1, h0, w1, w0], None) = (head, self.size) else { return Err(Fault::Damaged) };
        let side = |high, low| u16::from_be_bytes([high, low]).into();
        self.size = Some((side(w1, w0), side(h1, h0)));
        Ok(())
    }

    fn adobe(&mut self, content: &[u8]) -> Result<(), Fault> {
        match content.get(..12) {
            Some(head) if head.starts_with(b"Adobe") => {
                self.rest.add([&[0xff, 0xee, 0, 14], head].concat())
            }
            _ => Ok(()),
        }
    }

    /// The marker is written as two bytes: fill bytes are not kept.
    fn keep(&mut self, marker: u64, end: u64) -> Result<(), Fault> {
        self.rest.keep(marker, end)
    }

    fn finish(mut self) -> Result<(Plan, Facts), Fault> {
        let (Some((width, height)), true) = (self.size, self.has_scan) else {
            return Err(Fault::Damaged);
        };
        self.rest.add([0xff, END])?;
        let exif = self.orientation.map(|orientation| {
            let exif = orientation.exif();
            [&[0xff, 0xe1, 0, 34][..], b"Exif\0\0", &exif].concat()
        });
        let start = [vec![0xff, START], self.jfif.unwrap_or_default(), exif.unwrap_or_default()];
        self.rest.begin_with(start.concat());
        let (width, height) = exif::upright(self.orientation, width, height);
        Ok((Plan::Rewrite(self.rest), Facts::picture(InlineType::Jpeg, width, height)))
    }
}

/// Moves to the next marker that ends a scan. Inside, 0xff is followed by zero or by a restart marker.
pub(super) fn scan(walk: &mut Walk<impl Read + Seek>) -> Result<(), Fault> {
    loop {
        walk.skip_past(0xff)?;
        let mut next = walk.byte()?;
        while next == 0xff {
            next = walk.byte()?;
        }
        if !matches!(next, 0 | 0xd0..=0xd7) {
            return walk.go_to(walk.at() - 2);
        }
    }
}
