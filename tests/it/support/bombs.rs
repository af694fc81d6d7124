//! Decompression bombs: small files that claim large pictures, in every format.

use std::io::Write;

use flate2::{Compression, Crc, write::ZlibEncoder};

/// A PNG with this header and pixels of zero bytes.
pub struct Png {
    pub width: u32,
    pub height: u32,
    pub depth: u8,
    /// The color type of the format: 0 gray, 2 RGB, 3 palette, 6 RGBA.
    pub color: u8,
    pub interlaced: bool,
}

impl Png {
    pub const fn new(width: u32, height: u32, depth: u8, color: u8) -> Self {
        Self { width, height, depth, color, interlaced: false }
    }

    pub const fn interlaced(self) -> Self {
        Self { interlaced: true, ..self }
    }

    /// A complete file with at least as many pixels as the header claims.
    pub fn whole(&self) -> Vec<u8> {
        let channels = [1, 0, 3, 1, 2, 0, 4][usize::from(self.color)];
        let row = u64::from(self.width) * channels * u64::from(self.depth) / 8 + 2;
        self.with(&zeros(row * u64::from(self.height) * if self.interlaced { 2 } else { 1 }))
    }

    /// The header with almost no pixels.
    pub fn head(&self) -> Vec<u8> {
        self.with(&zeros(16))
    }

    fn with(&self, pixels: &[u8]) -> Vec<u8> {
        let mut header = [self.width.to_be_bytes(), self.height.to_be_bytes()].concat();
        header.extend([self.depth, self.color, 0, 0, u8::from(self.interlaced)]);
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        file.extend(chunk(*b"IHDR", &header));
        if self.color == 3 {
            file.extend(chunk(*b"PLTE", &[1, 2, 3]));
        }
        // A text chunk that unpacks to 64 MB if a decoder reads it.
        file.extend(chunk(*b"zTXt", &[b"c\0\0", &zeros(1 << 26)[..]].concat()));
        file.extend(chunk(*b"IDAT", pixels));
        file.extend(chunk(*b"IEND", b""));
        file
    }
}

fn zeros(count: u64) -> Vec<u8> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    let block = vec![0; 1 << 20];
    let mut left = usize::try_from(count).expect("a length");
    while left > 0 {
        let part = left.min(block.len());
        packed.write_all(&block[..part]).expect("packed");
        left -= part;
    }
    packed.finish().expect("packed")
}

fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(&kind);
    crc.update(data);
    let length = u32::try_from(data.len()).expect("short").to_be_bytes();
    [&length[..], &kind, data, &crc.sum().to_be_bytes()].concat()
}

/// A lossless WebP whose pixels take no bits at all, however many there are.
pub fn webp(width: u32, height: u32) -> Vec<u8> {
    riff(&webp_chunk(*b"VP8L", &lossless(width, height)))
}

/// An animated WebP with frames whose sizes differ from the canvas.
pub fn animated_webp(canvas: (u32, u32), frames: &[(u32, u32)]) -> Vec<u8> {
    let mut chunks =
        webp_chunk(*b"VP8X", &[vec![2, 0, 0, 0], three(canvas.0), three(canvas.1)].concat());
    chunks.extend(webp_chunk(*b"ANIM", &[0; 6]));
    for (width, height) in frames {
        let head = [vec![0; 6], three(*width), three(*height), vec![1, 0, 0, 0]].concat();
        let pixels = webp_chunk(*b"VP8L", &lossless(*width, *height));
        chunks.extend(webp_chunk(*b"ANMF", &[head, pixels].concat()));
    }
    riff(&chunks)
}

fn lossless(width: u32, height: u32) -> Vec<u8> {
    let size = ((width - 1) & 0x3fff) | ((height - 1) & 0x3fff) << 14;
    // No transform, no color cache, one code group; five codes with one symbol each, which need no bits.
    let codes = (0..5).fold(0_u32, |bits, code| bits | 1 << (3 + 4 * code));
    [&[0x2f][..], &size.to_le_bytes(), &codes.to_le_bytes()].concat()
}

fn riff(chunks: &[u8]) -> Vec<u8> {
    let length = u32::try_from(chunks.len() + 4).expect("short");
    [b"RIFF", &length.to_le_bytes()[..], b"WEBP", chunks].concat()
}

fn webp_chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).expect("short");
    let padding = &[0][..data.len() % 2];
    [&kind[..], &length.to_le_bytes(), data, padding].concat()
}

/// The value minus one in three bytes, as the format stores sizes.
fn three(side: u32) -> Vec<u8> {
    (side - 1).to_le_bytes()[..3].to_vec()
}

/// A GIF with frames whose size differs from the canvas and whose data ends after a few pixels.
pub fn gif(canvas: (u16, u16), frame: (u16, u16), frames: usize) -> Vec<u8> {
    let size = |(width, height): (u16, u16)| [width.to_le_bytes(), height.to_le_bytes()].concat();
    // A palette of two colors; one pixel and the end code, three bits each.
    let head = [&b"GIF89a"[..], &size(canvas), &[0x80, 0, 0, 1, 2, 3, 4, 5, 6]].concat();
    let one = [&[0x2c, 0, 0, 0, 0][..], &size(frame), &[0, 2, 2, 0x44, 0x01, 0]].concat();
    [head, one.repeat(frames), vec![0x3b]].concat()
}

/// A JPEG whose blocks take one bit each, with this many scans.
pub fn jpeg(width: u16, height: u16, progressive: bool, scans: usize) -> Vec<u8> {
    let segment = |marker: u8, data: &[u8]| {
        let length = u16::try_from(data.len() + 2).expect("short");
        [&[0xff, marker][..], &length.to_be_bytes(), data].concat()
    };
    let frame = [&[8][..], &height.to_be_bytes(), &width.to_be_bytes(), &[1, 1, 0x11, 0]].concat();
    // The one-bit code: "no difference" for the DC coefficient, "end of block" for the others.
    let table = |class: u8| [&[class, 1][..], &[0; 15], &[0]].concat();
    let mut file =
        [&[0xff, 0xd8][..], &segment(0xdb, &[0].into_iter().chain([1; 64]).collect::<Vec<_>>())]
            .concat();
    file.extend(segment(if progressive { 0xc2 } else { 0xc0 }, &frame));
    file.extend(segment(0xc4, &table(0x00)));
    file.extend(segment(0xc4, &table(0x10)));
    let blocks = usize::from(width).div_ceil(8) * usize::from(height).div_ceil(8);
    let first = if progressive { [1, 1, 0, 0, 0, 0] } else { [1, 1, 0, 0, 63, 0] };
    file.extend(segment(0xda, &first));
    file.extend(vec![0; blocks.div_ceil(if progressive { 8 } else { 4 })]);
    // Each later scan skips as many blocks as one end-of-band code can.
    let runs = [&[0x10, 1][..], &[0; 15], &[0xe0]].concat();
    file.extend(segment(0xc4, &runs));
    for _ in 1..scans {
        file.extend(segment(0xda, &[1, 1, 0, 1, 63, 0]));
        // One bit for the code and 14 bits for the length of the run: 32,767 blocks.
        let bits: String = "011111111111111".repeat(blocks.div_ceil(32_767));
        file.extend(bytes(&bits));
    }
    file.extend([0xff, 0xd9]);
    file
}

/// Packs the bits of a scan: padded with ones, with a zero byte after each 0xff, which would otherwise
/// start a marker.
fn bytes(bits: &str) -> Vec<u8> {
    let bits: Vec<u8> = bits.bytes().map(|bit| bit - b'0').collect();
    let byte = |bits: &[u8]| (0..8).fold(0, |sum, at| sum << 1 | bits.get(at).unwrap_or(&1));
    let plain = bits.chunks(8).map(byte);
    plain.flat_map(|byte| [byte, 0].into_iter().take(if byte == 0xff { 2 } else { 1 })).collect()
}
