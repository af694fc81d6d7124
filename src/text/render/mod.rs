//! Renders message bodies as HTML that is safe to show to every user.
//!
//! Text is escaped, paragraphs and line breaks are kept, web addresses and mentioned handles become
//! links; [`Markup::Markdown`] adds marks. No input can create a tag.

mod html;
mod language;
mod line;
mod markdown;
mod mention_scanner;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use self::html::{CLOSE, Element, OPEN};
pub use self::html::{
    custom_emoji, is_custom_emoji, linked_handles, text_of, web_links, with_emoji_files,
};
use self::line::LineWriter;
#[cfg(fuzzing)]
pub use self::markdown::allowed;

/// How a message's HTML is made from its body. It is stored with the message, so that the HTML can be
/// made again the same way after the rules for new messages changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub enum Markup {
    /// Text, lines and links.
    #[default]
    Plain,
    /// The Markdown of chats.
    Markdown,
}

impl Markup {
    const ALL: [Self; 2] = [Self::Plain, Self::Markdown];

    /// The number in the database, in the API and in exports.
    pub fn number(self) -> i64 {
        match self {
            Self::Plain => 0,
            Self::Markdown => 1,
        }
    }
}

impl From<Markup> for i64 {
    fn from(markup: Markup) -> Self {
        markup.number()
    }
}

impl TryFrom<i64> for Markup {
    type Error = &'static str;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        let found = Self::ALL.into_iter().find(|markup| markup.number() == number);
        found.ok_or("markup is of a later version")
    }
}

/// Where a name stands that may be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Text,
    /// In a quote. Its author repeats the name and does not call its user.
    Quote,
    /// Between colons. It may be the name of a custom emoji.
    Code,
}

/// Renders a body. For each word after an `@`, `find` is called with the normalized candidates, the most
/// likely first, until it returns the handle as its user writes it. For a name between colons that is no
/// standard emoji, it returns the version of the custom emoji's image.
pub fn render(
    body: &str,
    markup: Markup,
    find: impl FnMut(&str, Place) -> Option<String>,
) -> String {
    match markup {
        Markup::Plain => plain(body, LineWriter::new(body.len(), false, find)),
        Markup::Markdown => markdown::render(body, find),
    }
}

/// Empty lines separate paragraphs.
fn plain<F: FnMut(&str, Place) -> Option<String>>(body: &str, mut writer: LineWriter<F>) -> String {
    let lines: Vec<&str> = body.split('\n').collect();
    for paragraph in lines.split(|line| line.is_empty()).filter(|lines| !lines.is_empty()) {
        writer.html.open(Element::Paragraph);
        writer.lines(paragraph.iter().copied());
        writer.html.close(Element::Paragraph);
    }
    writer.html.into_string()
}

/// The HTML to store for a body: empty if it is the body itself in one paragraph, as for most messages.
/// This saves space.
pub fn stored<'a>(html: &'a str, body: &str) -> &'a str {
    let inner = html.strip_prefix(OPEN).and_then(|rest| rest.strip_suffix(CLOSE));
    if inner == Some(body) { "" } else { html }
}

/// Restores the HTML from the value that [`stored`] returned. A deleted message has neither body nor
/// HTML.
pub fn restored(stored: String, body: &str) -> String {
    if stored.is_empty() && !body.is_empty() { [OPEN, body, CLOSE].concat() } else { stored }
}

/// A `find` that knows no names.
pub fn no_mentions(_: &str, _: Place) -> Option<String> {
    None
}
