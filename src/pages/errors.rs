//! Refusals and failures as pages.

use askama::Template;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{CONTENT_TYPE, SET_COOKIE};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::layout::{Frame, html};
use crate::http::Site;
use crate::http::problem::{self, Problem};

#[derive(Template)]
#[template(path = "errors/error.html")]
struct ErrorPage<'a> {
    page: Frame,
    status: u16,
    title: &'static str,
    detail: String,
    /// Where else to go than home.
    elsewhere: Option<String>,
    id: Option<&'a str>,
}

pub(super) async fn nothing_here() -> Problem {
    Problem::not_found()
}

/// Writes the problem that an answer carries as a page; somebody who is not signed in is shown
/// where to.
pub(super) async fn write_down(State(site): State<Site>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(page) = Frame::from_request_parts(&mut parts, &site).await;
    let (method, uri) = (parts.method.clone(), parts.uri.clone());
    let response = next.run(Request::from_parts(parts, body)).await;
    let Some(problem) = problem::of(&response) else {
        return response;
    };
    if problem.status == StatusCode::UNAUTHORIZED {
        return to_sign_in(&method, uri.path_and_query().map_or("/", |path| path.as_str()));
    }
    let mut written = error_page(page, &problem);
    for (name, value) in response.headers() {
        if name != CONTENT_TYPE && name != "content-length" || name == SET_COOKIE {
            written.headers_mut().append(name, value.clone());
        }
    }
    written
}

fn error_page(page: Frame, problem: &Problem) -> Response {
    let (title, detail) = problem::texts(problem);
    let misdirected = problem.status == StatusCode::MISDIRECTED_REQUEST;
    let elsewhere = misdirected.then(|| page.absolute("/"));
    let mut detail = page.t.say(detail).to_owned();
    for invalid in &problem.fields {
        detail.push(' ');
        detail.push_str(page.t.complain(*invalid));
    }
    let title = page.t.say(title);
    let status = problem.status;
    let id = problem.id.as_deref();
    (status, html(&ErrorPage { page, status: status.as_u16(), title, detail, elsewhere, id }))
        .into_response()
}

/// What one wanted to read is kept for afterwards; a form that was sent is not, since its text is
/// gone.
fn to_sign_in(method: &Method, path: &str) -> Response {
    if method == Method::GET && path != "/" {
        let next: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
        Redirect::to(&format!("/login?next={next}")).into_response()
    } else {
        Redirect::to("/login").into_response()
    }
}
