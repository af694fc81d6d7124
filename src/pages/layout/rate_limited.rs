//! Per-user rate limits of pages. A form over the limit is not executed, but returned with its
//! content.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::RETRY_AFTER;
use axum::middleware::Next;
use axum::response::Response;

use crate::http::rate_limit::routes::admit;
use crate::http::{AppState, Problem};
use crate::pages::layout::returned_form;

/// Middleware: counts the requests of signed-in users before any handler runs.
pub(in crate::pages) async fn by_user(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    match admit(&state, &request) {
        Ok(admitted) => {
            let response = next.run(request).await;
            admitted.answered(&state, &response);
            response
        }
        Err(problem) => {
            let later = problem.retry_after;
            wait(returned_form::too_fast(&state, request, problem).await, later)
        }
    }
}

/// Sets `Retry-After`.
pub(in crate::pages) fn wait(mut response: Response, wait: Option<Duration>) -> Response {
    if let Some(wait) = wait {
        let seconds = HeaderValue::from(Problem::seconds(wait));
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}
