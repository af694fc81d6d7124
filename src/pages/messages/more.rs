//! Pages of history, which the script inserts before or after the messages it shows.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use crate::chat::messages::Messages;
use crate::chat::messages::model::Window;
use crate::chat::saved::SavedMessages;
use crate::http::{AppState, CanRead, Problem, Query};
use crate::kernel::{FieldError, Seq};
use crate::pages::layout::page::{Page, html};
use crate::pages::messages::list::history;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/rooms/{id}/messages", get(more))
}

#[derive(Deserialize)]
struct WindowQuery {
    before: Option<i64>,
    after: Option<i64>,
}

impl WindowQuery {
    fn window(&self) -> Result<Window, FieldError> {
        match (self.before, self.after) {
            (Some(seq), None) => Ok(Window::Before(Seq(seq))),
            (None, Some(seq)) => Ok(Window::After(Seq(seq))),
            _ => Err(FieldError::new("query", "query-one-place")),
        }
    }
}

async fn more(
    State(messages): State<Messages>,
    State(saved): State<SavedMessages>,
    CanRead(reader): CanRead,
    Query(query): Query<WindowQuery>,
    page: Page,
) -> Result<Response, Problem> {
    Ok(html(&history(&messages, &saved, &reader, query.window()?, &page.calendar()).await?))
}
