//! The JSON API under `/api/v1`: the same verbs and rights as the pages, for programs.

mod accounts;
mod errors;
mod messages;
mod rooms;
mod search;
pub mod shapes;

use axum::Router;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::from_fn_with_state;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::http::{Site, headers, origin, rights};

/// Says which history an answer belongs to.
const EPOCH: HeaderName = HeaderName::from_static("patio-epoch");

pub fn router(site: &Site) -> Router<Site> {
    let api = Router::new()
        .merge(accounts::router())
        .merge(rooms::router())
        .merge(messages::router())
        .merge(search::router())
        .fallback(errors::nothing_here)
        .layer(from_fn_with_state(site.clone(), rights::by_token));
    // An epoch is random letters, digits, `-` and `_`: a header's value by its making.
    let epoch = HeaderValue::from_str(&site.about.epoch).ok();
    headers::for_api(guarded(api, site))
        .layer(SetResponseHeaderLayer::overriding(EPOCH, move |_: &_| epoch.clone()))
}

/// Wraps routes that answer with problems in JSON, as the API and the sockets' door do.
pub fn guarded(router: Router<Site>, site: &Site) -> Router<Site> {
    router
        .layer(origin::guard(site.about.base_url.as_ref()))
        .layer(axum::middleware::from_fn(errors::write_down))
}
