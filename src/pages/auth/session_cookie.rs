//! Signs a browser in and out, and sets the cookies for it.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::header::{HeaderName, REFERER, USER_AGENT};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;

use crate::chat::accounts::model::{BearerSecret, VerifiedPassword};
use crate::chat::accounts::{Accounts, LoginSource};
use crate::http::request::csrf::ProxyWarnings;
use crate::http::site::SiteInfo;
use crate::http::{AppState, ClientInfo, Problem, Viewer, cookies};
use crate::kernel::Random;
use crate::pages::layout::page::OwnPath;

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

pub(in crate::pages) struct LoginSession {
    pub client: ClientInfo,
    pub visitor: LoginSource,
    /// The secret that identifies this browser: from its cookie, or a new one.
    device: BearerSecret,
    /// The session from the request's cookie.
    session: Option<BearerSecret>,
    /// The `User-Agent` header.
    agent: String,
    viewer: Option<Viewer>,
}

impl FromRequestParts<AppState> for LoginSession {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let client = ClientInfo::from_request_parts(parts, state).await?;
        let device = cookies::device(&parts.headers, client);
        let device =
            device.unwrap_or_else(|| BearerSecret::new(state.service::<Random>().secret()));
        let visitor = LoginSource::from_request_parts(parts, state).await?;
        let visitor = LoginSource { device: Some(device.credential()), ..visitor };
        let agent = parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        Ok(Self {
            session: cookies::session(&parts.headers, client),
            agent: agent.unwrap_or_default().to_owned(),
            viewer: parts.extensions.get().cloned(),
            client,
            visitor,
            device,
        })
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
    /// Opens a new session and redirects to `next`. The browser always gets a new secret, so a
    /// session cookie that an attacker planted is useless (session fixation). The session that the
    /// browser had before is closed.
    pub async fn sign_in(
        self,
        accounts: &Accounts,
        verified: &VerifiedPassword,
        next: &str,
    ) -> Result<Response, Problem> {
        if let Some(previous) = self.session {
            accounts.revoke(previous.credential()).await?;
        }
        let secret = accounts.open_session(verified, &self.agent).await?;
        let next = OwnPath::parse(next);
        let to = Redirect::to(next.as_ref().map_or("/", OwnPath::as_str));
        let session = CookieJar::new().add(cookies::sign_in(&secret, self.client));
        let device = CookieJar::new().add(cookies::renew_device(&self.device, self.client));
        Ok((session, device, to).into_response())
    }

    pub async fn sign_out(self, accounts: &Accounts) -> Result<Response, Problem> {
        if let Some(Viewer(signed_in)) = self.viewer {
            accounts.revoke(signed_in.credential).await?;
        }
        let jar = CookieJar::new().add(cookies::sign_out(self.client));
        // After a sign-out the back button must not show pages of the previous user from the cache.
        let clear_cache = [(CLEAR_SITE_DATA, "\"cache\"")];
        Ok((jar, clear_cache, Redirect::to("/login")).into_response())
    }
}
