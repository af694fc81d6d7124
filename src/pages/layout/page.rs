//! What every page needs: language, installation name, its own URL, assets.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use jiff::tz::TimeZone;

use crate::http::preferences::{Density, LetterKeys, Preference, Theme};
use crate::http::request::account;
use crate::http::request::partial::{self, Part};
use crate::http::response::problem::AlreadyRendered;
use crate::http::site::SiteInfo;
use crate::http::{AppState, ClientInfo, Language, Problem, Viewer, cookies, locale};
use crate::kernel::RoomId;
use crate::pages::assets;
use crate::pages::layout::calendar::Calendar;

/// The data of the layout template.
pub(in crate::pages) struct Page {
    pub t: Language,
    pub theme: Theme,
    pub density: Density,
    pub letter_keys: LetterKeys,
    zone: TimeZone,
    pub site: String,
    /// Identifies the signed-in user and the installation. The browser stores drafts under this
    /// key, so that they never appear for another user or in another installation on the same
    /// origin.
    pub account: Option<String>,
    path: String,
    /// The public scheme and host.
    origin: String,
    /// The query parameters without `lang`.
    query: Vec<(String, String)>,
    /// The browser's script marks messages as read, because it knows whether the page is visible.
    /// The server then does not.
    pub marks_reading: bool,
    /// The page on screen keeps its sidebar, so this one needs no rooms.
    pub has_live_sidebar: bool,
    /// A script asks only for this part.
    part: Option<Part>,
}

impl Page {
    /// `parts` are those of the request.
    pub fn new(parts: &Parts, site: &SiteInfo) -> Self {
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        let viewer = parts.extensions.get::<Viewer>();
        let zone = viewer.map(|Viewer(me)| me.zone.clone());
        let kept = form_urlencoded::parse(query).into_owned().filter(|(key, _)| key != "lang");
        Self {
            t: locale::language_of(parts),
            theme: Theme::of(parts),
            density: Density::of(parts),
            letter_keys: LetterKeys::of(parts),
            zone: zone.unwrap_or(TimeZone::UTC),
            site: site.name.clone(),
            account: account::of(&parts.extensions, site),
            path: parts.uri.path().to_owned(),
            origin: origin(parts, site),
            query: kept.collect(),
            marks_reading: cookies::marks_reading(parts),
            has_live_sidebar: partial::has_live_sidebar(&parts.headers),
            part: partial::part(&parts.headers),
        }
    }

    /// Whether a script asks only for this part.
    pub fn wants(&self, part: Part) -> bool {
        self.part == Some(part)
    }

    pub fn path(&self) -> &str {
        &self.path
    }

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

    /// The color scheme, if the user chose one.
    pub fn scheme(&self) -> Option<&'static str> {
        self.theme.attribute()
    }

    /// The density, unless it is the usual one.
    pub fn density(&self) -> Option<&'static str> {
        self.density.attribute()
    }

    /// What single letters do, unless they are shortcuts as usual.
    pub fn letter_keys(&self) -> Option<&'static str> {
        self.letter_keys.attribute()
    }

    /// Whether the query has this parameter.
    pub fn asks(&self, word: &str) -> bool {
        self.query.iter().any(|(key, _)| key == word)
    }

    /// A query parameter as a number.
    pub fn number(&self, word: &str) -> Option<i64> {
        let (_, value) = self.query.iter().find(|(key, _)| key == word)?;
        value.parse().ok()
    }

    /// The URL of this page in another language.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    pub fn in_language(&self, language: &Language) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("lang", language.code()).extend_pairs(&self.query);
        format!("{}?{}", self.path, query.finish())
    }

    /// A path as an absolute URL.
    pub fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// The path of an absolute URL of this site.
    pub fn own<'a>(&self, address: &'a str) -> Option<&'a str> {
        address.strip_prefix(&self.origin)
    }

    /// A login or registration URL that keeps the `next` parameter.
    pub fn keeping_next(&self, path: &str) -> String {
        match self.next() {
            Some(next) => format!("{path}?next={}", next.encoded()),
            None => path.to_owned(),
        }
    }

    /// The path to open after signing in.
    pub fn next(&self) -> Option<OwnPath> {
        let (_, path) = self.query.iter().find(|(key, _)| key == "next")?;
        OwnPath::parse(path)
    }

    /// Sets the path if the page shown is not the one requested, as after a form.
    pub fn set_path(&mut self, path: String) {
        self.path = path;
    }
}

impl FromRequestParts<AppState> for Page {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let site: Arc<SiteInfo> = state.service();
        Ok(Self::new(parts, &site))
    }
}

/// The configured public address, or the address of this request.
fn origin(parts: &Parts, site: &SiteInfo) -> String {
    if let Some(url) = &site.base_url {
        return url.origin().to_owned();
    }
    let https = parts.extensions.get::<ClientInfo>().is_some_and(|client| client.https);
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    format!("{}://{host}", if https { "https" } else { "http" })
}

/// A path of this site, and the only type of redirect target. It prevents open redirects: an
/// attacker could otherwise send users from a link to this site to a page of their own.
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

    /// Percent-encoded, for a query parameter.
    pub fn encoded(&self) -> String {
        form_urlencoded::byte_serialize(self.0.as_bytes()).collect()
    }
}

/// Stores the language from `?lang=` in a cookie.
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

/// Renders a template into a response.
pub(in crate::pages) fn html(template: &impl askama::Template) -> Response {
    match template.render() {
        Ok(text) => ([(CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response(),
        Err(error) => Problem::internal(&error).into_response(),
    }
}

/// Forbids the browser to store a page that has a secret on it or in its URL. Otherwise the back
/// button, or the next user of the same browser, could show it.
pub(in crate::pages) fn unkept(mut page: Response) -> Response {
    page.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    page
}

/// A page with an error status that `render_problem` must not replace.
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
    fn only_own_paths_are_redirect_targets() {
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
