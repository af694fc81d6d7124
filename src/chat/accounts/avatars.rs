//! Pictures that people put in place of their initials: whatever a browser sends becomes a small
//! square JPEG of our own making, so that no byte of a stranger's file is ever served.

use std::io::Cursor;
use std::sync::Arc;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, Rgb, RgbImage};
use tokio::sync::Semaphore;

use super::model::{Person, SignedIn};
use super::{Accounts, store};
use crate::chat::events::{Event, Topic};
use crate::kernel::Fault;

/// Width and height of what is kept, in pixels: the largest avatar on a dense screen.
const SIDE: u32 = 256;
const QUALITY: u8 = 85;
/// What an opened picture may take. A photo of 12 megapixels takes 36 MiB.
const LARGEST: u64 = 128 * 1024 * 1024;
/// What shows through transparent pixels.
const BACKGROUND: [u8; 3] = [242, 239, 231];

/// Why a picture was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// It is no JPEG, PNG, GIF or WebP, is broken, or has too many pixels.
    #[error("no picture that can be read")]
    Unreadable,
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Opens one picture at a time: each may need much memory for a moment.
#[derive(Clone)]
pub(super) struct Darkroom(Arc<Semaphore>);

impl Darkroom {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }

    async fn develop(&self, file: Vec<u8>) -> Result<Vec<u8>, PictureError> {
        let turn = self.0.clone().acquire_owned().await.map_err(Fault::internal)?;
        let developed = tokio::task::spawn_blocking(move || {
            let square = square(&file).ok();
            drop(turn);
            square
        });
        developed.await.map_err(Fault::internal)?.ok_or(PictureError::Unreadable)
    }
}

impl Accounts {
    /// Puts a picture in place of the initials; everybody is told.
    ///
    /// # Errors
    /// [`PictureError::Unreadable`] when the file is no picture.
    pub async fn set_picture(&self, me: &SignedIn, file: Vec<u8>) -> Result<(), PictureError> {
        let image = self.darkroom.develop(file).await?;
        let name = self.random.token();
        let picture = Some((name.as_str(), image.as_slice()));
        let stored = store::set_avatar(&self.db, me.person.id, picture, self.stamp()).await;
        stored.map_err(Fault::from)?;
        self.tell_of_picture(me, Some(name));
        Ok(())
    }

    /// Goes back to the initials; everybody is told.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn remove_picture(&self, me: &SignedIn) -> Result<(), Fault> {
        store::set_avatar(&self.db, me.person.id, None, self.stamp()).await?;
        self.tell_of_picture(me, None);
        Ok(())
    }

    /// A picture by its name, as JPEG.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn picture(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        Ok(store::find_avatar(&self.db, name).await?)
    }

    fn tell_of_picture(&self, me: &SignedIn, avatar: Option<String>) {
        let person = Person { avatar, ..me.person.clone() };
        self.bell.publish(Topic::Everybody, 0, &Event::Renamed(person));
    }
}

/// The middle of the picture, upright, as a JPEG without anything the file said besides (where it
/// was taken, with what).
fn square(file: &[u8]) -> image::ImageResult<Vec<u8>> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(LARGEST);
    let mut reader = ImageReader::new(Cursor::new(file)).with_guessed_format()?;
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    let small = picture.resize_to_fill(SIDE, SIDE, FilterType::Triangle).to_rgba8();
    let flat = RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let [r, g, b, alpha] = small.get_pixel(x, y).0;
        let over = |front: u8, back: u8| {
            let alpha = u16::from(alpha);
            let mixed = (u16::from(front) * alpha + u16::from(back) * (255 - alpha)) / 255;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        Rgb([over(r, BACKGROUND[0]), over(g, BACKGROUND[1]), over(b, BACKGROUND[2])])
    });
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode_image(&flat)?;
    Ok(jpeg)
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, Rgba, RgbaImage};

    use super::*;

    fn png(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 4]) -> Vec<u8> {
        let picture = RgbaImage::from_fn(width, height, |x, y| Rgba(pixel(x, y)));
        let mut file = Cursor::new(Vec::new());
        picture.write_to(&mut file, ImageFormat::Png).expect("a file");
        file.into_inner()
    }

    #[test]
    fn any_picture_becomes_a_small_square_of_its_middle() {
        // Red on the left, green in the middle, blue on the right.
        let third = |x, _| match x / 300 {
            0 => [255, 0, 0, 255],
            1 => [0, 255, 0, 255],
            _ => [0, 0, 255, 255],
        };
        let jpeg = square(&png(900, 300, third)).expect("a picture");
        let small = image::load_from_memory(&jpeg).expect("a JPEG").to_rgb8();
        assert_eq!(small.dimensions(), (SIDE, SIDE));
        for corner in [(4, 4), (SIDE - 5, 4), (SIDE / 2, SIDE - 5)] {
            let [r, g, b] = small.get_pixel(corner.0, corner.1).0;
            assert!(g > 200 && r < 60 && b < 60, "{corner:?}: {r} {g} {b}");
        }
    }

    #[test]
    fn what_is_transparent_gets_a_background() {
        let jpeg = square(&png(10, 10, |_, _| [0, 0, 0, 0])).expect("a picture");
        let [r, ..] = image::load_from_memory(&jpeg).expect("a JPEG").to_rgb8().get_pixel(9, 9).0;
        assert!(r > 230, "{r}");
    }

    #[test]
    fn what_is_no_picture_or_far_too_large_is_refused() {
        assert!(square(b"").is_err());
        assert!(square(b"<svg xmlns='http://www.w3.org/2000/svg'/>").is_err());
        let whole = png(64, 64, |_, _| [1, 2, 3, 255]);
        assert!(square(&whole[..whole.len() / 2]).is_err());
        // A few bytes that claim to be 60,000 pixels wide and high.
        let mut bomb = png(1, 1, |_, _| [0, 0, 0, 255]);
        bomb[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
        assert!(square(&bomb).is_err());
    }
}
