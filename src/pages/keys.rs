//! The keyboard shortcuts. The page is the list; scripts show it in a sheet when the user presses `?`. What a
//! key does is decided by the scripts that listen to it; those on a message come from the table of its menu.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::http::{AppState, Language, Problem, Viewer};
use crate::pages::layout::page::{Page, html};
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder};
use crate::pages::messages::actions::ACTIONS;

/// The key of what it does, and the keys to press, separated by spaces. `/` stands between alternatives.
type Shortcut = (&'static str, &'static str);

const GROUPS: [(&str, &[Shortcut]); 4] = [
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
            ("keys-attach", "Ctrl U"),
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
    groups: Vec<Group>,
}

struct Group {
    heading: &'static str,
    /// What it does, and the keys to press.
    shortcuts: Vec<(&'static str, Vec<String>)>,
}

/// The names of keys in a language, as keyboards show them.
fn keys(pressed: &str, t: Language) -> Vec<String> {
    let name = |key: &str| match key {
        "Enter" => t.text("key-enter").to_owned(),
        "Shift" => t.text("key-shift").to_owned(),
        "Home" => t.text("key-home").to_owned(),
        "End" => t.text("key-end").to_owned(),
        key => key.to_owned(),
    };
    pressed.split(' ').map(name).collect()
}

/// The keys on a message are those of its menu; an action and its opposite share one.
fn on_a_message(t: Language) -> Group {
    let mut shortcuts = vec![(t.text("more-actions"), keys("Shift F10", t))];
    for action in ACTIONS.into_iter().flatten().filter(|action| !action.key.is_empty()) {
        let key = vec![action.key_label(t)];
        if !shortcuts.iter().any(|(_, known)| *known == key) {
            shortcuts.push((t.text(action.label), key));
        }
    }
    Group { heading: t.text("keys-act"), shortcuts }
}

fn groups(t: Language) -> Vec<Group> {
    let mut groups: Vec<Group> = GROUPS
        .into_iter()
        .map(|(heading, shortcuts)| Group {
            heading: t.text(heading),
            shortcuts: shortcuts
                .iter()
                .map(|(does, pressed)| (t.text(does), keys(pressed, t)))
                .collect(),
        })
        .collect();
    groups.insert(2, on_a_message(t));
    groups
}

async fn show(
    State(sidebar): State<SidebarBuilder>,
    Viewer(me): Viewer,
    page: Page,
) -> Result<Response, Problem> {
    let side = sidebar.build(&me.user, None, &page).await?;
    Ok(html(&KeysPage { side, groups: groups(page.t), page }))
}
