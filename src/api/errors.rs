//! Errors as `application/problem+json` (RFC 9457).

use std::collections::BTreeMap;

use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::response::problem;
use crate::http::response::problem::Problem;
use crate::http::{Language, locale};

/// A problem (RFC 9457), in the language that `Accept-Language` asks for.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "status": 422, "title": "Something is not right yet", "detail": "Please look at what was sent.",
    "errors": {"body": ["Write something first."]}
}))]
pub(super) struct ProblemDocument {
    /// The HTTP status of the response.
    status: u16,
    /// The kind of problem.
    title: &'static str,
    /// What to do about it.
    detail: String,
    /// Field errors, by field name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, Vec<String>>, required = false)]
    errors: BTreeMap<&'static str, Vec<&'static str>>,
    /// For an internal error: the id of its log entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
}

pub(super) async fn not_found() -> Problem {
    Problem::not_found()
}

/// Middleware: renders the problem that a response carries as JSON, in the language of the request.
pub(super) async fn render_problem(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let t = locale::language_of(&parts);
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let Some(problem) = problem::of(&response) else {
        return response;
    };
    let body = serde_json::to_vec(&document(&problem, t)).unwrap_or_default();
    *response.body_mut() = body.into();
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if problem.status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response.into_response()
}

fn document(problem: &Problem, t: Language) -> ProblemDocument {
    let (title, _) = problem::message_keys(problem);
    let mut errors: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for field_error in &problem.fields {
        errors.entry(field_error.field).or_default().push(t.error_text(*field_error));
    }
    ProblemDocument {
        status: problem.status.as_u16(),
        title: t.text(title),
        detail: problem.explanation(t),
        errors,
        instance: problem.id.as_ref().map(|id| format!("urn:patio:error:{id}")),
    }
}
