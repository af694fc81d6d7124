//! People and what proves that one is a person: names, addresses, passwords, secrets.

use std::fmt;

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::{GeneralSecurityProfile, MixedScript};

use crate::kernel::{Invalid, Timestamp, UserId};

/// What everybody may know of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: UserId,
    pub name: String,
    pub display_name: String,
    pub bot: bool,
    pub role: Role,
    /// Names the picture that stands in place of the initials.
    pub avatar: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Admin,
    Member,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }

    /// The opposite of [`Self::as_str`]; the table admits no third word.
    pub(in crate::chat) fn from_column(text: &str) -> Self {
        if text == "admin" { Self::Admin } else { Self::Member }
    }
}

/// A handle: 2 to 32 letters of one script, digits, `.`, `_` and `-`, beginning with a letter or
/// digit (Unicode Technical Standard 39 says which letters mix). Kept in normal form NFKC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

const RESERVED: [&str; 5] = ["all", "here", "room", "admin", "system"];

impl Name {
    /// # Errors
    /// When the text is no such handle.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let refuse = |reason| Err(Invalid::new("name", reason));
        let name: String = text.trim().nfkc().collect();
        if !(2..=32).contains(&name.chars().count()) {
            return refuse("name-length");
        }
        let letter = |c: char| c.is_alphanumeric() && c.identifier_allowed();
        let begins = name.chars().next().is_some_and(letter);
        if !begins || !name.chars().all(|c| letter(c) || is_combining_mark(c) || "._-".contains(c))
        {
            return refuse("name-characters");
        }
        if !name.as_str().is_single_script() {
            return refuse("name-scripts");
        }
        let parsed = Self(name);
        let (folded, alike) = (parsed.folded(), parsed.skeleton());
        if RESERVED.iter().any(|word| *word == folded || skeleton(word) == alike) {
            return refuse("name-reserved");
        }
        Ok(parsed)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Equal for names that differ in case alone (Unicode default case folding).
    pub fn folded(&self) -> String {
        fold(&self.0)
    }

    /// Equal for names that look alike (UTS 39, section 4).
    pub fn skeleton(&self) -> String {
        skeleton(&self.0)
    }
}

/// The form in which names are compared.
pub fn fold(text: &str) -> String {
    let normal: String = text.trim().nfkc().collect();
    caseless::default_case_fold_str(&normal).nfkc().collect()
}

/// The form in which names are looked for: case and accents do not count.
pub fn without_accents(text: &str) -> String {
    fold(text).nfd().filter(|c| !is_combining_mark(*c)).collect()
}

/// Before folding, since a capital "I" looks like an "l" and a small one does not.
fn skeleton(text: &str) -> String {
    let alike: String = unicode_security::skeleton(text).collect();
    fold(&alike)
}

/// The name that others see: 1 to 64 characters on one line, without control or direction
/// characters (UAX 9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// # Errors
    /// When it is empty, too long, or more than a line.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        one_line(text)
            .filter(|name| (1..=64).contains(&name.chars().count()))
            .map(Self)
            .ok_or(Invalid::new("display_name", "display-name-shape"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Trimmed text without characters that break lines or turn their direction (UAX 9).
pub(in crate::chat) fn one_line(text: &str) -> Option<String> {
    let text = text.trim();
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (!text.chars().any(|c| c.is_control() || turns(c) || "\u{2028}\u{2029}".contains(c)))
        .then(|| text.to_owned())
}

/// An e-mail address, in small letters: whether one can write to it only a letter can tell, so
/// only its shape is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// # Errors
    /// When it cannot be an address.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let email = text.trim().to_lowercase();
        let sound = email.len() <= 254
            && !email.chars().any(|c| c.is_whitespace() || c.is_control() || "<>,;\"".contains(c))
            && email.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty()
                    && !domain.contains('@')
                    && domain.split('.').all(|label| !label.is_empty())
            });
        if sound { Ok(Self(email)) } else { Err(Invalid::new("email", "email-shape")) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A password as somebody typed it: 8 to 256 characters, in normal form NFC so that two
/// keyboards agree (RFC 8265, `OpaqueString`). Never shown and never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct PlainPassword(String);

impl PlainPassword {
    /// # Errors
    /// When it is too short or too long. Whether it is guessable is asked when it is chosen.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.len() > 256 * 4 {
            return Err(Invalid::new("password", "password-length"));
        }
        let password: String = text.nfc().collect();
        if (8..=256).contains(&password.chars().count()) {
            Ok(Self(password))
        } else {
            Err(Invalid::new("password", "password-length"))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PlainPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainPassword(…)")
    }
}

/// A form filled in to register, parsed.
#[derive(Debug)]
pub struct NewAccount {
    pub name: Name,
    pub email: Email,
    pub password: PlainPassword,
}

impl NewAccount {
    /// # Errors
    /// One complaint for each field that is wrong.
    pub fn parse(name: &str, email: &str, password: &str) -> Result<Self, Vec<Invalid>> {
        match (Name::parse(name), Email::parse(email), PlainPassword::parse(password)) {
            (Ok(name), Ok(email), Ok(password)) => Ok(Self { name, email, password }),
            (name, email, password) => {
                Err([name.err(), email.err(), password.err()].into_iter().flatten().collect())
            }
        }
    }
}

/// What a browser's cookie or a program's token holds. Whoever has it is signed in.
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub fn credential(&self) -> Credential {
        Credential(Sha256::digest(self.0.as_bytes()).into())
    }
}

/// Names a sign-in without giving it away: the SHA-256 of its secret, as the database keeps it.
/// A plain hash will do, since the secret is 256 random bits and cannot be tried out.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Credential(pub(in crate::chat::accounts) [u8; 32]);

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(…)")
    }
}

impl Credential {
    /// As forms name it. Of no use without the secret that it is the hash of.
    pub fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
    }
}

/// A browser that a person is signed in with.
#[derive(Clone, Debug)]
pub struct SessionInfo {
    pub credential: Credential,
    pub agent: String,
    pub created_at: Timestamp,
}

/// What its owner calls a token: at most 64 characters on one line, or nothing.
#[derive(Clone, Debug)]
pub struct TokenLabel(String);

impl TokenLabel {
    /// # Errors
    /// When it is too long, or more than a line.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        one_line(text)
            .filter(|label| label.chars().count() <= 64)
            .map(Self)
            .ok_or(Invalid::new("label", "label-length"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A token of a program of somebody's.
#[derive(Clone, Debug)]
pub struct TokenInfo {
    pub credential: Credential,
    pub label: String,
    pub created_at: Timestamp,
}

/// Somebody who is signed in, and by what.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub person: Person,
    pub credential: Credential,
}

/// An account as administrators see it.
#[derive(Clone, Debug)]
pub struct Account {
    pub person: Person,
    pub email: String,
    pub created_at: Timestamp,
    pub active: bool,
}

/// The right to administer this installation. Only [`super::Accounts`] gives it.
pub struct Admin(pub(in crate::chat::accounts) Option<UserId>);

impl Admin {
    /// Whose right it is, for the audit log; `None` for the command line.
    pub fn actor(&self) -> Option<UserId> {
        self.0
    }
}

/// Why a sign-in ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    SignedOut,
    AccountClosed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str, reason: &str) {
        assert_eq!(Name::parse(text).map_err(|e| e.reason), Err(reason), "{text:?}");
    }

    #[test]
    fn a_name_is_letters_of_one_script_digits_and_three_signs() {
        for good in ["ana", "José", "luis.m", "a-b_c", "Олег", "田中さん", "x2", "सीता", "محمد"]
        {
            assert!(Name::parse(good).is_ok(), "{good}");
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
    }

    #[test]
    fn a_name_that_means_somebody_else_is_reserved_in_any_disguise() {
        for name in ["admin", "ADMIN", "Admin", "all", "here", "system"] {
            refused(name, "name-reserved");
        }
        refused("а11", "name-reserved"); // a Cyrillic "а" and two digits
        refused("aII", "name-reserved");
        assert!(Name::parse("admina").is_ok());
    }

    #[test]
    fn names_that_differ_in_case_or_only_look_different_are_one() {
        let name = |text| Name::parse(text).expect(text);
        assert_eq!(name("Ana").folded(), name("aNA").folded());
        assert_eq!(name("STRASSE").folded(), name("straße").folded());
        assert_eq!(name("scope").skeleton(), name("ѕсоре").skeleton()); // the second is Cyrillic
        assert_ne!(name("ana").skeleton(), name("ane").skeleton());
    }

    #[test]
    fn a_name_is_found_without_its_accents() {
        assert_eq!(without_accents("LUCÍA Muñoz"), "lucia munoz");
        assert_eq!(without_accents("Straße"), without_accents("STRASSE"));
        assert_ne!(without_accents("ana"), without_accents("ane"));
    }

    #[test]
    fn an_email_is_kept_in_small_letters_and_must_have_the_shape_of_one() {
        assert_eq!(Email::parse(" Ana@Example.ORG ").expect("ok").as_str(), "ana@example.org");
        for bad in ["ana", "@x", "ana@", "a b@x.org", "a@b@c", "a@x..org", "<a@x.org>"] {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_is_8_to_256_characters_and_reads_the_same_from_every_keyboard() {
        assert!(PlainPassword::parse("1234567").is_err());
        assert!(PlainPassword::parse(&"ñ".repeat(256)).is_ok());
        assert!(PlainPassword::parse(&"a".repeat(257)).is_err());
        let composed = PlainPassword::parse("contraseña");
        assert_eq!(composed, PlainPassword::parse("contrasen\u{303}a"));
        assert_eq!(format!("{composed:?}"), "Ok(PlainPassword(…))");
    }
}
