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
use serde::Deserialize;

use super::Hall;
use super::frames::{HTML_PROTOCOL, JSON_PROTOCOL, form_of};
use super::session::{SIGNED_OUT, Session};
use crate::api;
use crate::http::{Client, Language, Problem, Query, Site, Viewer, cookies, origin, rights};
use crate::kernel::Timestamp;
use crate::live::Meters;
use crate::live::transport::Line;
use crate::live::transport::handshake::{Handshake, Refused, Upgrade};

pub fn router(site: &Site) -> Router<Site> {
    let door = Router::new()
        .route("/live", get(open))
        .layer(Extension(Hall::new(site)))
        .layer(from_fn_with_state(site.clone(), rights::by_token));
    api::guarded(door, site)
}

/// Who was here before says when, by the server's clock.
#[derive(Deserialize)]
struct Back {
    since: Option<Timestamp>,
}

async fn open(
    State(site): State<Site>,
    Extension(hall): Extension<Arc<Hall>>,
    t: Language,
    request: Request,
) -> Result<Response, Response> {
    let (mut parts, _) = request.into_parts();
    let Query(Back { since }) =
        Query::from_request_parts(&mut parts, &site).await.map_err(IntoResponse::into_response)?;
    let handshake = Handshake::read(&mut parts).map_err(refuse)?;
    let Caller(viewer) =
        Caller::from_request_parts(&mut parts, &site).await.map_err(IntoResponse::into_response)?;
    let protocol = handshake.choose(&[JSON_PROTOCOL, HTML_PROTOCOL]);
    let form = form_of(protocol, t);
    let (response, upgrade) = handshake.accept(protocol);
    match viewer {
        Some(Viewer(me)) => site.lifecycle.spawn_connection(async move {
            match upgrade.stream().await {
                Ok((stream, early)) => {
                    let connection = hall.site.bell.connect(form, stream, &early);
                    // Even empty it holds the whole buffer that the request was read into.
                    drop(early);
                    Session::new(hall, me, t, form, connection).run(since).await;
                }
                Err(error) => tracing::debug!(%error, "a connection broke while it was opened"),
            }
        }),
        // A refused handshake would tell the page's script nothing.
        None if protocol == Some(HTML_PROTOCOL) => {
            site.lifecycle.spawn_connection(send_away(upgrade, site.bell.meters().clone()));
        }
        None => return Err(Problem::signed_out().into_response()),
    }
    Ok(response.map(|()| Body::empty()))
}

fn refuse(refused: Refused) -> Response {
    let mut response = Problem::new(refused.status()).into_response();
    response.headers_mut().extend(refused.headers());
    response
}

async fn send_away(upgrade: Upgrade, meters: Meters) {
    // The page may be gone already.
    if let Ok((stream, _)) = upgrade.stream().await {
        let line = Line::new(stream, &meters);
        line.close(Some(SIGNED_OUT));
        line.finish(Duration::ZERO).await;
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
        let Some(secret) = cookies::session(&parts.headers, client) else { return Ok(Self(None)) };
        if !origin::is_own_page(&parts.headers, site.about.base_url.as_ref()) {
            return Err(Problem::saying(StatusCode::FORBIDDEN, "cross-site"));
        }
        Ok(Self(site.accounts.by_session(&secret).await?.map(Viewer)))
    }
}
