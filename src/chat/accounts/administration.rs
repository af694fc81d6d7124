//! What administrators do: people, roles, closed accounts, links that reset a password, the switch
//! of sign-up. All of it takes an [`Admin`].

use std::time::Duration;

use super::model::{
    Account, Admin, Authenticated, BearerSecret, CredentialHash, Email, Handle, PlainPassword,
    RevocationReason, Role, User, VerifiedPassword,
};
use super::slow_work::Share;
use super::store;
use super::store::RoleSet;
use super::{Accounts, LoginSource, RegisterError};
use crate::chat::events::{Channel, Signal};
use crate::config::Signup;
use crate::kernel::{ServiceError, Timestamp, UserId};

/// How long a link that resets a password is good for.
const RESET_LINK_LIFETIME: Duration = Duration::from_hours(72);

/// Why an administrator's wish was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Nobody else would be left to administer.
    #[error("the last administrator")]
    LastAdmin,
    /// Somebody took the right away meanwhile.
    #[error("not an administrator any more")]
    NoAdmin,
    /// Their account is not closed.
    #[error("the account is open")]
    Open,
    #[error(transparent)]
    Fault(#[from] ServiceError),
}

/// Why a password was not reset.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    /// The link was used, has run out, or never was.
    #[error("no such link")]
    Unknown,
    #[error("the password is guessable")]
    Guessable,
    #[error("too many links that are none")]
    TooMany(Duration),
    #[error(transparent)]
    Fault(#[from] ServiceError),
}

impl Accounts {
    /// The right to administer; `None` for who may not.
    pub fn admin(&self, me: &Authenticated) -> Option<Admin> {
        (me.person.role == Role::Admin).then_some(Admin(Some(me.person.id)))
    }

    /// The right of whoever sits at the machine: who can open the database needs no other.
    pub fn operator(&self) -> Admin {
        Admin(None)
    }

    /// Everybody who ever had an account, by name.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn list(&self, _: &Admin) -> Result<Vec<Account>, ServiceError> {
        Ok(store::accounts(&self.db).await?)
    }

    /// Makes an account whatever the switch of sign-up says, with a link by which its person
    /// chooses a password.
    ///
    /// # Errors
    /// When name or address are taken.
    pub async fn add(
        &self,
        admin: &Admin,
        name: &Handle,
        email: &Email,
    ) -> Result<(User, BearerSecret), RegisterError> {
        // Nobody knows it; the link replaces it.
        let unknown = PlainPassword::parse(&self.random.secret())
            .map_err(|invalid| ServiceError::internal(invalid.code))?;
        let password_hash = self.passwords.hash(&unknown, Share::Own).await?;
        let (password_hash, stamp) = (password_hash.as_str(), self.change_meta());
        let row = store::NewUser { name, email, password_hash, open: true, stamp };
        let person = self.settle(store::add(&self.db, &row).await.map_err(ServiceError::from)?)?;
        let link = self.reset_link(admin, person.id).await;
        Ok((
            person,
            link.map_err(|error| match error {
                AdminError::Fault(fault) => fault,
                refused => ServiceError::internal(refused),
            })?,
        ))
    }

    /// Makes somebody an administrator, or a member like all others. Requests have the new rights from
    /// now on; live connections come again to get them.
    ///
    /// # Errors
    /// [`AdminError::LastAdmin`] when nobody else would be left.
    pub async fn set_role(
        &self,
        admin: &Admin,
        user: UserId,
        role: Role,
    ) -> Result<(), AdminError> {
        let by = (admin.actor(), self.change_meta());
        let set = store::set_role(&self.db, user, role, by).await.map_err(ServiceError::from)?;
        match set {
            RoleSet::LastAdmin => return Err(AdminError::LastAdmin),
            RoleSet::Kept => {}
            RoleSet::Changed(renewed) => {
                if let Some(person) = self.by_id(user).await? {
                    self.notify_renamed(person);
                }
                self.notify_revoked(renewed, RevocationReason::RoleChanged);
            }
        }
        Ok(())
    }

    /// Closes an account: its person is signed out everywhere at once and cannot come back. What
    /// they wrote stays, unless it is to be erased; a job gives their rooms to others.
    ///
    /// # Errors
    /// [`AdminError::LastAdmin`] when nobody else would be left.
    pub async fn deactivate(
        &self,
        admin: &Admin,
        user: UserId,
        erase: bool,
    ) -> Result<(), AdminError> {
        let ended = store::deactivate(&self.db, user, erase, self.act(admin)).await;
        let ended = ended.map_err(ServiceError::from)?;
        self.notify_revoked(ended.ok_or(AdminError::LastAdmin)?, RevocationReason::AccountClosed);
        Ok(())
    }

    /// Lets a job delete all that the person of a closed account wrote.
    ///
    /// # Errors
    /// [`AdminError::Open`] as long as they can sign in.
    pub async fn erase(&self, admin: &Admin, user: UserId) -> Result<(), AdminError> {
        let asked =
            store::erase(&self.db, user, self.act(admin)).await.map_err(ServiceError::from)?;
        if asked { Ok(()) } else { Err(AdminError::Open) }
    }

    /// Opens a closed account again; its password is what it was. What is still left of what its person
    /// wrote stays.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn reactivate(&self, admin: &Admin, user: UserId) -> Result<(), ServiceError> {
        Ok(store::reactivate(&self.db, user, self.act(admin)).await?)
    }

    /// A link by which somebody chooses a new password, once, within three days. An earlier one
    /// is worthless from now on.
    ///
    /// # Errors
    /// [`AdminError::NoAdmin`] when the right was taken away meanwhile.
    pub async fn reset_link(
        &self,
        admin: &Admin,
        user: UserId,
    ) -> Result<BearerSecret, AdminError> {
        let link = BearerSecret::new(self.random.secret());
        let (credential, expires) = (link.credential(), self.clock.now().plus(RESET_LINK_LIFETIME));
        let made = store::set_reset(&self.db, user, (credential, expires), self.act(admin)).await;
        if made.map_err(ServiceError::from)? { Ok(link) } else { Err(AdminError::NoAdmin) }
    }

    /// Whose password a link resets.
    ///
    /// # Errors
    /// [`ResetError::Unknown`] when it resets nobody's, [`ResetError::TooMany`] after too many of those.
    pub async fn by_reset(
        &self,
        link: &BearerSecret,
        from: &LoginSource,
    ) -> Result<User, ResetError> {
        let attempt = self.guesses.begin(from.keys()).await.map_err(ResetError::TooMany)?;
        let found = store::find_by_reset(&self.db, link.credential(), self.clock.now()).await;
        let person = found.map_err(ServiceError::from)?.ok_or(ResetError::Unknown)?;
        attempt.give_back();
        Ok(person)
    }

    /// Uses a link up. All that signed its person in ends.
    ///
    /// # Errors
    /// [`ResetError::Unknown`] when it resets nobody's, [`ResetError::Guessable`] when the
    /// password is not good enough; the link stays good then.
    pub async fn reset_password(
        &self,
        link: &BearerSecret,
        new: &PlainPassword,
        from: &LoginSource,
    ) -> Result<VerifiedPassword, ResetError> {
        let person = self.by_reset(link, from).await?;
        let share = Share::User(person.id);
        if self.is_guessable(&person, new, share).await? {
            return Err(ResetError::Guessable);
        }
        let hash = self.passwords.hash(new, share).await?;
        let link = (link.credential(), person.id);
        let used = store::use_reset(&self.db, link, &hash, self.clock.now()).await;
        let ended = used.map_err(ServiceError::from)?.ok_or(ResetError::Unknown)?;
        self.notify_revoked(ended, RevocationReason::SignedOut);
        self.remember(person.id, from).await?;
        Ok(VerifiedPassword { person, password_hash: hash })
    }

    /// Opens or closes sign-up. Settings that close it cannot be overruled.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn set_sign_up(&self, admin: &Admin, signup: Signup) -> Result<(), ServiceError> {
        Ok(store::set_sign_up(&self.db, signup, self.act(admin)).await?)
    }

    /// Whether the settings close sign-up, so that there is nothing to switch.
    pub fn is_sign_up_fixed(&self) -> bool {
        self.signup == Signup::Closed
    }

    /// Who acts, and when: for the audit log.
    pub(super) fn act(&self, admin: &Admin) -> (Option<UserId>, Timestamp) {
        (admin.actor(), self.clock.now())
    }

    pub(super) fn notify_revoked(&self, ended: Vec<CredentialHash>, ending: RevocationReason) {
        for credential in ended {
            self.hub.notify(Channel::Credential(credential), Signal::SignedOut(ending));
        }
    }
}
