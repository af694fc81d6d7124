//! What every page has: its language, the installation's name, its own address, its assets.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Request};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use jiff::tz::TimeZone;

use crate::http::response::problem::AlreadyRendered;
use crate::http::{AppState, ClientInfo, Language, Problem, Theme, Viewer, cookies, locale};
use crate::kernel::RoomId;
use crate::pages::assets;
use crate::pages::layout::calendar::Calendar;

/// What the layout of a page shows.
pub(in crate::pages) struct Page {
    pub t: Language,
    pub theme: Theme,
    zone: TimeZone,
    pub site: String,
    /// Names the account that is signed in, and the installation: unsent text in the browser belongs to one
    /// account on one of them.
    pub account: Option<String>,
    path: String,
    /// Scheme and host, as people reach this site.
    origin: String,
    /// The query without its language.
    query: Vec<(String, String)>,
    /// The browser's script says by itself what was read: it knows whether anybody looks.
    pub marks_reading: bool,
}

impl Page {
    pub fn calendar(&self) -> Calendar {
        Calendar::new(self.t, self.zone.clone())
    }

    #[expect(clippy::unused_self, reason = "a template has only this value to ask")]
    pub fn asset(&self, name: &str) -> String {
        assets::path(name)
    }

    #[expect(clippy::unused_self, reason = "a template has only this value to ask")]
    pub fn languages(&self) -> &'static [Language] {
        &Language::ALL
    }

    #[expect(clippy::unused_self, reason = "a template has only this value to ask")]
    pub fn themes(&self) -> &'static [Theme] {
        &Theme::ALL
    }

    /// Whether the query has this word.
    pub fn asks(&self, word: &str) -> bool {
        self.query.iter().any(|(key, _)| key == word)
    }

    /// A number that the query has.
    pub fn number(&self, word: &str) -> Option<i64> {
        let (_, value) = self.query.iter().find(|(key, _)| key == word)?;
        value.parse().ok()
    }

    /// This same page in another language.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    pub fn in_language(&self, language: &Language) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("lang", language.code()).extend_pairs(&self.query);
        format!("{}?{}", self.path, query.finish())
    }

    /// A path of ours as a link that leaves the site.
    pub fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// The path of a whole address, if that is one of this site.
    pub fn own<'a>(&self, address: &'a str) -> Option<&'a str> {
        address.strip_prefix(&self.origin)
    }

    /// A page of the gate, which leads on to where one wanted to go.
    pub fn keeping_next(&self, path: &str) -> String {
        match self.next() {
            Some(next) => format!("{path}?next={}", next.encoded()),
            None => path.to_owned(),
        }
    }

    /// Where to go after signing in.
    pub fn next(&self) -> Option<OwnPath> {
        let (_, path) = self.query.iter().find(|(key, _)| key == "next")?;
        OwnPath::parse(path)
    }

    /// Says that the page shown is another than the one asked for.
    pub fn set_path(&mut self, path: String) {
        self.path = path;
    }
}

impl FromRequestParts<AppState> for Page {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &AppState) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        let viewer = parts.extensions.get::<Viewer>();
        let zone = viewer.map(|Viewer(me)| me.zone.clone());
        let founded = site.about.founded.0;
        let account =
            viewer.map(|Viewer(me)| format!("{founded}.{}.{}", me.person.id, me.person.name));
        let kept = form_urlencoded::parse(query).into_owned().filter(|(key, _)| key != "lang");
        Ok(Self {
            t: locale::language_of(parts),
            theme: Theme::of(parts),
            zone: zone.unwrap_or(TimeZone::UTC),
            site: site.about.name.clone(),
            account,
            path: parts.uri.path().to_owned(),
            origin: origin(parts, site),
            query: kept.collect(),
            marks_reading: cookies::marks_reading(parts),
        })
    }
}

/// The public address that the settings name, else the one that this request came by.
fn origin(parts: &Parts, site: &AppState) -> String {
    if let Some(url) = &site.about.base_url {
        return url.origin().to_owned();
    }
    let https = parts.extensions.get::<ClientInfo>().is_some_and(|client| client.https);
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    format!("{}://{host}", if https { "https" } else { "http" })
}

/// A path of this site. Nothing else may be redirected to: a link to us that ends elsewhere
/// would lend our name to whoever made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::pages) struct OwnPath(String);

impl OwnPath {
    pub fn parse(text: &str) -> Option<Self> {
        let elsewhere = text.starts_with("//") || text.contains('\\');
        let plain = text.starts_with('/') && text.chars().all(|c| c.is_ascii_graphic());
        (plain && !elsewhere && text.len() <= 512).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For the query of another address.
    pub fn encoded(&self) -> String {
        form_urlencoded::byte_serialize(self.0.as_bytes()).collect()
    }
}

/// Keeps the language that `?lang=` chose.
pub(in crate::pages) async fn keep_language(
    client: ClientInfo,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let chosen = locale::requested(&parts);
    let response = next.run(Request::from_parts(parts, body)).await;
    match chosen {
        Some(language) => {
            (CookieJar::new().add(locale::cookie(language, client)), response).into_response()
        }
        None => response,
    }
}

/// A template as an answer.
pub(in crate::pages) fn html(template: &impl askama::Template) -> Response {
    match template.render() {
        Ok(text) => ([(CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response(),
        Err(error) => Problem::internal(&error).into_response(),
    }
}

/// A page with a secret on it, or in its address: no browser keeps it, for the way back or for whoever
/// sits there next.
pub(in crate::pages) fn unkept(mut page: Response) -> Response {
    page.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    page
}

/// A page that is an answer although its status is an error's.
pub(in crate::pages) fn again(status: StatusCode, page: Response) -> Response {
    let mut response = (status, page).into_response();
    response.extensions_mut().insert(AlreadyRendered);
    response
}

pub(in crate::pages) fn to_room(room: RoomId) -> Response {
    Redirect::to(&format!("/rooms/{room}")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_paths_are_gone_on_to() {
        for good in ["/", "/rooms/1", "/rooms/1?before=7#m3"] {
            assert!(OwnPath::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "rooms",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a b",
            "/\n",
        ] {
            assert!(OwnPath::parse(bad).is_none(), "{bad:?}");
        }
    }
}
