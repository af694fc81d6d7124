//! Matroska and WebM (RFC 9559, in EBML of RFC 8794): elements with an id, a length and content.
//!
//! Nothing moves, because an index says where each cluster is. Elements that say something about the film become `Void`;
//! texts that must exist become zeros. What is no picture, sound or subtitle is refused: nothing is known of it.

use std::io::{Read, Seek};

use super::super::plan::{Edits, Plan};
use super::super::walk::{Fault, Walk, big_endian};
use super::super::{Facts, InlineType};
use super::Tracks;

const HEADER: u32 = 0x1a45_dfa3;
const DOCUMENT_TYPE: u32 = 0x4282;
const SEGMENT: u32 = 0x1853_8067;
const SEEK_HEAD: u32 = 0x114d_9b74;
const INFO: u32 = 0x1549_a966;
const TRACKS: u32 = 0x1654_ae6b;
const CLUSTER: u32 = 0x1f43_b675;
const CUES: u32 = 0x1c53_bb6b;
const VOID: u32 = 0xec;
const CHECKSUM: u32 = 0xbf;
/// In `INFO`.
const SCALE: u32 = 0x2a_d7b1;
const DURATION: u32 = 0x4489;
const MUXING_PROGRAM: u32 = 0x4d80;
const WRITING_PROGRAM: u32 = 0x5741;
/// In `TRACKS`.
const TRACK: u32 = 0xae;
const TRACK_TYPE: u32 = 0x83;
const TRACK_NAME: u32 = 0x536e;
const VIDEO: u32 = 0xe0;
const WIDTH: u32 = 0xb0;
const HEIGHT: u32 = 0xba;
/// Types of tracks.
const PICTURES: u64 = 1;
const SOUND: u64 = 2;
const SUBTITLES: u64 = 0x11;

/// An element in the file.
#[derive(Clone, Copy)]
struct Element {
    id: u32,
    start: u64,
    content: u64,
    /// `None` if its end is not said: recordings are written while they go on.
    end: Option<u64>,
}

impl Element {
    fn read(walk: &mut Walk<impl Read + Seek>, limit: u64) -> Result<Self, Fault> {
        let start = walk.at();
        let first = walk.byte()?;
        let more = u64::from(first.leading_zeros());
        if more > 3 {
            return Err(Fault::Damaged);
        }
        let id = big_endian(&walk.bytes(more)?) | u64::from(first) << (8 * more);
        let first = walk.byte()?;
        let more = first.leading_zeros();
        if more > 7 {
            return Err(Fault::Damaged);
        }
        let bits = 7 * (more + 1);
        let length = big_endian(&walk.bytes(more.into())?) | u64::from(first) << (8 * more);
        let length = length & ((1 << bits) - 1);
        let is_unknown = length == (1 << bits) - 1;
        let (content, id) = (walk.at(), u32::try_from(id).map_err(|_| Fault::Damaged)?);
        let end = content.checked_add(length).ok_or(Fault::Damaged)?;
        if is_unknown {
            Ok(Self { id, start, content, end: None })
        } else if end > limit {
            Err(Fault::Damaged)
        } else {
            Ok(Self { id, start, content, end: Some(end) })
        }
    }

    fn end(self) -> Result<u64, Fault> {
        self.end.ok_or(Fault::Damaged)
    }

    /// Calls `visit` with each element in this one.
    fn each<R: Read + Seek>(
        self,
        walk: &mut Walk<R>,
        mut visit: impl FnMut(Self, &mut Walk<R>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        walk.go_to(self.content)?;
        let end = self.end()?;
        while walk.at() < end {
            let inner = Self::read(walk, end)?;
            visit(inner, walk)?;
            walk.go_to(inner.end()?)?;
        }
        Ok(())
    }

    /// Reads a number of up to 8 bytes.
    fn number(self, walk: &mut Walk<impl Read + Seek>) -> Result<u64, Fault> {
        walk.go_to(self.content)?;
        let length = self.end()? - self.content;
        if length > 8 { Err(Fault::Damaged) } else { Ok(big_endian(&walk.bytes(length)?)) }
    }

    fn zero(self, edits: &mut Edits) -> Result<(), Fault> {
        edits.zero(self.content, self.end()?)
    }

    /// Turns the element into one that readers skip, of the same length.
    fn void(self, edits: &mut Edits) -> Result<(), Fault> {
        let end = self.end()?;
        edits.zero(self.start, end)?;
        let length = end - self.start;
        // A length is one byte, or eight: the first bit that is set says which.
        let head = match u8::try_from(length - 2) {
            Ok(short @ ..=126) => vec![0xec, 0x80 | short],
            _ => [&[0xec][..], &((length - 9) | 1 << 56).to_be_bytes()].concat(),
        };
        edits.write(self.start, head)
    }
}

pub fn plan(walk: &mut Walk<impl Read + Seek>) -> Result<(Plan, Facts), Fault> {
    let header = Element::read(walk, walk.length())?;
    if header.id != HEADER {
        return Err(Fault::Damaged);
    }
    let mut film = Film { scale: 1_000_000, ..Film::default() };
    header.each(walk, |inner, walk| {
        if inner.id == DOCUMENT_TYPE {
            walk.go_to(inner.content)?;
            film.is_webm = walk.bytes(inner.end()? - inner.content)?.starts_with(b"webm");
        }
        Ok(())
    })?;
    let mut segment = Element::read(walk, walk.length())?;
    while segment.id == VOID {
        segment.zero(&mut film.edits)?;
        walk.go_to(segment.end()?)?;
        segment = Element::read(walk, walk.length())?;
    }
    if segment.id != SEGMENT {
        return Err(Fault::Damaged);
    }
    let end = segment.end.unwrap_or(walk.length());
    while walk.at() < end {
        let part = Element::read(walk, end)?;
        film.part(part, walk)?;
        match part.end {
            Some(end) => walk.go_to(end)?,
            None if part.id == CLUSTER => open_cluster(walk, end)?,
            None => return Err(Fault::Damaged),
        }
    }
    film.edits.cut(end);
    film.finish()
}

/// Moves to the end of a cluster that does not say where it is: the next element that cannot be inside.
fn open_cluster(walk: &mut Walk<impl Read + Seek>, end: u64) -> Result<(), Fault> {
    while walk.at() < end {
        let inner = Element::read(walk, end)?;
        // Elements beside a cluster have ids of four bytes, those inside have not.
        if inner.id >= 0x1000_0000 {
            return walk.go_to(inner.start);
        }
        walk.go_to(inner.end()?)?;
    }
    Ok(())
}

#[derive(Default)]
struct Film {
    edits: Edits,
    is_webm: bool,
    tracks: Tracks,
    has_data: bool,
    size: Option<(u32, u32)>,
    /// Nanoseconds of a unit of time.
    scale: u64,
    duration: Option<f64>,
}

impl Film {
    /// Cleans an element of the segment.
    fn part<R: Read + Seek>(&mut self, part: Element, walk: &mut Walk<R>) -> Result<(), Fault> {
        match part.id {
            CLUSTER => {
                self.has_data = true;
                Ok(())
            }
            SEEK_HEAD | CUES => Ok(()),
            INFO => part.each(walk, |inner, walk| self.in_info(inner, walk)),
            TRACKS => part.each(walk, |inner, walk| match inner.id {
                TRACK => self.track(inner, walk),
                _ => inner.void(&mut self.edits),
            }),
            VOID => part.zero(&mut self.edits),
            // Tags, attachments, chapters, and a checksum that is no longer right.
            _ => part.void(&mut self.edits),
        }
    }

    fn in_info<R: Read + Seek>(&mut self, part: Element, walk: &mut Walk<R>) -> Result<(), Fault> {
        match part.id {
            SCALE => self.scale = part.number(walk)?,
            DURATION => {
                let bits = part.number(walk)?;
                self.duration = match (part.end()? - part.content, u32::try_from(bits)) {
                    (4, Ok(bits)) => Some(f32::from_bits(bits).into()),
                    (8, _) => Some(f64::from_bits(bits)),
                    _ => None,
                };
            }
            MUXING_PROGRAM | WRITING_PROGRAM => part.zero(&mut self.edits)?,
            _ => part.void(&mut self.edits)?,
        }
        Ok(())
    }

    fn track<R: Read + Seek>(&mut self, track: Element, walk: &mut Walk<R>) -> Result<(), Fault> {
        track.each(walk, |part, walk| {
            match part.id {
                TRACK_TYPE => match part.number(walk)? {
                    PICTURES => self.tracks.pictures = true,
                    SOUND => self.tracks.sound = true,
                    SUBTITLES => {}
                    _ => return Err(Fault::Damaged),
                },
                TRACK_NAME | VOID | CHECKSUM => part.void(&mut self.edits)?,
                VIDEO => self.video(part, walk)?,
                _ => {}
            }
            Ok(())
        })
    }

    fn video<R: Read + Seek>(&mut self, video: Element, walk: &mut Walk<R>) -> Result<(), Fault> {
        let (mut width, mut height) = (0, 0);
        video.each(walk, |part, walk| {
            match part.id {
                WIDTH => width = part.number(walk)?,
                HEIGHT => height = part.number(walk)?,
                _ => {}
            }
            Ok(())
        })?;
        if let (None, Ok(width @ 1..), Ok(height @ 1..)) =
            (self.size, u32::try_from(width), u32::try_from(height))
        {
            self.size = Some((width, height));
        }
        Ok(())
    }

    fn finish(self) -> Result<(Plan, Facts), Fault> {
        if !self.has_data {
            return Err(Fault::Damaged);
        }
        let inline = match (self.is_webm, self.tracks.pictures, self.tracks.sound) {
            (true, true, _) => Some(InlineType::WebM),
            (true, false, true) => Some(InlineType::WebMAudio),
            _ => None,
        };
        let (width, height) = self.size.unzip();
        let duration_ms = self.duration.and_then(|duration| milliseconds(duration, self.scale));
        let facts = Facts { inline, width, height, duration_ms };
        Ok((Plan::Overwrite(self.edits), facts))
    }
}

fn milliseconds(duration: f64, scale: u64) -> Option<u64> {
    let scale = u32::try_from(scale).ok()?;
    let seconds = duration * f64::from(scale) / 1e9;
    let duration = std::time::Duration::try_from_secs_f64(seconds).ok()?;
    u64::try_from(duration.as_millis()).ok().filter(|ms| *ms > 0)
}
