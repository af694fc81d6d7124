//! What somebody wrote whose session had ended when they sent it: the text comes back. Only for the forms
//! that carry a message, which takes time to write.

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;

use super::kept_form;
use crate::http::{Site, Viewer};

/// Before all handlers, which refuse a stranger without having read the form.
pub(super) async fn give_back(State(site): State<Site>, request: Request, next: Next) -> Response {
    let is_signed_in = request.extensions().get::<Viewer>().is_some();
    if is_signed_in || request.method() != Method::POST {
        return next.run(request).await;
    }
    kept_form::signed_out(&site, request).await
}
