//! Security headers of pages and API responses.

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

/// Allows only Patio's own files, no inline scripts or styles, and no embedding in frames. HTML from a string is
/// only allowed through the one Trusted Types policy that accepts the server's fragments (CSP level 3).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    font-src 'self'; connect-src 'self'; form-action 'self'; object-src 'none'; base-uri 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types patio";

/// Browser features that no page uses.
const PERMISSIONS: &str = "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), \
    geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), \
    publickey-credentials-get=(), serial=(), usb=(), xr-spatial-tracking=()";

/// Adds the headers of HTML pages. A page depends on the user, so only the browser may cache it, and must
/// revalidate it.
pub fn for_pages<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    for_all(router)
        .layer(default(CONTENT_SECURITY_POLICY, POLICY))
        .layer(default(X_FRAME_OPTIONS, "DENY"))
        .layer(default(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        .layer(from_fn(set_cache_control))
}

/// Adds the headers of API responses.
pub fn for_api<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    for_all(router)
        .layer(default(CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"))
        .layer(default(CACHE_CONTROL, "no-store"))
}

/// Sets `Cache-Control`. At sign-out, `Clear-Site-Data` deletes cached pages, but browsers obey it only over
/// HTTPS and on localhost. Everywhere else, pages must not be cached at all.
async fn set_cache_control(client: ClientInfo, request: Request, next: Next) -> Response {
    let is_local = request.extensions().get::<Target>().is_some_and(Target::is_this_machine);
    let mut response = next.run(request).await;
    let policy = if client.https || is_local { "private, no-cache" } else { "private, no-store" };
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static(policy));
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
