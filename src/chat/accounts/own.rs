//! What people do to their own accounts: name, address, password, where they are signed in.

use std::time::Duration;

use super::admission::Share;
use super::model::{DisplayName, Email, Ending, Person, PlainPassword, Proven, SignedIn, ZoneName};
use super::store::Changed;
use super::{Accounts, SignInError, Visitor, store};
use crate::chat::events::{Event, Notice, Topic};
use crate::kernel::Fault;

/// Why something about one's own account was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("wrong password")]
    WrongPassword,
    /// Readers could take it for that of another user.
    #[error("the name is taken")]
    NameTaken,
    #[error("too many wrong passwords")]
    TooMany(Duration),
    #[error("the address is taken")]
    EmailTaken,
    #[error("the password is guessable")]
    Guessable,
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl ChangeError {
    /// How long to wait before another try.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::TooMany(wait) => Some(*wait),
            _ => None,
        }
    }
}

impl Accounts {
    /// Somebody's own e-mail address.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn email(&self, me: &SignedIn) -> Result<String, Fault> {
        Ok(store::email_of(&self.db, me.person.id).await?)
    }

    /// Sets the time zone.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn set_time_zone(&self, me: &SignedIn, zone: &ZoneName) -> Result<(), Fault> {
        Ok(store::set_time_zone(&self.db, me.person.id, zone, false).await?)
    }

    /// Sets the time zone that a browser names, unless the user has one already.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn suggest_time_zone(&self, me: &SignedIn, zone: &ZoneName) -> Result<(), Fault> {
        Ok(store::set_time_zone(&self.db, me.person.id, zone, true).await?)
    }

    /// Changes the name that others see; everybody is told.
    ///
    /// # Errors
    /// [`ChangeError::NameTaken`] when it looks like that of another user.
    pub async fn rename(&self, me: &SignedIn, name: &DisplayName) -> Result<(), ChangeError> {
        let set = store::set_display_name(&self.db, &me.person, name, self.stamp()).await;
        if !set.map_err(Fault::from)? {
            return Err(ChangeError::NameTaken);
        }
        let person = Person { display_name: name.as_str().to_owned(), ..me.person.clone() };
        self.tell_renamed(person);
        Ok(())
    }

    pub(in crate::chat) fn tell_renamed(&self, person: Person) {
        let id = person.id;
        self.bell.publish(Topic::Everybody, 0, &Event::Renamed(person));
        self.bell.tell(Topic::Person(id), Notice::Renamed);
    }

    /// Changes the address, for somebody who knows the password. Every other sign-in ends.
    ///
    /// # Errors
    /// When the password is wrong or the address taken.
    pub async fn change_email(
        &self,
        me: &SignedIn,
        email: &Email,
        password: &str,
        from: &Visitor,
    ) -> Result<(), ChangeError> {
        let proven = self.prove(me, password, from).await?;
        let kept = (me.credential, self.clock.now());
        let changed = store::set_email(&self.db, &proven, email, kept).await;
        self.settle_change(changed.map_err(Fault::from)?)
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
        from: &Visitor,
    ) -> Result<(), ChangeError> {
        let proven = self.prove(me, old, from).await?;
        let share = Share::User(me.person.id);
        if self.is_guessable(&me.person, new, share).await? {
            return Err(ChangeError::Guessable);
        }
        let hash = self.passwords.hash(new, share).await?;
        let kept = (me.credential, self.clock.now());
        let changed = store::set_password(&self.db, &proven, &hash, kept).await;
        self.settle_change(changed.map_err(Fault::from)?)
    }

    /// Whether a password is too easy to guess for somebody who knows this person.
    pub(super) async fn is_guessable(
        &self,
        person: &Person,
        password: &PlainPassword,
        share: Share,
    ) -> Result<bool, Fault> {
        let about = vec![person.name.clone(), store::email_of(&self.db, person.id).await?];
        self.passwords.is_guessable(password, about, share).await
    }

    /// That somebody who is signed in knows the password as well.
    ///
    /// # Errors
    /// [`ChangeError::WrongPassword`].
    pub async fn prove(
        &self,
        me: &SignedIn,
        password: &str,
        from: &Visitor,
    ) -> Result<Proven, ChangeError> {
        let hash = store::password_of(&self.db, me.person.id).await.map_err(Fault::from)?;
        let found = Some((me.person.clone(), hash));
        let proven = self.judge(&me.person.name, found, password, from).await;
        proven.map_err(|error| match error {
            SignInError::Wrong => ChangeError::WrongPassword,
            SignInError::TooMany(wait) => ChangeError::TooMany(wait),
            SignInError::Fault(fault) => fault.into(),
        })
    }

    fn settle_change(&self, changed: Changed) -> Result<(), ChangeError> {
        match changed {
            Changed::Done(ended) => {
                self.tell_ended(ended, Ending::SignedOut);
                Ok(())
            }
            Changed::Taken => Err(ChangeError::EmailTaken),
            Changed::Outdated => Err(ChangeError::WrongPassword),
        }
    }
}
