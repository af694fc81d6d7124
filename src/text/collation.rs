//! The order in which names stand, in every list: by the root collation of the Unicode Collation
//! Algorithm (UTS 10), numbers by their value, accents and case last. `Ángel` stands before `Mesa`,
//! `Room 14` behind `Room 9`.

use std::sync::LazyLock;

use icu_collator::options::CollatorOptions;
use icu_collator::preferences::CollationNumericOrdering;
use icu_collator::{Collator, CollatorBorrowed, CollatorPreferences};

/// Changes whenever stored keys are of another kind than those that [`sort_key`] makes.
pub const COLLATION_VERSION: &str = "icu 2, root, numeric";

/// A text that sorts by its bytes as the name sorts among names: databases and browsers compare it
/// and know nothing of languages. Hexadecimal, so that it fits into an attribute.
pub fn sort_key(name: &str) -> String {
    let mut key = Vec::with_capacity(2 * name.len() + 8);
    if let Some(collator) = COLLATOR.as_ref() {
        let Ok(()) = collator.write_sort_key_to(name, &mut key);
    }
    hex::encode(key)
}

/// Made once: a page has a key for each of a hundred members. Its data is part of the executable, so there
/// is one; a test holds that.
static COLLATOR: LazyLock<Option<CollatorBorrowed<'static>>> = LazyLock::new(|| {
    let mut wanted = CollatorPreferences::default();
    wanted.numeric_ordering = Some(CollationNumericOrdering::True);
    Collator::try_new(wanted, CollatorOptions::default()).ok()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_as_readers_expect_them() {
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
        let place = |name| sorted.iter().position(|other| *other == name);
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
            assert!(place(before) < place(behind), "{before}, {behind}: {sorted:?}");
        }
        assert!(sort_key("a") < sort_key("A") && sort_key("A") < sort_key("á"));
        assert!(!sort_key("a").is_empty());
    }
}
