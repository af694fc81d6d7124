//! What people do to their own accounts: name, address, password, where they are signed in.

use jiff::tz::TimeZone;

use super::admission::{Lane, Share};
use super::model::{
    DisplayName, Email, Ending, Person, PlainPassword, SessionInfo, SignedIn, TokenInfo, ZoneName,
};
use super::{Accounts, Visitor, store};
use crate::chat::events::{Event, Notice, Topic};
use crate::kernel::{Fault, UserId};

/// Why something about one's own account was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("wrong password")]
    WrongPassword,
    /// Readers could take it for that of another user.
    #[error("the name is taken")]
    NameTaken,
    #[error("the address is taken")]
    EmailTaken,
    #[error("the password is guessable")]
    Guessable,
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Accounts {
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

    /// Somebody's tokens, the newest first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn tokens(&self, me: &SignedIn) -> Result<Vec<TokenInfo>, Fault> {
        Ok(store::tokens(&self.db, me.person.id).await?)
    }

    /// The time zone that a user's days are those of; UTC until it is known.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn time_zone(&self, user: UserId) -> Result<TimeZone, Fault> {
        let name = store::time_zone(&self.db, user).await?;
        Ok(name.and_then(|name| TimeZone::get(&name).ok()).unwrap_or(TimeZone::UTC))
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

    /// Changes the address, for somebody who knows the password.
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
        self.prove(me, password, from).await?;
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
        from: &Visitor,
    ) -> Result<(), ChangeError> {
        self.prove(me, old, from).await?;
        let share = Share::User(me.person.id);
        if self.is_guessable(&me.person, new, share).await? {
            return Err(ChangeError::Guessable);
        }
        let hash = self.passwords.hash(new, share).await?;
        store::set_password(&self.db, me.person.id, &hash).await.map_err(Fault::from)?;
        Ok(self.sign_out_elsewhere(me).await?)
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

    /// Ends all sign-ins of a person but the one at hand.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn sign_out_elsewhere(&self, me: &SignedIn) -> Result<(), Fault> {
        let (user, now) = (me.person.id, self.clock.now());
        let ended = store::remove_other_sign_ins(&self.db, user, me.credential, now).await?;
        self.tell_ended(ended, Ending::SignedOut);
        Ok(())
    }

    async fn prove(
        &self,
        me: &SignedIn,
        password: &str,
        from: &Visitor,
    ) -> Result<(), ChangeError> {
        let hash = store::password_of(&self.db, me.person.id).await.map_err(Fault::from)?;
        let typed = PlainPassword::parse(password).map_err(|_| ChangeError::WrongPassword)?;
        let place = (Lane::Unknown, Share::Network(from.site()));
        let right = self.passwords.verify(typed.as_str(), Some(hash), place).await?;
        if right { Ok(()) } else { Err(ChangeError::WrongPassword) }
    }
}
