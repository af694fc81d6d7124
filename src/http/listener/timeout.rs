//! The timeout of a request. If the body did not arrive in time, the client receives 408; if the server did not
//! answer in time, 503.

use axum::extract::{MatchedPath, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use crate::http::Problem;
use crate::http::listener::Upload;
use crate::limits::request::ANSWER_WITHIN;

/// Routes of files, whose bytes have a pace of their own (`http::files`).
const PACED: [&str; 6] = [
    "/uploads",
    "/uploads/{id}",
    "/files",
    "/rooms/{id}/messages",
    "/threads/{id}",
    "/direct/{name}/messages",
];
const PACED_TYPES: [&str; 2] = ["multipart/form-data", "application/offset+octet-stream"];

pub async fn keep(request: Request, next: Next) -> Response {
    if is_paced(&request) {
        return next.run(request).await;
    }
    let upload = request.extensions().get::<Upload>().cloned();
    match timeout(ANSWER_WITHIN, next.run(request)).await {
        Ok(response) => response,
        Err(_) if upload.is_some_and(|upload| !upload.is_complete()) => {
            Problem::new(StatusCode::REQUEST_TIMEOUT).into_response()
        }
        Err(_) => Problem::new(StatusCode::SERVICE_UNAVAILABLE).into_response(),
    }
}

fn is_paced(request: &Request) -> bool {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_type = |known: &&str| content_type.is_some_and(|found| found.starts_with(*known));
    PACED.contains(&route.strip_prefix("/api/v1").unwrap_or(route))
        && PACED_TYPES.iter().any(is_type)
}
