//! What happens to a form of somebody who sends too many: it is not carried out and not lost. The page
//! that says so has the form again, with what was typed.

use std::time::Duration;

use askama::Template;
use axum::body::to_bytes;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::layout::{Frame, again, html};
use crate::http::rate_limit::routes::admit;
use crate::http::{Problem, Site};
use crate::limits::request::MESSAGE_BODY;

/// Fields that people do not type.
const HIDDEN: [&str; 8] =
    ["nonce", "next", "visibility", "user", "session", "token", "job", "remove"];

#[derive(Template)]
#[template(path = "errors/too_fast.html")]
struct TooFastPage {
    page: Frame,
    action: String,
    fields: Vec<Field>,
}

struct Field {
    name: String,
    value: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A text of several lines.
    Text,
    Line,
    Hidden,
}

impl Field {
    /// `None` for passwords, which no page ever shows.
    fn new((name, value): (String, String)) -> Option<Self> {
        let kind = match name.as_str() {
            name if name.contains("password") => return None,
            "body" => Kind::Text,
            name if HIDDEN.contains(&name) => Kind::Hidden,
            _ => Kind::Line,
        };
        Some(Self { name, value, kind })
    }
}

/// Counts what somebody signed in does, before anything else is done for them.
pub(super) async fn by_user(State(site): State<Site>, request: Request, next: Next) -> Response {
    match admit(&site, &request) {
        Ok(admitted) => {
            let response = next.run(request).await;
            admitted.answered(&site, &response);
            response
        }
        Err(problem) => give_back(&site, request, problem).await,
    }
}

/// The form again, or for what is none the page that says to wait.
async fn give_back(site: &Site, request: Request, problem: Problem) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(page) = Frame::from_request_parts(&mut parts, site).await;
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
        return problem.into_response();
    }
    let Ok(form) = to_bytes(body, MESSAGE_BODY).await else {
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE).into_response();
    };
    let fields = form_urlencoded::parse(&form).into_owned().filter_map(Field::new).collect();
    let action = parts.uri.path().to_owned();
    let shown = html(&TooFastPage { page, action, fields });
    wait(again(StatusCode::TOO_MANY_REQUESTS, shown), problem.retry_after)
}

/// Says when to come again.
pub(super) fn wait(mut response: Response, wait: Option<Duration>) -> Response {
    if let Some(wait) = wait {
        let seconds = HeaderValue::from(Problem::seconds(wait));
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}
