//! The keyboard shortcuts. The page is the list; scripts show it in a sheet when the user presses `?`. What a
//! key does is decided by the scripts that listen to it.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::http::{AppState, Problem, Viewer};
use crate::pages::layout::page::{Page, html};
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder};

/// The key of what it does, and the keys to press, separated by spaces. `/` stands between alternatives.
type Shortcut = (&'static str, &'static str);

const GROUPS: [(&str, &[Shortcut]); 5] = [
    (
        "keys-go",
        &[
            ("keys-switcher", "Ctrl K"),
            ("keys-search", "Ctrl Shift F"),
            ("keys-room", "Alt ↑ / ↓"),
            ("keys-unread-room", "Alt Shift ↓"),
            ("keys-part", "F6"),
        ],
    ),
    (
        "keys-read",
        &[
            ("keys-message", "↑ / ↓"),
            ("keys-first", "Home"),
            ("keys-last", "End"),
            ("keys-end", "Esc"),
            ("keys-unread", "U"),
        ],
    ),
    (
        "keys-act",
        &[
            ("keys-react", "+"),
            ("keys-reply", "R"),
            ("keys-thread", "T"),
            ("keys-save", "S"),
            ("keys-pin", "P"),
            ("copy-text", "C"),
            ("keys-link", "L"),
            ("keys-edit", "E"),
            ("keys-delete", "Del"),
        ],
    ),
    (
        "keys-write",
        &[
            ("keys-send", "Enter"),
            ("keys-line", "Shift Enter"),
            ("keys-edit-last", "↑"),
            ("keys-bold", "Ctrl B / I"),
            ("keys-code", "Ctrl E"),
            ("keys-web", "Ctrl Shift U"),
            ("keys-emoji", ":"),
            ("keys-mention", "@"),
            ("keys-command", "/"),
        ],
    ),
    ("keys-sheet", &[("keys-open", "?")]),
];

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/keys", get(show))
}

#[derive(Template)]
#[template(path = "keys/show.html")]
struct KeysPage {
    page: Page,
    side: Sidebar,
    groups: [(&'static str, &'static [Shortcut]); GROUPS.len()],
}

async fn show(
    State(sidebar): State<SidebarBuilder>,
    Viewer(me): Viewer,
    page: Page,
) -> Result<Response, Problem> {
    let side = sidebar.build(&me.user, None, &page).await?;
    Ok(html(&KeysPage { side, groups: GROUPS, page }))
}
