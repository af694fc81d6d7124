//! People: how they register, sign in and out, and what a cookie or token proves.

mod administration;
mod avatars;
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
use self::model::{Email, Handle, NewAccount, User, VerifiedPassword};
use self::passwords::Passwords;
pub use self::profile::ChangeError;
pub use self::sign_in::SignInError;
use self::slow_work::Share;
use self::store::AddOutcome;
pub(in crate::chat) use self::store::UserRow;
use super::events::{Channel, Event, EventHub};
use crate::changefeed;
use crate::changefeed::model::{ChangeMeta, ProcessId};
use crate::config::{Signup, Switch};
use crate::db::Db;
use crate::kernel::metrics::Counter;
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
    /// What the settings say; administrators may close what they leave open.
    signup: Signup,
    /// Sign-ins that were refused.
    failures: Counter,
}

#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    #[error("sign-up is closed")]
    Closed,
    /// Name or address, or both.
    #[error("taken")]
    Taken(Vec<FieldError>),
    #[error("the password is guessable")]
    Guessable,
    #[error(transparent)]
    Fault(#[from] ServiceError),
}

impl Accounts {
    pub fn new(
        db: Db,
        bell: EventHub,
        (clock, random): (Clock, Random),
        origin: ProcessId,
        (signup, rates): (Signup, Switch),
    ) -> Self {
        let guesses = PasswordGuesses::new(rates, clock.clone());
        let (passwords, failures) = (Passwords::new(), Counter::default());
        Self { db, hub: bell, clock, random, origin, passwords, guesses, signup, failures }
    }

    /// This process, now: for what others shall hear of.
    fn change_meta(&self) -> ChangeMeta {
        self.origin.meta(self.clock.now())
    }

    /// Makes an account; its person is in the lobby from the same commit on.
    ///
    /// # Errors
    /// When sign-up is closed, the name or address is taken, or the password guessable.
    pub async fn register(
        &self,
        new: &NewAccount,
        from: &LoginSource,
    ) -> Result<VerifiedPassword, RegisterError> {
        if !self.sign_up_state().await?.open {
            return Err(RegisterError::Closed);
        }
        let objections = self.validate(Some(&new.name), Some(&new.email)).await?;
        if !objections.is_empty() {
            return Err(RegisterError::Taken(objections));
        }
        // Last, since it costs the most: nobody has passwords judged for forms that would be refused
        // anyway.
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
            stamp: self.change_meta(),
        };
        let person = self.settle(store::add(&self.db, &row).await.map_err(ServiceError::from)?)?;
        self.remember(person.id, from).await?;
        Ok(VerifiedPassword { person, password_hash })
    }

    /// What came of an attempt to add somebody; others are told of a new one.
    fn settle(&self, added: AddOutcome) -> Result<User, RegisterError> {
        match added {
            AddOutcome::Closed => Err(RegisterError::Closed),
            AddOutcome::Taken(taken) => Err(RegisterError::Taken(taken.field_errors())),
            AddOutcome::New(person, rooms) => {
                for room in rooms {
                    let joined = Event::Joined { room, person: person.clone() };
                    self.hub.broadcast(Channel::Everyone, 0, &joined);
                }
                Ok(person)
            }
        }
    }

    async fn is_sign_up_open(&self) -> Result<bool, ServiceError> {
        Ok(self.signup == Signup::Open && !store::is_sign_up_closed(&self.db).await?)
    }

    /// What stands against the fields of a registration, of those that could be parsed: a taken
    /// name or address.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn validate(
        &self,
        name: Option<&Handle>,
        email: Option<&Email>,
    ) -> Result<Vec<FieldError>, ServiceError> {
        Ok(store::find_conflict(&self.db, name, email).await?.field_errors())
    }

    /// Whether a stranger may register now, and whether they would be the first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn sign_up_state(&self) -> Result<SignUpState, ServiceError> {
        let first = store::is_empty(&self.db).await?;
        Ok(SignUpState { open: first || self.is_sign_up_open().await?, first })
    }

    /// Forgets who guessed nothing for long, in this process.
    pub fn rest(&self) {
        self.guesses.prune();
    }

    /// How many sign-ins were refused so far.
    pub fn failures(&self) -> u64 {
        self.failures.get()
    }

    /// The person with this name.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn find(&self, name: &str) -> Result<Option<User>, ServiceError> {
        let found = store::find_by_login(&self.db, &fold(name), "").await?;
        Ok(found.map(|(person, _)| person))
    }

    /// Somebody with an active account.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn by_id(&self, user: UserId) -> Result<Option<User>, ServiceError> {
        Ok(store::find(&self.db, user).await?)
    }

    /// Everybody with an account, by name.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn users(&self) -> Result<Vec<User>, ServiceError> {
        Ok(store::list(&self.db).await?)
    }

    /// Forgets sign-ins and links that have run out, and endings and news that all have heard of.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn prune(&self) -> Result<(), ServiceError> {
        let now = self.clock.now();
        self.revoke_expired().await?;
        store::remove_expired_resets(&self.db, now).await?;
        store::prune_known_devices(&self.db, now.minus(KNOWN_DEVICE_KEPT)).await?;
        changefeed::prune(&self.db, &self.clock).await?;
        Ok(store::prune_revocations(&self.db, now.minus(revocations::RETENTION)).await?)
    }
}

/// How sign-up stands.
#[derive(Clone, Copy, Debug)]
pub struct SignUpState {
    pub open: bool,
    /// Nobody has an account yet: whoever registers becomes the administrator.
    pub first: bool,
}
