//! What users keep for themselves: saved messages, drafts, and the places of their rooms.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::schemas::{Items, MessageShape, Paged};
use crate::chat::drafts::Drafts;
use crate::chat::drafts::model::{DraftText, NewDraft, StoredDraft};
use crate::chat::messages::model::Nonce;
use crate::chat::rooms::Rooms;
use crate::chat::rooms::model::SectionName;
use crate::chat::saved::SavedMessages;
use crate::http::{
    AppState, CanRead, CanReadMessage, JsonBody, MessageJson, Problem, Query, Viewer,
};
use crate::kernel::paging::Limit;
use crate::kernel::{MessageId, RoomId};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(save, unsave))
        .routes(routes!(saved))
        .routes(routes!(put_draft))
        .routes(routes!(drafts))
        .routes(routes!(favour, unfavour))
        .routes(routes!(put_section))
}

/// Save a message
///
/// It appears in your own list; no other user learns of it. A deleted message leaves the list.
#[utoipa::path(
    put,
    path = "/messages/{id}/saved",
    tag = "personal",
    params(("id" = i64, Path, description = "The message.")),
    responses(
        (status = 204, description = "The message is saved. Your live connections receive `saved`."),
        (status = 404, description = "There is no such message, or you cannot see it."),
        (status = 409, description = "The message is deleted, or you have saved too many messages."),
    ),
)]
async fn save(
    State(saved): State<SavedMessages>,
    CanReadMessage { reader, message }: CanReadMessage,
) -> Result<StatusCode, Problem> {
    saved.add(&reader, &message).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a message off your list of saved messages
#[utoipa::path(
    delete,
    path = "/messages/{id}/saved",
    tag = "personal",
    params(("id" = i64, Path, description = "The message.")),
    responses(
        (status = 204, description = "The message is not saved."),
        (status = 404, description = "There is no such message, or you cannot see it."),
    ),
)]
async fn unsave(
    State(saved): State<SavedMessages>,
    CanReadMessage { reader, message }: CanReadMessage,
) -> Result<StatusCode, Problem> {
    saved.remove(&reader, &message).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct SavedQuery {
    /// The `id` of a message that you have saved: those saved before it.
    #[param(nullable = false)]
    before: Option<i64>,
    /// The maximum number of messages.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
}

/// List your saved messages
///
/// The last saved first. Messages that you cannot see any more are left out.
#[utoipa::path(
    get,
    path = "/saved",
    tag = "personal",
    params(SavedQuery),
    responses(
        (status = 200, description = "Messages.", body = Paged<MessageShape<'static>>),
        (status = 422, description = "The `limit` is out of range."),
    ),
)]
async fn saved(
    State(saved): State<SavedMessages>,
    Viewer(me): Viewer,
    Query(query): Query<SavedQuery>,
) -> Result<Response, Problem> {
    let limit = Limit::parse(query.limit)?;
    let found = saved.page(&me.user, query.before.map(MessageId), limit).await?;
    let items: Vec<MessageShape<'_>> = found.items.iter().map(MessageShape::from).collect();
    Ok(Json(Paged { items, more: found.more }).into_response())
}

/// A text that is not sent yet.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewDraft, example = json!({"body": "Rain at", "reply_to": null, "nonce": "0190b6c0-7f3e-7c3a-9c0e-1234567890ab"}))]
struct DraftForm {
    /// The text as typed. White space alone deletes the draft.
    #[schema(max_length = 64000)]
    body: String,
    /// The `id` of the message that it will reply to.
    #[schema(value_type = Option<i64>)]
    reply_to: Option<MessageId>,
    /// The nonce with which you will post the text. The post deletes the draft, and a draft with a used nonce is
    /// ignored.
    #[schema(min_length = 1, max_length = 64, pattern = "^[!-~]+$")]
    nonce: Option<String>,
}

/// Store your draft for a room
///
/// There is one for each room, and the newest wins.
#[utoipa::path(
    put,
    path = "/rooms/{id}/draft",
    tag = "personal",
    params(("id" = i64, Path, description = "The room.")),
    request_body = DraftForm,
    responses(
        (status = 204, description = "The draft is stored. Your live connections receive `draft`."),
        (status = 404, description = "There is no such room, or you cannot see it."),
        (status = 409, description = "Your other drafts leave no space for it."),
    ),
)]
async fn put_draft(
    State(drafts): State<Drafts>,
    CanRead(reader): CanRead,
    JsonBody(form): MessageJson<DraftForm>,
) -> Result<StatusCode, Problem> {
    let nonce = form.nonce.as_deref().map(Nonce::parse).transpose()?;
    let text = DraftText::parse(&form.body)?;
    drafts.put(&reader, &NewDraft { text, reply_to: form.reply_to, nonce }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A text that was not sent yet.
#[derive(Serialize, ToSchema)]
#[schema(as = Draft, example = json!({
    "room_id": 7, "body": "Rain at", "reply_to": null,
    "nonce": "0190b6c0-7f3e-7c3a-9c0e-1234567890ab", "updated_at": "2026-11-21T10:00:00.000Z"
}))]
struct DraftShape {
    #[schema(value_type = i64)]
    room_id: RoomId,
    body: String,
    #[schema(value_type = Option<i64>)]
    reply_to: Option<MessageId>,
    /// The nonce with which the text will be posted.
    nonce: Option<String>,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl From<StoredDraft> for DraftShape {
    fn from(draft: StoredDraft) -> Self {
        Self {
            room_id: draft.room,
            body: draft.body,
            reply_to: draft.reply_to,
            nonce: draft.nonce,
            updated_at: draft.updated_at.rfc3339(),
        }
    }
}

/// List your drafts
///
/// The newest first. Drafts for rooms that you cannot see any more are left out.
#[utoipa::path(
    get,
    path = "/drafts",
    tag = "personal",
    responses((status = 200, description = "Your drafts.", body = Items<DraftShape>)),
)]
async fn drafts(State(drafts): State<Drafts>, Viewer(me): Viewer) -> Result<Response, Problem> {
    let items = drafts.list(&me.user).await?.into_iter().map(DraftShape::from).collect();
    Ok(Json(Items { items }).into_response())
}

/// Make a room a favourite
///
/// It comes first in your list. No other user learns of it.
#[utoipa::path(
    put,
    path = "/rooms/{id}/favourite",
    tag = "personal",
    params(("id" = i64, Path, description = "The room.")),
    responses(
        (status = 204, description = "The room is a favourite. Your live connections receive `room`."),
        (status = 404, description = "There is no such room, or you cannot see it."),
        (status = 409, description = "You are not a member."),
    ),
)]
async fn favour(
    State(rooms): State<Rooms>,
    CanRead(reader): CanRead,
) -> Result<StatusCode, Problem> {
    rooms.set_favourite(&reader, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a room no favourite any more
#[utoipa::path(
    delete,
    path = "/rooms/{id}/favourite",
    tag = "personal",
    params(("id" = i64, Path, description = "The room.")),
    responses(
        (status = 204, description = "The room is no favourite."),
        (status = 404, description = "There is no such room, or you cannot see it."),
        (status = 409, description = "You are not a member."),
    ),
)]
async fn unfavour(
    State(rooms): State<Rooms>,
    CanRead(reader): CanRead,
) -> Result<StatusCode, Problem> {
    rooms.set_favourite(&reader, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The name of a section.
#[derive(Deserialize, ToSchema)]
#[schema(as = Section, example = json!({"name": "Garden"}))]
struct SectionForm {
    /// One line. An empty one is no section.
    #[schema(max_length = 32)]
    name: String,
}

/// Put a room into a section of your list
///
/// No other user learns of it.
#[utoipa::path(
    put,
    path = "/rooms/{id}/section",
    tag = "personal",
    params(("id" = i64, Path, description = "The room.")),
    request_body = SectionForm,
    responses(
        (status = 204, description = "The room is in the section. Your live connections receive `room`."),
        (status = 404, description = "There is no such room, or you cannot see it."),
        (status = 409, description = "You are not a member."),
    ),
)]
async fn put_section(
    State(rooms): State<Rooms>,
    CanRead(reader): CanRead,
    JsonBody(form): JsonBody<SectionForm>,
) -> Result<StatusCode, Problem> {
    rooms.set_section(&reader, &SectionName::parse(&form.name)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
