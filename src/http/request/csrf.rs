//! Changes and sockets from our own pages only.
//!
//! One question for forms, the API and the live connection: does a page of ours send this? Browsers say
//! so in `Sec-Fetch-Site` (over HTTPS and on this machine), else the page's origin is compared with the
//! address that was asked for.

use std::sync::OnceLock;

use axum::extract::{Request, State};
use axum::http::header::{HeaderName, ORIGIN, REFERER};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::config::BaseUrl;
use crate::http::request::target::{Match, Target, WebOrigin};
use crate::http::{AppState, Problem};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Who sends a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestSource {
    /// A page of ours.
    OwnPage,
    /// A page of another site.
    ForeignPage,
    /// A page of this address, which is ours or not: the proxy hides what would tell.
    Unclear(String),
    /// No browser, or one that says nothing.
    Silent,
}

/// What the headers of a request say about its sender.
pub fn request_source(
    headers: &HeaderMap,
    target: &Target,
    base_url: Option<&BaseUrl>,
) -> RequestSource {
    let site = single(headers, &SEC_FETCH_SITE);
    let origin = single(headers, &ORIGIN);
    // A page that shows no origin (some policies and old browsers) may still show where it is.
    let page = match origin {
        HeaderValueState::Once("null") | HeaderValueState::Nothing => single(headers, &REFERER),
        said => said,
    };
    let base = base_url.and_then(|url| WebOrigin::parse(url.origin()));
    let named = match page {
        HeaderValueState::Once(text) => WebOrigin::parse(text),
        HeaderValueState::Nothing | HeaderValueState::Unreadable => None,
    };
    let vouched = matches!(site, HeaderValueState::Once("same-origin" | "none"));
    match (named, base) {
        (Some(page), Some(base)) if page == base => RequestSource::OwnPage,
        // Same origin, and yet another than the settings name.
        (Some(page), Some(_)) if vouched => RequestSource::Unclear(page.to_string()),
        (Some(_), Some(_)) => RequestSource::ForeignPage,
        _ if vouched => RequestSource::OwnPage,
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
    /// Twice, or in no text.
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

/// What operators have to know about the way to this server; each is logged once.
#[derive(Default)]
pub struct UnclearWarnings {
    unclear: OnceLock<Unclear>,
    no_cookies: OnceLock<()>,
}

/// A page that was refused since it may be another's.
#[derive(Clone, Debug)]
pub struct Unclear {
    pub page: String,
    pub host: String,
}

impl UnclearWarnings {
    pub fn unclear(&self) -> Option<&Unclear> {
        self.unclear.get()
    }

    /// A page was refused, although it may be ours.
    fn refused(&self, page: &str, target: &Target) {
        self.unclear.get_or_init(|| {
            let host = target.host.as_ref().map_or_else(String::new, ToString::to_string);
            tracing::warn!(
                "a page of {page} was refused: this server was asked for as {host:?}; set BASE_URL to \
                 the public address, or let the proxy pass it on as Host"
            );
            Unclear { page: page.to_owned(), host }
        });
    }

    /// A browser came back from signing in without its cookie.
    pub fn kept_no_cookie(&self, target: &Target, base_url: Option<&BaseUrl>) {
        self.no_cookies.get_or_init(|| {
            let host = target.host.as_ref().map_or_else(String::new, ToString::to_string);
            let public = base_url.map_or("not set", BaseUrl::origin);
            tracing::warn!(
                "a browser at {host:?} kept no cookie, so nobody can sign in with it: BASE_URL is \
                 {public}, and cookies of https addresses are not kept over http"
            );
        });
    }
}

/// Refuses changes that another site's page sent with our visitor's cookies. What names neither site
/// nor origin is no browser's and passes.
pub async fn guard(State(site): State<AppState>, request: Request, next: Next) -> Response {
    let safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    if safe {
        return next.run(request).await;
    }
    match of_request(&site, request.headers(), request.extensions().get()) {
        RequestSource::OwnPage | RequestSource::Silent => next.run(request).await,
        other => refuse(&other).into_response(),
    }
}

/// Whether a socket that a cookie signs in was opened by one of our own pages: browsers open sockets to
/// any site, with its cookies, and always name the origin (RFC 6455, section 10.2).
///
/// # Errors
/// 403 for every other sender.
pub fn own_page(
    site: &AppState,
    headers: &HeaderMap,
    target: Option<&Target>,
) -> Result<(), Problem> {
    match of_request(site, headers, target) {
        RequestSource::OwnPage if headers.contains_key(ORIGIN) => Ok(()),
        other => Err(refuse(&other)),
    }
}

fn of_request(site: &AppState, headers: &HeaderMap, target: Option<&Target>) -> RequestSource {
    let nowhere = Target::default();
    let target = target.unwrap_or(&nowhere);
    let sender = request_source(headers, target, site.about.base_url.as_ref());
    if let RequestSource::Unclear(page) = &sender {
        site.notices.refused(page, target);
    }
    sender
}

fn refuse(sender: &RequestSource) -> Problem {
    let unclear = matches!(sender, RequestSource::Unclear(_));
    Problem::with_detail(StatusCode::FORBIDDEN, if unclear { "unclear-site" } else { "cross-site" })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use axum::http::header::HOST;

    use super::*;
    use crate::http::request::target::Proxy;

    /// What the way to the server looks like.
    #[derive(Clone, Copy)]
    struct Way {
        host: &'static str,
        proxy: Proxy,
        https: Option<bool>,
        told_host: bool,
        base: Option<&'static str>,
    }

    const DIRECT: Way =
        Way { host: "nas:3000", proxy: Proxy::None, https: None, told_host: false, base: None };
    const TLS: Way = Way {
        host: "chat.example.org",
        proxy: Proxy::Speaks,
        https: Some(true),
        told_host: false,
        base: None,
    };
    /// One that adds nothing to a request.
    const SILENT: Way = Way { proxy: Proxy::Silent, https: None, ..TLS };
    /// A proxy that says nothing of the scheme.
    const MUTE: Way = Way { https: None, ..TLS };
    /// One that leaves its own name for us in the request.
    const HIDDEN: Way = Way { host: "127.0.0.1:3000", ..TLS };
    const BASED: Way = Way { base: Some("https://chat.example.org"), ..TLS };

    fn judge(way: Way, said: &[(&'static str, &str)]) -> RequestSource {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static(way.host));
        for (name, value) in said {
            headers.append(HeaderName::from_static(name), value.parse().expect("a value"));
        }
        let target = Target::read(&headers, way.proxy, way.https, way.told_host);
        request_source(&headers, &target, way.base.map(|url| url.parse().expect("a URL")).as_ref())
    }

    fn with_origin(way: Way, origin: &str) -> RequestSource {
        judge(way, &[("origin", origin)])
    }

    #[test]
    fn two_ways_to_write_an_origin_are_one() {
        for (way, origin) in [
            (DIRECT, "http://nas:3000"),
            (DIRECT, "http://NAS:3000"),
            (Way { host: "Nas.:3000", ..DIRECT }, "http://nas:3000"),
            (Way { host: "nas", ..DIRECT }, "http://nas:80"),
            (Way { host: "nas:80", ..DIRECT }, "http://nas"),
            (Way { host: "[::1]:3000", ..DIRECT }, "http://[::1]:3000"),
            (TLS, "https://chat.example.org"),
            (TLS, "https://chat.example.org:443"),
            (TLS, "https://Chat.Example.org."),
            (Way { host: "chat.example.org:443", ..TLS }, "https://chat.example.org"),
            (Way { host: "chat.example.org:8443", ..TLS }, "https://chat.example.org:8443"),
            (Way { host: "10.0.0.7:8443", told_host: true, ..TLS }, "https://10.0.0.7:8443"),
            (MUTE, "https://chat.example.org"),
            (Way { host: "chat.example.org:8443", ..MUTE }, "https://chat.example.org:8443"),
            (MUTE, "http://chat.example.org"),
            (BASED, "https://chat.example.org"),
            (Way { host: "127.0.0.1:3000", ..BASED }, "https://chat.example.org:443"),
        ] {
            assert_eq!(with_origin(way, origin), RequestSource::OwnPage, "{} {origin}", way.host);
        }
    }

    #[test]
    fn a_foreign_page_is_foreign_in_every_set_up() {
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
        let lan = Way { host: "192.168.1.7:3000", ..DIRECT };
        assert_eq!(with_origin(lan, "http://192.168.1.8:3000"), RequestSource::ForeignPage);
        let twice = [("origin", "https://chat.example.org"), ("origin", "https://evil.example")];
        assert_eq!(judge(TLS, &twice), RequestSource::ForeignPage);
        assert_ne!(with_origin(HIDDEN, "https://evil.example"), RequestSource::OwnPage);
    }

    #[test]
    fn where_a_proxy_may_stand_that_says_nothing_scheme_and_port_are_unclear() {
        for page in [
            "https://chat.example.org",
            "https://chat.example.org:8443",
            "http://chat.example.org:3000",
        ] {
            assert_eq!(with_origin(SILENT, page), RequestSource::Unclear(page.to_owned()));
            let nobody = Way { proxy: Proxy::None, ..SILENT };
            assert_eq!(with_origin(nobody, page), RequestSource::ForeignPage, "{page}");
        }
        assert_eq!(with_origin(SILENT, "http://chat.example.org"), RequestSource::OwnPage);
        let named = Way { host: "chat.example.org:80", ..SILENT };
        assert_eq!(with_origin(named, "http://chat.example.org:3000"), RequestSource::ForeignPage);
    }

    #[test]
    fn a_name_that_nobody_can_read_is_no_name_of_ours() {
        for host in ["chat.example.org@evil.example", "evil.example/", "evil example", ""] {
            for way in [DIRECT, TLS, MUTE, SILENT] {
                let way = Way { host, ..way };
                let page = "https://chat.example.org";
                assert_eq!(with_origin(way, page), RequestSource::ForeignPage, "{host}");
            }
        }
    }

    #[test]
    fn where_the_proxy_hides_what_would_tell_it_is_unclear() {
        let page = "https://chat.example.org:8443";
        for way in [TLS, MUTE, HIDDEN, Way { host: "patio:3000", ..TLS }] {
            assert_eq!(
                with_origin(way, page),
                RequestSource::Unclear(page.to_owned()),
                "{}",
                way.host
            );
            // The browser itself may know.
            let vouched = [("origin", page), ("sec-fetch-site", "same-origin")];
            assert_eq!(judge(way, &vouched), RequestSource::OwnPage, "{}", way.host);
            let foreign = [("origin", page), ("sec-fetch-site", "same-site")];
            assert_eq!(judge(way, &foreign), RequestSource::ForeignPage, "{}", way.host);
        }
        let elsewhere = [("origin", page), ("sec-fetch-site", "same-origin")];
        assert_eq!(judge(BASED, &elsewhere), RequestSource::Unclear(page.to_owned()));
    }

    #[test]
    fn what_the_browser_says_of_the_site_decides_where_it_says_it() {
        for way in [DIRECT, TLS, MUTE, HIDDEN, BASED] {
            for (said, expected) in [
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
                assert_eq!(judge(way, said), expected, "{} {said:?}", way.host);
            }
        }
    }

    #[test]
    fn a_form_without_an_origin_shows_its_page() {
        for (said, expected) in [
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
            assert_eq!(judge(DIRECT, said), expected, "{said:?}");
        }
    }
}
