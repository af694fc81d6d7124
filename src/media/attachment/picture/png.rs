//! PNG (W3C, third edition), animated ones included. Keeps what is needed to draw the picture, and of Exif only the
//! orientation. Unknown chunks are dropped, as is everything behind the end.

use std::io::{Read, Seek};

use super::super::plan::{Pieces, Plan};
use super::super::walk::{Fault, Walk};
use super::super::{Facts, InlineType};
use super::exif;

const SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1a\n";
const KEPT: [&[u8; 4]; 20] = [
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP",
    b"mDCV", b"cLLI", b"acTL", b"fcTL", b"fdAT", b"bKGD", b"pHYs", b"sBIT", b"hIST", b"sPLT",
];

pub fn plan(walk: &mut Walk<impl Read + Seek>) -> Result<(Plan, Facts), Fault> {
    let start = walk.array()?;
    let (length, kind) = (walk.be32()?, walk.array()?);
    if (&start, length, &kind) != (SIGNATURE, 13, b"IHDR") {
        return Err(Fault::Damaged);
    }
    let (width, height) = (walk.be32()?, walk.be32()?);
    walk.skip(9)?;
    let head = walk.at();
    let mut rest = Pieces::default();
    let (mut orientation, mut has_pixels) = (None, false);
    loop {
        let start = walk.at();
        let length = u64::from(walk.be32()?);
        let kind: [u8; 4] = walk.array()?;
        if &kind == b"eXIf" && orientation.is_none() {
            orientation = exif::orientation(&walk.peek(length.min(1 << 16))?);
        }
        // The data, and a checksum.
        walk.skip(length + 4)?;
        if KEPT.contains(&&kind) {
            rest.keep(start, walk.at())?;
        }
        has_pixels |= &kind == b"IDAT";
        if &kind == b"IEND" {
            break;
        }
    }
    if !has_pixels {
        return Err(Fault::Damaged);
    }
    // Its place is before the pixels: right behind the header is always that.
    let mut pieces = Pieces::default();
    pieces.keep(0, head)?;
    if let Some(orientation) = orientation {
        pieces.add(chunk(*b"eXIf", &orientation.exif()))?;
    }
    pieces.append(rest)?;
    let (width, height) = exif::upright(orientation, width, height);
    Ok((Plan::Rewrite(pieces), Facts::picture(InlineType::Png, width, height)))
}

fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes();
    let checked = [&kind, data].concat();
    [&length[..], &checked, &checksum(&checked).to_be_bytes()].concat()
}

/// The CRC of annex D, one bit at a time: it is only for the few bytes of an orientation.
fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}
