//! TIFF 6.0 with the tags of Exif 2.32 and DNG 1.7, and the raw files of cameras that are built like it. Overwrites the
//! place, the maker's notes, XMP, IPTC and what names people, devices and times, with zeros where it is.
//!
//! Make and model stay: without them, no program can develop a raw file.

use std::collections::BTreeSet;
use std::io::{Read, Seek};

use super::super::Facts;
use super::super::plan::{Edits, Plan};
use super::super::walk::{Fault, Walk};
use super::embedded;
use super::exif::{Entry, Order};

/// Directories of one file.
const MOST_DIRECTORIES: usize = 200;

const SUB_DIRECTORIES: u16 = 0x014a;
const EXIF: u16 = 0x8769;
const INTEROPERABILITY: u16 = 0xa005;
const GPS: u16 = 0x8825;
/// A complete JPEG, in raw files of Panasonic.
const PANASONIC_JPEG: u16 = 0x002e;
/// Where a small JPEG is, and its length.
const JPEG: u16 = 0x0201;
const JPEG_LENGTH: u16 = 0x0202;
/// Tags whose values are overwritten.
const PRIVATE: [u16; 48] = [
    // TIFF: names and texts, software, time, artist, host.
    0x010d, 0x010e, 0x011d, 0x0131, 0x0132, 0x013b, 0x013c, 0x8298,
    // XMP, IPTC, Photoshop.
    0x02bc, 0x83bb, 0x8649, 0x935c, // GeoTIFF.
    0x830e, 0x8480, 0x8482, 0x85d8, 0x87af, 0x87b0, 0x87b1, 0xa480, 0xa481,
    // Exif: times, maker's note, comment, sub-seconds.
    0x9003, 0x9004, 0x9010, 0x9011, 0x9012, 0x927c, 0x9286, 0x9290, 0x9291, 0x9292,
    // Windows: title, comment, author, keywords, subject.
    0x9c9b, 0x9c9c, 0x9c9d, 0x9c9e, 0x9c9f,
    // Exif: unique id, owner, serial numbers, title, photographer, editor.
    0xa420, 0xa430, 0xa431, 0xa435, 0xa436, 0xa437, 0xa438,
    // DNG: serial number, private data, original file.
    0xc62f, 0xc634, 0xc68b, 0xc68c, 0xc65d,
];

pub fn plan(walk: &mut Walk<impl Read + Seek>) -> Result<(Plan, Facts), Fault> {
    let order = Order::read(walk)?;
    let first = order.u32(walk)?;
    let mut file = Directories { order, edits: Edits::default(), seen: BTreeSet::new() };
    let mut waiting = vec![first];
    while let Some(at) = waiting.pop() {
        // A directory that refers to one before it would go on without end.
        if at != 0 && file.seen.insert(at) {
            waiting.extend(file.directory(walk, at)?);
        }
        if file.seen.len() > MOST_DIRECTORIES {
            return Err(Fault::Damaged);
        }
    }
    Ok((Plan::Overwrite(file.edits), Facts::default()))
}

struct Directories {
    order: Order,
    edits: Edits,
    seen: BTreeSet<u64>,
}

impl Directories {
    /// Cleans a directory. Returns those to which it leads.
    fn directory(&mut self, walk: &mut Walk<impl Read + Seek>, at: u64) -> Result<Vec<u64>, Fault> {
        let (entries, next) = self.order.directory(walk, at)?;
        let mut leads_to = vec![next];
        let find = |tag| entries.iter().find(|entry| entry.tag == tag);
        let number = |entry: &Entry| self.order.number(&entry.value);
        if let (Some(at), Some(length)) = (find(JPEG), find(JPEG_LENGTH)) {
            let (from, length) = (number(at), number(length));
            embedded::clean(walk, (from, from + length), &mut self.edits)?;
        }
        for entry in entries {
            if entry.to > walk.length() && is_private(&entry) {
                return Err(Fault::Damaged);
            }
            match entry.tag {
                GPS => self.place(walk, self.order.number(&entry.value))?,
                EXIF | INTEROPERABILITY => leads_to.push(self.order.number(&entry.value)),
                SUB_DIRECTORIES => leads_to.extend(self.addresses(walk, &entry)?),
                PANASONIC_JPEG => {
                    embedded::clean(walk, (entry.from, entry.to), &mut self.edits)?;
                }
                _ if is_private(&entry) => self.edits.zero(entry.from, entry.to)?,
                _ => {}
            }
        }
        Ok(leads_to)
    }

    fn addresses(
        &self,
        walk: &mut Walk<impl Read + Seek>,
        entry: &Entry,
    ) -> Result<Vec<u64>, Fault> {
        walk.go_to(entry.from)?;
        let bytes = walk.bytes(entry.to - entry.from)?;
        Ok(bytes.chunks_exact(4).map(|address| self.order.number(address)).collect())
    }

    /// Overwrites the directory of the place with all values, so that it has no entries.
    fn place(&mut self, walk: &mut Walk<impl Read + Seek>, at: u64) -> Result<(), Fault> {
        let (entries, _) = self.order.directory(walk, at)?;
        self.edits.zero(at, at + 2)?;
        for entry in entries {
            if entry.to > walk.length() {
                return Err(Fault::Damaged);
            }
            self.edits.zero(entry.from, entry.to)?;
            self.edits.zero(entry.at, entry.at + 12)?;
        }
        Ok(())
    }
}

fn is_private(entry: &Entry) -> bool {
    PRIVATE.contains(&entry.tag)
}
