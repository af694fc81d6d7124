//! Comparing a password, through whichever door it comes: who may try, in which line they wait, what
//! counts against whom, and what is remembered of those who were right.

use std::time::Duration;

use super::guesses::Key;
use super::model::{BearerSecret, CredentialHash, PlainPassword, User, VerifiedPassword};
use super::slow_work::{Priority, Share};
use super::{Accounts, LoginSource, store};
use crate::kernel::{ServiceError, UserId};
use crate::limits::user::KNOWN_DEVICE_KEPT;
use crate::text::names::fold;

/// How often at most it is written that somebody signed in from the same place again.
const REMEMBERED_EVERY: Duration = Duration::from_hours(24);

#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No such person or not their password, or not any more: which of these is nobody's business.
    #[error("wrong name or password")]
    Wrong,
    /// After too many wrong passwords, or right ones.
    #[error("too many tries")]
    TooMany(Duration),
    #[error(transparent)]
    Fault(#[from] ServiceError),
}

/// Whether a user signed in from here before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Device(CredentialHash),
    Address,
    No,
}

/// What is known of a place, and whether that is recent.
struct Seen {
    known: Known,
    recent: bool,
}

impl Accounts {
    /// Who has this name or e-mail address and this password. One answer and equal work for
    /// whatever is wrong.
    ///
    /// # Errors
    /// When either is wrong.
    pub async fn sign_in(
        &self,
        login: &str,
        password: &str,
        from: &LoginSource,
    ) -> Result<VerifiedPassword, SignInError> {
        let email = login.trim().to_lowercase();
        let found = store::find_by_login(&self.db, &fold(login), &email).await;
        self.judge(login, found.map_err(ServiceError::from)?, password, from).await
    }

    /// Whether a password is the one of an account. Every door comes through here.
    pub(super) async fn judge(
        &self,
        login: &str,
        found: Option<(User, String)>,
        password: &str,
        from: &LoginSource,
    ) -> Result<VerifiedPassword, SignInError> {
        let user = found.as_ref().map(|(person, _)| person.id);
        let seen = self.seen(user, from).await?;
        let attempt = self.guesses.begin(keys(seen.known, account(user, login), from)).await;
        let attempt = attempt.map_err(|wait| refused(wait, from))?;
        let typed = PlainPassword::parse(password).ok();
        let hash = found.as_ref().map(|(_, hash)| hash.clone()).filter(|_| typed.is_some());
        let place = match user.filter(|_| seen.known != Known::No) {
            Some(user) => (Priority::Known, Share::User(user)),
            None => (Priority::Unknown, Share::Network(from.site())),
        };
        let typed = typed.as_ref().map_or("", PlainPassword::as_str);
        let right = match self.passwords.verify(typed, hash, place).await {
            Ok(right) => right,
            Err(fault) => {
                attempt.give_back();
                return Err(fault.into());
            }
        };
        let Some((person, password_hash)) = found.filter(|_| right) else {
            self.failures.add(1);
            tracing::info!(client.address = %from.ip, "a sign-in failed: wrong name or password");
            return Err(SignInError::Wrong);
        };
        self.guesses.right(person.id).map_err(|wait| refused(wait, from))?;
        attempt.give_back();
        if !seen.recent {
            self.remember(person.id, from).await?;
        }
        Ok(VerifiedPassword { person, password_hash })
    }

    /// Notes from where somebody came whose identity was proven.
    pub(super) async fn remember(
        &self,
        user: UserId,
        from: &LoginSource,
    ) -> Result<(), ServiceError> {
        let places: Vec<_> = device(user, from).into_iter().chain([address(user, from)]).collect();
        Ok(store::remember(&self.db, user, &places, self.clock.now()).await?)
    }

    async fn seen(&self, user: Option<UserId>, from: &LoginSource) -> Result<Seen, ServiceError> {
        // Also for nobody, so that it takes as long.
        let user = user.unwrap_or(UserId(0));
        let now = self.clock.now();
        let places = (device(user, from), address(user, from));
        let after = now.minus(KNOWN_DEVICE_KEPT);
        let (device, address) = store::last_seen(&self.db, user, places, after).await?;
        let known = match (from.device, device, address) {
            (Some(of), Some(_), _) => Known::Device(of),
            (_, _, Some(_)) => Known::Address,
            _ => Known::No,
        };
        let recent = |at: Option<_>| at.is_some_and(|at| now.minus(REMEMBERED_EVERY) < at);
        let device_is_recent = from.device.is_none() || recent(device);
        Ok(Seen { known, recent: recent(address) && device_is_recent })
    }
}

/// What a wrong password counts against. Where somebody signed in before, it counts against that place
/// alone: no stranger can lock anybody out.
fn keys(known: Known, account: CredentialHash, from: &LoginSource) -> Vec<Key> {
    let networks = from.keys().into_iter();
    match known {
        Known::Device(device) => vec![Key::Device(device)],
        Known::Address => networks.take(1).collect(),
        Known::No => networks.chain([Key::Account(account)]).collect(),
    }
}

/// An account, whether it was named by its name or its address; where there is none, what was typed, in
/// one form for all spellings.
fn account(user: Option<UserId>, login: &str) -> CredentialHash {
    let named = || if login.contains('@') { login.trim().to_lowercase() } else { fold(login) };
    BearerSecret::new(user.map_or_else(named, |user| format!("user {}", user.0))).credential()
}

/// A hash for each user: rows of one device do not tell that they are.
fn device(user: UserId, from: &LoginSource) -> Option<CredentialHash> {
    let device = from.device?.to_hex();
    Some(BearerSecret::new(format!("device {} {device}", user.0)).credential())
}

fn address(user: UserId, from: &LoginSource) -> CredentialHash {
    let network = from.networks.first().map(ToString::to_string).unwrap_or_default();
    BearerSecret::new(format!("address {} {network}", user.0)).credential()
}

fn refused(wait: Duration, from: &LoginSource) -> SignInError {
    tracing::warn!(client.address = %from.ip, "a sign-in was refused: too many tries");
    SignInError::TooMany(wait)
}
