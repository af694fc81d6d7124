//! What of a page the browser's scripts ask for, where they have the rest already. A page for which no script
//! asks is whole.

use axum::http::HeaderMap;

/// The headers on which a page depends, for caches: a browser that goes back to an address must not show the part
/// that its script got from there.
pub const VARY: &str = "hx-request-type, patio-sidebar";

/// Whether only the part of the page is wanted that changes: the rows of a list, for example.
pub fn wants_part(headers: &HeaderMap) -> bool {
    headers.get("hx-request-type").is_some_and(|value| value == "partial")
}

/// Whether the page has a sidebar that its live connection keeps up to date. Then it needs no rooms.
pub fn has_live_sidebar(headers: &HeaderMap) -> bool {
    headers.get("patio-sidebar").is_some_and(|value| value == "live")
}
