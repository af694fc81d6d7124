//! Names of users and rooms as text: validation, the normalized form for lookup, and keys for names
//! that look alike.

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};
use unicode_normalization::UnicodeNormalization;
use unicode_security::GeneralSecurityProfile;

use super::visible::{has_heaped_marks, has_ink, is_ignorable, is_mark, is_visible};

/// Normalizes a name for comparison: ignores case, invisible characters, and the number and kind of
/// spaces (`NFKC_Casefold` of the Unicode standard, section 3.13, plus one kind of space).
pub fn fold(text: &str) -> String {
    // ASCII letters differ in their case only.
    if text.is_ascii() {
        return single_spaced(text.to_ascii_lowercase());
    }
    let compatible: String = text.nfkc().filter(|c| !is_ignorable(*c)).collect();
    let folded: String = caseless::default_case_fold_str(&compatible).nfkc().collect();
    single_spaced(folded)
}

/// Trims a name. Returns `None` if it has characters that break lines or change the text direction
/// (UAX 9). All stored names have this form, including older ones that [`visible_line`] would
/// refuse.
pub fn one_line(text: &str) -> Option<String> {
    let text = text.trim();
    let changes_direction =
        |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (!text
        .chars()
        .any(|c| c.is_control() || changes_direction(c) || "\u{2028}\u{2029}".contains(c)))
    .then(|| text.to_owned())
}

/// Normalizes a new name: single plain spaces, at most as many marks per letter as languages need
/// (UTS 39, section 5.4), and something visible unless it is empty. Returns `None` if the text is
/// not allowed.
pub fn visible_line(text: &str) -> Option<String> {
    let line = single_spaced(one_line(text)?);
    (line.is_empty() || is_visible(&line)).then_some(line).filter(|line| !has_heaped_marks(line))
}

fn single_spaced(text: String) -> String {
    if text.is_ascii() && !text.contains("  ") && text.trim().len() == text.len() {
        return text;
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The version of the keys that [`confusable_keys`] returns. It must change whenever the keys
/// change, so that stored ones are computed again.
pub const KEYS_VERSION: &str = "3";

/// The keys of a name. Two names look alike if they share a key. Some keys compare names without
/// case, others by the shape of their letters (the skeleton of UTS 39, section 4). There are
/// several because a capital "I" looks like an "l" and a small one does not. Marks that are not
/// part of a language's letters, spaces, a leading `@` and surrounding punctuation do not
/// distinguish names; a `|` can be punctuation or an "l".
pub fn confusable_keys(name: &str) -> Vec<String> {
    let is_significant = |c: &char| has_ink(*c) || (is_mark(*c) && c.identifier_allowed());
    let visible: String = name.nfkc().filter(is_significant).map(small_capital_to_letter).collect();
    let mut keys = Vec::with_capacity(4);
    for bare in [
        trimmed(&visible, is_punctuation),
        trimmed(&visible, |c| is_punctuation(c) && !looks_like_letter(c)),
    ] {
        for key in [fold(&skeleton(bare)), skeleton(&fold(bare))] {
            // Some letters look like punctuation.
            keys.push(trimmed(&key, is_punctuation).to_owned());
        }
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The same for names of users, where symbols and small raised letters are ignored: `ana ✔` and
/// `ana™` look like `ana`.
pub fn user_confusable_keys(name: &str) -> Vec<String> {
    let mut keys = confusable_keys(name);
    let plain = undecorated(name);
    if plain != name && is_visible(&plain) {
        keys.extend(confusable_keys(&plain));
        keys.sort_unstable();
        keys.dedup();
    }
    keys
}

/// A name without decoration.
pub fn undecorated(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii() || !is_decoration(*c)).collect()
}

/// Symbols that do not represent a letter, and raised letters.
fn is_decoration(c: char) -> bool {
    use GeneralCategory::ModifierLetter;
    let category = |c: char| CodePointMapData::<GeneralCategory>::new().get(c);
    let mut compatible = std::iter::once(c).nfkc();
    let first = compatible.next().unwrap_or(c);
    let more = compatible.next().is_some();
    if GeneralCategoryGroup::Symbol.contains(category(c)) {
        let is_letter = first != c && first.is_alphanumeric() && !more;
        return !is_letter && !looks_like_letter(c);
    }
    let raised = category(c) == ModifierLetter || matches!(c, 'ª' | 'º');
    raised && first != c && category(first) != ModifierLetter
}

/// The letter of a small capital. UTS 39 treats most of them as separate letters.
fn small_capital_to_letter(c: char) -> char {
    const SMALL: [(&str, &str); 2] =
        [("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍ", "abcdefghijklm"), ("ɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ", "nopqrstuvwyz")];
    if c.is_ascii() {
        return c;
    }
    let pairs = SMALL.iter().flat_map(|(small, plain)| small.chars().zip(plain.chars()));
    pairs.into_iter().find(|(small, _)| *small == c).map_or(c, |(_, plain)| plain)
}

/// A key that is equal for handles that look alike.
pub fn skeleton(text: &str) -> String {
    unicode_security::skeleton(text).collect()
}

/// The text without these characters at both ends, or unchanged if it consists of them only.
fn trimmed(text: &str, around: impl Fn(char) -> bool) -> &str {
    let inner = text.trim_matches(around);
    if inner.is_empty() { text } else { inner }
}

fn looks_like_letter(c: char) -> bool {
    skeleton(c.encode_utf8(&mut [0; 4])).chars().any(char::is_alphanumeric)
}

/// Punctuation, including all ASCII symbols.
fn is_punctuation(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    c.is_ascii_punctuation() || GeneralCategoryGroup::Punctuation.contains(category)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(one: &str, other: &str) -> bool {
        let one = confusable_keys(one);
        let other = confusable_keys(other);
        one.iter().any(|key| other.contains(key))
    }

    #[test]
    fn names_that_look_the_same_share_a_key() {
        for (one, other) in [
            ("ana", "Ana"),
            ("luis", "LUIS"),
            ("ana", "аnа"),     // Cyrillic
            ("lobby", "lоbby"), // a Cyrillic о
            ("lobby", "l\u{200b}obby"),
            ("lobby", "lobby\u{3164}"),
            ("a b", "a  b"),
            ("a b", "a\u{2003}b"),
            ("a b", "a\u{a0}b"),
            ("ana", "@ana"),
            ("lobby", "|obby"),
            ("lobby", "|OBBY"),
            ("lobby", "\u{2223}obby"),
            ("bal", "ba|"),
            ("ana", "|ana|"),
            ("ana", "ana."),
            ("ana", "ana..."),
            ("ana", "ana_"),
            ("ana", "«ana»"),
            ("ana", "a\u{332}na"), // underlined
            ("ana", "ana\u{20dd}"),
            ("all", "aII"),
            ("admin", "ADMIN"),
            ("ana", "𝐚𝐧𝐚"),
            ("ana", "ａｎａ"),
            ("scope", "ѕсоре"),
            ("josé", "jose\u{301}"),
        ] {
            assert!(alike(one, other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn names_that_look_different_share_no_key() {
        for (one, other) in [
            ("ana", "ane"),
            ("ana", "anna"),
            ("ali", "all"),
            ("jose", "josé"),
            ("ana", "ana 2"),
            ("obby", "lobby"),
            ("lobby", "/obby"),
            ("🌱", "🌵"),
            ("!!!", "???"),
            ("ana", "анна"),
        ] {
            assert!(!alike(one, other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn symbols_distinguish_rooms_but_not_users() {
        let share = |one: &str, other: &str| {
            let one = user_confusable_keys(one);
            let other = user_confusable_keys(other);
            one.iter().any(|key| other.contains(key))
        };
        for like in [
            "ana ✔",
            "✓ ana",
            "ana ™",
            "ana®",
            "ana 🌱",
            "ᴀɴᴀ",
            "anaʰ",
            "anaª",
            "anaꞏ",
            "ana·",
            "★ana★",
            "ana ❤\u{fe0f}",
            "ⓐⓝⓐ ✔",
            "ana →",
        ] {
            assert!(share("ana", like), "{like}");
        }
        for other in ["ana 2", "anna ✔", "ana²", "anah", "🌱", "™", "ana ー", "ana b ✔"] {
            assert!(!share("ana", other), "{other}");
        }
        assert!(!share("🌱", "🌵") && share("🌱 Ana", "🌵 ana"));
        assert!(!alike("🌱 Team", "🌵 Team") && !alike("Team", "Team 🌱"));
    }

    #[test]
    fn lookup_ignores_invisible_characters() {
        assert_eq!(fold("  The  Garden\u{200b} "), "the garden");
        assert_eq!(fold("STRASSE"), fold("straße"));
        assert_eq!(fold("a\u{3000}b"), "a b");
        assert_ne!(fold("ana"), fold("aná"));
    }

    #[test]
    fn a_line_is_visible_and_has_no_stacked_marks() {
        assert_eq!(visible_line(" Ana  Ortega\u{a0}").as_deref(), Some("Ana Ortega"));
        assert_eq!(visible_line("").as_deref(), Some(""));
        for good in ["👨\u{200d}👩\u{200d}👧", "نمی\u{200c}خواهم", "Nguyễn", "שָׁלוֹם"]
        {
            assert_eq!(visible_line(good).as_deref(), Some(good));
        }
        for bad in [
            "\u{200b}",
            "\u{3164}",
            "\u{2800}",
            "a\nb",
            "a\u{202e}b",
            "a\u{301}\u{301}",
            "\u{e0041}",
        ] {
            assert_eq!(visible_line(bad), None, "{bad:?}");
        }
        assert_eq!(one_line("\u{200b}").as_deref(), Some("\u{200b}"), "as it was stored before");
    }
}
