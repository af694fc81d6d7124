//! The types of accounts: names, addresses, passwords, secrets, credentials and permissions.
//!
//! This module does no I/O.

mod names;
mod profile;

use std::fmt;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

pub use self::names::{DisplayName, Handle};
pub use self::profile::{About, Profile, ProfileChange, Status, StatusEnd, StatusText};
pub use crate::changefeed::model::RevocationReason;
use crate::kernel::paging::Position;
use crate::kernel::{FieldError, Timestamp, UserId};
use crate::limits;
use crate::text::names::visible_line;

/// The public profile of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub name: String,
    pub display_name: String,
    pub bot: bool,
    pub role: Role,
    /// The name of the avatar; `None` if initials are shown.
    pub avatar: Option<String>,
    pub profile: Profile,
}

/// A user as others may know them, even after their account was closed.
#[derive(Clone, Debug)]
pub struct KnownUser {
    pub user: User,
    /// Where they are; `None` if unknown.
    pub zone: Option<TimeZone>,
    /// Whether the account is open.
    pub active: bool,
}

/// A user beside what they did: what a message shows of its author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRef {
    pub id: UserId,
    pub name: String,
    pub display_name: String,
    pub bot: bool,
    pub avatar: Option<String>,
}

impl From<&User> for UserRef {
    fn from(user: &User) -> Self {
        let User { id, name, display_name, bot, avatar, .. } = user.clone();
        Self { id, name, display_name, bot, avatar }
    }
}

/// A user in a list by name.
#[derive(Clone, Debug)]
pub struct ListedUser {
    pub user: User,
    /// The stored key of the display name: computing it takes longer than reading it.
    pub sort_key: String,
}

impl ListedUser {
    pub fn position(&self) -> Position {
        Position::new(&self.sort_key, self.user.id.0)
    }
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

    /// The inverse of [`Self::as_str`].
    pub(in crate::chat) fn parse(text: &str) -> Option<Self> {
        [Self::Admin, Self::Member].into_iter().find(|role| role.as_str() == text)
    }
}

/// The name of a time zone in the IANA database, such as `Europe/Madrid`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneName(String);

impl ZoneName {
    /// The zone with a stored name; UTC if there is none, or if the database no longer knows it.
    pub(super) fn zone(stored: Option<&str>) -> TimeZone {
        Self::known_zone(stored).unwrap_or(TimeZone::UTC)
    }

    /// The same; `None` instead of UTC.
    pub(in crate::chat::accounts) fn known_zone(stored: Option<&str>) -> Option<TimeZone> {
        TimeZone::get(stored?).ok()
    }

    /// # Errors
    /// If the time zone database has no such zone.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let zone = TimeZone::get(text.trim()).ok();
        // In the spelling of the database, whatever case was typed.
        let name = zone.as_ref().and_then(TimeZone::iana_name).map(str::to_owned);
        name.map(Self).ok_or(FieldError::new("time_zone", "time-zone-unknown"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An e-mail address in lower case. Only its shape is checked: only a sent mail shows whether an
/// address works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// # Errors
    /// If the text cannot be an address.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let email = text.trim().to_lowercase();
        let valid = email.len() <= 254
            && !email.chars().any(|c| c.is_whitespace() || c.is_control() || "<>,;\"".contains(c))
            && email.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty()
                    && !domain.contains('@')
                    && domain.split('.').all(|label| !label.is_empty())
            });
        if valid { Ok(Self(email)) } else { Err(FieldError::new("email", "email-shape")) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A password as typed: 8 to 256 characters, in normalization form NFC so that all keyboards produce
/// the same one (RFC 8265, `OpaqueString`). Never shown and never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct PlainPassword(String);

impl PlainPassword {
    /// # Errors
    /// If it is too short or too long. Whether it is guessable is checked separately, when it is
    /// chosen.
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

/// A valid registration.
#[derive(Debug)]
pub struct NewAccount {
    pub name: Handle,
    pub email: Email,
    pub password: PlainPassword,
}

impl NewAccount {
    /// # Errors
    /// One field error for each field that is wrong.
    pub fn parse(name: &str, email: &str, password: &str) -> Result<Self, Vec<FieldError>> {
        match (Handle::parse(name), Email::parse(email), PlainPassword::parse(password)) {
            (Ok(name), Ok(email), Ok(password)) => Ok(Self { name, email, password }),
            (name, email, password) => {
                Err([name.err(), email.err(), password.err()].into_iter().flatten().collect())
            }
        }
    }
}

/// The secret in a browser's cookie or a program's API token. Its holder is signed in.
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

/// The SHA-256 of a bearer secret, as the database stores it: it identifies a credential without
/// revealing the secret. A plain hash is enough, since the 128 random bits of a session and the 256 of a
/// token cannot be guessed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CredentialHash(pub(in crate::chat) [u8; 32]);

impl fmt::Debug for CredentialHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(…)")
    }
}

impl CredentialHash {
    /// As used in forms. It is useless without the secret.
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }
}

/// A session, as shown to its user.
#[derive(Clone, Debug)]
pub struct SessionInfo {
    pub credential: CredentialHash,
    pub agent: String,
    pub created_at: Timestamp,
}

/// The owner's label of a token: at most 64 characters on one line, may be empty.
#[derive(Clone, Debug)]
pub struct TokenLabel(String);

impl TokenLabel {
    /// # Errors
    /// If it is too long, or has more than one line.
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

/// How long a token is valid: a number of seconds from its creation, up to ten years.
#[derive(Clone, Copy, Debug)]
pub struct TokenLifetime(Duration);

impl TokenLifetime {
    /// # Errors
    /// If it is below one second or above ten years.
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

/// A token, as shown to its owner.
#[derive(Clone, Debug)]
pub struct TokenInfo {
    pub credential: CredentialHash,
    pub label: String,
    pub created_at: Timestamp,
    /// Precise to the hour; `None` before the first use.
    pub last_used_at: Option<Timestamp>,
    /// `None` if it does not expire.
    pub expires_at: Option<Timestamp>,
}

/// A user whose password was just checked or set: the permission to open a session and to issue a
/// token. It contains the checked hash and is worthless once the hash has changed. Otherwise a sign-in
/// that runs while the password is changed would outlive the change.
pub struct VerifiedPassword {
    pub(in crate::chat::accounts) user: User,
    pub(in crate::chat::accounts) password_hash: String,
}

impl VerifiedPassword {
    pub fn user(&self) -> &User {
        &self.user
    }
}

/// Proof that the current password was entered a moment ago; kept in the data of a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PasswordConfirmation {
    pub(in crate::chat::accounts) at: Timestamp,
    /// The SHA-256 of the stored hash of the password, in hexadecimal: another password ends the proof.
    pub(in crate::chat::accounts) password: String,
}

/// A signed-in user and their credential.
#[derive(Clone, Debug)]
pub struct Authenticated {
    pub user: User,
    /// The user's time zone, in which their days begin; UTC if unknown.
    pub zone: TimeZone,
    pub credential: CredentialHash,
    /// The confirmation in this session, as long as it is recent.
    pub confirmation: Option<PasswordConfirmation>,
}

/// A session that has not expired.
#[derive(Debug)]
pub struct LoadedSession {
    /// `None` before the sign-in.
    pub user: Option<Authenticated>,
    /// A JSON object; `None` if it is empty.
    pub data: Option<String>,
}

/// An account, as administrators see it.
#[derive(Clone, Debug)]
pub struct Account {
    pub user: User,
    /// The stored key of the display name.
    pub sort_key: String,
    pub email: String,
    pub created_at: Timestamp,
    pub active: bool,
    /// The erasure of their messages, if one was requested.
    pub erasure: Option<Erasure>,
}

impl Account {
    pub fn position(&self) -> Position {
        Position::new(&self.sort_key, self.user.id.0)
    }
}

/// The progress of deleting all messages of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Number of messages deleted.
    pub deleted: i64,
    /// How many percent of all messages were scanned.
    pub percent: i64,
    pub finished: bool,
}

/// The permission to administer this installation. Only [`super::Accounts`] makes it.
pub struct Admin(pub(in crate::chat::accounts) Option<UserId>);

impl crate::jobs::Operator for Admin {}

impl Admin {
    /// The administrator, for the audit log; `None` for the command line.
    pub fn actor(&self) -> Option<UserId> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_zone_must_be_in_the_database() {
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
    fn an_email_is_stored_in_lower_case_and_must_be_well_formed() {
        assert_eq!(Email::parse(" Ana@Example.ORG ").expect("ok").as_str(), "ana@example.org");
        for bad in ["ana", "@x", "ana@", "a b@x.org", "a@b@c", "a@x..org", "<a@x.org>"] {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_is_8_to_256_characters_in_normal_form_c() {
        assert!(PlainPassword::parse("1234567").is_err());
        assert!(PlainPassword::parse(&"ñ".repeat(256)).is_ok());
        assert!(PlainPassword::parse(&"a".repeat(257)).is_err());
        let composed = PlainPassword::parse("contraseña");
        assert_eq!(composed, PlainPassword::parse("contrasen\u{303}a"));
        assert_eq!(format!("{composed:?}"), "Ok(PlainPassword(…))");
    }
}
