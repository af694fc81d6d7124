//! The types of files that are shown where they stand. The list is closed: a type that is not on it is a download,
//! whatever the database says.

use crate::media::{DOWNLOAD, FileKind, InlineType};

/// What a file is served as: a type of the list, or anything else, which is a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaType(Option<InlineType>);

impl MediaType {
    /// A download for every text that is not on the list.
    pub fn parse(text: &str) -> Self {
        Self(InlineType::from_media_type(text))
    }

    pub fn as_str(self) -> &'static str {
        self.0.map_or(DOWNLOAD, InlineType::media_type)
    }

    /// The type of a preview, by its beginning: previews are pictures that Patio made.
    pub fn of_preview(start: &[u8]) -> Self {
        match start {
            [0xff, 0xd8, 0xff, ..] => Self(Some(InlineType::Jpeg)),
            [0x89, b'P', b'N', b'G', ..] => Self(Some(InlineType::Png)),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => {
                Self(Some(InlineType::WebP))
            }
            _ => Self(None),
        }
    }

    pub fn kind(self) -> FileKind {
        self.0.map_or(FileKind::File, InlineType::kind)
    }

    /// Whether it is a picture that may move.
    pub fn is_gif(self) -> bool {
        self.0 == Some(InlineType::Gif)
    }

    /// The name of its kind in the API and in the database.
    pub fn kind_name(self) -> &'static str {
        match self.kind() {
            FileKind::Image => "image",
            FileKind::Video => "video",
            FileKind::Audio => "audio",
            FileKind::File => "file",
        }
    }

    /// Whether browsers may show it where it stands.
    pub fn is_inline(self) -> bool {
        self.0.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_types_are_inline() {
        for listed in InlineType::ALL {
            let listed = MediaType::parse(listed.media_type());
            assert!(listed.is_inline());
            assert_ne!(listed.kind(), FileKind::File);
        }
        for hostile in
            ["text/html", "image/svg+xml", "application/pdf", "IMAGE/PNG", "image/png; x", ""]
        {
            assert!(!MediaType::parse(hostile).is_inline(), "{hostile}");
        }
    }
}
