//! Pictures with metadata: see the module above.

use std::io::Cursor;

use flate2::Crc;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

use super::{CAMERA, COMMENT, PLACE, secrets};

/// Red at the upper left, else blue, with a gradient.
pub fn pixels(width: u32, height: u32) -> DynamicImage {
    let picture = RgbImage::from_fn(width, height, |x, y| {
        if x < width / 2 && y < height / 2 {
            Rgb([255, 0, 0])
        } else {
            Rgb([0, u8::try_from(x % 256).expect("a byte"), 255])
        }
    });
    DynamicImage::from(picture)
}

pub fn encoded(format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    pixels(64, 48).write_to(&mut file, format).expect("a picture");
    file.into_inner()
}

/// Exif with an orientation, a camera, a comment and a place.
pub fn exif(orientation: u8) -> Vec<u8> {
    let mut file = Tiff::default();
    let place =
        file.directory(&[(1, 2, b"N\0".to_vec()), (2, 2, PLACE.into()), (0x1b, 7, secrets())], 0);
    let details = file.directory(&[(0x927c, 7, secrets()), (0x9286, 7, COMMENT.into())], 0);
    let first = file.directory(
        &[
            (0x010f, 2, CAMERA.into()),
            (0x0112, 3, vec![0, orientation, 0, 0]),
            (0x8769, 4, details.to_be_bytes().to_vec()),
            (0x8825, 4, place.to_be_bytes().to_vec()),
        ],
        0,
    );
    file.finish(first)
}

/// Directories of TIFF, the most significant byte first.
#[derive(Default)]
struct Tiff(Vec<u8>);

impl Tiff {
    /// Adds bytes, and returns where they are.
    fn add(&mut self, bytes: &[u8]) -> u32 {
        let at = u32::try_from(8 + self.0.len()).expect("short");
        self.0.extend(bytes);
        self.0.extend(&[0][..bytes.len() % 2]);
        at
    }

    fn directory(&mut self, entries: &[(u16, u16, Vec<u8>)], next: u32) -> u32 {
        let mut directory = u16::try_from(entries.len()).expect("few").to_be_bytes().to_vec();
        for (tag, kind, value) in entries {
            let size = match kind {
                3 => 2,
                4 => 4,
                _ => 1,
            };
            let count = if *kind == 3 { 1 } else { value.len() / size };
            directory.extend([tag.to_be_bytes(), kind.to_be_bytes()].concat());
            directory.extend(u32::try_from(count).expect("short").to_be_bytes());
            if value.len() <= 4 {
                directory.extend(value.iter().copied().chain([0; 4]).take(4));
            } else {
                directory.extend(self.add(value).to_be_bytes());
            }
        }
        directory.extend(next.to_be_bytes());
        self.add(&directory)
    }

    fn finish(self, first: u32) -> Vec<u8> {
        [b"MM\0*", &first.to_be_bytes()[..], &self.0].concat()
    }
}

/// A gray picture of 8 by 8; `raw` has a sub-directory, private data of a camera and a small JPEG as well.
pub fn tiff(raw: bool) -> Vec<u8> {
    let mut file = Tiff::default();
    let pixels = file.add(&[120; 64]);
    let place = file.directory(&[(2, 2, PLACE.into()), (0x1b, 7, secrets())], 0);
    let details = file.directory(&[(0x927c, 7, secrets()), (0xa431, 2, CAMERA.into())], 0);
    let long = |number: u32| number.to_be_bytes().to_vec();
    let short = |number: u8| vec![0, number, 0, 0];
    let mut entries = vec![
        (0x0100, 4, long(8)),
        (0x0101, 4, long(8)),
        (0x0102, 3, short(8)),
        (0x0103, 3, short(1)),
        (0x0106, 3, short(1)),
        (0x010e, 2, COMMENT.into()),
        (0x010f, 2, b"Maker".to_vec()),
        (0x0111, 4, long(pixels)),
        (0x0115, 3, short(1)),
        (0x0116, 4, long(8)),
        (0x0117, 4, long(64)),
        (0x02bc, 1, secrets()),
        (0x83bb, 7, secrets()),
        (0x8769, 4, long(details)),
        (0x8825, 4, long(place)),
    ];
    let mut next = 0;
    if raw {
        let small = jpeg(1);
        let at = file.add(&small);
        let length = u32::try_from(small.len()).expect("short");
        next = file.directory(&[(0x0201, 4, long(at)), (0x0202, 4, long(length))], 0);
        let inner = file.directory(&[(0x010e, 2, secrets())], 0);
        entries.push((0x014a, 4, long(inner)));
        entries.push((0xc62f, 2, CAMERA.into()));
        entries.push((0xc634, 1, secrets()));
    }
    entries.sort();
    let first = file.directory(&entries, next);
    file.finish(first)
}

pub fn jpeg(orientation: u8) -> Vec<u8> {
    let picture = encoded(ImageFormat::Jpeg);
    let segment = |kind: u8, content: &[u8]| {
        let length = u16::try_from(content.len() + 2).expect("short").to_be_bytes();
        [&[0xff, kind], &length[..], content].concat()
    };
    let metadata = [
        segment(0xe1, &[b"Exif\0\0", &exif(orientation)[..]].concat()),
        segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", &secrets()[..]].concat()),
        segment(0xed, &[b"Photoshop 3.0\0", &secrets()[..]].concat()),
        segment(0xe2, &[b"ICC_PROFILE\0\x01\x01", &[7; 40][..]].concat()),
        segment(0xe2, &[b"MPF\0", &secrets()[..]].concat()),
        segment(0xfe, &secrets()),
    ];
    // The end is followed by another one, as cameras do for a preview.
    let second = [&[0xff, 0xd8][..], &metadata[0], &picture[2..]].concat();
    [&picture[..2], &metadata.concat(), &picture[2..], &second, &secrets()].concat()
}

pub fn png(orientation: u8) -> Vec<u8> {
    let picture = encoded(ImageFormat::Png);
    // Behind the header.
    let (head, rest) = picture.split_at(33);
    let metadata = [
        chunk(*b"tEXt", &[b"Author\0", &secrets()[..]].concat()),
        chunk(*b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", &secrets()[..]].concat()),
        chunk(*b"eXIf", &exif(orientation)),
        chunk(*b"tIME", &[7, 234, 11, 27, 10, 0, 0]),
        chunk(*b"caNv", &secrets()),
    ];
    [head, &metadata.concat(), rest, b"PK\x03\x04", &secrets()].concat()
}

pub fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(&kind);
    crc.update(data);
    let length = u32::try_from(data.len()).expect("short").to_be_bytes();
    [&length[..], &kind, data, &crc.sum().to_be_bytes()].concat()
}

/// Two frames, a comment and XMP.
pub fn gif() -> Vec<u8> {
    let frame = |shade: u8| {
        let pixels = RgbImage::from_pixel(20, 10, Rgb([shade, 0, 90]));
        image::Frame::new(DynamicImage::from(pixels).to_rgba8())
    };
    let mut file = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut file);
    encoder.set_repeat(image::codecs::gif::Repeat::Infinite).expect("a header");
    encoder.encode_frames([frame(0), frame(200)]).expect("frames");
    drop(encoder);
    let blocks = |data: &[u8]| [&[u8::try_from(data.len()).expect("short")], data, &[0]].concat();
    let comment = [&[0x21, 0xfe][..], &blocks(&secrets())].concat();
    // XMP is written as it is: its bytes are the lengths of blocks, and a tail leads to the end.
    let tail: Vec<u8> = (0..=255).rev().collect();
    let xmp = [&[0x21, 0xff, 11][..], b"XMP DataXMP", &secrets(), &[1], &tail, &[0]].concat();
    let last = file.len() - 1;
    [&file[..last], &comment, &xmp, &[0x3b], &secrets()].concat()
}

pub fn webp(orientation: u8) -> Vec<u8> {
    let picture = encoded(ImageFormat::WebP);
    let chunk = |kind: &[u8], data: &[u8]| {
        let length = u32::try_from(data.len()).expect("short").to_le_bytes();
        [kind, &length, data, &[0][..data.len() % 2]].concat()
    };
    let chunks = [
        b"WEBP".to_vec(),
        chunk(b"VP8X", &[0x0c, 0, 0, 0, 63, 0, 0, 47, 0, 0]),
        picture[12..].to_vec(),
        chunk(b"EXIF", &exif(orientation)),
        chunk(b"XMP ", &secrets()),
        chunk(b"ABCD", &secrets()),
    ]
    .concat();
    [chunk(b"RIFF", &chunks), secrets()].concat()
}
