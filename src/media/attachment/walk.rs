//! Reads a file that is not trusted, forward and by position. Memory is constant: no length in the file decides how
//! much is read into memory, and no position leads beyond the end of the file.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

/// The most bytes that are read into memory at once: a segment of a JPEG or a page of Ogg is smaller.
const MOST: u64 = 1 << 17;
const BUFFER: usize = 64 * 1024;

/// Why a file cannot be cleaned.
#[derive(Debug)]
pub enum Fault {
    /// Its container ends early or contradicts itself.
    Damaged,
    /// It cannot be read, or the result cannot be written: an error of the server, not of the file.
    Io,
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::Damaged } else { Self::Io }
    }
}

/// A position in a file.
pub struct Walk<R> {
    file: BufReader<R>,
    at: u64,
    length: u64,
}

impl<R: Read + Seek> Walk<R> {
    pub fn new(mut file: R) -> Result<Self, Fault> {
        let length = file.seek(SeekFrom::End(0))?;
        file.rewind()?;
        Ok(Self { file: BufReader::with_capacity(BUFFER, file), at: 0, length })
    }

    /// Where the next byte is read.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Bytes of the whole file.
    pub fn length(&self) -> u64 {
        self.length
    }

    pub fn left(&self) -> u64 {
        self.length.saturating_sub(self.at)
    }

    /// Reads `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut bytes = [0; N];
        self.file.read_exact(&mut bytes)?;
        self.at += N as u64;
        Ok(bytes)
    }

    /// Reads `count` bytes into memory. More than any honest field has count as damage.
    pub fn bytes(&mut self, count: u64) -> Result<Vec<u8>, Fault> {
        if count > MOST || count > self.left() {
            return Err(Fault::Damaged);
        }
        let mut bytes = vec![0; usize::try_from(count).map_err(|_| Fault::Damaged)?];
        self.file.read_exact(&mut bytes)?;
        self.at += count;
        Ok(bytes)
    }

    /// Reads at most `count` bytes: fewer at the end of the file. Stays where it is.
    pub fn peek(&mut self, count: u64) -> Result<Vec<u8>, Fault> {
        let start = self.at;
        let bytes = self.bytes(count.min(self.left()))?;
        self.go_to(start)?;
        Ok(bytes)
    }

    pub fn be16(&mut self) -> Result<u16, Fault> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub fn be32(&mut self) -> Result<u32, Fault> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub fn be64(&mut self) -> Result<u64, Fault> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub fn le32(&mut self) -> Result<u32, Fault> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub fn byte(&mut self) -> Result<u8, Fault> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    pub fn skip(&mut self, count: u64) -> Result<(), Fault> {
        self.go_to(self.at.checked_add(count).ok_or(Fault::Damaged)?)
    }

    pub fn go_to(&mut self, to: u64) -> Result<(), Fault> {
        if to > self.length {
            return Err(Fault::Damaged);
        }
        let signed = |position: u64| i64::try_from(position).map_err(|_| Fault::Damaged);
        self.file.seek_relative(signed(to)? - signed(self.at)?)?;
        self.at = to;
        Ok(())
    }

    /// Moves behind the next byte of this value, or to the end of the file.
    pub fn skip_past(&mut self, value: u8) -> Result<(), Fault> {
        self.at += self.file.skip_until(value)? as u64;
        Ok(())
    }
}

/// Reads up to 8 bytes as a number, the most significant first.
pub fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// Reads up to 8 bytes as a number, the least significant first.
pub fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}
