//! Everybody with an account: who is there, who is not, and the way to write to them.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use crate::chat::accounts::model::{Role, User};
use crate::http::{AppState, Problem, Query, Viewer};
use crate::pages::layout::page::{Page, html};
use crate::pages::layout::sidebar::{Sidebar, sidebar};
use crate::pages::layout::user_view::PersonView;
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
    /// What is looked for; empty for everybody.
    sought: String,
    /// Its reader may let others in.
    invites: bool,
    online: Vec<PersonView>,
    offline: Vec<PersonView>,
}

impl PeoplePage {
    /// Whether its reader sees nobody but themselves in it, without having looked for somebody.
    fn is_alone(&self) -> bool {
        self.sought.is_empty() && self.online.len() + self.offline.len() < 2
    }

    /// The lists with their headings' keys; one without people has no heading.
    fn lists(&self) -> impl Iterator<Item = (&'static str, &[PersonView])> {
        let both = [("online", self.online.as_slice()), ("offline", self.offline.as_slice())];
        both.into_iter().filter(|(_, people)| !people.is_empty())
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Filter {
    q: String,
}

async fn index(
    State(site): State<AppState>,
    Viewer(me): Viewer,
    Query(filter): Query<Filter>,
    page: Page,
) -> Result<Response, Problem> {
    site.presence.touch(me.person.id);
    let sought = filter.q.trim();
    let here = site.presence.online();
    let mut people = site.accounts.users().await?;
    people.retain(|person| is_called(person, sought));
    people.sort_by_cached_key(|person| sort_key(&person.display_name));
    let views = people.into_iter().map(|person| (here.contains(&person.id), person));
    let views = views.map(|(online, person)| PersonView::new(person, online));
    let (online, offline) = views.partition(|person| person.online);
    let side = sidebar(&site, &me.person, None, &page).await?;
    let (invites, sought) = (me.person.role == Role::Admin, sought.to_owned());
    Ok(html(&PeoplePage { page, side, sought, invites, online, offline }))
}

/// Whether a person's names have this in them, whatever its case and accents.
fn is_called(person: &User, sought: &str) -> bool {
    let sought = folded(sought.trim_start_matches('@'));
    [&person.display_name, &person.name].iter().any(|name| folded(name).contains(&sought))
}
