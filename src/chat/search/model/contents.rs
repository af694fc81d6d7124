//! What a message has besides words: links and files. Operators ask for it, and the index has a term for each.

use crate::chat::files::model::Attachment;

/// What `has:` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Has {
    Link,
    /// A file of any kind.
    File,
    Image,
    Video,
    Audio,
}

impl Has {
    pub const ALL: [Self; 5] = [Self::File, Self::Image, Self::Video, Self::Audio, Self::Link];

    /// `None` if the operator has no such value.
    pub fn parse(value: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|has| has.name() == value)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::File => "file",
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
        }
    }
}

/// What a message has besides words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    pub link: bool,
    pub files: Vec<SearchedFile>,
}

/// A file, as far as it is searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchedFile {
    /// As the database and the API name it.
    kind: String,
    pub name: String,
}

impl From<&Attachment> for SearchedFile {
    fn from(file: &Attachment) -> Self {
        Self { kind: file.media_type.kind_name().to_owned(), name: file.name.as_str().to_owned() }
    }
}

impl Contents {
    /// `files` is the column that the store reads: kinds and names with a space between them, separated by U+001F.
    pub fn stored(link: bool, files: Option<&str>) -> Self {
        let file = |text: &str| {
            let (kind, name) = text.split_once(' ')?;
            Some(SearchedFile { kind: kind.to_owned(), name: name.to_owned() })
        };
        Self { link, files: files.unwrap_or_default().split('\u{1f}').filter_map(file).collect() }
    }

    pub fn has(&self, wanted: Has) -> bool {
        match wanted {
            Has::Link => self.link,
            Has::File => !self.files.is_empty(),
            Has::Image | Has::Video | Has::Audio => {
                self.files.iter().any(|file| file.kind == wanted.name())
            }
        }
    }
}
