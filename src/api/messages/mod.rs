//! Messages: history, posting, editing, deleting and reactions.

mod edits;
mod pins;
mod previews;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::schemas::{MessageShape, Paged, UserShape};
use crate::chat::accounts::Accounts;
use crate::chat::accounts::model::User;
use crate::chat::messages::Messages;
use crate::chat::messages::model::{
    Draft, Kind, Markup, MessageBody, NewText, Nonce, ReactionEmoji, Window, WriteOutcome,
    parse_files, parse_format,
};
use crate::chat::presence::Presence;
use crate::chat::rooms::Rooms;
use crate::http::state::from_state;
use crate::http::{
    AppState, CanDelete, CanEdit, CanPost, CanRead, CanReadMessage, JsonBody, MessageJson, Problem,
    Query,
};
use crate::kernel::paging::Limit;
use crate::kernel::{Clock, FieldError, MessageId, Rev, Seq};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(index, create))
        .routes(routes!(show, update, destroy))
        .routes(routes!(react, unreact))
        .merge(edits::router())
        .merge(pins::router())
        .merge(previews::router())
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct HistoryQuery {
    /// The newest messages with a smaller `seq`.
    #[param(nullable = false)]
    before: Option<i64>,
    /// The first messages with a greater `seq`.
    #[param(nullable = false)]
    after: Option<i64>,
    /// Messages on both sides of this `seq`.
    #[param(nullable = false)]
    around: Option<i64>,
    /// Every message that changed after this `rev`, once, in its current state.
    #[param(nullable = false)]
    since_rev: Option<i64>,
    /// The `id` of the message that had this `rev`. If another message has it now, the history was
    /// replaced and the response is a 409.
    #[param(nullable = false)]
    since_id: Option<i64>,
    /// The maximum number of messages.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
}

/// The two kinds of requests: a window of history, or changes since a `rev`.
enum HistoryRequest {
    Window(Window),
    Since(Rev, Option<MessageId>),
}

impl HistoryQuery {
    fn request(&self) -> Result<HistoryRequest, FieldError> {
        match (self.before, self.after, self.around, self.since_rev) {
            (None, None, None, None) => Ok(HistoryRequest::Window(Window::Newest)),
            (Some(seq), None, None, None) => Ok(HistoryRequest::Window(Window::Before(Seq(seq)))),
            (None, Some(seq), None, None) => Ok(HistoryRequest::Window(Window::After(Seq(seq)))),
            (None, None, Some(seq), None) => Ok(HistoryRequest::Window(Window::Around(Seq(seq)))),
            (None, None, None, Some(rev)) => {
                Ok(HistoryRequest::Since(Rev(rev), self.since_id.map(MessageId)))
            }
            _ => Err(FieldError::new("query", "query-one-place")),
        }
    }
}

/// Read messages
///
/// With at most one of `before`, `after` and `around`: a window of the history, ascending by `seq`.
/// With none of them: the newest messages. With `since_rev`: the changes, ascending by `rev`; while
/// `more` is true, repeat the request with the `rev` of the last item. A client that stores the
/// highest `rev` it has seen can catch up with this request after any time away.
#[utoipa::path(
    get,
    path = "/rooms/{id}/messages",
    tag = "messages",
    params(("id" = i64, Path, description = "The room."), HistoryQuery),
    responses(
        (status = 200, description = "Messages.", body = Paged<MessageShape<'static>>),
        (status = 404, description = "There is no such room, or you cannot see it."),
        (status = 409, description = "The message at `since_rev` is not `since_id`: discard what you stored of this room."),
        (status = 422, description = "More than one of the positions is given, or the `limit` is out of range."),
    ),
)]
async fn index(
    State(messages): State<Messages>,
    CanRead(reader): CanRead,
    Query(query): Query<HistoryQuery>,
) -> Result<Response, Problem> {
    let limit = Limit::parse(query.limit)?;
    let found = match query.request()? {
        HistoryRequest::Window(window) => messages.page(&reader, window, limit).await?,
        HistoryRequest::Since(rev, id) => {
            let access = reader.access();
            if let Some(id) = id
                && !messages.is_known(&access, rev, id).await?
            {
                return Err(Problem::with_detail(StatusCode::CONFLICT, "history-replaced"));
            }
            messages.since(&access, rev, limit).await?
        }
    };
    let items: Vec<MessageShape<'_>> = found.items.iter().map(MessageShape::from).collect();
    Ok(Json(Paged { items, more: found.more }).into_response())
}

/// A message that was just posted.
#[derive(Serialize, ToSchema)]
#[schema(as = PostedMessage)]
pub(super) struct PostedShape<'a> {
    #[serde(flatten)]
    message: MessageShape<'a>,
    /// Users whom it mentions by name although they are not members of the room, so that they do not
    /// learn of it: at most 20. Empty for a message that was stored before.
    not_in_room: Vec<UserShape<'a>>,
}

/// What shows the users of a message that was posted.
pub(super) struct PostedUsers {
    accounts: Accounts,
    presence: Presence,
    clock: Clock,
}

from_state!(PostedUsers { accounts, presence, clock });

impl PostedUsers {
    /// The users whom it mentions although they are not members of the room.
    pub async fn outsiders(&self, posted: &WriteOutcome) -> Result<Vec<User>, Problem> {
        match posted.outsiders.as_slice() {
            [] => Ok(Vec::new()),
            outsiders => Ok(self.accounts.by_ids(outsiders).await?),
        }
    }

    pub fn posted<'a>(&self, posted: &'a WriteOutcome, outsiders: &'a [User]) -> PostedShape<'a> {
        let now = self.clock.now();
        let shape = |user: &'a User| UserShape::new(user, self.presence.is_online(user.id), now);
        let message = MessageShape::from(&*posted.message);
        PostedShape { message, not_in_room: outsiders.iter().map(shape).collect() }
    }
}

/// A new message.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
#[schema(example = json!({"body": "Rain at four.", "nonce": "0190b6c0-7f3e-7c3a-9c0e-1234567890ab"}))]
struct NewMessage {
    /// Text, stored as it is: slash commands only exist in the composer.
    #[schema(required = true, max_length = 16000)]
    body: String,
    /// A value you choose for this message. A retry with the same nonce returns the stored message.
    /// Visible ASCII; stored for 30 days. Time-ordered values such as `UUIDv7` are fastest for the
    /// database.
    #[schema(min_length = 1, max_length = 64, pattern = "^[!-~]+$")]
    nonce: Option<String>,
    /// The `id` of a message in this room.
    #[schema(value_type = Option<i64>)]
    reply_to: Option<MessageId>,
    /// How `body` is shown: with its marks (bold, lists, code …), or as it is.
    #[schema(pattern = "^(markdown|plain)$", default = "markdown")]
    format: Option<String>,
    /// The ids of your files that are in no message yet, in the order in which they are shown. With files, `body` may be
    /// empty.
    #[schema(max_items = 10)]
    files: Vec<String>,
}

/// Post a message
///
/// When the response arrives, the message is on disk. A post to a public room also joins it.
#[utoipa::path(
    post,
    path = "/rooms/{id}/messages",
    tag = "messages",
    params(("id" = i64, Path, description = "The room.")),
    request_body = NewMessage,
    responses(
        (status = 201, description = "The new message.", body = PostedShape<'static>),
        (status = 200, description = "The nonce was used before: the stored message. Nothing changes.", body = PostedShape<'static>),
        (status = 403, description = "You were removed from this room. A member can invite you again."),
        (status = 404, description = "There is no such room, or you cannot see it."),
        (status = 409, description = "The nonce was used with another room, text, format, files or `reply_to`."),
    ),
)]
async fn create(
    State(messages): State<Messages>,
    State(shown): State<PostedUsers>,
    CanPost(member): CanPost,
    JsonBody(new): MessageJson<NewMessage>,
) -> Result<Response, Problem> {
    let files = parse_files(&new.files)?;
    let body = MessageBody::parse_beside(&new.body, !files.is_empty())?;
    let nonce = new.nonce.as_deref().map(Nonce::parse).transpose()?;
    let markup = parse_format(new.format.as_deref())?.unwrap_or(Markup::Markdown);
    let draft = Draft { kind: Kind::Text, body, markup, nonce, reply_to: new.reply_to, files };
    let posted = messages.post(member, draft).await?;
    let status = if posted.changed { StatusCode::CREATED } else { StatusCode::OK };
    let outsiders = shown.outsiders(&posted).await?;
    let shape = shown.posted(&posted, &outsiders);
    Ok((status, Json(shape)).into_response())
}

/// Get a message
#[utoipa::path(
    get,
    path = "/messages/{id}",
    tag = "messages",
    params(("id" = i64, Path, description = "The message.")),
    responses(
        (status = 200, description = "The message.", body = MessageShape<'static>),
        (status = 404, description = "There is no such message, or you cannot see it."),
    ),
)]
async fn show(CanReadMessage { message, .. }: CanReadMessage) -> Response {
    Json(MessageShape::from(&message)).into_response()
}

/// A new text.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
#[schema(example = json!({"body": "Rain at five."}))]
struct Edit {
    #[schema(required = true, min_length = 1, max_length = 16000)]
    body: String,
    /// As for a new message.
    #[schema(pattern = "^(markdown|plain)$", default = "markdown")]
    format: Option<String>,
}

/// Edit your message
#[utoipa::path(
    patch,
    path = "/messages/{id}",
    tag = "messages",
    params(("id" = i64, Path, description = "The message.")),
    request_body = Edit,
    responses(
        (status = 200, description = "The message after the edit. The same text in the same format changes nothing.", body = MessageShape<'static>),
        (status = 403, description = "You are not the author."),
        (status = 404, description = "There is no such message, or you cannot see it."),
        (status = 409, description = "The message is deleted."),
    ),
)]
async fn update(
    State(messages): State<Messages>,
    CanEdit(author): CanEdit,
    JsonBody(edit): MessageJson<Edit>,
) -> Result<Response, Problem> {
    let markup = parse_format(edit.format.as_deref())?;
    let text = NewText { body: MessageBody::parse_beside(&edit.body, author.has_files())?, markup };
    let edited = messages.edit(author, text).await?;
    Ok(Json(MessageShape::from(&*edited.message)).into_response())
}

/// Delete a message
///
/// For its author and for moderators: the owner of its room and administrators. `deleted_by` is
/// `author` or `moderator`, and the audit log records it. The row stays without its text, so `seq`
/// has no gaps. Deleting again changes nothing.
#[utoipa::path(
    delete,
    path = "/messages/{id}",
    tag = "messages",
    params(("id" = i64, Path, description = "The message.")),
    responses(
        (status = 204, description = "The text and reactions are deleted."),
        (status = 403, description = "You are neither the author nor a moderator of the room."),
        (status = 404, description = "There is no such message, or you cannot see it."),
    ),
)]
async fn destroy(
    State(messages): State<Messages>,
    CanDelete(deleter): CanDelete,
) -> Result<StatusCode, Problem> {
    messages.delete(deleter).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct ReactionPath {
    emoji: String,
}

/// React to a message
///
/// A reaction to a message in a public room also joins the room. Repeating it changes nothing.
#[utoipa::path(
    put,
    path = "/messages/{id}/reactions/{emoji}",
    tag = "messages",
    params(("id" = i64, Path, description = "The message."), ("emoji" = String, Path, description = "A single emoji, or `:name:` of a custom one.", example = "👍")),
    responses(
        (status = 204, description = "The reaction exists."),
        (status = 403, description = "You were removed from this room. A member can invite you again."),
        (status = 404, description = "There is no such message, or you cannot see it."),
        (status = 409, description = "The message is deleted."),
        (status = 422, description = "Not a single emoji, no custom emoji of this name, or the message has too many different emoji."),
    ),
)]
async fn react(
    State(rooms): State<Rooms>,
    State(messages): State<Messages>,
    CanReadMessage { reader, message }: CanReadMessage,
    Path(path): Path<ReactionPath>,
) -> Result<StatusCode, Problem> {
    let emoji = ReactionEmoji::parse(&path.emoji)?;
    let member = rooms.member(reader.user(), message.room).await?;
    messages.react(&member, message.id, emoji).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a reaction
///
/// Removing a reaction that does not exist changes nothing.
#[utoipa::path(
    delete,
    path = "/messages/{id}/reactions/{emoji}",
    tag = "messages",
    params(("id" = i64, Path, description = "The message."), ("emoji" = String, Path, description = "A single emoji, or `:name:` of a custom one.", example = "👍")),
    responses(
        (status = 204, description = "The reaction does not exist."),
        (status = 404, description = "There is no such message, or you cannot see it."),
        (status = 422, description = "Not a single emoji."),
    ),
)]
async fn unreact(
    State(messages): State<Messages>,
    CanReadMessage { reader, message }: CanReadMessage,
    Path(path): Path<ReactionPath>,
) -> Result<StatusCode, Problem> {
    let emoji = ReactionEmoji::parse(&path.emoji)?;
    messages.unreact(&reader, message.id, emoji).await?;
    Ok(StatusCode::NO_CONTENT)
}
