//! The page of a single message, with forms to edit it, delete it and react to it.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use crate::chat::link_previews::model::LinkPreview;
use crate::chat::messages::model::{Message, MessageBody, NewText, ReactionEmoji};
use crate::chat::messages::{Messages, WriteError};
use crate::chat::presence::Presence;
use crate::chat::rooms::Rooms;
use crate::chat::rooms::model::{Room, may_moderate};
use crate::chat::saved::SavedMessages;
use crate::http::state::from_state;
use crate::http::{AppState, CanDelete, CanReadMessage, FormBody, Language, MessageForm, Problem};
use crate::kernel::paging::Limit;
use crate::kernel::{FieldError, MessageId, RoomId, Seq, UserId};
use crate::pages::layout::form_state::FormState;
use crate::pages::layout::page::{Page, again, html};
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder, icon, title};
use crate::pages::messages::list::single_message;
use crate::pages::messages::reactions::{ReactorsView, reactors};

/// The most common reactions. Any other emoji can be typed.
pub(in crate::pages) const COMMON_EMOJI: [&str; 10] =
    ["👍", "❤️", "😂", "🎉", "😮", "😢", "🙏", "👏", "👀", "✅"];

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new()
        .route("/messages/{id}", get(show))
        .route("/messages/{id}/context", get(context))
        .route("/messages/{id}/unread", post(mark_unread))
        .route("/messages/{id}/edit", post(edit))
        .route("/messages/{id}/delete", post(destroy))
        .route("/messages/{id}/reactions", post(react))
}

#[derive(Template)]
#[template(path = "messages/show.html")]
#[expect(clippy::struct_excessive_bools, reason = "each is a condition of the template")]
struct MessagePage {
    page: Page,
    side: Sidebar,
    room: RoomView,
    id: i64,
    /// The message's HTML as the room shows it.
    message: String,
    deleted: bool,
    pinned: bool,
    /// The previews that the user may remove.
    previews: Vec<PreviewTitle>,
    /// The text as it was typed.
    source: String,
    /// Whether the room has a read marker of the user.
    is_member: bool,
    may: Rights,
    author: String,
    /// Whether the user has saved it.
    saved: bool,
    form: FormState,
    emoji: Vec<EmojiView>,
    reactors: Vec<ReactorsView>,
    /// A link to the message's position in the room.
    back: String,
}

/// What the user may do.
struct Rights {
    /// Post in the room.
    post: bool,
    /// Edit and delete the message as its author.
    amend: bool,
    /// Delete this message of another user.
    moderate: bool,
}

pub(in crate::pages) struct RoomView {
    pub id: i64,
    pub name: String,
    pub icon: &'static str,
}

impl RoomView {
    pub fn new(room: &Room, t: Language) -> Self {
        Self { id: room.id.0, name: title(room, t), icon: icon(room) }
    }
}

/// A preview that the user may remove.
struct PreviewTitle {
    n: i64,
    title: String,
}

impl PreviewTitle {
    fn all(message: &Message) -> Vec<Self> {
        let view = |preview: &LinkPreview| Self { n: preview.n, title: preview.page.title.clone() };
        message.previews.iter().map(view).collect()
    }
}

struct EmojiView {
    emoji: &'static str,
    mine: bool,
}

async fn show(
    State(renderer): State<MessageRenderer>,
    seen: CanReadMessage,
    page: Page,
) -> Result<Response, Problem> {
    let form = FormState::default().with("body", &seen.message.body);
    renderer.render(&seen, page, form).await
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct EditForm {
    body: String,
}

async fn edit(
    State(renderer): State<MessageRenderer>,
    State(rooms): State<Rooms>,
    State(messages): State<Messages>,
    seen: CanReadMessage,
    page: Page,
    FormBody(edit): MessageForm<EditForm>,
) -> Result<Response, Problem> {
    let member = rooms.member_of(seen.reader.access()).await?;
    let author = messages.author(&member, seen.message.id).await?;
    let body = match MessageBody::parse_beside(&edit.body, author.has_files()) {
        Ok(body) => body,
        Err(problem) => {
            let form = FormState::default().with("body", &edit.body).add_error(page.t, &[problem]);
            let page = renderer.render(&seen, page, form).await?;
            return Ok(again(StatusCode::UNPROCESSABLE_ENTITY, page));
        }
    };
    messages.edit(author, NewText { body, markup: None }).await?;
    Ok(to_message(seen.message.id))
}

/// Leads to the message in its room.
async fn context(CanReadMessage { reader, message }: CanReadMessage) -> Redirect {
    Redirect::to(&place_in_room(&message, reader.room().last_seq.0))
}

/// The message and all after it are unread. The room itself would mark them as read again, so the answer is the page
/// of the message.
async fn mark_unread(
    State(rooms): State<Rooms>,
    CanReadMessage { reader, message }: CanReadMessage,
) -> Result<Response, Problem> {
    rooms.mark_unread(&reader, Seq(message.seq.0 - 1)).await?;
    Ok(to_message(message.id))
}

async fn destroy(
    State(messages): State<Messages>,
    CanDelete(deleter): CanDelete,
) -> Result<Response, Problem> {
    let deleted = messages.delete(deleter).await?;
    Ok(to_message(deleted.message.id))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ReactionForm {
    emoji: String,
}

/// Adds the user's reaction, or removes it if it exists.
async fn react(
    State(renderer): State<MessageRenderer>,
    State(rooms): State<Rooms>,
    State(messages): State<Messages>,
    seen: CanReadMessage,
    page: Page,
    FormBody(chosen): FormBody<ReactionForm>,
) -> Result<Response, Problem> {
    match toggle(&rooms, &messages, &seen, &chosen.emoji).await? {
        None => Ok(to_message(seen.message.id)),
        Some(problem) => {
            let form = FormState::default()
                .with("body", &seen.message.body)
                .with("emoji", &chosen.emoji)
                .add_error(page.t, &[problem]);
            let page = renderer.render(&seen, page, form).await?;
            Ok(again(StatusCode::UNPROCESSABLE_ENTITY, page))
        }
    }
}

/// Returns the field error if the emoji is not allowed.
async fn toggle(
    rooms: &Rooms,
    messages: &Messages,
    seen: &CanReadMessage,
    emoji: &str,
) -> Result<Option<FieldError>, Problem> {
    let CanReadMessage { reader, message } = seen;
    let emoji = match ReactionEmoji::parse(emoji) {
        Ok(emoji) => emoji,
        Err(field_error) => return Ok(Some(field_error)),
    };
    let done = if has(message, reader.user().id, emoji.as_str()) {
        messages.unreact(reader, message.id, emoji).await
    } else {
        // A reaction joins a public room, as a post does.
        let member = rooms.member(reader.user(), message.room).await?;
        messages.react(&member, message.id, emoji).await
    };
    match done {
        Ok(_) => Ok(None),
        Err(WriteError::Invalid(field_error)) => Ok(Some(field_error)),
        Err(error) => Err(error.into()),
    }
}

fn has(message: &Message, user: UserId, emoji: &str) -> bool {
    message.reactions.iter().any(|one| one.emoji == emoji && one.users.contains(&user))
}

pub(super) fn to_message(message: MessageId) -> Response {
    Redirect::to(&format!("/messages/{message}")).into_response()
}

/// Renders the page of a message.
struct MessageRenderer {
    rooms: Rooms,
    messages: Messages,
    presence: Presence,
    saved: SavedMessages,
    sidebar: SidebarBuilder,
}

from_state!(MessageRenderer { rooms, messages, presence, saved, sidebar });

impl MessageRenderer {
    async fn render(
        &self,
        CanReadMessage { reader, message }: &CanReadMessage,
        mut page: Page,
        form: FormState,
    ) -> Result<Response, Problem> {
        // The page's own path, even if the request was a posted form.
        page.set_path(format!("/messages/{}", message.id));
        let me = reader.user();
        let room = reader.room();
        self.presence.touch(me.id);
        let side = self.sidebar.build(me, None, &page).await?;
        let shown =
            single_message(message, &page.calendar()).map_err(|error| Problem::internal(&error))?;
        let may_post =
            room.archived_at.is_none() && !self.rooms.is_removed(&reader.access()).await?;
        let view = |emoji| EmojiView { emoji, mine: has(message, me.id, emoji) };
        Ok(html(&MessagePage {
            side,
            room: RoomView::new(room, page.t),
            id: message.id.0,
            message: shown,
            deleted: message.is_deleted(),
            pinned: message.is_pinned(),
            previews: if message.author.id == me.id || may_moderate(me, room) {
                PreviewTitle::all(message)
            } else {
                Vec::new()
            },
            source: message.body.clone(),
            is_member: room.is_member(),
            may: Rights {
                post: may_post,
                amend: message.author.id == me.id && may_post,
                moderate: message.author.id != me.id && may_moderate(me, room),
            },
            author: message.author.display_name.clone(),
            saved: !self.saved.among(me, &[message.id]).await?.is_empty(),
            form,
            emoji: COMMON_EMOJI.into_iter().map(view).collect(),
            reactors: reactors(&self.messages, message, me.id, page.t).await?,
            back: place_in_room(message, room.last_seq.0),
            page,
        }))
    }
}

/// A link to the page of history that contains the message, with the message as the fragment.
pub(in crate::pages) fn place_in_room(message: &Message, last_seq: i64) -> String {
    place((message.room, message.seq, message.id), last_seq)
}

/// The same, for a message of which only the numbers are read.
pub(in crate::pages) fn place((room, seq, id): (RoomId, Seq, MessageId), last_seq: i64) -> String {
    let page = i64::try_from(Limit::DEFAULT.get()).unwrap_or(i64::MAX);
    let seq = seq.0;
    if last_seq - seq < page {
        format!("/rooms/{room}#m{id}")
    } else {
        format!("/rooms/{room}?before={}#m{id}", seq + page / 2)
    }
}
