//! What of a page the browser's scripts ask for, where they have the rest already. A page for which no script
//! asks is whole.

use axum::http::HeaderMap;

/// The headers on which a page depends, for caches: a browser that goes back to an address must not show the part
/// that its script got from there.
pub const VARY: &str = "patio-part, patio-sidebar";

/// Whether only the rows of a list are wanted.
pub fn wants_rows(headers: &HeaderMap) -> bool {
    headers.get("patio-part").is_some_and(|value| value == "rows")
}

/// Whether the page has a sidebar that its live connection keeps up to date. Then it needs no rooms.
pub fn has_live_sidebar(headers: &HeaderMap) -> bool {
    headers.get("patio-sidebar").is_some_and(|value| value == "live")
}
