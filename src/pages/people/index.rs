//! The list of all users, with links to write to them: those online first where it fits on one page.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::chat::accounts::Accounts;
use crate::chat::accounts::model::Role;
use crate::chat::nodes::Nodes;
use crate::chat::presence::Presence;
use crate::http::request::partial::Part;
use crate::http::state::from_state;
use crate::http::{AppState, Problem, Query, Viewer};
use crate::kernel::Clock;
use crate::pages::layout::list::{ListLinks, ListQuery};
use crate::pages::layout::page::{Page, html};
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder};
use crate::pages::layout::user_view::{UserView, presence_gap};
use crate::pages::rooms::members::MemberRows;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/people", get(index))
}

#[derive(Template)]
#[template(path = "accounts/people.html")]
struct PeoplePage {
    page: Page,
    side: Sidebar,
    links: ListLinks,
    /// Whether the viewer can add users.
    invites: bool,
    /// Whether the viewer is the only user.
    alone: bool,
    /// The list is not divided into those online and offline.
    says_online: bool,
    /// Why who is online may be wrong.
    presence_gap: Option<&'static str>,
    sections: Vec<Section>,
}

/// A part of the list with its heading.
struct Section {
    heading: String,
    people: Vec<UserView>,
}

struct PeopleServices {
    sidebar: SidebarBuilder,
    presence: Presence,
    accounts: Accounts,
    nodes: Nodes,
    clock: Clock,
}

from_state!(PeopleServices { sidebar, presence, accounts, nodes, clock });

async fn index(
    State(services): State<PeopleServices>,
    Viewer(me): Viewer,
    Query(query): Query<ListQuery>,
    page: Page,
) -> Result<Response, Problem> {
    let PeopleServices { sidebar, presence, accounts, nodes, clock } = services;
    presence.touch(me.user.id);
    let found = accounts.page(&query.q, &query.start()).await?;
    let links = ListLinks::new("/people", &query.q, &found);
    let is_whole = found.is_whole();
    let now = clock.now();
    let people = found.items.into_iter().map(|listed| {
        let online = presence.is_online(listed.user.id);
        UserView::of_listed(listed, online, now)
    });
    if page.wants(Part::Rows) {
        let (t, people) = (page.t, people.collect());
        return Ok(html(&MemberRows { t, people, links: &links, says_online: false }));
    }
    let sections = if is_whole {
        let (online, offline) = people.partition(|user| user.online);
        let section = |key, people: Vec<UserView>| Section {
            heading: format!("{} · {}", page.t.text(key), people.len()),
            people,
        };
        vec![section("online", online), section("offline", offline)]
    } else {
        let heading = if query.q.is_empty() {
            let all = page.t.count("people-count", accounts.count().await?);
            format!("{all} · {}", page.t.count("online-count", presence.online().len()))
        } else {
            page.t.text("people").to_owned()
        };
        vec![Section { heading, people: people.collect() }]
    };
    let sections: Vec<Section> =
        sections.into_iter().filter(|section| !section.people.is_empty()).collect();
    let listed: usize = sections.iter().map(|section| section.people.len()).sum();
    Ok(html(&PeoplePage {
        side: sidebar.build(&me.user, None, &page).await?,
        links,
        invites: me.user.role == Role::Admin,
        alone: is_whole && query.q.is_empty() && listed < 2,
        says_online: !is_whole,
        presence_gap: presence_gap(&nodes, page.t),
        sections,
        page,
    }))
}
