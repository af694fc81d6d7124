//! Light, dark, or as the system has it.

use axum::http::request::Parts;
use axum_extra::extract::cookie::Cookie;

use super::{ClientInfo, cookies};

/// The cookie that keeps a choice.
const COOKIE: &str = "patio_theme";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    System,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// As forms and cookies say it.
    pub fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// What it is called in the catalogue.
    pub fn key(self) -> &'static str {
        match self {
            Self::System => "theme-system",
            Self::Light => "theme-light",
            Self::Dark => "theme-dark",
        }
    }

    /// What a page is marked with; nothing where the system decides.
    pub fn scheme(self) -> Option<&'static str> {
        (self != Self::System).then(|| self.word())
    }

    /// Anything unknown is the system's choice.
    pub fn from_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|theme| theme.word() == word).unwrap_or(Self::System)
    }

    /// What the browser keeps.
    pub fn of(parts: &Parts) -> Self {
        cookies::find(parts, COOKIE).map_or(Self::System, Self::from_word)
    }

    /// The cookie that keeps the choice.
    pub fn cookie(self, client: ClientInfo) -> Cookie<'static> {
        cookies::preference(COOKIE, self.word().to_owned(), client)
    }
}
