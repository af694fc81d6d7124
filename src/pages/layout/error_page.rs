//! Refusals and failures as pages.

use askama::Template;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{CONTENT_TYPE, REFERER, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use crate::http::AppState;
use crate::http::response::problem;
use crate::http::response::problem::Problem;
use crate::pages::layout::page::{OwnPath, Page, html};

#[derive(Template)]
#[template(path = "errors/error.html")]
struct ErrorPage<'a> {
    page: Page,
    status: u16,
    title: &'static str,
    detail: String,
    /// Where to go first; else home.
    step: Option<Step>,
    id: Option<&'a str>,
}

/// The next step after a refusal.
enum Step {
    /// Patio is at another address.
    Elsewhere(String),
    /// The same page, which may come by now.
    Again(OwnPath),
    /// The page on which the form was, with what was typed.
    Back(OwnPath),
}

/// What is known of a request when it is answered.
struct Asked {
    method: Method,
    uri: Uri,
    /// The page it came from.
    from: Option<HeaderValue>,
}

impl Asked {
    fn of(parts: &Parts) -> Self {
        let (method, uri) = (parts.method.clone(), parts.uri.clone());
        Self { method, uri, from: parts.headers.get(REFERER).cloned() }
    }

    fn path(&self) -> &str {
        self.uri.path_and_query().map_or("/", |path| path.as_str())
    }
}

impl Step {
    fn after(status: StatusCode, asked: &Asked, page: &Page) -> Option<Self> {
        let passing = matches!(status.as_u16(), 408 | 429 | 500 | 503);
        if status == StatusCode::MISDIRECTED_REQUEST {
            return Some(Self::Elsewhere(page.absolute("/")));
        }
        if asked.method == Method::GET {
            return OwnPath::parse(asked.path()).filter(|_| passing).map(Self::Again);
        }
        // The page anew would have an empty field; the browser's own way back has a full one.
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            return None;
        }
        let from = asked.from.as_ref()?.to_str().ok()?;
        OwnPath::parse(page.own(from)?).map(Self::Back)
    }
}

pub(in crate::pages) async fn not_found() -> Problem {
    Problem::not_found()
}

/// Writes the problem that an answer carries as a page; somebody who is not signed in is shown
/// where to.
pub(in crate::pages) async fn render_problem(
    State(site): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(page) = Page::from_request_parts(&mut parts, &site).await;
    let asked = Asked::of(&parts);
    let response = next.run(Request::from_parts(parts, body)).await;
    let Some(problem) = problem::of(&response) else {
        return response;
    };
    if problem.status == StatusCode::UNAUTHORIZED {
        return to_sign_in(&asked);
    }
    let step = Step::after(problem.status, &asked, &page);
    let mut written = error_page(page, &problem, step);
    for (name, value) in response.headers() {
        if name != CONTENT_TYPE && name != "content-length" || name == SET_COOKIE {
            written.headers_mut().append(name, value.clone());
        }
    }
    written
}

fn error_page(page: Page, problem: &Problem, step: Option<Step>) -> Response {
    let (title, detail) = problem::message_keys(problem);
    let mut detail = page.t.say(detail).to_owned();
    for invalid in &problem.fields {
        detail.push(' ');
        detail.push_str(page.t.complain(*invalid));
    }
    let title = page.t.say(title);
    let status = problem.status;
    let id = problem.id.as_deref();
    (status, html(&ErrorPage { page, status: status.as_u16(), title, detail, step, id }))
        .into_response()
}

/// What one wanted to read is kept for afterwards; a form that was sent is not, since its text is
/// gone.
fn to_sign_in(asked: &Asked) -> Response {
    if asked.method == Method::GET && asked.path() != "/" {
        let next: String = form_urlencoded::byte_serialize(asked.path().as_bytes()).collect();
        Redirect::to(&format!("/login?next={next}")).into_response()
    } else {
        Redirect::to("/login").into_response()
    }
}
