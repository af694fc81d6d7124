//! The JSON of a file of a message.

use serde::Serialize;
use utoipa::ToSchema;

use crate::chat::files::model::Attachment;
use crate::http::files;

/// A file of a message.
#[derive(Serialize, ToSchema)]
#[schema(as = Attachment)]
pub struct AttachmentShape<'a> {
    id: &'a str,
    name: &'a str,
    #[schema(pattern = "^(image|video|audio|file)$")]
    kind: &'static str,
    /// The media type, by the content; `application/octet-stream` for all that is only downloaded.
    r#type: &'static str,
    /// In bytes.
    size: u64,
    /// In pixels, as shown.
    width: Option<u32>,
    height: Option<u32>,
    duration_ms: Option<u64>,
    /// What it shows, for those who do not see it.
    alt: &'a str,
    /// The path of the file. It takes the same token, and answers ranges.
    url: String,
    /// The path of a smaller picture.
    preview_url: Option<String>,
}

impl<'a> From<&'a Attachment> for AttachmentShape<'a> {
    fn from(attachment: &'a Attachment) -> Self {
        Self {
            id: attachment.id.as_str(),
            name: attachment.name.as_str(),
            kind: attachment.media_type.kind_name(),
            r#type: attachment.media_type.as_str(),
            size: attachment.content.size,
            width: attachment.width,
            height: attachment.height,
            duration_ms: attachment.duration_ms,
            alt: attachment.alt.as_str(),
            url: files::url(attachment),
            preview_url: files::preview_url(attachment),
        }
    }
}
