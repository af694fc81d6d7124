//! The timeout of a request. If the body did not arrive in time, the client receives 408; if the server did not
//! answer in time, 503.

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
