//! What administrators do: accounts, roles, reset links, opening and closing sign-up. Every function
//! requires an [`Admin`].

use std::time::Duration;

use super::model::{
    Account, Admin, Authenticated, BearerSecret, CredentialHash, Email, Handle, PlainPassword,
    RevocationReason, Role, User, VerifiedPassword,
};
use super::slow_work::Share;
use super::store::{NewResetLink, RoleSet};
use super::{Accounts, LoginSource, RegisterError, store};
use crate::attempts::model::TakeError;
use crate::chat::events::{Channel, Signal};
use crate::chat::names::model::NameFilter;
use crate::config::Signup;
use crate::kernel::paging::{ListPage, PageStart};
use crate::kernel::{ServiceError, UserId};

/// How long a reset link is valid.
const RESET_LINK_LIFETIME: Duration = Duration::from_hours(72);

/// Why an administrator's request failed.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// It would leave no other administrator.
    #[error("the last administrator")]
    LastAdmin,
    /// The caller's administrator role was removed since the check.
    #[error("no longer an administrator")]
    NoAdmin,
    /// The account is not closed.
    #[error("the account is open")]
    Open,
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Why a password was not reset.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    /// The link was used, has expired, or never existed.
    #[error("no such link")]
    Unknown,
    #[error("the password is guessable")]
    Guessable,
    #[error("too many invalid links")]
    TooMany(Duration),
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl Accounts {
    /// Returns the permission to administer, or `None` if the user is not an administrator.
    pub fn admin(&self, me: &Authenticated) -> Option<Admin> {
        (me.user.role == Role::Admin).then_some(Admin(Some(me.user.id)))
    }

    /// The permission of the operator at the command line. Anyone with access to the database needs no
    /// other.
    pub fn operator(&self) -> Admin {
        Admin(None)
    }

    /// All accounts, including closed ones, by name.
    pub async fn list(&self, _: &Admin) -> Result<Vec<Account>, ServiceError> {
        Ok(store::accounts(&self.db).await?)
    }

    /// A page of all accounts, including closed ones, by name. The filter finds addresses, too.
    pub async fn account_page(
        &self,
        _: &Admin,
        filter: &NameFilter,
        start: &PageStart,
    ) -> Result<ListPage<Account>, ServiceError> {
        Ok(store::account_page(&self.db, filter, start).await?)
    }

    /// An account, open or closed.
    pub async fn account(&self, _: &Admin, user: UserId) -> Result<Option<Account>, ServiceError> {
        Ok(store::account(&self.db, user).await?)
    }

    /// Creates an account even if sign-up is closed, with a link by which its user chooses a password.
    ///
    /// # Errors
    /// If the name or address is taken.
    pub async fn add(
        &self,
        admin: &Admin,
        name: &Handle,
        email: &Email,
    ) -> Result<(User, BearerSecret), RegisterError> {
        // No one knows this password; the link replaces it.
        let unknown = PlainPassword::parse(&self.random.secret())
            .map_err(|invalid| ServiceError::internal(invalid.code))?;
        let password_hash = self.passwords.hash(&unknown, Share::Own).await?;
        let meta = self.change_meta();
        let password_hash = password_hash.as_str();
        let row = store::NewUser { name, email, password_hash, open: true, meta };
        let user =
            self.finish_add(store::add(&self.db, &row).await.map_err(ServiceError::from)?)?;
        let link = self.reset_link(admin, user.id).await;
        Ok((
            user,
            link.map_err(|error| match error {
                AdminError::Service(error) => error,
                refused => ServiceError::internal(refused),
            })?,
        ))
    }

    /// Sets a user's role. It applies to their next request; their live connections close and reconnect
    /// to get the new permissions.
    ///
    /// # Errors
    /// [`AdminError::LastAdmin`] if no other administrator would be left.
    pub async fn set_role(
        &self,
        admin: &Admin,
        user: UserId,
        role: Role,
    ) -> Result<(), AdminError> {
        let set = store::set_role(&self.db, user, role, admin.actor(), self.change_meta())
            .await
            .map_err(ServiceError::from)?;
        match set {
            RoleSet::LastAdmin => return Err(AdminError::LastAdmin),
            RoleSet::Kept => {}
            RoleSet::Changed(renewed) => {
                if let Some(user) = self.by_id(user).await? {
                    self.notify_renamed(user);
                }
                self.notify_revoked(renewed, RevocationReason::RoleChanged);
            }
        }
        Ok(())
    }

    /// Closes an account: its user is signed out everywhere immediately and cannot sign in. Their
    /// messages stay, unless `erase` is true; a job finds new owners for their rooms.
    ///
    /// # Errors
    /// [`AdminError::LastAdmin`] if no other administrator would be left.
    pub async fn deactivate(
        &self,
        admin: &Admin,
        user: UserId,
        erase: bool,
    ) -> Result<(), AdminError> {
        let revoked = store::deactivate(&self.db, user, erase, admin.actor(), self.clock.now())
            .await
            .map_err(ServiceError::from)?;
        self.notify_revoked(revoked.ok_or(AdminError::LastAdmin)?, RevocationReason::AccountClosed);
        Ok(())
    }

    /// Enqueues a job that deletes all messages of a closed account.
    ///
    /// # Errors
    /// [`AdminError::Open`] if the account is not closed.
    pub async fn erase(&self, admin: &Admin, user: UserId) -> Result<(), AdminError> {
        let requested = store::erase(&self.db, user, admin.actor(), self.clock.now())
            .await
            .map_err(ServiceError::from)?;
        if requested { Ok(()) } else { Err(AdminError::Open) }
    }

    /// Opens a closed account again with its old password. A running erasure stops; the messages that
    /// are left stay.
    pub async fn reactivate(&self, admin: &Admin, user: UserId) -> Result<(), ServiceError> {
        Ok(store::reactivate(&self.db, user, admin.actor(), self.clock.now()).await?)
    }

    /// Creates a link by which a user chooses a new password, once, within three days. It replaces an
    /// earlier link.
    ///
    /// # Errors
    /// [`AdminError::NoAdmin`] if the caller is no longer an administrator.
    pub async fn reset_link(
        &self,
        admin: &Admin,
        user: UserId,
    ) -> Result<BearerSecret, AdminError> {
        let secret = BearerSecret::new(self.random.secret());
        let now = self.clock.now();
        let link = NewResetLink {
            credential: secret.credential(),
            user,
            made_by: admin.actor(),
            expires_at: now.plus(RESET_LINK_LIFETIME),
        };
        let made = store::set_reset(&self.db, &link, now).await;
        if made.map_err(ServiceError::from)? { Ok(secret) } else { Err(AdminError::NoAdmin) }
    }

    /// The user whose password a link resets.
    ///
    /// # Errors
    /// [`ResetError::Unknown`] if the link is not valid, [`ResetError::TooMany`] after too many invalid
    /// ones.
    pub async fn by_reset(
        &self,
        link: &BearerSecret,
        from: &LoginSource,
    ) -> Result<User, ResetError> {
        let attempt = self.guesses.begin(from.keys()).await.map_err(|error| match error {
            TakeError::Refused(refusal) => ResetError::TooMany(refusal.wait()),
            TakeError::Service(error) => error.into(),
        })?;
        let found = store::find_by_reset(&self.db, link.credential(), self.clock.now()).await;
        let user = found.map_err(ServiceError::from)?.ok_or(ResetError::Unknown)?;
        attempt.give_back().await?;
        Ok(user)
    }

    /// Sets a new password with a link, which is then used up. All other credentials of the user are
    /// revoked.
    ///
    /// # Errors
    /// [`ResetError::Unknown`] if the link is not valid, [`ResetError::Guessable`] if the password is
    /// too weak; the link stays valid then.
    pub async fn reset_password(
        &self,
        link: &BearerSecret,
        new: &PlainPassword,
        from: &LoginSource,
    ) -> Result<VerifiedPassword, ResetError> {
        let user = self.by_reset(link, from).await?;
        let share = Share::User(user.id);
        if self.is_guessable(&user, new, share).await? {
            return Err(ResetError::Guessable);
        }
        let hash = self.passwords.hash(new, share).await?;
        let now = self.clock.now();
        let used = store::use_reset(&self.db, link.credential(), user.id, &hash, now).await;
        let revoked = used.map_err(ServiceError::from)?.ok_or(ResetError::Unknown)?;
        self.notify_revoked(revoked, RevocationReason::SignedOut);
        self.remember(user.id, from).await?;
        Ok(VerifiedPassword { user, password_hash: hash })
    }

    /// Opens or closes sign-up. If the settings close it, it stays closed.
    pub async fn set_sign_up(&self, admin: &Admin, signup: Signup) -> Result<(), ServiceError> {
        Ok(store::set_sign_up(&self.db, signup, admin.actor(), self.clock.now()).await?)
    }

    /// Whether the settings close sign-up, so that administrators cannot change it.
    pub fn is_sign_up_fixed(&self) -> bool {
        self.signup == Signup::Closed
    }

    pub(super) fn notify_revoked(&self, revoked: Vec<CredentialHash>, reason: RevocationReason) {
        for credential in revoked {
            self.hub.notify(Channel::Credential(credential), Signal::SignedOut(reason));
        }
    }
}
