//! Cookies. That of the session comes first: over HTTPS its name carries the `__Host-` prefix, which binds it to this
//! host and to encryption (RFC 6265bis, section 4.1.3.2).

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use axum_extra::extract::cookie::{Cookie, SameSite};

use super::language::LANGUAGE_COOKIE;
use super::theme::{THEME_COOKIE, Theme};
use super::{Client, Language};
use crate::chat::accounts::model::Secret;
use crate::kernel::{RoomId, UserId};

/// Browsers keep a cookie for 400 days at most; the server ends a session much earlier.
const KEPT: time::Duration = time::Duration::days(400);

/// As long as the server knows it without seeing it.
const DEVICE_KEPT: time::Duration = time::Duration::days(365);

/// The cookie that keeps the last room.
const ROOM_COOKIE: &str = "patio_room";

/// Set by the script of the pages (`static/js/reading.js`) while its live connection works.
const READING_COOKIE: &str = "patio_reading";

fn name(client: Client) -> &'static str {
    if client.https { "__Host-patio_session" } else { "patio_session" }
}

/// The value of a cookie, as the browser sent it. None of ours needs an escape.
pub(super) fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let pairs = all.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.filter(|(found, _)| found.trim() == name).map(|(_, value)| value.trim()).next_back()
}

/// The secret of the session.
pub fn session(headers: &HeaderMap, client: Client) -> Option<Secret> {
    value(headers, name(client)).map(Secret::new)
}

/// A cookie that signs the browser in.
pub fn sign_in(secret: &Secret, client: Client) -> Cookie<'static> {
    build(name(client), secret.reveal().to_owned(), client)
}

/// A cookie that signs the browser out.
pub fn sign_out(client: Client) -> Cookie<'static> {
    let mut cookie = build(name(client), String::new(), client);
    cookie.make_removal();
    cookie
}

/// The secret by which a browser is known again, also when nobody is signed in with it.
pub fn device(headers: &HeaderMap, client: Client) -> Option<Secret> {
    value(headers, device_name(client)).map(Secret::new)
}

/// A cookie by which the browser is known again: wrong passwords of others do not keep it out.
pub fn know_again(secret: &Secret, client: Client) -> Cookie<'static> {
    let mut cookie = build(device_name(client), secret.reveal().to_owned(), client);
    cookie.set_max_age(DEVICE_KEPT);
    cookie
}

fn device_name(client: Client) -> &'static str {
    if client.https { "__Host-patio_device" } else { "patio_device" }
}

/// A cookie that keeps the choice of a language.
pub fn language(language: Language, client: Client) -> Cookie<'static> {
    build(LANGUAGE_COOKIE, language.code().to_owned(), client)
}

/// A cookie that keeps the choice of a theme.
pub fn theme(theme: Theme, client: Client) -> Cookie<'static> {
    build(THEME_COOKIE, theme.word().to_owned(), client)
}

/// The room that this person looked at last in this browser.
pub fn last_room(headers: &HeaderMap, me: UserId) -> Option<RoomId> {
    let (user, room) = value(headers, ROOM_COOKIE)?.split_once('.')?;
    (user.parse() == Ok(me.0)).then_some(())?;
    room.parse().ok().map(RoomId)
}

/// A cookie that keeps the room somebody looks at. Others who use this browser have their own.
pub fn room(me: UserId, room: RoomId, client: Client) -> Cookie<'static> {
    build(ROOM_COOKIE, format!("{}.{}", me.0, room.0), client)
}

/// Whether a script in this browser tells what was read, so that loading a page in a tab which
/// nobody looks at does not.
pub fn marks_reading(headers: &HeaderMap) -> bool {
    value(headers, READING_COOKIE).is_some()
}

fn build(name: &'static str, value: String, client: Client) -> Cookie<'static> {
    Cookie::build((name, value))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(client.https)
        .max_age(KEPT)
        .build()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("patio_room=1.2; a=b=c;patio_theme=dark"));
        headers.append(COOKIE, HeaderValue::from_static("other; patio_language = es"));
        for (name, found) in [
            ("patio_room", Some("1.2")),
            ("a", Some("b=c")),
            ("patio_theme", Some("dark")),
            ("patio_language", Some("es")),
            ("patio", None),
            ("room", None),
            ("other", None),
        ] {
            assert_eq!(value(&headers, name), found, "{name}");
        }
        assert_eq!(last_room(&headers, UserId(1)), Some(RoomId(2)));
        assert_eq!(last_room(&headers, UserId(2)), None, "somebody else's");
    }
}
