//! A style sheet per user that highlights mentions of that user. The HTML of a message is the same
//! for all users, and this works without JavaScript.

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::chat::accounts::model::Handle;
use crate::http::{AppState, Problem};

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/mentions/{file}", get(show))
}

/// Escaping is not needed: a handle has only letters, digits and characters without a meaning in a
/// CSS string.
#[derive(Template)]
#[template(path = "messages/mentions.css", escape = "none")]
struct MentionStyle<'a> {
    name: &'a str,
}

/// Needs no authentication or query: the response contains only the name in the request.
async fn show(Path(file): Path<String>) -> Result<Response, Problem> {
    let name = file.strip_suffix(".css").and_then(|name| Handle::stored(name).ok());
    let name = name.ok_or_else(Problem::not_found)?;
    let style =
        MentionStyle { name: name.as_str() }.render().map_err(|error| Problem::internal(&error))?;
    let headers =
        [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "public, max-age=86400")];
    Ok((headers, style).into_response())
}
