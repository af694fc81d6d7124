//! Boxes (ISO 14496-12, section 4.2): a length, a type of four letters, and content, which may be boxes. MP4, QuickTime,
//! HEIF, AVIF, JPEG XL and JPEG 2000 are made of them.

use std::io::{Read, Seek};

use super::plan::Edits;
use super::walk::{Fault, Walk};

pub type Kind = [u8; 4];

/// A box in the file.
#[derive(Clone, Copy, Debug)]
pub struct IsoBox {
    pub kind: Kind,
    pub start: u64,
    /// Where its content begins.
    pub content: u64,
    pub end: u64,
}

impl IsoBox {
    /// Reads the head of the box here, which ends at `end` at the latest. Its content is read next.
    pub fn read(walk: &mut Walk<impl Read + Seek>, end: u64) -> Result<Self, Fault> {
        let start = walk.at();
        let (length, kind) = (walk.be32()?, walk.array()?);
        let length = match length {
            // Up to the end of the file.
            0 => end.saturating_sub(start),
            1 => walk.be64()?,
            length => length.into(),
        };
        let content = walk.at();
        let box_end = start.checked_add(length).ok_or(Fault::Damaged)?;
        if box_end < content || box_end > end {
            return Err(Fault::Damaged);
        }
        Ok(Self { kind, start, content, end: box_end })
    }

    /// Calls `visit` with each box in this one.
    pub fn each<R: Read + Seek>(
        self,
        walk: &mut Walk<R>,
        mut visit: impl FnMut(Self, &mut Walk<R>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        walk.go_to(self.content)?;
        // Lists of QuickTime may end with four zeros.
        while self.end.saturating_sub(walk.at()) >= 8 {
            let inner = Self::read(walk, self.end)?;
            visit(inner, walk)?;
            walk.go_to(inner.end)?;
        }
        Ok(())
    }

    /// Finds a box by the types that lead to it.
    pub fn find<R: Read + Seek>(
        self,
        walk: &mut Walk<R>,
        path: &[Kind],
    ) -> Result<Option<Self>, Fault> {
        let mut place = self;
        for kind in path {
            let mut found = None;
            place.each(walk, |inner, _| {
                if inner.kind == *kind && found.is_none() {
                    found = Some(inner);
                }
                Ok(())
            })?;
            match found {
                Some(inner) => place = inner,
                None => return Ok(None),
            }
        }
        Ok(Some(place))
    }

    /// The box without the first bytes of its content.
    pub fn without(self, bytes: u64) -> Result<Self, Fault> {
        let content = self.content + bytes;
        if content > self.end { Err(Fault::Damaged) } else { Ok(Self { content, ..self }) }
    }

    /// Overwrites the content and names the box `free`: readers skip it.
    pub fn free(self, edits: &mut Edits) -> Result<(), Fault> {
        edits.write(self.start + 4, *b"free")?;
        edits.zero(self.content, self.end)
    }
}
