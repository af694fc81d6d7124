//! Resumable uploads: the tus protocol 1.0 with the extensions *creation* and *termination*. Any client of it works.

use axum::body::to_bytes;
use axum::extract::{OriginalUri, Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::pace::Paced;
use crate::chat::files::Files;
use crate::chat::files::model::{AltText, FileId, FileName, NewUpload, UploadState};
use crate::http::{FormBody, Problem, Viewer};
use crate::limits::file::POSTER_BYTES;

const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const VERSION: &str = "1.0.0";
const VERSIONS: HeaderName = HeaderName::from_static("tus-version");
const EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
const MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const BYTES: &str = "application/offset+octet-stream";

/// Bytes of `Upload-Metadata` that are read. Names and descriptions are shorter.
const METADATA_BYTES: usize = 8 * 1024;

#[derive(Deserialize)]
pub struct UploadPath {
    id: String,
}

impl UploadPath {
    /// Another user's id, one that does not exist, and one that cannot exist have the same answer.
    fn id(&self) -> Result<FileId, Problem> {
        FileId::parse(&self.id).ok_or_else(Problem::not_found)
    }
}

/// Says what is possible.
pub async fn options(State(files): State<Files>) -> Response {
    let headers = [
        (VERSIONS, VERSION.to_owned()),
        (EXTENSION, "creation,termination".to_owned()),
        (MAX_SIZE, files.limits().largest.to_string()),
    ];
    answer((StatusCode::NO_CONTENT, headers))
}

/// Begins an upload.
pub async fn create(
    State(files): State<Files>,
    Viewer(me): Viewer,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(refused) = other_version(&headers) {
        return Ok(refused);
    }
    let length = number(&headers, &LENGTH).ok_or_else(|| bad("upload-length"))?;
    let (name, alt) = metadata(&headers)?;
    let id = files.begin(me.user.id, NewUpload { name, alt, length }).await?;
    let location = format!("{}/{}", uri.path().trim_end_matches('/'), id.as_str());
    Ok(answer((StatusCode::CREATED, [(LOCATION, location)])))
}

/// Says how much has arrived.
pub async fn show(
    State(files): State<Files>,
    Viewer(me): Viewer,
    Path(path): Path<UploadPath>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(refused) = other_version(&headers) {
        return Ok(refused);
    }
    let state = files.state(me.user.id, &path.id()?).await?;
    let headers = [
        (OFFSET, state.offset.to_string()),
        (LENGTH, state.length.to_string()),
        (METADATA, encoded(&state)),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok(answer((StatusCode::OK, headers)))
}

/// Adds bytes. With the last one the upload is a file.
pub async fn append(
    State(files): State<Files>,
    Viewer(me): Viewer,
    Path(path): Path<UploadPath>,
    request: Request,
) -> Result<Response, Problem> {
    let headers = request.headers();
    if let Some(refused) = other_version(headers) {
        return Ok(refused);
    }
    if headers.get(CONTENT_TYPE).is_none_or(|value| value != BYTES) {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let offset = number(headers, &OFFSET).ok_or_else(|| bad("upload-offset"))?;
    let id = path.id()?;
    let bytes = Paced::new(request.into_body());
    let offset = files.append(me.user.id, &id, offset, bytes).await?;
    Ok(answer((StatusCode::NO_CONTENT, [(OFFSET, offset.to_string())])))
}

/// Cancels an upload, or deletes a file that was not posted.
pub async fn destroy(
    State(files): State<Files>,
    Viewer(me): Viewer,
    Path(path): Path<UploadPath>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(refused) = other_version(&headers) {
        return Ok(refused);
    }
    files.discard(me.user.id, &path.id()?).await?;
    Ok(answer(StatusCode::NO_CONTENT))
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct AltForm {
    alt: String,
}

/// Describes a file that was not posted. Not a part of tus.
pub async fn describe(
    State(files): State<Files>,
    Viewer(me): Viewer,
    Path(path): Path<UploadPath>,
    FormBody(form): FormBody<AltForm>,
) -> Result<StatusCode, Problem> {
    files.describe(me.user.id, &path.id()?, &AltText::parse(&form.alt)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a film that was not posted its poster: the body is a picture. Not a part of tus.
pub async fn poster(
    State(files): State<Files>,
    Viewer(me): Viewer,
    Path(path): Path<UploadPath>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let picture = to_bytes(request.into_body(), POSTER_BYTES).await;
    let picture = picture.map_err(|_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE))?;
    files.set_poster(me.user.id, &path.id()?, picture.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn answer(response: impl IntoResponse) -> Response {
    ([(RESUMABLE, VERSION)], response).into_response()
}

/// The refusal of a client of another version.
fn other_version(headers: &HeaderMap) -> Option<Response> {
    if headers.get(RESUMABLE).is_some_and(|version| version == VERSION) {
        return None;
    }
    let problem = Problem::with_detail(StatusCode::PRECONDITION_FAILED, "upload-version");
    let mut refused = answer(problem);
    refused.headers_mut().insert(VERSIONS, HeaderValue::from_static(VERSION));
    Some(refused)
}

fn bad(detail: &'static str) -> Problem {
    Problem::with_detail(StatusCode::BAD_REQUEST, detail)
}

/// A header that is a whole number.
fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    let text = headers.get(name)?.to_str().ok()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// The name and the description in `Upload-Metadata`: keys, each with a value in Base64.
fn metadata(headers: &HeaderMap) -> Result<(FileName, AltText), Problem> {
    let wrong = || bad("upload-metadata");
    let Some(header) = headers.get(METADATA) else {
        return Ok((FileName::parse(""), AltText::default()));
    };
    let header = header.to_str().ok().filter(|header| header.len() <= METADATA_BYTES);
    let (mut name, mut alt) = (String::new(), String::new());
    for pair in header.ok_or_else(wrong)?.split(',') {
        let (key, value) = pair.trim().split_once(' ').unwrap_or((pair.trim(), ""));
        let kept = match key {
            "filename" => &mut name,
            "alt" => &mut alt,
            _ => continue,
        };
        let bytes = STANDARD.decode(value.trim()).map_err(|_| wrong())?;
        *kept = String::from_utf8(bytes).map_err(|_| wrong())?;
    }
    Ok((FileName::parse(&name), AltText::parse(&alt)))
}

fn encoded(state: &UploadState) -> String {
    let name = STANDARD.encode(state.name.as_str());
    match state.alt.as_str() {
        "" => format!("filename {name}"),
        alt => format!("filename {name},alt {}", STANDARD.encode(alt)),
    }
}
