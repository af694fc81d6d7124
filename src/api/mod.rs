//! The JSON API under `/api/v1`: the same actions and permissions as the pages, for programs.

mod accounts;
mod audit;
mod emoji;
mod errors;
mod files;
mod members;
mod messages;
mod nodes;
mod openapi;
mod personal;
mod read_marker;
mod rooms;
pub mod schemas;
mod search;
mod threads;

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;
use tower::ServiceBuilder;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa_axum::router::OpenApiRouter;

use crate::chat::sync::Sync;
use crate::http::AppState;
use crate::http::listener::timeout;
use crate::http::rate_limit::routes;
use crate::http::request::{auth, csrf};
use crate::http::response::{pending_answers, security_headers};
use crate::http::site::SiteInfo;

/// The epoch of the installation, sent with every response.
const EPOCH: HeaderName = HeaderName::from_static("patio-epoch");

pub fn router(state: &AppState) -> Router<AppState> {
    let (operations, _) = operations().split_for_parts();
    // The outermost first.
    let middleware = ServiceBuilder::new()
        .layer(from_fn_with_state(state.clone(), auth::by_token))
        .layer(from_fn_with_state(state.clone(), routes::by_user))
        .layer(from_fn_with_state(state.clone(), pending_answers::bound));
    let api = operations
        .route("/openapi.json", get(show_reference))
        .fallback(errors::not_found)
        .layer(middleware);
    // The characters of an epoch are always valid in a header.
    let sync = Sync::from_ref(state);
    let epoch = move |_: &_| HeaderValue::from_str(&sync.epoch()).ok();
    let headers = ServiceBuilder::new()
        .layer(SetResponseHeaderLayer::overriding(EPOCH, epoch))
        .layer(map_response(security_headers::of_api));
    guarded(api, state).layer(headers)
}

fn operations() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::base())
        .merge(accounts::router())
        .merge(rooms::router())
        .merge(read_marker::router())
        .merge(members::router())
        .merge(messages::router())
        .merge(personal::router())
        .merge(threads::router())
        .merge(search::router())
        .merge(audit::router())
        .merge(nodes::router())
        .merge(emoji::router())
        .merge(files::router())
}

/// The API reference as an `OpenAPI` 3.1 document.
///
/// # Panics
/// Never: the document is plain data, which can always be serialized.
pub fn document() -> Value {
    openapi::complete(&operations().into_openapi()).expect("BUG: the reference is plain data")
}

async fn show_reference(State(site): State<Arc<SiteInfo>>) -> Json<Arc<Value>> {
    Json(Arc::clone(&site.reference))
}

/// Adds the middleware for routes that answer errors with JSON problems: the API and the WebSocket
/// upgrade.
pub fn guarded(router: Router<AppState>, state: &AppState) -> Router<AppState> {
    let middleware = ServiceBuilder::new()
        .layer(from_fn(errors::render_problem))
        .layer(from_fn(timeout::keep))
        .layer(from_fn_with_state(state.clone(), csrf::guard));
    router.layer(middleware)
}
