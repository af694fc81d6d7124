//! Items of HEIF and AVIF (ISO 23008-12, ISO 14496-12 section 8.11): pictures, and texts about them. A table says what
//! each item is, another one where its bytes are. Overwrites the bytes of all items that are no pixels.

use std::collections::BTreeSet;
use std::io::{Read, Seek};

use super::super::boxes::{IsoBox, Kind};
use super::super::plan::Edits;
use super::super::walk::{Fault, Walk, big_endian};

const KEPT: [&Kind; 9] =
    [b"hdlr", b"pitm", b"iinf", b"iloc", b"iprp", b"iref", b"idat", b"dinf", b"grpl"];
/// Items of pixels, and of pictures made of others.
const PICTURES: [&Kind; 9] =
    [b"hvc1", b"hev1", b"av01", b"avc1", b"jpeg", b"grid", b"iovl", b"iden", b"tmap"];

/// Cleans a `meta` box, and returns where in the data of the file there are items that are no pictures.
pub fn clean<R: Read + Seek>(
    meta: IsoBox,
    walk: &mut Walk<R>,
    edits: &mut Edits,
) -> Result<Vec<(u64, u64)>, Fault> {
    let meta = meta.without(4)?;
    let (mut private, mut locations, mut data) = (BTreeSet::new(), None, None);
    meta.each(walk, |part, walk| {
        match &part.kind {
            b"iinf" => private.extend(other_items(part, walk)?),
            b"iloc" => locations = Some(part),
            b"idat" => data = Some(part),
            b"hdlr" => edits.zero(part.content + 24, part.end)?,
            b"iprp" => properties(part, walk, edits)?,
            kind if KEPT.contains(&kind) => {}
            _ => part.free(edits)?,
        }
        Ok(())
    })?;
    match locations {
        Some(locations) => overwrite(locations, &private, data, walk, edits),
        None if private.is_empty() => Ok(Vec::new()),
        None => Err(Fault::Damaged),
    }
}

/// Frees descriptions that users wrote.
fn properties<R: Read + Seek>(
    part: IsoBox,
    walk: &mut Walk<R>,
    edits: &mut Edits,
) -> Result<(), Fault> {
    let Some(list) = part.find(walk, &[*b"ipco"])? else { return Ok(()) };
    list.each(walk, |property, _| match &property.kind {
        b"udes" | b"uuid" => property.free(edits),
        _ => Ok(()),
    })
}

/// Returns the items that are no pictures.
fn other_items<R: Read + Seek>(table: IsoBox, walk: &mut Walk<R>) -> Result<Vec<u64>, Fault> {
    walk.go_to(table.content)?;
    let is_long = walk.be32()? >> 24 != 0;
    let mut items = Vec::new();
    table.without(if is_long { 8 } else { 6 })?.each(walk, |item, walk| {
        walk.go_to(item.content)?;
        let id = match walk.be32()? >> 24 {
            2 => big_endian(&walk.array::<2>()?),
            3 => big_endian(&walk.array::<4>()?),
            _ => return Err(Fault::Damaged),
        };
        walk.skip(2)?;
        if !PICTURES.contains(&&walk.array()?) {
            items.push(id);
        }
        Ok(())
    })?;
    Ok(items)
}

/// How many bytes the numbers in the table of locations have.
struct Widths {
    version: u8,
    offset: u64,
    length: u64,
    base: u64,
    index: u64,
}

fn overwrite(
    table: IsoBox,
    private: &BTreeSet<u64>,
    data: Option<IsoBox>,
    walk: &mut Walk<impl Read + Seek>,
    edits: &mut Edits,
) -> Result<Vec<(u64, u64)>, Fault> {
    walk.go_to(table.content)?;
    let [version, _, _, _, first, second] = walk.array()?;
    let widths = Widths {
        version,
        offset: (first >> 4).into(),
        length: (first & 15).into(),
        base: (second >> 4).into(),
        index: if version == 0 { 0 } else { (second & 15).into() },
    };
    let count = if version < 2 { walk.be16()?.into() } else { walk.be32()? };
    let mut outside = Vec::new();
    for _ in 0..count {
        let item = item(&widths, data, walk)?;
        if walk.at() > table.end {
            return Err(Fault::Damaged);
        }
        if private.contains(&item.id) {
            let extents = item.extents.ok_or(Fault::Damaged)?;
            if item.is_in_box {
                extents.into_iter().try_for_each(|(from, to)| edits.zero(from, to))?;
            } else {
                outside.extend(extents);
            }
        }
    }
    Ok(outside)
}

/// Where an item is.
struct Item {
    id: u64,
    /// Whether it is in the box beside the table, not in the data of the file.
    is_in_box: bool,
    /// `None` if they are not all in this file, or have no length, which stands for all of it.
    extents: Option<Vec<(u64, u64)>>,
}

fn item(
    widths: &Widths,
    data: Option<IsoBox>,
    walk: &mut Walk<impl Read + Seek>,
) -> Result<Item, Fault> {
    let id = number(walk, if widths.version < 2 { 2 } else { 4 })?;
    let method = if widths.version == 0 { 0 } else { walk.be16()? & 15 };
    walk.skip(2)?;
    let base = number(walk, widths.base)?;
    let (base, end) = match (method, data) {
        (0, _) => (base, walk.length()),
        (1, Some(data)) => (base.saturating_add(data.content), data.end),
        // Made of other items, or somewhere else.
        _ => (base, 0),
    };
    let mut extents = Vec::new();
    for _ in 0..walk.be16()? {
        walk.skip(widths.index)?;
        let (offset, length) = (number(walk, widths.offset)?, number(walk, widths.length)?);
        let from = base.saturating_add(offset);
        let to = from.saturating_add(length);
        extents.push((from, to));
    }
    let is_found = |(from, to): &(u64, u64)| from < to && *to <= end;
    let extents = extents.iter().all(is_found).then_some(extents);
    Ok(Item { id, is_in_box: method == 1, extents })
}

fn number(walk: &mut Walk<impl Read + Seek>, bytes: u64) -> Result<u64, Fault> {
    if bytes > 8 { Err(Fault::Damaged) } else { Ok(big_endian(&walk.bytes(bytes)?)) }
}
