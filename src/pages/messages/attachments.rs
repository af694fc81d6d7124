//! The files of a message as its template shows them.

use crate::chat::files::model::Attachment;
use crate::http::{Language, files};

/// A file, the same for all viewers.
pub(in crate::pages) struct AttachmentView<'a> {
    pub id: &'a str,
    pub name: &'a str,
    /// `image`, `video`, `audio` or `file`.
    pub kind: &'static str,
    pub media_type: &'static str,
    /// The number of bytes in words.
    pub size: String,
    /// In pixels, as shown.
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub duration_ms: Option<u64>,
    pub alt: &'a str,
    pub url: String,
    /// A smaller picture.
    pub preview_url: Option<String>,
}

impl<'a> AttachmentView<'a> {
    pub fn new(attachment: &'a Attachment, t: Language) -> Self {
        Self {
            id: attachment.id.as_str(),
            name: attachment.name.as_str(),
            kind: attachment.media_type.kind_name(),
            media_type: attachment.media_type.as_str(),
            size: t.size(attachment.content.size),
            width: attachment.width,
            height: attachment.height,
            duration_ms: attachment.duration_ms,
            alt: attachment.alt.as_str(),
            url: files::url(attachment),
            preview_url: files::preview_url(attachment),
        }
    }
}
