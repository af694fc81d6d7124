//! The types that browsers may show inside a page. All others are downloads.

use serde::{Deserialize, Serialize};

/// How a file is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    Image,
    Video,
    Audio,
    /// A card with a link to download it.
    File,
}

/// A type that is shown inline. The list is closed: a file is served with one of these types or as
/// [`DOWNLOAD`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InlineType {
    Jpeg,
    Png,
    Gif,
    WebP,
    Mp4,
    Mov,
    WebM,
    /// WebM with sound alone, as browsers record voices.
    WebMAudio,
    Mp3,
    M4a,
    Ogg,
    Wav,
    Flac,
}

/// The media type of everything that is not shown inline.
pub const DOWNLOAD: &str = "application/octet-stream";

impl InlineType {
    pub const ALL: [Self; 13] = [
        Self::Jpeg,
        Self::Png,
        Self::Gif,
        Self::WebP,
        Self::Mp4,
        Self::Mov,
        Self::WebM,
        Self::WebMAudio,
        Self::Mp3,
        Self::M4a,
        Self::Ogg,
        Self::Wav,
        Self::Flac,
    ];

    /// Returns the media type to serve.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
            Self::Mp4 => "video/mp4",
            Self::Mov => "video/quicktime",
            Self::WebM => "video/webm",
            Self::WebMAudio => "audio/webm",
            Self::Mp3 => "audio/mpeg",
            Self::M4a => "audio/mp4",
            Self::Ogg => "audio/ogg",
            Self::Wav => "audio/wav",
            Self::Flac => "audio/flac",
        }
    }

    /// Returns the type with this media type, if it is on the list.
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|inline| inline.media_type() == media_type)
    }

    pub fn kind(self) -> FileKind {
        match self {
            Self::Jpeg | Self::Png | Self::Gif | Self::WebP => FileKind::Image,
            Self::Mp4 | Self::Mov | Self::WebM => FileKind::Video,
            Self::WebMAudio | Self::Mp3 | Self::M4a | Self::Ogg | Self::Wav | Self::Flac => {
                FileKind::Audio
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_types_of_the_list_are_found() {
        for inline in InlineType::ALL {
            assert_eq!(InlineType::from_media_type(inline.media_type()), Some(inline));
            assert_ne!(inline.kind(), FileKind::File);
        }
        for other in ["text/html", "image/svg+xml", "application/pdf", DOWNLOAD, "image/JPEG", ""] {
            assert_eq!(InlineType::from_media_type(other), None);
        }
    }
}
