//! Which characters of a text are visible, based on Unicode properties.

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};
use unicode_normalization::UnicodeNormalization;

/// The number of marks on one letter that covers every writing system (UTS 39, section 5.4).
const MOST_MARKS: usize = 4;

/// Whether fonts draw something for the character on its own. Not for spaces, fillers, joiners,
/// variation selectors, tags and marks without a letter.
pub fn has_ink(c: char) -> bool {
    use GeneralCategory as Is;
    if c.is_ascii() {
        return c.is_ascii_graphic();
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let blank = matches!(
        category,
        Is::Control
            | Is::Format
            | Is::SpaceSeparator
            | Is::LineSeparator
            | Is::ParagraphSeparator
            | Is::NonspacingMark
            | Is::EnclosingMark
    );
    !blank && !is_ignorable(c) && !is_drawn_blank(c) && !is_noncharacter(c)
}

/// Whether the text has a visible character.
pub fn is_visible(text: &str) -> bool {
    text.chars().any(has_ink)
}

/// Whether displays ignore the character because it is meant for programs only
/// (`Default_Ignorable`).
pub fn is_ignorable(c: char) -> bool {
    !c.is_ascii() && CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Whether a letter has more marks than any language needs, or one mark twice. Such marks are drawn
/// over the lines around (Zalgo text), and make names that look like others.
pub fn has_heaped_marks(text: &str) -> bool {
    if text.is_ascii() {
        return false;
    }
    let mut marks = 0;
    let mut last = None;
    for c in text.nfd() {
        if !is_mark(c) {
            marks = 0;
            last = None;
            continue;
        }
        marks += 1;
        if marks > MOST_MARKS || last == Some(c) {
            return true;
        }
        last = Some(c);
    }
    false
}

/// Marks that are drawn on the preceding letter.
pub fn is_mark(c: char) -> bool {
    use GeneralCategory::{EnclosingMark, NonspacingMark};
    !c.is_ascii()
        && matches!(
            CodePointMapData::<GeneralCategory>::new().get(c),
            NonspacingMark | EnclosingMark
        )
}

/// Characters with a letter or symbol category that fonts leave blank.
fn is_drawn_blank(c: char) -> bool {
    matches!(
        c,
        '\u{2800}' // the braille pattern without dots
            | '\u{fffc}' // the object replacement character
            | '\u{16fe4}' // the filler of Khitan
            | '\u{1d159}' // the null notehead
            | '\u{13441}' | '\u{13442}' // Egyptian blanks
    )
}

fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_characters_are_not_visible() {
        for blank in [
            "",
            " ",
            "\u{a0}",
            "\u{3000}",
            "\u{2003}",
            "\u{200b}",
            "\u{200d}",
            "\u{2060}",
            "\u{feff}",
            "\u{ad}",
            "\u{3164}",
            "\u{115f}\u{1160}",
            "\u{ffa0}",
            "\u{2800}",
            "\u{fe0f}",
            "\u{e0100}",
            "\u{e0041}",
            "\u{180e}",
            "\u{17b4}",
            "\u{034f}",
            "\u{61c}",
            "\u{202e}",
            "\u{2066}",
            "\u{1d159}",
            "\u{fffc}",
            "\u{301}",
            "\u{20dd}",
            "\u{2028}",
            "\u{85}",
            "\u{fff9}",
            "\u{ffff}",
            "\u{1d173}",
            " \u{200b}\u{3164} ",
        ] {
            assert!(!is_visible(blank), "{blank:?}");
        }
    }

    #[test]
    fn characters_of_every_script_are_visible() {
        for seen in [
            "a",
            ".",
            "ñ",
            "सी",
            "ที่",
            "שָׁ",
            "مُ",
            "ㄱ",
            "가",
            "🌱",
            "❤\u{fe0f}",
            "👨\u{200d}👩",
            "1\u{20e3}",
            "e\u{301}",
            "\u{e000}",
            "\u{1f6d8}",
            "€",
            "·",
            "\u{200b}x",
        ] {
            assert!(is_visible(seen), "{seen:?}");
        }
    }

    #[test]
    fn marks_of_real_languages_are_allowed() {
        for good in [
            "Nguyễn Thị Ngọc Diễm",
            "שָׁלוֹם",
            "בְּרֵאשִׁ֖ית",
            "مُحَمَّدٌ",
            "กู้ที่",
            "བསྒྲུབས",
            "ကျွန်ုပ်",
            "क्ष्म्य",
            "e\u{301}",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
        ] {
            assert!(!has_heaped_marks(good), "{good}");
        }
        let heap = |marks: &[char]| {
            marks.iter().fold("z".to_owned(), |text, mark| text + &mark.to_string())
        };
        assert!(has_heaped_marks(&heap(&['\u{300}', '\u{301}', '\u{302}', '\u{303}', '\u{304}'])));
        assert!(has_heaped_marks(&heap(&['\u{301}', '\u{301}'])));
        assert!(!has_heaped_marks(&heap(&['\u{300}', '\u{301}', '\u{302}', '\u{303}'])));
    }
}
