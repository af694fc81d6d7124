//! Directories of tags (TIFF 6.0, section 2), as Exif has them in every kind of picture, and the one tag that is kept: how
//! the picture is turned.

use std::io::{Cursor, Read, Seek};

use super::super::walk::{Fault, Walk, big_endian, little_endian};

/// Entries of one directory.
const MOST_ENTRIES: u64 = 4_000;

const ORIENTATION: u16 = 0x0112;

/// How a picture is turned, 2 to 8 as in Exif. 1 is as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orientation(u8);

impl Orientation {
    /// The smallest Exif that says so.
    pub fn exif(self) -> Vec<u8> {
        let start = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0";
        [&start[..], &[self.0, 0, 0, 0, 0, 0, 0]].concat()
    }
}

/// The size of a picture as it is shown.
pub fn upright(orientation: Option<Orientation>, width: u32, height: u32) -> (u32, u32) {
    let is_on_its_side = orientation.is_some_and(|Orientation(turn)| turn >= 5);
    if is_on_its_side { (height, width) } else { (width, height) }
}

/// Reads the orientation in Exif. Exif that cannot be read has none.
pub fn orientation(exif: &[u8]) -> Option<Orientation> {
    let mut walk = Walk::new(Cursor::new(exif)).ok()?;
    let order = Order::read(&mut walk).ok()?;
    let first = order.u32(&mut walk).ok()?;
    let (entries, _) = order.directory(&mut walk, first).ok()?;
    let entry = entries.iter().find(|entry| entry.tag == ORIENTATION)?;
    match u8::try_from(order.number(&entry.value[..2])) {
        Ok(turn @ 2..=8) => Some(Orientation(turn)),
        _ => None,
    }
}

/// The order of bytes.
#[derive(Clone, Copy)]
pub enum Order {
    Little,
    Big,
}

/// A tag with its value.
pub struct Entry {
    pub tag: u16,
    /// Where its 12 bytes are in the file.
    pub at: u64,
    /// Where its value is: in the entry, if it fits.
    pub from: u64,
    pub to: u64,
    /// The last field of the entry: the value, or where it is.
    pub value: [u8; 4],
}

impl Order {
    /// Reads the first four bytes: the order, and the number of the format. Cameras have numbers of their own.
    pub fn read(walk: &mut Walk<impl Read + Seek>) -> Result<Self, Fault> {
        match &walk.array()? {
            b"II*\0" | b"IIRO" | b"IIRS" | b"IIU\0" => Ok(Self::Little),
            b"MM\0*" | b"MMOR" => Ok(Self::Big),
            _ => Err(Fault::Damaged),
        }
    }

    pub fn number(self, bytes: &[u8]) -> u64 {
        match self {
            Self::Little => little_endian(bytes),
            Self::Big => big_endian(bytes),
        }
    }

    pub fn u32(self, walk: &mut Walk<impl Read + Seek>) -> Result<u64, Fault> {
        Ok(self.number(&walk.array::<4>()?))
    }

    /// Reads a directory, and where the next one is, or zero.
    pub fn directory(
        self,
        walk: &mut Walk<impl Read + Seek>,
        at: u64,
    ) -> Result<(Vec<Entry>, u64), Fault> {
        walk.go_to(at)?;
        let count = self.number(&walk.array::<2>()?);
        if count > MOST_ENTRIES {
            return Err(Fault::Damaged);
        }
        let entries = (0..count).map(|_| self.entry(walk)).collect::<Result<_, _>>()?;
        // The last directory of Exif may end without it.
        let next = if walk.left() < 4 { 0 } else { self.u32(walk)? };
        Ok((entries, next))
    }

    fn entry(self, walk: &mut Walk<impl Read + Seek>) -> Result<Entry, Fault> {
        let at = walk.at();
        let bytes: [u8; 12] = walk.array()?;
        let (head, value) = (&bytes[..8], [bytes[8], bytes[9], bytes[10], bytes[11]]);
        let tag = u16::try_from(self.number(&head[..2])).unwrap_or(0);
        let size = match self.number(&head[2..4]) {
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 => 8,
            _ => 1,
        };
        let length = self.number(&head[4..8]) * size;
        let from = if length <= 4 { at + 8 } else { self.number(&value) };
        Ok(Entry { tag, at, from, to: from + length, value })
    }
}
