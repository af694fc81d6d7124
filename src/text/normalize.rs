//! The two normal forms of words: folded, which ignores case and accents, and exact, which ignores
//! only case.

use unicode_normalization::UnicodeNormalization;

/// The version of [`folded`], of [`exact`], of the tokenizer and of what is indexed. It must change whenever their
/// results change, so that the search index is rebuilt.
pub const VERSION: &str = "4";

/// Removes case, accents, and points and vowel marks that users omit when they type: `Bogotá`
/// becomes `bogota`, `año` becomes `ano`, `Straße` becomes `strasse`.
pub fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    if let Some(letters) = text.chars().map(base).collect() {
        return letters;
    }
    let compatible: String = text.nfkc().collect();
    let plain: String = caseless::default_case_fold_str(&compatible)
        .nfkd()
        .filter(|c| !is_ignored_mark(*c) && !is_invisible(*c))
        .map(|c| if c == 'ı' { 'i' } else { c })
        .collect();
    let mut result = String::with_capacity(plain.len());
    // Recompose Korean syllables and Japanese voicing marks, which NFKD split.
    for c in plain.nfc() {
        match undecomposed(c) {
            Some(letters) => result.push_str(letters),
            None => result.push(c),
        }
    }
    result
}

/// The base letter of a Western European letter, or the lower-case letter or digit itself. For
/// these characters it returns what the Unicode rules return, a hundred times faster.
pub fn base(c: char) -> Option<char> {
    Some(match c {
        '0'..='9' | 'a'..='z' => c,
        'A'..='Z' => c.to_ascii_lowercase(),
        'À'..='Å' | 'à'..='å' => 'a',
        'Ç' | 'ç' => 'c',
        'È'..='Ë' | 'è'..='ë' => 'e',
        'Ì'..='Ï' | 'ì'..='ï' => 'i',
        'Ñ' | 'ñ' => 'n',
        'Ò'..='Ö' | 'ò'..='ö' => 'o',
        'Ù'..='Ü' | 'ù'..='ü' => 'u',
        'Ý' | 'ý' | 'ÿ' => 'y',
        _ => return None,
    })
}

/// Removes case only.
pub fn exact(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    if text.chars().all(|c| base(c).is_some()) {
        return text.to_lowercase();
    }
    let normal: String = text.nfc().filter(|c| !is_invisible(*c)).collect();
    caseless::default_case_fold_str(&normal).nfc().collect()
}

/// Marks on Latin, Greek and Cyrillic letters, Hebrew points, Arabic vowels and tatweel. Marks of
/// other scripts, such as Thai and Devanagari, distinguish words.
fn is_ignored_mark(c: char) -> bool {
    matches!(
        c,
        '\u{300}'..='\u{36f}'
            | '\u{483}'..='\u{487}'
            | '\u{591}'..='\u{5c7}'
            | '\u{610}'..='\u{61a}'
            | '\u{640}'
            | '\u{64b}'..='\u{65f}'
            | '\u{670}'
            | '\u{6d6}'..='\u{6ed}'
            | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}'
            | '\u{fe20}'..='\u{fe2f}'
    )
}

/// Characters that change only the appearance of a word: soft hyphens, joiners, variation
/// selectors.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// Letters that Unicode does not decompose, as users without them on their keyboard type them.
fn undecomposed(c: char) -> Option<&'static str> {
    Some(match c {
        'ø' | 'ɔ' | 'ɵ' => "o",
        'ł' => "l",
        'đ' | 'ð' | 'ɖ' | 'ɗ' => "d",
        'ħ' => "h",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        'ə' | 'ɛ' | 'ǝ' | 'ɇ' => "e",
        'ŋ' | 'ɲ' | 'ƞ' => "n",
        'ŧ' | 'ƭ' | 'ʈ' | 'ⱦ' => "t",
        'ɓ' | 'ƀ' => "b",
        'ɨ' | 'ɩ' => "i",
        'ƙ' => "k",
        'ʉ' => "u",
        'ɣ' | 'ɠ' | 'ǥ' => "g",
        'ƴ' | 'ɏ' => "y",
        'ʋ' => "v",
        'ƒ' => "f",
        'ƶ' => "z",
        'ȼ' => "c",
        'ɉ' => "j",
        'ɍ' => "r",
        'ⱥ' => "a",
        'ƥ' => "p",
        'ґ' | 'ғ' => "г",
        'қ' => "к",
        'ң' => "н",
        'ұ' | 'ү' => "у",
        'ө' => "о",
        'ҳ' => "х",
        'ҷ' => "ч",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_accents_do_not_count_when_folded() {
        for (typed, plain) in [
            ("Bogotá", "bogota"),
            ("AÑO", "ano"),
            ("Straße", "strasse"),
            ("İstanbul", "istanbul"),
            ("ISPARTA", "isparta"),
            ("ısparta", "isparta"),
            ("ΟΔΥΣΣΕΎΣ", "οδυσσευσ"),
            ("ὀδυσσεύς", "οδυσσευσ"),
            ("Ёлка", "елка"),
            ("مُحَمَّد", "محمد"),
            ("שָׁלוֹם", "שלום"),
            ("Łódź", "lodz"),
            ("ﬁn", "fin"),
            ("ＡＢＣ", "abc"),
            ("co\u{ad}operar", "cooperar"),
            ("が", "が"),
            ("ｶﾞ", "ガ"),
            ("한국", "한국"),
            ("กุ้ง", "กุ้ง"),
        ] {
            assert_eq!(folded(typed), plain, "{typed}");
        }
    }

    #[test]
    fn server_and_browser_fold_alike() {
        let cases = include_str!("../../tests/cases/folding.json");
        let cases: Vec<(String, String)> = serde_json::from_str(cases).expect("cases");
        for (name, plain) in cases {
            assert_eq!(folded(&name), plain, "{name}");
        }
    }

    /// The fast path only handles whole words. Together with a letter of another script, the same
    /// letters take the slow path, so the results can be compared.
    #[test]
    fn the_fast_path_agrees_with_unicode() {
        let short: Vec<char> = ('\u{0}'..='\u{24f}').filter(|c| base(*c).is_some()).collect();
        assert_eq!(short.len(), 62 + 53);
        for letter in short {
            assert_eq!(format!("{}ж", folded(&letter.to_string())), folded(&format!("{letter}ж")));
            assert_eq!(format!("{}ж", exact(&letter.to_string())), exact(&format!("{letter}ж")));
        }
    }

    #[test]
    fn only_case_does_not_count_when_exact() {
        assert_eq!(exact("BOGOTÁ"), "bogotá");
        assert_eq!(exact("Bogota\u{301}"), "bogotá");
        assert_ne!(exact("Bogotá"), exact("Bogota"));
        assert_ne!(exact("año"), exact("ano"));
    }
}
