//! The style sheet in which messages that mention one person look different, for that person's pages.
//! Messages are the same for everybody, and this works without scripts.

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

/// Names are letters, digits and marks that mean nothing in a string of CSS.
#[derive(Template)]
#[template(path = "messages/mentions.css", escape = "none")]
struct MentionStyle<'a> {
    name: &'a str,
}

/// It tells nothing but the name that it was asked for, and so asks nobody.
async fn show(Path(file): Path<String>) -> Result<Response, Problem> {
    let name = file.strip_suffix(".css").and_then(|name| Handle::stored(name).ok());
    let name = name.ok_or_else(Problem::not_found)?;
    let style =
        MentionStyle { name: name.as_str() }.render().map_err(|error| Problem::internal(&error))?;
    let headers =
        [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "public, max-age=86400")];
    Ok((headers, style).into_response())
}
