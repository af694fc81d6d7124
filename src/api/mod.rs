//! The JSON API under `/api/v1`: the same verbs and rights as the pages, for programs.

mod accounts;
mod audit;
mod errors;
mod members;
mod messages;
mod openapi;
mod rooms;
pub mod schemas;
mod search;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa_axum::router::OpenApiRouter;

use crate::http::AppState;
use crate::http::listener::timeout;
use crate::http::rate_limit::routes;
use crate::http::request::{auth, csrf};
use crate::http::response::{pending_answers, security_headers};

/// Says which history an answer belongs to.
const EPOCH: HeaderName = HeaderName::from_static("patio-epoch");

pub fn router(site: &AppState) -> Router<AppState> {
    let (calls, _) = calls().split_for_parts();
    let api = calls
        .route("/openapi.json", get(show_reference))
        .fallback(errors::not_found)
        .layer(from_fn_with_state(site.clone(), pending_answers::bound))
        .layer(from_fn_with_state(site.clone(), routes::by_user))
        .layer(from_fn_with_state(site.clone(), auth::by_token));
    // An epoch is random letters, digits, `-` and `_`: a header's value by its making.
    let history = site.history.clone();
    let epoch = move |_: &_| HeaderValue::from_str(&history.epoch()).ok();
    security_headers::for_api(guarded(api, site))
        .layer(SetResponseHeaderLayer::overriding(EPOCH, epoch))
}

fn calls() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::base())
        .merge(accounts::router())
        .merge(rooms::router())
        .merge(members::router())
        .merge(messages::router())
        .merge(search::router())
        .merge(audit::router())
}

/// The reference of all calls: an `OpenAPI` 3.1 document.
///
/// # Panics
/// Never: it is plain data, which JSON can say.
pub fn document() -> Value {
    openapi::complete(&calls().into_openapi()).expect("BUG: the reference is plain data")
}

async fn show_reference(State(site): State<AppState>) -> Json<Arc<Value>> {
    Json(Arc::clone(&site.about.reference))
}

/// Wraps routes that answer with problems in JSON, as the API and the sockets' door do.
pub fn guarded(router: Router<AppState>, site: &AppState) -> Router<AppState> {
    router
        .layer(from_fn_with_state(site.clone(), csrf::guard))
        .layer(from_fn(timeout::keep))
        .layer(from_fn(errors::render_problem))
}
