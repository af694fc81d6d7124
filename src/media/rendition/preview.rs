//! The picture that pages show in place of the original: small enough for a phone, sharp enough for a large screen.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, RgbaImage};

use super::{Pixels, on_background};
use crate::media::header::Refusal;

/// The longest side.
pub(super) const SIDE: u32 = 1_600;
/// The longest side of a transparent picture: without loss, a larger one has too many bytes.
const TRANSPARENT_SIDE: u32 = 720;
/// A transparent picture of more bytes becomes a JPEG on the background color.
const TRANSPARENT_BYTES: usize = 200_000;
const QUALITY: u8 = 80;

pub(super) fn make(pixels: Pixels) -> Result<Vec<u8>, Refusal> {
    let orientation = pixels.orientation;
    let whole = pixels.whole().ok_or(Refusal::Unreadable)?;
    let mut picture = smaller(whole, SIDE);
    picture.apply_orientation(orientation);
    if is_transparent(&picture) {
        let small = smaller(picture.clone(), TRANSPARENT_SIDE).to_rgba8();
        if let Some(webp) = lossless(&small).filter(|webp| webp.len() < TRANSPARENT_BYTES) {
            return Ok(webp);
        }
    }
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY)
        .encode_image(&on_background(&picture))
        .map_err(|_| Refusal::Unreadable)?;
    Ok(jpeg)
}

/// Scales down in two steps: the first averages whole pixels, which needs no floating-point copy of the picture.
fn smaller(mut picture: DynamicImage, side: u32) -> DynamicImage {
    if picture.width().max(picture.height()) > 2 * side {
        picture = picture.thumbnail(2 * side, 2 * side);
    }
    if picture.width().max(picture.height()) > side {
        picture = picture.resize(side, side, FilterType::Triangle);
    }
    picture
}

fn is_transparent(picture: &DynamicImage) -> bool {
    match picture {
        DynamicImage::ImageRgba8(pixels) => pixels.pixels().any(|pixel| pixel.0[3] < 255),
        DynamicImage::ImageLumaA8(pixels) => pixels.pixels().any(|pixel| pixel.0[1] < 255),
        _ => false,
    }
}

fn lossless(picture: &RgbaImage) -> Option<Vec<u8>> {
    let mut webp = Vec::new();
    picture.write_with_encoder(WebPEncoder::new_lossless(&mut webp)).ok()?;
    Some(webp)
}
