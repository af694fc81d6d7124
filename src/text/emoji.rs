//! Emoji in text: codes such as `:tada:`, where a code may stand, and text of nothing but emoji.
//!
//! Knows the standard's emoji only; what other names stand for is the caller's.

use std::ops::Range;

use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;

use super::effort::looked_at;
use super::scripts::is_written_without_spaces;

/// Codes and their emoji, sorted by code. The picker of the browser has the same (`script/emoji.mjs`).
static SHORTCODES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/shortcodes.rs"));

/// The length of the longest name between two colons, in bytes.
const MAX_NAME: usize = 64;
/// How many emoji a text may have to be shown large.
const MAX_LARGE: usize = 3;

/// The emoji of a code without its colons, such as `tada`: GitHub's codes, then those of Slack that
/// GitHub has not given to another emoji.
pub fn by_shortcode(name: &str) -> Option<&'static str> {
    let found = SHORTCODES.binary_search_by_key(&name, |(code, _)| code).ok()?;
    SHORTCODES.get(found).map(|(_, emoji)| *emoji)
}

/// Characters of a name between colons.
pub fn is_of_codes(c: char) -> bool {
    matches!(c, 'a'..='z' | '0'..='9' | '_' | '+' | '-')
}

/// The first code in this part of the text that `resolve` knows by its name, with its colons.
///
/// A code stands apart from words and addresses: no letter, digit, colon or slash before it, no letter
/// or digit behind it, so that `std::gem::x` and `10:30:45` stay. It may follow another code directly;
/// to find the next one, let the part start where the last one ended.
pub fn find_code<T>(
    text: &str,
    part: Range<usize>,
    mut resolve: impl FnMut(&str) -> Option<T>,
) -> Option<(Range<usize>, T)> {
    let mut at = part.start;
    loop {
        let rest = text.get(at..part.end)?;
        let Some(colon) = rest.find(':') else {
            looked_at(rest.len());
            return None;
        };
        let name = rest.get(colon + 1..)?;
        let length = name.find(|c| !is_of_codes(c)).unwrap_or(name.len());
        looked_at(colon + length + 1);
        let start = at + colon;
        let end = start + length + 2;
        if (1..=MAX_NAME).contains(&length)
            && name.get(length..)?.starts_with(':')
            && (start == part.start && text.get(..start)?.ends_with(':')
                || !joins_code(text.get(..start)?.chars().next_back(), &[':', '/']))
            && !joins_code(text.get(end..)?.chars().next(), &[])
            && let Some(found) = resolve(name.get(..length)?)
        {
            return Some((start..end, found));
        }
        at = start + 1 + length;
    }
}

/// Whether this character beside a code makes both one word.
fn joins_code(beside: Option<char>, others: &[char]) -> bool {
    beside.is_some_and(|c| {
        let is_of_word = c.is_alphanumeric() || is_combining_mark(c);
        is_of_word && !is_written_without_spaces(c) || others.contains(&c)
    })
}

/// Whether a text is one to three emoji and nothing else but spaces. They are shown large. Codes count
/// if `is_known` knows their name.
pub fn is_large(text: &str, mut is_known: impl FnMut(&str) -> bool) -> bool {
    // Most texts begin with a letter.
    if text.as_bytes().first().is_none_or(u8::is_ascii_alphabetic) {
        return false;
    }
    let mut at = 0;
    for _ in 0..=MAX_LARGE {
        let Some(rest) = text.get(at..) else { return false };
        let next = rest.trim_start_matches(' ');
        if next.is_empty() {
            return at > 0;
        }
        at += rest.len() - next.len();
        match length_of_emoji(text, at, &mut is_known) {
            Some(length) => at += length,
            None => return false,
        }
    }
    false
}

/// The length of the emoji or code that starts here.
fn length_of_emoji(text: &str, at: usize, mut is_known: impl FnMut(&str) -> bool) -> Option<usize> {
    let rest = text.get(at..)?;
    if rest.starts_with(':') {
        let end =
            rest.char_indices().nth(MAX_NAME + 2).map_or(text.len(), |(length, _)| at + length);
        let (code, ()) = find_code(text, at..end, |name| is_known(name).then_some(()))?;
        return (code.start == at).then_some(code.len());
    }
    let grapheme = rest.graphemes(true).next()?;
    looked_at(grapheme.len());
    // The longest emoji has 35 bytes.
    (grapheme.len() < 64 && emojis::get(grapheme).is_some()).then_some(grapheme.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with its standard codes written as emoji.
    fn written(text: &str) -> String {
        let mut written = String::new();
        let mut at = 0;
        while let Some((code, emoji)) = find_code(text, at..text.len(), by_shortcode) {
            written.push_str(text.get(at..code.start).expect("before it"));
            written.push_str(emoji);
            at = code.end;
        }
        written + text.get(at..).expect("after it")
    }

    #[test]
    fn codes_stand_apart_from_words_and_addresses() {
        for (text, expected) in [
            (":tada:", "🎉"),
            ("so :+1: then", "so 👍 then"),
            (":thumbsup::tada:", "👍🎉"),
            (":tada: :tada:", "🎉 🎉"),
            ("(:tada:)", "(🎉)"),
            ("great!:tada:!", "great!🎉!"),
            (":tada::", "🎉:"),
            ("你好:tada:", "你好🎉"),
            (":tada:你好", "🎉你好"),
            ("*:tada:*", "*🎉*"),
            ("a: :tada:", "a: 🎉"),
            ("::: :tada:", "::: 🎉"),
            (":seedling:, :100:.", "🌱, 💯."),
            (":flag-es: :es:", "🇪🇸 🇪🇸"),
            (":simple_smile: :slightly_smiling_face:", ":simple_smile: 🙂"),
        ] {
            assert_eq!(written(text), expected, "{text}");
        }
        for same in [
            "std::gem::x",
            "10:30:45",
            "1:100:1",
            "x:tada:",
            ":tada:x",
            ":tada:1",
            "é:tada:",
            "e\u{301}:tada:",
            "https://x.org/:tada:",
            ":nothing_like_it:",
            "::",
            ":::",
            ": tada:",
            ":tada :",
            ":TADA:",
            ":tada",
            "tada:",
            "::tada::",
        ] {
            assert_eq!(written(same), same);
        }
    }

    #[test]
    fn one_to_three_emoji_alone_are_large() {
        for (text, expected) in [
            ("👍", true),
            ("👍🎉🌱", true),
            ("👍 🎉  🌱", true),
            ("👩‍👩‍👧‍👦🇪🇸1️⃣", true),
            ("👋🏽", true),
            ("❤", true),
            (":tada:", true),
            ("🎉:tada: :+1:", true),
            ("👍🎉🌱🌱", false),
            ("", false),
            (" ", false),
            ("1", false),
            ("#", false),
            ("👍!", false),
            ("ok 👍", false),
            ("👍 ok", false),
            ("👍\n🎉", false),
            (":nothing:", false),
            (":tada", false),
            (":tada:x", false),
            (":tada::tada::tada::tada:", false),
        ] {
            assert_eq!(is_large(text, |name| by_shortcode(name).is_some()), expected, "{text:?}");
        }
    }

    #[test]
    fn every_emoji_of_the_picker_is_one_that_reactions_take() {
        assert!(SHORTCODES.is_sorted_by(|(one, _), (next, _)| one < next));
        assert!(SHORTCODES.len() > 2_400);
        for (code, emoji) in SHORTCODES {
            assert_eq!(emojis::get(emoji).map(emojis::Emoji::as_str), Some(*emoji), "{code}");
            assert!(code.len() <= MAX_NAME && code.chars().all(is_of_codes), "{code}");
            if let Some(github) = emojis::get_by_shortcode(code) {
                assert_eq!(github.as_str(), *emoji, "{code}");
            }
        }
    }
}
