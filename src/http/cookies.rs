//! Cookies. Over HTTPS the names of the session and device cookies have the `__Host-` prefix, which binds them
//! to this host and to encryption (RFC 6265bis, section 4.1.3.2).
//!
//! Browsers separate cookies by host, but not by port. If the public address has a port, each name ends with
//! it, so that two installations on one host do not sign each other out.

use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use axum_extra::extract::cookie::{Cookie, SameSite};

use super::ClientInfo;
use crate::chat::accounts::model::BearerSecret;
use crate::kernel::{RoomId, UserId};

/// Browsers keep a cookie for at most 400 days. The server ends a session much earlier.
pub(super) const LIFETIME: Duration = Duration::from_hours(400 * 24);

/// As long as the server keeps a device that it does not see.
const DEVICE_LIFETIME: time::Duration = time::Duration::days(365);

/// The cookie with the last room.
const ROOM_COOKIE: &str = "patio_room";

/// Set by a script (`static/js/room/read-marker.js`) while its live connection works.
const READING_COOKIE: &str = "patio_reading";

/// Set by the sign-in page. If it is missing in the next request, the browser does not keep cookies.
const PROBE_COOKIE: &str = "patio_cookies";

/// Returns the name of a cookie at the public address that the client uses.
fn at(client: ClientInfo, name: &str) -> String {
    client.port.map_or_else(|| name.to_owned(), |port| format!("{name}_{port}"))
}

/// Returns the name of a cookie that is bound to the host and, over HTTPS, to encryption.
fn bound(client: ClientInfo, name: &str) -> String {
    format!("{}{}", if client.https { "__Host-" } else { "" }, at(client, name))
}

/// Returns the value of one of Patio's unbound cookies.
pub(super) fn find<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    value(&parts.headers, &at(ClientInfo::of(parts), name))
}

/// Returns the value of a cookie by its full name, of several the last. None of Patio's values needs an
/// escape. Not with a `CookieJar`, which copies every cookie of the request, and pages read several.
pub(super) fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let cookies = all.flat_map(Cookie::split_parse).filter_map(Result::ok);
    cookies.filter(|cookie| cookie.name() == name).last()?.value_raw()
}

/// Returns the name of the session cookie.
pub(super) fn session_name(client: ClientInfo) -> String {
    bound(client, "patio_session")
}

/// Returns the value of the session cookie.
pub fn session(headers: &HeaderMap, client: ClientInfo) -> Option<&str> {
    value(headers, &session_name(client))
}

/// Builds the removal of the session cookie. It is as `Secure` as the cookie, or browsers would refuse it.
pub(super) fn end_session(client: ClientInfo) -> Cookie<'static> {
    let mut cookie = build(session_name(client), String::new(), client);
    cookie.make_removal();
    cookie
}

/// Returns the secret that identifies a browser, even while no user is signed in with it.
pub fn device(headers: &HeaderMap, client: ClientInfo) -> Option<BearerSecret> {
    value(headers, &bound(client, "patio_device")).map(BearerSecret::new)
}

/// Builds the cookie that identifies a browser. A browser that has signed in before is not locked out when an
/// attacker tries wrong passwords.
pub fn renew_device(secret: &BearerSecret, client: ClientInfo) -> Cookie<'static> {
    let mut cookie =
        build(bound(client, "patio_device"), secret.expose_secret().to_owned(), client);
    cookie.set_max_age(DEVICE_LIFETIME);
    cookie
}

/// Builds the cookie of a preference of this browser.
pub(super) fn preference(name: &str, value: String, client: ClientInfo) -> Cookie<'static> {
    build(at(client, name), value, client)
}

/// Returns the room that the user last opened in this browser.
pub fn last_room(headers: &HeaderMap, me: UserId, client: ClientInfo) -> Option<RoomId> {
    let (user, room) = value(headers, &at(client, ROOM_COOKIE))?.split_once('.')?;
    (user.parse() == Ok(me.0)).then_some(())?;
    room.parse().ok().map(RoomId)
}

/// Builds the cookie with the user's last room. It contains the user id, because several users may share a
/// browser.
pub fn room(me: UserId, room: RoomId, client: ClientInfo) -> Cookie<'static> {
    build(at(client, ROOM_COOKIE), format!("{}.{}", me.0, room.0), client)
}

/// Whether a script in this browser moves the read marker. Then loading a page does not, because the page may
/// be in a background tab.
pub fn marks_reading(parts: &Parts) -> bool {
    find(parts, READING_COOKIE).is_some()
}

/// Builds a cookie that tests whether the browser keeps a session cookie: it is bound in the same way.
pub fn probe(client: ClientInfo) -> Cookie<'static> {
    let mut cookie = build(bound(client, PROBE_COOKIE), "1".to_owned(), client);
    cookie.set_max_age(Option::<time::Duration>::None);
    cookie
}

/// Whether the browser has kept the test cookie.
pub fn has_probe(headers: &HeaderMap, client: ClientInfo) -> bool {
    value(headers, &bound(client, PROBE_COOKIE)).is_some()
}

fn build(name: String, value: String, client: ClientInfo) -> Cookie<'static> {
    Cookie::build((name, value))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(client.https)
        .max_age(time::Duration::try_from(LIFETIME).unwrap_or(time::Duration::MAX))
        .build()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::http::preferences::{Preference, Theme};

    #[test]
    fn a_cookie_is_found_by_its_full_name() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("patio_room=1.2; a=b=c;patio_theme=dark"));
        headers.append(COOKIE, HeaderValue::from_static("other; patio_language = es"));
        let hostile = "twice=first;;=;=x; ;quoted=\"q\"; escaped=%41%ff; twice=second";
        headers.append(COOKIE, HeaderValue::from_static(hostile));
        headers.append(COOKIE, HeaderValue::from_bytes(b"a=\xff").expect("a value"));
        for (name, found) in [
            ("patio_room", Some("1.2")),
            ("a", Some("b=c")),
            ("patio_theme", Some("dark")),
            ("patio_language", Some("es")),
            ("patio", None),
            ("room", None),
            ("other", None),
            ("", None),
            ("quoted", Some("\"q\"")),
            ("escaped", Some("%41%ff")),
            ("twice", Some("second")),
        ] {
            assert_eq!(value(&headers, name), found, "{name}");
        }
        let client = client(false, None);
        assert_eq!(last_room(&headers, UserId(1), client), Some(RoomId(2)));
        assert_eq!(last_room(&headers, UserId(2), client), None, "another user's");
    }

    fn client(https: bool, port: Option<u16>) -> ClientInfo {
        ClientInfo { ip: std::net::Ipv4Addr::LOCALHOST.into(), https, port }
    }

    #[test]
    fn each_installation_uses_only_its_own_cookie_names() {
        let all = [
            (client(false, None), "patio_session", "patio_theme"),
            (client(false, Some(3001)), "patio_session_3001", "patio_theme_3001"),
            (client(true, None), "__Host-patio_session", "patio_theme"),
            (client(true, Some(8443)), "__Host-patio_session_8443", "patio_theme_8443"),
        ];
        for (client, session_name, theme_name) in all {
            assert_eq!(super::session_name(client), session_name);
            assert_eq!(end_session(client).name(), session_name);
            assert_eq!(Theme::Dark.cookie(client).name(), theme_name);
            for (_, sent, _) in all {
                let mut headers = HeaderMap::new();
                headers.append(COOKIE, format!("{sent}=secret").parse().expect("a header"));
                let found = session(&headers, client).is_some();
                assert_eq!(found, sent == session_name, "{sent} for {session_name}");
            }
        }
    }
}
