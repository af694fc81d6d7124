//! Returns a form that was not executed: the page gives the reason and contains the entered text,
//! ready to be sent again.

use askama::Template;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::http::Problem;
use crate::http::files::form;
use crate::http::site::SiteInfo;
use crate::limits::request::MESSAGE_BODY;
use crate::pages::layout::page::{OwnPath, Page, again, html, unkept};

/// Fields that users do not type.
const HIDDEN: [&str; 17] = [
    "also",
    "author",
    "confirmed",
    "delete_picture",
    "file",
    "job",
    "literal",
    "next",
    "nonce",
    "preview",
    "remove",
    "reply_to",
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
    /// The form had files, which a page cannot return.
    lost_files: bool,
}

/// Why the form was not executed.
pub(in crate::pages) enum Why {
    TooFast,
    /// Contains the URL of the login page.
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
    /// A multi-line text.
    Text,
    Line,
    Hidden,
}

impl Field {
    /// `None` for passwords, which no page ever contains.
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

/// Returns the form of a user over the rate limit. A request without a form gets the problem page
/// that shows when to try again.
pub(in crate::pages) async fn too_fast(
    site: &SiteInfo,
    request: Request,
    problem: Problem,
) -> Response {
    return_form(site, request, Why::TooFast, |_| true, problem).await
}

/// Returns the text of a user whose session has ended. A request without a text is redirected to
/// the login page. The browser must not store the page: the next user of the same browser has
/// another account.
pub(in crate::pages) async fn signed_out(site: &SiteInfo, request: Request) -> Response {
    let path = request.uri().path();
    // The page that contains the form.
    let place = path.rsplit_once('/').and_then(|(place, _)| OwnPath::parse(place));
    let login = place.map_or("/login".to_owned(), |at| format!("/login?next={}", at.encoded()));
    let has_text = |fields: &[Field]| fields.iter().any(Field::is_text);
    let why = Why::SignedOut(login);
    unkept(return_form(site, request, why, has_text, Problem::signed_out()).await)
}

async fn return_form(
    site: &SiteInfo,
    request: Request,
    why: Why,
    is_worth_returning: impl Fn(&[Field]) -> bool,
    problem: Problem,
) -> Response {
    let (parts, body) = request.into_parts();
    let page = Page::new(&parts, site);
    let (texts, lost_files) = match texts(Request::from_parts(parts.clone(), body)).await {
        Some(Ok(read)) => read,
        Some(Err(unreadable)) => return unreadable.into_response(),
        None => return problem.into_response(),
    };
    let fields: Vec<_> = texts.into_iter().filter_map(Field::new).collect();
    if !is_worth_returning(&fields) {
        return problem.into_response();
    }
    let action = parts.uri.path().to_owned();
    let status = why.status();
    again(status, html(&KeptFormPage { page, why, action, fields, lost_files }))
}

type Texts = Vec<(String, String)>;

/// The texts of a form, and whether it had files. `None` if the request has no form.
async fn texts(request: Request) -> Option<Result<(Texts, bool), Problem>> {
    let content_type = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    if content_type.starts_with("multipart/form-data") {
        return Some(form::texts(request, MESSAGE_BODY).await);
    }
    if !content_type.starts_with("application/x-www-form-urlencoded") {
        return None;
    }
    let Ok(body) = to_bytes(request.into_body(), MESSAGE_BODY).await else {
        return Some(Err(Problem::form_too_large()));
    };
    Some(Ok((form_urlencoded::parse(&body).into_owned().collect(), false)))
}
