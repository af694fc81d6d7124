//! The files of a room.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::schemas::{AttachmentShape, Paged};
use crate::chat::files::model::Attachment;
use crate::chat::messages::Messages;
use crate::http::{AppState, CanRead, Problem, Query};
use crate::kernel::MessageId;
use crate::kernel::paging::Limit;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(index))
}

/// A file of a message in a room.
#[derive(Serialize, ToSchema)]
struct RoomFile<'a> {
    /// The message that was posted with it.
    #[schema(value_type = i64)]
    message_id: MessageId,
    #[serde(flatten)]
    attachment: AttachmentShape<'a>,
}

impl<'a> From<&'a Attachment> for RoomFile<'a> {
    fn from(attachment: &'a Attachment) -> Self {
        Self { message_id: attachment.message, attachment: attachment.into() }
    }
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Before {
    /// Files of messages with a smaller `id`.
    #[param(nullable = false, value_type = Option<i64>)]
    before: Option<MessageId>,
    /// The maximum number of files. A page ends with a whole message, so one message with more files has all of them.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
}

/// List the files of a room
///
/// The newest messages first, those in threads of the room included. While `more` is true, repeat the request with the
/// `message_id` of the last item as `before`.
#[utoipa::path(
    get,
    path = "/rooms/{id}/files",
    tag = "files",
    params(("id" = i64, Path, description = "The room."), Before),
    responses(
        (status = 200, description = "Files.", body = Paged<RoomFile<'static>>),
        (status = 404, description = "There is no such room, or you cannot see it."),
        (status = 422, description = "The `limit` is out of range."),
    ),
)]
async fn index(
    State(messages): State<Messages>,
    CanRead(reader): CanRead,
    Query(page): Query<Before>,
) -> Result<Response, Problem> {
    let limit = Limit::parse(page.limit)?;
    let found = messages.with_files(&reader, page.before, limit).await?;
    let files = found.items.iter().flat_map(|message| &message.attachments);
    let items: Vec<RoomFile<'_>> = files.map(RoomFile::from).collect();
    Ok(Json(Paged { items, more: found.more }).into_response())
}
