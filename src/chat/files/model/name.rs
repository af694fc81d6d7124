//! The name and the description of a file. Both come from its sender and are shown to others.

use unicode_normalization::UnicodeNormalization as _;

use crate::limits::file::{ALT, NAME_BYTES};
use crate::text::visible::is_visible;

/// A name without a path, at most 255 bytes, without control and bidirectional characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName(String);

/// What a file without a name is called.
const NAMELESS: &str = "file";

impl FileName {
    /// Makes a name of any text.
    pub fn parse(text: &str) -> Self {
        let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
        let clean: String = last.nfc().filter(|c| is_allowed(*c)).collect();
        let clean = clean.trim().trim_start_matches('.').trim();
        if !is_visible(clean) {
            return Self(NAMELESS.to_owned());
        }
        Self(shortened(clean).to_owned())
    }

    /// A name from the database. What an import or a restored backup brought is checked like any other.
    pub(in crate::chat::files) fn stored(text: &str) -> Self {
        Self::parse(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The last part of a text that fits. The end says the type, so the beginning is cut.
fn shortened(text: &str) -> &str {
    let mut start = text.len().saturating_sub(NAME_BYTES);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.get(start..).unwrap_or_default().trim_start().trim_start_matches('.')
}

/// Control characters could forge headers and columns, bidirectional ones the type: "gpj.exe" reads as "exe.jpg".
fn is_allowed(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// What a file shows, in words, for those who do not see it: at most 1,000 characters on one line; may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AltText(String);

impl AltText {
    /// Makes a description of any text.
    pub fn parse(text: &str) -> Self {
        let line: String = text.nfc().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Self(line.trim().chars().take(ALT).collect())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_path_and_nothing_that_misleads() {
        for (sent, kept) in [
            ("photo.jpg", "photo.jpg"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\ana\\a.txt", "a.txt"),
            ("..", "file"),
            (".htaccess", "htaccess"),
            ("a\r\nSet-Cookie: x=1.txt", "aSet-Cookie: x=1.txt"),
            ("a\u{1f}b\u{0}c", "abc"),
            ("\u{202e}gpj.exe", "gpj.exe"),
            (" \u{2066} ", "file"),
            ("", "file"),
            ("\u{3164}", "file"),
            ("cafe\u{301}.pdf", "café.pdf"),
            ("日本.txt", "日本.txt"),
        ] {
            assert_eq!(FileName::parse(sent).as_str(), kept, "{sent:?}");
            assert_eq!(FileName::parse(kept).as_str(), kept, "twice changes nothing");
        }
    }

    #[test]
    fn a_long_name_keeps_its_end() {
        let name = FileName::parse(&format!("{}.jpg", "ñ".repeat(300)));
        assert!(name.as_str().len() <= NAME_BYTES && name.as_str().ends_with("ñ.jpg"));
    }

    #[test]
    fn a_description_is_one_line() {
        assert_eq!(AltText::parse(" a\ncat\u{1e} ").as_str(), "a cat");
        assert_eq!(AltText::parse(&"x".repeat(2_000)).as_str().len(), ALT);
    }
}
