//! The order of names in every list: the root collation of the Unicode Collation Algorithm (UTS
//! 10), with numbers ordered by value, and accents and case compared last. `Ángel` sorts before
//! `Mesa`, `Room 14` after `Room 9`.

use std::sync::LazyLock;

use icu_collator::options::CollatorOptions;
use icu_collator::preferences::CollationNumericOrdering;
use icu_collator::{Collator, CollatorBorrowed, CollatorPreferences};

/// The version of the keys that [`sort_key`] returns. It must change whenever the keys change, so
/// that stored ones are computed again.
pub const COLLATION_VERSION: &str = "icu 2, root, numeric";

/// A key whose byte order is the order of names, so that databases and browsers can compare it
/// without knowing languages. Hexadecimal, so that it fits into an HTML attribute.
pub fn sort_key(name: &str) -> String {
    let mut key = Vec::with_capacity(2 * name.len() + 8);
    if let Some(collator) = COLLATOR.as_ref() {
        let Ok(()) = collator.write_sort_key_to(name, &mut key);
    }
    hex::encode(key)
}

/// Created once: a room page needs a key for each of a hundred members. The data is embedded in the
/// executable, so this is always `Some`; a test checks it.
static COLLATOR: LazyLock<Option<CollatorBorrowed<'static>>> = LazyLock::new(|| {
    let mut preferences = CollatorPreferences::default();
    preferences.numeric_ordering = Some(CollationNumericOrdering::True);
    Collator::try_new(preferences, CollatorOptions::default()).ok()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_readers_expect() {
        let names = [
            "Ángel",
            "ángel 2",
            "Ängel 10",
            "Lech",
            "Łódź",
            "Mesa",
            "Ñandúes",
            "Øresund",
            "Room 9",
            "Room 14",
            "Room 139",
            "Room 140",
            "Zumba",
            "Äpfel",
            "Олег",
            "北京",
        ];
        let mut sorted = names;
        sorted.sort_by_cached_key(|name| sort_key(name));
        let position = |name| sorted.iter().position(|other| *other == name);
        for (before, behind) in [
            ("Ángel", "Mesa"),
            ("Mesa", "Ñandúes"),
            ("Ñandúes", "Zumba"),
            ("ángel 2", "Ängel 10"),
            ("Room 9", "Room 14"),
            ("Room 14", "Room 139"),
            ("Room 139", "Room 140"),
            ("Äpfel", "Mesa"),
            ("Øresund", "Zumba"),
            ("Łódź", "Mesa"),
            ("Zumba", "Олег"),
            ("Олег", "北京"),
        ] {
            assert!(position(before) < position(behind), "{before}, {behind}: {sorted:?}");
        }
        assert!(sort_key("a") < sort_key("A") && sort_key("A") < sort_key("á"));
        assert!(!sort_key("a").is_empty());
    }
}
