//! A browser at the gate: signing it in and out, and the cookies that come with that.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::header::{HeaderName, REFERER, USER_AGENT};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;

use crate::chat::accounts::LoginSource;
use crate::chat::accounts::model::{BearerSecret, VerifiedPassword};
use crate::http::{AppState, ClientInfo, Problem, Viewer, cookies};
use crate::pages::layout::page::OwnPath;

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

pub(in crate::pages) struct LoginSession {
    pub client: ClientInfo,
    pub visitor: LoginSource,
    /// By which the browser is known again: what it came with, or a new one.
    device: BearerSecret,
    /// The session that it came with.
    session: Option<BearerSecret>,
    /// What the browser calls itself.
    agent: String,
    viewer: Option<Viewer>,
}

impl FromRequestParts<AppState> for LoginSession {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &AppState) -> Result<Self, Infallible> {
        let client = ClientInfo::from_request_parts(parts, site).await?;
        let device = cookies::device(&parts.headers, client);
        let device = device.unwrap_or_else(|| BearerSecret::new(site.random.secret()));
        let visitor = LoginSource::from_request_parts(parts, site).await?;
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

/// Whether this browser keeps our cookies. It was at the gate before, as its `Referer` says, and has
/// the cookie that it got there, or has not: then it will never be signed in.
pub(in crate::pages) struct CookiesKept {
    pub client: ClientInfo,
    pub no: bool,
}

impl FromRequestParts<AppState> for CookiesKept {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &AppState) -> Result<Self, Infallible> {
        let client = ClientInfo::from_request_parts(parts, site).await?;
        let referer = parts.headers.get(REFERER).and_then(|referer| referer.to_str().ok());
        let uri = referer.and_then(|referer| referer.parse::<Uri>().ok());
        let from_the_gate = uri.is_some_and(|uri| ["/login", "/register"].contains(&uri.path()));
        let no = from_the_gate && !cookies::has_probe(&parts.headers, client);
        if no {
            let target = parts.extensions.get().cloned().unwrap_or_default();
            site.notices.kept_no_cookie(&target, site.about.base_url.as_ref());
        }
        Ok(Self { client, no })
    }
}

impl LoginSession {
    /// A new session, whatever the browser came with, and on to where it wanted to go.
    pub async fn sign_in(
        self,
        site: &AppState,
        proven: &VerifiedPassword,
        next: &str,
    ) -> Result<Response, Problem> {
        if let Some(earlier) = self.session {
            site.accounts.close_session(earlier.credential()).await?;
        }
        let secret = site.accounts.open_session(proven, &self.agent).await?;
        let next = OwnPath::parse(next);
        let to = Redirect::to(next.as_ref().map_or("/", OwnPath::as_str));
        let session = CookieJar::new().add(cookies::sign_in(&secret, self.client));
        let device = CookieJar::new().add(cookies::renew_device(&self.device, self.client));
        Ok((session, device, to).into_response())
    }

    pub async fn sign_out(self, site: &AppState) -> Result<Response, Problem> {
        if let Some(Viewer(signed_in)) = self.viewer {
            site.accounts.close_session(signed_in.credential).await?;
        }
        let jar = CookieJar::new().add(cookies::sign_out(self.client));
        // Back must not show what only the one who left may read.
        let forget = [(CLEAR_SITE_DATA, "\"cache\"")];
        Ok((jar, forget, Redirect::to("/login")).into_response())
    }
}
