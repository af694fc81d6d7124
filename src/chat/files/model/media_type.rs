//! The types of files that are shown where they stand. The list is closed: a type that is not on it is a download,
//! whatever the database says.

use crate::media::FileKind;

/// What a file is served as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaType {
    Jpeg,
    Png,
    Gif,
    WebP,
    Mp4,
    WebM,
    QuickTime,
    /// WebM with sound alone, as browsers record voices.
    WebMAudio,
    Mpeg,
    M4a,
    Ogg,
    Wav,
    Flac,
    /// Anything else: a download.
    Other,
}

impl MediaType {
    const INLINE: [Self; 13] = [
        Self::Jpeg,
        Self::Png,
        Self::Gif,
        Self::WebP,
        Self::Mp4,
        Self::WebM,
        Self::QuickTime,
        Self::WebMAudio,
        Self::Mpeg,
        Self::M4a,
        Self::Ogg,
        Self::Wav,
        Self::Flac,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
            Self::Mp4 => "video/mp4",
            Self::WebM => "video/webm",
            Self::QuickTime => "video/quicktime",
            Self::WebMAudio => "audio/webm",
            Self::Mpeg => "audio/mpeg",
            Self::M4a => "audio/mp4",
            Self::Ogg => "audio/ogg",
            Self::Wav => "audio/wav",
            Self::Flac => "audio/flac",
            Self::Other => "application/octet-stream",
        }
    }

    /// [`Self::Other`] for every text that is not on the list.
    pub fn parse(text: &str) -> Self {
        Self::INLINE.into_iter().find(|known| known.as_str() == text).unwrap_or(Self::Other)
    }

    /// The type of a preview, by its beginning: previews are pictures that Patio made.
    pub fn of_preview(start: &[u8]) -> Self {
        match start {
            [0xff, 0xd8, 0xff, ..] => Self::Jpeg,
            [0x89, b'P', b'N', b'G', ..] => Self::Png,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Self::WebP,
            _ => Self::Other,
        }
    }

    pub fn kind(self) -> FileKind {
        match self {
            Self::Jpeg | Self::Png | Self::Gif | Self::WebP => FileKind::Image,
            Self::Mp4 | Self::WebM | Self::QuickTime => FileKind::Video,
            Self::WebMAudio | Self::Mpeg | Self::M4a | Self::Ogg | Self::Wav | Self::Flac => {
                FileKind::Audio
            }
            Self::Other => FileKind::File,
        }
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
        self != Self::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_types_are_inline() {
        for listed in MediaType::INLINE {
            assert_eq!(MediaType::parse(listed.as_str()), listed);
            assert_ne!(listed.kind(), FileKind::File);
        }
        for hostile in
            ["text/html", "image/svg+xml", "application/pdf", "IMAGE/PNG", "image/png; x", ""]
        {
            assert!(!MediaType::parse(hostile).is_inline(), "{hostile}");
        }
    }
}
