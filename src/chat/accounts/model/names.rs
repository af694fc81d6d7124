//! Users' names: the handle by which they are found, and the display name.

use std::collections::HashSet;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::{GeneralSecurityProfile, MixedScript};

use crate::kernel::FieldError;
use crate::text::names::{
    confusable_keys, fold, one_line, skeleton, undecorated, user_confusable_keys, visible_line,
};
use crate::text::normalize::folded;
use crate::text::visible::has_heaped_marks;

/// A handle: 2 to 32 letters of one script, digits, `.`, `_` and `-`. It begins with a letter or digit
/// and does not end with one of the three punctuation characters, so that punctuation after a mention
/// is not part of it. Unicode Technical Standard 39 defines which letters may be mixed. Kept in
/// normalization form NFKC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handle(String);

/// Words for all users or for the program: they were never allowed as handles.
const GROUP_MENTIONS: [&str; 5] = ["all", "here", "room", "admin", "system"];

/// Other words that stand for the installation or for no one: a name must not consist only of them.
const OFFICIAL_NAMES: [&str; 15] = [
    "ayuda",
    "equipo",
    "everybody",
    "everyone",
    "help",
    "lobby",
    "me",
    "patio",
    "root",
    "security",
    "seguridad",
    "sistema",
    "system",
    "team",
    "todos",
];

/// Titles of those in charge of an installation: not allowed in any name. Without accents.
const TITLES: [&str; 25] = [
    "admin",
    "admins",
    "administracion",
    "administrador",
    "administradora",
    "administradoras",
    "administradores",
    "administration",
    "administrator",
    "administrators",
    "moderacion",
    "moderador",
    "moderadora",
    "moderadoras",
    "moderadores",
    "moderation",
    "moderator",
    "moderators",
    "postmaster",
    "soporte",
    "staff",
    "superuser",
    "support",
    "sysadmin",
    "webmaster",
];

/// Words that may appear next to a reserved word and mean nothing on their own.
const FILLER_WORDS: [&str; 17] = [
    "and",
    "bot",
    "de",
    "del",
    "el",
    "la",
    "las",
    "los",
    "of",
    "official",
    "oficial",
    "service",
    "servicio",
    "technical",
    "tecnico",
    "the",
    "y",
];

/// Confusable keys of all reserved words, of the titles among them, and of the filler words.
static RESERVED_KEYS: LazyLock<HashSet<String>> =
    LazyLock::new(|| keys_of([&GROUP_MENTIONS[..], &OFFICIAL_NAMES, &TITLES].concat()));
static TITLE_KEYS: LazyLock<HashSet<String>> = LazyLock::new(|| keys_of(TITLES.to_vec()));
static FILLER_KEYS: LazyLock<HashSet<String>> = LazyLock::new(|| keys_of(FILLER_WORDS.to_vec()));

fn keys_of(words: Vec<&str>) -> HashSet<String> {
    words.into_iter().flat_map(confusable_keys).collect()
}

/// Whether a name can be confused with one of these keys, with or without its accents.
fn contains_confusable(keys: &HashSet<String>, name: &str) -> bool {
    let name_keys = [user_confusable_keys(name), confusable_keys(&folded(name))];
    name_keys.iter().flatten().any(|key| keys.contains(key))
}

/// Whether readers could mistake the name for that of the program or of the people who run the
/// installation.
fn is_reserved(name: &str) -> bool {
    if contains_confusable(&RESERVED_KEYS, name) {
        return true;
    }
    let plain = undecorated(name);
    let words = plain.split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.iter().any(|word| contains_confusable(&TITLE_KEYS, word))
        || words.iter().any(|word| contains_confusable(&RESERVED_KEYS, word))
            && words.iter().all(|word| {
                contains_confusable(&RESERVED_KEYS, word) || contains_confusable(&FILLER_KEYS, word)
            })
}

impl Handle {
    /// # Errors
    /// If the text is not a valid handle.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let name = Self::stored(text)?;
        let refuse = |reason| Err(FieldError::new("name", reason));
        let is_allowed = |c: char| !is_combining_mark(c) || c.identifier_allowed();
        if name.0.ends_with(['.', '_', '-'])
            || !name.0.chars().all(is_allowed)
            || has_heaped_marks(&name.0)
        {
            return refuse("name-characters");
        }
        // The whole handle must match, not a part: the `@` before it already shows that it is a handle.
        if contains_confusable(&RESERVED_KEYS, &name.0) {
            refuse("name-reserved")
        } else {
            Ok(name)
        }
    }

    /// A handle that an earlier version accepted, even if [`Self::parse`] refuses it now.
    ///
    /// # Errors
    /// If no version could have accepted it.
    pub fn stored(text: &str) -> Result<Self, FieldError> {
        let refuse = |reason| Err(FieldError::new("name", reason));
        let name: String = text.trim().nfkc().collect();
        if !(2..=32).contains(&name.chars().count()) {
            return refuse("name-length");
        }
        let is_letter = |c: char| c.is_alphanumeric() && c.identifier_allowed();
        let begins_with_letter = name.chars().next().is_some_and(is_letter);
        if !begins_with_letter
            || !name.chars().all(|c| is_letter(c) || is_combining_mark(c) || "._-".contains(c))
        {
            return refuse("name-characters");
        }
        if !name.as_str().is_single_script() {
            return refuse("name-scripts");
        }
        let keys = confusable_keys(&name);
        if GROUP_MENTIONS
            .iter()
            .flat_map(|word| confusable_keys(word))
            .any(|key| keys.contains(&key))
        {
            return refuse("name-reserved");
        }
        Ok(Self(name))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Equal for handles that only differ in case (Unicode default case folding).
    pub fn folded(&self) -> String {
        fold(&self.0)
    }

    /// Equal for handles that look alike (UTS 39, section 4). The skeleton is made before case folding,
    /// because a capital "I" looks like an "l" and a small one does not.
    pub fn skeleton(&self) -> String {
        fold(&skeleton(&self.0))
    }
}

/// The display name: 1 to 64 characters on one line, at least one of them visible, without control
/// characters, direction marks (UAX 9) and reserved words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// # Errors
    /// If no character is visible, it is too long, has more than one line, or is reserved.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let name = visible_line(text).and_then(|line| Self::of_length(&line));
        match name {
            None => Err(FieldError::new("display_name", "display-name-shape")),
            Some(name) if is_reserved(&name.0) => {
                Err(FieldError::new("display_name", "name-reserved"))
            }
            Some(name) => Ok(name),
        }
    }

    /// A display name that an earlier version accepted.
    ///
    /// # Errors
    /// If no version could have accepted it.
    pub fn stored(text: &str) -> Result<Self, FieldError> {
        one_line(text)
            .and_then(|line| Self::of_length(&line))
            .ok_or(FieldError::new("display_name", "display-name-shape"))
    }

    fn of_length(line: &str) -> Option<Self> {
        (1..=64).contains(&line.chars().count()).then(|| Self(line.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str, reason: &str) {
        assert_eq!(Handle::parse(text).map_err(|e| e.code), Err(reason), "{text:?}");
    }

    #[test]
    fn a_handle_has_letters_of_one_script_digits_and_punctuation() {
        for good in ["ana", "José", "luis.m", "a-b_c", "Олег", "田中さん", "x2", "सीता", "محمد"]
        {
            assert!(Handle::parse(good).is_ok(), "{good}");
        }
        refused("a", "name-length");
        refused("", "name-length");
        refused(&"a".repeat(33), "name-length");
        refused("ana ortega", "name-characters");
        refused("..", "name-characters");
        refused("ana@home", "name-characters");
        refused("ana\u{202e}x", "name-characters");
        refused("🌱🌱", "name-characters");
        refused("pаypal", "name-scripts"); // the first "а" is Cyrillic
        refused("a\u{332}na", "name-characters");
        refused("ana\u{301}\u{301}", "name-characters");
    }

    #[test]
    fn a_handle_does_not_end_with_punctuation() {
        for bad in ["ana.", "ana_", "ana-", "ana._-", "x2-"] {
            refused(bad, "name-characters");
            assert!(Handle::stored(bad).is_ok(), "{bad} may have been taken before");
        }
        for good in ["j.r", "a_b", "a-b.c"] {
            assert!(Handle::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_display_name_is_visible_and_not_reserved() {
        let shown = |text| DisplayName::parse(text).map(|name| name.0);
        for good in
            ["Ana", "María José", "👨\u{200d}👩\u{200d}👧", "Ana!", "ana 🌱", "Nguyễn", "شيرين"]
        {
            assert_eq!(shown(good).as_deref(), Ok(good));
        }
        assert_eq!(shown("  Ana \u{3000} Ortega ").as_deref(), Ok("Ana Ortega"));
        for bad in
            ["", "\u{200b}", "\u{3164}", "\u{2800} \u{200d}", "a\u{202e}b", "z\u{301}\u{301}"]
        {
            assert_eq!(shown(bad).map_err(|e| e.code), Err("display-name-shape"), "{bad:?}");
        }
        for bad in ["Admin", "ADMINISTRATOR", "@admin", "Sуstem", "Support.", "a d m i n", "Patio"]
        {
            assert_eq!(shown(bad).map_err(|e| e.code), Err("name-reserved"), "{bad:?}");
        }
    }

    #[test]
    fn titles_are_refused_in_any_spelling() {
        let shown = |text| DisplayName::parse(text).map_err(|e| e.code);
        for bad in [
            "Admin ✓",
            "🛡 Admin",
            "🛡\u{fe0f}Admin🛡",
            "Admin Team",
            "The Admins",
            "Administración",
            "Administrators",
            "Moderators",
            "Patio Support",
            "Patio Team",
            "Equipo de Patio",
            "Soporte técnico",
            "ana (admin)",
            "Ana, moderadora",
            "ᴀᴅᴍɪɴ",
            "Аdmin Team",
            "System ✔",
            "Patio™",
            "Official Patio",
            "Security Team",
            "Help",
            "Staff",
        ] {
            assert_eq!(shown(bad).err(), Some("name-reserved"), "{bad}");
        }
        for good in [
            "Ana Patiño",
            "Rosa del Patio",
            "Adminda Pérez",
            "Modesto",
            "Me Encanta",
            "Team Ana",
            "Elena de la Torre",
            "Rooty",
            "Ana Todos",
            "La Bot",
            "The Ana",
        ] {
            assert!(shown(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_handle_is_not_a_title_or_a_reserved_word() {
        for bad in [
            "admins",
            "administracion",
            "administración",
            "staff",
            "help",
            "ayuda",
            "security",
            "me",
        ] {
            refused(bad, "name-reserved");
            assert!(Handle::stored(bad).is_ok(), "{bad} may have been taken before");
        }
        assert!(Handle::stored("áll").is_ok() && Handle::parse("áll").is_err());
        for good in [
            "modesto",
            "helpful",
            "mel",
            "owner",
            "mod",
            "staffan",
            "ana.team",
            "ana-admin",
            "admin2",
        ] {
            assert!(Handle::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn reserved_handles_are_refused_in_any_spelling() {
        for name in
            ["admin", "ADMIN", "Admin", "all", "here", "system", "support", "Soporte", "root"]
        {
            refused(name, "name-reserved");
        }
        refused("а11", "name-reserved"); // a Cyrillic "а" and two digits
        refused("aII", "name-reserved");
        assert!(Handle::parse("admina").is_ok());
    }

    #[test]
    fn handles_that_differ_in_case_or_look_alike_are_equal() {
        let name = |text| Handle::parse(text).expect(text);
        assert_eq!(name("Ana").folded(), name("aNA").folded());
        assert_eq!(name("STRASSE").folded(), name("straße").folded());
        assert_eq!(name("scope").skeleton(), name("ѕсоре").skeleton()); // the second is Cyrillic
        assert_ne!(name("ana").skeleton(), name("ane").skeleton());
    }
}
