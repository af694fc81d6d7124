//! The headers that every answer of a kind carries.

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use tower_http::set_header::SetResponseHeaderLayer;

/// Nothing but our own files; no inline script or style; no page of ours in another's frame; HTML
/// from a string only through the one policy that takes our own server's fragments (CSP level 3,
/// Trusted Types).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    font-src 'self'; connect-src 'self'; form-action 'self'; object-src 'none'; base-uri 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types patio";

/// For HTML. Pages depend on who looks: only that browser keeps them, and asks before showing.
pub fn for_pages<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    for_all(router)
        .layer(default(CONTENT_SECURITY_POLICY, POLICY))
        .layer(default(X_FRAME_OPTIONS, "DENY"))
        .layer(default(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        .layer(default(CACHE_CONTROL, "private, no-cache"))
}

/// For JSON.
pub fn for_api<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    for_all(router)
        .layer(default(CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"))
        .layer(default(CACHE_CONTROL, "no-store"))
}

fn for_all<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router
        .layer(default(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(default(REFERRER_POLICY, "same-origin"))
}

fn default(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}
