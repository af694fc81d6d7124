//! The files of a message as templates show them: pictures as a gallery, then films, sounds and other files. The same
//! for all viewers.

use crate::chat::files::model::{Attachment, FileKind};
use crate::http::{Language, files};

/// The tiles of a gallery. The last one stands for the pictures that have none.
const TILES: usize = 4;
/// The size in pixels of the largest picture and film: 27 × 22 rem.
const LARGEST: (u64, u64) = (432, 352);
/// In bytes. A larger animation stands still until it is opened.
const LARGEST_MOVING: u64 = 2 * 1024 * 1024;
/// Of a name with more characters, so many before its ending always show.
const SHORT_NAME: usize = 16;
const NAME_END: usize = 4;
const LONGEST_ENDING: usize = 6;
/// The type of a file stands on its card in so many letters.
const LONGEST_TYPE: usize = 4;

/// The files of a message.
pub(in crate::pages) struct AttachmentsView<'a> {
    /// How many there are, in words.
    pub label: String,
    pub pictures: Vec<PictureView<'a>>,
    pub films: Vec<FileView<'a>>,
    pub sounds: Vec<FileView<'a>>,
    pub others: Vec<FileView<'a>>,
}

impl<'a> AttachmentsView<'a> {
    /// `None` without files.
    pub fn new(attachments: &'a [Attachment], t: Language) -> Option<Self> {
        let of = |kind| attachments.iter().filter(move |one| one.kind() == kind);
        let views = |kind| of(kind).map(|one| FileView::new(one, t)).collect();
        (!attachments.is_empty()).then(|| Self {
            label: t.count("attachment-count", attachments.len()),
            pictures: pictures(of(FileKind::Image).collect(), t),
            films: views(FileKind::Video),
            sounds: views(FileKind::Audio),
            others: views(FileKind::File),
        })
    }

    /// How the gallery is divided.
    pub fn tiles(&self) -> usize {
        self.pictures.len().min(TILES)
    }
}

/// The pictures of a message.
pub(in crate::pages) fn pictures(found: Vec<&Attachment>, t: Language) -> Vec<PictureView<'_>> {
    let rest = found.len().saturating_sub(TILES);
    let view = |(at, attachment)| PictureView::new(attachment, at, rest, t);
    found.into_iter().enumerate().map(view).collect()
}

/// A picture in a gallery.
pub(in crate::pages) struct PictureView<'a> {
    pub file: FileView<'a>,
    /// From 1, and in words.
    pub number: usize,
    pub label: String,
    pub is_tile: bool,
    /// How many pictures this tile stands for besides its own.
    pub rest: usize,
    /// In pixels; 0 if unknown.
    pub width: u32,
    pub height: u32,
    /// What is shown in the gallery, and what when it is opened.
    pub small: String,
    pub large: String,
    /// For readers who want nothing to move.
    pub still: Option<String>,
    /// An animation that does not move before it is opened.
    pub waits: bool,
}

impl<'a> PictureView<'a> {
    fn new(attachment: &'a Attachment, at: usize, rest: usize, t: Language) -> Self {
        let file = FileView::new(attachment, t);
        let preview = file.preview_url.clone();
        let url = file.url.clone();
        let is_animation = attachment.media_type.is_gif();
        let moves = is_animation && attachment.content.size <= LARGEST_MOVING;
        let small = preview.clone().filter(|_| !moves).unwrap_or_else(|| url.clone());
        Self {
            waits: is_animation && small != url,
            still: preview.clone().filter(|_| moves),
            large: preview.filter(|_| !is_animation).unwrap_or(url),
            small,
            file,
            number: at + 1,
            label: t.text("picture-number").replace("{n}", &(at + 1).to_string()),
            is_tile: at < TILES,
            rest: if at + 1 == TILES { rest } else { 0 },
            width: attachment.width.unwrap_or(0),
            height: attachment.height.unwrap_or(0),
        }
    }
}

/// What all files have.
pub(in crate::pages) struct FileView<'a> {
    pub name: &'a str,
    /// The name in two parts: if it is too long, the first is cut.
    pub name_start: &'a str,
    pub name_end: &'a str,
    /// `PDF`; may be empty.
    pub ending: String,
    /// The number of bytes in words.
    pub size: String,
    /// The length of a film or sound.
    pub length: Option<String>,
    /// What it shows, or else its name.
    pub title: &'a str,
    pub alt: &'a str,
    pub url: String,
    /// A smaller picture.
    pub preview_url: Option<String>,
    /// What stands for it in a list; `None`: its ending.
    pub thumbnail: Option<String>,
    /// The size in pixels at which it is shown alone.
    pub shown: Option<(u64, u64)>,
}

impl<'a> FileView<'a> {
    pub fn new(attachment: &'a Attachment, t: Language) -> Self {
        let (name, alt) = (attachment.name.as_str(), attachment.alt.as_str());
        let (name_start, name_end) = split(name);
        Self {
            name,
            name_start,
            name_end,
            ending: ending(name),
            size: t.size(attachment.content.size),
            length: attachment.duration_ms.map(length),
            title: if alt.is_empty() { name } else { alt },
            alt,
            url: files::url(attachment),
            preview_url: files::preview_url(attachment),
            thumbnail: thumbnail(attachment),
            shown: attachment.width.zip(attachment.height).map(fit),
        }
    }
}

/// The address of a small picture of a file. A picture without a preview is small, unless it could not be decoded.
fn thumbnail(attachment: &Attachment) -> Option<String> {
    let is_small =
        attachment.kind() == FileKind::Image && attachment.content.size <= LARGEST_MOVING;
    files::preview_url(attachment).or_else(|| is_small.then(|| files::url(attachment)))
}

/// The largest size of the same shape that fits.
fn fit((width, height): (u32, u32)) -> (u64, u64) {
    let (width, height) = (u64::from(width).max(1), u64::from(height).max(1));
    let (most_width, most_height) = LARGEST;
    if width <= most_width && height <= most_height {
        (width, height)
    } else if width * most_height > height * most_width {
        (most_width, (height * most_width / width).max(1))
    } else {
        ((width * most_height / height).max(1), most_height)
    }
}

/// The end says what a file is. Scripts split names in the same way (files/tray.js).
fn split(name: &str) -> (&str, &str) {
    if name.chars().count() <= SHORT_NAME {
        return (name, "");
    }
    let ending = name.rfind('.').and_then(|at| name.get(at..)).unwrap_or_default().chars().count();
    let end = NAME_END + if ending <= LONGEST_ENDING { ending } else { 0 };
    let at = name.char_indices().rev().take(end).last().map_or(0, |(at, _)| at);
    name.split_at(at)
}

fn ending(name: &str) -> String {
    let found = name.rsplit_once('.').map(|(_, ending)| ending.to_uppercase());
    found.filter(|ending| ending.chars().count() <= LONGEST_TYPE).unwrap_or_default()
}

/// `1:07`, or `1:00:07` from an hour on.
fn length(milliseconds: u64) -> String {
    let seconds = milliseconds.div_ceil(1_000);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::files::model::{AltText, Content, ContentHash, FileId, FileName, MediaType};
    use crate::kernel::MessageId;

    #[test]
    fn pictures_keep_their_shape_in_what_is_the_largest() {
        for (size, shown) in [
            ((100, 80), (100, 80)),
            ((4_000, 3_000), (432, 324)),
            ((3_000, 4_000), (264, 352)),
            ((20_000, 1), (432, 1)),
            ((u32::MAX, u32::MAX), (352, 352)),
            ((0, 0), (1, 1)),
        ] {
            assert_eq!(fit(size), shown, "{size:?}");
        }
    }

    #[test]
    fn the_end_of_a_name_is_apart() {
        for (name, parts) in [
            ("cuentas-2026.xlsx", ("cuentas-", "2026.xlsx")),
            ("a.txt", ("a.txt", "")),
            ("a-name-without-ending", ("a-name-without-en", "ding")),
            ("año.nuevo y viejo", ("año.nuevo y v", "iejo")),
            ("", ("", "")),
        ] {
            assert_eq!(split(name), parts);
        }
        assert_eq!(ending("plan.pdf"), "PDF");
        assert_eq!(ending("plan.numbers"), "");
        assert_eq!(ending("plan"), "");
    }

    fn gif(size: u64, preview: bool) -> Attachment {
        let hash = ContentHash::of([7; 32]);
        Attachment {
            id: FileId::parse("0123456789012345678901").expect("an id"),
            message: MessageId(1),
            name: FileName::parse("wave.gif"),
            alt: AltText::default(),
            media_type: MediaType::parse("image/gif"),
            width: Some(20),
            height: Some(20),
            duration_ms: None,
            content: Content { hash: hash.clone(), size },
            preview: preview.then_some(hash),
        }
    }

    #[test]
    fn a_large_animation_stands_still_until_it_is_opened() {
        let (small, large) = (gif(LARGEST_MOVING, true), gif(LARGEST_MOVING + 1, true));
        let bare = gif(LARGEST_MOVING + 1, false);
        let shown = pictures(vec![&small, &large, &bare], Language::English);
        let url = shown[0].file.url.as_str();
        let preview = shown[0].file.preview_url.as_deref().expect("a preview");
        assert_eq!((shown[0].small.as_str(), shown[0].still.as_deref()), (url, Some(preview)));
        assert!(!shown[0].waits);
        assert_eq!((shown[1].small.as_str(), shown[1].still.as_deref()), (preview, None));
        assert!(shown[1].waits);
        assert_eq!((shown[2].small.as_str(), shown[2].waits), (url, false));
        assert!(shown.iter().all(|one| one.large == url));
    }

    #[test]
    fn the_fourth_tile_stands_for_the_pictures_that_have_none() {
        let one = gif(1, false);
        let shown = pictures(vec![&one; 7], Language::English);
        let rest: Vec<_> = shown.iter().map(|one| (one.is_tile, one.rest)).collect();
        assert_eq!(rest[2..5], [(true, 0), (true, 3), (false, 0)]);
    }

    #[test]
    fn lengths_are_clock_times() {
        for (milliseconds, text) in [(0, "0:00"), (66_001, "1:07"), (3_607_000, "1:00:07")] {
            assert_eq!(length(milliseconds), text);
        }
    }
}
