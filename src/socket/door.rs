//! The handshake: who may open a live connection, and in which form it speaks.

use axum::Router;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocketUpgrade};
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum_extra::extract::CookieJar;

use super::frames::{HTML_PROTOCOL, JSON_PROTOCOL, form_of};
use super::session::{SIGNED_OUT, Session};
use crate::api;
use crate::http::{Client, Language, Problem, Site, Viewer, cookies, origin, rights};

/// The largest frame a client may send; a larger one closes the connection (1009).
const LARGEST_FRAME: usize = 64 * 1024;

pub fn router(site: &Site) -> Router<Site> {
    let door = Router::new()
        .route("/live", get(open))
        .layer(from_fn_with_state(site.clone(), rights::by_token));
    api::guarded(door, site)
}

async fn open(
    State(site): State<Site>,
    Caller(viewer): Caller,
    t: Language,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|rejection| Problem::new(rejection.into_response().status()))?;
    let upgrade = upgrade
        .protocols([JSON_PROTOCOL, HTML_PROTOCOL])
        .read_buffer_size(4096)
        .max_message_size(LARGEST_FRAME)
        .max_frame_size(LARGEST_FRAME);
    let protocol = upgrade.selected_protocol().and_then(|name| name.to_str().ok());
    let form = form_of(protocol, t);
    match viewer {
        Some(Viewer(signed_in)) => Ok(upgrade.on_upgrade(move |socket| async move {
            let lifecycle = site.lifecycle.clone();
            lifecycle.track_connection(Session::run(site, signed_in, t, form, socket)).await;
        })),
        // A refused handshake would tell the page's script nothing.
        None if protocol == Some(HTML_PROTOCOL) => {
            Ok(upgrade.on_upgrade(|mut socket| async move {
                let close = CloseFrame { code: SIGNED_OUT, reason: "signed out".into() };
                // The page may be gone already.
                drop(socket.send(Message::Close(Some(close))).await);
            }))
        }
        None => Err(Problem::signed_out()),
    }
}

/// Who knocks: a program by its token, or one of our own pages by its cookie.
struct Caller(Option<Viewer>);

impl FromRequestParts<Site> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Problem> {
        if let Some(viewer) = parts.extensions.get::<Viewer>() {
            return Ok(Self(Some(viewer.clone())));
        }
        let Ok(client) = Client::from_request_parts(parts, site).await;
        let jar = CookieJar::from_headers(&parts.headers);
        let Some(secret) = cookies::session(&jar, client) else { return Ok(Self(None)) };
        if !origin::is_own_page(&parts.headers, site.about.base_url.as_ref()) {
            return Err(Problem::saying(StatusCode::FORBIDDEN, "cross-site"));
        }
        Ok(Self(site.accounts.by_session(&secret).await?.map(Viewer)))
    }
}
