//! How far a user has read a room.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::chat::rooms::Rooms;
use crate::http::{AppState, CanRead, JsonBody, Problem};
use crate::kernel::Seq;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(mark_read))
}

/// Your new read marker.
#[derive(Deserialize, ToSchema)]
#[schema(as = ReadMark, example = json!({"seq": 51}))]
struct ReadForm {
    #[schema(value_type = i64)]
    seq: Seq,
    /// Whether the marker may move back.
    #[serde(default)]
    force: bool,
}

/// Move your read marker
///
/// It moves back only with `force`, and never past the last message. Your own posts move it automatically.
#[utoipa::path(
    put,
    path = "/rooms/{id}/read",
    tag = "rooms",
    params(("id" = i64, Path, description = "The room.")),
    request_body = ReadForm,
    responses(
        (status = 204, description = "The read marker is stored and sent to your other connections."),
        (status = 404, description = "There is no such room, or you cannot see it."),
        (status = 409, description = "With `force`: you are not a member."),
    ),
)]
async fn mark_read(
    State(rooms): State<Rooms>,
    CanRead(reader): CanRead,
    JsonBody(form): JsonBody<ReadForm>,
) -> Result<StatusCode, Problem> {
    if form.force {
        rooms.mark_unread(&reader, form.seq).await?;
    } else {
        rooms.mark_read(&reader, form.seq).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
