//! The languages of the user interface and their texts. `http::locale` chooses the language of a
//! request.
//!
//! The texts are in `locales/{en,es}/*.ftl` (Project Fluent) and are embedded in the executable.

mod catalogue;

use std::sync::LazyLock;

use fluent_bundle::{FluentArgs, FluentValue};
use unic_langid::langid;

use self::catalogue::Catalogue;
use crate::kernel::FieldError;

static ENGLISH: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::read(langid!("en")));
static SPANISH: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::read(langid!("es")));

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    English,
    Spanish,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::Spanish];

    /// The language tag for HTML's `lang` attribute (BCP 47).
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
        }
    }

    /// The language's name in the language itself.
    pub fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Spanish => "Español",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// A text without variables.
    pub fn say(self, key: &str) -> &'static str {
        let text = self.catalogue().plain(key);
        debug_assert!(text.is_some(), "there is no text {key} without variables");
        text.unwrap_or_default()
    }

    /// A text with the variable `$name`.
    pub fn name(self, key: &str, name: impl AsRef<str>) -> String {
        self.fill(key, [("name", name.as_ref())])
    }

    /// A text with the variable `$count`, in the right plural form.
    #[expect(clippy::cast_precision_loss, reason = "counts of people are far below 2^52")]
    pub fn count(self, key: &str, count: usize) -> String {
        self.with(key, [("count", (count as f64).into())])
    }

    /// A text with other variables. Each value is a word or two.
    pub fn fill<const N: usize>(self, key: &str, variables: [(&str, &str); N]) -> String {
        self.with(key, variables.map(|(name, value)| (name, value.into())))
    }

    /// A date in words, in the order of this language.
    pub fn date(self, weekday: &str, day: i8, month: &str, year: i16) -> String {
        // Pass the year as text, or Fluent would group its digits.
        let day = day.to_string();
        let year = year.to_string();
        let parts = [("weekday", weekday), ("day", &day), ("month", month), ("year", &year)];
        self.fill("day-line", parts)
    }

    /// The message for a field error.
    pub fn complain(self, field_error: FieldError) -> &'static str {
        self.say(field_error.code)
    }

    fn with<'a, const N: usize>(
        self,
        key: &str,
        variables: [(&'a str, FluentValue<'a>); N],
    ) -> String {
        let text = self.catalogue().format(key, Some(&FluentArgs::from_iter(variables)));
        debug_assert!(text.is_some(), "there is no text {key} with these variables");
        text.unwrap_or_default()
    }

    fn catalogue(self) -> &'static Catalogue {
        match self {
            Self::English => &ENGLISH,
            Self::Spanish => &SPANISH,
        }
    }

    /// The best match for an `Accept-Language` header (RFC 9110, section 12.5.4).
    pub fn accepted(header: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for range in header.split(',') {
            let mut parts = range.split(';');
            let primary = parts.next()?.trim().split('-').next()?.to_ascii_lowercase();
            let quality =
                parts.find_map(|part| part.trim().strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
            if let Some(language) = Self::from_code(&primary)
                && quality > best.map_or(0.0, |(quality, _)| quality)
            {
                best = Some((quality, language));
            }
        }
        best.map(|(_, language)| language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_language_chooses_the_best_supported_language() {
        for (header, language) in [
            ("es", Some(Language::Spanish)),
            ("es-MX,es;q=0.9,en;q=0.8", Some(Language::Spanish)),
            ("de-DE,de;q=0.9,en;q=0.5,es;q=0.4", Some(Language::English)),
            ("en;q=0.1, es;q=0.2", Some(Language::Spanish)),
            ("de, *;q=0.1", None),
            ("es;q=0", None),
            ("", None),
        ] {
            assert_eq!(Language::accepted(header), language, "{header}");
        }
    }

    #[test]
    fn counts_use_plural_forms() {
        assert_eq!(Language::English.count("people-button", 1), "1 member");
        assert_eq!(Language::English.count("people-button", 24), "24 members");
        assert_eq!(Language::Spanish.count("people-button", 24), "24 personas");
    }
}
