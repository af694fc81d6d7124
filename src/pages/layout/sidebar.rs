//! The sidebar: the user's rooms and direct messages, with unread counts, and what the live connection
//! of the page starts from.

use std::collections::BTreeMap;

use askama::Template;

use crate::chat::accounts::model::User;
use crate::chat::files::Files;
use crate::chat::nodes::Nodes;
use crate::chat::presence::Presence;
use crate::chat::rooms::model::{Room, Visibility};
use crate::chat::rooms::{Rooms, UnreadThreads};
use crate::chat::sync::Sync;
use crate::http::state::from_state;
use crate::http::{Language, Problem};
use crate::kernel::{Clock, RoomId, Timestamp};
use crate::pages::layout::dock::Dock;
use crate::pages::layout::page::Page;
use crate::pages::layout::user_view::{StatusView, UserView, hue_of, initials};
use crate::text::collation::sort_key;

#[derive(Template)]
#[template(path = "rooms/_side.html")]
pub(in crate::pages) struct Sidebar {
    t: Language,
    site: String,
    languages: Vec<LanguageLink>,
    lists: Vec<RoomList>,
    /// What is unread in threads.
    threads: UnreadThreads,
    /// The page is one of threads.
    shows_threads: bool,
    /// The path of the page, to mark a place that it is.
    path: String,
    /// Only the row of the room that is shown is there: the browser has the others.
    is_partial: bool,
    pub me: UserView,
    /// Total over all rooms.
    pub unread: i64,
    /// Unread mentions of this user, over all rooms.
    pub mentions: i64,
    /// Of the message history. The live connection reloads the page if the server has another.
    pub epoch: String,
    /// The page shows users and rooms as of this time. The live connection catches up from here.
    pub at: String,
    /// In bytes. Scripts send no larger one.
    pub largest_file: u64,
    /// Pages of administrators link to that of the machines.
    pub shows_machines: bool,
}

/// A part of the sidebar that folds.
struct RoomList {
    /// `favourites`, `section`, `rooms`, `direct` or `archived`.
    kind: &'static str,
    /// The heading: a text, or the name that the user gave a section.
    title: String,
    rows: Vec<RoomRow>,
}

impl RoomList {
    /// Only rooms and direct messages have a place even if there are none.
    fn is_hidden(&self) -> bool {
        self.rows.is_empty() && !matches!(self.kind, "rooms" | "direct")
    }

    /// Divides the rows: favourites, the user's sections by name, other rooms, direct messages, archived rooms.
    fn divide(rows: Vec<RoomRow>, t: Language) -> Vec<Self> {
        let list =
            |kind, title: &str| Self { kind, title: t.text(title).to_owned(), rows: Vec::new() };
        let mut sections: BTreeMap<String, Self> = BTreeMap::new();
        let mut favourites = list("favourites", "favourites");
        let mut rooms = list("rooms", "rooms");
        let mut direct = list("direct", "direct-messages");
        let mut archived = list("archived", "archived-rooms");
        for row in rows {
            let list = match row.place {
                "favourites" => &mut favourites,
                "archived" => &mut archived,
                "direct" => &mut direct,
                "section" => sections.entry(sort_key(&row.section)).or_insert_with(|| Self {
                    kind: "section",
                    title: row.section.clone(),
                    rows: Vec::new(),
                }),
                _ => &mut rooms,
            };
            list.rows.push(row);
        }
        let last = [rooms, direct, archived];
        [favourites].into_iter().chain(sections.into_values()).chain(last).collect()
    }
}

/// A link to the current page in another language.
struct LanguageLink {
    code: &'static str,
    name: &'static str,
    link: String,
    current: bool,
}

#[derive(Template)]
#[template(path = "rooms/_row.html")]
struct RoomRow {
    t: Language,
    id: i64,
    /// The creation time of the room. Drafts are only sent to the room with this time.
    created: String,
    kind: &'static str,
    /// Among the direct messages.
    fixed: bool,
    name: String,
    /// The sort key that browsers compare.
    sort: String,
    /// The kind of the list that the row is in.
    place: &'static str,
    /// The name of the user's section, if it is in one.
    section: String,
    /// The user has a draft for the room.
    draft: bool,
    unread: i64,
    mentions: i64,
    current: bool,
    other: Option<OtherView>,
}

/// The other user of a direct message.
struct OtherView {
    id: i64,
    hue: i64,
    initials: String,
    photo: Option<String>,
    online: bool,
    status: Option<StatusView>,
}

impl RoomRow {
    fn new(room: &Room, online: bool, now: Timestamp, t: Language) -> Self {
        let other = room.other.map(|id| OtherView {
            id: id.0,
            hue: hue_of(id),
            initials: initials(&room.name),
            photo: room.other_avatar.clone(),
            online,
            status: room
                .other_status
                .as_ref()
                .filter(|status| status.holds(now))
                .map(StatusView::new),
        });
        Self {
            created: room.created_at.rfc3339(),
            t,
            id: room.id.0,
            kind: room.visibility.as_str(),
            fixed: room.visibility.has_fixed_members(),
            name: room.name.clone(),
            // The lobby comes before all other rooms.
            sort: if room.lobby { String::new() } else { room.sort_key.clone() },
            place: place(room),
            section: room.section.clone(),
            draft: room.draft,
            unread: room.unread,
            mentions: room.mentions,
            current: false,
            other,
        }
    }
}

/// Builds sidebars.
#[derive(Clone)]
pub(in crate::pages) struct SidebarBuilder {
    rooms: Rooms,
    presence: Presence,
    sync: Sync,
    clock: Clock,
    files: Files,
    nodes: Nodes,
}

from_state!(SidebarBuilder { rooms, presence, sync, clock, files, nodes });

impl Sidebar {
    pub fn dock(&self) -> Dock {
        Dock::new(&self.path, self.threads.threads > 0, self.t)
    }
}

impl SidebarBuilder {
    /// Builds the sidebar of a user. The room that is shown counts as read. Going from page to page costs the
    /// same however many rooms there are: a page with a live sidebar gets no other row.
    pub async fn build(
        &self,
        me: &User,
        shown: Option<&Room>,
        page: &Page,
    ) -> Result<Sidebar, Problem> {
        let is_shown = |id: RoomId| shown.is_some_and(|room| room.id == id);
        let now = self.clock.now(); // before anything is read
        let is_there = |room: &Room| room.other.is_some_and(|other| self.presence.is_online(other));
        let mut rooms = if page.has_live_sidebar { Vec::new() } else { self.rooms.own(me).await? };
        // A room that is not the user's is listed while it is shown.
        if let Some(shown) = shown.filter(|room| rooms.iter().all(|own| own.id != room.id)) {
            let place = rooms.partition_point(|room| room.position() < shown.position());
            rooms.insert(place, shown.clone());
        }
        let row = |room: &Room| RoomRow::new(room, is_there(room), now, page.t);
        let mut rows: Vec<RoomRow> = rooms.iter().map(row).collect();
        for row in rows.iter_mut().filter(|row| is_shown(RoomId(row.id))) {
            row.current = true;
            row.unread = 0;
            row.mentions = 0;
        }
        let threads = if page.has_live_sidebar {
            UnreadThreads::default()
        } else {
            self.rooms.unread_threads(me).await?
        };
        // Threads count only where they mention the user.
        let unread = rows.iter().map(|row| row.unread).sum::<i64>() + threads.mentions;
        let mentions = rows.iter().map(|row| row.mentions).sum::<i64>() + threads.mentions;
        let language = |language: &Language| LanguageLink {
            code: language.code(),
            name: language.own_name(),
            link: page.in_language(language),
            current: *language == page.t,
        };
        Ok(Sidebar {
            t: page.t,
            site: page.site.clone(),
            languages: Language::ALL.iter().map(language).collect(),
            lists: RoomList::divide(rows, page.t),
            threads,
            shows_threads: page.path().starts_with("/threads"),
            path: page.path().to_owned(),
            is_partial: page.has_live_sidebar,
            me: UserView::new(me.clone(), true, now),
            unread,
            mentions,
            epoch: self.sync.epoch(),
            at: now.rfc3339(),
            largest_file: self.files.limits().largest,
            shows_machines: self.nodes.are_several(),
        })
    }
}

/// The row of a room, for pages that are already open. Empty if the user is not a member.
///
/// # Errors
/// If the template cannot be rendered.
pub fn room_row(room: &Room, online: bool, now: Timestamp, t: Language) -> askama::Result<String> {
    if !room.is_member() {
        return Ok(String::new());
    }
    RoomRow::new(room, online, now, t).render()
}

/// The kind of the list of the sidebar that a room belongs to.
fn place(room: &Room) -> &'static str {
    match room {
        Room { archived_at: Some(_), .. } => "archived",
        Room { favourite: true, .. } => "favourites",
        Room { section, .. } if !section.is_empty() => "section",
        Room { visibility, .. } if visibility.has_fixed_members() => "direct",
        _ => "rooms",
    }
}

/// The icon before a room's name.
pub(in crate::pages) fn icon(room: &Room) -> &'static str {
    icon_of(room.visibility)
}

/// The name of a room in a heading. A thread has none, and neither has a direct message that it belongs to.
pub(in crate::pages) fn title(room: &Room, t: Language) -> String {
    match &room.parent {
        Some(parent) if parent.name.is_empty() => t.text("thread").to_owned(),
        Some(parent) => t.name("thread-in", &parent.name),
        None => room.name.clone(),
    }
}

pub(in crate::pages) fn icon_of(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Public => "hash",
        Visibility::Private => "lock",
        Visibility::Direct => "at",
        Visibility::Group => "people",
        Visibility::Thread => "thread",
    }
}
