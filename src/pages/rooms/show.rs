//! The room page: history, composer, members and sidebar.

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
use crate::chat::messages::Messages;
use crate::chat::messages::model::{Window, excerpt};
use crate::chat::presence::Presence;
use crate::chat::rooms::model::{Reader, Visibility, may_mention_all, may_moderate};
use crate::chat::rooms::{AccessError, Rooms};
use crate::chat::search;
use crate::http::state::from_state;
use crate::http::{AppState, CanRead, ClientInfo, Language, Problem, Query, Viewer, cookies};
use crate::kernel::{Clock, MessageId, Random, RoomId, Seq, ServiceError};
use crate::pages::layout::page::{Page, html, to_room};
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder, icon};
use crate::pages::messages::actions::{ACTIONS, MessageAction};
use crate::pages::messages::empty_room;
use crate::pages::messages::list::{MessageList, history};
use crate::pages::messages::show::COMMON_EMOJI;
use crate::pages::rooms::members::PeopleView;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/", get(home)).route("/rooms/{id}", get(show))
}

/// Redirects to the room the user opened last, if they can still read it, or to the lobby.
async fn home(
    State(rooms): State<Rooms>,
    Viewer(me): Viewer,
    client: ClientInfo,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(room) = cookies::last_room(&headers, me.user.id, client) {
        match rooms.reader(&me.user, room).await {
            Ok(reader) => return Ok(to_room(reader.room().id)),
            Err(AccessError::Service(error)) => return Err(error.into()),
            Err(_) => {}
        }
    }
    Ok(to_room(rooms.lobby().await?))
}

#[derive(Deserialize)]
struct HistoryQuery {
    before: Option<i64>,
    /// The message that the composer replies to.
    reply: Option<i64>,
}

async fn show(
    State(renderer): State<RoomRenderer>,
    CanRead(reader): CanRead,
    Query(query): Query<HistoryQuery>,
    client: ClientInfo,
    headers: HeaderMap,
    page: Page,
) -> Result<Response, Problem> {
    let shown = RoomPageInput {
        before: query.before,
        reply: query.reply.map(MessageId),
        ..RoomPageInput::default()
    };
    let shown = renderer.render(&reader, page, shown).await?;
    let me = reader.user().id;
    let room = reader.room().id;
    if cookies::last_room(&headers, me, client) == Some(room) {
        return Ok(shown);
    }
    Ok((CookieJar::new().add(cookies::room(me, room, client)), shown).into_response())
}

/// The parts of a room page that depend on the request.
#[derive(Default)]
pub(in crate::pages) struct RoomPageInput {
    /// Show the page of history before this `seq`; `None` for the newest.
    pub before: Option<i64>,
    /// The message that the composer replies to.
    pub reply: Option<MessageId>,
    /// A refused text and the reason.
    pub draft: String,
    pub error: Option<&'static str>,
    /// The reply to a command, for its sender only.
    pub answer: Option<CommandReply>,
    /// How the draft would look, as HTML.
    pub preview: String,
}

pub(in crate::pages) struct CommandReply {
    /// Not 2xx if the command did nothing.
    pub status: StatusCode,
    pub lines: Vec<String>,
    /// Offers a button that sends the text as a message.
    pub as_text: bool,
    /// Offers a button that sends the text although it mentions many members.
    pub confirms: bool,
    /// Offers to invite these users.
    pub invites: Vec<Invitable>,
}

/// A user who can be invited.
pub(in crate::pages) struct Invitable {
    pub name: String,
    pub display_name: String,
}

impl CommandReply {
    pub fn new(status: StatusCode, lines: Vec<String>) -> Self {
        Self { status, lines, as_text: false, confirms: false, invites: Vec::new() }
    }

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
    people: PeopleView,
    list: MessageList,
    at_end: bool,
    nonce: String,
    draft: String,
    reply: Option<ReplyView>,
    error: Option<&'static str>,
    answer: Option<CommandReply>,
    preview: String,
    commands: Vec<CommandView>,
    actions: [&'static [MessageAction]; ACTIONS.len()],
    formats: [FormatView; FORMATS.len()],
    emoji: [&'static str; COMMON_EMOJI.len()],
}

/// The message that the composer replies to.
struct ReplyView {
    id: i64,
    author: String,
    excerpt: String,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a fact that the page shows")]
struct RoomView {
    id: i64,
    /// The creation time; empty for a direct message that does not exist yet.
    created: String,
    kind: &'static str,
    icon: &'static str,
    name: String,
    topic: String,
    rev: i64,
    /// The user's read marker; -1 for a user who is not a member.
    last_read: i64,
    member: bool,
    /// Whether the user may mention all members at once.
    mentions_all: bool,
    /// Whether members can invite others.
    invites: bool,
    /// Whether the user can delete messages of others.
    moderates: bool,
    /// The user was removed and needs an invitation to come back.
    removed: bool,
    members: usize,
    members_label: String,
    message_to: &'static str,
    post_path: String,
    /// The search query that is limited to this room.
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
            mentions_all: may_mention_all(reader.user(), room),
            invites: room.is_member() && !room.visibility.is_permanent(),
            moderates: may_moderate(reader.user(), room),
            removed,
            members,
            members_label: t.count("people-button", members),
            message_to: if room.visibility.has_fixed_members() {
                "message-person"
            } else {
                "message-to"
            },
            post_path: format!("/rooms/{}/messages", room.id),
            search: search::model::Query::in_room(&room.name),
        }
    }
}

/// An entry of the slash command menu.
struct CommandView {
    name: &'static str,
    takes: &'static str,
    does: &'static str,
}

fn commands(t: Language) -> Vec<CommandView> {
    let view = |(name, takes, does): (&'static str, &str, &str)| CommandView {
        name,
        takes: if takes.is_empty() { "" } else { t.text(takes) },
        does: t.text(does),
    };
    COMMANDS.into_iter().map(view).collect()
}

/// A button that puts marks into the composer's text.
struct FormatView {
    name: &'static str,
    icon: &'static str,
    label: &'static str,
    /// The key that does the same, or nothing.
    key: &'static str,
}

/// The buttons of the formatting bar: name and icon, key of the label, keyboard shortcut.
const FORMATS: [(&str, &str, &str, &str); 10] = [
    ("bold", "bold", "format-bold", "Ctrl+B"),
    ("italic", "italic", "format-italic", "Ctrl+I"),
    ("strike", "strike", "format-strike", ""),
    ("link", "link", "format-link", "Ctrl+Shift+U"),
    ("list", "list", "format-list", ""),
    ("numbers", "numbers", "format-numbers", ""),
    ("quote", "quote", "format-quote", ""),
    ("code", "code", "format-code", "Ctrl+E"),
    ("block", "block", "format-block", ""),
    ("preview", "eye", "preview", ""),
];

fn formats(t: Language) -> [FormatView; FORMATS.len()] {
    FORMATS.map(|(name, icon, label, key)| FormatView { name, icon, label: t.text(label), key })
}

/// Renders the pages of rooms.
pub(in crate::pages) struct RoomRenderer {
    rooms: Rooms,
    messages: Messages,
    presence: Presence,
    sidebar: SidebarBuilder,
    random: Random,
    clock: Clock,
}

from_state!(RoomRenderer { rooms, messages, presence, sidebar, random, clock });

impl RoomRenderer {
    /// Renders a room for a user. Viewing the newest messages marks them as read, unless the page's
    /// script does that.
    pub async fn render(
        &self,
        reader: &Reader,
        mut page: Page,
        shown: RoomPageInput,
    ) -> Result<Response, Problem> {
        let room = reader.room();
        // The page's own path, even if the request was a form posted to another path.
        page.set_path(format!("/rooms/{}", room.id));
        self.presence.touch(reader.user().id);
        let window = shown.before.map_or(Window::Newest, |seq| Window::Before(Seq(seq)));
        let mut list = history(&self.messages, reader, window, &page.calendar()).await?;
        if shown.before.is_none() && room.unread > 0 && !page.marks_reading {
            match self.rooms.mark_read(reader, room.last_seq).await {
                // A full disk must not prevent reading, so the read marker stays where it is.
                Ok(()) | Err(ServiceError::StorageFull { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let side = self.sidebar.build(reader.user(), Some(room), &page).await?;
        let reply = self.reply(reader, shown.reply).await?;
        let is_online = |user| self.presence.is_online(user);
        let overview = self.rooms.member_overview(reader, is_online).await?;
        let removed = self.rooms.is_removed(reader).await?;
        let view = RoomView::new(reader, removed, overview.count(), page.t);
        if list.is_empty() && shown.before.is_none() && !removed {
            list = list.offering(empty_room::steps(reader, page.t));
            if room.lobby && view.members == 1 {
                list = list.welcoming();
            }
        }
        Ok(html(&RoomPage {
            people: PeopleView::new(room.id, overview, self.clock.now()),
            room: view,
            side,
            list,
            at_end: shown.before.is_none(),
            nonce: self.random.token(),
            draft: shown.draft,
            reply,
            error: shown.error,
            answer: shown.answer,
            preview: shown.preview,
            commands: commands(page.t),
            actions: ACTIONS,
            formats: formats(page.t),
            emoji: COMMON_EMOJI,
            page,
        }))
    }

    /// The message to reply to, unless it is deleted.
    async fn reply(
        &self,
        reader: &Reader,
        message: Option<MessageId>,
    ) -> Result<Option<ReplyView>, Problem> {
        let Some(id) = message else { return Ok(None) };
        let message = self.messages.find(reader, id).await?;
        Ok(message.filter(|message| !message.is_deleted()).map(|message| ReplyView {
            id: id.0,
            excerpt: excerpt(&message.text()),
            author: message.author.display_name,
        }))
    }

    /// Renders a room as it is now. A command may have changed it after the reader was loaded.
    pub async fn render_current(
        &self,
        reader: &Reader,
        page: Page,
        shown: RoomPageInput,
    ) -> Result<Response, Problem> {
        let reader = self.rooms.reader(reader.user(), reader.room().id).await?;
        self.render(&reader, page, shown).await
    }

    /// Renders a direct message that does not exist yet. Its first message creates it.
    pub async fn render_new_direct(
        &self,
        me: &User,
        other: &User,
        page: Page,
        shown: RoomPageInput,
    ) -> Result<Response, Problem> {
        self.presence.touch(me.id);
        let both = [me, other].map(|user| (user.clone(), self.presence.is_online(user.id)));
        let name = other.display_name.clone();
        let direct = Visibility::Direct;
        let side = self.sidebar.build(me, None, &page).await?;
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
                mentions_all: true,
                invites: false,
                moderates: false,
                removed: false,
                members: 2,
                members_label: page.t.count("people-button", 2),
                message_to: "message-person",
                post_path: format!("/direct/{}/messages", other.name),
            },
            people: PeopleView::of_users(both, self.clock.now()),
            // There is no room to subscribe to yet. The first message is sent as a form and redirects
            // to the new room.
            at_end: false,
            nonce: self.random.token(),
            draft: shown.draft,
            reply: None,
            error: shown.error,
            answer: shown.answer,
            preview: shown.preview,
            commands: Vec::new(),
            actions: ACTIONS,
            formats: formats(page.t),
            emoji: COMMON_EMOJI,
            page,
        }))
    }
}
