//! What a user prefers on one device: the color theme, the density, keys of single letters. Each is kept in a
//! cookie, so that the first byte of a page is as wanted, and knows nothing of accounts.

use axum::http::request::Parts;
use axum_extra::extract::cookie::Cookie;

use super::{ClientInfo, cookies};

/// A choice out of a few. The first one is what a browser without the cookie gets.
pub trait Preference: Copy + Eq + 'static {
    const COOKIE: &'static str;
    const ALL: &'static [Self];

    /// Returns the value in forms and cookies.
    fn word(self) -> &'static str;

    /// Returns the key of the name in the message catalogue.
    fn key(self) -> &'static str;

    /// Parses a value. Anything unknown is `None`.
    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|choice| choice.word() == word)
    }

    /// Returns the choice in the browser's cookie.
    fn of(parts: &Parts) -> Self {
        let chosen = cookies::find(parts, Self::COOKIE).and_then(Self::from_word);
        chosen.unwrap_or(Self::ALL[0])
    }

    /// Builds the cookie with the choice.
    fn cookie(self, client: ClientInfo) -> Cookie<'static> {
        cookies::preference(Self::COOKIE, self.word().to_owned(), client)
    }

    /// Returns the attribute value for a page; `None` for the usual choice.
    fn attribute(self) -> Option<&'static str> {
        (self != Self::ALL[0]).then(|| self.word())
    }
}

/// The color theme: light, dark, or the system's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    System,
    Light,
    Dark,
}

impl Preference for Theme {
    const COOKIE: &'static str = "patio_theme";
    const ALL: &'static [Self] = &[Self::System, Self::Light, Self::Dark];

    fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::System => "theme-system",
            Self::Light => "theme-light",
            Self::Dark => "theme-dark",
        }
    }
}

/// How much fits on a screen. Devices with a touch screen are always comfortable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Density {
    Comfortable,
    Compact,
}

impl Preference for Density {
    const COOKIE: &'static str = "patio_density";
    const ALL: &'static [Self] = &[Self::Comfortable, Self::Compact];

    fn word(self) -> &'static str {
        match self {
            Self::Comfortable => "comfortable",
            Self::Compact => "compact",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Comfortable => "density-comfortable",
            Self::Compact => "density-compact",
        }
    }
}

/// Whether single letters are shortcuts on a message. Speech input and trembling hands press them by
/// accident, so they can be switched off (WCAG 2.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterKeys {
    On,
    Off,
}

impl Preference for LetterKeys {
    const COOKIE: &'static str = "patio_keys";
    const ALL: &'static [Self] = &[Self::On, Self::Off];

    fn word(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::On => "letter-keys-on",
            Self::Off => "letter-keys-off",
        }
    }
}
