//! People: how they register, sign in and out, and what a cookie or token proves.

pub mod model;
mod passwords;
mod store;

use std::time::Duration;

use self::model::{
    Credential, DisplayName, Email, NewAccount, Person, PlainPassword, Secret, SessionInfo,
    SignedIn, fold,
};
use self::passwords::Passwords;
use self::store::Added;
use super::events::{Bell, Event, Notice, Topic};
use crate::config::Signup;
use crate::db::Db;
use crate::kernel::{Clock, Fault, Invalid, Random};

/// A session ends when nobody used it for so long.
const SESSION: Duration = Duration::from_hours(30 * 24);
/// How often at most a session in use is written: once a day.
const SESSION_REFRESH: Duration = Duration::from_hours(24);

/// How much of what a browser says of itself is kept.
const LONGEST_AGENT: usize = 200;

#[derive(Clone)]
pub struct Accounts {
    db: Db,
    bell: Bell,
    clock: Clock,
    random: Random,
    passwords: Passwords,
    signup: Signup,
}

#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    #[error("sign-up is closed")]
    Closed,
    #[error("taken")]
    Taken(Vec<Invalid>),
    #[error("the password is guessable")]
    Guessable,
    #[error(transparent)]
    Fault(#[from] Fault),
}

#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No such person or not their password: which of both is nobody's business.
    #[error("wrong name or password")]
    Wrong,
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why something about one's own account was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("wrong password")]
    WrongPassword,
    #[error("the address is taken")]
    EmailTaken,
    #[error("the password is guessable")]
    Guessable,
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Accounts {
    pub fn new(db: Db, bell: Bell, clock: Clock, random: Random, signup: Signup) -> Self {
        Self { db, bell, clock, random, passwords: Passwords::new(), signup }
    }

    /// Makes an account; its person is in the lobby from the same commit on.
    ///
    /// # Errors
    /// When sign-up is closed, the name or address is taken, or the password guessable.
    pub async fn register(&self, new: &NewAccount) -> Result<Person, RegisterError> {
        let about = vec![new.name.as_str().to_owned(), new.email.as_str().to_owned()];
        if self.passwords.is_guessable(&new.password, about).await? {
            return Err(RegisterError::Guessable);
        }
        let password_hash = self.passwords.hash(&new.password).await?;
        let row = store::NewPerson {
            name: &new.name,
            email: &new.email,
            password_hash: &password_hash,
            open: self.signup == Signup::Open,
            now: self.clock.now(),
        };
        match store::add(&self.db, &row).await.map_err(Fault::from)? {
            Added::Closed => Err(RegisterError::Closed),
            Added::Taken { name, email } => {
                let taken = [
                    name.then_some(Invalid::new("name", "name-taken")),
                    email.then_some(Invalid::new("email", "email-taken")),
                ];
                Err(RegisterError::Taken(taken.into_iter().flatten().collect()))
            }
            Added::New(person, rooms) => {
                for room in rooms {
                    let joined = Event::Joined { room, person: person.clone() };
                    self.bell.publish(Topic::Everybody, 0, &joined);
                }
                Ok(person)
            }
        }
    }

    /// Whether a stranger may register now, and whether they would be the first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn sign_up_state(&self) -> Result<SignUpState, Fault> {
        let first = store::is_empty(&self.db).await?;
        Ok(SignUpState { open: first || self.signup == Signup::Open, first })
    }

    /// Who has this name or e-mail address and this password. One answer and equal work for
    /// whatever is wrong.
    ///
    /// # Errors
    /// When either is wrong.
    pub async fn sign_in(&self, login: &str, password: &str) -> Result<Person, SignInError> {
        let password = PlainPassword::parse(password).ok();
        let email = login.trim().to_lowercase();
        let found = match &password {
            Some(_) => store::find_by_login(&self.db, &fold(login), &email).await,
            None => Ok(None),
        };
        let (person, hash) = found.map_err(Fault::from)?.unzip();
        let typed = password.as_ref().map_or("", PlainPassword::as_str);
        let right = self.passwords.verify(typed, hash).await?;
        person.filter(|_| right).ok_or(SignInError::Wrong)
    }

    /// Starts a session; the secret is for the browser's cookie and is kept nowhere else.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn open_session(&self, person: &Person, agent: &str) -> Result<Secret, Fault> {
        let secret = Secret::new(self.random.secret());
        let now = self.clock.now();
        let expires = now.plus(SESSION);
        let agent: String = agent.chars().take(LONGEST_AGENT).collect();
        let times = (now, expires);
        store::add_session(&self.db, secret.credential(), person.id, &agent, times).await?;
        Ok(secret)
    }

    /// Who is signed in with this session. Using a session keeps it.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn by_session(&self, secret: &Secret) -> Result<Option<SignedIn>, Fault> {
        let credential = secret.credential();
        let now = self.clock.now();
        let found = store::find_by_session(&self.db, credential, now).await?;
        let Some((person, expires)) = found else {
            return Ok(None);
        };
        if now.until(expires) < SESSION.saturating_sub(SESSION_REFRESH) {
            store::extend_session(&self.db, credential, now.plus(SESSION)).await?;
        }
        Ok(Some(SignedIn { person, credential }))
    }

    /// Ends a session and every live connection made with it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn close_session(&self, credential: Credential) -> Result<(), Fault> {
        store::remove_session(&self.db, credential).await?;
        self.bell.tell(Topic::SignIn(credential), Notice::SignedOut);
        Ok(())
    }

    /// Makes a token for a program. `label` helps its owner to tell it from others.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn issue_token(&self, person: &Person, label: &str) -> Result<Secret, Fault> {
        let secret = Secret::new(self.random.secret());
        let now = self.clock.now();
        store::add_token(&self.db, secret.credential(), person.id, label, now).await?;
        Ok(secret)
    }

    /// Who is signed in with this token.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn by_token(&self, secret: &Secret) -> Result<Option<SignedIn>, Fault> {
        let credential = secret.credential();
        let found = store::find_by_token(&self.db, credential).await?;
        Ok(found.map(|person| SignedIn { person, credential }))
    }

    /// Ends a token and every live connection made with it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn revoke_token(&self, credential: Credential) -> Result<(), Fault> {
        store::remove_token(&self.db, credential).await?;
        self.bell.tell(Topic::SignIn(credential), Notice::SignedOut);
        Ok(())
    }

    /// The person with this name.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn find(&self, name: &str) -> Result<Option<Person>, Fault> {
        let found = store::find_by_login(&self.db, &fold(name), "").await?;
        Ok(found.map(|(person, _)| person))
    }

    /// Everybody with an account, by name.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn people(&self) -> Result<Vec<Person>, Fault> {
        Ok(store::list(&self.db).await?)
    }

    /// Somebody's own e-mail address.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn email(&self, me: &SignedIn) -> Result<String, Fault> {
        Ok(store::email_of(&self.db, me.person.id).await?)
    }

    /// The browsers somebody is signed in with, the newest first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn sessions(&self, me: &SignedIn) -> Result<Vec<SessionInfo>, Fault> {
        Ok(store::sessions(&self.db, me.person.id, self.clock.now()).await?)
    }

    /// Changes the name that others see; everybody is told.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn rename(&self, me: &SignedIn, name: &DisplayName) -> Result<(), Fault> {
        store::set_display_name(&self.db, me.person.id, name).await?;
        let person = Person { display_name: name.as_str().to_owned(), ..me.person.clone() };
        self.bell.publish(Topic::Everybody, 0, &Event::Renamed(person));
        self.bell.tell(Topic::Person(me.person.id), Notice::Renamed);
        Ok(())
    }

    /// Changes the address, for somebody who knows the password.
    ///
    /// # Errors
    /// When the password is wrong or the address taken.
    pub async fn change_email(
        &self,
        me: &SignedIn,
        email: &Email,
        password: &str,
    ) -> Result<(), ChangeError> {
        self.prove(me, password).await?;
        let changed = store::set_email(&self.db, me.person.id, email).await;
        if changed.map_err(Fault::from)? { Ok(()) } else { Err(ChangeError::EmailTaken) }
    }

    /// Changes the password, for somebody who knows the old one. Every other sign-in ends.
    ///
    /// # Errors
    /// When the old one is wrong or the new one guessable.
    pub async fn change_password(
        &self,
        me: &SignedIn,
        old: &str,
        new: &PlainPassword,
    ) -> Result<(), ChangeError> {
        self.prove(me, old).await?;
        let about = vec![me.person.name.clone(), self.email(me).await?];
        if self.passwords.is_guessable(new, about).await? {
            return Err(ChangeError::Guessable);
        }
        let hash = self.passwords.hash(new).await?;
        store::set_password(&self.db, me.person.id, &hash).await.map_err(Fault::from)?;
        Ok(self.sign_out_elsewhere(me).await?)
    }

    /// Ends all sign-ins of a person but the one at hand.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn sign_out_elsewhere(&self, me: &SignedIn) -> Result<(), Fault> {
        for ended in store::remove_other_sign_ins(&self.db, me.person.id, me.credential).await? {
            self.bell.tell(Topic::SignIn(ended), Notice::SignedOut);
        }
        Ok(())
    }

    async fn prove(&self, me: &SignedIn, password: &str) -> Result<(), ChangeError> {
        let hash = store::password_of(&self.db, me.person.id).await.map_err(Fault::from)?;
        let typed = PlainPassword::parse(password).map_err(|_| ChangeError::WrongPassword)?;
        let right = self.passwords.verify(typed.as_str(), Some(hash)).await?;
        if right { Ok(()) } else { Err(ChangeError::WrongPassword) }
    }

    /// Forgets the sessions that have run out.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn prune(&self) -> Result<(), Fault> {
        Ok(store::remove_expired_sessions(&self.db, self.clock.now()).await?)
    }
}

/// How sign-up stands.
#[derive(Clone, Copy, Debug)]
pub struct SignUpState {
    pub open: bool,
    /// Nobody has an account yet: whoever registers becomes the administrator.
    pub first: bool,
}
