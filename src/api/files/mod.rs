//! Files: resumable uploads (tus), and uploads in one request.

mod of_room;

use axum::Json;
use axum::extract::{OriginalUri, Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::chat::files::Files;
use crate::chat::files::model::{AltText, StoredFile};
use crate::http::files::form::{FileForms, FormShape};
use crate::http::files::tus::{self, UploadPath};
use crate::http::{AppState, Problem, Viewer};
use crate::limits::upload::TEXT_BYTES;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(options, begin))
        .routes(routes!(progress, append, cancel))
        .routes(routes!(poster))
        .routes(routes!(create))
        .merge(of_room::router())
}

/// A file that is in no message yet.
#[derive(Serialize, ToSchema)]
#[schema(as = File)]
struct FileShape<'a> {
    /// For `files` of a new message.
    id: &'a str,
    name: &'a str,
    #[schema(pattern = "^(image|video|audio|file)$")]
    kind: &'static str,
    /// The media type, by the content.
    r#type: &'static str,
    /// In bytes, without the metadata that was removed.
    size: u64,
    width: Option<u32>,
    height: Option<u32>,
    duration_ms: Option<u64>,
    alt: &'a str,
}

impl<'a> From<&'a StoredFile> for FileShape<'a> {
    fn from(file: &'a StoredFile) -> Self {
        Self {
            id: file.id.as_str(),
            name: file.name.as_str(),
            kind: file.media_type.kind_name(),
            r#type: file.media_type.as_str(),
            size: file.content.size,
            width: file.width,
            height: file.height,
            duration_ms: file.duration_ms,
            alt: file.alt.as_str(),
        }
    }
}

/// Describe uploads
///
/// The tus protocol 1.0 (<https://tus.io>) with the extensions `creation` and `termination`. `Tus-Max-Size` is the
/// largest file in bytes.
#[utoipa::path(
    options,
    path = "/uploads",
    tag = "files",
    security(()),
    responses((status = 204, description = "In the headers: the version, the extensions, the largest size.")),
)]
async fn options(State(files): State<Files>) -> Response {
    tus::options(State(files)).await
}

/// Begin an upload
///
/// Headers: `Tus-Resumable: 1.0.0`, `Upload-Length`, `Upload-Metadata` with `filename` and `alt`. The last part of
/// `Location` is the `id` of the file for a message. An upload is kept for a day after its last bytes.
#[utoipa::path(
    post,
    path = "/uploads",
    tag = "files",
    responses(
        (status = 201, description = "In `Location`: where the bytes are sent."),
        (status = 400, description = "A header is missing or malformed."),
        (status = 412, description = "Another version of tus."),
        (status = 413, description = "The file is too large."),
        (status = 422, description = "Your files or those of all users take too much space, or too many of yours are in no message."),
        (status = 507, description = "The disk has no space for the file."),
    ),
)]
async fn begin(
    State(files): State<Files>,
    me: Viewer,
    uri: OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    tus::create(State(files), me, uri, headers).await
}

/// Ask how much of an upload has arrived
#[utoipa::path(
    head,
    path = "/uploads/{id}",
    tag = "files",
    params(("id" = String, Path, description = "The upload.")),
    responses(
        (status = 200, description = "In `Upload-Offset`: the bytes that have arrived."),
        (status = 404, description = "You have no such upload."),
        (status = 412, description = "Another version of tus."),
    ),
)]
async fn progress(
    State(files): State<Files>,
    me: Viewer,
    path: Path<UploadPath>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    tus::show(State(files), me, path, headers).await
}

/// Send bytes of an upload
///
/// Headers: `Tus-Resumable`, `Upload-Offset`, `Content-Type: application/offset+octet-stream`. With the last byte the
/// upload becomes a file: its metadata is removed, and it can be posted.
#[utoipa::path(
    patch,
    path = "/uploads/{id}",
    tag = "files",
    params(("id" = String, Path, description = "The upload.")),
    request_body(content = String, content_type = "application/offset+octet-stream"),
    responses(
        (status = 204, description = "In `Upload-Offset`: the bytes that have arrived."),
        (status = 404, description = "You have no such upload."),
        (status = 412, description = "Another version of tus."),
        (status = 409, description = "Other bytes have arrived: ask again how many."),
        (status = 413, description = "More bytes than announced."),
        (status = 415, description = "Another content type."),
        (status = 422, description = "The metadata of the file cannot be removed, so it is not accepted."),
        (status = 423, description = "Another request sends bytes."),
    ),
)]
async fn append(
    State(files): State<Files>,
    me: Viewer,
    path: Path<UploadPath>,
    request: Request,
) -> Result<Response, Problem> {
    tus::append(State(files), me, path, request).await
}

/// Cancel an upload
///
/// Also deletes a file that is in no message.
#[utoipa::path(
    delete,
    path = "/uploads/{id}",
    tag = "files",
    params(("id" = String, Path, description = "The upload.")),
    responses(
        (status = 204, description = "It is deleted."),
        (status = 404, description = "You have no such upload."),
        (status = 412, description = "Another version of tus."),
        (status = 423, description = "Another request sends bytes."),
    ),
)]
async fn cancel(
    State(files): State<Files>,
    me: Viewer,
    path: Path<UploadPath>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    tus::destroy(State(files), me, path, headers).await
}

/// Give a film its poster
///
/// The picture that stands for a film until it is played, in place of an earlier one. For a film that has arrived and
/// is in no message. It is encoded again, and is the `preview_url` of the attachment.
#[utoipa::path(
    put,
    path = "/uploads/{id}/poster",
    tag = "files",
    params(("id" = String, Path, description = "The film.")),
    request_body(content = String, content_type = "image/jpeg"),
    responses(
        (status = 204, description = "The film has the poster."),
        (status = 404, description = "You have no such film that is in no message."),
        (status = 413, description = "The picture has more than 1 MiB."),
        (status = 422, description = "It is no picture that can be shown."),
    ),
)]
async fn poster(
    State(files): State<Files>,
    me: Viewer,
    path: Path<UploadPath>,
    request: Request,
) -> Result<StatusCode, Problem> {
    tus::poster(State(files), me, path, request).await
}

/// A new file.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "for the reference")]
struct NewFile {
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// What it shows, for those who do not see it.
    #[schema(max_length = 1000)]
    alt: Option<String>,
}

/// Upload a file in one request
///
/// For small files. A file that is in no message a day later is deleted.
#[utoipa::path(
    post,
    path = "/files",
    tag = "files",
    request_body(content = NewFile, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "The new file.", body = FileShape<'static>),
        (status = 400, description = "Not a form with one file."),
        (status = 413, description = "The file is too large."),
        (status = 422, description = "Its metadata cannot be removed, or your files or those of all users take too much space."),
        (status = 507, description = "The disk has no space for the file."),
    ),
)]
async fn create(
    State(files): State<Files>,
    State(forms): State<FileForms>,
    Viewer(me): Viewer,
    request: Request,
) -> Result<Response, Problem> {
    let shape = FormShape { field: "file", text_bytes: TEXT_BYTES, is_counted: true };
    let mut form = forms.receive(&me, request, shape).await?;
    if let Some(problem) = form.refused {
        return Err(problem);
    }
    let alt = AltText::parse(form.value("alt").unwrap_or_default());
    let (Some(mut received), true) = (form.files.pop(), form.files.is_empty()) else {
        return Err(Problem::new(StatusCode::BAD_REQUEST));
    };
    received.upload.alt = alt;
    let file = files.keep(received).await?;
    Ok((StatusCode::CREATED, Json(FileShape::from(&file))).into_response())
}
