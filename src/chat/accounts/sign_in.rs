//! Checking a password, for every way to enter one: rate limits, priority in the queue, and remembering
//! known devices and addresses.

use std::time::Duration;

use super::guesses::Key;
use super::model::{BearerSecret, CredentialHash, PlainPassword, VerifiedPassword};
use super::slow_work::{Priority, Share};
use super::store::{SignInHashes, UserWithPassword};
use super::{Accounts, LoginSource, store};
use crate::attempts::model::TakeError;
use crate::kernel::{ServiceError, UserId};
use crate::limits::user::KNOWN_DEVICE_KEPT;
use crate::text::names::fold;

/// A sign-in from a known device or address is stored at most this often.
const REMEMBERED_EVERY: Duration = Duration::from_hours(24);

#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Wrong name or wrong password, or the account is closed. The client must not learn which.
    #[error("wrong name or password")]
    Wrong,
    /// After too many wrong passwords, or too many right ones.
    #[error("too many tries")]
    TooMany(Duration),
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Whether a user signed in from this device or address before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Device(CredentialHash),
    Address,
    No,
}

/// The knowledge about a login source, and whether it was stored recently.
struct Seen {
    known: Known,
    recent: bool,
}

impl Accounts {
    /// Checks a handle or e-mail address and a password. Every failure returns the same error after the
    /// same amount of work.
    ///
    /// # Errors
    /// [`SignInError::Wrong`] or [`SignInError::TooMany`].
    pub async fn sign_in(
        &self,
        login: &str,
        password: &str,
        from: &LoginSource,
    ) -> Result<VerifiedPassword, SignInError> {
        let email = login.trim().to_lowercase();
        let found = store::find_by_login(&self.db, &fold(login), &email).await;
        self.check_password(login, found.map_err(ServiceError::from)?, password, from).await
    }

    /// Checks the password of an account. Every way to enter a password calls this.
    pub(super) async fn check_password(
        &self,
        login: &str,
        found: Option<UserWithPassword>,
        password: &str,
        from: &LoginSource,
    ) -> Result<VerifiedPassword, SignInError> {
        let user_id = found.as_ref().map(|found| found.user.id);
        let seen = self.seen(user_id, from).await?;
        let attempt = self.guesses.begin(keys(seen.known, account(user_id, login), from)).await;
        let attempt = attempt.map_err(|error| match error {
            TakeError::Refused(refusal) => refused(refusal.wait(), from),
            TakeError::Service(error) => error.into(),
        })?;
        let typed = PlainPassword::parse(password).ok();
        let hash =
            found.as_ref().map(|found| found.password_hash.clone()).filter(|_| typed.is_some());
        let (priority, share) = match user_id.filter(|_| seen.known != Known::No) {
            Some(user) => (Priority::Known, Share::User(user)),
            None => (Priority::Unknown, Share::Network(from.site())),
        };
        let typed = typed.as_ref().map_or("", PlainPassword::as_str);
        let right = match self.passwords.verify(typed, hash, priority, share).await {
            Ok(right) => right,
            Err(error) => {
                // That it could not be given back matters less than why.
                drop(attempt.give_back().await);
                return Err(error.into());
            }
        };
        let Some(UserWithPassword { user, password_hash }) = found.filter(|_| right) else {
            self.failures.inc();
            tracing::info!(client.address = %from.ip, "a sign-in failed: wrong name or password");
            return Err(SignInError::Wrong);
        };
        self.guesses.right(user.id).map_err(|wait| refused(wait, from))?;
        attempt.give_back().await?;
        if !seen.recent {
            self.remember(user.id, from).await?;
        }
        Ok(VerifiedPassword { user, password_hash })
    }

    /// Stores the device and address a user signed in from.
    pub(super) async fn remember(
        &self,
        user: UserId,
        from: &LoginSource,
    ) -> Result<(), ServiceError> {
        Ok(store::remember(&self.db, user, &hashes(user, from), self.clock.now()).await?)
    }

    async fn seen(&self, user: Option<UserId>, from: &LoginSource) -> Result<Seen, ServiceError> {
        // Queries for an unknown user as well, so that the response takes as long.
        let user = user.unwrap_or(UserId(0));
        let now = self.clock.now();
        let after = now.minus(KNOWN_DEVICE_KEPT);
        let last_seen = store::last_seen(&self.db, user, &hashes(user, from), after).await?;
        let known = match (from.device, last_seen.device, last_seen.address) {
            (Some(device_hash), Some(_), _) => Known::Device(device_hash),
            (_, _, Some(_)) => Known::Address,
            _ => Known::No,
        };
        let recent = |at: Option<_>| at.is_some_and(|at| now.minus(REMEMBERED_EVERY) < at);
        let device_is_recent = from.device.is_none() || recent(last_seen.device);
        Ok(Seen { known, recent: recent(last_seen.address) && device_is_recent })
    }
}

/// The keys that a wrong password counts against. For a known device or address only that one: an
/// attacker elsewhere cannot lock the user out.
fn keys(known: Known, account: CredentialHash, from: &LoginSource) -> Vec<Key> {
    let networks = from.keys().into_iter();
    match known {
        Known::Device(device) => vec![Key::Device(device)],
        Known::Address => networks.take(1).collect(),
        Known::No => networks.chain([Key::Account(account)]).collect(),
    }
}

/// A key for the account, the same for its handle and its address. If there is no account, a key for
/// the normalized input.
fn account(user: Option<UserId>, login: &str) -> CredentialHash {
    let normalized = || if login.contains('@') { login.trim().to_lowercase() } else { fold(login) };
    BearerSecret::new(user.map_or_else(normalized, |user| format!("user {user}"))).credential()
}

/// Different hashes for each user, so that the table does not show which users share a device.
fn hashes(user: UserId, from: &LoginSource) -> SignInHashes {
    let hash = |text: String| BearerSecret::new(text).credential();
    let network = from.networks.first().map(ToString::to_string).unwrap_or_default();
    SignInHashes {
        device: from.device.map(|device| hash(format!("device {user} {}", device.to_hex()))),
        address: hash(format!("address {user} {network}")),
    }
}

fn refused(wait: Duration, from: &LoginSource) -> SignInError {
    tracing::warn!(client.address = %from.ip, "a sign-in was refused: too many tries");
    SignInError::TooMany(wait)
}
