//! Returns a message that was sent after the session had ended. Only forms with a message are
//! returned, since writing one takes time. A request without a session cookie does not come from a
//! page in use, and is redirected to the login page like any other.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;

use crate::http::site::SiteInfo;
use crate::http::{Viewer, cookies};
use crate::pages::layout::returned_form;

/// Middleware. It runs before the handlers, which refuse an unauthenticated request without reading
/// the form.
pub(in crate::pages) async fn return_text(
    State(site): State<Arc<SiteInfo>>,
    request: Request,
    next: Next,
) -> Response {
    let is_signed_in = request.extensions().get::<Viewer>().is_some();
    if !is_signed_in && request.method() == Method::POST && has_cookie(&request) {
        return returned_form::signed_out(&site, request).await;
    }
    next.run(request).await
}

fn has_cookie(request: &Request) -> bool {
    let client = request.extensions().get().copied();
    let session = client.and_then(|client| cookies::session(request.headers(), client));
    session.is_some_and(|session| !session.is_empty())
}
