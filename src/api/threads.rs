//! Threads: reply to a message, the thread of a message, and the threads that one follows. Everything else of a
//! thread is a room's.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::messages::{PostedShape, PostedUsers};
use super::rooms::document;
use super::schemas::{Counts, Paged, RoomShape};
use crate::chat::messages::Messages;
use crate::chat::messages::model::{Draft, Kind, Markup, MessageBody, Nonce, parse_files};
use crate::chat::presence::Presence;
use crate::chat::rooms::Rooms;
use crate::http::{AppState, CanReadMessage, JsonBody, MessageJson, Problem, Query, Viewer};
use crate::kernel::RoomId;
use crate::kernel::paging::Limit;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(show, create)).routes(routes!(index))
}

/// A reply in a thread.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
#[schema(example = json!({"body": "They look like a door.", "also_in_room": false}))]
struct NewReply {
    /// Text, stored as it is: slash commands only exist in the composer.
    #[schema(required = true, min_length = 1, max_length = 16000)]
    body: String,
    /// As in `POST /rooms/{id}/messages`. It names the reply, not its copy.
    #[schema(min_length = 1, max_length = 64, pattern = "^[!-~]+$")]
    nonce: Option<String>,
    /// Whether the room of the message gets a copy, which is edited and deleted with the reply.
    also_in_room: bool,
    /// As in `POST /rooms/{id}/messages`. The copy has them, too.
    #[schema(max_items = 10)]
    files: Vec<String>,
}

/// Reply to a message in its thread
///
/// The first reply creates the thread, a room of visibility `thread`; all calls for rooms work for it. Who may
/// read the message may read the thread, and who may post beside the message may reply; a reply in a public
/// room also joins it. Who replies, users that are mentioned, and the author of the message follow the thread
/// from then on.
#[utoipa::path(
    post,
    path = "/messages/{id}/thread",
    tag = "threads",
    params(("id" = i64, Path, description = "The message.")),
    request_body = NewReply,
    responses(
        (status = 201, description = "The new reply, a message of the thread.", body = PostedShape<'static>),
        (status = 200, description = "The nonce was used before: the stored message. Nothing changes.", body = PostedShape<'static>),
        (status = 403, description = "You were removed from the room. A member can invite you again."),
        (status = 404, description = "There is no such message, or you cannot see it."),
        (status = 409, description = "The message is itself in a thread, or is deleted and has no thread; or the nonce was used with another room or text."),
    ),
)]
async fn create(
    State(rooms): State<Rooms>,
    State(messages): State<Messages>,
    State(shown): State<PostedUsers>,
    CanReadMessage { reader, message }: CanReadMessage,
    JsonBody(new): MessageJson<NewReply>,
) -> Result<Response, Problem> {
    let files = parse_files(&new.files)?;
    let body = MessageBody::parse_beside(&new.body, !files.is_empty())?;
    let nonce = new.nonce.as_deref().map(Nonce::parse).transpose()?;
    let (kind, markup) = (Kind::Text, Markup::Markdown);
    let draft = Draft { kind, body, markup, nonce, reply_to: None, files };
    let member = rooms.member_of(reader.access()).await?;
    let posted = messages.reply(member, message.id, draft, new.also_in_room).await?;
    let status = if posted.changed { StatusCode::CREATED } else { StatusCode::OK };
    let outsiders = shown.outsiders(&posted).await?;
    Ok((status, Json(shown.posted(&posted, &outsiders))).into_response())
}

/// Get the thread of a message
#[utoipa::path(
    get,
    path = "/messages/{id}/thread",
    tag = "threads",
    params(("id" = i64, Path, description = "The message.")),
    responses(
        (status = 200, description = "The thread, a room of visibility `thread`.", body = RoomShape<'static>),
        (status = 404, description = "The message has no thread, or you cannot see it."),
    ),
)]
async fn show(
    State(rooms): State<Rooms>,
    State(presence): State<Presence>,
    CanReadMessage { reader, message }: CanReadMessage,
) -> Result<Response, Problem> {
    let thread = rooms.thread_of(message.id).await?.ok_or_else(Problem::not_found)?;
    let reader = rooms.reader(reader.user(), thread).await?;
    document(&rooms, &presence, &reader).await
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ThreadsQuery {
    /// Continue after the thread with this `id`.
    #[param(nullable = false)]
    after: Option<i64>,
    /// The maximum number of threads.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
}

/// List the threads you follow
///
/// The last active first. To follow a thread, join it; to stop, leave it.
#[utoipa::path(
    get,
    path = "/threads",
    tag = "threads",
    params(ThreadsQuery),
    responses(
        (status = 200, description = "Threads.", body = Paged<RoomShape<'static>>),
        (status = 422, description = "The `limit` is out of range."),
    ),
)]
async fn index(
    State(rooms): State<Rooms>,
    State(presence): State<Presence>,
    Viewer(me): Viewer,
    Query(query): Query<ThreadsQuery>,
) -> Result<Response, Problem> {
    let limit = Limit::parse(query.limit)?;
    let found = rooms.followed(&me.user, query.after.map(RoomId), limit).await?;
    let stats = rooms.stats(&found.items, &presence.online()).await?;
    let counts = |id| stats.get(&id).map_or(Counts::default(), Counts::from);
    let items: Vec<RoomShape<'_>> =
        found.items.iter().map(|room| RoomShape::new(room, counts(room.id))).collect();
    Ok(Json(Paged { items, more: found.more }).into_response())
}
