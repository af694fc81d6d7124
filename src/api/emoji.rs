//! Custom emoji: the list for all users, adding and deleting for administrators.

use axum::Json;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::chat::emoji::CustomEmoji;
use crate::chat::emoji::model::{EmojiEntry, EmojiName};
use crate::http::request::auth::CanAdminister;
use crate::http::request::uploads::Uploads;
use crate::http::{AppState, Problem, Viewer};
use crate::limits::upload;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(index, create))
        .layer(DefaultBodyLimit::max(upload::PICTURE_BYTES))
        .routes(routes!(destroy))
}

/// A custom emoji.
#[derive(Serialize, ToSchema)]
#[schema(as = CustomEmoji, example = json!({"name": "party-parrot", "url": "/emoji/party-parrot.1a2b3c4d"}))]
struct EmojiShape {
    /// In texts it is written between colons: `:party-parrot:`.
    name: String,
    /// The path of its image, a PNG of at most 128 pixels. It takes the same token.
    url: String,
}

impl From<EmojiEntry> for EmojiShape {
    fn from(entry: EmojiEntry) -> Self {
        Self { url: entry.address(), name: entry.name }
    }
}

#[derive(Serialize, ToSchema)]
struct EmojiList {
    /// By name.
    items: Vec<EmojiShape>,
}

/// List the custom emoji
#[utoipa::path(
    get,
    path = "/emoji",
    tag = "emoji",
    responses((status = 200, description = "All custom emoji.", body = EmojiList)),
)]
async fn index(_: Viewer, State(emoji): State<CustomEmoji>) -> Json<EmojiList> {
    let items = emoji.known().entries().into_iter().map(EmojiShape::from).collect();
    Json(EmojiList { items })
}

/// A new custom emoji.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "for the reference")]
struct NewEmoji {
    /// Lower-case letters, digits, `-`, `_` and `+`; not the code of a standard emoji.
    #[schema(min_length = 2, max_length = 32, pattern = "^[a-z0-9_+-]+$")]
    name: String,
    /// PNG, GIF, WebP or JPEG. It is made small enough; an animation stands still.
    #[schema(value_type = String, format = Binary)]
    image: Vec<u8>,
}

/// Add a custom emoji
///
/// For administrators. Messages that were written before stay as they are. There can be at most 500.
#[utoipa::path(
    post,
    path = "/emoji",
    tag = "emoji",
    request_body(content = NewEmoji, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "The new emoji.", body = EmojiShape),
        (status = 400, description = "Not a form with a file, or a form with unknown fields."),
        (status = 403, description = "You are not an administrator."),
        (status = 409, description = "There is an emoji with this name, or the installation has the maximum number."),
        (status = 413, description = "The request is too large."),
        (status = 422, description = "The name or the image cannot be used."),
    ),
)]
async fn create(
    State(emoji): State<CustomEmoji>,
    State(uploads): State<Uploads>,
    Viewer(me): Viewer,
    CanAdminister(admin): CanAdminister,
    request: Request,
) -> Result<Response, Problem> {
    let form = uploads.receive(&me, request, "image").await?;
    form.refuse_unknown(&["name"])?;
    let name = EmojiName::parse(form.text("name"))?;
    let entry = emoji.add(&admin, &name, &form.file).await?;
    Ok((StatusCode::CREATED, Json(EmojiShape::from(entry))).into_response())
}

/// Delete a custom emoji
///
/// For administrators. Messages with it show its name.
#[utoipa::path(
    delete,
    path = "/emoji/{name}",
    tag = "emoji",
    params(("name" = String, Path, description = "The name, without colons.", example = "party-parrot")),
    responses(
        (status = 204, description = "It is deleted."),
        (status = 403, description = "You are not an administrator."),
        (status = 404, description = "There is no such emoji."),
    ),
)]
async fn destroy(
    State(emoji): State<CustomEmoji>,
    CanAdminister(admin): CanAdminister,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let removed = emoji.remove(&admin, &name).await?;
    removed.then_some(StatusCode::NO_CONTENT).ok_or_else(Problem::not_found)
}
