//! The types of files: names, descriptions, media types, uploads, and the attachments of messages.
//!
//! This module does no I/O.

mod error;
mod folder;
mod media_type;
mod name;

use serde::{Deserialize, Serialize};

pub use self::error::UploadError;
pub use self::folder::{FOLDERS, FolderReport};
pub use self::media_type::MediaType;
pub use self::name::{AltText, FileName};
use crate::kernel::ids::RoomKey;
use crate::kernel::{MessageId, Random, Timestamp, UserId};
pub use crate::media::FileKind;

/// The id of a file, and of the upload that it was: 128 random bits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileId(String);

impl FileId {
    pub fn new(random: &Random) -> Self {
        Self(random.session_id())
    }

    /// `None` if the text is no id.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (text.len() == 22 && text.bytes().all(plain)).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The SHA-256 of a content, hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ContentHash(String);

impl ContentHash {
    pub fn of(digest: impl AsRef<[u8]>) -> Self {
        Self(hex::encode(digest))
    }

    /// `None` if the text is no such hash.
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (text.len() == 64 && text.bytes().all(digit)).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Bytes in storage, or about to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    pub hash: ContentHash,
    pub size: u64,
}

/// A file that a user wants to send.
#[derive(Clone, Debug)]
pub struct NewUpload {
    pub name: FileName,
    pub alt: AltText,
    /// In bytes, as announced.
    pub length: u64,
}

/// A file on its way to us.
#[derive(Clone, Debug)]
pub struct Upload {
    pub id: FileId,
    pub owner: UserId,
    pub name: FileName,
    pub alt: AltText,
    pub length: u64,
    /// The bytes that have arrived, if uploads are gathered in storage.
    pub received: u64,
}

/// Bytes of an upload that is gathered in storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub start: u64,
    pub length: u64,
    /// Its own part of its name in storage.
    pub object: FileId,
}

impl Piece {
    pub fn end(&self) -> u64 {
        self.start + self.length
    }
}

/// How far an upload is: what its sender asks for.
#[derive(Clone, Debug)]
pub struct UploadState {
    /// The bytes that have arrived and are on disk.
    pub offset: u64,
    pub length: u64,
    pub name: FileName,
    pub alt: AltText,
}

/// A file that has arrived.
#[derive(Clone, Debug)]
pub struct StoredFile {
    pub id: FileId,
    pub owner: UserId,
    /// `None`: it was not posted yet.
    pub message: Option<MessageId>,
    pub name: FileName,
    pub alt: AltText,
    pub media_type: MediaType,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub duration_ms: Option<u64>,
    /// As sent, before metadata was removed.
    pub sent_size: u64,
    pub content: Content,
    pub preview: Option<ContentHash>,
    pub created_at: Timestamp,
}

impl StoredFile {
    /// The file as a part of a message.
    pub fn attached_to(&self, message: MessageId) -> Attachment {
        Attachment {
            id: self.id.clone(),
            message,
            name: self.name.clone(),
            alt: self.alt.clone(),
            media_type: self.media_type,
            width: self.width,
            height: self.height,
            duration_ms: self.duration_ms,
            content: self.content.clone(),
            preview: self.preview.clone(),
        }
    }
}

/// A file of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    pub id: FileId,
    /// The message that was posted with it. The copy of a reply has the files of the reply.
    pub message: MessageId,
    pub name: FileName,
    pub alt: AltText,
    pub media_type: MediaType,
    /// In pixels, as shown.
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub duration_ms: Option<u64>,
    pub content: Content,
    /// A smaller picture.
    pub preview: Option<ContentHash>,
}

impl Attachment {
    pub fn kind(&self) -> FileKind {
        self.media_type.kind()
    }

    /// The inverse of the column of files that messages are read with: their fields, separated by U+001F.
    pub fn from_column(text: &str) -> Option<Self> {
        let mut fields = text.split('\u{1f}');
        let mut next = || fields.next();
        Some(Self {
            id: FileId(next()?.to_owned()),
            message: MessageId(next()?.parse().ok()?),
            name: FileName::stored(next()?),
            alt: AltText::parse(next()?),
            media_type: MediaType::parse(next()?),
            width: next()?.parse().ok(),
            height: next()?.parse().ok(),
            duration_ms: next()?.parse().ok(),
            content: Content { size: next()?.parse().ok()?, hash: ContentHash::parse(next()?)? },
            preview: ContentHash::parse(next()?),
        })
    }
}

/// A file as a list of the newest ones shows it.
#[derive(Clone, Debug)]
pub struct RecentFile {
    pub attachment: Attachment,
    /// The room and place of its message. The room may be a thread.
    pub place: RoomKey,
    /// Its place among the pictures of its message, from 1, if it is one.
    pub picture: usize,
}

/// The files of a message that is posted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostedFiles {
    /// In the order in which they are shown, each once.
    pub ids: Vec<FileId>,
    /// Whether other files with the same contents count as the same when the nonce is known: a form that is sent twice
    /// brings its files twice.
    pub compare_contents: bool,
}

impl PostedFiles {
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Whether the message that was posted with this nonce has these files.
    pub fn are(&self, attachments: &[Attachment], found: &[&StoredFile]) -> bool {
        let same_ids = self.ids.iter().eq(attachments.iter().map(|attachment| &attachment.id));
        let contents = |file: &&StoredFile| file.content.hash.clone();
        let same_contents = || {
            let stored = attachments.iter().map(|attachment| attachment.content.hash.clone());
            found.len() == self.ids.len() && found.iter().map(contents).eq(stored)
        };
        same_ids || (self.compare_contents && same_contents())
    }
}

/// How much users may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadLimits {
    /// Bytes of one file.
    pub largest: u64,
    /// Bytes of all files of a user; `None`: no limit.
    pub quota: Option<u64>,
    /// Bytes of all files of the installation; `None`: no limit.
    pub installation: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_hashes_have_one_form() {
        let id = FileId::new(&Random::system());
        assert_eq!(FileId::parse(id.as_str()), Some(id));
        for bad in
            ["", "../../etc/passwd.......", "AAAAAAAAAAAAAAAAAAAAA/", "AAAAAAAAAAAAAAAAAAAAA"]
        {
            assert_eq!(FileId::parse(bad), None, "{bad}");
        }
        let hash = "0123456789abcdef".repeat(4);
        assert!(ContentHash::parse(&hash).is_some());
        assert!(ContentHash::parse(&hash.to_uppercase()).is_none());
        assert!(ContentHash::parse("../x").is_none());
    }
}
