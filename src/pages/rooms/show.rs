//! The room page: history, composer, members and sidebar.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum_extra::extract::CookieJar;
use serde::Deserialize;

use crate::chat::accounts::model::User;
use crate::chat::drafts::Drafts;
use crate::chat::files::Files;
use crate::chat::messages::Messages;
use crate::chat::messages::model::{Message, Window};
use crate::chat::presence::Presence;
use crate::chat::rooms::model::{MemberOverview, Reader, Visibility};
use crate::chat::rooms::{AccessError, Rooms};
use crate::chat::saved::SavedMessages;
use crate::chat::search;
use crate::http::state::from_state;
use crate::http::{AppState, CanRead, ClientInfo, Language, Problem, Query, Viewer, cookies};
use crate::kernel::{Clock, MessageId, Random, RoomId, Seq, ServiceError};
use crate::pages::layout::page::{Page, html, to_room};
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder};
use crate::pages::messages::actions::{ACTIONS, MessageAction};
use crate::pages::messages::empty_room;
use crate::pages::messages::list::{MessageList, history};
use crate::pages::messages::show::COMMON_EMOJI;
use crate::pages::rooms::files::{RECENT, RecentFiles};
use crate::pages::rooms::members::PeopleView;
use crate::pages::rooms::view::{
    CommandReply, CommandView, ComposerDraft, FORMATS, FormatView, KeptFile, PinsView, RoomView,
    ThreadView, commands, formats, path_of,
};

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
    if let Some(parent) = &reader.room().parent {
        return Ok(to_thread(parent.head.message, &query));
    }
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

/// A thread has its page under the id of its head.
fn to_thread(head: MessageId, query: &HistoryQuery) -> Response {
    let parts = [("before", query.before), ("reply", query.reply)];
    let parts = parts.into_iter().filter_map(|(name, value)| Some((name, value?.to_string())));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parts).finish();
    let place = if query.is_empty() { String::new() } else { format!("?{query}") };
    Redirect::to(&format!("/threads/{head}{place}")).into_response()
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
    pub error: Option<String>,
    /// The reply to a command, for its sender only.
    pub answer: Option<CommandReply>,
    /// How the draft would look, as HTML.
    pub preview: String,
    /// The files that would be sent with it.
    pub files: Vec<KeptFile>,
}

#[derive(Template)]
#[template(path = "rooms/show.html")]
struct RoomPage {
    page: Page,
    side: Sidebar,
    room: RoomView,
    /// `None` for a thread, as `pins` and `recent`.
    people: Option<PeopleView>,
    recent: Option<RecentFiles>,
    thread: Option<ThreadView>,
    pins: Option<PinsView>,
    list: MessageList,
    at_end: bool,
    draft: ComposerDraft,
    reply: Option<ReplyView>,
    error: Option<String>,
    files: Vec<KeptFile>,
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

/// Renders the pages of rooms.
pub(in crate::pages) struct RoomRenderer {
    rooms: Rooms,
    messages: Messages,
    files: Files,
    presence: Presence,
    drafts: Drafts,
    saved: SavedMessages,
    sidebar: SidebarBuilder,
    random: Random,
    clock: Clock,
}

from_state!(RoomRenderer {
    rooms,
    messages,
    files,
    presence,
    drafts,
    saved,
    sidebar,
    random,
    clock
});

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
        page.set_path(path_of(room));
        self.presence.touch(reader.user().id);
        let window = shown.before.map_or(Window::Newest, |seq| Window::Before(Seq(seq)));
        let mut list =
            history(&self.messages, &self.saved, reader, window, &page.calendar()).await?;
        if shown.before.is_none() && room.unread > 0 && !page.marks_reading {
            match self.rooms.mark_read(reader, room.last_seq).await {
                // A full disk must not prevent reading, so the read marker stays where it is.
                Ok(()) | Err(ServiceError::StorageFull { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let listed = Some(room).filter(|room| room.parent.is_none());
        let side = self.sidebar.build(reader.user(), listed, &page).await?;
        let stored = if room.draft { self.drafts.find(reader).await? } else { None };
        let kept = stored.as_ref().and_then(|draft| draft.reply_to);
        let reply = shown.reply.or(kept.filter(|_| shown.draft.is_empty()));
        let reply = self.reply(reader, reply).await?;
        let thread = self.thread_view(reader, &page).await?;
        let is_online = |user| self.presence.is_online(user);
        let (overview, pins, recent) = if thread.is_none() {
            let overview = self.rooms.member_overview(reader, is_online).await?;
            let (pins, recent) = self.pins_and_files(reader, page.t).await?;
            (Some(overview), Some(pins), Some(recent))
        } else {
            (None, None, None)
        };
        let removed = self.rooms.is_removed(&reader.access()).await?;
        let count = overview.as_ref().map_or(0, MemberOverview::count);
        let view = RoomView::new(reader, removed, count, page.t);
        if list.is_empty() && shown.before.is_none() && !removed && thread.is_none() {
            list = list.offering(empty_room::steps(reader, page.t));
            if room.lobby && view.members == 1 {
                list = list.welcoming();
            }
        }
        Ok(html(&RoomPage {
            people: overview.map(|overview| PeopleView::new(room.id, overview, self.clock.now())),
            thread,
            pins,
            recent,
            room: view,
            side,
            list,
            at_end: shown.before.is_none(),
            draft: ComposerDraft::new(shown.draft, stored, &self.random),
            reply,
            error: shown.error,
            answer: shown.answer,
            preview: shown.preview,
            files: shown.files,
            commands: commands(page.t),
            actions: ACTIONS,
            formats: formats(page.t),
            emoji: COMMON_EMOJI,
            page,
        }))
    }

    async fn pins_and_files(
        &self,
        reader: &Reader,
        t: Language,
    ) -> Result<(PinsView, RecentFiles), Problem> {
        let pins = self.messages.pinned_ids(reader).await?;
        let recent = self.files.recent(reader, RECENT).await?;
        Ok((PinsView::new(&pins, t), RecentFiles::new(&recent, reader.room(), t)))
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
            excerpt: message.excerpt(),
            author: message.author.display_name,
        }))
    }

    /// What a thread belongs to; `None` for other rooms.
    async fn thread_view(
        &self,
        reader: &Reader,
        page: &Page,
    ) -> Result<Option<ThreadView>, Problem> {
        let Some(parent) = &reader.room().parent else { return Ok(None) };
        let room = self.rooms.reader(reader.user(), parent.head.room).await?;
        let head = self.messages.find(&room, parent.head.message).await?;
        let head = head.ok_or_else(Problem::not_found)?;
        let is_saved = self.is_saved(reader.user(), &head).await?;
        let follows = Some(reader.room().is_member());
        Ok(Some(ThreadView::new(room.room(), &head, is_saved, follows, page)?))
    }

    async fn is_saved(&self, me: &User, message: &Message) -> Result<bool, Problem> {
        Ok(!self.saved.among(me, &[message.id]).await?.is_empty())
    }

    /// Renders the thread of a message without replies. The first one creates it. `reader` is one of the
    /// message's room.
    pub async fn render_new_thread(
        &self,
        reader: &Reader,
        head: &Message,
        mut page: Page,
        shown: RoomPageInput,
    ) -> Result<Response, Problem> {
        let (me, room) = (reader.user(), reader.room());
        page.set_path(format!("/threads/{}", head.id));
        self.presence.touch(me.id);
        let removed = self.rooms.is_removed(&reader.access()).await?;
        let is_saved = self.is_saved(me, head).await?;
        let thread = ThreadView::new(room, head, is_saved, None, &page)?;
        let view = RoomView::of_thread(RoomId(0), head.id, &room.name, page.t);
        let refused = head.is_deleted().then(|| page.t.text("message-is-deleted"));
        Ok(html(&RoomPage {
            side: self.sidebar.build(me, None, &page).await?,
            list: MessageList::empty(RoomId(0), Visibility::Thread, "", page.t),
            room: RoomView { removed, archived: room.archived_at.is_some(), ..view },
            people: None,
            thread: Some(thread),
            pins: None,
            recent: None,
            // There is no room to subscribe to yet.
            at_end: false,
            draft: ComposerDraft::new(shown.draft, None, &self.random),
            reply: None,
            error: shown.error.or(refused.map(str::to_owned)),
            answer: shown.answer,
            commands: Vec::new(),
            formats: formats(page.t),
            preview: shown.preview,
            files: shown.files,
            actions: ACTIONS,
            emoji: COMMON_EMOJI,
            page,
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
                archived: false,
                favourite: false,
                members: 2,
                members_label: page.t.count("people-button", 2),
                message_to: "message-person",
                post_path: format!("/direct/{}/messages", other.name),
            },
            people: Some(PeopleView::of_users(both, self.clock.now())),
            thread: None,
            pins: None,
            recent: None,
            // There is no room to subscribe to yet. The first message is sent as a form and redirects
            // to the new room.
            at_end: false,
            draft: ComposerDraft::new(shown.draft, None, &self.random),
            reply: None,
            error: shown.error,
            answer: shown.answer,
            preview: shown.preview,
            files: shown.files,
            commands: Vec::new(),
            actions: ACTIONS,
            formats: formats(page.t),
            emoji: COMMON_EMOJI,
            page,
        }))
    }
}
