//! The sidebar: one's rooms and conversations, with what is unread in them.

use askama::Template;

use crate::chat::accounts::model::User;
use crate::chat::rooms::model::{Room, Visibility};
use crate::http::{AppState, Language, Problem};
use crate::kernel::RoomId;
use crate::pages::layout::page::Page;
use crate::pages::layout::user_view::{PersonView, hue_of, initials};
use crate::text::collation::sort_key;

#[derive(Template)]
#[template(path = "rooms/_side.html")]
pub(in crate::pages) struct Sidebar {
    t: Language,
    site: String,
    languages: Vec<LanguageLink>,
    rooms: Vec<RoomRow>,
    direct: Vec<RoomRow>,
    pub me: PersonView,
    /// In all rooms together.
    pub unread: i64,
    /// The same of what mentions this person.
    pub mentions: i64,
}

/// The page at hand in a language.
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
    /// When the room was made: unsent text for it is sent nowhere else.
    created: String,
    kind: &'static str,
    name: String,
    /// Where it stands among others, as browsers compare it.
    sort: String,
    unread: i64,
    mentions: i64,
    current: bool,
    other: Option<OtherView>,
}

/// With whom a conversation is.
struct OtherView {
    id: i64,
    hue: i64,
    initials: String,
    photo: Option<String>,
    online: bool,
}

impl RoomRow {
    fn new(room: &Room, online: bool, t: Language) -> Self {
        let other = room.other.map(|id| OtherView {
            id: id.0,
            hue: hue_of(id),
            initials: initials(&room.name),
            photo: room.other_avatar.clone(),
            online,
        });
        Self {
            created: room.created_at.rfc3339(),
            t,
            id: room.id.0,
            kind: room.visibility.as_str(),
            name: room.name.clone(),
            sort: sort_key(&room.name),
            unread: room.unread,
            mentions: room.mentions,
            current: false,
            other,
        }
    }
}

/// The sidebar of a person, with the room that is shown; what is shown counts as read.
pub(in crate::pages) async fn sidebar(
    site: &AppState,
    me: &User,
    shown: Option<&Room>,
    page: &Page,
) -> Result<Sidebar, Problem> {
    let is_shown = |id: RoomId| shown.is_some_and(|room| room.id == id);
    let is_there = |room: &Room| room.other.is_some_and(|other| site.presence.is_online(other));
    let rooms = site.rooms.list(me).await?;
    let mut rows: Vec<RoomRow> = rooms
        .iter()
        .filter(|room| room.is_member() || is_shown(room.id))
        .map(|room| RoomRow::new(room, is_there(room), page.t))
        .collect();
    for row in rows.iter_mut().filter(|row| is_shown(RoomId(row.id))) {
        row.current = true;
        row.unread = 0;
        row.mentions = 0;
    }
    let unread = rows.iter().map(|row| row.unread).sum();
    let mentions = rows.iter().map(|row| row.mentions).sum();
    let (direct, rooms) = rows.into_iter().partition(|row| row.kind == Visibility::Direct.as_str());
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
        rooms,
        direct,
        me: PersonView::new(me.clone(), true),
        unread,
        mentions,
    })
}

/// A row for a page that is open already; nothing for a room whose reader is no member of it.
///
/// # Errors
/// When the template cannot be rendered.
pub fn room_row(room: &Room, online: bool, t: Language) -> askama::Result<String> {
    if !room.is_member() {
        return Ok(String::new());
    }
    RoomRow::new(room, online, t).render()
}

/// The icon that stands before a room's name.
pub(in crate::pages) fn icon(room: &Room) -> &'static str {
    match room.visibility {
        Visibility::Public => "hash",
        Visibility::Private => "lock",
        Visibility::Direct => "at",
    }
}
