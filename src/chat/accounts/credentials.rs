//! Sessions of browsers and tokens of programs: opened by a password that was proven, kept by use,
//! ended by hand, by age, or by what `store::revocation` is called for.

use std::time::Duration;

use super::model::{
    Credential, Ending, Proven, Secret, SessionInfo, SignedIn, TokenInfo, TokenLabel,
    TokenLifetime, ZoneName,
};
use super::{Accounts, SignInError, store};
use crate::kernel::{Fault, UserId};

/// A session ends when nobody used it for so long.
const SESSION: Duration = Duration::from_hours(30 * 24);
/// How often at most a session in use is written: once a day.
const SESSION_REFRESH: Duration = Duration::from_hours(24);
/// How often at most the use of a token is written.
const TOKEN_USE: Duration = Duration::from_hours(1);

/// How much of what a browser says of itself is kept.
const LONGEST_AGENT: usize = 200;

impl Accounts {
    /// Starts a session; the secret is for the browser's cookie and is kept nowhere else.
    ///
    /// # Errors
    /// [`SignInError::Wrong`] when the password was changed meanwhile.
    pub async fn open_session(&self, proven: &Proven, agent: &str) -> Result<Secret, SignInError> {
        let secret = Secret::new(self.random.secret());
        let now = self.clock.now();
        let agent: String = agent.chars().take(LONGEST_AGENT).collect();
        let times = (now, now.plus(SESSION));
        let added = store::add_session(&self.db, secret.credential(), proven, &agent, times).await;
        if added.map_err(Fault::from)? { Ok(secret) } else { Err(SignInError::Wrong) }
    }

    /// Who is signed in with this session. Using a session keeps it.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn by_session(&self, secret: &Secret) -> Result<Option<SignedIn>, Fault> {
        self.use_session(secret.credential()).await
    }

    async fn use_session(&self, credential: Credential) -> Result<Option<SignedIn>, Fault> {
        let now = self.clock.now();
        let found = store::find_by_session(&self.db, credential, now).await?;
        let Some((person, zone, expires)) = found else {
            return Ok(None);
        };
        let left = now.until(expires);
        // More than there can be was given out by a clock that was set back since.
        if left < SESSION.saturating_sub(SESSION_REFRESH) || left > SESSION {
            store::extend_session(&self.db, credential, now.plus(SESSION)).await?;
        }
        Ok(Some(SignedIn { person, zone: ZoneName::zone(zone.as_deref()), credential }))
    }

    /// Ends a session and every live connection made with it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn close_session(&self, credential: Credential) -> Result<(), Fault> {
        store::remove_session(&self.db, credential, self.clock.now()).await?;
        self.tell_ended(vec![credential], Ending::SignedOut);
        Ok(())
    }

    /// Makes a token for a program. `label` helps its owner to tell it from others. Who has as many as
    /// are allowed loses the one that was used least recently, with its live connections.
    ///
    /// # Errors
    /// [`SignInError::Wrong`] when the password was changed meanwhile.
    pub async fn issue_token(
        &self,
        proven: &Proven,
        label: &TokenLabel,
        lifetime: Option<TokenLifetime>,
    ) -> Result<Secret, SignInError> {
        let secret = Secret::new(self.random.secret());
        let now = self.clock.now();
        let expires_at = lifetime.map(|lifetime| now.plus(lifetime.get()));
        let new = store::NewToken { credential: secret.credential(), label, now, expires_at };
        let added = store::add_token(&self.db, proven, &new).await.map_err(Fault::from)?;
        self.tell_ended(added.ok_or(SignInError::Wrong)?, Ending::SignedOut);
        Ok(secret)
    }

    /// Who is signed in with this token. Its use is noted now and then.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn by_token(&self, secret: &Secret) -> Result<Option<SignedIn>, Fault> {
        self.use_token(secret.credential()).await
    }

    async fn use_token(&self, credential: Credential) -> Result<Option<SignedIn>, Fault> {
        let now = self.clock.now();
        let found = store::find_by_token(&self.db, credential, now).await?;
        let Some((person, zone, used)) = found else {
            return Ok(None);
        };
        if used.is_none_or(|used| used.until(now) >= TOKEN_USE) {
            store::touch_token(&self.db, credential, now).await?;
        }
        Ok(Some(SignedIn { person, zone: ZoneName::zone(zone.as_deref()), credential }))
    }

    /// Ends a token and every live connection made with it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn revoke_token(&self, credential: Credential) -> Result<(), Fault> {
        store::remove_token(&self.db, credential, self.clock.now()).await?;
        self.tell_ended(vec![credential], Ending::SignedOut);
        Ok(())
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
        Ok(store::tokens(&self.db, me.person.id, self.clock.now()).await?)
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

    /// How a sign-in has ended, for a connection that has just begun to listen for it: what ended
    /// between the check of its credential and that moment is told to nobody. `None` while it is good.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn ended(&self, me: &SignedIn) -> Result<Option<Ending>, Fault> {
        if store::is_good(&self.db, me.credential, self.clock.now()).await? {
            return Ok(None);
        }
        self.how_ended(me.person.id).await.map(Some)
    }

    /// The same for a connection that goes on, which counts as a use of what it was opened with.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn ended_in_use(&self, me: &SignedIn) -> Result<Option<Ending>, Fault> {
        let credential = me.credential;
        if self.use_session(credential).await?.is_some()
            || self.use_token(credential).await?.is_some()
        {
            return Ok(None);
        }
        self.how_ended(me.person.id).await.map(Some)
    }

    async fn how_ended(&self, user: UserId) -> Result<Ending, Fault> {
        let open = self.by_id(user).await?.is_some();
        Ok(if open { Ending::SignedOut } else { Ending::AccountClosed })
    }

    /// Ends the sessions that were not used for long and the tokens whose time is over.
    pub(super) async fn end_expired(&self) -> Result<(), Fault> {
        let now = self.clock.now();
        let ended = store::remove_expired_sign_ins(&self.db, now).await?;
        self.tell_ended(ended, Ending::SignedOut);
        Ok(())
    }
}
