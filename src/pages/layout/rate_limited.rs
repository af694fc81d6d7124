//! Per-user rate limits of pages. A form over the limit is not executed, but returned with its
//! content.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::RETRY_AFTER;
use axum::middleware::Next;
use axum::response::Response;

use crate::http::Problem;
use crate::http::rate_limit::RateLimiter;
use crate::http::rate_limit::routes::admit;
use crate::http::site::SiteInfo;
use crate::pages::layout::returned_form;

/// Middleware: counts the requests of signed-in users before any handler runs.
pub(in crate::pages) async fn by_user(
    State(rate_limiter): State<RateLimiter>,
    State(site): State<Arc<SiteInfo>>,
    request: Request,
    next: Next,
) -> Response {
    match admit(&rate_limiter, &request) {
        Ok(admitted) => {
            let response = next.run(request).await;
            admitted.answered(&rate_limiter, &response);
            response
        }
        Err(problem) => {
            let later = problem.retry_after;
            wait(returned_form::too_fast(&site, request, problem).await, later)
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
