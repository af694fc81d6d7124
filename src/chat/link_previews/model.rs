//! The types of link previews: what a message shows of the pages that it links to.
//!
//! This module does no I/O.

use url::Url;

use crate::kernel::MessageId;
use crate::limits::link_preview as limits;
use crate::text::render;

/// What was found at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPage {
    pub title: String,
    pub text: String,
    /// The name of the site, or its host.
    pub site: String,
    pub image: Option<PreviewImage>,
}

/// The picture of a preview: a small JPEG that Patio encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewImage {
    /// Its SHA-256, in hexadecimal.
    pub hash: String,
    pub width: i64,
    pub height: i64,
}

impl PreviewImage {
    /// The path of the picture. Another picture has another one.
    pub fn path(&self, message: MessageId, n: i64) -> String {
        let version = self.hash.get(..12).unwrap_or_default();
        format!("/messages/{message}/previews/{n}/{version}.jpg")
    }
}

/// A link of a message with its preview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkPreview {
    /// The place of the link among those of the message, from 0.
    pub n: i64,
    /// The address as the message links it.
    pub url: String,
    pub page: FoundPage,
}

impl LinkPreview {
    /// Reads the previews from the column that `MESSAGE_COLUMNS!` of the store of messages selects. No text in it
    /// contains a control character.
    pub fn from_column(column: &str) -> Vec<Self> {
        column.split('\u{1e}').filter_map(Self::from_fields).collect()
    }

    fn from_fields(fields: &str) -> Option<Self> {
        let mut fields = fields.split('\u{1f}');
        let mut next = || fields.next();
        let (n, url) = (next()?.parse().ok()?, next()?.to_owned());
        let mut text = || next().map(ToOwned::to_owned);
        let (title, body, site, hash) = (text()?, text()?, text()?, text()?);
        let image = Some((hash, text()?.parse().ok(), text()?.parse().ok()));
        let image = image.and_then(|(hash, width, height)| {
            Some(PreviewImage { hash, width: width?, height: height? })
        });
        Some(Self { n, url, page: FoundPage { title, text: body, site, image } })
    }
}

/// The addresses of a message that may get previews, from its HTML: the first links of its own, each once. Not those in
/// quotes and code.
pub fn links_with_previews(html: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for link in render::web_links(html) {
        if !found.contains(&link) {
            found.push(link);
        }
        if found.len() == limits::PER_MESSAGE {
            break;
        }
    }
    found
}

/// Whether a message has links that may get previews.
pub fn has_links(html: &str) -> bool {
    render::web_links(html).next().is_some()
}

/// The address under which what is found at a link is kept: without the part that is not sent. `None` for a link that
/// is never fetched.
pub fn page_address(link: &str) -> Option<Url> {
    let mut url = Url::parse(link).ok()?;
    url.set_fragment(None);
    (url.as_str().len() <= limits::ADDRESS).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previews_are_restored_from_their_column() {
        let image = PreviewImage { hash: "0a1b".to_owned(), width: 480, height: 270 };
        let page = |image| FoundPage {
            title: "Title".to_owned(),
            text: String::new(),
            site: "x.example".to_owned(),
            image,
        };
        let url = "https://x.example/?a=b".to_owned();
        let column = "0\u{1f}https://x.example/?a=b\u{1f}Title\u{1f}\u{1f}x.example\u{1f}0a1b\u{1f}480\u{1f}270\u{1e}\
                      2\u{1f}https://x.example/?a=b\u{1f}Title\u{1f}\u{1f}x.example\u{1f}\u{1f}\u{1f}";
        let expected = vec![
            LinkPreview { n: 0, url: url.clone(), page: page(Some(image)) },
            LinkPreview { n: 2, url, page: page(None) },
        ];
        assert_eq!(LinkPreview::from_column(column), expected);
        assert_eq!(LinkPreview::from_column(""), []);
    }

    #[test]
    fn links_of_the_message_itself_have_previews() {
        let link =
            |n: u8| format!("<a href=\"https://x.example/{n}?a&amp;b\" target=\"_blank\">x</a>");
        let html = format!(
            "<p>{}{}</p><blockquote><p>{}</p><blockquote></blockquote>{}</blockquote><p>{}</p>
             <p><a class=\"mention\" href=\"/direct/ana\">@ana</a><a href=\"mailto:a@b.example\">a</a></p>{}{}",
            link(1), link(1), link(2), link(2), link(3), link(4), link(5),
        );
        let expected =
            ["https://x.example/1?a&b", "https://x.example/3?a&b", "https://x.example/4?a&b"];
        assert_eq!(links_with_previews(&html), expected);
        assert!(links_with_previews("<p><code>https://x.example</code></p>").is_empty());
    }
}
