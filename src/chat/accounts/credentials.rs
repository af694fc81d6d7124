//! Sessions of browsers and tokens of programs: opened by a password that was proven, kept by use,
//! ended by hand, by age, or by what `store::revocation` is called for.

use std::time::Duration;

use super::model::{
    Authenticated, BearerSecret, CredentialHash, RevocationReason, SessionInfo, TokenInfo,
    TokenLabel, TokenLifetime, VerifiedPassword, ZoneName,
};
use super::{Accounts, SignInError, store};
use crate::kernel::{ServiceError, UserId};

/// A session ends when nobody used it for so long.
const SESSION_LIFETIME: Duration = Duration::from_hours(30 * 24);
/// How often at most a session in use is written: once a day.
const SESSION_REFRESH: Duration = Duration::from_hours(24);
/// How often at most the use of a token is written.
const TOKEN_USE_INTERVAL: Duration = Duration::from_hours(1);

/// How much of what a browser says of itself is kept.
const MAX_USER_AGENT: usize = 200;

impl Accounts {
    /// Starts a session; the secret is for the browser's cookie and is kept nowhere else.
    ///
    /// # Errors
    /// [`SignInError::Wrong`] when the password was changed meanwhile.
    pub async fn open_session(
        &self,
        proven: &VerifiedPassword,
        agent: &str,
    ) -> Result<BearerSecret, SignInError> {
        let secret = BearerSecret::new(self.random.secret());
        let now = self.clock.now();
        let agent: String = agent.chars().take(MAX_USER_AGENT).collect();
        let times = (now, now.plus(SESSION_LIFETIME));
        let added = store::add_session(&self.db, secret.credential(), proven, &agent, times).await;
        if added.map_err(ServiceError::from)? { Ok(secret) } else { Err(SignInError::Wrong) }
    }

    /// Who is signed in with this session. Using a session keeps it.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn by_session(
        &self,
        secret: &BearerSecret,
    ) -> Result<Option<Authenticated>, ServiceError> {
        self.use_session(secret.credential()).await
    }

    async fn use_session(
        &self,
        credential: CredentialHash,
    ) -> Result<Option<Authenticated>, ServiceError> {
        let now = self.clock.now();
        let found = store::find_by_session(&self.db, credential, now).await?;
        let Some((person, zone, expires)) = found else {
            return Ok(None);
        };
        let left = now.until(expires);
        // More than there can be was given out by a clock that was set back since.
        if left < SESSION_LIFETIME.saturating_sub(SESSION_REFRESH) || left > SESSION_LIFETIME {
            store::extend_session(&self.db, credential, now.plus(SESSION_LIFETIME)).await?;
        }
        Ok(Some(Authenticated { person, zone: ZoneName::zone(zone.as_deref()), credential }))
    }

    /// Ends a session and every live connection made with it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn close_session(&self, credential: CredentialHash) -> Result<(), ServiceError> {
        store::remove_session(&self.db, credential, self.clock.now()).await?;
        self.notify_revoked(vec![credential], RevocationReason::SignedOut);
        Ok(())
    }

    /// Makes a token for a program. `label` helps its owner to tell it from others. Who has as many as
    /// are allowed loses the one that was used least recently, with its live connections.
    ///
    /// # Errors
    /// [`SignInError::Wrong`] when the password was changed meanwhile.
    pub async fn issue_token(
        &self,
        proven: &VerifiedPassword,
        label: &TokenLabel,
        lifetime: Option<TokenLifetime>,
    ) -> Result<BearerSecret, SignInError> {
        let secret = BearerSecret::new(self.random.secret());
        let now = self.clock.now();
        let expires_at = lifetime.map(|lifetime| now.plus(lifetime.get()));
        let new = store::NewToken { credential: secret.credential(), label, now, expires_at };
        let added = store::add_token(&self.db, proven, &new).await.map_err(ServiceError::from)?;
        self.notify_revoked(added.ok_or(SignInError::Wrong)?, RevocationReason::SignedOut);
        Ok(secret)
    }

    /// Who is signed in with this token. Its use is noted now and then.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn by_token(
        &self,
        secret: &BearerSecret,
    ) -> Result<Option<Authenticated>, ServiceError> {
        self.use_token(secret.credential()).await
    }

    async fn use_token(
        &self,
        credential: CredentialHash,
    ) -> Result<Option<Authenticated>, ServiceError> {
        let now = self.clock.now();
        let found = store::find_by_token(&self.db, credential, now).await?;
        let Some((person, zone, used)) = found else {
            return Ok(None);
        };
        if used.is_none_or(|used| used.until(now) >= TOKEN_USE_INTERVAL) {
            store::touch_token(&self.db, credential, now).await?;
        }
        Ok(Some(Authenticated { person, zone: ZoneName::zone(zone.as_deref()), credential }))
    }

    /// Ends a token and every live connection made with it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn revoke_token(&self, credential: CredentialHash) -> Result<(), ServiceError> {
        store::remove_token(&self.db, credential, self.clock.now()).await?;
        self.notify_revoked(vec![credential], RevocationReason::SignedOut);
        Ok(())
    }

    /// The browsers somebody is signed in with, the newest first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn sessions(&self, me: &Authenticated) -> Result<Vec<SessionInfo>, ServiceError> {
        Ok(store::sessions(&self.db, me.person.id, self.clock.now()).await?)
    }

    /// Somebody's tokens, the newest first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn tokens(&self, me: &Authenticated) -> Result<Vec<TokenInfo>, ServiceError> {
        Ok(store::tokens(&self.db, me.person.id, self.clock.now()).await?)
    }

    /// Ends all sign-ins of a person but the one at hand.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn sign_out_elsewhere(&self, me: &Authenticated) -> Result<(), ServiceError> {
        let (user, now) = (me.person.id, self.clock.now());
        let ended = store::revoke_other_sessions(&self.db, user, me.credential, now).await?;
        self.notify_revoked(ended, RevocationReason::SignedOut);
        Ok(())
    }

    /// How a sign-in has ended, for a connection that has just begun to listen for it: what ended
    /// between the check of its credential and that moment is told to nobody. `None` while it is good.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn revoked(
        &self,
        me: &Authenticated,
    ) -> Result<Option<RevocationReason>, ServiceError> {
        if store::is_good(&self.db, me.credential, self.clock.now()).await? {
            return Ok(None);
        }
        self.revocation_reason(me.person.id).await.map(Some)
    }

    /// The same for a connection that goes on, which counts as a use of what it was opened with.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn revocation_in_use(
        &self,
        me: &Authenticated,
    ) -> Result<Option<RevocationReason>, ServiceError> {
        let credential = me.credential;
        if self.use_session(credential).await?.is_some()
            || self.use_token(credential).await?.is_some()
        {
            return Ok(None);
        }
        self.revocation_reason(me.person.id).await.map(Some)
    }

    async fn revocation_reason(&self, user: UserId) -> Result<RevocationReason, ServiceError> {
        let open = self.by_id(user).await?.is_some();
        Ok(if open { RevocationReason::SignedOut } else { RevocationReason::AccountClosed })
    }

    /// Ends the sessions that were not used for long and the tokens whose time is over.
    pub(super) async fn revoke_expired(&self) -> Result<(), ServiceError> {
        let now = self.clock.now();
        let ended = store::remove_expired_credentials(&self.db, now).await?;
        self.notify_revoked(ended, RevocationReason::SignedOut);
        Ok(())
    }
}
