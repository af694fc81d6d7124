//! Signs a browser in and out.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::header::{HeaderName, REFERER, USER_AGENT};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;

use crate::chat::accounts::LoginSource;
use crate::chat::accounts::model::{BearerSecret, VerifiedPassword};
use crate::http::request::csrf::ProxyWarnings;
use crate::http::sessions::BrowserSession;
use crate::http::site::SiteInfo;
use crate::http::{AppState, ClientInfo, Problem, cookies};
use crate::kernel::Random;
use crate::pages::layout::page::OwnPath;

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

pub(in crate::pages) struct LoginSession {
    pub client: ClientInfo,
    pub visitor: LoginSource,
    /// The secret that identifies this browser: from its cookie, or a new one.
    device: BearerSecret,
    session: BrowserSession,
    /// The `User-Agent` header.
    agent: String,
}

impl FromRequestParts<AppState> for LoginSession {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let Ok(client) = ClientInfo::from_request_parts(parts, state).await;
        let device = cookies::device(&parts.headers, client);
        let device =
            device.unwrap_or_else(|| BearerSecret::new(state.service::<Random>().secret()));
        let Ok(visitor) = LoginSource::from_request_parts(parts, state).await;
        let visitor = LoginSource { device: Some(device.credential()), ..visitor };
        let session = BrowserSession::from_request_parts(parts, state).await?;
        let agent = parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        Ok(Self { session, agent: agent.unwrap_or_default().to_owned(), client, visitor, device })
    }
}

/// Detects a browser that does not keep our cookies. If the `Referer` is a login page, the browser
/// received a probe cookie there. Without that cookie in this request, no sign-in can succeed.
pub(in crate::pages) struct CookiesKept {
    pub client: ClientInfo,
    pub dropped: bool,
}

impl FromRequestParts<AppState> for CookiesKept {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let client = ClientInfo::from_request_parts(parts, state).await?;
        let referer = parts.headers.get(REFERER).and_then(|referer| referer.to_str().ok());
        let uri = referer.and_then(|referer| referer.parse::<Uri>().ok());
        let from_login_page = uri.is_some_and(|uri| ["/login", "/register"].contains(&uri.path()));
        let dropped = from_login_page && !cookies::has_probe(&parts.headers, client);
        if dropped {
            let target = parts.extensions.get().cloned().unwrap_or_default();
            let (site, warnings): (Arc<SiteInfo>, Arc<ProxyWarnings>) =
                (state.service(), state.service());
            warnings.kept_no_cookie(&target, site.base_url.as_ref());
        }
        Ok(Self { client, dropped })
    }
}

impl LoginSession {
    /// Opens a new session and redirects: to the invitation that the browser opened before, or else to
    /// `next`.
    pub async fn sign_in(
        self,
        verified: VerifiedPassword,
        next: &str,
    ) -> Result<Response, Problem> {
        let invitation = self.session.sign_in(verified, &self.agent).await?;
        let next = match invitation {
            Some(code) => OwnPath::parse(&format!("/join/{code}")),
            None => OwnPath::parse(next),
        };
        let to = Redirect::to(next.as_ref().map_or("/", OwnPath::as_str));
        let device = CookieJar::new().add(cookies::renew_device(&self.device, self.client));
        Ok((device, to).into_response())
    }

    pub async fn sign_out(self) -> Result<Response, Problem> {
        let jar = CookieJar::new().add(self.session.sign_out().await?);
        // After a sign-out the back button must not show pages of the previous user from the cache.
        let clear_cache = [(CLEAR_SITE_DATA, "\"cache\"")];
        Ok((jar, clear_cache, Redirect::to("/login")).into_response())
    }
}
