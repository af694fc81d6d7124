//! Renditions of pictures, without the limits on memory and time, which only the child sets.

use std::io::Cursor;

use image::{ImageFormat, Rgba, RgbaImage};

use super::*;

fn written(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.into().write_to(&mut file, format).expect("a file");
    file.into_inner()
}

fn avatar(file: &[u8]) -> Result<RgbImage, Refusal> {
    let jpeg = Rendition::Avatar.make(&mut Cursor::new(file))?;
    Ok(image::load_from_memory(&jpeg).expect("a JPEG").to_rgb8())
}

/// Red on the left, green in the middle, blue on the right.
fn thirds(width: u32, height: u32) -> RgbaImage {
    RgbaImage::from_fn(width, height, |x, _| match x * 3 / width {
        0 => Rgba([255, 0, 0, 255]),
        1 => Rgba([0, 255, 0, 255]),
        _ => Rgba([0, 0, 255, 255]),
    })
}

fn is_green(small: &RgbImage) {
    assert_eq!(small.dimensions(), (256, 256));
    for corner in [(4, 4), (251, 4), (128, 251)] {
        let [r, g, b] = small.get_pixel(corner.0, corner.1).0;
        assert!(g > 200 && r < 60 && b < 60, "{corner:?}: {r} {g} {b}");
    }
}

#[test]
fn every_format_and_depth_becomes_a_small_square_of_its_middle() {
    let wide = DynamicImage::from(thirds(900, 300));
    let tall = wide.rotate90();
    for picture in [wide, tall] {
        let deep = DynamicImage::from(picture.to_rgba16());
        let opaque = DynamicImage::from(picture.to_rgb8());
        for file in [
            written(picture.clone(), ImageFormat::Png),
            written(deep, ImageFormat::Png),
            written(DynamicImage::from(picture.to_rgb16()), ImageFormat::Png),
            written(picture.clone(), ImageFormat::Gif),
            written(picture.clone(), ImageFormat::WebP),
            written(opaque.clone(), ImageFormat::WebP),
            written(opaque, ImageFormat::Jpeg),
        ] {
            is_green(&avatar(&file).expect("a picture"));
        }
    }
}

#[test]
fn grey_pictures_stay_grey() {
    let grey = DynamicImage::from(image::GrayImage::from_pixel(40, 60, image::Luma([90])));
    for file in [
        written(grey.clone(), ImageFormat::Png),
        written(DynamicImage::from(grey.to_luma16()), ImageFormat::Png),
        written(DynamicImage::from(grey.to_luma_alpha8()), ImageFormat::Png),
        written(DynamicImage::from(grey.to_luma_alpha16()), ImageFormat::Png),
        written(grey, ImageFormat::Jpeg),
    ] {
        let [r, g, b] = avatar(&file).expect("a picture").get_pixel(99, 99).0;
        assert!([r, g, b].iter().all(|channel| channel.abs_diff(90) < 4), "{r} {g} {b}");
    }
}

#[test]
fn a_jpeg_is_rotated_by_its_exif_orientation() {
    let plain = written(DynamicImage::from(thirds(900, 900).clone()).to_rgb8(), ImageFormat::Jpeg);
    // A quarter turn to the right: the left side is then up.
    let exif =
        b"\xff\xe1\x00\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let turned = [&plain[..2], exif, &plain[2..]].concat();
    let (before, after) = (avatar(&plain).expect("one"), avatar(&turned).expect("one"));
    assert!(before.get_pixel(4, 128).0[0] > 200 && before.get_pixel(128, 4).0[1] > 200);
    assert!(after.get_pixel(128, 4).0[0] > 200 && after.get_pixel(4, 128).0[1] > 200);
}

#[test]
fn transparent_pixels_get_the_background_color() {
    let clear = RgbaImage::from_pixel(10, 10, Rgba([0, 0, 0, 0]));
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        let [r, ..] = avatar(&written(clear.clone(), format)).expect("a picture").get_pixel(9, 9).0;
        assert!(r > 230, "{format:?}: {r}");
    }
}

#[test]
fn other_files_are_refused() {
    for file in [&b""[..], b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a", b"\xff\xd8\xff"]
    {
        assert_eq!(avatar(file).err(), Some(Refusal::Unreadable));
    }
    let whole = written(thirds(64, 64), ImageFormat::Png);
    assert_eq!(avatar(&whole[..whole.len() / 2]).err(), Some(Refusal::Unreadable));
}
