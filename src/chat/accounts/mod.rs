//! Accounts: registration, sign-in, sessions, API tokens and administration.
//!
//! This module knows nothing of HTTP or cookies: a caller passes secrets and a [`LoginSource`].

mod administration;
mod avatars;
mod confirmation;
mod credentials;
mod guesses;
mod login_source;
pub mod model;
mod password_strength;
mod passwords;
mod profile;
mod revocations;
mod sign_in;
mod slow_work;
mod store;

pub use self::administration::{AdminError, ResetError};
pub use self::avatars::{Avatar, AvatarEncoder};
use self::guesses::PasswordGuesses;
pub use self::login_source::LoginSource;
use self::model::{Email, Handle, KnownUser, ListedUser, NewAccount, User, VerifiedPassword};
use self::passwords::Passwords;
pub use self::profile::ChangeError;
pub use self::sign_in::SignInError;
use self::slow_work::Share;
use self::store::AddOutcome;
pub(in crate::chat) use self::store::{
    IS_VALID_CREDENTIAL, LISTED_USER_COLUMNS, ListedUserRow, USER_COLUMNS, UserRow, user_row,
};
use prometheus_client::metrics::counter::Counter;

use super::events::{Channel, Event, EventHub};
use super::names::model::NameFilter;
use crate::attempts::Attempts;
use crate::changefeed;
use crate::changefeed::model::{ChangeMeta, ProcessId};
use crate::config::{PasswordCost, Signup, Switch};
use crate::db::Db;
use crate::kernel::paging::{ListPage, PageStart};
use crate::kernel::{Clock, FieldError, Random, ServiceError, UserId};
use crate::limits::user::KNOWN_DEVICE_KEPT;
use crate::text::names::fold;

#[derive(Clone)]
pub struct Accounts {
    db: Db,
    hub: EventHub,
    clock: Clock,
    random: Random,
    origin: ProcessId,
    passwords: Passwords,
    guesses: PasswordGuesses,
    /// The configured setting. Administrators can close sign-up if the setting leaves it open.
    signup: Signup,
    /// Number of refused sign-ins.
    failures: Counter,
}

/// The settings of an installation that concern accounts.
#[derive(Clone, Copy, Debug)]
pub struct AccountSettings {
    pub signup: Signup,
    /// Whether password guesses are limited.
    pub rate_limit: Switch,
    pub password_cost: PasswordCost,
}

#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    #[error("sign-up is closed")]
    Closed,
    /// The name or the address is taken, or both.
    #[error("taken")]
    Taken(Vec<FieldError>),
    #[error("the password is guessable")]
    Guessable,
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl Accounts {
    pub fn new(
        db: Db,
        hub: EventHub,
        clock: Clock,
        random: Random,
        origin: ProcessId,
        settings: AccountSettings,
    ) -> Self {
        let AccountSettings { signup, rate_limit, password_cost } = settings;
        let guesses =
            PasswordGuesses::new(rate_limit, clock.clone(), Attempts::new(clock.clone(), &db));
        let passwords = Passwords::new(password_cost);
        let failures = Counter::default();
        Self { db, hub, clock, random, origin, passwords, guesses, signup, failures }
    }

    /// The metadata (process and time) of changes that this process records now.
    fn change_meta(&self) -> ChangeMeta {
        self.origin.meta(self.clock.now())
    }

    /// Registers an account. The same transaction makes its user a member of the lobby.
    ///
    /// # Errors
    /// If sign-up is closed, the name or address is taken, or the password is guessable.
    pub async fn register(
        &self,
        new: &NewAccount,
        from: &LoginSource,
    ) -> Result<VerifiedPassword, RegisterError> {
        if !self.sign_up_state().await?.open {
            return Err(RegisterError::Closed);
        }
        let conflicts = self.validate(Some(&new.name), Some(&new.email)).await?;
        if !conflicts.is_empty() {
            return Err(RegisterError::Taken(conflicts));
        }
        // Checked last, because it costs the most: clients cannot make the server rate passwords of
        // requests that would be refused anyway.
        let about = vec![new.name.as_str().to_owned(), new.email.as_str().to_owned()];
        let share = Share::Network(from.site());
        if self.passwords.is_guessable(&new.password, about, share).await? {
            return Err(RegisterError::Guessable);
        }
        let password_hash = self.passwords.hash(&new.password, share).await?;
        let row = store::NewUser {
            name: &new.name,
            email: &new.email,
            password_hash: &password_hash,
            open: self.is_sign_up_open().await?,
            meta: self.change_meta(),
        };
        let user =
            self.finish_add(store::add(&self.db, &row).await.map_err(ServiceError::from)?)?;
        self.remember(user.id, from).await?;
        Ok(VerifiedPassword { user, password_hash })
    }

    /// Turns the outcome of adding a user into a result, and publishes that a new user joined.
    fn finish_add(&self, added: AddOutcome) -> Result<User, RegisterError> {
        match added {
            AddOutcome::Closed => Err(RegisterError::Closed),
            AddOutcome::Taken(taken) => Err(RegisterError::Taken(taken.field_errors())),
            AddOutcome::New { user, rooms } => {
                for room in rooms {
                    let joined = Event::Joined { room, user: user.clone() };
                    self.hub.broadcast(Channel::Everyone, 0, &joined);
                }
                Ok(user)
            }
        }
    }

    async fn is_sign_up_open(&self) -> Result<bool, ServiceError> {
        Ok(self.signup == Signup::Open && !store::is_sign_up_closed(&self.db).await?)
    }

    /// The field errors of a registration's name and address, as far as they could be parsed: each may
    /// be taken.
    pub async fn validate(
        &self,
        name: Option<&Handle>,
        email: Option<&Email>,
    ) -> Result<Vec<FieldError>, ServiceError> {
        Ok(store::find_conflict(&self.db, name, email).await?.field_errors())
    }

    /// Whether a visitor may register now, and whether they would be the first user.
    pub async fn sign_up_state(&self) -> Result<SignUpState, ServiceError> {
        let first = store::is_empty(&self.db).await?;
        Ok(SignUpState { open: first || self.is_sign_up_open().await?, first })
    }

    /// Drops what this process counted and is over.
    pub fn prune_password_guesses(&self) {
        self.guesses.prune();
    }

    /// Number of refused sign-ins since the start.
    pub fn failures(&self) -> Counter {
        self.failures.clone()
    }

    /// The user with this handle and an open account.
    pub async fn find(&self, name: &str) -> Result<Option<User>, ServiceError> {
        let found = store::find_by_login(&self.db, &fold(name), "").await?;
        Ok(found.map(|found| found.user))
    }

    /// The user with this handle, even if their account is closed.
    pub async fn known(&self, name: &str) -> Result<Option<KnownUser>, ServiceError> {
        Ok(store::find_known(&self.db, &fold(name)).await?)
    }

    /// Those of these users whose account is open, in the order of their ids.
    pub async fn by_ids(&self, users: &[UserId]) -> Result<Vec<User>, ServiceError> {
        Ok(store::find_some(&self.db, users).await?)
    }

    /// A user with an open account.
    pub async fn by_id(&self, user: UserId) -> Result<Option<User>, ServiceError> {
        Ok(store::find(&self.db, user).await?)
    }

    /// All users with an open account, by name.
    pub async fn users(&self) -> Result<Vec<User>, ServiceError> {
        Ok(store::list(&self.db).await?)
    }

    /// A page of the users with an open account, by name.
    pub async fn page(
        &self,
        filter: &NameFilter,
        start: &PageStart,
    ) -> Result<ListPage<ListedUser>, ServiceError> {
        Ok(store::page(&self.db, filter, start).await?)
    }

    /// How many users have an open account.
    pub async fn count(&self) -> Result<usize, ServiceError> {
        Ok(usize::try_from(store::count(&self.db).await?).unwrap_or_default())
    }

    /// Deletes expired credentials, reset links and known devices, and changes that all processes have read.
    pub async fn prune(&self) -> Result<(), ServiceError> {
        let now = self.clock.now();
        self.revoke_expired().await?;
        store::remove_expired_resets(&self.db, now).await?;
        store::prune_known_devices(&self.db, now.minus(KNOWN_DEVICE_KEPT)).await?;
        changefeed::prune(&self.db, &self.clock).await
    }
}

/// Whether visitors can sign up.
#[derive(Clone, Copy, Debug)]
pub struct SignUpState {
    pub open: bool,
    /// There is no account yet: the first user who registers becomes the administrator.
    pub first: bool,
}
