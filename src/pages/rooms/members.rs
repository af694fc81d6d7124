//! The members of a room: the panel beside its messages, and all of them as a page. In a large room the
//! panel lists only some, and its script asks here for more.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use crate::chat::accounts::model::{ListedUser, User};
use crate::chat::nodes::Nodes;
use crate::chat::presence::Presence;
use crate::chat::rooms::Rooms;
use crate::chat::rooms::model::{MemberOverview, Reader};
use crate::http::request::partial::Part;
use crate::http::state::from_state;
use crate::http::{AppState, CanRead, Language, Problem, Query};
use crate::kernel::paging::ListPage;
use crate::kernel::{Clock, RoomId, Timestamp, UserId};
use crate::limits::request::LIST_ENTRIES;
use crate::pages::layout::list::{ListLinks, ListQuery};
use crate::pages::layout::page::{Page, html};
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder, icon};
use crate::pages::layout::user_view::{UserView, presence_gap};

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/rooms/{id}/members", get(index))
}

/// The members that a room page lists.
pub(in crate::pages) struct PeopleView {
    pub online: Vec<UserView>,
    pub offline: Vec<UserView>,
    pub online_count: usize,
    pub offline_count: usize,
    /// The address of the members after those that are listed; `None` if all are.
    pub more: Option<String>,
    /// The ids of all members, if not all are listed, as ranges: `1-5,9`.
    pub all: String,
}

impl PeopleView {
    pub fn new(room: RoomId, overview: MemberOverview, now: Timestamp) -> Self {
        let views = |list: Vec<ListedUser>, online| {
            list.into_iter().map(|listed| UserView::of_listed(listed, online, now)).collect()
        };
        Self {
            online: views(overview.online, true),
            offline: views(overview.offline, false),
            online_count: overview.online_count,
            offline_count: overview.offline_count,
            more: overview.more.map(|position| format!("/rooms/{room}/members?after={position}")),
            all: ranges(&overview.all),
        }
    }

    /// The users of a direct message that does not exist yet, each with whether they are online.
    pub fn of_users(users: [(User, bool); 2], now: Timestamp) -> Self {
        let views = users.into_iter().map(|(user, online)| UserView::new(user, online, now));
        let (online, offline): (Vec<_>, Vec<_>) = views.partition(|user| user.online);
        Self {
            online_count: online.len(),
            offline_count: offline.len(),
            online,
            offline,
            more: None,
            all: String::new(),
        }
    }
}

/// Ascending ids as ranges. In the lobby, thousands are a few ranges.
fn ranges(ids: &[UserId]) -> String {
    let is_next = |one: &UserId, other: &UserId| one.0 + 1 == other.0;
    let range = |ids: &[UserId]| match ids {
        [first, .., last] => format!("{first}-{last}"),
        _ => ids.first().map(ToString::to_string).unwrap_or_default(),
    };
    ids.chunk_by(is_next).map(range).collect::<Vec<_>>().join(",")
}

#[derive(Template)]
#[template(path = "members/index.html")]
struct MembersPage {
    page: Page,
    side: Sidebar,
    room_name: String,
    room_path: String,
    icon: &'static str,
    count: String,
    links: ListLinks,
    /// Why who is online may be wrong.
    presence_gap: Option<&'static str>,
    /// The rendered [`MemberRows`].
    rows: String,
}

#[derive(Template)]
#[template(path = "members/_rows.html")]
pub(in crate::pages) struct MemberRows<'a> {
    pub t: Language,
    pub people: Vec<UserView>,
    pub links: &'a ListLinks,
    /// Rows for the panel do not: they go into its lists of those online and offline.
    pub says_online: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct MembersQuery {
    #[serde(flatten)]
    list: ListQuery,
    /// Only these users, if they are members: ids with commas between them.
    users: Option<String>,
}

impl MembersQuery {
    /// # Errors
    /// If one is not an id, or there are more than a page has.
    fn ids(&self) -> Result<Option<Vec<UserId>>, Problem> {
        let Some(users) = &self.users else { return Ok(None) };
        let ids: Result<Vec<UserId>, _> =
            users.split(',').map(|id| id.parse::<i64>().map(UserId)).collect();
        ids.ok()
            .filter(|ids| ids.len() <= LIST_ENTRIES)
            .map(Some)
            .ok_or_else(|| Problem::with_detail(StatusCode::UNPROCESSABLE_ENTITY, "query-shape"))
    }
}

/// Renders the members of a room.
struct MembersRenderer {
    rooms: Rooms,
    presence: Presence,
    nodes: Nodes,
    sidebar: SidebarBuilder,
    clock: Clock,
}

from_state!(MembersRenderer { rooms, presence, nodes, sidebar, clock });

async fn index(
    State(renderer): State<MembersRenderer>,
    CanRead(reader): CanRead,
    Query(query): Query<MembersQuery>,
    page: Page,
) -> Result<Response, Problem> {
    let MembersRenderer { rooms, presence, .. } = &renderer;
    let list = &query.list;
    let found = match query.ids()? {
        Some(ids) => {
            let items = rooms.members_among(&reader, &ids).await?;
            ListPage { items, previous: None, next: None }
        }
        None => rooms.member_page(&reader, &list.q, &list.start()).await?,
    };
    let links = ListLinks::new(&format!("/rooms/{}/members", reader.room().id), &list.q, &found);
    let now = renderer.clock.now();
    let people = found.items.into_iter().map(|listed| {
        let online = presence.is_online(listed.user.id);
        UserView::of_listed(listed, online, now)
    });
    let (t, says_online) = (page.t, !page.wants(Part::Rows));
    let rows = MemberRows { t, people: people.collect(), links: &links, says_online };
    if page.wants(Part::Rows) {
        return Ok(html(&rows));
    }
    let rows = rows.render().map_err(|error| Problem::internal(&error))?;
    renderer.whole_page(&reader, page, rows, links).await
}

impl MembersRenderer {
    async fn whole_page(
        &self,
        reader: &Reader,
        page: Page,
        rows: String,
        links: ListLinks,
    ) -> Result<Response, Problem> {
        let room = reader.room();
        Ok(html(&MembersPage {
            side: self.sidebar.build(reader.user(), None, &page).await?,
            room_name: room.name.clone(),
            room_path: format!("/rooms/{}", room.id),
            icon: icon(room),
            count: page.t.count("people-button", self.rooms.members(reader).await?.len()),
            links,
            presence_gap: presence_gap(&self.nodes, page.t),
            rows,
            page,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_ranges() {
        for (ids, text) in [
            (&[][..], ""),
            (&[7], "7"),
            (&[1, 2, 3], "1-3"),
            (&[1, 3, 4, 9, 10, 11, 20], "1,3-4,9-11,20"),
        ] {
            let ids: Vec<UserId> = ids.iter().copied().map(UserId).collect();
            assert_eq!(ranges(&ids), text);
        }
    }
}
