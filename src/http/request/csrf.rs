//! Protection against cross-site requests: only Patio's own pages may send changes and open live connections
//! with a cookie.
//!
//! Forms, the API and live connections use the same check. Browsers send `Sec-Fetch-Site` over HTTPS and to
//! localhost; without it, the page's origin is compared with the address of the request.

use std::sync::{Arc, OnceLock};

use axum::extract::{Request, State};
use axum::http::header::{HeaderName, ORIGIN, REFERER};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::config::BaseUrl;
use crate::http::Problem;
use crate::http::request::target::{Match, Target, WebOrigin};
use crate::http::site::SiteInfo;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The page that sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestSource {
    /// A page of this Patio.
    OwnPage,
    /// A page of another site.
    ForeignPage,
    /// A page with this origin, which may be Patio's or not: the proxy hides the address of the request.
    Unclear(String),
    /// Not a browser, or a browser that sends no origin.
    Silent,
}

/// Determines the source of a request from its headers.
pub fn request_source(
    headers: &HeaderMap,
    target: &Target,
    base_url: Option<&BaseUrl>,
) -> RequestSource {
    let site = single(headers, &SEC_FETCH_SITE);
    let origin = single(headers, &ORIGIN);
    // A page without an origin (some policies and old browsers) may still send a referer.
    let page = match origin {
        HeaderValueState::Once("null") | HeaderValueState::Nothing => single(headers, &REFERER),
        given => given,
    };
    let base = base_url.and_then(|url| WebOrigin::parse(url.origin()));
    let page_origin = match page {
        HeaderValueState::Once(text) => WebOrigin::parse(text),
        HeaderValueState::Nothing | HeaderValueState::Unreadable => None,
    };
    let is_same_origin = matches!(site, HeaderValueState::Once("same-origin" | "none"));
    match (page_origin, base) {
        (Some(page), Some(base)) if page == base => RequestSource::OwnPage,
        // The browser reports the same origin, but it is not the configured one.
        (Some(page), Some(_)) if is_same_origin => RequestSource::Unclear(page.to_string()),
        (Some(_), Some(_)) => RequestSource::ForeignPage,
        _ if is_same_origin => RequestSource::OwnPage,
        _ if site != HeaderValueState::Nothing => RequestSource::ForeignPage,
        (Some(page), None) => match target.is(&page) {
            Match::Yes => RequestSource::OwnPage,
            Match::No => RequestSource::ForeignPage,
            Match::Perhaps => RequestSource::Unclear(page.to_string()),
        },
        (None, _) if page == HeaderValueState::Nothing && origin == HeaderValueState::Nothing => {
            RequestSource::Silent
        }
        (None, _) => RequestSource::ForeignPage,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HeaderValueState<'a> {
    Nothing,
    Once(&'a str),
    /// Present more than once, or not text.
    Unreadable,
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> HeaderValueState<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => HeaderValueState::Nothing,
        (Some(value), None) => {
            value.to_str().map_or(HeaderValueState::Unreadable, HeaderValueState::Once)
        }
        _ => HeaderValueState::Unreadable,
    }
}

/// Warnings about the operator's proxy setup. Each is logged once.
#[derive(Default)]
pub struct ProxyWarnings {
    unclear: OnceLock<Unclear>,
    no_cookies: OnceLock<()>,
}

/// A page that was refused because its origin could not be verified.
#[derive(Clone, Debug)]
pub struct Unclear {
    pub page: String,
    pub host: String,
}

impl ProxyWarnings {
    pub fn unclear(&self) -> Option<&Unclear> {
        self.unclear.get()
    }

    /// Logs that a page was refused although it may be Patio's.
    fn refused(&self, page: &str, target: &Target) {
        self.unclear.get_or_init(|| {
            let host = target.host.as_ref().map_or_else(String::new, ToString::to_string);
            tracing::warn!(
                "refused a request from {page}: the proxy calls this server {host:?}; set BASE_URL to \
                 the public address, or let the proxy pass it on as Host"
            );
            Unclear { page: page.to_owned(), host }
        });
    }

    /// Logs that a browser did not keep the cookie of the sign-in.
    pub fn kept_no_cookie(&self, target: &Target, base_url: Option<&BaseUrl>) {
        self.no_cookies.get_or_init(|| {
            let host = target.host.as_ref().map_or_else(String::new, ToString::to_string);
            let public = base_url.map_or("not set", BaseUrl::origin);
            tracing::warn!(
                "a browser at {host:?} did not keep its cookie, so it cannot sign in: BASE_URL is \
                 {public}, and browsers drop https cookies over http"
            );
        });
    }
}

/// Middleware against cross-site request forgery: refuses changes that a page of another site sent with the
/// user's cookies. A request with neither site nor origin is not from a browser, and passes.
pub async fn guard(
    State(site): State<Arc<SiteInfo>>,
    State(warnings): State<Arc<ProxyWarnings>>,
    request: Request,
    next: Next,
) -> Response {
    let safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    if safe {
        return next.run(request).await;
    }
    let target = request.extensions().get();
    match of_request(&site, &warnings, request.headers(), target) {
        RequestSource::OwnPage | RequestSource::Silent => next.run(request).await,
        other => refuse(&other).into_response(),
    }
}

/// Checks that one of Patio's pages opened a WebSocket that a cookie authenticates. Browsers let any page open
/// a WebSocket to any site, with that site's cookies, but always send the origin (RFC 6455, section 10.2).
///
/// # Errors
/// 403 for every other source.
pub fn own_page(
    site: &SiteInfo,
    warnings: &ProxyWarnings,
    headers: &HeaderMap,
    target: Option<&Target>,
) -> Result<(), Problem> {
    match of_request(site, warnings, headers, target) {
        RequestSource::OwnPage if headers.contains_key(ORIGIN) => Ok(()),
        other => Err(refuse(&other)),
    }
}

fn of_request(
    site: &SiteInfo,
    warnings: &ProxyWarnings,
    headers: &HeaderMap,
    target: Option<&Target>,
) -> RequestSource {
    let unknown = Target::default();
    let target = target.unwrap_or(&unknown);
    let source = request_source(headers, target, site.base_url.as_ref());
    if let RequestSource::Unclear(page) = &source {
        warnings.refused(page, target);
    }
    source
}

fn refuse(source: &RequestSource) -> Problem {
    let unclear = matches!(source, RequestSource::Unclear(_));
    Problem::with_detail(StatusCode::FORBIDDEN, if unclear { "unclear-site" } else { "cross-site" })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use axum::http::header::HOST;

    use super::*;
    use crate::http::request::target::Proxy;

    /// How requests reach the server: directly or through a proxy.
    #[derive(Clone, Copy)]
    struct Setup {
        host: &'static str,
        proxy: Proxy,
        https: Option<bool>,
        has_forwarded_host: bool,
        base: Option<&'static str>,
    }

    const DIRECT: Setup = Setup {
        host: "nas:3000",
        proxy: Proxy::None,
        https: None,
        has_forwarded_host: false,
        base: None,
    };
    const TLS: Setup = Setup {
        host: "chat.example.org",
        proxy: Proxy::Speaks,
        https: Some(true),
        has_forwarded_host: false,
        base: None,
    };
    /// A proxy that adds no headers.
    const SILENT: Setup = Setup { proxy: Proxy::Silent, https: None, ..TLS };
    /// A proxy that does not send the scheme.
    const MUTE: Setup = Setup { https: None, ..TLS };
    /// A proxy that puts its internal name of the server into `Host`.
    const HIDDEN: Setup = Setup { host: "127.0.0.1:3000", ..TLS };
    const BASED: Setup = Setup { base: Some("https://chat.example.org"), ..TLS };

    fn source_of(way: Setup, headers_sent: &[(&'static str, &str)]) -> RequestSource {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static(way.host));
        for (name, value) in headers_sent {
            headers.append(HeaderName::from_static(name), value.parse().expect("a value"));
        }
        let target = Target::read(&headers, way.proxy, way.https, way.has_forwarded_host);
        request_source(&headers, &target, way.base.map(|url| url.parse().expect("a URL")).as_ref())
    }

    fn with_origin(way: Setup, origin: &str) -> RequestSource {
        source_of(way, &[("origin", origin)])
    }

    #[test]
    fn equivalent_origins_are_the_same() {
        for (way, origin) in [
            (DIRECT, "http://nas:3000"),
            (DIRECT, "http://NAS:3000"),
            (Setup { host: "Nas.:3000", ..DIRECT }, "http://nas:3000"),
            (Setup { host: "nas", ..DIRECT }, "http://nas:80"),
            (Setup { host: "nas:80", ..DIRECT }, "http://nas"),
            (Setup { host: "[::1]:3000", ..DIRECT }, "http://[::1]:3000"),
            (TLS, "https://chat.example.org"),
            (TLS, "https://chat.example.org:443"),
            (TLS, "https://Chat.Example.org."),
            (Setup { host: "chat.example.org:443", ..TLS }, "https://chat.example.org"),
            (Setup { host: "chat.example.org:8443", ..TLS }, "https://chat.example.org:8443"),
            (
                Setup { host: "10.0.0.7:8443", has_forwarded_host: true, ..TLS },
                "https://10.0.0.7:8443",
            ),
            (MUTE, "https://chat.example.org"),
            (Setup { host: "chat.example.org:8443", ..MUTE }, "https://chat.example.org:8443"),
            (MUTE, "http://chat.example.org"),
            (BASED, "https://chat.example.org"),
            (Setup { host: "127.0.0.1:3000", ..BASED }, "https://chat.example.org:443"),
        ] {
            assert_eq!(with_origin(way, origin), RequestSource::OwnPage, "{} {origin}", way.host);
        }
    }

    #[test]
    fn a_foreign_page_is_refused_in_every_setup() {
        for way in [DIRECT, TLS, MUTE, SILENT, BASED] {
            for origin in [
                "https://evil.example",
                "http://evil.example:3000",
                "https://chat.example.org.evil.example",
                "https://chat.example.org@evil.example",
                "https://nas:3000",
                "http://nas:3001",
                "ftp://chat.example.org",
                "null",
                "",
                "chat.example.org",
            ] {
                assert_eq!(
                    with_origin(way, origin),
                    RequestSource::ForeignPage,
                    "{} {origin}",
                    way.host
                );
            }
        }
        for way in [TLS, BASED] {
            assert_eq!(
                with_origin(way, "http://chat.example.org"),
                RequestSource::ForeignPage,
                "scheme"
            );
        }
        let lan = Setup { host: "192.168.1.7:3000", ..DIRECT };
        assert_eq!(with_origin(lan, "http://192.168.1.8:3000"), RequestSource::ForeignPage);
        let twice = [("origin", "https://chat.example.org"), ("origin", "https://evil.example")];
        assert_eq!(source_of(TLS, &twice), RequestSource::ForeignPage);
        assert_ne!(with_origin(HIDDEN, "https://evil.example"), RequestSource::OwnPage);
    }

    #[test]
    fn behind_a_silent_proxy_scheme_and_port_are_unclear() {
        for page in [
            "https://chat.example.org",
            "https://chat.example.org:8443",
            "http://chat.example.org:3000",
        ] {
            assert_eq!(with_origin(SILENT, page), RequestSource::Unclear(page.to_owned()));
            let untrusted = Setup { proxy: Proxy::None, ..SILENT };
            assert_eq!(with_origin(untrusted, page), RequestSource::ForeignPage, "{page}");
        }
        assert_eq!(with_origin(SILENT, "http://chat.example.org"), RequestSource::OwnPage);
        let named = Setup { host: "chat.example.org:80", ..SILENT };
        assert_eq!(with_origin(named, "http://chat.example.org:3000"), RequestSource::ForeignPage);
    }

    #[test]
    fn an_unreadable_host_never_matches() {
        for host in ["chat.example.org@evil.example", "evil.example/", "evil example", ""] {
            for way in [DIRECT, TLS, MUTE, SILENT] {
                let way = Setup { host, ..way };
                let page = "https://chat.example.org";
                assert_eq!(with_origin(way, page), RequestSource::ForeignPage, "{host}");
            }
        }
    }

    #[test]
    fn a_hidden_host_is_unclear() {
        let page = "https://chat.example.org:8443";
        for way in [TLS, MUTE, HIDDEN, Setup { host: "patio:3000", ..TLS }] {
            assert_eq!(
                with_origin(way, page),
                RequestSource::Unclear(page.to_owned()),
                "{}",
                way.host
            );
            // `Sec-Fetch-Site` decides if the browser sends it.
            let same_origin = [("origin", page), ("sec-fetch-site", "same-origin")];
            assert_eq!(source_of(way, &same_origin), RequestSource::OwnPage, "{}", way.host);
            let foreign = [("origin", page), ("sec-fetch-site", "same-site")];
            assert_eq!(source_of(way, &foreign), RequestSource::ForeignPage, "{}", way.host);
        }
        let elsewhere = [("origin", page), ("sec-fetch-site", "same-origin")];
        assert_eq!(source_of(BASED, &elsewhere), RequestSource::Unclear(page.to_owned()));
    }

    #[test]
    fn sec_fetch_site_decides_if_it_is_present() {
        for way in [DIRECT, TLS, MUTE, HIDDEN, BASED] {
            for (headers_sent, expected) in [
                (&[("sec-fetch-site", "same-origin")][..], RequestSource::OwnPage),
                (&[("sec-fetch-site", "none")], RequestSource::OwnPage),
                (&[("sec-fetch-site", "same-site")], RequestSource::ForeignPage),
                (&[("sec-fetch-site", "cross-site")], RequestSource::ForeignPage),
                (&[("sec-fetch-site", "odd")], RequestSource::ForeignPage),
                (&[("sec-fetch-site", "same-origin"), ("origin", "null")], RequestSource::OwnPage),
                (
                    &[("sec-fetch-site", "cross-site"), ("origin", "null")],
                    RequestSource::ForeignPage,
                ),
                (&[], RequestSource::Silent),
            ] {
                assert_eq!(source_of(way, headers_sent), expected, "{} {headers_sent:?}", way.host);
            }
        }
    }

    #[test]
    fn without_an_origin_the_referer_is_used() {
        for (headers_sent, expected) in [
            (
                &[("origin", "null"), ("referer", "http://nas:3000/rooms/1")][..],
                RequestSource::OwnPage,
            ),
            (&[("referer", "http://nas:3000/login?next=/")], RequestSource::OwnPage),
            (
                &[("origin", "null"), ("referer", "http://evil.example/")],
                RequestSource::ForeignPage,
            ),
            (&[("referer", "http://evil.example/http://nas:3000/")], RequestSource::ForeignPage),
            (&[("referer", "http://nas:3000@evil.example/")], RequestSource::ForeignPage),
            (
                &[("origin", "http://evil.example"), ("referer", "http://nas:3000/")],
                RequestSource::ForeignPage,
            ),
        ] {
            assert_eq!(source_of(DIRECT, headers_sent), expected, "{headers_sent:?}");
        }
    }
}
