//! Ogg (RFC 3533) with Opus (RFC 7845), Vorbis, FLAC, Speex or Theora: pages of packets. Comments, which may contain
//! pictures, are overwritten with an empty list and zeros of the same length, and the checksums of their pages are
//! written again.
//!
//! A stream of another codec is refused: nothing is known of its packets. What follows the last whole page is cut off.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use super::super::plan::{Edits, Plan};
use super::super::walk::{Fault, Walk, big_endian, little_endian};
use super::super::{Facts, InlineType};

/// Streams of one file.
const MOST_STREAMS: usize = 32;
/// Flags of a page.
const CONTINUES: u8 = 1;
const IS_FIRST: u8 = 2;

pub fn plan(walk: &mut Walk<impl Read + Seek>) -> Result<(Plan, Facts), Fault> {
    let mut file = Streams::default();
    let mut end = 0;
    while let Some(page) = Page::read(walk)? {
        file.page(&page)?;
        end = walk.at();
    }
    if end == 0 {
        return Err(Fault::Damaged);
    }
    file.edits.cut(end);
    let inline = if file.has_pictures { None } else { Some(InlineType::Ogg) };
    let facts = Facts { inline, duration_ms: file.duration(), ..Facts::default() };
    Ok((Plan::Overwrite(file.edits), facts))
}

struct Page {
    start: u64,
    flags: u8,
    granule: u64,
    stream: u64,
    /// The bytes of the page, its head included.
    bytes: Vec<u8>,
    /// Where each packet, or the part of one, ends in `bytes`, and whether it is complete.
    packets: Vec<(usize, bool)>,
    /// Where the first one begins.
    content: usize,
}

impl Page {
    /// Reads a page. `None` where no whole page follows.
    fn read(walk: &mut Walk<impl Read + Seek>) -> Result<Option<Self>, Fault> {
        let start = walk.at();
        let head = walk.peek(27)?;
        if head.len() < 27 || !head.starts_with(b"OggS\0") {
            return Ok(None);
        }
        let content = 27 + usize::from(head[26]);
        let table = walk.peek(content as u64)?;
        let lengths = table.get(27..content).unwrap_or(&[]);
        let length = content + lengths.iter().map(|length| usize::from(*length)).sum::<usize>();
        if walk.left() < length as u64 {
            return Ok(None);
        }
        let (mut packets, mut at) = (Vec::new(), content);
        for (number, length) in (1..).zip(lengths) {
            at += usize::from(*length);
            // A length of 255 goes on in the next.
            if *length < 255 {
                packets.push((at, true));
            } else if number == lengths.len() {
                packets.push((at, false));
            }
        }
        Ok(Some(Self {
            start,
            flags: head[5],
            granule: little_endian(&head[6..14]),
            stream: little_endian(&head[14..18]),
            bytes: walk.bytes(length as u64)?,
            packets,
            content,
        }))
    }
}

/// What a stream contains.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Codec {
    Opus {
        skipped: u64,
    },
    Vorbis {
        rate: u64,
    },
    Flac {
        rate: u64,
    },
    Speex {
        rate: u64,
    },
    Theora,
    /// The index of a film, without sound.
    Skeleton,
}

impl Codec {
    /// Reads the first packet of a stream.
    fn read(packet: &[u8]) -> Option<Self> {
        let number = |from: usize, to: usize| packet.get(from..to).map(little_endian);
        if packet.starts_with(b"OpusHead") {
            Some(Self::Opus { skipped: number(10, 12)? })
        } else if packet.starts_with(b"\x01vorbis") {
            Some(Self::Vorbis { rate: number(12, 16)? })
        } else if packet.starts_with(b"\x7fFLAC") {
            Some(Self::Flac { rate: big_endian(packet.get(27..30)?) >> 4 })
        } else if packet.starts_with(b"Speex   ") {
            Some(Self::Speex { rate: number(36, 40)? })
        } else if packet.starts_with(b"\x80theora") {
            Some(Self::Theora)
        } else if packet.starts_with(b"fishead\0") {
            Some(Self::Skeleton)
        } else {
            None
        }
    }

    /// The second packet, without comments. The rest of it is zero.
    fn without_comments(self, packet: &[u8]) -> Result<Vec<u8>, Fault> {
        let (start, end): (&[u8], &[u8]) = match self {
            Self::Opus { .. } => (b"OpusTags", b""),
            // A bit says that the packet is valid.
            Self::Vorbis { .. } => (b"\x03vorbis", &[1]),
            Self::Theora => (b"\x81theora", b""),
            Self::Flac { .. } => (packet.get(..4).ok_or(Fault::Damaged)?, b""),
            Self::Speex { .. } => (b"", b""),
            Self::Skeleton => return Ok(Vec::new()),
        };
        let is_valid = packet.starts_with(start) && packet.len() >= start.len() + 8 + end.len();
        if is_valid { Ok([start, &[0; 8], end].concat()) } else { Err(Fault::Damaged) }
    }
}

struct Stream {
    codec: Codec,
    /// The packet that is read: 0 is the first.
    packet: u64,
    /// Bytes of this packet so far.
    within: usize,
    /// The new bytes at the beginning of this packet, if it is overwritten.
    new: Option<Vec<u8>>,
    /// Whether this packet or a later one may have comments.
    has_more: bool,
    /// Whether this packet is the last that may: FLAC says so in each.
    is_last: bool,
}

#[derive(Default)]
struct Streams {
    edits: Edits,
    open: BTreeMap<u64, Stream>,
    has_pictures: bool,
    /// The longest stream with sound, in milliseconds.
    duration_ms: u64,
}

impl Streams {
    fn duration(&self) -> Option<u64> {
        Some(self.duration_ms).filter(|ms| *ms > 0)
    }

    fn page(&mut self, page: &Page) -> Result<(), Fault> {
        if page.flags & IS_FIRST != 0 {
            let first = page.packets.first().ok_or(Fault::Damaged)?;
            let codec = Codec::read(page.bytes.get(page.content..first.0).unwrap_or(&[]));
            let codec = codec.ok_or(Fault::Damaged)?;
            self.has_pictures |= codec == Codec::Theora;
            let has_more = codec != Codec::Skeleton;
            let stream =
                Stream { codec, packet: 0, within: 0, new: None, has_more, is_last: false };
            self.open.insert(page.stream, stream);
            if self.open.len() > MOST_STREAMS {
                return Err(Fault::Damaged);
            }
        }
        let stream = self.open.get_mut(&page.stream).ok_or(Fault::Damaged)?;
        let is_continued = page.flags & CONTINUES != 0;
        if stream.has_more && is_continued != (stream.within > 0) {
            return Err(Fault::Damaged);
        }
        if let Some(ms) = milliseconds(stream.codec, page.granule) {
            self.duration_ms = self.duration_ms.max(ms);
        }
        let mut bytes = page.bytes.clone();
        let is_changed = stream.clean(&mut bytes, page)?;
        if is_changed {
            bytes[22..26].fill(0);
            let checksum = checksum(&bytes).to_le_bytes();
            bytes[22..26].copy_from_slice(&checksum);
            self.overwrite(page, &bytes)?;
        }
        Ok(())
    }

    /// Zeros, and then what is not zero: a page of comments takes no memory.
    fn overwrite(&mut self, page: &Page, bytes: &[u8]) -> Result<(), Fault> {
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        self.edits.zero(page.start, page.start + bytes.len() as u64)?;
        self.edits.write(page.start, bytes.get(..used).unwrap_or(&[]))
    }
}

impl Stream {
    /// Overwrites the comments in a page. Returns whether there were any.
    fn clean(&mut self, bytes: &mut [u8], page: &Page) -> Result<bool, Fault> {
        let mut from = page.content;
        let mut is_changed = false;
        for (to, is_complete) in &page.packets {
            if !self.has_more {
                break;
            }
            let packet = bytes.get_mut(from..*to).ok_or(Fault::Damaged)?;
            if self.packet > 0 {
                if self.within == 0 {
                    self.new = self.replacement(packet)?;
                }
                if let Some(new) = &self.new {
                    for (at, byte) in (self.within..).zip(packet.iter_mut()) {
                        *byte = new.get(at).copied().unwrap_or(0);
                    }
                    is_changed = true;
                }
            }
            self.within += packet.len();
            if *is_complete {
                self.has_more = !self.is_last;
                (self.packet, self.within) = (self.packet + 1, 0);
            }
            from = *to;
        }
        Ok(is_changed)
    }

    /// What a packet behind the first becomes, if it is one of comments.
    fn replacement(&mut self, packet: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        // All but FLAC have one packet of comments, right behind the first.
        if !matches!(self.codec, Codec::Flac { .. }) {
            self.is_last = true;
            return self.codec.without_comments(packet).map(Some);
        }
        // A block of metadata: its first bit says that it is the last.
        let &[kind, a, b, c, ..] = packet else { return Err(Fault::Damaged) };
        self.is_last = kind & 0x80 != 0;
        // Sound begins without metadata before it.
        if kind == 0xff {
            return Ok(None);
        }
        match kind & 0x7f {
            4 => self.codec.without_comments(packet).map(Some),
            3 => Ok(None),
            // Padding of the same length.
            _ => Ok(Some(vec![kind & 0x80 | 1, a, b, c])),
        }
    }
}

fn milliseconds(codec: Codec, granule: u64) -> Option<u64> {
    let (samples, rate) = match codec {
        // All bits say that no packet ends on the page.
        _ if granule == u64::MAX => return None,
        Codec::Opus { skipped } => (granule.saturating_sub(skipped), 48_000),
        Codec::Vorbis { rate } | Codec::Flac { rate } | Codec::Speex { rate } => (granule, rate),
        Codec::Theora | Codec::Skeleton => return None,
    };
    samples.checked_mul(1_000)?.checked_div(rate)
}

/// The checksum of a page: a CRC with the polynomial 0x04c11db7, without reflection.
fn checksum(page: &[u8]) -> u32 {
    page.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            if crc >> 31 == 1 { crc << 1 ^ 0x04c1_1db7 } else { crc << 1 }
        })
    })
}
