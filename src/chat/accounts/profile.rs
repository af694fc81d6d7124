//! What users change about their own account: name, profile, address, password, time zone.

use std::time::Duration;

use super::model::{
    Authenticated, DisplayName, Email, PasswordConfirmation, PlainPassword, ProfileChange,
    RevocationReason, User, VerifiedPassword, ZoneName,
};
use super::slow_work::Share;
use super::store::{ChangeOutcome, UserWithPassword};
use super::{Accounts, LoginSource, SignInError, store};
use crate::chat::events::{Channel, Event, Signal};
use crate::kernel::ServiceError;

/// Why a user's change to their own account was refused.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("wrong password")]
    WrongPassword,
    /// The password was neither entered nor confirmed a moment ago.
    #[error("no password")]
    NoPassword,
    /// Readers could mistake the name for that of another user.
    #[error("the name is taken")]
    NameTaken,
    #[error("too many wrong passwords")]
    TooMany(Duration),
    #[error("the address is taken")]
    EmailTaken,
    #[error("the password is guessable")]
    Guessable,
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl ChangeError {
    /// How long to wait before the next try.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::TooMany(wait) => Some(*wait),
            _ => None,
        }
    }
}

impl From<SignInError> for ChangeError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Wrong => Self::WrongPassword,
            SignInError::TooMany(wait) => Self::TooMany(wait),
            SignInError::Service(error) => Self::Service(error),
        }
    }
}

impl Accounts {
    /// The user's own e-mail address.
    pub async fn email(&self, me: &Authenticated) -> Result<String, ServiceError> {
        Ok(store::email_of(&self.db, me.user.id).await?)
    }

    /// Sets the time zone.
    pub async fn set_time_zone(
        &self,
        me: &Authenticated,
        zone: &ZoneName,
    ) -> Result<(), ServiceError> {
        Ok(store::set_time_zone(&self.db, me.user.id, zone, false).await?)
    }

    /// Sets the time zone reported by a browser, unless the user has one already.
    pub async fn suggest_time_zone(
        &self,
        me: &Authenticated,
        zone: &ZoneName,
    ) -> Result<(), ServiceError> {
        Ok(store::set_time_zone(&self.db, me.user.id, zone, true).await?)
    }

    /// Changes the display name and publishes it to all users.
    ///
    /// # Errors
    /// [`ChangeError::NameTaken`] if it looks like that of another user.
    pub async fn rename(&self, me: &Authenticated, name: &DisplayName) -> Result<(), ChangeError> {
        let set = store::set_display_name(&self.db, &me.user, name, self.change_meta()).await;
        let groups = set.map_err(ServiceError::from)?.ok_or(ChangeError::NameTaken)?;
        let user = User { display_name: name.as_str().to_owned(), ..me.user.clone() };
        self.notify_renamed(user);
        for group in groups {
            self.hub.notify(Channel::Members(group), Signal::RoomChanged(group));
        }
        Ok(())
    }

    /// Changes what the user says about themselves, and publishes it to all users.
    pub async fn update_profile(
        &self,
        me: &User,
        change: &ProfileChange,
    ) -> Result<(), ServiceError> {
        let meta = self.change_meta();
        if let Some(user) = store::set_profile(&self.db, me.id, change, meta).await? {
            self.notify_renamed(user);
        }
        Ok(())
    }

    pub(in crate::chat) fn notify_renamed(&self, user: User) {
        let id = user.id;
        self.hub.broadcast(Channel::Everyone, 0, &Event::Renamed(user));
        self.hub.notify(Channel::User(id), Signal::Renamed);
    }

    /// Changes the e-mail address, which requires the password. All other credentials of the user are
    /// revoked.
    ///
    /// # Errors
    /// If the password was changed since it was verified, or the address is taken.
    pub async fn change_email(
        &self,
        me: &Authenticated,
        email: &Email,
        verified: &VerifiedPassword,
    ) -> Result<(), ChangeError> {
        let now = self.clock.now();
        let changed = store::set_email(&self.db, verified, email, me.credential, now).await;
        self.check_change(changed.map_err(ServiceError::from)?)
    }

    /// Changes the password, which requires the old one. All other credentials of the user are revoked.
    /// Returns the confirmation in this session, which holds for the new password as well.
    ///
    /// # Errors
    /// If the old password was changed since it was verified, or the new one is guessable.
    pub async fn change_password(
        &self,
        me: &Authenticated,
        old: &VerifiedPassword,
        new: &PlainPassword,
    ) -> Result<Option<PasswordConfirmation>, ChangeError> {
        let share = Share::User(me.user.id);
        if self.is_guessable(&me.user, new, share).await? {
            return Err(ChangeError::Guessable);
        }
        let hash = self.passwords.hash(new, share).await?;
        let now = self.clock.now();
        let changed = store::set_password(&self.db, old, &hash, me.credential, now).await;
        self.check_change(changed.map_err(ServiceError::from)?)?;
        Ok(Self::renew_confirmation(me, &hash))
    }

    /// Whether a password is easy to guess for someone who knows this user.
    pub(super) async fn is_guessable(
        &self,
        user: &User,
        password: &PlainPassword,
        share: Share,
    ) -> Result<bool, ServiceError> {
        let about = vec![user.name.clone(), store::email_of(&self.db, user.id).await?];
        self.passwords.is_guessable(password, about, share).await
    }

    /// Checks the password of a user that is already signed in.
    ///
    /// # Errors
    /// [`ChangeError::WrongPassword`], or [`ChangeError::TooMany`] after too many wrong ones.
    pub async fn verify_password(
        &self,
        me: &Authenticated,
        password: &str,
        from: &LoginSource,
    ) -> Result<VerifiedPassword, ChangeError> {
        let password_hash =
            store::password_of(&self.db, me.user.id).await.map_err(ServiceError::from)?;
        let found = UserWithPassword { user: me.user.clone(), password_hash };
        Ok(self.check_password(&me.user.name, Some(found), password, from).await?)
    }

    fn check_change(&self, changed: ChangeOutcome) -> Result<(), ChangeError> {
        match changed {
            ChangeOutcome::Done(revoked) => {
                self.notify_revoked(revoked, RevocationReason::SignedOut);
                Ok(())
            }
            ChangeOutcome::Taken => Err(ChangeError::EmailTaken),
            ChangeOutcome::Outdated => Err(ChangeError::WrongPassword),
        }
    }
}
