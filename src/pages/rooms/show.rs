//! The room page: history, composer, people, the other rooms.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum_extra::extract::CookieJar;
use serde::Deserialize;

use crate::chat::accounts::model::User;
use crate::chat::commands::COMMANDS;
use crate::chat::messages::model::Window;
use crate::chat::rooms::AccessError;
use crate::chat::rooms::model::{Reader, Visibility, may_moderate};
use crate::chat::search;
use crate::http::{AppState, CanRead, ClientInfo, Language, Problem, Query, Viewer, cookies};
use crate::kernel::{RoomId, Seq, ServiceError};
use crate::pages::layout::page::to_room;
use crate::pages::layout::page::{Page, html};
use crate::pages::layout::sidebar::{Sidebar, icon, sidebar};
use crate::pages::layout::user_view::PersonView;
use crate::pages::messages::empty_room;
use crate::pages::messages::list::{MessageList, history};
use crate::pages::messages::show::COMMON_EMOJI;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/", get(home)).route("/rooms/{id}", get(show))
}

/// To the room one looked at last, if one still may, else to the lobby.
async fn home(
    State(site): State<AppState>,
    Viewer(me): Viewer,
    client: ClientInfo,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(room) = cookies::last_room(&headers, me.person.id, client) {
        match site.rooms.reader(&me.person, room).await {
            Ok(reader) => return Ok(to_room(reader.room().id)),
            Err(AccessError::Fault(fault)) => return Err(fault.into()),
            Err(_) => {}
        }
    }
    Ok(to_room(site.rooms.lobby().await?))
}

#[derive(Deserialize)]
struct Place {
    before: Option<i64>,
}

async fn show(
    State(site): State<AppState>,
    CanRead(reader): CanRead,
    Query(place): Query<Place>,
    client: ClientInfo,
    headers: HeaderMap,
    page: Page,
) -> Result<Response, Problem> {
    let shown = RoomPageInput { before: place.before, ..RoomPageInput::default() };
    let shown = room_page(&site, &reader, page, shown).await?;
    let (me, room) = (reader.user().id, reader.room().id);
    if cookies::last_room(&headers, me, client) == Some(room) {
        return Ok(shown);
    }
    Ok((CookieJar::new().add(cookies::room(me, room, client)), shown).into_response())
}

/// What of a room's page depends on the request.
#[derive(Default)]
pub(in crate::pages) struct RoomPageInput {
    /// The page of history before this `seq`; `None` for the newest.
    pub before: Option<i64>,
    /// A text that could not be posted, and why.
    pub draft: String,
    pub error: Option<&'static str>,
    /// What a command has to say to the one who gave it.
    pub answer: Option<CommandReply>,
}

pub(in crate::pages) struct CommandReply {
    /// Not a success where nothing was done.
    pub status: StatusCode,
    pub lines: Vec<String>,
    /// A button sends what was typed as it is.
    pub as_text: bool,
}

impl CommandReply {
    pub fn is_bad(&self) -> bool {
        !self.status.is_success()
    }
}

#[derive(Template)]
#[template(path = "rooms/show.html")]
struct RoomPage {
    page: Page,
    side: Sidebar,
    room: RoomView,
    online: Vec<PersonView>,
    offline: Vec<PersonView>,
    list: MessageList,
    at_end: bool,
    epoch: String,
    /// What happens from here on is not on the page.
    at: String,
    nonce: String,
    draft: String,
    error: Option<&'static str>,
    answer: Option<CommandReply>,
    commands: Vec<CommandView>,
    emoji: [&'static str; COMMON_EMOJI.len()],
}

struct RoomView {
    id: i64,
    /// When it was made; empty for one that is not made yet.
    created: String,
    kind: &'static str,
    icon: &'static str,
    name: String,
    topic: String,
    rev: i64,
    /// How far its reader has read; -1 for somebody who is no member.
    last_read: i64,
    member: bool,
    /// Its reader may delete what others wrote.
    moderates: bool,
    /// They were removed: the way in is an invitation.
    removed: bool,
    members: usize,
    members_label: String,
    message_to: &'static str,
    post_path: String,
    /// What the search of this room begins with.
    search: String,
}

impl RoomView {
    fn new(reader: &Reader, removed: bool, members: usize, t: Language) -> Self {
        let room = reader.room();
        Self {
            created: room.created_at.rfc3339(),
            id: room.id.0,
            kind: room.visibility.as_str(),
            icon: icon(room),
            name: room.name.clone(),
            topic: room.topic.clone(),
            rev: room.rev.0,
            last_read: room.last_read_seq.map_or(-1, |seq| seq.0),
            member: room.is_member(),
            moderates: may_moderate(reader.user(), room),
            removed,
            members,
            members_label: t.count("people-button", members),
            message_to: match room.visibility {
                Visibility::Direct => "message-person",
                _ => "message-to",
            },
            post_path: format!("/rooms/{}/messages", room.id),
            search: search::model::Query::in_room(&room.name),
        }
    }
}

/// An entry of the menu that opens on a slash.
struct CommandView {
    name: &'static str,
    takes: &'static str,
    does: &'static str,
}

fn commands(t: Language) -> Vec<CommandView> {
    let view = |(name, takes, does): (&'static str, &str, &str)| CommandView {
        name,
        takes: if takes.is_empty() { "" } else { t.say(takes) },
        does: t.say(does),
    };
    COMMANDS.into_iter().map(view).collect()
}

/// A room as its reader sees it. Looking at the newest messages is having read them, except where a
/// script knows better.
pub(in crate::pages) async fn room_page(
    site: &AppState,
    reader: &Reader,
    mut page: Page,
    shown: RoomPageInput,
) -> Result<Response, Problem> {
    let room = reader.room();
    // Also when it answers a form that was posted elsewhere.
    page.set_path(format!("/rooms/{}", room.id));
    site.presence.touch(reader.user().id);
    let window = shown.before.map_or(Window::Newest, |seq| Window::Before(Seq(seq)));
    let mut list = history(site, reader, window, &page.calendar()).await?;
    if shown.before.is_none() && room.unread > 0 && !page.marks_reading {
        match site.rooms.mark_read(reader, room.last_seq).await {
            // A full disk keeps nobody from reading.
            Ok(()) | Err(ServiceError::StorageFull { .. }) => {}
            Err(fault) => return Err(fault.into()),
        }
    }
    let side = sidebar(site, reader.user(), Some(room), &page).await?;
    let (online, offline) = people(site, reader).await?;
    let removed = site.rooms.is_removed(reader).await?;
    let view = RoomView::new(reader, removed, online.len() + offline.len(), page.t);
    if list.is_empty() && shown.before.is_none() && !removed {
        list = list.offering(empty_room::steps(reader, page.t));
        if room.lobby && view.members == 1 {
            list = list.welcoming();
        }
    }
    Ok(html(&RoomPage {
        room: view,
        side,
        online,
        offline,
        list,
        at_end: shown.before.is_none(),
        epoch: site.history.epoch(),
        at: site.clock.now().rfc3339(),
        nonce: site.random.token(),
        draft: shown.draft,
        error: shown.error,
        answer: shown.answer,
        commands: commands(page.t),
        emoji: COMMON_EMOJI,
        page,
    }))
}

/// A conversation before its first message: it is made with that.
pub(in crate::pages) async fn new_direct_page(
    site: &AppState,
    me: &User,
    other: &User,
    page: Page,
    shown: RoomPageInput,
) -> Result<Response, Problem> {
    site.presence.touch(me.id);
    let view = |person: &User| PersonView::new(person.clone(), site.presence.is_online(person.id));
    let both = [me, other].into_iter().map(view);
    let (online, offline): (Vec<_>, Vec<_>) = both.partition(|person| person.online);
    let (name, direct) = (other.display_name.clone(), Visibility::Direct);
    let side = sidebar(site, me, None, &page).await?;
    Ok(html(&RoomPage {
        side,
        list: MessageList::empty(RoomId(0), direct, &name, page.t)
            .offering(empty_room::unwritten(page.t)),
        room: RoomView {
            id: 0,
            created: String::new(),
            kind: direct.as_str(),
            icon: "at",
            search: search::model::Query::in_room(&name),
            name,
            topic: String::new(),
            rev: 0,
            last_read: -1,
            member: true,
            moderates: false,
            removed: false,
            members: 2,
            members_label: page.t.count("people-button", 2),
            message_to: "message-person",
            post_path: format!("/direct/{}/messages", other.name),
        },
        online,
        offline,
        // Nothing is live yet: the first message is sent as a form and leads to the room.
        at_end: false,
        epoch: site.history.epoch(),
        at: site.clock.now().rfc3339(),
        nonce: site.random.token(),
        draft: shown.draft,
        error: shown.error,
        answer: shown.answer,
        commands: Vec::new(),
        emoji: COMMON_EMOJI,
        page,
    }))
}

/// The members: who is there, and who is not.
async fn people(
    site: &AppState,
    reader: &Reader,
) -> Result<(Vec<PersonView>, Vec<PersonView>), Problem> {
    let people = site.rooms.users(reader).await?;
    Ok(people
        .into_iter()
        .map(|person| (site.presence.is_online(person.id), person))
        .map(|(online, person)| PersonView::new(person, online))
        .partition(|person| person.online))
}
