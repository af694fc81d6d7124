//! The language of a request: `?lang=`, else the cookie, else `Accept-Language`, else English.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;
use axum_extra::extract::cookie::Cookie;

use super::{ClientInfo, cookies};
use crate::i18n::Language;

const COOKIE: &str = "patio_language";

/// Returns the language for the response.
pub fn language_of(parts: &Parts) -> Language {
    requested(parts)
        .or_else(|| Language::from_code(cookies::find(parts, COOKIE)?))
        .or_else(|| Language::accepted(parts.headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?))
        .unwrap_or(Language::English)
}

/// Returns the language in the query string.
pub fn requested(parts: &Parts) -> Option<Language> {
    let query = parts.uri.query()?;
    Language::from_code(query.split('&').find_map(|pair| pair.strip_prefix("lang="))?)
}

/// Builds the cookie with the chosen language.
pub fn cookie(language: Language, client: ClientInfo) -> Cookie<'static> {
    cookies::preference(COOKIE, language.code().to_owned(), client)
}

impl<S: Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(language_of(parts))
    }
}
