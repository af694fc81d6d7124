//! Where the samples of a track are in a fragment of a film (ISO 14496-12, sections 8.8.7 and 8.8.8).

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use super::super::boxes::IsoBox;
use super::super::plan::Edits;
use super::super::walk::{Fault, Walk};

/// Flags of a fragment of a track (`tfhd`).
const HAS_BASE: u32 = 0x01;
const HAS_DESCRIPTION: u32 = 0x02;
const HAS_DURATION: u32 = 0x08;
const HAS_SIZE: u32 = 0x10;
/// Flags of a run of samples (`trun`).
const RUN_HAS_OFFSET: u32 = 0x001;
const RUN_HAS_FIRST_FLAGS: u32 = 0x004;
const RUN_HAS_DURATIONS: u32 = 0x100;
const RUN_HAS_SIZES: u32 = 0x200;
const RUN_HAS_FLAGS: u32 = 0x400;
const RUN_HAS_TIMES: u32 = 0x800;

/// Takes removed tracks out of a fragment, and returns where their samples are. `removed` has each removed track with the
/// size of its samples, where they say none.
pub fn clean<R: Read + Seek>(
    fragment: IsoBox,
    removed: &BTreeMap<u32, u64>,
    walk: &mut Walk<R>,
    edits: &mut Edits,
) -> Result<Vec<(u64, u64)>, Fault> {
    let mut samples = Vec::new();
    fragment.each(walk, |inner, walk| {
        match &inner.kind {
            b"mfhd" => {}
            b"traf" => samples.extend(track(fragment, inner, removed, walk, edits)?),
            _ => inner.free(edits)?,
        }
        Ok(())
    })?;
    Ok(samples)
}

fn track<R: Read + Seek>(
    fragment: IsoBox,
    track: IsoBox,
    removed: &BTreeMap<u32, u64>,
    walk: &mut Walk<R>,
    edits: &mut Edits,
) -> Result<Vec<(u64, u64)>, Fault> {
    let head = track.find(walk, &[*b"tfhd"])?.ok_or(Fault::Damaged)?;
    walk.go_to(head.content)?;
    let (flags, id) = (walk.be32()?, walk.be32()?);
    let Some(size) = removed.get(&id) else {
        track.each(walk, |inner, _| match &inner.kind {
            b"tfhd" | b"tfdt" | b"trun" | b"sbgp" | b"sgpd" | b"subs" | b"saiz" | b"saio"
            | b"senc" => Ok(()),
            _ => inner.free(edits),
        })?;
        return Ok(Vec::new());
    };
    let base = if flags & HAS_BASE == 0 { fragment.start } else { walk.be64()? };
    for flag in [HAS_DESCRIPTION, HAS_DURATION] {
        walk.skip(if flags & flag == 0 { 0 } else { 4 })?;
    }
    let size = if flags & HAS_SIZE == 0 { *size } else { walk.be32()?.into() };
    let (mut samples, mut next) = (Vec::new(), base);
    track.each(walk, |inner, walk| {
        if &inner.kind == b"trun" {
            walk.go_to(inner.content)?;
            let (from, to) = run(walk, base, next, size)?;
            next = to;
            samples.push((from, to));
        }
        Ok(())
    })?;
    track.free(edits)?;
    Ok(samples)
}

/// Returns where the samples of a run begin and end.
fn run(
    walk: &mut Walk<impl Read + Seek>,
    base: u64,
    next: u64,
    size: u64,
) -> Result<(u64, u64), Fault> {
    let (flags, count) = (walk.be32()?, walk.be32()?);
    let has = |flag| flags & flag != 0;
    let mut from = next;
    if has(RUN_HAS_OFFSET) {
        let offset = i32::from_be_bytes(walk.array()?);
        from = base.checked_add_signed(offset.into()).ok_or(Fault::Damaged)?;
    }
    walk.skip(if has(RUN_HAS_FIRST_FLAGS) { 4 } else { 0 })?;
    if !has(RUN_HAS_SIZES) {
        return end(from, size.checked_mul(count.into()));
    }
    let mut total = 0_u64;
    for _ in 0..count {
        walk.skip(if has(RUN_HAS_DURATIONS) { 4 } else { 0 })?;
        total += u64::from(walk.be32()?);
        let others = [has(RUN_HAS_FLAGS), has(RUN_HAS_TIMES)];
        walk.skip(others.into_iter().filter(|has| *has).count() as u64 * 4)?;
    }
    end(from, Some(total))
}

fn end(from: u64, length: Option<u64>) -> Result<(u64, u64), Fault> {
    let to = length.and_then(|length| from.checked_add(length)).ok_or(Fault::Damaged)?;
    Ok((from, to))
}
