//! What an edited message said before.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::schemas::Items;
use crate::chat::messages::Messages;
use crate::chat::messages::model::Version;
use crate::http::{AppState, CanReadMessage, Problem};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(index))
}

/// What an edited message said before an edit.
#[derive(Serialize, ToSchema)]
#[schema(as = Version)]
struct VersionShape {
    body: String,
    /// The text as safe HTML.
    html: String,
    /// When it was written.
    #[schema(format = DateTime)]
    at: String,
}

impl From<(Version, String)> for VersionShape {
    fn from((Version { body, at, .. }, html): (Version, String)) -> Self {
        Self { body, html, at: at.rfc3339() }
    }
}

/// List the former versions of a message
///
/// The original and the newest of the others, at most 20 in all, the oldest first. A deleted message has
/// none.
#[utoipa::path(
    get,
    path = "/messages/{id}/edits",
    tag = "messages",
    params(("id" = i64, Path, description = "The message.")),
    responses(
        (status = 200, description = "What the message said before each edit.", body = Items<VersionShape>),
        (status = 404, description = "There is no such message, or you cannot see it."),
    ),
)]
async fn index(
    State(messages): State<Messages>,
    CanReadMessage { reader, message }: CanReadMessage,
) -> Result<Response, Problem> {
    let versions = messages.versions(&reader, message.id).await?;
    let items: Vec<VersionShape> = versions.into_iter().map(VersionShape::from).collect();
    Ok(Json(Items { items }).into_response())
}
