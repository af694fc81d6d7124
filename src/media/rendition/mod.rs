//! Makes a rendition of a picture: small, upright, encoded again, without the file's metadata (place, camera). Runs only
//! in the child.

mod link_preview;
mod preview;

use std::io::{BufRead, Seek};

use image::codecs::gif::GifDecoder;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{PngDecoder, PngEncoder};
use image::codecs::webp::WebPDecoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageResult, Limits, Rgb, RgbImage};

use super::header::{Format, Header, Refusal};
use crate::limits::emoji::IMAGE_BYTES;
use crate::limits::picture as limits;

const QUALITY: u8 = 85;
/// The longest side of an emoji whose pixels fit into `IMAGE_BYTES` however badly they compress.
const SMALLER_EMOJI: u32 = 96;
/// The color behind transparent pixels.
const BACKGROUND: [u8; 3] = [242, 239, 231];

/// A size and crop in which a picture is stored and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Rendition {
    /// The middle square, in the size of an avatar on a high-density screen, as JPEG.
    Avatar,
    /// The whole picture in a small square, as PNG. An animation stands still.
    Emoji,
    /// The whole picture beside a link, as JPEG. An animation stands still.
    LinkPreview,
    /// The whole picture for a page, as JPEG, or as WebP if it is transparent. An animation stands still.
    Preview,
}

impl Rendition {
    /// Returns the argument for the child.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Avatar => "avatar",
            Self::Emoji => "emoji",
            Self::LinkPreview => "link-preview",
            Self::Preview => "preview",
        }
    }

    /// Returns the longest side of the result, in pixels.
    fn side(self) -> u32 {
        match self {
            Self::Avatar => 256,
            Self::Emoji => 128,
            Self::LinkPreview => link_preview::SIDE,
            Self::Preview => preview::SIDE,
        }
    }

    /// Whether this is the header of a result.
    pub(super) fn has_made(self, header: Header) -> bool {
        let side = self.side();
        match self {
            Self::Avatar => header == Header { format: Format::Jpeg, width: side, height: side },
            Self::Emoji => header.format == Format::Png && header.width.max(header.height) <= side,
            Self::LinkPreview => {
                header.format == Format::Jpeg && header.width.max(header.height) <= side
            }
            Self::Preview => {
                matches!(header.format, Format::Jpeg | Format::WebP)
                    && header.width.max(header.height) <= side
            }
        }
    }

    /// Makes the rendition.
    pub(super) fn make(self, file: &mut (impl BufRead + Seek)) -> Result<Vec<u8>, Refusal> {
        let header = Header::read(file)?;
        file.rewind()?;
        let pixels = decode(header, self, file)?;
        match self {
            Self::Avatar => self.avatar(pixels),
            Self::Emoji => self.emoji(pixels),
            Self::LinkPreview => link_preview::make(pixels),
            Self::Preview => preview::make(pixels),
        }
    }

    fn avatar(self, pixels: Pixels) -> Result<Vec<u8>, Refusal> {
        let side = self.side();
        let orientation = pixels.orientation;
        let square = pixels.middle_square().ok_or(Refusal::Unreadable)?;
        // Two steps: the first averages whole pixels, which needs no floating-point copy of the picture. The
        // second interpolates.
        let twice = 2 * side;
        let square =
            if square.width() > twice { square.thumbnail_exact(twice, twice) } else { square };
        let mut small = square.resize_exact(side, side, FilterType::Triangle);
        small.apply_orientation(orientation);
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, QUALITY)
            .encode_image(&on_background(&small))
            .map_err(|_| Refusal::Unreadable)?;
        Ok(jpeg)
    }

    /// A small picture is not enlarged. One that compresses badly is made smaller, until it fits.
    fn emoji(self, pixels: Pixels) -> Result<Vec<u8>, Refusal> {
        let orientation = pixels.orientation;
        let mut picture = pixels.whole().ok_or(Refusal::Unreadable)?;
        for side in [self.side(), SMALLER_EMOJI] {
            let fits = |longest: u32| picture.width().max(picture.height()) <= longest;
            if !fits(2 * side) {
                picture = picture.thumbnail(2 * side, 2 * side);
            }
            let fits = |longest: u32| picture.width().max(picture.height()) <= longest;
            if !fits(side) {
                picture = picture.resize(side, side, FilterType::Triangle);
            }
            let mut small = DynamicImage::from(picture.to_rgba8());
            small.apply_orientation(orientation);
            let mut png = Vec::new();
            small.write_with_encoder(PngEncoder::new(&mut png)).map_err(|_| Refusal::Unreadable)?;
            if png.len() <= IMAGE_BYTES {
                return Ok(png);
            }
        }
        Err(Refusal::TooLarge)
    }
}

/// A decoded picture: rows of pixels without gaps.
struct Pixels {
    width: usize,
    height: usize,
    color: ColorType,
    bytes: Vec<u8>,
    orientation: Orientation,
}

impl Pixels {
    fn middle_square(self) -> Option<DynamicImage> {
        let side = self.width.min(self.height);
        self.middle(side, side)
    }

    fn whole(self) -> Option<DynamicImage> {
        let (width, height) = (self.width, self.height);
        self.middle(width, height)
    }

    /// Crops in place and reduces 16-bit channels to 8 bits, so that the largest allowed picture is in memory only
    /// once.
    fn middle(mut self, width: usize, height: usize) -> Option<DynamicImage> {
        let pixel = usize::from(self.color.bytes_per_pixel());
        let (left, top) = ((self.width - width) / 2, (self.height - height) / 2);
        for row in 0..height {
            let from = ((top + row) * self.width + left) * pixel;
            self.bytes.copy_within(from..from + width * pixel, row * width * pixel);
        }
        self.bytes.truncate(width * height * pixel);
        if matches!(
            self.color,
            ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16
        ) {
            for at in 0..self.bytes.len() / 2 {
                let channel = u16::from_ne_bytes([self.bytes[2 * at], self.bytes[2 * at + 1]]);
                self.bytes[at] = channel.to_be_bytes()[0];
            }
            self.bytes.truncate(self.bytes.len() / 2);
        }
        let (width, height) = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
        let bytes = self.bytes;
        match self.color.channel_count() {
            1 => image::GrayImage::from_raw(width, height, bytes).map(Into::into),
            2 => image::GrayAlphaImage::from_raw(width, height, bytes).map(Into::into),
            3 => RgbImage::from_raw(width, height, bytes).map(Into::into),
            _ => image::RgbaImage::from_raw(width, height, bytes).map(Into::into),
        }
    }
}

fn decode(
    header: Header,
    rendition: Rendition,
    file: &mut (impl BufRead + Seek),
) -> Result<Pixels, Refusal> {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(2 * limits::DECODED_BYTES);
    let unreadable = |_| Refusal::Unreadable;
    match header.format {
        Format::Jpeg => jpeg(header, rendition, file).ok_or(Refusal::Unreadable),
        Format::Png => all_pixels(PngDecoder::with_limits(file, limits).map_err(unreadable)?),
        Format::Gif => {
            let mut decoder = GifDecoder::new(file).map_err(unreadable)?;
            decoder.set_limits(limits).map_err(unreadable)?;
            all_pixels(decoder)
        }
        Format::WebP => {
            let mut decoder = WebPDecoder::new(file).map_err(unreadable)?;
            decoder.set_limits(limits).map_err(unreadable)?;
            all_pixels(decoder)
        }
    }
}

/// Decodes all pixels. Checks the decoder's exact size before it allocates.
fn all_pixels(mut decoder: impl ImageDecoder) -> Result<Pixels, Refusal> {
    let total = decoder.total_bytes();
    if total > limits::DECODED_BYTES {
        return Err(Refusal::TooLarge);
    }
    let (width, height) = decoder.dimensions();
    let color = decoder.color_type();
    let read = |decoder| -> ImageResult<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(total).unwrap_or(0)];
        ImageDecoder::read_image(decoder, &mut bytes)?;
        Ok(bytes)
    };
    // Invalid metadata is not a reason to refuse the picture.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let bytes = read(decoder).map_err(|_| Refusal::Unreadable)?;
    let (width, height) = (width as usize, height as usize);
    Ok(Pixels { width, height, color, bytes, orientation })
}

/// Decodes at an eighth, a quarter or half of the size if that is large enough: 48 megapixels then take 40 MB and
/// 0.2 seconds.
fn jpeg(header: Header, rendition: Rendition, file: &mut impl BufRead) -> Option<Pixels> {
    let mut decoder = jpeg_decoder::Decoder::new(file);
    // The decoder stops at the first scale at which either side is long enough. To decide by the short side,
    // request a long side that it never reaches.
    let unreachable = u16::MAX;
    let side = u16::try_from(rendition.side()).ok()?;
    let is_tall = header.width < header.height;
    let (width, height) = match rendition {
        Rendition::Preview => (side, side),
        _ if is_tall => (side, unreachable),
        _ => (unreachable, side),
    };
    decoder.scale(width, height).ok()?;
    let mut bytes = decoder.decode().ok()?;
    let info = decoder.info()?;
    let color = match info.pixel_format {
        jpeg_decoder::PixelFormat::L8 => ColorType::L8,
        jpeg_decoder::PixelFormat::RGB24 => ColorType::Rgb8,
        jpeg_decoder::PixelFormat::CMYK32 => {
            cmyk_to_rgb(&mut bytes);
            ColorType::Rgb8
        }
        jpeg_decoder::PixelFormat::L16 => return None,
    };
    let orientation = decoder.exif_data().and_then(Orientation::from_exif_chunk);
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    let (width, height) = (info.width.into(), info.height.into());
    let complete = bytes.len() == width * height * usize::from(color.bytes_per_pixel());
    complete.then_some(Pixels { width, height, color, bytes, orientation })
}

/// Converts CMYK, the colors of print, to RGB in place. The decoder has already normalized inverted values.
fn cmyk_to_rgb(bytes: &mut Vec<u8>) {
    for at in 0..bytes.len() / 4 {
        let light = |channel: u8| u16::from(255 - channel);
        let key = light(bytes[4 * at + 3]);
        for channel in 0..3 {
            let mixed = light(bytes[4 * at + channel]) * key / 255;
            bytes[3 * at + channel] = u8::try_from(mixed).unwrap_or(u8::MAX);
        }
    }
    bytes.truncate(bytes.len() / 4 * 3);
}

fn on_background(picture: &DynamicImage) -> RgbImage {
    let picture = picture.to_rgba8();
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [r, g, b, alpha] = picture.get_pixel(x, y).0;
        let over = |front: u8, back: u8| {
            let alpha = u16::from(alpha);
            let mixed = (u16::from(front) * alpha + u16::from(back) * (255 - alpha)) / 255;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        Rgb([over(r, BACKGROUND[0]), over(g, BACKGROUND[1]), over(b, BACKGROUND[2])])
    })
}

#[cfg(test)]
mod tests;
