//! The preview of a link, as a part of a message.

use serde::Serialize;
use utoipa::ToSchema;

use crate::chat::link_previews::model::LinkPreview;
use crate::kernel::MessageId;

/// What a message shows of a page that it links to.
#[derive(Serialize, ToSchema)]
#[schema(as = LinkPreview)]
pub(super) struct PreviewShape<'a> {
    /// The number of the link in the message, from 0, for `DELETE /messages/{id}/previews/{n}`.
    n: i64,
    /// The address as the message links it.
    url: &'a str,
    title: &'a str,
    /// A short text, or nothing.
    text: &'a str,
    /// The name of the site.
    site: &'a str,
    /// The path of its picture on this server: a JPEG of at most 480 pixels. Who may read the message may load it.
    image_url: Option<String>,
}

impl<'a> PreviewShape<'a> {
    pub fn new(message: MessageId, LinkPreview { n, url, page }: &'a LinkPreview) -> Self {
        Self {
            n: *n,
            url,
            title: &page.title,
            text: &page.text,
            site: &page.site,
            image_url: page.image.as_ref().map(|image| image.path(message, *n)),
        }
    }
}
