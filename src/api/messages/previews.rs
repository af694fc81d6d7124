//! The previews of links in messages.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::chat::messages::Messages;
use crate::http::{AppState, CanDelete, Problem};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(destroy))
}

#[derive(Deserialize)]
struct PreviewPath {
    n: i64,
}

/// Remove the preview of a link
///
/// For all readers. For the author of the message and for moderators: the owner of its room and administrators.
/// Removing it again changes nothing. It does not come back when the message is edited.
#[utoipa::path(
    delete,
    path = "/messages/{id}/previews/{n}",
    tag = "messages",
    params(("id" = i64, Path, description = "The message."), ("n" = i64, Path, description = "The `n` of the preview.")),
    responses(
        (status = 204, description = "The preview is removed."),
        (status = 403, description = "You are neither the author nor a moderator of the room."),
        (status = 404, description = "There is no such message or preview, or you cannot see it."),
    ),
)]
async fn destroy(
    State(messages): State<Messages>,
    CanDelete(deleter): CanDelete,
    Path(path): Path<PreviewPath>,
) -> Result<StatusCode, Problem> {
    messages.remove_preview(deleter, path.n).await?;
    Ok(StatusCode::NO_CONTENT)
}
