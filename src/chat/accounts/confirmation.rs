//! Confirmed passwords: within five minutes of entering the current password, the same session need not
//! ask for it again.

use sha2::{Digest, Sha256};

use super::model::{Authenticated, PasswordConfirmation, VerifiedPassword};
use super::{Accounts, store};
use crate::kernel::{ServiceError, Timestamp};
use crate::limits::session::PASSWORD_CONFIRMED;

impl Accounts {
    /// The proof that this password was entered now, for the session in which it was.
    pub fn confirmation(&self, verified: &VerifiedPassword) -> PasswordConfirmation {
        proof(self.clock.now(), &verified.password_hash)
    }

    /// Whether the password was entered less than five minutes ago.
    pub fn is_recent(&self, confirmation: &PasswordConfirmation) -> bool {
        let now = self.clock.now();
        // A later time comes from a clock that was set back since: it is unknown how long ago it was.
        confirmation.at <= now && confirmation.at.until(now) < PASSWORD_CONFIRMED
    }

    /// The password that the user has confirmed in this session; `None` if that was too long ago or the
    /// password is another one now.
    pub async fn confirmed_password(
        &self,
        me: &Authenticated,
    ) -> Result<Option<VerifiedPassword>, ServiceError> {
        let Some(confirmation) = me.confirmation.as_ref().filter(|it| self.is_recent(it)) else {
            return Ok(None);
        };
        let password_hash = store::password_of(&self.db, me.user.id).await?;
        let is_same = proof(confirmation.at, &password_hash).password == confirmation.password;
        Ok(is_same.then(|| VerifiedPassword { user: me.user.clone(), password_hash }))
    }

    /// The same confirmation after the user has chosen a new password in this session. It lasts no longer.
    pub(super) fn renew_confirmation(
        me: &Authenticated,
        password_hash: &str,
    ) -> Option<PasswordConfirmation> {
        me.confirmation.as_ref().map(|earlier| proof(earlier.at, password_hash))
    }
}

fn proof(at: Timestamp, password_hash: &str) -> PasswordConfirmation {
    PasswordConfirmation { at, password: hex::encode(Sha256::digest(password_hash.as_bytes())) }
}
