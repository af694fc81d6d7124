//! Where the samples of a track are in the file (ISO 14496-12, sections 8.7.3 to 8.7.5): chunks at an offset, with a
//! number of samples in each, with a size for each.

use std::io::{Read, Seek};

use super::super::boxes::IsoBox;
use super::super::walk::{Fault, Walk};

/// Samples or chunks of a track that is removed. A day of telemetry has fewer.
const MOST: u64 = 1_000_000;

enum Sizes {
    All { size: u64, count: u64 },
    Each(Vec<u64>),
}

/// Reads the tables in `stbl`, and returns where each chunk begins and ends.
pub fn chunks<R: Read + Seek>(
    tables: IsoBox,
    walk: &mut Walk<R>,
) -> Result<Vec<(u64, u64)>, Fault> {
    let (mut sizes, mut runs, mut offsets) = (None, Vec::new(), Vec::new());
    tables.each(walk, |table, walk| {
        match &table.kind {
            b"stsz" | b"stz2" => sizes = Some(read_sizes(table, walk)?),
            b"stsc" => runs = entries(table.without(4)?, walk, 12, run)?,
            b"stco" => offsets = entries(table.without(4)?, walk, 4, short)?,
            b"co64" => offsets = entries(table.without(4)?, walk, 8, Walk::be64)?,
            _ => {}
        }
        Ok(())
    })?;
    let sizes = sizes.ok_or(Fault::Damaged)?;
    let mut runs = runs.into_iter().peekable();
    let (mut chunks, mut in_each, mut sample) = (Vec::new(), 0, 0);
    for (number, from) in (1_u64..).zip(offsets) {
        while let Some((_, count)) = runs.next_if(|(first, _)| *first <= number) {
            in_each = count;
        }
        let to = from.checked_add(sizes.of(sample, in_each)?).ok_or(Fault::Damaged)?;
        chunks.push((from, to));
        sample += in_each;
    }
    Ok(chunks)
}

impl Sizes {
    /// The bytes of `count` samples together. The last chunk may have fewer samples.
    fn of(&self, first: u64, count: u64) -> Result<u64, Fault> {
        match self {
            Self::All { size, count: all } => {
                let count = count.min(all.saturating_sub(first));
                size.checked_mul(count).ok_or(Fault::Damaged)
            }
            Self::Each(sizes) => {
                let first = usize::try_from(first).map_err(|_| Fault::Damaged)?;
                let count = usize::try_from(count).map_err(|_| Fault::Damaged)?;
                Ok(sizes.iter().skip(first).take(count).sum())
            }
        }
    }
}

fn read_sizes(table: IsoBox, walk: &mut Walk<impl Read + Seek>) -> Result<Sizes, Fault> {
    walk.go_to(table.content + 4)?;
    let size = walk.be32()?;
    if &table.kind == b"stsz" && size != 0 {
        let count = walk.be32()?.into();
        return Ok(Sizes::All { size: size.into(), count });
    }
    let rest = table.without(8)?;
    let bits = if &table.kind == b"stsz" { 32 } else { size & 0xff };
    let sizes = match bits {
        8 => entries(rest, walk, 1, |walk| Ok(walk.byte()?.into())),
        16 => entries(rest, walk, 2, |walk| Ok(walk.be16()?.into())),
        32 => entries(rest, walk, 4, short),
        // Two in each byte: no camera writes that.
        _ => return Err(Fault::Damaged),
    };
    sizes.map(Sizes::Each)
}

fn short(walk: &mut Walk<impl Read + Seek>) -> Result<u64, Fault> {
    Ok(walk.be32()?.into())
}

/// The first chunk with this number of samples.
fn run(walk: &mut Walk<impl Read + Seek>) -> Result<(u64, u64), Fault> {
    let (first, count) = (walk.be32()?.into(), walk.be32()?.into());
    walk.skip(4)?;
    Ok((first, count))
}

/// Reads a count and that many entries.
fn entries<R: Read + Seek, T>(
    table: IsoBox,
    walk: &mut Walk<R>,
    bytes: u64,
    entry: impl Fn(&mut Walk<R>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    walk.go_to(table.content)?;
    let count = u64::from(walk.be32()?);
    if count > MOST || table.end.saturating_sub(walk.at()) / bytes < count {
        return Err(Fault::Damaged);
    }
    (0..count).map(|_| entry(walk)).collect()
}
