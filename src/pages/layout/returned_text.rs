//! What somebody wrote whose session had ended when they sent it: the text comes back. Only for the forms
//! that carry a message, which takes time to write. A request without a session's cookie comes from no page
//! of ours that is still in use, and is sent to the sign-in form like every other.

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;

use crate::http::{AppState, Viewer, cookies};
use crate::pages::layout::returned_form;

/// Before all handlers, which refuse a stranger without having read the form.
pub(in crate::pages) async fn return_text(
    State(site): State<AppState>,
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
    let secret = client.and_then(|client| cookies::session(request.headers(), client));
    secret.is_some_and(|secret| !secret.expose_secret().is_empty())
}
