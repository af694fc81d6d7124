//! Sessions and API tokens: issued for a verified password, extended by use, and ended by the user, by
//! expiry or by a revocation. And anonymous sessions, which begin before their user is known.

use std::net::IpAddr;
use std::time::Duration;

use super::model::{
    Authenticated, BearerSecret, CredentialHash, LoadedSession, RevocationReason, SessionInfo,
    TokenInfo, TokenLabel, TokenLifetime, VerifiedPassword, ZoneName,
};
use super::{Accounts, SignInError, store};
use crate::kernel::{ServiceError, UserId};
use crate::limits::session::ANONYMOUS;

/// A session ends if it was not used for this long.
const SESSION_LIFETIME: Duration = Duration::from_hours(30 * 24);
/// A session's expiry is written at most this often.
const SESSION_REFRESH: Duration = Duration::from_hours(24);
/// A token's last use is written at most this often.
const TOKEN_USE_INTERVAL: Duration = Duration::from_hours(1);

/// The part of the user agent header that is stored, in characters.
const MAX_USER_AGENT: usize = 200;

impl Accounts {
    /// Starts a session. The secret goes into the browser's cookie and is stored nowhere else.
    ///
    /// # Errors
    /// [`SignInError::Wrong`] if the password was changed since it was verified.
    pub async fn open_session(
        &self,
        verified: &VerifiedPassword,
        agent: &str,
    ) -> Result<BearerSecret, SignInError> {
        let secret = BearerSecret::new(self.random.session_id());
        let now = self.clock.now();
        let agent: String = agent.chars().take(MAX_USER_AGENT).collect();
        let session = store::NewSession {
            credential: secret.credential(),
            agent: &agent,
            created_at: now,
            expires_at: now.plus(SESSION_LIFETIME),
        };
        let added = store::add_session(&self.db, verified, &session).await;
        if added.map_err(ServiceError::from)? { Ok(secret) } else { Err(SignInError::Wrong) }
    }

    /// Starts a anonymous session: its user is not known yet, and it keeps data until the sign-in. `data` is a JSON object.
    /// `network` is the key by which the client is counted.
    ///
    /// # Errors
    /// If it cannot be stored.
    pub async fn open_anonymous_session(
        &self,
        data: Option<&str>,
        network: IpAddr,
    ) -> Result<BearerSecret, ServiceError> {
        let secret = BearerSecret::new(self.random.session_id());
        let now = self.clock.now();
        let session = store::NewAnonymousSession {
            credential: secret.credential(),
            data,
            network: BearerSecret::new(format!("anonymous session {network}")).credential(),
            created_at: now,
            expires_at: now.plus(ANONYMOUS),
        };
        store::add_anonymous_session(&self.db, &session).await?;
        Ok(secret)
    }

    /// Replaces the data of a session. One without a user then lasts as long as a new one.
    pub async fn set_session_data(
        &self,
        credential: CredentialHash,
        data: Option<&str>,
    ) -> Result<(), ServiceError> {
        let expires_at = self.clock.now().plus(ANONYMOUS);
        Ok(store::set_session_data(&self.db, credential, data, expires_at).await?)
    }

    /// The session with this secret. Using the session of a user extends it.
    pub async fn by_session(
        &self,
        secret: &BearerSecret,
    ) -> Result<Option<LoadedSession>, ServiceError> {
        self.use_session(secret.credential()).await
    }

    async fn use_session(
        &self,
        credential: CredentialHash,
    ) -> Result<Option<LoadedSession>, ServiceError> {
        let now = self.clock.now();
        let found = store::find_by_session(&self.db, credential, now).await?;
        let Some(session) = found else {
            return Ok(None);
        };
        if session.user_id.is_none() {
            return Ok(Some(LoadedSession { user: None, data: session.data }));
        }
        let left = now.until(session.expires_at);
        // A longer rest than possible comes from a clock that was set back since.
        if left < SESSION_LIFETIME.saturating_sub(SESSION_REFRESH) || left > SESSION_LIFETIME {
            store::extend_session(&self.db, credential, now.plus(SESSION_LIFETIME)).await?;
        }
        let zone = ZoneName::zone(session.time_zone.as_deref());
        let user = Authenticated { user: session.user, zone, credential, confirmation: None };
        Ok(Some(LoadedSession { user: Some(user), data: session.data }))
    }

    /// Issues an API token. `label` helps its owner to recognize it. If the user has the maximum
    /// number, the least recently used token is revoked, with its live connections.
    ///
    /// # Errors
    /// [`SignInError::Wrong`] if the password was changed since it was verified.
    pub async fn issue_token(
        &self,
        verified: &VerifiedPassword,
        label: &TokenLabel,
        lifetime: Option<TokenLifetime>,
    ) -> Result<BearerSecret, SignInError> {
        let secret = BearerSecret::new(self.random.secret());
        let now = self.clock.now();
        let token = store::NewToken {
            credential: secret.credential(),
            label,
            created_at: now,
            expires_at: lifetime.map(|lifetime| now.plus(lifetime.get())),
        };
        let added = store::add_token(&self.db, verified, &token).await;
        let added = added.map_err(ServiceError::from)?;
        self.notify_revoked(added.ok_or(SignInError::Wrong)?, RevocationReason::SignedOut);
        Ok(secret)
    }

    /// The user of this token. Its last use is stored at most once an hour.
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
        let Some(token) = found else {
            return Ok(None);
        };
        if token.last_used_at.is_none_or(|used| used.until(now) >= TOKEN_USE_INTERVAL) {
            store::touch_token(&self.db, credential, now).await?;
        }
        let zone = ZoneName::zone(token.time_zone.as_deref());
        Ok(Some(Authenticated { user: token.user, zone, credential, confirmation: None }))
    }

    /// Ends a session or token, and all live connections opened with it.
    pub async fn revoke(&self, credential: CredentialHash) -> Result<(), ServiceError> {
        store::remove_credential(&self.db, credential, self.clock.now()).await?;
        self.notify_revoked(vec![credential], RevocationReason::SignedOut);
        Ok(())
    }

    /// The user's sessions, the newest first.
    pub async fn sessions(&self, me: &Authenticated) -> Result<Vec<SessionInfo>, ServiceError> {
        Ok(store::sessions(&self.db, me.user.id, self.clock.now()).await?)
    }

    /// The user's tokens, the newest first.
    pub async fn tokens(&self, me: &Authenticated) -> Result<Vec<TokenInfo>, ServiceError> {
        Ok(store::tokens(&self.db, me.user.id, self.clock.now()).await?)
    }

    /// Revokes all credentials of the user except the current one.
    pub async fn sign_out_elsewhere(&self, me: &Authenticated) -> Result<(), ServiceError> {
        let user = me.user.id;
        let now = self.clock.now();
        let revoked = store::revoke_other_sessions(&self.db, user, me.credential, now).await?;
        self.notify_revoked(revoked, RevocationReason::SignedOut);
        Ok(())
    }

    /// Why the credential of an open connection was revoked, or `None` if it is valid. It counts as a use of the
    /// credential.
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
        self.revocation_reason(me.user.id).await.map(Some)
    }

    /// Why a credential of this user is no longer valid.
    pub async fn revocation_reason(&self, user: UserId) -> Result<RevocationReason, ServiceError> {
        let open = self.by_id(user).await?.is_some();
        Ok(if open { RevocationReason::SignedOut } else { RevocationReason::AccountClosed })
    }

    /// Ends sessions that were not used for too long, and expired tokens.
    pub(super) async fn revoke_expired(&self) -> Result<(), ServiceError> {
        let now = self.clock.now();
        let revoked = store::remove_expired_credentials(&self.db, now).await?;
        self.notify_revoked(revoked, RevocationReason::SignedOut);
        Ok(())
    }
}
