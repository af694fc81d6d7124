//! The picture beside the preview of a link: a JPEG that is small in pixels and in bytes, because it is stored in the
//! database.

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;

use super::{Pixels, on_background};
use crate::limits::link_preview::IMAGE_BYTES;
use crate::media::header::Refusal;

/// The longest side.
pub(super) const SIDE: u32 = 480;
/// Longest sides and qualities, until the bytes fit.
const ATTEMPTS: [(u32, u8); 4] = [(SIDE, 80), (SIDE, 60), (SIDE / 2, 60), (SIDE / 4, 60)];

/// A small picture is not enlarged.
pub(super) fn make(pixels: Pixels) -> Result<Vec<u8>, Refusal> {
    let orientation = pixels.orientation;
    let mut picture = pixels.whole().ok_or(Refusal::Unreadable)?;
    if picture.width().max(picture.height()) > 2 * SIDE {
        picture = picture.thumbnail(2 * SIDE, 2 * SIDE);
    }
    picture.apply_orientation(orientation);
    for (side, quality) in ATTEMPTS {
        if picture.width().max(picture.height()) > side {
            picture = picture.resize(side, side, FilterType::Triangle);
        }
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, quality)
            .encode_image(&on_background(&picture))
            .map_err(|_| Refusal::Unreadable)?;
        if jpeg.len() <= IMAGE_BYTES {
            return Ok(jpeg);
        }
    }
    Err(Refusal::TooLarge)
}
