//! Messages.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::schemas::{MessageShape, Paged};
use crate::chat::messages::model::{Draft, Emoji, Kind, MessageBody, Nonce, Window};
use crate::http::{
    AppState, CanDelete, CanEdit, CanPost, CanRead, CanReadMessage, JsonBody, MessageJson, Problem,
    Query,
};
use crate::kernel::paging::Limit;
use crate::kernel::{FieldError, MessageId, Rev, Seq};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(index, create))
        .routes(routes!(show, update, destroy))
        .routes(routes!(react, unreact))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Place {
    /// The newest messages with a smaller `seq`.
    #[param(nullable = false)]
    before: Option<i64>,
    /// The first messages with a greater `seq`.
    #[param(nullable = false)]
    after: Option<i64>,
    /// Messages on both sides of this `seq`.
    #[param(nullable = false)]
    around: Option<i64>,
    /// Every message that changed after this `rev`, once, in its present state.
    #[param(nullable = false)]
    since_rev: Option<i64>,
    /// The `id` of the message that had this `rev`: if it is another one now, the history was replaced, and
    /// the answer is 409.
    #[param(nullable = false)]
    since_id: Option<i64>,
    /// How many at most.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
}

/// What a query asks for: a part of the history, or what changed.
enum HistoryQuery {
    Window(Window),
    Since(Rev, Option<MessageId>),
}

impl Place {
    fn wanted(&self) -> Result<HistoryQuery, FieldError> {
        match (self.before, self.after, self.around, self.since_rev) {
            (None, None, None, None) => Ok(HistoryQuery::Window(Window::Newest)),
            (Some(seq), None, None, None) => Ok(HistoryQuery::Window(Window::Before(Seq(seq)))),
            (None, Some(seq), None, None) => Ok(HistoryQuery::Window(Window::After(Seq(seq)))),
            (None, None, Some(seq), None) => Ok(HistoryQuery::Window(Window::Around(Seq(seq)))),
            (None, None, None, Some(rev)) => {
                Ok(HistoryQuery::Since(Rev(rev), self.since_id.map(MessageId)))
            }
            _ => Err(FieldError::new("query", "query-one-place")),
        }
    }
}

/// Read a room
///
/// With none or one of `before`, `after`, `around`: a part of the history, ascending by `seq`; with
/// none the newest. With `since_rev`: what changed, ascending by `rev`; while `more` is true, ask again
/// with the `rev` of the last item. A program that remembers the greatest `rev` it saw is brought up
/// to date by this alone, however long it was away.
#[utoipa::path(
    get,
    path = "/rooms/{id}/messages",
    tag = "messages",
    params(("id" = i64, Path, description = "The room."), Place),
    responses(
        (status = 200, description = "Messages.", body = Paged<MessageShape<'static>>),
        (status = 404, description = "No room, or none that you may see."),
        (status = 409, description = "At `since_rev` there is another message than `since_id`: forget what you remember of this room."),
        (status = 422, description = "More than one place, or a `limit` out of range."),
    ),
)]
async fn index(
    State(site): State<AppState>,
    CanRead(reader): CanRead,
    Query(place): Query<Place>,
) -> Result<Response, Problem> {
    let limit = Limit::parse(place.limit)?;
    let found = match place.wanted()? {
        HistoryQuery::Window(window) => site.messages.page(&reader, window, limit).await?,
        HistoryQuery::Since(rev, id) => {
            if let Some(id) = id
                && !site.messages.is_known(&reader, rev, id).await?
            {
                return Err(Problem::with_detail(StatusCode::CONFLICT, "history-replaced"));
            }
            site.messages.since(&reader, rev, limit).await?
        }
    };
    let items: Vec<MessageShape<'_>> = found.items.iter().map(MessageShape::from).collect();
    Ok(Json(Paged { items, more: found.more }).into_response())
}

/// A message to be posted.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
#[schema(example = json!({"body": "Rain at four.", "nonce": "0190b6c0-7f3e-7c3a-9c0e-1234567890ab"}))]
struct NewMessage {
    /// Text, taken literally: commands are for the composer of the pages.
    #[schema(required = true, min_length = 1, max_length = 16000)]
    body: String,
    /// What you call this send: sending again with the same nonce gives the first message back.
    /// Visible ASCII; kept 30 days. Ones in order of time, as `UUIDv7`, are kindest to the database.
    #[schema(min_length = 1, max_length = 64, pattern = "^[!-~]+$")]
    nonce: Option<String>,
    /// The `id` of a message of this room.
    #[schema(value_type = Option<i64>)]
    reply_to: Option<MessageId>,
}

/// Post a message
///
/// When this answers, the message is on disk. In a public room posting joins.
#[utoipa::path(
    post,
    path = "/rooms/{id}/messages",
    tag = "messages",
    params(("id" = i64, Path, description = "The room.")),
    request_body = NewMessage,
    responses(
        (status = 201, description = "The new message.", body = MessageShape<'static>),
        (status = 200, description = "The nonce was known: the first message. Nothing changes, and nobody joins.", body = MessageShape<'static>),
        (status = 403, description = "You were removed from this room: a member can invite you again."),
        (status = 404, description = "No room, or none that you may see."),
        (status = 409, description = "The nonce was used with another room or text."),
    ),
)]
async fn create(
    State(site): State<AppState>,
    CanPost(member): CanPost,
    JsonBody(new): MessageJson<NewMessage>,
) -> Result<Response, Problem> {
    let body = MessageBody::parse(&new.body)?;
    let nonce = new.nonce.as_deref().map(Nonce::parse).transpose()?;
    let draft = Draft { kind: Kind::Text, body, nonce, reply_to: new.reply_to };
    let posted = site.messages.post(member, draft).await?;
    let status = if posted.changed { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(MessageShape::from(&*posted.message))).into_response())
}

/// One message
#[utoipa::path(
    get,
    path = "/messages/{id}",
    tag = "messages",
    params(("id" = i64, Path, description = "The message.")),
    responses(
        (status = 200, description = "The message as it is now.", body = MessageShape<'static>),
        (status = 404, description = "No message, or none that you may see."),
    ),
)]
async fn show(CanReadMessage { message, .. }: CanReadMessage) -> Response {
    Json(MessageShape::from(&message)).into_response()
}

/// Another text.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
#[schema(example = json!({"body": "Rain at five."}))]
struct Edit {
    #[schema(required = true, min_length = 1, max_length = 16000)]
    body: String,
}

/// Edit a message of yours
#[utoipa::path(
    patch,
    path = "/messages/{id}",
    tag = "messages",
    params(("id" = i64, Path, description = "The message.")),
    request_body = Edit,
    responses(
        (status = 200, description = "The message as it is now. The same text changes nothing.", body = MessageShape<'static>),
        (status = 403, description = "Somebody else wrote it."),
        (status = 404, description = "No message, or none that you may see."),
        (status = 409, description = "It is deleted."),
    ),
)]
async fn update(
    State(site): State<AppState>,
    CanEdit(author): CanEdit,
    JsonBody(edit): MessageJson<Edit>,
) -> Result<Response, Problem> {
    let edited = site.messages.edit(author, MessageBody::parse(&edit.body)?).await?;
    Ok(Json(MessageShape::from(&*edited.message)).into_response())
}

/// Delete a message
///
/// For its author, and for the owner of its room and administrators, who moderate: `deleted_by` says which
/// it was, and the audit log has it. A row without text stays, so that its `seq` is never missing.
/// Deleting again changes nothing.
#[utoipa::path(
    delete,
    path = "/messages/{id}",
    tag = "messages",
    params(("id" = i64, Path, description = "The message.")),
    responses(
        (status = 204, description = "Its text and reactions are gone."),
        (status = 403, description = "Somebody else wrote it, and you do not moderate its room."),
        (status = 404, description = "No message, or none that you may see."),
    ),
)]
async fn destroy(
    State(site): State<AppState>,
    CanDelete(deleter): CanDelete,
) -> Result<StatusCode, Problem> {
    site.messages.delete(deleter).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Chosen {
    emoji: String,
}

/// React to a message
///
/// Reacting is taking part: in a public room it joins, as posting does. Again changes nothing.
#[utoipa::path(
    put,
    path = "/messages/{id}/reactions/{emoji}",
    tag = "messages",
    params(("id" = i64, Path, description = "The message."), ("emoji" = String, Path, description = "One emoji, as one sees it.", example = "👍")),
    responses(
        (status = 204, description = "It is there."),
        (status = 403, description = "You were removed from this room: a member can invite you again."),
        (status = 404, description = "No message, or none that you may see."),
        (status = 409, description = "It is deleted."),
        (status = 422, description = "That is no single emoji, or the message has too many different ones."),
    ),
)]
async fn react(
    State(site): State<AppState>,
    CanReadMessage { reader, message }: CanReadMessage,
    Path(chosen): Path<Chosen>,
) -> Result<StatusCode, Problem> {
    let emoji = Emoji::parse(&chosen.emoji)?;
    let member = site.rooms.member(reader.user(), message.room).await?;
    site.messages.react(&member, message.id, emoji).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a reaction back
///
/// What is not there changes nothing.
#[utoipa::path(
    delete,
    path = "/messages/{id}/reactions/{emoji}",
    tag = "messages",
    params(("id" = i64, Path, description = "The message."), ("emoji" = String, Path, description = "One emoji, as one sees it.", example = "👍")),
    responses(
        (status = 204, description = "It is not there."),
        (status = 404, description = "No message, or none that you may see."),
        (status = 422, description = "That is no single emoji."),
    ),
)]
async fn unreact(
    State(site): State<AppState>,
    CanReadMessage { reader, message }: CanReadMessage,
    Path(chosen): Path<Chosen>,
) -> Result<StatusCode, Problem> {
    let emoji = Emoji::parse(&chosen.emoji)?;
    site.messages.unreact(&reader, message.id, emoji).await?;
    Ok(StatusCode::NO_CONTENT)
}
