//! People: how they register, sign in and out, and what a cookie or token proves.

mod administration;
mod admission;
mod avatars;
mod credentials;
mod endings;
mod guesses;
pub mod model;
mod own;
mod passwords;
mod sign_in;
mod store;
mod strength;
mod visitor;

pub use self::administration::{AdminError, ResetError};
use self::admission::Share;
pub use self::avatars::{Avatar, AvatarEncoder};
use self::guesses::Guesses;
use self::model::{Email, Name, NewAccount, Person, Proven};
pub use self::own::ChangeError;
use self::passwords::Passwords;
pub use self::sign_in::SignInError;
use self::store::Added;
pub(in crate::chat) use self::store::PersonRow;
pub use self::visitor::Visitor;
use super::events::{Bell, Event, Topic};
use super::news::{
    self,
    model::{Origin, Stamp},
};
use crate::config::{Signup, Switch};
use crate::db::Db;
use crate::kernel::meters::Count;
use crate::kernel::{Clock, Fault, Invalid, Random, UserId};
use crate::limits::user::KNOWN_DEVICE_KEPT;
use crate::text::names::fold;

#[derive(Clone)]
pub struct Accounts {
    db: Db,
    bell: Bell,
    clock: Clock,
    random: Random,
    origin: Origin,
    passwords: Passwords,
    guesses: Guesses,
    /// What the settings say; administrators may close what they leave open.
    signup: Signup,
    /// Sign-ins that were refused.
    failures: Count,
}

#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    #[error("sign-up is closed")]
    Closed,
    /// Name or address, or both.
    #[error("taken")]
    Taken(Vec<Invalid>),
    #[error("the password is guessable")]
    Guessable,
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Accounts {
    pub fn new(
        db: Db,
        bell: Bell,
        (clock, random): (Clock, Random),
        origin: Origin,
        (signup, rates): (Signup, Switch),
    ) -> Self {
        let guesses = Guesses::new(rates, clock.clone());
        let (passwords, failures) = (Passwords::new(), Count::default());
        Self { db, bell, clock, random, origin, passwords, guesses, signup, failures }
    }

    /// This process, now: for what others shall hear of.
    fn stamp(&self) -> Stamp {
        self.origin.at(self.clock.now())
    }

    /// Makes an account; its person is in the lobby from the same commit on.
    ///
    /// # Errors
    /// When sign-up is closed, the name or address is taken, or the password guessable.
    pub async fn register(
        &self,
        new: &NewAccount,
        from: &Visitor,
    ) -> Result<Proven, RegisterError> {
        if !self.sign_up_state().await?.open {
            return Err(RegisterError::Closed);
        }
        let objections = self.objections(Some(&new.name), Some(&new.email)).await?;
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
        let row = store::NewPerson {
            name: &new.name,
            email: &new.email,
            password_hash: &password_hash,
            open: self.is_sign_up_open().await?,
            stamp: self.stamp(),
        };
        let person = self.settle(store::add(&self.db, &row).await.map_err(Fault::from)?)?;
        self.remember(person.id, from).await?;
        Ok(Proven { person, password_hash })
    }

    /// What came of an attempt to add somebody; others are told of a new one.
    fn settle(&self, added: Added) -> Result<Person, RegisterError> {
        match added {
            Added::Closed => Err(RegisterError::Closed),
            Added::Taken(taken) => Err(RegisterError::Taken(taken.complaints())),
            Added::New(person, rooms) => {
                for room in rooms {
                    let joined = Event::Joined { room, person: person.clone() };
                    self.bell.publish(Topic::Everybody, 0, &joined);
                }
                Ok(person)
            }
        }
    }

    async fn is_sign_up_open(&self) -> Result<bool, Fault> {
        Ok(self.signup == Signup::Open && !store::is_sign_up_closed(&self.db).await?)
    }

    /// What stands against the fields of a registration, of those that could be parsed: a taken
    /// name or address.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn objections(
        &self,
        name: Option<&Name>,
        email: Option<&Email>,
    ) -> Result<Vec<Invalid>, Fault> {
        Ok(store::taken(&self.db, name, email).await?.complaints())
    }

    /// Whether a stranger may register now, and whether they would be the first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn sign_up_state(&self) -> Result<SignUpState, Fault> {
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
    pub async fn find(&self, name: &str) -> Result<Option<Person>, Fault> {
        let found = store::find_by_login(&self.db, &fold(name), "").await?;
        Ok(found.map(|(person, _)| person))
    }

    /// Somebody with an active account.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn by_id(&self, user: UserId) -> Result<Option<Person>, Fault> {
        Ok(store::find(&self.db, user).await?)
    }

    /// Everybody with an account, by name.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn people(&self) -> Result<Vec<Person>, Fault> {
        Ok(store::list(&self.db).await?)
    }

    /// Forgets sign-ins and links that have run out, and endings and news that all have heard of.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn prune(&self) -> Result<(), Fault> {
        let now = self.clock.now();
        self.end_expired().await?;
        store::remove_expired_resets(&self.db, now).await?;
        store::forget_places(&self.db, now.minus(KNOWN_DEVICE_KEPT)).await?;
        news::prune(&self.db, &self.clock).await?;
        Ok(store::remove_endings(&self.db, now.minus(endings::KEPT)).await?)
    }
}

/// How sign-up stands.
#[derive(Clone, Copy, Debug)]
pub struct SignUpState {
    pub open: bool,
    /// Nobody has an account yet: whoever registers becomes the administrator.
    pub first: bool,
}
