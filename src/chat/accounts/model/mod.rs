//! People and what proves that one is a person: names, addresses, passwords, secrets.

mod names;

use std::fmt;
use std::time::Duration;

use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

pub use self::names::{DisplayName, Handle};
use crate::kernel::{FieldError, Timestamp, UserId};
use crate::limits;
use crate::text::names::visible_line;

/// What everybody may know of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
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

/// A time zone by its name in the IANA database, as `Europe/Madrid`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneName(String);

impl ZoneName {
    /// The zone of a name that was stored; UTC for none, and for one that is known no longer.
    pub(super) fn zone(stored: Option<&str>) -> TimeZone {
        stored.and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC)
    }

    /// # Errors
    /// When the database knows no such zone.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let zone = TimeZone::get(text.trim()).ok();
        // As the database writes it, whatever case was typed.
        let name = zone.as_ref().and_then(TimeZone::iana_name).map(str::to_owned);
        name.map(Self).ok_or(FieldError::new("time_zone", "time-zone-unknown"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An e-mail address, in small letters: whether one can write to it only a letter can tell, so
/// only its shape is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// # Errors
    /// When it cannot be an address.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let email = text.trim().to_lowercase();
        let sound = email.len() <= 254
            && !email.chars().any(|c| c.is_whitespace() || c.is_control() || "<>,;\"".contains(c))
            && email.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty()
                    && !domain.contains('@')
                    && domain.split('.').all(|label| !label.is_empty())
            });
        if sound { Ok(Self(email)) } else { Err(FieldError::new("email", "email-shape")) }
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
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        if text.len() > 256 * 4 {
            return Err(FieldError::new("password", "password-length"));
        }
        let password: String = text.nfc().collect();
        if (8..=256).contains(&password.chars().count()) {
            Ok(Self(password))
        } else {
            Err(FieldError::new("password", "password-length"))
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
    pub name: Handle,
    pub email: Email,
    pub password: PlainPassword,
}

impl NewAccount {
    /// # Errors
    /// One complaint for each field that is wrong.
    pub fn parse(name: &str, email: &str, password: &str) -> Result<Self, Vec<FieldError>> {
        match (Handle::parse(name), Email::parse(email), PlainPassword::parse(password)) {
            (Ok(name), Ok(email), Ok(password)) => Ok(Self { name, email, password }),
            (name, email, password) => {
                Err([name.err(), email.err(), password.err()].into_iter().flatten().collect())
            }
        }
    }
}

/// What a browser's cookie or a program's token holds. Whoever has it is signed in.
pub struct BearerSecret(String);

impl BearerSecret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn expose_secret(&self) -> &str {
        &self.0
    }

    pub fn credential(&self) -> CredentialHash {
        CredentialHash(Sha256::digest(self.0.as_bytes()).into())
    }
}

/// Names a sign-in without giving it away: the SHA-256 of its secret, as the database keeps it.
/// A plain hash will do, since the secret is 256 random bits and cannot be tried out.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CredentialHash(pub(in crate::chat::accounts) [u8; 32]);

impl fmt::Debug for CredentialHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(…)")
    }
}

impl CredentialHash {
    /// As forms name it. Of no use without the secret that it is the hash of.
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }
}

/// A browser that a person is signed in with.
#[derive(Clone, Debug)]
pub struct SessionInfo {
    pub credential: CredentialHash,
    pub agent: String,
    pub created_at: Timestamp,
}

/// What its owner calls a token: at most 64 characters on one line, or nothing.
#[derive(Clone, Debug)]
pub struct TokenLabel(String);

impl TokenLabel {
    /// # Errors
    /// When it is too long, or more than a line.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        visible_line(text)
            .filter(|label| label.chars().count() <= 64)
            .map(Self)
            .ok_or(FieldError::new("label", "label-length"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How long a token is good for: seconds from its making on, up to ten years.
#[derive(Clone, Copy, Debug)]
pub struct TokenLifetime(Duration);

impl TokenLifetime {
    /// # Errors
    /// Below a second or above ten years.
    pub fn parse(seconds: i64) -> Result<Self, FieldError> {
        let lifetime = u64::try_from(seconds).ok().map(Duration::from_secs);
        let allowed = Duration::from_secs(1)..=limits::user::TOKEN_LIFETIME;
        lifetime
            .filter(|lifetime| allowed.contains(lifetime))
            .map(Self)
            .ok_or(FieldError::new("expires_in", "token-lifetime-range"))
    }

    pub fn get(self) -> Duration {
        self.0
    }
}

/// A token of a program of somebody's.
#[derive(Clone, Debug)]
pub struct TokenInfo {
    pub credential: CredentialHash,
    pub label: String,
    pub created_at: Timestamp,
    /// To the hour; `None` before the first use.
    pub last_used_at: Option<Timestamp>,
    /// `None` for one without an end of its own.
    pub expires_at: Option<Timestamp>,
}

/// A user whose password was checked or set a moment ago: the right to open a session and to issue
/// a token. It names the hash that was checked, and opens nothing once that has changed: a sign-in
/// that overlaps with a change of password would outlive it otherwise.
pub struct VerifiedPassword {
    pub(in crate::chat::accounts) person: User,
    pub(in crate::chat::accounts) password_hash: String,
}

impl VerifiedPassword {
    pub fn person(&self) -> &User {
        &self.person
    }
}

/// Somebody who is signed in, and by what.
#[derive(Clone, Debug)]
pub struct Authenticated {
    pub person: User,
    /// Their days begin at midnight there; UTC until it is known.
    pub zone: TimeZone,
    pub credential: CredentialHash,
}

/// An account as administrators see it.
#[derive(Clone, Debug)]
pub struct Account {
    pub person: User,
    pub email: String,
    pub created_at: Timestamp,
    pub active: bool,
    /// Of what they wrote, if it was asked for.
    pub erasure: Option<Erasure>,
}

/// How far the deletion of all that somebody wrote has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Messages that are deleted so far.
    pub deleted: i64,
    /// How much of all messages was looked at, of 100.
    pub percent: i64,
    pub finished: bool,
}

/// The right to administer this installation. Only [`super::Accounts`] gives it.
pub struct Admin(pub(in crate::chat::accounts) Option<UserId>);

impl crate::jobs::Operator for Admin {}

impl Admin {
    /// Whose right it is, for the audit log; `None` for the command line.
    pub fn actor(&self) -> Option<UserId> {
        self.0
    }
}

/// Why a sign-in ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationReason {
    SignedOut,
    AccountClosed,
    /// It is still good, for other rights: live connections come again to get them.
    RoleChanged,
}

impl RevocationReason {
    /// As the table has it.
    pub(in crate::chat::accounts) fn number(self) -> i64 {
        match self {
            Self::SignedOut => 0,
            Self::AccountClosed => 1,
            Self::RoleChanged => 2,
        }
    }

    /// The opposite of [`Self::number`].
    pub(in crate::chat::accounts) fn from_number(number: i64) -> Self {
        match number {
            1 => Self::AccountClosed,
            2 => Self::RoleChanged,
            _ => Self::SignedOut,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_zone_is_one_that_the_database_knows() {
        let zone = |text| ZoneName::parse(text).map(|zone| zone.0);
        assert_eq!(zone("europe/madrid").as_deref(), Ok("Europe/Madrid"));
        assert_eq!(zone(" America/Los_Angeles ").as_deref(), Ok("America/Los_Angeles"));
        assert_eq!(zone("UTC").as_deref(), Ok("UTC"));
        for bad in
            ["", "Madrid", "+02:00", "../etc/passwd", "Europe/Madrid\0", "a".repeat(9_999).as_str()]
        {
            assert!(zone(bad).is_err(), "{bad:?}");
        }
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
