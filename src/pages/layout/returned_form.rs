//! Returns a form that was not executed: the page gives the reason and contains the entered text,
//! ready to be sent again.

use askama::Template;
use axum::body::to_bytes;
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::http::Problem;
use crate::http::site::SiteInfo;
use crate::limits::request::MESSAGE_BODY;
use crate::pages::layout::page::{OwnPath, Page, again, html, unkept};

/// Fields that users do not type.
const HIDDEN: [&str; 11] = [
    "author",
    "delete_picture",
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
    let action = parts.uri.path().to_owned();
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is = |kind| content_type.is_some_and(|content_type| content_type.starts_with(kind));
    let fields = if is("application/x-www-form-urlencoded") {
        let Ok(form) = to_bytes(body, MESSAGE_BODY).await else {
            return Problem::form_too_large().into_response();
        };
        form_urlencoded::parse(&form).into_owned().collect()
    } else if is("multipart/form-data") {
        texts(Request::from_parts(parts, body)).await
    } else {
        return problem.into_response();
    };
    let fields: Vec<_> = fields.into_iter().filter_map(Field::new).collect();
    if !is_worth_returning(&fields) {
        return problem.into_response();
    }
    let status = why.status();
    again(status, html(&KeptFormPage { page, why, action, fields }))
}

/// The texts before the first file of a form. They are limited as the bodies of all requests are.
async fn texts(request: Request) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    let Ok(mut form) = Multipart::from_request(request, &()).await else { return texts };
    while let Ok(Some(field)) = form.next_field().await {
        if field.file_name().is_some_and(|name| !name.is_empty()) {
            break;
        }
        let is_text = field.file_name().is_none();
        let Some(name) = field.name().map(str::to_owned).filter(|_| is_text) else { continue };
        let Ok(text) = field.text().await else { break };
        texts.push((name, text));
    }
    texts
}
