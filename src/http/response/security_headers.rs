//! The headers that every answer of a kind carries.

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::http::ClientInfo;
use crate::http::request::target::Target;

/// Nothing but our own files; no inline script or style; no page of ours in another's frame; HTML
/// from a string only through the one policy that takes our own server's fragments (CSP level 3,
/// Trusted Types).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    font-src 'self'; connect-src 'self'; form-action 'self'; object-src 'none'; base-uri 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types patio";

/// What no page here asks a browser for.
const PERMISSIONS: &str = "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), \
    geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), \
    publickey-credentials-get=(), serial=(), usb=(), xr-spatial-tracking=()";

/// For HTML. Pages depend on who looks: only that browser keeps them, and asks before showing.
pub fn for_pages<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    for_all(router)
        .layer(default(CONTENT_SECURITY_POLICY, POLICY))
        .layer(default(X_FRAME_OPTIONS, "DENY"))
        .layer(default(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        .layer(from_fn(keep))
}

/// For JSON.
pub fn for_api<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    for_all(router)
        .layer(default(CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"))
        .layer(default(CACHE_CONTROL, "no-store"))
}

/// Browsers forget pages when somebody signs out (`Clear-Site-Data`), but listen to that only where
/// nobody in between can have said it. Elsewhere they keep none.
async fn keep(client: ClientInfo, request: Request, next: Next) -> Response {
    let here = request.extensions().get::<Target>().is_some_and(Target::is_this_machine);
    let mut response = next.run(request).await;
    let kept = if client.https || here { "private, no-cache" } else { "private, no-store" };
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static(kept));
    response
}

fn for_all<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router
        .layer(default(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(default(REFERRER_POLICY, "same-origin"))
        .layer(default(HeaderName::from_static("cross-origin-resource-policy"), "same-origin"))
        .layer(default(HeaderName::from_static("permissions-policy"), PERMISSIONS))
}

fn default(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}
