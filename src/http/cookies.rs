//! The session cookie. Over HTTPS its name carries the `__Host-` prefix, which binds it to this
//! host and to encryption (RFC 6265bis, section 4.1.3.2).

use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};

use super::language::LANGUAGE_COOKIE;
use super::theme::{THEME_COOKIE, Theme};
use super::{Client, Language};
use crate::chat::accounts::model::Secret;
use crate::kernel::{RoomId, UserId};

/// Browsers keep a cookie for 400 days at most; the server ends a session much earlier.
const KEPT: time::Duration = time::Duration::days(400);

/// The cookie that keeps the last room.
const ROOM_COOKIE: &str = "patio_room";

fn name(client: Client) -> &'static str {
    if client.https { "__Host-patio_session" } else { "patio_session" }
}

/// The secret of the session, as the browser sent it.
pub fn session(jar: &CookieJar, client: Client) -> Option<Secret> {
    jar.get(name(client)).map(|cookie| Secret::new(cookie.value()))
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

/// A cookie that keeps the choice of a language.
pub fn language(language: Language, client: Client) -> Cookie<'static> {
    build(LANGUAGE_COOKIE, language.code().to_owned(), client)
}

/// A cookie that keeps the choice of a theme.
pub fn theme(theme: Theme, client: Client) -> Cookie<'static> {
    build(THEME_COOKIE, theme.word().to_owned(), client)
}

/// The room that this person looked at last in this browser.
pub fn last_room(jar: &CookieJar, me: UserId) -> Option<RoomId> {
    let (user, room) = jar.get(ROOM_COOKIE)?.value().split_once('.')?;
    (user.parse() == Ok(me.0)).then_some(())?;
    room.parse().ok().map(RoomId)
}

/// A cookie that keeps the room somebody looks at. Others who use this browser have their own.
pub fn room(me: UserId, room: RoomId, client: Client) -> Cookie<'static> {
    build(ROOM_COOKIE, format!("{}.{}", me.0, room.0), client)
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
