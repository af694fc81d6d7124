//! What is to become of a file, as its parser decides: nothing, pieces of it in a new file, or the same file with some
//! bytes overwritten. Parsers only read; this module is the only one that writes.
//!
//! Bytes never pass through memory in more than one buffer: [`io::copy`] leaves them to the kernel where it can.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::walk::Fault;

/// Pieces or edits of one file. More are an attack on memory.
const MOST: usize = 200_000;

/// A part of the new file.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    /// Bytes of the old file.
    Keep {
        from: u64,
        to: u64,
    },
    New(Vec<u8>),
}

/// A new file made of pieces of the old one.
#[derive(Debug, Default)]
pub struct Pieces(Vec<Piece>);

impl Pieces {
    /// Keeps these bytes of the old file.
    pub fn keep(&mut self, from: u64, to: u64) -> Result<(), Fault> {
        match self.0.last_mut() {
            Some(Piece::Keep { to: end, .. }) if *end == from => {
                *end = to;
                Ok(())
            }
            _ => self.push(Piece::Keep { from, to }),
        }
    }

    /// Adds bytes that the old file does not have.
    pub fn add(&mut self, bytes: impl Into<Vec<u8>>) -> Result<(), Fault> {
        self.push(Piece::New(bytes.into()))
    }

    /// Puts bytes before all others.
    pub fn begin_with(&mut self, bytes: impl Into<Vec<u8>>) {
        self.0.insert(0, Piece::New(bytes.into()));
    }

    /// Adds all pieces of another list.
    pub fn append(&mut self, other: Self) -> Result<(), Fault> {
        other.0.into_iter().try_for_each(|piece| self.push(piece))
    }

    /// Makes the number of bytes even.
    pub fn pad(&mut self) -> Result<(), Fault> {
        if self.length() % 2 == 1 { self.add([0]) } else { Ok(()) }
    }

    /// The number of bytes so far.
    pub fn length(&self) -> u64 {
        let length = |piece: &Piece| match piece {
            Piece::Keep { from, to } => to.saturating_sub(*from),
            Piece::New(bytes) => bytes.len() as u64,
        };
        self.0.iter().map(length).sum()
    }

    fn push(&mut self, piece: Piece) -> Result<(), Fault> {
        if self.0.len() >= MOST {
            return Err(Fault::Damaged);
        }
        self.0.push(piece);
        Ok(())
    }

    fn write(&self, file: &mut (impl Read + Seek), cleaned: &mut impl Write) -> io::Result<()> {
        for piece in &self.0 {
            match piece {
                Piece::New(bytes) => cleaned.write_all(bytes)?,
                Piece::Keep { from, to } => {
                    file.seek(SeekFrom::Start(*from))?;
                    copy(file, to.saturating_sub(*from), cleaned)?;
                }
            }
        }
        Ok(())
    }
}

/// Bytes to overwrite where they are. Nothing moves, so all offsets in the file stay right.
#[derive(Debug, Default)]
pub struct Edits {
    zeros: Vec<(u64, u64)>,
    bytes: Vec<(u64, Vec<u8>)>,
    /// Where the file ends, if that is earlier than before.
    end: Option<u64>,
}

impl Edits {
    /// Overwrites `from..to` with zeros.
    pub fn zero(&mut self, from: u64, to: u64) -> Result<(), Fault> {
        if from < to {
            self.zeros.push((from, to));
        }
        self.check()
    }

    /// Writes bytes, over zeros too.
    pub fn write(&mut self, at: u64, bytes: impl Into<Vec<u8>>) -> Result<(), Fault> {
        self.bytes.push((at, bytes.into()));
        self.check()
    }

    /// Cuts off what follows.
    pub fn cut(&mut self, end: u64) {
        self.end = Some(end);
    }

    fn check(&self) -> Result<(), Fault> {
        let few = self.zeros.len() + self.bytes.len() <= MOST;
        if few { Ok(()) } else { Err(Fault::Damaged) }
    }

    fn is_empty(&self) -> bool {
        self.zeros.is_empty() && self.bytes.is_empty() && self.end.is_none()
    }

    fn write_to(
        &self,
        file: &mut (impl Read + Seek),
        cleaned: &mut (impl Write + Seek),
    ) -> io::Result<()> {
        let length = file.seek(SeekFrom::End(0))?;
        let end = self.end.unwrap_or(length).min(length);
        file.rewind()?;
        copy(file, end, cleaned)?;
        for (from, to) in &self.zeros {
            cleaned.seek(SeekFrom::Start(*from))?;
            let count = (*to).min(end).saturating_sub(*from);
            io::copy(&mut io::repeat(0).take(count), cleaned)?;
        }
        for (at, bytes) in &self.bytes {
            if at.saturating_add(bytes.len() as u64) <= end {
                cleaned.seek(SeekFrom::Start(*at))?;
                cleaned.write_all(bytes)?;
            }
        }
        Ok(())
    }
}

/// What is to become of a file.
#[derive(Debug, Default)]
pub enum Plan {
    #[default]
    AsItIs,
    Rewrite(Pieces),
    Overwrite(Edits),
}

impl Plan {
    /// Writes the result. A file that stays as it is gets a second name, or a copy where links do not exist.
    pub fn carry_out(&self, file: &Path, cleaned: &Path) -> io::Result<()> {
        if self.changes_nothing() && fs::hard_link(file, cleaned).is_ok() {
            return Ok(());
        }
        self.write(&mut File::open(file)?, &mut File::create_new(cleaned)?)
    }

    /// Writes the result.
    pub fn write(
        &self,
        file: &mut (impl Read + Seek),
        cleaned: &mut (impl Write + Seek),
    ) -> io::Result<()> {
        match self {
            Self::AsItIs => Edits::default().write_to(file, cleaned),
            Self::Overwrite(edits) => edits.write_to(file, cleaned),
            Self::Rewrite(pieces) => pieces.write(file, cleaned),
        }
    }

    fn changes_nothing(&self) -> bool {
        match self {
            Self::AsItIs => true,
            Self::Overwrite(edits) => edits.is_empty(),
            Self::Rewrite(_) => false,
        }
    }
}

fn copy(file: &mut impl Read, count: u64, cleaned: &mut impl Write) -> io::Result<()> {
    let copied = io::copy(&mut file.take(count), cleaned)?;
    if copied == count { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
