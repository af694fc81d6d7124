//! Changes and sockets from our own pages only: `Sec-Fetch-Site` where the browser sends it, else
//! `Origin` against the host that was asked (the scheme of Go 1.25's `CrossOriginProtection`).

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tower_http::csrf::{CsrfLayer, ProtectionError};

use super::Problem;
use crate::config::BaseUrl;

/// How a refused change is answered.
type Refusal = fn(ProtectionError) -> Response;

/// Refuses changes that another site's page sent with our visitor's cookies. A request that
/// names neither site nor origin is no browser's and passes.
pub fn guard(base_url: Option<&BaseUrl>) -> CsrfLayer<Refusal> {
    let refuse: Refusal = |_| Problem::saying(StatusCode::FORBIDDEN, "cross-site").into_response();
    let layer = CsrfLayer::new();
    let layer = match base_url {
        // A base URL is an origin by its type, so it is never refused here.
        Some(url) => layer.clone().add_trusted_origin(url.origin()).unwrap_or(layer),
        None => layer,
    };
    layer.with_rejection_response(refuse)
}

/// Whether a socket that a cookie signs in was opened by one of our own pages: browsers open
/// sockets to any site, with its cookies, and always name the origin (RFC 6455, section 10.2).
pub fn is_own_page(headers: &HeaderMap, base_url: Option<&BaseUrl>) -> bool {
    let Some(origin) = headers.get(ORIGIN).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let host = headers.get(HOST).and_then(|value| value.to_str().ok());
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let same_host = authority.is_some() && authority == host;
    same_host || base_url.is_some_and(|url| url.origin() == origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(origin: Option<&str>, host: &str, base: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().expect("host"));
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().expect("origin"));
        }
        is_own_page(&headers, base.map(|url| url.parse().expect("url")).as_ref())
    }

    #[test]
    fn a_socket_with_a_cookie_must_come_from_our_own_page() {
        assert!(own(Some("http://localhost:3000"), "localhost:3000", None));
        assert!(own(
            Some("https://chat.example.org"),
            "127.0.0.1:3000",
            Some("https://chat.example.org")
        ));
        assert!(!own(Some("https://evil.example"), "chat.example.org", None));
        assert!(!own(Some("http://localhost:3001"), "localhost:3000", None));
        assert!(!own(Some("null"), "localhost:3000", None));
        assert!(!own(None, "localhost:3000", None));
    }
}
