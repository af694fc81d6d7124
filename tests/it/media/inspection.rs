//! What a file is, what of it is stored, and its preview.

use std::fs;
use std::io::Cursor;
use std::path::PathBuf;

use image::{DynamicImage, GenericImageView, ImageFormat, Rgba, RgbaImage};
use patio::media::{DOWNLOAD, FileInspector, FileKind, ImageEncoder, InspectError, Inspected};
use tempfile::TempDir;

use crate::support::bombs;
use crate::support::samples::{self, pictures};

/// An inspector with a place for its files.
pub struct Desk {
    folder: TempDir,
    inspector: FileInspector,
}

impl Desk {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a directory");
        let patio = env!("CARGO_BIN_EXE_patio").into();
        let encoder = ImageEncoder::new(patio, folder.path().to_owned());
        Self { folder, inspector: FileInspector::new(encoder) }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub async fn inspect(&self, file: &[u8]) -> Result<Inspected, InspectError> {
        let [original, cleaned, preview] =
            ["file", "cleaned", "preview"].map(|name| self.path(name));
        for path in [&cleaned, &preview, &original] {
            drop(fs::remove_file(path));
        }
        fs::write(&original, file).expect("written");
        let inspected = self.inspector.inspect(&original, &cleaned, &preview).await;
        assert!(fs::read(&original).expect("still there") == file);
        if let Ok(Inspected { preview: has_preview, .. }) = inspected {
            assert_eq!(has_preview, preview.exists());
        }
        inspected
    }

    pub fn cleaned(&self) -> Vec<u8> {
        fs::read(self.path("cleaned")).expect("a file")
    }

    fn preview(&self) -> (ImageFormat, DynamicImage) {
        let file = fs::read(self.path("preview")).expect("a preview");
        let format = image::guess_format(&file).expect("a picture");
        (format, image::load_from_memory(&file).expect("a picture"))
    }
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, format).expect("a picture");
    file.into_inner()
}

#[tokio::test]
async fn files_are_recognized_and_cleaned() {
    let desk = Desk::new();
    for (name, media_type, file) in samples::all() {
        let inspected = desk.inspect(&file).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        // A film is shown for its container alone; a picture is decoded.
        assert_eq!(inspected.media_type, media_type.unwrap_or(DOWNLOAD), "{name}");
        let kind = match media_type.and_then(|media_type| media_type.split('/').next()) {
            Some("image") => FileKind::Image,
            Some("video") => FileKind::Video,
            Some("audio") => FileKind::Audio,
            _ => FileKind::File,
        };
        assert_eq!(inspected.kind, kind, "{name}");
        assert_eq!(samples::found(&desk.cleaned()), [""; 0], "{name}");
    }
}

#[tokio::test]
async fn a_file_without_metadata_is_not_copied() {
    use std::os::unix::fs::MetadataExt;

    let desk = Desk::new();
    let document = b"%PDF-1.7 a document";
    let inspected = desk.inspect(document).await.expect("a file");
    assert_eq!((inspected.kind, inspected.media_type.as_str()), (FileKind::File, DOWNLOAD));
    let number = |name: &str| fs::metadata(desk.path(name)).expect("a file").ino();
    assert_eq!(number("file"), number("cleaned"));
    // One with metadata is.
    desk.inspect(&pictures::jpeg(1)).await.expect("a picture");
    assert_ne!(number("file"), number("cleaned"));
}

#[tokio::test]
async fn what_an_interrupted_inspection_left_is_replaced() {
    let desk = Desk::new();
    fs::write(desk.path("file"), pictures::jpeg(1)).expect("written");
    for name in ["cleaned", "preview"] {
        fs::write(desk.path(name), b"left").expect("written");
    }
    let [file, cleaned, preview] = ["file", "cleaned", "preview"].map(|name| desk.path(name));
    let inspected = desk.inspector.inspect(&file, &cleaned, &preview).await.expect("a picture");
    assert!(desk.cleaned().starts_with(b"\xff\xd8"));
    assert!(inspected.preview == desk.path("preview").exists());
}

#[tokio::test]
async fn damaged_containers_are_refused() {
    let desk = Desk::new();
    for (name, _, file) in samples::all() {
        if matches!(name, "song.mp3" | "voice.opus" | "song.ogg" | "song.flac" | "sound.wav") {
            continue;
        }
        let half = &file[..file.len() / 2];
        match desk.inspect(half).await {
            Err(InspectError::Damaged) => {}
            Ok(_) if samples::found(&desk.cleaned()).is_empty() => {}
            other => panic!("{name}: {other:?}"),
        }
    }
    let whole = pictures::encoded(ImageFormat::Jpeg);
    let cut = desk.inspect(&whole[..whole.len() - 9]).await;
    assert!(matches!(cut, Err(InspectError::Damaged)), "{cut:?}");
    assert_eq!(desk.inspect(&whole).await.expect("a picture").kind, FileKind::Image);
}

#[tokio::test]
async fn a_large_picture_has_a_preview() {
    let desk = Desk::new();
    let large = pictures::pixels(1_800, 1_200);
    for (format, file) in [
        (ImageFormat::Jpeg, encoded(&large, ImageFormat::Jpeg)),
        (ImageFormat::Png, encoded(&large, ImageFormat::Png)),
        (ImageFormat::WebP, encoded(&large, ImageFormat::WebP)),
    ] {
        let inspected = desk.inspect(&file).await.expect("a picture");
        assert_eq!((inspected.width, inspected.height), (Some(1_800), Some(1_200)));
        assert!(inspected.preview, "{format:?}");
        let (preview_format, preview) = desk.preview();
        assert_eq!(preview_format, ImageFormat::Jpeg);
        assert_eq!(preview.dimensions(), (1_600, 1_067), "{format:?}");
        let [red, green, blue, _] = preview.get_pixel(100, 100).0;
        assert!(red > 230 && green < 40 && blue < 40, "{red} {green} {blue}");
    }
}

#[tokio::test]
async fn a_preview_is_upright() {
    let desk = Desk::new();
    let large = encoded(&pictures::pixels(1_800, 1_200), ImageFormat::Jpeg);
    let exif = [&b"Exif\0\0"[..], &pictures::exif(6)].concat();
    let length = u16::try_from(exif.len() + 2).expect("short").to_be_bytes();
    let turned = [&large[..2], &[0xff, 0xe1], &length, &exif, &large[2..]].concat();
    let inspected = desk.inspect(&turned).await.expect("a picture");
    assert_eq!((inspected.width, inspected.height), (Some(1_200), Some(1_800)));
    let (_, preview) = desk.preview();
    assert_eq!(preview.dimensions(), (1_067, 1_600));
    // A quarter to the right: the upper left is then at the upper right.
    let [red, _, blue, _] = preview.get_pixel(1_000, 100).0;
    assert!(red > 230 && blue < 40, "{red} {blue}");
}

#[tokio::test]
async fn a_small_picture_is_its_own_preview() {
    let desk = Desk::new();
    let small = encoded(&DynamicImage::new_rgb8(20, 20), ImageFormat::Png);
    assert!(!desk.inspect(&small).await.expect("a picture").preview);
}

#[tokio::test]
async fn transparent_pictures_stay_so_in_the_preview() {
    let desk = Desk::new();
    let disc = RgbaImage::from_fn(1_800, 1_800, |x, y| {
        let is_inside = x.abs_diff(900).pow(2) + y.abs_diff(900).pow(2) < 600_000;
        Rgba([200, 30, 30, if is_inside { 255 } else { 0 }])
    });
    let file = encoded(&DynamicImage::from(disc), ImageFormat::Png);
    assert!(desk.inspect(&file).await.expect("a picture").preview);
    let (format, preview) = desk.preview();
    assert_eq!((format, preview.dimensions()), (ImageFormat::WebP, (720, 720)));
    assert_eq!(preview.get_pixel(5, 5).0[3], 0);
    assert_eq!(preview.get_pixel(360, 360).0, [200, 30, 30, 255]);
}

#[tokio::test]
async fn pictures_too_large_to_decode_have_no_preview() {
    let desk = Desk::new();
    // Within 50 megapixels: a browser may show it.
    let tall = desk.inspect(&bombs::Png::new(100, 9_000, 8, 2).whole()).await.expect("a picture");
    assert_eq!((tall.kind, tall.preview), (FileKind::Image, false));
    let deep = desk.inspect(&bombs::Png::new(6_900, 6_900, 16, 6).head()).await.expect("a file");
    assert_eq!((deep.kind, deep.preview), (FileKind::Image, false));
    for bomb in [
        bombs::Png::new(50_000, 50_000, 1, 0).whole(),
        bombs::webp(16_000, 16_000),
        bombs::gif((60_000, 60_000), (1, 1), 3),
        bombs::jpeg(60_000, 60_000, false, 1),
    ] {
        let inspected = desk.inspect(&bomb).await.expect("a file");
        assert_eq!((inspected.kind, inspected.media_type.as_str()), (FileKind::File, DOWNLOAD));
        assert!(!inspected.preview);
    }
}

#[tokio::test]
async fn a_picture_without_pixels_is_a_download() {
    let desk = Desk::new();
    // Its container is whole, its pixels are not.
    let inspected = desk.inspect(&bombs::Png::new(300, 300, 8, 2).head()).await.expect("a file");
    assert_eq!((inspected.kind, inspected.media_type.as_str()), (FileKind::File, DOWNLOAD));
    let program = b"GIF89a/*\0\0\0\0*/=1;alert(1)//<script>";
    let inspected = desk.inspect(program).await.expect("a file");
    assert_eq!((inspected.kind, &desk.cleaned()[..]), (FileKind::File, &program[..]));
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_an_error_of_the_server() {
    let desk = Desk::new();
    fs::write(desk.path("file"), pictures::jpeg(1)).expect("written");
    let nowhere = desk.path("missing/cleaned");
    let inspected = desk.inspector.inspect(&desk.path("file"), &nowhere, &desk.path("p")).await;
    assert!(matches!(inspected, Err(InspectError::Service(_))), "{inspected:?}");
}
