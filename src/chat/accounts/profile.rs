//! What people do to their own accounts: name, address, password, where they are signed in.

use std::time::Duration;

use super::model::{
    Authenticated, DisplayName, Email, PlainPassword, RevocationReason, User, VerifiedPassword,
    ZoneName,
};
use super::slow_work::Share;
use super::store::ChangeOutcome;
use super::{Accounts, LoginSource, SignInError, store};
use crate::chat::events::{Channel, Event, Signal};
use crate::kernel::ServiceError;

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
    Fault(#[from] ServiceError),
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
    pub async fn email(&self, me: &Authenticated) -> Result<String, ServiceError> {
        Ok(store::email_of(&self.db, me.person.id).await?)
    }

    /// Sets the time zone.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn set_time_zone(
        &self,
        me: &Authenticated,
        zone: &ZoneName,
    ) -> Result<(), ServiceError> {
        Ok(store::set_time_zone(&self.db, me.person.id, zone, false).await?)
    }

    /// Sets the time zone that a browser names, unless the user has one already.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn suggest_time_zone(
        &self,
        me: &Authenticated,
        zone: &ZoneName,
    ) -> Result<(), ServiceError> {
        Ok(store::set_time_zone(&self.db, me.person.id, zone, true).await?)
    }

    /// Changes the name that others see; everybody is told.
    ///
    /// # Errors
    /// [`ChangeError::NameTaken`] when it looks like that of another user.
    pub async fn rename(&self, me: &Authenticated, name: &DisplayName) -> Result<(), ChangeError> {
        let set = store::set_display_name(&self.db, &me.person, name, self.change_meta()).await;
        if !set.map_err(ServiceError::from)? {
            return Err(ChangeError::NameTaken);
        }
        let person = User { display_name: name.as_str().to_owned(), ..me.person.clone() };
        self.notify_renamed(person);
        Ok(())
    }

    pub(in crate::chat) fn notify_renamed(&self, person: User) {
        let id = person.id;
        self.hub.broadcast(Channel::Everyone, 0, &Event::Renamed(person));
        self.hub.notify(Channel::User(id), Signal::Renamed);
    }

    /// Changes the address, for somebody who knows the password. Every other sign-in ends.
    ///
    /// # Errors
    /// When the password is wrong or the address taken.
    pub async fn change_email(
        &self,
        me: &Authenticated,
        email: &Email,
        password: &str,
        from: &LoginSource,
    ) -> Result<(), ChangeError> {
        let proven = self.verify_password(me, password, from).await?;
        let kept = (me.credential, self.clock.now());
        let changed = store::set_email(&self.db, &proven, email, kept).await;
        self.check_change(changed.map_err(ServiceError::from)?)
    }

    /// Changes the password, for somebody who knows the old one. Every other sign-in ends.
    ///
    /// # Errors
    /// When the old one is wrong or the new one guessable.
    pub async fn change_password(
        &self,
        me: &Authenticated,
        old: &str,
        new: &PlainPassword,
        from: &LoginSource,
    ) -> Result<(), ChangeError> {
        let proven = self.verify_password(me, old, from).await?;
        let share = Share::User(me.person.id);
        if self.is_guessable(&me.person, new, share).await? {
            return Err(ChangeError::Guessable);
        }
        let hash = self.passwords.hash(new, share).await?;
        let kept = (me.credential, self.clock.now());
        let changed = store::set_password(&self.db, &proven, &hash, kept).await;
        self.check_change(changed.map_err(ServiceError::from)?)
    }

    /// Whether a password is too easy to guess for somebody who knows this person.
    pub(super) async fn is_guessable(
        &self,
        person: &User,
        password: &PlainPassword,
        share: Share,
    ) -> Result<bool, ServiceError> {
        let about = vec![person.name.clone(), store::email_of(&self.db, person.id).await?];
        self.passwords.is_guessable(password, about, share).await
    }

    /// That somebody who is signed in knows the password as well.
    ///
    /// # Errors
    /// [`ChangeError::WrongPassword`].
    pub async fn verify_password(
        &self,
        me: &Authenticated,
        password: &str,
        from: &LoginSource,
    ) -> Result<VerifiedPassword, ChangeError> {
        let hash = store::password_of(&self.db, me.person.id).await.map_err(ServiceError::from)?;
        let found = Some((me.person.clone(), hash));
        let proven = self.judge(&me.person.name, found, password, from).await;
        proven.map_err(|error| match error {
            SignInError::Wrong => ChangeError::WrongPassword,
            SignInError::TooMany(wait) => ChangeError::TooMany(wait),
            SignInError::Fault(fault) => fault.into(),
        })
    }

    fn check_change(&self, changed: ChangeOutcome) -> Result<(), ChangeError> {
        match changed {
            ChangeOutcome::Done(ended) => {
                self.notify_revoked(ended, RevocationReason::SignedOut);
                Ok(())
            }
            ChangeOutcome::Taken => Err(ChangeError::EmailTaken),
            ChangeOutcome::Outdated => Err(ChangeError::WrongPassword),
        }
    }
}
