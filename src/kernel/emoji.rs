//! Emoji of the Unicode standard.

use super::FieldError;

/// One emoji as the user sees it: a single character, or a sequence that is shown as one (flags,
/// keycaps, families, skin tones). It is stored in the fully qualified spelling, whichever the user
/// typed, so that one emoji is one reaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Emoji(&'static str);

impl Emoji {
    /// # Errors
    /// If the text is not exactly one emoji of the Unicode standard.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        emojis::get(text.trim())
            .map(|emoji| Self(emoji.as_str()))
            .ok_or(FieldError::new("emoji", "emoji-one"))
    }

    pub fn as_str(self) -> &'static str {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;
    use unicode_segmentation::UnicodeSegmentation;

    use super::*;

    #[test]
    fn an_emoji_may_be_a_sequence_of_characters() {
        for good in ["👍", "❤️", "🇪🇸", "👩‍👩‍👧‍👦", "1️⃣", "👋🏽", "🏴󠁧󠁢󠁷󠁬󠁳󠁿"]
        {
            assert_eq!(Emoji::parse(good).map(Emoji::as_str), Ok(good));
        }
        for bad in ["", " ", "a", "1", "#", "ñ", "👍👍", "👍a", ":+1:", "🇪", "\u{200d}", "<b>"]
        {
            assert!(Emoji::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn one_emoji_has_one_spelling() {
        assert_eq!(Emoji::parse("\u{2764}"), Emoji::parse("\u{2764}\u{fe0f}"));
        assert_eq!(Emoji::parse(" 👍 "), Emoji::parse("👍"));
        assert_ne!(Emoji::parse("👍"), Emoji::parse("👍🏿"));
    }

    proptest! {
        /// The store packs an emoji and numbers into one text and parses it again.
        #[test]
        fn an_emoji_is_one_grapheme_without_spaces_and_commas(
            text in prop_oneof![any::<String>(), "[👍❤️🇪🇸👩\u{200d}🏽1\u{20e3} ,]{1,6}"],
        ) {
            if let Ok(emoji) = Emoji::parse(&text) {
                prop_assert_eq!(emoji.as_str().graphemes(true).count(), 1);
                prop_assert!(!emoji.as_str().contains([' ', ',']));
                prop_assert!(!emoji.as_str().chars().any(char::is_alphabetic));
                prop_assert_eq!(Emoji::parse(emoji.as_str()), Ok(emoji));
            }
        }

        #[test]
        fn every_emoji_of_the_standard_is_accepted(emoji in select(emojis::iter().collect::<Vec<_>>())) {
            prop_assert_eq!(Emoji::parse(emoji.as_str()).map(Emoji::as_str), Ok(emoji.as_str()));
        }
    }
}
