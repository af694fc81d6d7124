//! The store of tower-sessions over our tables. Each request has its own, so that it can pass on what the
//! library's trait has no place for: the user, the verified password of a sign-in, and errors.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use time::OffsetDateTime;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

use super::{PASSWORD, secret};
use crate::chat::accounts::model::{Authenticated, PasswordConfirmation, VerifiedPassword};
use crate::chat::accounts::{Accounts, SignInError};
use crate::http::ClientInfo;
use crate::limits::session::DATA;

type Data = HashMap<String, serde_json::Value>;

#[derive(Clone)]
pub(super) struct RequestStore(Arc<Shared>);

struct Shared {
    accounts: Accounts,
    client: ClientInfo,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Whether the database has the session.
    stored: bool,
    /// Its data there.
    data: Option<String>,
    /// Its user, until the request takes them.
    user: Option<Authenticated>,
    /// The user of the session that will be created, and their browser.
    opening: Option<(VerifiedPassword, String)>,
    error: Option<SignInError>,
}

impl fmt::Debug for RequestStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestStore")
    }
}

impl RequestStore {
    pub(super) fn new(accounts: Accounts, client: ClientInfo) -> Self {
        Self(Arc::new(Shared { accounts, client, state: Mutex::default() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn client(&self) -> ClientInfo {
        self.0.client
    }

    pub(super) fn take_user(&self) -> Option<Authenticated> {
        self.state().user.take()
    }

    pub(super) fn take_error(&self) -> Option<SignInError> {
        self.state().error.take()
    }

    /// The next session that is created is for this user.
    pub(super) fn open_for(&self, verified: VerifiedPassword, agent: &str) {
        self.state().opening = Some((verified, agent.to_owned()));
    }

    /// Keeps an error until [`Self::take_error`].
    fn keep(&self, error: impl Into<SignInError>) -> Error {
        self.state().error = Some(error.into());
        Error::Backend("the store has the error".to_owned())
    }
}

#[async_trait]
impl SessionStore for RequestStore {
    /// The id that the library chose is replaced by one from our own randomness.
    async fn create(&self, record: &mut Record) -> Result<()> {
        let accounts = &self.0.accounts;
        let data = encode(&record.data)?;
        let opening = self.state().opening.take();
        let opened = if let Some((verified, agent)) = opening {
            accounts.open_session(&verified, &agent).await
        } else {
            let network = self.0.client.network_key();
            let opened = accounts.open_anonymous_session(data.as_deref(), network).await;
            opened.map_err(SignInError::from)
        };
        let secret = opened.map_err(|error| self.keep(error))?;
        let id = secret.expose_secret().parse::<Id>();
        record.id = id.map_err(|error| Error::Decode(error.to_string()))?;
        let mut state = self.state();
        (state.stored, state.data) = (true, data);
        Ok(())
    }

    /// Writes only what differs: the library saves again what was saved before.
    async fn save(&self, record: &Record) -> Result<()> {
        let data = encode(&record.data)?;
        if self.state().data == data {
            return Ok(());
        }
        let credential = secret(record.id).credential();
        let saved = self.0.accounts.set_session_data(credential, data.as_deref()).await;
        saved.map_err(|error| self.keep(error))?;
        self.state().data = data;
        Ok(())
    }

    /// A session that does not exist or has expired is an empty one: for a missing one the library would ask
    /// again, warn, and then take away the cookie (see `show_only_session`).
    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let accounts = &self.0.accounts;
        let found = accounts.by_session(&secret(*id)).await.map_err(|error| self.keep(error))?;
        // The library does not read it: the database has decided, with our clock, what has expired.
        let expiry_date = OffsetDateTime::UNIX_EPOCH;
        let mut record = Record { id: *id, data: Data::new(), expiry_date };
        let Some(mut session) = found else { return Ok(Some(record)) };
        if let Some(data) = &session.data {
            // What another version wrote differently is dropped.
            record.data = serde_json::from_str(data).unwrap_or_default();
        }
        if let (Some(user), Some(value)) = (&mut session.user, record.data.get(PASSWORD)) {
            let confirmation = serde_json::from_value::<PasswordConfirmation>(value.clone()).ok();
            user.confirmation = confirmation.filter(|it| accounts.is_recent(it));
        }
        let mut state = self.state();
        (state.stored, state.data, state.user) = (true, session.data, session.user);
        Ok(Some(record))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        if !std::mem::take(&mut self.state().stored) {
            return Ok(());
        }
        let ended = self.0.accounts.revoke(secret(*id).credential()).await;
        ended.map_err(|error| self.keep(error))
    }
}

/// `None` if there is no data.
fn encode(data: &Data) -> Result<Option<String>> {
    if data.is_empty() {
        return Ok(None);
    }
    let text = serde_json::to_string(data).map_err(|error| Error::Encode(error.to_string()))?;
    if text.len() > DATA {
        return Err(Error::Encode(format!("the data of a session has {} bytes", text.len())));
    }
    Ok(Some(text))
}
