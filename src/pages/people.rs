//! The list of all users, online and offline, with links to write to them.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use crate::chat::accounts::Accounts;
use crate::chat::accounts::model::{Role, User};
use crate::chat::presence::Presence;
use crate::http::{AppState, Problem, Query, Viewer};
use crate::pages::layout::page::{Page, html};
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder};
use crate::pages::layout::user_view::UserView;
use crate::text::collation::sort_key;
use crate::text::normalize::folded;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/people", get(index))
}

#[derive(Template)]
#[template(path = "accounts/people.html")]
struct PeoplePage {
    page: Page,
    side: Sidebar,
    /// The filter; empty for all users.
    sought: String,
    /// Whether the viewer can add users.
    invites: bool,
    online: Vec<UserView>,
    offline: Vec<UserView>,
}

impl PeoplePage {
    /// Whether the viewer is the only user, without a filter.
    fn is_alone(&self) -> bool {
        self.sought.is_empty() && self.online.len() + self.offline.len() < 2
    }

    /// The lists with the text keys of their headings. An empty list is omitted.
    fn lists(&self) -> impl Iterator<Item = (&'static str, &[UserView])> {
        let both = [("online", self.online.as_slice()), ("offline", self.offline.as_slice())];
        both.into_iter().filter(|(_, users)| !users.is_empty())
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Filter {
    q: String,
}

async fn index(
    State(sidebar): State<SidebarBuilder>,
    State(presence): State<Presence>,
    State(accounts): State<Accounts>,
    Viewer(me): Viewer,
    Query(filter): Query<Filter>,
    page: Page,
) -> Result<Response, Problem> {
    presence.touch(me.user.id);
    let sought = filter.q.trim();
    let online_ids = presence.online();
    let mut users = accounts.users().await?;
    users.retain(|user| is_called(user, sought));
    users.sort_by_cached_key(|user| sort_key(&user.display_name));
    let views = users.into_iter().map(|user| (online_ids.contains(&user.id), user));
    let views = views.map(|(online, user)| UserView::new(user, online));
    let (online, offline) = views.partition(|user| user.online);
    let side = sidebar.build(&me.user, None, &page).await?;
    let invites = me.user.role == Role::Admin;
    let sought = sought.to_owned();
    Ok(html(&PeoplePage { page, side, sought, invites, online, offline }))
}

/// Whether the handle or the display name contains the text, without regard to case and accents.
fn is_called(user: &User, sought: &str) -> bool {
    let sought = folded(sought.trim_start_matches('@'));
    [&user.display_name, &user.name].iter().any(|name| folded(name).contains(&sought))
}
