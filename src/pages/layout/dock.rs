//! The places at the foot of a page, on a phone.

use askama::Template;

use crate::http::Language;

/// Where a user goes most often; before them comes the button that opens the rooms.
const PLACES: [(&str, &str, &str); 4] = [
    ("/threads", "thread", "threads"),
    ("/search", "find", "search"),
    ("/saved", "bookmark", "saved-messages"),
    ("/settings", "person", "you"),
];

#[derive(Template)]
#[template(path = "_dock.html")]
pub(in crate::pages) struct Dock {
    t: Language,
    places: [Place; PLACES.len()],
    has_unread_threads: bool,
}

struct Place {
    href: &'static str,
    icon: &'static str,
    /// The key of its text.
    label: &'static str,
    is_current: bool,
}

impl Dock {
    /// `path` is that of the page.
    pub fn new(path: &str, has_unread_threads: bool, t: Language) -> Self {
        let places =
            PLACES.map(|(href, icon, label)| Place { href, icon, label, is_current: path == href });
        Self { t, places, has_unread_threads }
    }
}
