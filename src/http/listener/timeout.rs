//! How long a request may take, and whose fault it is when it took longer: a body that did not come in
//! time is 408, an answer that did not is 503.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use crate::http::Problem;
use crate::http::listener::Upload;
use crate::limits::request::ANSWER_WITHIN;

pub async fn keep(request: Request, next: Next) -> Response {
    let upload = request.extensions().get::<Upload>().cloned();
    match timeout(ANSWER_WITHIN, next.run(request)).await {
        Ok(response) => response,
        Err(_) if upload.is_some_and(|upload| !upload.is_complete()) => {
            Problem::new(StatusCode::REQUEST_TIMEOUT).into_response()
        }
        Err(_) => Problem::new(StatusCode::SERVICE_UNAVAILABLE).into_response(),
    }
}
