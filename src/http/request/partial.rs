//! What of a page the browser's scripts ask for, where they have the rest already. A page for which no script
//! asks is whole.

use axum::http::HeaderMap;

/// The headers on which a page depends, for caches: a browser that goes back to an address must not show the part
/// that its script got from there.
pub const VARY: &str = "patio-part, patio-sidebar";

/// What of a page is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The rows of a list.
    Rows,
    /// A user's profile as a card.
    Card,
}

/// The wanted part; `None` for the whole page.
pub fn part(headers: &HeaderMap) -> Option<Part> {
    match headers.get("patio-part")?.as_bytes() {
        b"rows" => Some(Part::Rows),
        b"card" => Some(Part::Card),
        _ => None,
    }
}

/// Whether the page has a sidebar that its live connection keeps up to date. Then it needs no rooms.
pub fn has_live_sidebar(headers: &HeaderMap) -> bool {
    headers.get("patio-sidebar").is_some_and(|value| value == "live")
}
