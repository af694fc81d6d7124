//! The handshake: who may open a live connection, and in which form it speaks.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use bytes::Bytes;
use serde::Deserialize;

use super::RealtimeState;
use super::connection_limits::Permit;
use super::protocol::{HTML_PROTOCOL, JSON_PROTOCOL, ServerFrame, encoding_of};
use super::session::{SIGNED_OUT, Session, TOO_FAST};
use crate::api;
use crate::http::request::{auth, csrf};
use crate::http::{AppState, ClientInfo, Language, Problem, Query, Viewer, cookies};
use crate::kernel::Timestamp;
use crate::websocket::SocketMetrics;
use crate::websocket::handshake::{Handshake, HandshakeError, Upgrade};
use crate::websocket::{Socket, encode};

/// When to try again for whom there are too many connections.
const TRY_AGAIN: Duration = Duration::from_mins(1);
/// How long to hear out who is sent away, so that they read why.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(2);

pub fn router(site: &AppState) -> Router<AppState> {
    let door = Router::new()
        .route("/live", get(open))
        .layer(Extension(RealtimeState::new(site)))
        .layer(from_fn_with_state(site.clone(), auth::by_token));
    api::guarded(door, site)
}

/// Who was here before says when, by the server's clock.
#[derive(Deserialize)]
struct Back {
    since: Option<Timestamp>,
}

async fn open(
    State(site): State<AppState>,
    Extension(hall): Extension<Arc<RealtimeState>>,
    t: Language,
    client: ClientInfo,
    request: Request,
) -> Result<Response, Response> {
    let (mut parts, _) = request.into_parts();
    let Query(Back { since }) =
        Query::from_request_parts(&mut parts, &site).await.map_err(IntoResponse::into_response)?;
    let handshake = Handshake::read(&mut parts).map_err(refuse)?;
    let too_many = || Problem::too_many(TRY_AGAIN).into_response();
    let unknown = hall.admission.unknown(client).ok_or_else(too_many)?;
    let Caller(viewer) =
        Caller::from_request_parts(&mut parts, &site).await.map_err(IntoResponse::into_response)?;
    let protocol = handshake.choose_protocol(&[JSON_PROTOCOL, HTML_PROTOCOL]);
    let form = encoding_of(protocol, t);
    let (response, upgrade) = handshake.accept(protocol);
    // A refused handshake would tell the page's script nothing.
    let Some(Viewer(me)) = viewer else {
        if protocol != Some(HTML_PROTOCOL) {
            return Err(Problem::signed_out().into_response());
        }
        let away = close_with(upgrade, site.bell.metrics().clone(), None, SIGNED_OUT, unknown);
        site.lifecycle.spawn_connection(away);
        return Ok(response.map(|()| Body::empty()));
    };
    let Some(permit) = hall.admission.user(me.person.id, client) else {
        let (why, meters) = (too_many_connections(t), site.bell.metrics().clone());
        let away = close_with(upgrade, meters, Some(why), TOO_FAST, unknown);
        site.lifecycle.spawn_connection(away);
        return Ok(response.map(|()| Body::empty()));
    };
    site.lifecycle.spawn_connection(async move {
        drop(unknown);
        match upgrade.stream().await {
            Ok((stream, early)) => {
                let connection = hall.site.bell.connect(form, stream, &early);
                // Even empty it holds the whole buffer that the request was read into.
                drop(early);
                Session::new(hall, me, t, form, connection).run(since).await;
            }
            Err(error) => tracing::debug!(%error, "a connection broke while it was opened"),
        }
        drop(permit);
    });
    Ok(response.map(|()| Body::empty()))
}

/// The frame that says why a connection is refused.
fn too_many_connections(t: Language) -> Bytes {
    let why = ServerFrame::Error {
        status: StatusCode::TOO_MANY_REQUESTS.as_u16(),
        detail: t.say("live-too-many"),
        nonce: None,
        room: None,
        retry_after: Some(TRY_AGAIN.as_secs()),
    };
    encode::text(&why.text())
}

fn refuse(refused: HandshakeError) -> Response {
    let mut response = Problem::new(refused.status()).into_response();
    response.headers_mut().extend(refused.headers());
    response
}

async fn close_with(
    upgrade: Upgrade,
    meters: SocketMetrics,
    why: Option<Bytes>,
    code: u16,
    permit: Permit,
) {
    // The page may be gone already.
    if let Ok((stream, _)) = upgrade.stream().await {
        let line = Socket::new(stream, &meters);
        line.start_with(why);
        line.close(Some(code));
        line.finish(UPGRADE_TIMEOUT).await;
    }
    drop(permit);
}

/// Who knocks: a program by its token, or one of our own pages by its cookie.
struct Caller(Option<Viewer>);

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &AppState) -> Result<Self, Problem> {
        if let Some(viewer) = parts.extensions.get::<Viewer>() {
            return Ok(Self(Some(viewer.clone())));
        }
        let Ok(client) = ClientInfo::from_request_parts(parts, site).await;
        let Some(secret) = cookies::session(&parts.headers, client) else { return Ok(Self(None)) };
        csrf::own_page(site, &parts.headers, parts.extensions.get())?;
        Ok(Self(site.accounts.by_session(&secret).await?.map(Viewer)))
    }
}
