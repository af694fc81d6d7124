//! The emoji picker as a fragment for scripts: its frame and its words. The emoji themselves are an asset.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;

use crate::http::{AppState, Language, Viewer};
use crate::pages::layout::page::html;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/emoji/picker", get(picker))
}

#[derive(Template)]
#[template(path = "emoji/picker.html")]
struct Picker {
    t: Language,
    tones: [(&'static str, &'static str); TONES.len()],
    tabs: [Tab; TABS.len()],
}

/// Skin tones from none to dark, as scripts number them.
const TONES: [(&str, &str); 6] = [
    ("✋", "emoji-tone-none"),
    ("✋🏻", "emoji-tone-light"),
    ("✋🏼", "emoji-tone-medium-light"),
    ("✋🏽", "emoji-tone-medium"),
    ("✋🏾", "emoji-tone-medium-dark"),
    ("✋🏿", "emoji-tone-dark"),
];

/// A tab of the picker.
#[derive(Clone, Copy)]
struct Tab {
    /// The groups of emoji in it, as the asset numbers them, separated by spaces.
    groups: &'static str,
    /// Part of the id of what it shows.
    icon: &'static str,
    /// A text of the catalogue.
    name: &'static str,
    /// How its icon is drawn.
    path: &'static str,
}

impl Tab {
    const fn new(
        groups: &'static str,
        icon: &'static str,
        name: &'static str,
        path: &'static str,
    ) -> Self {
        Self { groups, icon, name, path }
    }
}

const TABS: [Tab; 10] = [
    Tab::new("", "recent", "emoji-recent", "M12 4a8 8 0 1 0 .01 0M12 7.5V12l3 2"),
    Tab::new(
        "0",
        "faces",
        "emoji-faces",
        "M12 4a8 8 0 1 0 .01 0M8.8 14.2a4 4 0 0 0 6.4 0M9.3 9.6v.01M14.7 9.6v.01",
    ),
    Tab::new(
        "1",
        "people",
        "emoji-people",
        "M8 12V6.5a1.5 1.5 0 0 1 3 0V11M11 10.5V5a1.5 1.5 0 0 1 3 0v6M14 11V6.5a1.5 1.5 0 0 1 3 0V14a6 \
         6 0 0 1-11 3l-2-4a1.5 1.5 0 0 1 2.5-1.5L8 13",
    ),
    Tab::new("3", "nature", "emoji-nature", "M5 19C4 10 9 5 19 5c0 10-5 15-13 13M9 15l5-5"),
    Tab::new(
        "4",
        "food",
        "emoji-food",
        "M5 8.5h11v5a5.5 5.5 0 0 1-11 0zM16 10h1.5a2 2 0 0 1 0 4.5H16M8 3.5v2M12 3.5v2",
    ),
    Tab::new(
        "6",
        "activities",
        "emoji-activities",
        "M12 4a8 8 0 1 0 .01 0M12 4v16M4 12h16M6 7c3 2 3 8 0 10M18 7c-3 2-3 8 0 10",
    ),
    Tab::new("5", "travel", "emoji-travel", "M4 13l16-7-5 13-3.5-5z"),
    Tab::new("7", "objects", "emoji-objects", "M9 17h6M10 20h4M8.5 14a5.5 5.5 0 1 1 7 0v1.5h-7z"),
    Tab::new(
        "8",
        "symbols",
        "emoji-symbols",
        "M12 19.5C5 14.5 4 11 4.5 8.5c.8-3.5 5.5-4 7.5-.5 2-3.5 6.7-3 7.5.5.5 2.5-.5 6-7.5 11z",
    ),
    Tab::new("9", "flags", "emoji-flags", "M6 20V5M6 5.5c4-2 7 2 12 0v8c-5 2-8-2-12 0"),
];

async fn picker(_: Viewer, t: Language) -> Response {
    html(&Picker { t, tones: TONES, tabs: TABS })
}
