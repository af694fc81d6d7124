//! Serves pages and forms only at the configured `BASE_URL`. An attacker can point another host
//! name at this server; the browser would then treat the attacker's pages and ours as one origin
//! (DNS rebinding).
//!
//! API requests with a token can use any host name, so the API does not use this check.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::ORIGIN;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::Problem;
use crate::http::request::csrf;
use crate::http::request::csrf::RequestSource;
use crate::http::request::target::Target;
use crate::http::site::SiteInfo;

pub(in crate::pages) async fn check(
    State(site): State<Arc<SiteInfo>>,
    request: Request,
    next: Next,
) -> Response {
    if is_elsewhere(&site, &request) {
        return Problem::new(StatusCode::MISDIRECTED_REQUEST).into_response();
    }
    next.run(request).await
}

fn is_elsewhere(site: &SiteInfo, request: &Request) -> bool {
    let Some(base) = &site.base_url else { return false };
    let target = request.extensions().get::<Target>().cloned().unwrap_or_default();
    if target.is_at(base) {
        return false;
    }
    // If a proxy replaces the `Host` header, the `Origin` header of a form still names the public
    // address.
    let headers = request.headers();
    let own = csrf::request_source(headers, &target, Some(base)) == RequestSource::OwnPage;
    !(own && headers.contains_key(ORIGIN))
}
