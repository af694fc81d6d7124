//! Splits a text into the tokens that search compares. Messages and queries are split by the same
//! rules:
//!
//! - a word is a run of letters and digits; everything else separates words, so `10.1.42` is three
//!   consecutive words and `foo_bar` is two;
//! - scripts without spaces between words (Chinese, Japanese, Korean, Thai …) give one token per
//!   character, so that any part of a text can be found, also where a mark of formatting stands inside: `東**京**`;
//! - an emoji is a word, regardless of its skin tone.

use std::borrow::Cow;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use crate::text::normalize::{base, exact, folded};
use crate::text::scripts::is_written_without_spaces;

/// A word, a character of a script without spaces, or an emoji, with its position in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// The byte range.
    pub at: Range<usize>,
    pub folded: Cow<'a, str>,
    /// The exact form, if it differs from `folded`.
    exact: Option<String>,
    pub kind: Kind,
    /// The next token is a character that follows immediately, or behind marks of formatting.
    pub joined: bool,
    /// The folded parts of a `camelCase` word, each of at least two letters.
    pub parts: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Word,
    Sign,
    Emoji,
}

impl Token<'_> {
    /// A token that does not borrow from the text.
    pub fn into_owned(self) -> Token<'static> {
        Token { folded: self.folded.into_owned().into(), ..self }
    }

    pub fn exact(&self) -> &str {
        self.exact.as_deref().unwrap_or(&self.folded)
    }
}

/// Splits a text, in order.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found: Vec<Token<'_>> = Vec::new();
    let mut word: Option<Range<usize>> = None;
    for (start, grapheme) in graphemes(text) {
        let at = start..start + grapheme.len();
        let kind = kind_of(grapheme);
        if kind == Some(Kind::Word) {
            let begin = word.as_ref().map_or(at.start, |word| word.start);
            word = Some(begin..at.end);
            continue;
        }
        // An invisible character such as a soft hyphen does not end the word.
        if word.is_some() && is_invisible(grapheme) {
            continue;
        }
        push_word(&mut found, text, word.take());
        if let Some(kind) = kind {
            push_sign(&mut found, text, at, kind);
        }
    }
    push_word(&mut found, text, word);
    found
}

/// The grapheme clusters of a text with their byte offsets. Two ASCII characters are always
/// separate (except CR LF, which is not a word), so most of a text skips the Unicode rules.
fn graphemes(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut next = 0;
    std::iter::from_fn(move || {
        let start = next;
        let rest = text.get(start..)?;
        let grapheme = match rest.as_bytes() {
            [one] | [one, 0..=127, ..] if one.is_ascii() => rest.get(..1)?,
            _ => rest.graphemes(true).next()?,
        };
        next += grapheme.len();
        Some((start, grapheme))
    })
}

fn is_invisible(grapheme: &str) -> bool {
    grapheme
        .chars()
        .all(|c| matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'))
}

fn push_word<'a>(found: &mut Vec<Token<'a>>, text: &'a str, word: Option<Range<usize>>) {
    let Some(at) = word else { return };
    let written = text.get(at.clone()).unwrap_or_default();
    // Most words are in folded form already.
    let is_plain = written.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let (folded, parts) = if is_plain {
        (Cow::Borrowed(written), Vec::new())
    } else {
        (Cow::Owned(only_letters(folded(written))), parts(written))
    };
    if !folded.is_empty() {
        let exact = (!written.is_ascii()).then(|| exact(written));
        found.push(Token { at, folded, exact, kind: Kind::Word, joined: false, parts });
    }
}

fn push_sign(found: &mut Vec<Token<'_>>, text: &str, at: Range<usize>, kind: Kind) {
    let grapheme = text.get(at.clone()).unwrap_or_default();
    let plain = folded(grapheme);
    let folded = match kind {
        Kind::Emoji => only_letters(plain.chars().filter(|c| !is_skin_tone(*c)).collect()),
        _ => only_letters(plain),
    };
    if folded.is_empty() {
        return;
    }
    if kind == Kind::Sign
        && let Some(before) = found.last_mut()
    {
        let between = text.get(before.at.end..at.start).unwrap_or_default();
        before.joined = before.kind == Kind::Sign && between.bytes().all(is_mark);
    }
    let exact = Some(exact(grapheme));
    found.push(Token { at, folded: folded.into(), exact, kind, joined: false, parts: Vec::new() });
}

/// Whether it may be a mark of formatting. Without spaces between words it may stand inside of one.
fn is_mark(byte: u8) -> bool {
    matches!(byte, b'*' | b'_' | b'~' | b'`')
}

/// Removes spaces and ASCII punctuation, which have a meaning in the syntax of an index.
/// Compatibility normalization can produce them.
fn only_letters(text: String) -> String {
    let is_kept = |c: char| {
        c.is_ascii_alphanumeric() || !(c.is_ascii() || c.is_whitespace() || c.is_control())
    };
    if text.chars().all(is_kept) { text } else { text.chars().filter(|c| is_kept(*c)).collect() }
}

fn kind_of(grapheme: &str) -> Option<Kind> {
    let first = grapheme.chars().next()?;
    if first.is_ascii() && grapheme.len() == 1 {
        return first.is_ascii_alphanumeric().then_some(Kind::Word);
    }
    if base(first).is_some() && grapheme.len() == first.len_utf8() {
        return Some(Kind::Word);
    }
    let first = grapheme.nfc().next()?;
    if is_written_without_spaces(first) && first.is_alphanumeric() {
        Some(Kind::Sign)
    } else if emojis::get(grapheme).is_some() {
        Some(Kind::Emoji)
    } else {
        first.is_alphanumeric().then_some(Kind::Word)
    }
}

fn is_skin_tone(c: char) -> bool {
    matches!(c, '\u{1f3fb}'..='\u{1f3ff}')
}

/// `getUserName` has the parts `get`, `user` and `name`; `HTTPServer` has `http` and `server`.
fn parts(word: &str) -> Vec<String> {
    if !word.chars().skip(1).any(char::is_uppercase) {
        return Vec::new();
    }
    let letters: Vec<(usize, char)> = word.char_indices().collect();
    let mut cuts = vec![0];
    for (n, pair) in letters.windows(2).enumerate() {
        let [(_, before), (at, here)] = pair else { continue };
        let after = letters.get(n + 2).map(|(_, c)| *c);
        let rises = before.is_lowercase() && here.is_uppercase();
        let ends =
            before.is_uppercase() && here.is_uppercase() && after.is_some_and(char::is_lowercase);
        if rises || ends {
            cuts.push(*at);
        }
    }
    if cuts.len() == 1 {
        return Vec::new();
    }
    let ends = cuts.iter().skip(1).copied().chain([word.len()]);
    let written = cuts.iter().copied().zip(ends).filter_map(|(from, to)| word.get(from..to));
    let mut found: Vec<String> = written.map(|part| only_letters(folded(part))).collect();
    found.retain(|part| part.chars().count() > 1);
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, words: &[&str]) {
        let found: Vec<String> =
            tokens(text).into_iter().map(|token| token.folded.into_owned()).collect();
        assert_eq!(found, words, "{text}");
    }

    #[test]
    fn non_letters_separate_words() {
        check("El año pasado, en Bogotá.", &["el", "ano", "pasado", "en", "bogota"]);
        check("10.1.42", &["10", "1", "42"]);
        check("foo_bar kebab-case", &["foo", "bar", "kebab", "case"]);
        check("https://example.org/a?b=1", &["https", "example", "org", "a", "b", "1"]);
        check("#huerto @luis ana@example.org", &["huerto", "luis", "ana", "example", "org"]);
        check("l'équipe don’t", &["l", "equipe", "don", "t"]);
        check("1.000.000 1,5", &["1", "000", "000", "1", "5"]);
        check("⑴ ¼", &["1", "1⁄4"]);
        check("... — ++ \u{e000}7", &["7"]);
    }

    #[test]
    fn scripts_without_spaces_give_one_token_per_character() {
        check("東京タワー", &["東", "京", "タ", "ワ", "ー"]);
        check("iPhoneを買う", &["iphone", "を", "買", "う"]);
        check("한국어", &["한", "국", "어"]);
        check("hola👍🏽adiós", &["hola", "👍", "adios"]);
        check("❤️ ❤ 1️⃣", &["❤", "❤", "1"]);
        let joined: Vec<bool> = tokens("東京 都").iter().map(|token| token.joined).collect();
        assert_eq!(joined, [true, false, false]);
    }

    #[test]
    fn marks_of_formatting_do_not_divide_characters() {
        let joined = |text: &str| tokens(text).first().is_some_and(|token| token.joined);
        for text in ["東京", "東**京**", "**東**京", "東*京", "東_京_", "~~東~~京", "東`京`"]
        {
            assert!(joined(text), "{text}");
        }
        for text in ["東 京", "東** 京", "東、京", "東\n京", "東-京", "a**京**"] {
            assert!(!joined(text), "{text}");
        }
    }

    #[test]
    fn a_camel_case_word_has_parts() {
        let parts =
            |text| tokens(text).into_iter().flat_map(|token| token.parts).collect::<Vec<_>>();
        assert_eq!(parts("getUserName"), ["get", "user", "name"]);
        assert_eq!(parts("HTTPServer"), ["http", "server"]);
        assert_eq!(parts("camiónÚnico"), ["camion", "unico"]);
        assert!(parts("Plain PLAIN plain x1").is_empty());
    }

    proptest! {
        /// Tokens contain nothing that an index would read as its syntax.
        #[test]
        fn tokens_contain_only_letters_and_have_correct_positions(text in any::<String>()) {
            let mut end = 0;
            for token in tokens(&text) {
                prop_assert!(token.at.start >= end && text.get(token.at.clone()).is_some());
                end = token.at.end;
                for form in std::iter::once(&*token.folded).chain(token.parts.iter().map(|part| &**part)) {
                    prop_assert!(!form.is_empty());
                    let is_syntax = |c: char| c.is_whitespace()
                        || c.is_ascii_punctuation()
                        || c.is_control()
                        || ('\u{e000}'..='\u{f8ff}').contains(&c);
                    prop_assert!(!form.contains(is_syntax), "{:?}", form);
                }
            }
        }
    }
}
