//! What of a page the browser's scripts ask for, where they have the rest already. A page for which no script
//! asks is whole.

use axum::http::HeaderMap;

/// The header on which a page depends, for caches: a browser that goes back to an address must not show the part
/// that its script got from there.
pub const VARY: &str = "hx-request-type";

/// Whether only the part of the page is wanted that changes: the rows of a list, for example.
pub fn wants_part(headers: &HeaderMap) -> bool {
    headers.get("hx-request-type").is_some_and(|value| value == "partial")
}
