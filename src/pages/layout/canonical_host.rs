//! Pages and forms live at one address: the one that the settings name. Under any other name somebody
//! may have pointed at this machine, a page of theirs would count as one of ours (DNS rebinding).
//!
//! Programs with a token may use any name, and so are not asked here.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::ORIGIN;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::request::csrf;
use crate::http::request::csrf::RequestSource;
use crate::http::request::target::Target;
use crate::http::{AppState, Problem};

pub(in crate::pages) async fn check(
    State(site): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    if is_elsewhere(&site, &request) {
        return Problem::new(StatusCode::MISDIRECTED_REQUEST).into_response();
    }
    next.run(request).await
}

fn is_elsewhere(site: &AppState, request: &Request) -> bool {
    let Some(base) = &site.about.base_url else { return false };
    let target = request.extensions().get::<Target>().cloned().unwrap_or_default();
    if target.is_at(base) {
        return false;
    }
    // Where a proxy hides the name, the page that a form was on still shows it.
    let headers = request.headers();
    let own = csrf::request_source(headers, &target, Some(base)) == RequestSource::OwnPage;
    !(own && headers.contains_key(ORIGIN))
}
