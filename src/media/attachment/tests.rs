//! Honest and damaged files of every container.

use std::io::Cursor;

use image::ImageFormat;

use self::samples::{films, found, pictures, secrets, sounds};
use super::*;

#[path = "../../../tests/it/support/samples/mod.rs"]
mod samples;

#[expect(dead_code, reason = "full-stack tests use the rest")]
#[path = "../../../tests/it/support/bombs.rs"]
mod bombs;

fn clean(file: &[u8]) -> Result<(Vec<u8>, Facts), Fault> {
    let (plan, facts) = plan(&mut Walk::new(Cursor::new(file))?)?;
    let mut cleaned = Cursor::new(Vec::new());
    plan.write(&mut Cursor::new(file), &mut cleaned)?;
    Ok((cleaned.into_inner(), facts))
}

fn cleaned(file: &[u8]) -> Vec<u8> {
    clean(file).expect("an honest file").0
}

fn facts(file: &[u8]) -> Facts {
    clean(file).expect("an honest file").1
}

fn has(file: &[u8], part: &[u8]) -> bool {
    file.windows(part.len()).any(|window| window == part)
}

#[test]
fn nothing_private_is_left_in_any_container() {
    for (name, media_type, file) in samples::all() {
        assert_eq!(found(&file).len(), 3, "{name} has nothing to remove");
        let (cleaned, facts) = clean(&file).unwrap_or_else(|fault| panic!("{name}: {fault:?}"));
        assert_eq!(found(&cleaned), [""; 0], "{name}");
        assert_eq!(facts.inline.map(InlineType::media_type), media_type, "{name}");
        assert!(cleaned.len() <= file.len(), "{name}");
        // What is clean stays as it is.
        assert!(clean(&cleaned).expect(name).0 == cleaned, "{name}");
    }
}

#[test]
fn a_truncated_file_is_refused_or_clean() {
    for (name, _, file) in samples::all() {
        for length in (0..file.len()).step_by(file.len() / 97 + 1).chain([file.len() - 1]) {
            if let Ok((cleaned, facts)) = clean(&file[..length]) {
                let is_recognized = facts.inline.is_some();
                assert!(!is_recognized || found(&cleaned).is_empty(), "{name} at {length}");
            }
        }
    }
}

#[test]
fn hostile_files_cause_no_panic_and_keep_nothing() {
    for hostile in samples::hostile::files(20_261_127, 4_000) {
        let Ok((cleaned, facts)) = clean(&hostile.file) else { continue };
        assert!(cleaned.len() <= hostile.file.len() + 64, "{}", hostile.about);
        let is_recognized = facts.inline.is_some();
        if is_recognized && hostile.must_be_clean {
            assert_eq!(found(&cleaned), [""; 0], "{}", hostile.about);
        }
        if is_recognized {
            let (again, _) = clean(&cleaned).unwrap_or_else(|_| panic!("{}", hostile.about));
            assert!(again == cleaned, "{}", hostile.about);
        }
    }
}

/// The starting inputs of the fuzzer.
#[test]
fn files_of_the_corpus_stay_clean() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/containers");
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("a corpus") {
        let path = entry.expect("an entry").path();
        count += 1;
        if let Ok((cleaned, _)) = clean(&fs::read(&path).expect("a file")) {
            assert!(clean(&cleaned).is_ok_and(|(again, _)| again == cleaned), "{}", path.display());
        }
    }
    assert!(count > 0);
}

#[test]
fn pixels_and_orientation_stay() {
    for orientation in 1..=8 {
        for (file, format) in [
            (pictures::jpeg(orientation), ImageFormat::Jpeg),
            (pictures::png(orientation), ImageFormat::Png),
            (pictures::webp(orientation), ImageFormat::WebP),
        ] {
            let (cleaned, facts) = clean(&file).expect("a picture");
            let pixels = |file: &[u8]| image::load_from_memory(file).expect("pixels");
            assert!(pixels(&file) == pixels(&cleaned), "{format:?}");
            assert_eq!(turn(&cleaned, format), turn(&file, format), "{format:?} {orientation}");
            let size = if orientation < 5 { (64, 48) } else { (48, 64) };
            assert_eq!(facts.width.zip(facts.height), Some(size), "{format:?} {orientation}");
        }
    }
}

fn turn(file: &[u8], format: ImageFormat) -> image::metadata::Orientation {
    use image::ImageDecoder;

    let mut reader = image::ImageReader::with_format(Cursor::new(file), format);
    reader.no_limits();
    reader.into_decoder().expect("a picture").orientation().expect("an orientation")
}

#[test]
fn color_profiles_stay() {
    assert!(has(&cleaned(&pictures::jpeg(1)), &[b"ICC_PROFILE\0\x01\x01", &[7; 40][..]].concat()));
}

#[test]
fn what_follows_the_end_of_a_picture_is_cut_off() {
    for (file, end) in [
        (pictures::jpeg(1), &b"\xff\xd9"[..]),
        (pictures::png(1), b"IEND\xae\x42\x60\x82"),
        (pictures::gif(), b"\x3b"),
    ] {
        assert!(cleaned(&file).ends_with(end));
    }
    let webp = cleaned(&pictures::webp(1));
    let length = u32::from_le_bytes(webp[4..8].try_into().expect("four"));
    assert_eq!(length as usize + 8, webp.len());
}

#[test]
fn an_animation_keeps_its_frames_and_repetitions() {
    use image::AnimationDecoder;

    let frames = |file: &[u8]| {
        let decoder = image::codecs::gif::GifDecoder::new(Cursor::new(file)).expect("a GIF");
        let frames = decoder.into_frames().collect_frames().expect("frames");
        frames.iter().map(|frame| frame.buffer().clone()).collect::<Vec<_>>()
    };
    let (before, after) = (pictures::gif(), cleaned(&pictures::gif()));
    assert_eq!(frames(&before).len(), 2);
    assert!(frames(&before) == frames(&after));
    assert!(has(&after, b"NETSCAPE2.0"));
}

#[test]
fn what_only_begins_like_a_gif_is_a_download() {
    let program = b"GIF89a/*\0\0\0\0*/=1;alert(1)//<script>";
    let (cleaned, facts) = clean(program).expect("a file");
    assert_eq!((&cleaned[..], facts.inline), (&program[..], None));
    // But not if it has comments.
    let file = pictures::gif();
    let comment = file.windows(2).position(|pair| pair == [0x21, 0xfe]).expect("a comment");
    assert!(matches!(clean(&file[..comment + 9]), Err(Fault::Damaged)));
}

#[test]
fn a_gif_without_trailer_gets_one() {
    let mut file = cleaned(&pictures::gif());
    file.pop();
    assert!(cleaned(&file).ends_with(&[0x3b]));
}

#[test]
fn documents_archives_and_unknown_files_stay_as_they_are() {
    for file in [
        &b""[..],
        b"%PDF-1.7 at the house of Ana",
        b"PK\x03\x04 an archive",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<!doctype html><script>alert(1)</script>",
        b"Do, freely: a text",
    ] {
        let (cleaned, facts) = clean(file).expect("a file");
        assert_eq!((&cleaned[..], facts), (file, Facts::default()));
    }
}

#[test]
fn films_keep_their_samples_where_they_are() {
    for file in [films::mp4(*b"isom"), films::mp4(*b"qt  "), films::fragmented(), films::m4a()] {
        let cleaned = cleaned(&file);
        let place = |file: &[u8]| file.windows(7).position(|part| part == &films::FRAMES[..7]);
        assert!(place(&file).is_some() && place(&file) == place(&cleaned));
        assert!(has(&cleaned, films::FRAMES));
    }
    let film = cleaned(&films::mp4(*b"isom"));
    assert!(has(&film, b"the decoder needs this"));
    // One track is left.
    assert_eq!(film.windows(4).filter(|kind| kind == b"trak").count(), 1);
    assert_eq!(cleaned(&films::fragmented()).windows(4).filter(|kind| kind == b"traf").count(), 1);
}

#[test]
fn the_pixels_of_heif_stay() {
    let cleaned = cleaned(&films::heic());
    assert!(has(&cleaned, films::FRAMES) && has(&cleaned, b"hvc1"));
}

#[test]
fn clusters_of_webm_stay_where_they_are() {
    for file in [films::webm(true, 1), films::webm(false, 1), films::webm(false, 2)] {
        let cleaned = cleaned(&file);
        let place = |file: &[u8]| file.windows(4).position(|id| id == [0x1f, 0x43, 0xb6, 0x75]);
        assert!(place(&file).is_some() && place(&file) == place(&cleaned));
        assert!(has(&cleaned, films::FRAMES));
    }
}

#[test]
fn sound_stays() {
    assert!(cleaned(&sounds::mp3()) == sounds::frames().repeat(2));
    for file in [sounds::opus(), sounds::vorbis(), sounds::flac()] {
        assert!(has(&cleaned(&file), sounds::SOUND));
    }
    assert!(has(&cleaned(&sounds::vorbis()), b"\x05vorbis what the decoder needs"));
    assert!(has(&cleaned(&sounds::wav()), &[128; 4_000]));
}

#[test]
fn pages_of_ogg_have_valid_checksums() {
    for file in [sounds::opus(), sounds::vorbis()] {
        let mut cleaned = cleaned(&file);
        let starts: Vec<usize> =
            (0..cleaned.len() - 3).filter(|at| cleaned[*at..].starts_with(b"OggS")).collect();
        assert_eq!(starts.len(), 3);
        let length = cleaned.len();
        for (at, end) in starts.iter().zip(starts.iter().skip(1).chain([&length])) {
            let page = &mut cleaned[*at..*end];
            let said: [u8; 4] = page[22..26].try_into().expect("four");
            page[22..26].fill(0);
            assert_eq!(said, sounds::checksum(page).to_le_bytes());
        }
    }
}

#[test]
fn durations_and_sizes_are_what_the_container_says() {
    for (file, size, duration_ms) in [
        (films::mp4(*b"isom"), Some((360, 640)), Some(8_000)),
        (films::webm(true, 1), Some((640, 360)), Some(1_500)),
        (films::webm(true, 2), None, Some(1_500)),
        (sounds::opus(), None, Some(1_000)),
        (sounds::vorbis(), None, Some(2_000)),
        (sounds::flac(), None, Some(2_000)),
        (sounds::wav(), None, Some(500)),
        (sounds::mp3(), None, Some(1_044)),
        (pictures::gif(), Some((20, 10)), None),
    ] {
        let facts = facts(&file);
        assert_eq!((facts.width.zip(facts.height), facts.duration_ms), (size, duration_ms));
    }
}

#[test]
fn unknown_tracks_and_streams_are_refused() {
    // Metadata in Matroska, an unknown codec in Ogg, QuickTime that is compressed as a whole.
    let skeleton = sounds::page(2, 0, 0, &[&[b"unknown codec", &secrets()[..]].concat()]);
    for file in [films::webm(true, 0x21), skeleton] {
        assert!(matches!(clean(&file), Err(Fault::Damaged)));
    }
}

#[test]
fn an_unknown_file_loses_its_tag() {
    let (cleaned, facts) =
        clean(&[sounds::id3(), b"something else".to_vec()].concat()).expect("a file");
    assert_eq!((&cleaned[..], facts), (&b"something else"[..], Facts::default()));
}

#[test]
fn lengths_that_lie_take_no_memory() {
    for start in [
        &b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\0\0\0\0\xff\xff\xff\xffIDAT"[..],
        b"RIFF\xff\xff\xff\xffWEBPVP8 \xff\xff\xff\xff",
        b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x01moov\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x1a\x45\xdf\xa3\x01\xff\xff\xff\xff\xff\xff\xfe",
        b"MM\0*\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\x01\0\x25\x88\x04\0\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",
        b"fLaC\0\xff\xff\xff",
        b"ID3\x03\0\0\x7f\x7f\x7f\x7f",
    ] {
        assert!(matches!(clean(start), Err(Fault::Damaged)), "{start:?}");
    }
}
