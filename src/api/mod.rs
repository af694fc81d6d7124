//! The JSON API under `/api/v1`: the same verbs and rights as the pages, for programs.

mod accounts;
mod audit;
mod errors;
mod members;
mod messages;
mod reference;
mod rooms;
mod search;
pub mod shapes;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa_axum::router::OpenApiRouter;

use crate::http::rate_limit::routes;
use crate::http::{Site, deadline, headers, origin, rights, unread};

/// Says which history an answer belongs to.
const EPOCH: HeaderName = HeaderName::from_static("patio-epoch");

pub fn router(site: &Site) -> Router<Site> {
    let (calls, _) = calls().split_for_parts();
    let api = calls
        .route("/openapi.json", get(show_reference))
        .fallback(errors::nothing_here)
        .layer(from_fn_with_state(site.clone(), unread::bound))
        .layer(from_fn_with_state(site.clone(), routes::by_user))
        .layer(from_fn_with_state(site.clone(), rights::by_token));
    // An epoch is random letters, digits, `-` and `_`: a header's value by its making.
    let history = site.history.clone();
    let epoch = move |_: &_| HeaderValue::from_str(&history.epoch()).ok();
    headers::for_api(guarded(api, site)).layer(SetResponseHeaderLayer::overriding(EPOCH, epoch))
}

fn calls() -> OpenApiRouter<Site> {
    OpenApiRouter::with_openapi(reference::base())
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
    reference::complete(&calls().into_openapi()).expect("BUG: the reference is plain data")
}

async fn show_reference(State(site): State<Site>) -> Json<Arc<Value>> {
    Json(Arc::clone(&site.about.reference))
}

/// Wraps routes that answer with problems in JSON, as the API and the sockets' door do.
pub fn guarded(router: Router<Site>, site: &Site) -> Router<Site> {
    router
        .layer(from_fn_with_state(site.clone(), origin::guard))
        .layer(from_fn(deadline::keep))
        .layer(from_fn(errors::write_down))
}
