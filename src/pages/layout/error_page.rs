//! Renders problems as error pages.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, REFERER, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use crate::http::response::problem;
use crate::http::response::problem::Problem;
use crate::http::site::SiteInfo;
use crate::pages::layout::page::{OwnPath, Page, html};

#[derive(Template)]
#[template(path = "errors/error.html")]
struct ErrorPage<'a> {
    page: Page,
    status: u16,
    title: &'static str,
    detail: String,
    /// The suggested next step. `None` leads to the home page.
    step: Option<Step>,
    id: Option<&'a str>,
}

/// The next step that an error page suggests.
enum Step {
    /// To the public address of this installation.
    Elsewhere(String),
    /// Reload the same page; the error may be temporary.
    Again(OwnPath),
    /// Back to the page with the form.
    Back(OwnPath),
}

/// The parts of a request that the error page needs after the handler consumed it.
struct RequestInfo {
    method: Method,
    uri: Uri,
    /// The `Referer` header.
    referer: Option<HeaderValue>,
}

impl RequestInfo {
    fn of(parts: &Parts) -> Self {
        Self {
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            referer: parts.headers.get(REFERER).cloned(),
        }
    }

    fn path(&self) -> &str {
        self.uri.path_and_query().map_or("/", |path| path.as_str())
    }
}

impl Step {
    fn after(status: StatusCode, request_info: &RequestInfo, page: &Page) -> Option<Self> {
        let temporary = matches!(status.as_u16(), 408 | 429 | 500 | 503);
        if status == StatusCode::MISDIRECTED_REQUEST {
            return Some(Self::Elsewhere(page.absolute("/")));
        }
        if request_info.method == Method::GET {
            return OwnPath::parse(request_info.path()).filter(|_| temporary).map(Self::Again);
        }
        // A link would load the form empty. The browser's back button keeps the text.
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            return None;
        }
        let from = request_info.referer.as_ref()?.to_str().ok()?;
        OwnPath::parse(page.own(from)?).map(Self::Back)
    }
}

pub(in crate::pages) async fn not_found() -> Problem {
    Problem::not_found()
}

/// Middleware: renders the problem that a response carries as a page. A 401 redirects to the login
/// page instead.
pub(in crate::pages) async fn render_problem(
    State(site): State<Arc<SiteInfo>>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let page = Page::new(&parts, &site);
    let request_info = RequestInfo::of(&parts);
    let response = next.run(Request::from_parts(parts, body)).await;
    let Some(problem) = problem::of(&response) else {
        return response;
    };
    if problem.status == StatusCode::UNAUTHORIZED {
        return to_sign_in(&request_info);
    }
    let step = Step::after(problem.status, &request_info, &page);
    let mut rendered = error_page(page, &problem, step);
    for (name, value) in response.headers() {
        if name != CONTENT_TYPE && name != "content-length" || name == SET_COOKIE {
            rendered.headers_mut().append(name, value.clone());
        }
    }
    rendered
}

fn error_page(page: Page, problem: &Problem, step: Option<Step>) -> Response {
    let (title, _) = problem::message_keys(problem);
    let mut detail = problem.explanation(page.t);
    for field_error in &problem.fields {
        detail.push(' ');
        detail.push_str(page.t.error_text(*field_error));
    }
    let title = page.t.text(title);
    let status = problem.status;
    let id = problem.id.as_deref();
    (status, html(&ErrorPage { page, status: status.as_u16(), title, detail, step, id }))
        .into_response()
}

/// Redirects to the login page. The path of a GET is kept in `next`; a submitted form is not,
/// because its content is gone.
fn to_sign_in(request_info: &RequestInfo) -> Response {
    if request_info.method == Method::GET && request_info.path() != "/" {
        let next: String =
            form_urlencoded::byte_serialize(request_info.path().as_bytes()).collect();
        Redirect::to(&format!("/login?next={next}")).into_response()
    } else {
        Redirect::to("/login").into_response()
    }
}
