//! Files over HTTP: how they arrive (tus, forms) and how they are read. Pages and API share all of it.

pub mod form;
mod pace;
mod range;
pub mod serve;
pub mod tus;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::chat::files::model::Attachment;

/// What an address contains as it is: the unreserved characters of RFC 3986.
const IN_ADDRESS: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The name that the address of a preview ends with.
const PREVIEW: &str = "preview";

/// The path of a file. Its last part is only for people who look at it.
pub fn url(attachment: &Attachment) -> String {
    let name = match attachment.name.as_str() {
        PREVIEW => "file",
        name => name,
    };
    let name = utf8_percent_encode(name, &IN_ADDRESS);
    format!("/files/{}/{}/{name}", attachment.message, attachment.id.as_str())
}

/// The path of its smaller picture, if it has one.
pub fn preview_url(attachment: &Attachment) -> Option<String> {
    let id = attachment.id.as_str();
    attachment.preview.as_ref().map(|_| format!("/files/{}/{id}/{PREVIEW}", attachment.message))
}
