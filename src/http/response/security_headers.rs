//! Security headers of pages and API responses. A handler that sets one of them itself keeps its own.

use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use crate::http::ClientInfo;
use crate::http::request::partial;
use crate::http::request::target::Target;

/// Allows only Patio's own files, no inline scripts or styles, and no embedding in frames. HTML from a string is
/// only allowed through the one Trusted Types policy that accepts the server's fragments (CSP level 3).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    media-src 'self' blob:; font-src 'self'; connect-src 'self'; form-action 'self'; object-src 'none'; base-uri 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types patio";

/// Browser features that no page uses.
const PERMISSIONS: &str = "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), \
    geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), \
    publickey-credentials-get=(), serial=(), usb=(), xr-spatial-tracking=()";

/// The headers of pages and API responses.
static COMMON: [(HeaderName, HeaderValue); 4] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (HeaderName::from_static("permissions-policy"), HeaderValue::from_static(PERMISSIONS)),
];
static OF_PAGES: [(HeaderName, HeaderValue); 3] = [
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];
static OF_API: [(HeaderName, HeaderValue); 2] = [
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Adds the headers of HTML pages. A page depends on the user, so only the browser may cache it, and must
/// revalidate it. At sign-out, `Clear-Site-Data` deletes cached pages, but browsers obey it only over HTTPS
/// and on localhost. Everywhere else, pages must not be cached at all.
pub async fn of_pages(client: ClientInfo, request: Request, next: Next) -> Response {
    let is_local = request.extensions().get::<Target>().is_some_and(Target::is_this_machine);
    let mut response = next.run(request).await;
    let policy = if client.https || is_local { "private, no-cache" } else { "private, no-store" };
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static(policy));
    headers.append(VARY, HeaderValue::from_static(partial::VARY));
    add_missing(headers, &COMMON);
    add_missing(headers, &OF_PAGES);
    response
}

/// Adds the headers of API responses.
pub async fn of_api(mut response: Response) -> Response {
    add_missing(response.headers_mut(), &COMMON);
    add_missing(response.headers_mut(), &OF_API);
    response
}

fn add_missing(headers: &mut HeaderMap, defaults: &[(HeaderName, HeaderValue)]) {
    for (name, value) in defaults {
        headers.entry(name).or_insert_with(|| value.clone());
    }
}
