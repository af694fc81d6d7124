//! The color theme: light, dark, or the system's.

use axum::http::request::Parts;
use axum_extra::extract::cookie::Cookie;

use super::{ClientInfo, cookies};

/// The cookie with the chosen theme.
const COOKIE: &str = "patio_theme";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    System,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// Returns the value in forms and cookies.
    pub fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Returns the key of the name in the message catalogue.
    pub fn key(self) -> &'static str {
        match self {
            Self::System => "theme-system",
            Self::Light => "theme-light",
            Self::Dark => "theme-dark",
        }
    }

    /// Returns the attribute value for a page; `None` if the system decides.
    pub fn scheme(self) -> Option<&'static str> {
        (self != Self::System).then(|| self.word())
    }

    /// Parses a value. Anything unknown means the system's theme.
    pub fn from_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|theme| theme.word() == word).unwrap_or(Self::System)
    }

    /// Returns the theme in the browser's cookie.
    pub fn of(parts: &Parts) -> Self {
        cookies::find(parts, COOKIE).map_or(Self::System, Self::from_word)
    }

    /// Builds the cookie with the chosen theme.
    pub fn cookie(self, client: ClientInfo) -> Cookie<'static> {
        cookies::preference(COOKIE, self.word().to_owned(), client)
    }
}
