//! The handshake of a live connection: authentication, limits, and the choice of the encoding.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use serde::Deserialize;

use super::Realtime;
use super::connection_limits::Permit;
use super::protocol::{HTML_PROTOCOL, JSON_PROTOCOL, ServerFrame, encoding_of};
use super::session::{SIGNED_OUT, Session, TOO_FAST};
use crate::api;
use crate::chat::events::EventHub;
use crate::http::admission::{Admission, Place};
use crate::http::request::{auth, csrf};
use crate::http::{
    AppState, ClientInfo, Language, Problem, Query, Viewer, access_log, cookies, sessions,
};
use crate::kernel::Timestamp;
use crate::lifecycle::Lifecycle;
use crate::websocket::handshake::{Handshake, HandshakeError, Upgrade};
use crate::websocket::{Socket, SocketMetrics, encode};

/// When a client may retry after it has reached the limit of connections.
const TRY_AGAIN: Duration = Duration::from_mins(1);
/// When a client may retry that found a server about to stop.
const AFTER_STOP: Duration = Duration::from_secs(1);
/// How long a refused connection reads on, so that the client receives the close frame.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(2);

pub fn router(state: &AppState, hub: EventHub, lifecycle: Lifecycle) -> Router<AppState> {
    let router = Router::new()
        .route("/live", get(open))
        .with_state(Arc::new(Realtime::new(state, hub, lifecycle)))
        .layer(from_fn_with_state(state.clone(), auth::by_token))
        .layer(from_fn_with_state(state.clone(), admit));
    api::guarded(router, state)
}

/// Middleware that lets clients ask the database one after another: before the authentication, which asks it, too.
async fn admit(
    State(admission): State<Admission>,
    client: ClientInfo,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let place = admission.place(client)?;
    let _turn = admission.turn_of(&place).await?;
    request.extensions_mut().insert(Arc::new(place));
    Ok(next.run(request).await)
}

/// `since` is the server time up to which a returning client knows users and rooms.
#[derive(Deserialize)]
struct LiveQuery {
    since: Option<Timestamp>,
}

async fn open(
    State(shared): State<Arc<Realtime>>,
    t: Language,
    client: ClientInfo,
    request: Request,
) -> Result<Response, Response> {
    let (mut parts, _) = request.into_parts();
    let place: Option<Arc<Place>> = parts.extensions.remove();
    let place = place.ok_or_else(|| Problem::internal(&"not admitted").into_response())?;
    let Query(LiveQuery { since }) = Query::from_request_parts(&mut parts, &shared)
        .await
        .map_err(IntoResponse::into_response)?;
    let handshake = Handshake::read(&mut parts).map_err(refuse)?;
    if shared.lifecycle.stopping().is_cancelled() {
        // A status, so that a load balancer can send the client elsewhere.
        let stopping = Problem::new(StatusCode::SERVICE_UNAVAILABLE);
        let retry_after = Some(AFTER_STOP);
        return Err(Problem { retry_after, ..stopping }.into_response());
    }
    let too_many = || Problem::too_many(TRY_AGAIN).into_response();
    let unknown = shared.limits.unknown(client).ok_or_else(too_many)?;
    let viewer = viewer(&shared, &mut parts).await.map_err(IntoResponse::into_response)?;
    let protocol = handshake.choose_protocol(&[JSON_PROTOCOL, HTML_PROTOCOL]);
    let encoding = encoding_of(protocol, t);
    let (response, upgrade) = handshake.accept(protocol);
    // A script cannot read the status of a refused handshake. So the handshake of a page is accepted and
    // closed with a code.
    let Some(Viewer(me)) = viewer else {
        if protocol != Some(HTML_PROTOCOL) {
            return Err(Problem::signed_out().into_response());
        }
        let closing = close_with(upgrade, shared.hub.metrics().clone(), None, SIGNED_OUT, unknown);
        shared.lifecycle.spawn_connection(access_log::connection(closing));
        return Ok(response.map(|()| Body::empty()));
    };
    let Some(permit) = shared.limits.user(me.user.id, client) else {
        let reason = too_many_connections(t);
        let metrics = shared.hub.metrics().clone();
        let closing = close_with(upgrade, metrics, Some(reason), TOO_FAST, unknown);
        shared.lifecycle.spawn_connection(access_log::connection(closing));
        return Ok(response.map(|()| Body::empty()));
    };
    shared.lifecycle.clone().spawn_live_connection(access_log::connection(async move {
        drop(unknown);
        match upgrade.stream().await {
            Ok((stream, early)) => {
                let connection = shared.hub.connect(encoding, stream, &early);
                // Even if empty, it keeps the whole buffer of the request alive.
                drop(early);
                Session::new(shared, me, t, encoding, connection).run(place, since).await;
            }
            Err(error) => tracing::debug!(%error, "a live connection failed during the handshake"),
        }
        drop(permit);
    }));
    Ok(response.map(|()| Body::empty()))
}

/// Encodes the error frame for a client that has too many connections.
fn too_many_connections(t: Language) -> Bytes {
    let error = ServerFrame::Error {
        status: StatusCode::TOO_MANY_REQUESTS.as_u16(),
        detail: t.text("live-too-many").to_owned(),
        nonce: None,
        room: None,
        retry_after: Some(TRY_AGAIN.as_secs()),
    };
    encode::text(&error.text())
}

fn refuse(error: HandshakeError) -> Response {
    let mut response = Problem::new(error.status()).into_response();
    response.headers_mut().extend(error.headers());
    response
}

/// Completes the handshake only to send `reason` and a close code.
async fn close_with(
    upgrade: Upgrade,
    metrics: SocketMetrics,
    reason: Option<Bytes>,
    code: u16,
    permit: Permit,
) {
    // The client may have closed the connection already.
    if let Ok((stream, _)) = upgrade.stream().await {
        let socket = Socket::new(stream, &metrics);
        socket.start_with(reason);
        socket.close(Some(code));
        socket.finish(UPGRADE_TIMEOUT).await;
    }
    drop(permit);
}

/// Returns the client of the request: a program with a token, or one of Patio's pages with a session cookie. A
/// cookie is accepted only from Patio's own origin, because browsers let any page open a WebSocket.
async fn viewer(shared: &Realtime, parts: &mut Parts) -> Result<Option<Viewer>, Problem> {
    if let Some(viewer) = parts.extensions.get::<Viewer>() {
        return Ok(Some(viewer.clone()));
    }
    let Ok(client) = ClientInfo::from_request_parts(parts, &()).await;
    if cookies::session(&parts.headers, client).is_none() {
        return Ok(None);
    }
    let Realtime { site, proxy_warnings, services, .. } = shared;
    csrf::own_page(site, proxy_warnings, &parts.headers, parts.extensions.get())?;
    Ok(sessions::viewer(&services.accounts, &parts.headers, client).await?)
}
