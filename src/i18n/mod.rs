//! The languages of the user interface and their texts. `http::locale` chooses the language of a
//! request.
//!
//! The texts are in `locales/{en,es}/*.ftl` (Project Fluent) and are embedded in the executable.

mod catalogue;

use std::sync::LazyLock;

use fluent_bundle::{FluentArgs, FluentValue};
use fluent_langneg::{NegotiationStrategy, negotiate_languages};
use unic_langid::{LanguageIdentifier, langid};

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
    pub fn text(self, key: &str) -> &'static str {
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

    /// A number of bytes as people say it: two digits are enough.
    pub fn size(self, bytes: u64) -> String {
        const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
        let (mut unit, mut whole, mut rest) = ("B", bytes, 0);
        for next in UNITS {
            if whole < 1_024 {
                break;
            }
            (unit, rest, whole) = (next, whole % 1_024, whole / 1_024);
        }
        let tenths = rest * 10 / 1_024;
        if whole >= 10 || tenths == 0 || unit == "B" {
            return format!("{whole} {unit}");
        }
        let point = match self {
            Self::English => '.',
            Self::Spanish => ',',
        };
        format!("{whole}{point}{tenths} {unit}")
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
    pub fn error_text(self, field_error: FieldError) -> &'static str {
        self.text(field_error.code)
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
        let mut ranges: Vec<(f32, LanguageIdentifier)> =
            header.split(',').filter_map(weighted_range).collect();
        // Stable: of equal weights the first wins.
        ranges.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        let requested: Vec<_> = ranges.into_iter().map(|(_, language)| language).collect();
        let available = [langid!("en"), langid!("es")];
        let found = negotiate_languages(&requested, &available, None, NegotiationStrategy::Lookup);
        Self::from_code(found.first()?.language.as_str())
    }
}

/// Reads a language with its weight, such as `es-MX;q=0.9`. Returns `None` for a language that is refused
/// (`q=0`), for `*`, and for what is no language.
fn weighted_range(range: &str) -> Option<(f32, LanguageIdentifier)> {
    let mut parts = range.split(';').map(str::trim);
    let language = parts.next()?.parse().ok()?;
    let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
    (quality > 0.0).then_some((quality, language))
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
            ("es;q=0, en;q=0.1", Some(Language::English)),
            ("en;q=0.5;q=0.9, es;q=0.6", Some(Language::Spanish)),
            ("es, en", Some(Language::Spanish)),
            ("en, es", Some(Language::English)),
            ("ES-mx", Some(Language::Spanish)),
            ("es-419", Some(Language::Spanish)),
            ("es-Latn-ES-valencia", Some(Language::Spanish)),
            ("en-GB;q=0.3,es-AR;q=0.7", Some(Language::Spanish)),
            (" es ; q=0.4 , en ; q=0.3 ", Some(Language::Spanish)),
            ("pt-BR, ca, gl", None),
            ("*", None),
            ("und", None),
            ("english", None),
            ("es;q=NaN, en;q=-1", None),
            ("es;q=high", Some(Language::Spanish)),
            (";q=1,,;;, es", Some(Language::Spanish)),
            ("", None),
        ] {
            assert_eq!(Language::accepted(header), language, "{header}");
        }
    }

    #[test]
    fn sizes_are_short() {
        for (bytes, english, spanish) in [
            (0, "0 B", "0 B"),
            (1_023, "1023 B", "1023 B"),
            (1_536, "1.5 KB", "1,5 KB"),
            (104_857_600, "100 MB", "100 MB"),
            (5_368_709_120, "5 GB", "5 GB"),
        ] {
            assert_eq!(Language::English.size(bytes), english);
            assert_eq!(Language::Spanish.size(bytes), spanish);
        }
    }

    #[test]
    fn counts_use_plural_forms() {
        assert_eq!(Language::English.count("people-button", 1), "1 member");
        assert_eq!(Language::English.count("people-button", 24), "24 members");
        assert_eq!(Language::Spanish.count("people-button", 24), "24 personas");
    }
}
