//! Recognizes containers by their first bytes. Names and types that clients give count for nothing.

use super::film::mp4::Brand;

/// Enough for all signatures and the brands of a film.
pub const START: u64 = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Jpeg,
    Png,
    Gif,
    WebP,
    Tiff,
    Boxes(Brand),
    Matroska,
    Wav,
    Ogg,
    Flac,
    /// Sound behind a tag.
    Tagged,
    Mpeg,
    /// Anything else: documents, archives, texts.
    Other,
}

impl Format {
    /// Recognizes a file of this many bytes by its first ones.
    pub fn of(start: &[u8], length: u64) -> Self {
        match start {
            [0xff, 0xd8, 0xff, ..] => Self::Jpeg,
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Self::Png,
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Self::Gif,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Self::WebP,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => Self::Wav,
            [b'I', b'I', b'*' | b'+' | b'U', 0, ..]
            | [b'I', b'I', b'R', b'O' | b'S', ..]
            | [b'M', b'M', 0, b'*' | b'+', ..]
            | [b'M', b'M', b'O', b'R', ..] => Self::Tiff,
            [0x1a, 0x45, 0xdf, 0xa3, ..] => Self::Matroska,
            [b'O', b'g', b'g', b'S', ..] => Self::Ogg,
            [b'f', b'L', b'a', b'C', ..] => Self::Flac,
            [b'I', b'D', b'3', 2..=4, ..] => Self::Tagged,
            [0xff, 0xe0..=0xff, ..] => Self::Mpeg,
            _ => boxes(start, length).map_or(Self::Other, Self::Boxes),
        }
    }
}

fn boxes(start: &[u8], length: u64) -> Option<Brand> {
    let (first, kind) = (start.get(..4)?, start.get(4..8)?);
    let first = u32::from_be_bytes(first.try_into().ok()?);
    match kind {
        b"ftyp" => {
            let end = usize::try_from(first).unwrap_or(0).min(start.len());
            let major = start.get(8..12)?;
            let others = start.get(16..end).unwrap_or(&[]).chunks_exact(4);
            Some(std::iter::once(major).chain(others).find_map(brand).unwrap_or(Brand::Other))
        }
        b"JXL " | b"jP  " => Some(Brand::Still),
        // QuickTime before it had brands. The length tells it from text.
        b"moov" | b"mdat" | b"wide" | b"free" | b"skip" | b"pnot"
            if first < 2 || (8..=length).contains(&first.into()) =>
        {
            Some(Brand::QuickTime)
        }
        _ => None,
    }
}

fn brand(letters: &[u8]) -> Option<Brand> {
    match letters {
        b"qt  " => Some(Brand::QuickTime),
        b"isom" | b"iso2" | b"iso3" | b"iso4" | b"iso5" | b"iso6" | b"iso7" | b"iso8" | b"iso9"
        | b"mp41" | b"mp42" | b"avc1" | b"M4V " | b"M4VH" | b"M4VP" | b"M4A " | b"M4B "
        | b"MSNV" | b"XAVC" | b"dash" => Some(Brand::Mp4),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"mif2" | b"msf1"
        | b"avif" | b"avis" | b"miaf" | b"jxl " | b"jp2 " | b"jpx " => Some(Brand::Still),
        b"crx " => Some(Brand::Other),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_recognized_by_content() {
        for (start, format) in [
            (&b"\xff\xd8\xff\xe0"[..], Format::Jpeg),
            (b"\x89PNG\r\n\x1a\n\0", Format::Png),
            (b"GIF89a/*", Format::Gif),
            (b"RIFF\0\0\0\0WEBPVP8 ", Format::WebP),
            (b"RIFF\0\0\0\0WAVEfmt ", Format::Wav),
            (b"MM\0*\0\0\0\x08", Format::Tiff),
            (b"\x1a\x45\xdf\xa3\x9f", Format::Matroska),
            (b"OggS\0\x02", Format::Ogg),
            (b"fLaC\0\0\0\x22", Format::Flac),
            (b"ID3\x04\0\0\0\0\0\0", Format::Tagged),
            (b"\xff\xfb\x90\x64", Format::Mpeg),
            (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", Format::Boxes(Brand::Mp4)),
            (b"\0\0\0\x18ftypXXXX\0\0\0\0mp42isom", Format::Boxes(Brand::Mp4)),
            (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", Format::Boxes(Brand::QuickTime)),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Format::Boxes(Brand::Still)),
            (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1", Format::Boxes(Brand::Still)),
            (b"\0\0\0\x0cftypXXXX", Format::Boxes(Brand::Other)),
            (b"\0\0\0\x08wide\0\0\0\0mdat", Format::Boxes(Brand::QuickTime)),
            (b"Do, freedom", Format::Other),
            (b"\xef\xbb\xbfOf free", Format::Other),
            (b"<html><script>alert(1)</script>", Format::Other),
            (b"<svg xmlns='http://www.w3.org/2000/svg'>", Format::Other),
            (b"%PDF-1.7", Format::Other),
            (b"PK\x03\x04", Format::Other),
            (b"BM", Format::Other),
            (b"", Format::Other),
        ] {
            assert_eq!(Format::of(start, 1_000), format, "{start:?}");
        }
    }
}
