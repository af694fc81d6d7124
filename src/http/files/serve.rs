//! Serves the files of messages to those who may read the message, with a new check for each request.
//!
//! A file comes from a stranger and has the address of Patio. So its type is one of a short list, it may run nothing, and no
//! other site may use it.

use std::io::{self, ErrorKind};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use percent_encoding::utf8_percent_encode;
use tokio::time::Instant;

use super::IN_ADDRESS;
use super::range::{self, Part};
use crate::chat::files::Files;
use crate::chat::files::model::{ContentHash, MediaType};
use crate::chat::files::storage::{OpenContent, service_error};
use crate::http::response::problem::AlreadyRendered;
use crate::http::response::streamed::Streamed;
use crate::http::{AppState, CanReadFile, Problem};
use crate::kernel::UserId;
use crate::limits::file::SLOWEST_DOWNLOAD;

const POLICY: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'");
/// When another download may have ended.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// How long any download may take.
const SHORTEST: Duration = Duration::from_mins(1);

pub fn router() -> Router<AppState> {
    Router::new()
        .route("/files/{id}/{file}/preview", get(preview))
        .route("/files/{id}/{file}/{name}", get(original))
}

/// What is served.
struct Served<'a> {
    hash: &'a ContentHash,
    size: u64,
    media_type: MediaType,
    name: &'a str,
}

async fn original(
    State(files): State<Files>,
    CanReadFile { reader, file }: CanReadFile,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let served = Served {
        hash: &file.content.hash,
        size: file.content.size,
        media_type: file.media_type,
        name: file.name.as_str(),
    };
    respond(&files, reader.user().id, &served, &headers).await
}

/// A smaller picture. What it is shows its beginning.
async fn preview(
    State(files): State<Files>,
    CanReadFile { reader, file }: CanReadFile,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let hash = file.preview.as_ref().ok_or_else(Problem::not_found)?;
    let found = files.storage().open_content(hash, 0..12).await;
    let OpenContent { size, bytes } = found.map_err(|error| failed(error, hash))?;
    let start: Vec<Bytes> = bytes.try_collect().await.map_err(|error| failed(error, hash))?;
    let media_type = MediaType::of_preview(&start.concat());
    let served = Served { hash, size, media_type, name: file.name.as_str() };
    respond(&files, reader.user().id, &served, &headers).await
}

async fn respond(
    files: &Files,
    user: UserId,
    served: &Served<'_>,
    request: &HeaderMap,
) -> Result<Response, Problem> {
    let tag = format!("\"{}\"", served.hash.as_str());
    let headers = headers(served, &tag)?;
    if range::has(request, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let size = served.size;
    let (status, part) = match range::requested(request, &tag, size) {
        Part::Whole => (StatusCode::OK, 0..size),
        Part::Bytes(part) => (StatusCode::PARTIAL_CONTENT, part),
        Part::Missing => {
            let range = [(CONTENT_RANGE, format!("bytes */{size}"))];
            let status = StatusCode::RANGE_NOT_SATISFIABLE;
            return Ok((status, Extension(AlreadyRendered), headers, range).into_response());
        }
    };
    let length = part.end - part.start;
    let place = files.download(user).ok_or_else(|| Problem {
        detail: Some("downloads-many"),
        ..Problem::too_many(AGAIN_AFTER)
    })?;
    let content = files.storage().read(served.hash, part.clone()).await;
    let content = content.map_err(|error| failed(error, served.hash))?;
    let until = Instant::now() + SHORTEST + Duration::from_secs(length / SLOWEST_DOWNLOAD);
    let body = content.map(move |bytes: io::Result<Bytes>| {
        // The place is taken until the body ends.
        let _place = &place;
        if Instant::now() > until { Err(ErrorKind::TimedOut.into()) } else { bytes }
    });
    let mut response =
        (status, headers, Extension(Streamed), Body::from_stream(body)).into_response();
    let own = response.headers_mut();
    own.insert(CONTENT_LENGTH, length.into());
    if status == StatusCode::PARTIAL_CONTENT {
        own.insert(CONTENT_RANGE, value(format!("bytes {}-{}/{size}", part.start, part.end - 1))?);
    }
    Ok(response)
}

/// The headers of every answer, whichever part it has.
fn headers(served: &Served<'_>, tag: &str) -> Result<HeaderMap, Problem> {
    let shown = if served.media_type.is_inline() { "inline" } else { "attachment" };
    Ok(HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static(served.media_type.as_str())),
        (CONTENT_DISPOSITION, value(disposition(shown, served.name))?),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("same-origin"),
        ),
        (ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        (CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        (ETAG, value(tag.to_owned())?),
    ]))
}

/// `Content-Disposition` with both forms of the name (RFC 6266): the second is for all programs that know it.
fn disposition(shown: &str, name: &str) -> String {
    let plain = |c: char| match c {
        '"' | '\\' | '%' | ';' => '_',
        c if c.is_ascii_graphic() || c == ' ' => c,
        _ => '_',
    };
    let plain: String = name.chars().map(plain).collect();
    let exact = utf8_percent_encode(name, &IN_ADDRESS);
    format!("{shown}; filename=\"{plain}\"; filename*=UTF-8''{exact}")
}

fn value(text: String) -> Result<HeaderValue, Problem> {
    HeaderValue::try_from(text).map_err(|error| Problem::internal(&error))
}

fn failed(error: io::Error, hash: &ContentHash) -> Problem {
    match error.kind() {
        ErrorKind::NotFound => {
            Problem::internal(&format_args!("the content {} is missing", hash.as_str()))
        }
        _ => service_error(error).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_two_forms_and_cannot_end_its_header() {
        for (name, expected) in [
            ("a.txt", "inline; filename=\"a.txt\"; filename*=UTF-8''a.txt"),
            ("año 1.pdf", "inline; filename=\"a_o 1.pdf\"; filename*=UTF-8''a%C3%B1o%201.pdf"),
            ("a\"; x=\"b", "inline; filename=\"a__ x=_b\"; filename*=UTF-8''a%22%3B%20x%3D%22b"),
        ] {
            assert_eq!(disposition("inline", name), expected);
        }
    }
}
