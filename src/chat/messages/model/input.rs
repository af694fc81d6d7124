//! What a client sends: the body of a message, a nonce, a reaction. The only constructor of each type is its
//! parser.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::chat::emoji::model::EmojiName;
use crate::chat::files::model::{FileId, PostedFiles};
use crate::kernel::{Emoji, FieldError};
use crate::limits::file::PER_MESSAGE;
use crate::text::emoji::by_shortcode;
use crate::text::render::Markup;
use crate::text::visible::is_visible;

/// The text of a message: 1 to 16,000 characters, at least one of them visible. It is kept as typed,
/// except that white space at the end, empty lines at the start and control characters are removed.
/// Lines end in `\n`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageBody(String);

const MAX_BODY_CHARS: usize = 16_000;

impl MessageBody {
    /// # Errors
    /// If no character is visible, or the text is too long.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        Self::parse_beside(text, false)
    }

    /// The text of a message that may have files. Beside files it may be empty.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_beside(text: &str, has_files: bool) -> Result<Self, FieldError> {
        let lines = text.replace("\r\n", "\n");
        let body: String = lines.chars().filter_map(kept).collect();
        let body = without_empty_lines_before(body.trim_end());
        if is_visible(body) {
            Self::of_length(body)
        } else if has_files {
            Ok(Self(String::new()))
        } else {
            Err(FieldError::new("body", "body-empty"))
        }
    }

    /// A body that an earlier version or another installation stored. It is kept unchanged, even if a
    /// stricter rule now applies to new messages.
    ///
    /// # Errors
    /// If no version could have stored it.
    pub fn stored(text: &str) -> Result<Self, FieldError> {
        let clean = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
        if text.is_empty() || text.trim_end() != text || !text.chars().all(clean) {
            return Err(FieldError::new("body", "body-empty"));
        }
        Self::of_length(text)
    }

    fn of_length(body: &str) -> Result<Self, FieldError> {
        if body.chars().count() > MAX_BODY_CHARS {
            return Err(FieldError::new("body", "body-long"));
        }
        Ok(Self(body.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Maps every line terminator to `\n` (UAX 14, class BK), so that line breaks survive, and removes
/// control characters.
fn kept(c: char) -> Option<char> {
    match c {
        '\t' => Some(c),
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some('\n'),
        c => (!c.is_control()).then_some(c),
    }
}

/// Removes empty lines at the start. The first line with text keeps its indentation.
fn without_empty_lines_before(mut text: &str) -> &str {
    while let Some((line, rest)) = text.split_once('\n') {
        if !line.trim().is_empty() {
            break;
        }
        text = rest;
    }
    text
}

/// The value of `files`: the ids of at most ten files, each once.
///
/// # Errors
/// If there are more, one is named twice, or one cannot be an id.
pub fn parse_files(ids: &[String]) -> Result<PostedFiles, FieldError> {
    if ids.len() > PER_MESSAGE {
        return Err(FieldError::new("files", "files-many"));
    }
    let parsed: Option<Vec<FileId>> = ids.iter().map(|id| FileId::parse(id)).collect();
    let once: HashSet<&String> = ids.iter().collect();
    match parsed.filter(|_| once.len() == ids.len()) {
        Some(ids) => Ok(PostedFiles { ids, compare_contents: false }),
        None => Err(FieldError::new("files", "file-unknown")),
    }
}

/// The value of `format`: `None` if none is given.
///
/// # Errors
/// If it is neither `markdown` nor `plain`.
pub fn parse_format(format: Option<&str>) -> Result<Option<Markup>, FieldError> {
    match format {
        None => Ok(None),
        Some("plain") => Ok(Some(Markup::Plain)),
        Some("markdown") => Ok(Some(Markup::Markdown)),
        Some(_) => Err(FieldError::new("format", "format-unknown")),
    }
}

/// A value the client chooses for a message, so that a retry does not store it twice: 1 to 64 visible
/// ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Nonce(String);

impl Nonce {
    /// # Errors
    /// If it is empty, too long, or has other characters.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        if (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(FieldError::new("nonce", "nonce-shape"))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What users react with: a standard emoji, or `:name:` of a custom one. One emoji has one spelling, so
/// that it is one reaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReactionEmoji(Cow<'static, str>);

impl ReactionEmoji {
    /// The code of a standard emoji, such as `:tada:`, stands for it. Another name between colons is a
    /// custom emoji, whether there is one of this name or not.
    ///
    /// # Errors
    /// If the text is not exactly one emoji.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let text = text.trim();
        let Some(name) = text.strip_prefix(':').and_then(|rest| rest.strip_suffix(':')) else {
            return Ok(Self(Emoji::parse(text)?.as_str().into()));
        };
        if let Some(emoji) = by_shortcode(name) {
            return Ok(Self(emoji.into()));
        }
        let name = EmojiName::parse(name).map_err(|_| FieldError::new("emoji", "emoji-one"))?;
        Ok(Self(format!(":{}:", name.as_str()).into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of a custom emoji.
    pub fn custom_name(&self) -> Option<&str> {
        self.0.strip_prefix(':')?.strip_suffix(':')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_keeps_its_spaces_and_normalizes_line_endings() {
        let body = |text| MessageBody::parse(text).map(|body| body.0);
        for (typed, kept) in [
            ("  hola \r\n a todos\r\n", "  hola \n a todos"),
            ("\n \t\n    if x:\n        return  1\n\n", "    if x:\n        return  1"),
            ("name    qty", "name    qty"),
            ("\u{3000}段落\u{2003}x", "\u{3000}段落\u{2003}x"),
            ("a\u{b}b\u{c}c\u{85}d\u{2028}e\u{2029}f\rg", "a\nb\nc\nd\ne\nf\ng"),
            ("a\n\n\nb", "a\n\n\nb"),
            ("a\u{0}b\u{7}\tc", "ab\tc"),
        ] {
            assert_eq!(body(typed).as_deref(), Ok(kept), "{typed:?}");
            assert_eq!(body(kept).as_deref(), Ok(kept), "twice changes nothing");
        }
    }

    #[test]
    fn a_body_needs_a_visible_character() {
        for empty in
            ["", "  \n ", "\u{0}\u{3000}", "\u{3164}", "\u{200b}\n\u{2800}", "\u{fe0f}", "\u{301}"]
        {
            assert!(MessageBody::parse(empty).is_err(), "{empty:?}");
        }
        for seen in ["\u{200b}x", "❤\u{fe0f}", ".", "👩\u{200d}👧"] {
            assert!(MessageBody::parse(seen).is_ok(), "{seen:?}");
        }
        assert!(MessageBody::stored("\u{3164}").is_ok(), "an older one is imported");
        assert!(MessageBody::stored("a\u{2028}b").is_ok(), "an older one is imported");
        assert!(MessageBody::stored("a\u{0}").is_err());
    }

    #[test]
    fn a_body_is_counted_in_characters_and_not_in_bytes() {
        assert!(MessageBody::parse(&"ñ".repeat(16_000)).is_ok());
        assert!(MessageBody::parse(&"a".repeat(16_001)).is_err());
    }

    #[test]
    fn a_reaction_is_an_emoji_its_code_or_the_name_of_a_custom_one() {
        for (text, stored, custom) in [
            ("👍", "👍", None),
            (" \u{2764} ", "❤\u{fe0f}", None),
            (":+1:", "👍", None),
            (":party-parrot:", ":party-parrot:", Some("party-parrot")),
        ] {
            let emoji = ReactionEmoji::parse(text).expect(text);
            assert_eq!((emoji.as_str(), emoji.custom_name()), (stored, custom));
            // The store packs it with numbers into one text.
            assert!(!stored.contains([' ', ',']));
        }
        for bad in ["", "a", "👍👍", "+1", ":A1:", "::", ":a:b:", ":a b:", ":a,b:"] {
            assert!(ReactionEmoji::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_nonce_is_visible_ascii() {
        for good in ["a", "0190b6c0-7f3e-7c3a-9c0e-1234567890ab", "~!"] {
            assert!(Nonce::parse(good).is_ok(), "{good}");
        }
        for bad in ["", " ", "ñ", "a b", &"x".repeat(65)] {
            assert!(Nonce::parse(bad).is_err(), "{bad}");
        }
    }
}
