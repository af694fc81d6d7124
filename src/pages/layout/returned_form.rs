//! A form that was not carried out, on the page that says why: what was typed is there again, to be
//! sent once more.

use askama::Template;
use axum::body::to_bytes;
use axum::extract::{FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::http::{AppState, Problem};
use crate::limits::request::MESSAGE_BODY;
use crate::pages::layout::page::{OwnPath, Page, again, html, unkept};

/// Fields that people do not type.
const HIDDEN: [&str; 10] = [
    "author",
    "job",
    "next",
    "nonce",
    "remove",
    "room_created",
    "session",
    "token",
    "user",
    "visibility",
];

#[derive(Template)]
#[template(path = "errors/kept_form.html")]
struct KeptFormPage {
    page: Page,
    why: Why,
    action: String,
    fields: Vec<Field>,
}

/// Why the form was not carried out.
pub(in crate::pages) enum Why {
    TooFast,
    /// With the way to sign in.
    SignedOut(String),
}

impl Why {
    fn status(&self) -> StatusCode {
        match self {
            Self::TooFast => StatusCode::TOO_MANY_REQUESTS,
            Self::SignedOut(_) => StatusCode::UNAUTHORIZED,
        }
    }
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

    fn is_text(&self) -> bool {
        self.kind == Kind::Text && !self.value.trim().is_empty()
    }
}

/// The form of somebody who sends too many; for what is none the page that says to wait.
pub(in crate::pages) async fn too_fast(
    site: &AppState,
    request: Request,
    problem: Problem,
) -> Response {
    return_form(site, request, Why::TooFast, |_| true, problem).await
}

/// The text of somebody whose session has ended; for what has none the way to sign in. It is kept by no
/// browser: whoever sits there next has another account.
pub(in crate::pages) async fn signed_out(site: &AppState, request: Request) -> Response {
    let path = request.uri().path();
    // Where the form was.
    let place = path.rsplit_once('/').and_then(|(place, _)| OwnPath::parse(place));
    let gate = place.map_or("/login".to_owned(), |at| format!("/login?next={}", at.encoded()));
    let has_text = |fields: &[Field]| fields.iter().any(Field::is_text);
    let why = Why::SignedOut(gate);
    unkept(return_form(site, request, why, has_text, Problem::signed_out()).await)
}

async fn return_form(
    site: &AppState,
    request: Request,
    why: Why,
    is_worth_it: impl Fn(&[Field]) -> bool,
    problem: Problem,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(page) = Page::from_request_parts(&mut parts, site).await;
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
        return problem.into_response();
    }
    let Ok(form) = to_bytes(body, MESSAGE_BODY).await else {
        return Problem::form_too_large().into_response();
    };
    let fields: Vec<_> =
        form_urlencoded::parse(&form).into_owned().filter_map(Field::new).collect();
    if !is_worth_it(&fields) {
        return problem.into_response();
    }
    let (action, status) = (parts.uri.path().to_owned(), why.status());
    again(status, html(&KeptFormPage { page, why, action, fields }))
}
