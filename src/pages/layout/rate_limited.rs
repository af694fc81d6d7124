//! What happens to a form of somebody who sends too many: it is not carried out and not lost.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::RETRY_AFTER;
use axum::middleware::Next;
use axum::response::Response;

use crate::http::rate_limit::routes::admit;
use crate::http::{AppState, Problem};
use crate::pages::layout::returned_form;

/// Counts what somebody signed in does, before anything else is done for them.
pub(in crate::pages) async fn by_user(
    State(site): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    match admit(&site, &request) {
        Ok(admitted) => {
            let response = next.run(request).await;
            admitted.answered(&site, &response);
            response
        }
        Err(problem) => {
            let later = problem.retry_after;
            wait(returned_form::too_fast(&site, request, problem).await, later)
        }
    }
}

/// Says when to come again.
pub(in crate::pages) fn wait(mut response: Response, wait: Option<Duration>) -> Response {
    if let Some(wait) = wait {
        let seconds = HeaderValue::from(Problem::seconds(wait));
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}
