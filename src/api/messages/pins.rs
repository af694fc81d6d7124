//! Pins: what the members of a room keep at hand.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::schemas::{Items, MessageShape};
use crate::chat::messages::Messages;
use crate::http::{AppState, CanPin, CanRead, Problem};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(index)).routes(routes!(create, destroy))
}

/// List the pinned messages
///
/// The one that was pinned last comes first.
#[utoipa::path(
    get,
    path = "/rooms/{id}/pins",
    tag = "messages",
    params(("id" = i64, Path, description = "The room.")),
    responses(
        (status = 200, description = "The pinned messages.", body = Items<MessageShape<'static>>),
        (status = 404, description = "There is no such room, or you cannot see it."),
    ),
)]
async fn index(
    State(messages): State<Messages>,
    CanRead(reader): CanRead,
) -> Result<Response, Problem> {
    let pinned = messages.pinned(&reader).await?;
    let items: Vec<MessageShape<'_>> = pinned.iter().map(MessageShape::from).collect();
    Ok(Json(Items { items }).into_response())
}

/// Pin a message
///
/// For everyone who may post in its room. Pinning a message of a public room also joins the room.
/// Pinning it again changes nothing. Deleting the message unpins it.
#[utoipa::path(
    put,
    path = "/messages/{id}/pin",
    tag = "messages",
    params(("id" = i64, Path, description = "The message.")),
    responses(
        (status = 204, description = "The message is pinned."),
        (status = 403, description = "You were removed from this room. A member can invite you again."),
        (status = 404, description = "There is no such message, or you cannot see it."),
        (status = 409, description = "The message is deleted."),
        (status = 422, description = "The room has 100 pinned messages."),
    ),
)]
async fn create(
    State(messages): State<Messages>,
    CanPin(member, message): CanPin,
) -> Result<StatusCode, Problem> {
    messages.pin(member, message).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Unpin a message
///
/// For everyone who may post in its room. If it is not pinned, nothing changes.
#[utoipa::path(
    delete,
    path = "/messages/{id}/pin",
    tag = "messages",
    params(("id" = i64, Path, description = "The message.")),
    responses(
        (status = 204, description = "The message is not pinned."),
        (status = 403, description = "You were removed from this room. A member can invite you again."),
        (status = 404, description = "There is no such message, or you cannot see it."),
    ),
)]
async fn destroy(
    State(messages): State<Messages>,
    CanPin(member, message): CanPin,
) -> Result<StatusCode, Problem> {
    messages.unpin(member, message).await?;
    Ok(StatusCode::NO_CONTENT)
}
