//! The user of a page. Its forms are refused once another user is signed in with the same browser: a tab does not
//! notice at once that another one has changed the session.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{Extensions, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode;

use crate::http::site::SiteInfo;
use crate::http::{Problem, Viewer};

/// What scripts send with a form: the account of its page, percent-encoded. Without scripts nothing is sent.
const HEADER: &str = "patio-account";

/// Identifies the signed-in user and the installation; `None` without a sign-in.
pub fn of(extensions: &Extensions, site: &SiteInfo) -> Option<String> {
    let Viewer(me) = extensions.get::<Viewer>()?;
    Some(format!("{}.{}.{}", site.founded.0, me.user.id, me.user.name))
}

/// Middleware: refuses a change that was asked for on the page of another user, before any handler runs.
pub async fn check(State(site): State<Arc<SiteInfo>>, request: Request, next: Next) -> Response {
    if is_from_another_user(&site, &request) {
        return Problem::with_detail(StatusCode::CONFLICT, "signed-in-as-another").into_response();
    }
    next.run(request).await
}

fn is_from_another_user(site: &SiteInfo, request: &Request) -> bool {
    let (Some(sent), Some(account)) =
        (request.headers().get(HEADER), of(request.extensions(), site))
    else {
        return false;
    };
    !request.method().is_safe() && !percent_decode(sent.as_bytes()).eq(account.bytes())
}
