//! Parses the header of a picture: its format and size, and so the cost of decoding it.
//!
//! Decodes nothing and allocates nothing of the picture's size: a file of 90 bytes may claim gigabytes. Used by
//! the server before it starts a child, and again by the child before it starts a decoder.

use std::io::{self, BufRead, Read, Seek};

use crate::limits::picture as limits;

/// A JPEG has about 20 segments before its pixels. Many more are an attack on the CPU.
const MAX_JPEG_SEGMENTS: usize = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Jpeg,
    Png,
    Gif,
    WebP,
}

/// Why a picture is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Not a supported format, or corrupted.
    Unreadable,
    /// Too many pixels, too long a side, too narrow, or too many bytes when decoded.
    TooLarge,
}

impl From<io::Error> for Refusal {
    fn from(_: io::Error) -> Self {
        Self::Unreadable
    }
}

/// A checked header: only [`Header::read`] creates one, so its picture may be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub format: Format,
    pub width: u32,
    pub height: u32,
}

/// The width and height of a picture that Patio encoded.
pub fn dimensions(picture: &[u8]) -> Option<(u32, u32)> {
    let header = Header::read(&mut io::Cursor::new(picture)).ok()?;
    Some((header.width, header.height))
}

impl Header {
    /// Reads the header and checks it against the limits.
    pub(super) fn read(file: &mut (impl BufRead + Seek)) -> Result<Self, Refusal> {
        let mut start = Vec::with_capacity(HEAD);
        file.take(HEAD as u64).read_to_end(&mut start)?;
        let claim = match start.as_slice() {
            [0xff, 0xd8, 0xff, ..] => {
                file.seek(io::SeekFrom::Start(2))?;
                jpeg(file)?
            }
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => png(&start)?,
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => gif(&start)?,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => webp(&start)?,
            _ => return Err(Refusal::Unreadable),
        };
        claim.check()
    }
}

/// The bytes to read for formats with the size at a fixed position.
const HEAD: usize = 32;

/// The values in a header, not yet checked against the limits.
struct Claim {
    header: Header,
    /// The memory that the decoder needs: pixels, or the coefficients of a progressive JPEG.
    bytes: u64,
    max_bytes: u64,
}

impl Claim {
    fn of_pixels(format: Format, width: u32, height: u32, bytes_per_pixel: u64) -> Self {
        Self {
            header: Header { format, width, height },
            bytes: (u64::from(width) * u64::from(height)).saturating_mul(bytes_per_pixel),
            max_bytes: limits::DECODED_BYTES,
        }
    }

    fn check(self) -> Result<Header, Refusal> {
        let Header { width, height, .. } = self.header;
        let (short, long) = (width.min(height), width.max(height));
        if short == 0 {
            return Err(Refusal::Unreadable);
        }
        let too_large = long > limits::SIDE
            || long.div_ceil(short) > limits::RATIO
            || u64::from(width) * u64::from(height) > limits::PIXELS
            || self.bytes > self.max_bytes;
        if too_large { Err(Refusal::TooLarge) } else { Ok(self.header) }
    }
}

fn png(start: &[u8]) -> Result<Claim, Refusal> {
    let header = start.get(8..26).ok_or(Refusal::Unreadable)?;
    if header[..8] != [0, 0, 0, 13, b'I', b'H', b'D', b'R'] {
        return Err(Refusal::Unreadable);
    }
    // A palette is decoded to red, green and blue. A later chunk of the file may add transparency: the child
    // asks its decoder for the exact size.
    let channels = match header[17] {
        0 => 1,
        2 | 3 => 3,
        4 => 2,
        6 => 4,
        _ => return Err(Refusal::Unreadable),
    };
    let bytes = if header[16] == 16 { 2 * channels } else { channels };
    let (width, height) = (be32(&header[8..12]), be32(&header[12..16]));
    Ok(Claim::of_pixels(Format::Png, width, height, bytes))
}

fn gif(start: &[u8]) -> Result<Claim, Refusal> {
    let size = start.get(6..10).ok_or(Refusal::Unreadable)?;
    Ok(Claim::of_pixels(Format::Gif, le16(&size[..2]), le16(&size[2..]), 4))
}

fn webp(start: &[u8]) -> Result<Claim, Refusal> {
    let chunk = start.get(12..30).ok_or(Refusal::Unreadable)?;
    let (kind, data) = (&chunk[..4], &chunk[8..]);
    let (width, height, bytes) = match kind {
        b"VP8 " if data[3..6] == [0x9d, 0x01, 0x2a] => {
            (le16(&data[6..8]) & 0x3fff, le16(&data[8..10]) & 0x3fff, 3)
        }
        // 14 bits each for width and height, then one for transparency.
        b"VP8L" if data[0] == 0x2f => {
            let bits = u32::from_le_bytes([data[1], data[2], data[3], data[4]]);
            ((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1, 4)
        }
        b"VP8X" => (le24(&data[4..7]) + 1, le24(&data[7..10]) + 1, 4),
        _ => return Err(Refusal::Unreadable),
    };
    Ok(Claim::of_pixels(Format::WebP, width, height, bytes))
}

/// Walks the segments up to the frame header.
fn jpeg(file: &mut (impl BufRead + Seek)) -> Result<Claim, Refusal> {
    for _ in 0..MAX_JPEG_SEGMENTS {
        let mut marker = [0; 2];
        file.read_exact(&mut marker)?;
        while marker == [0xff, 0xff] {
            file.read_exact(&mut marker[1..])?;
        }
        let [0xff, kind] = marker else { return Err(Refusal::Unreadable) };
        let mut length = [0; 2];
        file.read_exact(&mut length)?;
        let length = u16::from_be_bytes(length).checked_sub(2).ok_or(Refusal::Unreadable)?;
        match kind {
            0xc0..=0xc2 => return jpeg_frame(file, usize::from(length), kind == 0xc2),
            // Tables, comments and application data.
            0xc4 | 0xdb..=0xdd | 0xe0..=0xef | 0xfe => file.seek_relative(length.into())?,
            // Lossless, hierarchical and arithmetic coding, or no valid header.
            _ => return Err(Refusal::Unreadable),
        }
    }
    Err(Refusal::Unreadable)
}

fn jpeg_frame(file: &mut impl Read, length: usize, progressive: bool) -> Result<Claim, Refusal> {
    let mut frame = [0; 6 + 3 * 4];
    let frame = frame.get_mut(..length).ok_or(Refusal::Unreadable)?;
    file.read_exact(frame)?;
    let [8, h1, h0, w1, w0, count @ (1 | 3 | 4), components @ ..] = &*frame else {
        return Err(Refusal::Unreadable);
    };
    let (width, height) = (u16::from_be_bytes([*w1, *w0]), u16::from_be_bytes([*h1, *h0]));
    if components.len() != 3 * usize::from(*count) {
        return Err(Refusal::Unreadable);
    }
    let sampling: Vec<(u64, u64)> =
        components.chunks(3).map(|one| ((one[1] >> 4).into(), (one[1] & 15).into())).collect();
    if sampling.iter().any(|(h, v)| !(1..=4).contains(h) || !(1..=4).contains(v)) {
        return Err(Refusal::Unreadable);
    }
    // The decoder scales while it decodes, so pixels need little memory. But it keeps all coefficients of a
    // progressive picture until the last scan, two bytes each.
    let largest = |side: fn(&(u64, u64)) -> u64| sampling.iter().map(side).max().unwrap_or(1);
    let columns = largest(|factors| factors.0) * 8;
    let rows = largest(|factors| factors.1) * 8;
    let units = u64::from(width).div_ceil(columns) * u64::from(height).div_ceil(rows);
    let blocks: u64 = sampling.iter().map(|(h, v)| h * v).sum();
    Ok(Claim {
        header: Header { format: Format::Jpeg, width: width.into(), height: height.into() },
        bytes: if progressive { units * blocks * 64 * 2 } else { 0 },
        max_bytes: limits::COEFFICIENT_BYTES,
    })
}

fn be32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

fn le16(bytes: &[u8]) -> u32 {
    u32::from(bytes[0]) | u32::from(bytes[1]) << 8
}

fn le24(bytes: &[u8]) -> u32 {
    le16(bytes) | u32::from(bytes[2]) << 16
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn read(file: &[u8]) -> Result<(u32, u32), Refusal> {
        let header = Header::read(&mut Cursor::new(file))?;
        Ok((header.width, header.height))
    }

    fn png(width: u32, height: u32, depth: u8, color: u8) -> Vec<u8> {
        let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        file.extend([width.to_be_bytes(), height.to_be_bytes()].concat());
        file.extend([depth, color, 0, 0, 0, 0, 0, 0, 0]);
        file
    }

    fn gif(width: u16, height: u16) -> Vec<u8> {
        [b"GIF89a", &width.to_le_bytes()[..], &height.to_le_bytes(), &[0; 22]].concat()
    }

    fn webp(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
        [b"RIFF\0\0\0\0WEBP", &kind[..], &[20, 0, 0, 0], data, &[0; 20]].concat()
    }

    fn extended(width: u32, height: u32) -> Vec<u8> {
        let three = |side: u32| (side - 1).to_le_bytes()[..3].to_vec();
        webp(*b"VP8X", &[vec![2, 0, 0, 0], three(width), three(height)].concat())
    }

    fn lossless(width: u32, height: u32) -> Vec<u8> {
        let bits = (width - 1) | (height - 1) << 14;
        webp(*b"VP8L", &[&[0x2f][..], &bits.to_le_bytes()].concat())
    }

    fn lossy(width: u16, height: u16) -> Vec<u8> {
        let size = [width.to_le_bytes(), height.to_le_bytes()].concat();
        webp(*b"VP8 ", &[&[0, 0, 0, 0x9d, 1, 0x2a][..], &size].concat())
    }

    /// `frame` is the marker; `sampling` has the factors of each component.
    fn jpeg(frame: u8, width: u16, height: u16, sampling: &[u8]) -> Vec<u8> {
        let mut file = vec![0xff, 0xd8, 0xff, 0xe0, 0, 6, 1, 2, 3, 4, 0xff, 0xff, frame, 0];
        let count = u8::try_from(sampling.len()).expect("few");
        file.extend([8 + 3 * count, 8]);
        file.extend([height.to_be_bytes(), width.to_be_bytes()].concat());
        file.push(count);
        file.extend(sampling.iter().flat_map(|factors| [1, *factors, 0]));
        file
    }

    const PHOTO: [u8; 3] = [0x22, 0x11, 0x11];

    #[test]
    fn normal_sizes_are_accepted_in_every_format() {
        for (file, size) in [
            (png(4000, 3000, 8, 6), (4000, 3000)),
            (png(4000, 3000, 16, 6), (4000, 3000)),
            (png(7000, 6000, 8, 2), (7000, 6000)),
            (png(1, 1, 1, 0), (1, 1)),
            (gif(500, 500), (500, 500)),
            (extended(4000, 3000), (4000, 3000)),
            (lossless(4000, 3000), (4000, 3000)),
            (lossy(4000, 3000), (4000, 3000)),
            (jpeg(0xc0, 4000, 3000, &PHOTO), (4000, 3000)),
            (jpeg(0xc0, 8064, 6048, &PHOTO), (8064, 6048)),
            (jpeg(0xc2, 8064, 6048, &PHOTO), (8064, 6048)),
            (jpeg(0xc1, 16_000, 900, &[0x11]), (16_000, 900)),
        ] {
            assert_eq!(read(&file), Ok(size));
        }
    }

    #[test]
    fn too_many_pixels_sides_and_bytes_are_refused_in_every_format() {
        for file in [
            png(50_000, 50_000, 1, 0),
            png(u32::MAX, u32::MAX, 16, 6),
            png(1, 20_000_000, 1, 0),
            png(1, 5_000, 1, 0),
            png(5_000, 1, 1, 0),
            png(20_001, 2_000, 1, 0),
            // Within the limit of pixels, but not of bytes.
            png(7_000, 7_000, 8, 6),
            png(7_000, 7_000, 16, 6),
            png(4_500, 4_500, 16, 6),
            gif(65_535, 65_535),
            gif(8_000, 8_000),
            gif(1, 65_535),
            extended(1 << 24, 1 << 24),
            extended(7_000, 7_000),
            lossless(16_384, 16_384),
            lossless(1, 16_384),
            lossy(16_383, 16_383),
            jpeg(0xc0, 65_535, 65_535, &PHOTO),
            jpeg(0xc0, 1, 65_535, &[0x11]),
            jpeg(0xc0, 9_000, 9_000, &PHOTO),
            // Each component in full resolution: 290 MB of coefficients.
            jpeg(0xc2, 8064, 6048, &[0x11, 0x11, 0x11]),
            jpeg(0xc2, 6_900, 6_900, &[0x44, 0x44, 0x44, 0x44]),
        ] {
            assert_eq!(read(&file), Err(Refusal::TooLarge));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_header_causes_a_panic_or_exceeds_the_limits(
            start in proptest::sample::select(vec![
                &b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0"[..], b"GIF89a", b"RIFF1234WEBPVP8 ", b"RIFF1234WEBPVP8L",
                b"RIFF1234WEBPVP8X", b"\xff\xd8\xff\xc0\0\x11\x08", b"\xff\xd8\xff\xc2\0\x0b\x08", b"\xff\xd8\xff",
            ]),
            rest in proptest::collection::vec(proptest::num::u8::ANY, 0..60),
        ) {
            if let Ok((width, height)) = read(&[start, &rest].concat()) {
                assert!(u64::from(width) * u64::from(height) <= limits::PIXELS);
            }
        }
    }

    #[test]
    fn files_without_a_valid_header_are_refused() {
        let whole = jpeg(0xc0, 640, 480, &PHOTO);
        let endless = [&[0xff, 0xd8][..], &[0xff, 0xe0, 0, 2].repeat(100_000)].concat();
        for file in [
            Vec::new(),
            b"<svg/>".to_vec(),
            b"BM".to_vec(),
            png(0, 10, 8, 2),
            png(10, 10, 8, 5),
            png(10, 10, 8, 2)[..20].to_vec(),
            gif(0, 10),
            webp(*b"VP8 ", &[0; 10]),
            webp(*b"ABCD", &[0; 10]),
            whole[..whole.len() - 1].to_vec(),
            // Lossless, arithmetic coding, a scan before any frame, no sampling, no length.
            jpeg(0xc3, 640, 480, &PHOTO),
            jpeg(0xc9, 640, 480, &PHOTO),
            jpeg(0xda, 640, 480, &PHOTO),
            jpeg(0xc0, 640, 480, &[0x00]),
            jpeg(0xc0, 640, 480, &[0x11, 0x11]),
            [0xff, 0xd8, 0xff, 0xe0, 0, 1].to_vec(),
            endless,
        ] {
            assert_eq!(read(&file), Err(Refusal::Unreadable));
        }
    }
}
