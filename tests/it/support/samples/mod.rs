//! Small honest files of every container that is cleaned, with a place, a camera and a comment wherever the container
//! has room for one.

pub mod films;
pub mod hostile;
pub mod pictures;
pub mod sounds;

/// What must not be left.
pub const PLACE: &str = "40.4168N 3.7038W";
pub const CAMERA: &str = "Obscura 9000 no. 4711";
pub const COMMENT: &str = "at the house of Ana";
pub const MARKERS: [&str; 3] = [PLACE, CAMERA, COMMENT];

/// All of them together.
pub fn secrets() -> Vec<u8> {
    MARKERS.join(" | ").into_bytes()
}

/// Which of them are in the bytes.
pub fn found(bytes: &[u8]) -> Vec<&'static str> {
    let has = |marker: &str| bytes.windows(marker.len()).any(|part| part == marker.as_bytes());
    MARKERS.into_iter().filter(|marker| has(marker)).collect()
}

/// A sample: its name, its media type if it is shown inline, and its bytes.
pub type Sample = (&'static str, Option<&'static str>, Vec<u8>);

/// One of each kind.
pub fn all() -> Vec<Sample> {
    vec![
        ("photo.jpg", Some("image/jpeg"), pictures::jpeg(6)),
        ("plain.jpg", Some("image/jpeg"), pictures::jpeg(1)),
        ("picture.png", Some("image/png"), pictures::png(3)),
        ("animation.gif", Some("image/gif"), pictures::gif()),
        ("picture.webp", Some("image/webp"), pictures::webp(8)),
        ("scan.tif", None, pictures::tiff(false)),
        ("raw.dng", None, pictures::tiff(true)),
        ("photo.heic", None, films::heic()),
        ("photo.jxl", None, films::jpeg_xl()),
        ("film.mp4", Some("video/mp4"), films::mp4(*b"isom")),
        ("film.mov", Some("video/quicktime"), films::mp4(*b"qt  ")),
        ("stream.mp4", Some("video/mp4"), films::fragmented()),
        ("voice.m4a", Some("audio/mp4"), films::m4a()),
        ("film.webm", Some("video/webm"), films::webm(true, 1)),
        ("recording.webm", Some("video/webm"), films::webm(false, 1)),
        ("voice.webm", Some("audio/webm"), films::webm(false, 2)),
        ("song.mp3", Some("audio/mpeg"), sounds::mp3()),
        ("voice.opus", Some("audio/ogg"), sounds::opus()),
        ("song.ogg", Some("audio/ogg"), sounds::vorbis()),
        ("song.flac", Some("audio/flac"), sounds::flac()),
        ("tagged.flac", Some("audio/flac"), [sounds::id3(), sounds::flac()].concat()),
        ("sound.wav", Some("audio/wav"), sounds::wav()),
    ]
}
