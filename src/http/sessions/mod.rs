//! Browser sessions. tower-sessions reads and sets the cookie and keeps the data of a session together; the
//! rows are in our tables (`store`). The only module that knows the library.
//!
//! Handlers see the [`Viewer`]. The few that keep something in the session take a [`BrowserSession`].

mod store;

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::cookie::Cookie;
use tower::{Layer, ServiceExt, service_fn};
use tower_sessions::cookie::SameSite;
use tower_sessions::session::{Error, Id};
use tower_sessions::{Expiry, Session, SessionManagerLayer};

use self::store::RequestStore;
use crate::chat::accounts::model::{
    Authenticated, BearerSecret, PasswordConfirmation, VerifiedPassword,
};
use crate::chat::accounts::{Accounts, SignInError};
use crate::http::{ClientInfo, Problem, Viewer, cookies};
use crate::kernel::ServiceError;
use crate::limits::session::ANONYMOUS;

/// The keys of the data of a session.
const INVITATION: &str = "invitation";
const PASSWORD: &str = "password";

/// Middleware: finds the session of a request, authenticates its user, and stores what the handler changed.
///
/// Cookies have another name over HTTPS and at another port, and the library has one name per manager. So
/// each request has its own manager.
pub async fn manage(
    State(accounts): State<Accounts>,
    client: ClientInfo,
    mut request: Request,
    next: Next,
) -> Response {
    let name = cookies::session_name(client);
    let store = RequestStore::new(accounts, client);
    let sent = show_only_session(request.headers_mut(), &name);
    // In the request and not in the inner service, which the library clones.
    request.extensions_mut().insert(Passage { store: store.clone(), sent, next });
    let manager = SessionManagerLayer::new(store.clone())
        .with_name(name)
        .with_secure(client.https)
        .with_same_site(SameSite::Lax)
        .with_expiry(lasting(cookies::LIFETIME));
    let Ok(response) = manager.layer(service_fn(authenticate)).oneshot(request).await;
    // The library stores changes after the handler, and its own answer to an error is an empty 500.
    match store.take_error() {
        Some(error) => Problem::from(error).into_response(),
        None => response,
    }
}

/// What passes by the library, in the extensions of the request.
#[derive(Clone)]
struct Passage {
    store: RequestStore,
    /// All cookies of the request.
    sent: Vec<HeaderValue>,
    next: Next,
}

async fn authenticate(mut request: Request) -> Result<Response, Infallible> {
    let extensions = request.extensions_mut();
    let (session, passage) = (extensions.remove::<Session>(), extensions.remove::<Passage>());
    let (Some(session), Some(Passage { store, sent, next })) = (session, passage) else {
        return Ok(Problem::internal(&"BUG: a request without a session").into_response());
    };
    replace_cookies(request.headers_mut(), sent.into_iter());
    let session = BrowserSession { session, store };
    match session.load().await {
        Ok(Some(user)) => drop(request.extensions_mut().insert(Viewer(user))),
        Ok(None) => {}
        Err(error) => return Ok(Problem::from(error).into_response()),
    }
    request.extensions_mut().insert(session);
    Ok(next.run(request).await)
}

/// Hides all cookies from the library except a well-formed session cookie. It would parse them all, and take
/// away a cookie that it cannot read: then a form that comes from an older page could no longer be
/// recognized as one whose session has ended, and its text would not be returned. Returns all cookies.
fn show_only_session(headers: &mut HeaderMap, name: &str) -> Vec<HeaderValue> {
    let sent = headers.get_all(COOKIE).iter().cloned().collect();
    let id = cookies::value(headers, name).filter(|id| id.parse::<Id>().is_ok());
    let session = id.and_then(|id| HeaderValue::try_from(format!("{name}={id}")).ok());
    replace_cookies(headers, session.into_iter());
    sent
}

fn replace_cookies(headers: &mut HeaderMap, cookies: impl Iterator<Item = HeaderValue>) {
    headers.remove(COOKIE);
    for cookie in cookies {
        headers.append(COOKIE, cookie);
    }
}

fn secret(id: Id) -> BearerSecret {
    BearerSecret::new(id.to_string())
}

fn lasting(length: Duration) -> Expiry {
    Expiry::OnInactivity(time::Duration::try_from(length).unwrap_or(time::Duration::MAX))
}

/// Authenticates a request outside [`manage`], which changes nothing in its session: a live connection.
///
/// # Errors
/// If the session cannot be read.
pub async fn viewer(
    accounts: &Accounts,
    headers: &HeaderMap,
    client: ClientInfo,
) -> Result<Option<Viewer>, ServiceError> {
    let id = cookies::session(headers, client).and_then(|id| id.parse().ok());
    let Some(id) = id else { return Ok(None) };
    let session = accounts.by_session(&secret(id)).await?;
    Ok(session.and_then(|session| session.user).map(Viewer))
}

/// The session of a request under [`manage`]; a stranger's is empty and stored nowhere.
#[derive(Clone)]
pub struct BrowserSession {
    session: Session,
    store: RequestStore,
}

impl<S: Sync> FromRequestParts<S> for BrowserSession {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let session = parts.extensions.get::<Self>().cloned();
        session.ok_or_else(|| Problem::internal(&"BUG: a route without sessions"))
    }
}

impl BrowserSession {
    /// Reads the session, and returns its user.
    async fn load(&self) -> Result<Option<Authenticated>, SignInError> {
        if self.session.id().is_none() {
            return Ok(None);
        }
        self.session.load().await.map_err(|error| self.failure(&error))?;
        Ok(self.store.take_user())
    }

    /// Opens a session for this user. The browser always gets a new id, so a cookie that an attacker planted
    /// is useless (session fixation). The session that the browser had before ends. Returns the invitation
    /// that it had kept.
    ///
    /// # Errors
    /// [`SignInError::Wrong`] if the password was changed since it was verified.
    pub async fn sign_in(
        &self,
        verified: VerifiedPassword,
        agent: &str,
    ) -> Result<Option<String>, SignInError> {
        let invitation = self.session.get(INVITATION).await.unwrap_or_default();
        self.session.flush().await.map_err(|error| self.failure(&error))?;
        self.store.open_for(verified, agent);
        self.session.save().await.map_err(|error| self.failure(&error))?;
        Ok(invitation)
    }

    /// Ends the session. Returns the removal of the cookie. The library's own removal is not `Secure`, and
    /// browsers refuse it for a name with `__Host-`; so the library is not asked to remove the cookie.
    ///
    /// # Errors
    /// If the session cannot be deleted.
    pub async fn sign_out(&self) -> Result<Cookie<'static>, SignInError> {
        self.session.delete().await.map_err(|error| self.failure(&error))?;
        Ok(cookies::end_session(self.store.client()))
    }

    /// Keeps the code of an invitation until the sign-in, in an anonymous session. It is stored after the
    /// handler; if that fails, the response is the error.
    ///
    /// # Errors
    /// If the session that the browser had before cannot be deleted.
    pub async fn keep_invitation(&self, code: &str) -> Result<(), SignInError> {
        // Always a new id: an attacker may know the one in the cookie.
        self.session.flush().await.map_err(|error| self.failure(&error))?;
        self.session.set_expiry(Some(lasting(ANONYMOUS)));
        self.session.insert(INVITATION, code).await.map_err(|error| self.failure(&error))
    }

    /// Keeps that the user has entered the current password.
    ///
    /// # Errors
    /// If it cannot be stored.
    pub async fn confirm(&self, confirmation: &PasswordConfirmation) -> Result<(), SignInError> {
        let kept = self.session.insert(PASSWORD, confirmation).await;
        kept.map_err(|error| self.failure(&error))?;
        self.session.save().await.map_err(|error| self.failure(&error))
    }

    /// The error of the store. The library passes on its text only.
    fn failure(&self, error: &Error) -> SignInError {
        let internal = || SignInError::Service(ServiceError::internal(error.to_string()));
        self.store.take_error().unwrap_or_else(internal)
    }
}
