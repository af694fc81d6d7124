//! MP4, QuickTime and M4A (ISO 14496-12, QuickTime File Format), and the still pictures in the same boxes: HEIF and AVIF
//! (ISO 23008-12), JPEG XL, JPEG 2000.
//!
//! Nothing moves, because tables say where each sample is. Boxes that are not known, with all texts, become `free` and
//! empty; times become zero. Only tracks of pictures and of sound stay: the others are what cameras measure, their
//! place above all. Drones write it as subtitles, so subtitles go, too. What follows the last box is cut off.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use super::super::boxes::{IsoBox, Kind};
use super::super::picture::heif;
use super::super::plan::{Edits, Plan};
use super::super::walk::{Fault, Walk};
use super::super::{Facts, InlineType};
use super::{Tracks, fragments, samples};

/// Boxes that stay, by the box that they are in.
const IN_FILE: [&Kind; 20] = [
    b"ftyp", b"styp", b"mdat", b"moov", b"moof", b"mfra", b"sidx", b"ssix", b"pdin", b"meta",
    b"JXL ", b"jxll", b"jxli", b"jxlc", b"jxlp", b"jbrd", b"jP  ", b"jp2h", b"jp2c", b"jp2i",
];
const IN_MOVIE: [&Kind; 5] = [b"mvhd", b"trak", b"mvex", b"iods", b"pssh"];
const IN_TRACK: [&Kind; 7] = [b"tkhd", b"mdia", b"edts", b"tref", b"tapt", b"clip", b"load"];
const IN_MEDIA: [&Kind; 4] = [b"mdhd", b"hdlr", b"minf", b"elng"];
const IN_MEDIA_INFORMATION: [&Kind; 8] =
    [b"vmhd", b"smhd", b"hmhd", b"nmhd", b"gmhd", b"dinf", b"stbl", b"hdlr"];
const IN_TABLES: [&Kind; 19] = [
    b"stsd", b"stts", b"stss", b"stsc", b"stsz", b"stz2", b"stco", b"co64", b"ctts", b"cslg",
    b"sbgp", b"sgpd", b"subs", b"saiz", b"saio", b"stps", b"sdtp", b"stsh", b"stdp",
];
const PICTURES: [&Kind; 3] = [b"vide", b"auxv", b"pict"];
const SOUND: &Kind = b"soun";

/// What a file says that it is, by the first letters in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brand {
    Mp4,
    QuickTime,
    /// HEIF, AVIF, JPEG XL, JPEG 2000.
    Still,
    /// A container that no browser shows, such as raw files of Canon.
    Other,
}

pub fn plan(walk: &mut Walk<impl Read + Seek>, brand: Brand) -> Result<(Plan, Facts), Fault> {
    let mut film = Film { is_still: brand == Brand::Still, ..Film::default() };
    while walk.left() > 0 {
        let start = walk.at();
        let part = match IsoBox::read(walk, walk.length()) {
            Ok(part) => part,
            Err(Fault::Damaged) if film.is_whole() => {
                film.edits.cut(start);
                break;
            }
            Err(fault) => return Err(fault),
        };
        film.part(part, walk)?;
        walk.go_to(part.end)?;
    }
    if !film.is_whole() {
        return Err(Fault::Damaged);
    }
    film.overwrite_data()?;
    let inline = match brand {
        Brand::Mp4 if film.tracks.pictures => Some(InlineType::Mp4),
        Brand::Mp4 if film.tracks.sound => Some(InlineType::M4a),
        Brand::QuickTime if film.tracks.pictures => Some(InlineType::Mov),
        _ => None,
    };
    let (width, height) = film.size.unzip();
    let facts = Facts { inline, width, height, duration_ms: film.duration_ms };
    Ok((Plan::Overwrite(film.edits), facts))
}

#[derive(Default)]
struct Film {
    edits: Edits,
    is_still: bool,
    /// Whether it has descriptions, and data.
    is_described: bool,
    has_data: bool,
    /// Where samples can be, in order.
    data: Vec<(u64, u64)>,
    /// Samples of removed tracks.
    removed_data: Vec<(u64, u64)>,
    tracks: Tracks,
    /// The tracks that are removed, with the size of samples that say none.
    removed: BTreeMap<u32, u64>,
    size: Option<(u32, u32)>,
    duration_ms: Option<u64>,
}

impl Film {
    fn is_whole(&self) -> bool {
        self.is_described && self.has_data
    }

    /// Overwrites the samples of removed tracks. One that is elsewhere than in data would overwrite the rest of the file.
    fn overwrite_data(&mut self) -> Result<(), Fault> {
        for (from, to) in std::mem::take(&mut self.removed_data) {
            let before = self.data.partition_point(|(start, _)| *start <= from);
            let data = before.checked_sub(1).and_then(|last| self.data.get(last));
            if from < to && data.is_none_or(|(_, end)| to > *end) {
                return Err(Fault::Damaged);
            }
            self.edits.zero(from, to)?;
        }
        Ok(())
    }

    fn part<R: Read + Seek>(&mut self, part: IsoBox, walk: &mut Walk<R>) -> Result<(), Fault> {
        match &part.kind {
            b"moov" => {
                self.is_described = true;
                part.each(walk, |inner, walk| self.in_movie(inner, walk))?;
                self.defaults(part, walk)
            }
            b"moof" if !self.is_described => Err(Fault::Damaged),
            b"moof" => {
                self.has_data = true;
                let samples = fragments::clean(part, &self.removed, walk, &mut self.edits)?;
                self.removed_data.extend(samples);
                Ok(())
            }
            b"meta" if self.is_still => {
                self.is_described = true;
                let items = heif::clean(part, walk, &mut self.edits)?;
                self.removed_data.extend(items);
                Ok(())
            }
            b"jxlc" | b"jxlp" | b"jp2c" => {
                (self.is_described, self.has_data) = (true, true);
                Ok(())
            }
            b"mdat" => {
                self.has_data = true;
                self.data.push((part.content, part.end));
                Ok(())
            }
            kind if IN_FILE.contains(&kind) && kind != b"meta" => Ok(()),
            _ => part.free(&mut self.edits),
        }
    }

    fn in_movie<R: Read + Seek>(&mut self, part: IsoBox, walk: &mut Walk<R>) -> Result<(), Fault> {
        match &part.kind {
            b"mvhd" => self.duration_ms = self.clock(part, walk)?,
            b"trak" => return self.track(part, walk),
            // The whole description, compressed.
            b"cmov" => return Err(Fault::Damaged),
            kind if IN_MOVIE.contains(&kind) => {}
            _ => part.free(&mut self.edits)?,
        }
        Ok(())
    }

    /// Overwrites the times in a header, and returns the duration that it says.
    fn clock(
        &mut self,
        header: IsoBox,
        walk: &mut Walk<impl Read + Seek>,
    ) -> Result<Option<u64>, Fault> {
        let is_wide = self.times(header, walk)?;
        let scale = u64::from(walk.be32()?);
        let duration = if is_wide { walk.be64()? } else { walk.be32()?.into() };
        let is_unknown =
            duration == 0 || duration == if is_wide { u64::MAX } else { u32::MAX.into() };
        Ok(duration.checked_mul(1_000).filter(|_| !is_unknown).and_then(|ms| ms.checked_div(scale)))
    }

    /// Overwrites the two times at the beginning of a header. Returns whether its times have 64 bits.
    fn times(&mut self, header: IsoBox, walk: &mut Walk<impl Read + Seek>) -> Result<bool, Fault> {
        walk.go_to(header.content)?;
        let is_wide = walk.be32()? >> 24 == 1;
        let times = walk.at();
        walk.skip(if is_wide { 16 } else { 8 })?;
        self.edits.zero(times, walk.at())?;
        Ok(is_wide)
    }

    fn track<R: Read + Seek>(&mut self, track: IsoBox, walk: &mut Walk<R>) -> Result<(), Fault> {
        let handler = match track.find(walk, &[*b"mdia", *b"hdlr"])? {
            Some(handler) => {
                walk.go_to(handler.content + 8)?;
                walk.array()?
            }
            None => *b"none",
        };
        let is_picture = PICTURES.contains(&&handler);
        if !is_picture && handler != *SOUND {
            return self.remove(track, walk);
        }
        self.tracks.pictures |= is_picture;
        self.tracks.sound |= !is_picture;
        track.each(walk, |part, walk| match &part.kind {
            b"tkhd" => self.track_header(part, walk),
            b"mdia" => part.each(walk, |part, walk| self.in_media(part, is_picture, walk)),
            kind if IN_TRACK.contains(&kind) => Ok(()),
            _ => part.free(&mut self.edits),
        })
    }

    /// Removes a track with its samples.
    fn remove<R: Read + Seek>(&mut self, track: IsoBox, walk: &mut Walk<R>) -> Result<(), Fault> {
        let header = track.find(walk, &[*b"tkhd"])?.ok_or(Fault::Damaged)?;
        walk.go_to(header.content)?;
        let is_wide = walk.be32()? >> 24 == 1;
        walk.skip(if is_wide { 16 } else { 8 })?;
        self.removed.insert(walk.be32()?, 0);
        if let Some(tables) = track.find(walk, &[*b"mdia", *b"minf", *b"stbl"])? {
            self.removed_data.extend(samples::chunks(tables, walk)?);
        }
        track.free(&mut self.edits)
    }

    /// Reads the size of the first picture that has one.
    fn track_header(
        &mut self,
        header: IsoBox,
        walk: &mut Walk<impl Read + Seek>,
    ) -> Result<(), Fault> {
        let is_wide = self.times(header, walk)?;
        // Id, duration, layer and volume.
        walk.skip(if is_wide { 32 } else { 28 })?;
        // A matrix of nine, which turns the picture: to the side, if what keeps x and y is zero.
        let [across, _, _, _, down, _, _, _, _] = [
            walk.be32()?,
            walk.be32()?,
            walk.be32()?,
            walk.be32()?,
            walk.be32()?,
            walk.be32()?,
            walk.be32()?,
            walk.be32()?,
            walk.be32()?,
        ];
        let (width, height) = (walk.be32()? >> 16, walk.be32()? >> 16);
        if self.size.is_none() && width > 0 && height > 0 {
            let is_on_its_side = across == 0 && down == 0;
            self.size = Some(if is_on_its_side { (height, width) } else { (width, height) });
        }
        Ok(())
    }

    fn in_media<R: Read + Seek>(
        &mut self,
        part: IsoBox,
        is_picture: bool,
        walk: &mut Walk<R>,
    ) -> Result<(), Fault> {
        match &part.kind {
            b"mdhd" => self.times(part, walk).map(drop),
            b"hdlr" => self.handler(part),
            b"minf" => part.each(walk, |part, walk| match &part.kind {
                b"hdlr" => self.handler(part),
                b"dinf" => part.each(walk, |part, walk| self.references(part, walk)),
                b"stbl" => part.each(walk, |part, walk| match &part.kind {
                    b"stsd" if is_picture => self.descriptions(part, walk),
                    kind if IN_TABLES.contains(&kind) => Ok(()),
                    _ => part.free(&mut self.edits),
                }),
                kind if IN_MEDIA_INFORMATION.contains(&kind) => Ok(()),
                _ => part.free(&mut self.edits),
            }),
            kind if IN_MEDIA.contains(&kind) => Ok(()),
            _ => part.free(&mut self.edits),
        }
    }

    /// Overwrites the name of a handler: cameras write their own.
    fn handler(&mut self, part: IsoBox) -> Result<(), Fault> {
        self.edits.zero(part.content + 24, part.end)
    }

    /// Overwrites where the samples are, if not in this file: the path of a file on a disk.
    fn references<R: Read + Seek>(
        &mut self,
        part: IsoBox,
        walk: &mut Walk<R>,
    ) -> Result<(), Fault> {
        if &part.kind != b"dref" {
            return part.free(&mut self.edits);
        }
        part.without(8)?
            .each(walk, |reference, _| self.edits.zero(reference.content + 4, reference.end))
    }

    /// Overwrites the maker and the name of the encoder in descriptions of pictures.
    fn descriptions<R: Read + Seek>(
        &mut self,
        part: IsoBox,
        walk: &mut Walk<R>,
    ) -> Result<(), Fault> {
        part.without(8)?.each(walk, |description, _| {
            for (from, to) in [(20, 24), (50, 82)] {
                let (from, to) = (description.start + from, description.start + to);
                self.edits.zero(from, to.min(description.end))?;
            }
            Ok(())
        })
    }

    /// Reads the size of samples in fragments that say none, of the tracks that are removed.
    fn defaults<R: Read + Seek>(&mut self, movie: IsoBox, walk: &mut Walk<R>) -> Result<(), Fault> {
        let Some(defaults) = movie.find(walk, &[*b"mvex"])? else { return Ok(()) };
        defaults.each(walk, |part, walk| {
            match &part.kind {
                b"trex" => {
                    walk.go_to(part.content + 4)?;
                    let id = walk.be32()?;
                    walk.skip(8)?;
                    let size = walk.be32()?.into();
                    self.removed.entry(id).and_modify(|default| *default = size);
                }
                b"mehd" => {}
                _ => part.free(&mut self.edits)?,
            }
            Ok(())
        })
    }
}
