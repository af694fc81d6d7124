//! A part of a room's history, for a script that puts it before or after what it shows.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use crate::chat::messages::model::Window;
use crate::http::{AppState, CanRead, Problem, Query};
use crate::kernel::{FieldError, Seq};
use crate::pages::layout::page::{Page, html};
use crate::pages::messages::list::history;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/rooms/{id}/messages", get(more))
}

#[derive(Deserialize)]
struct Place {
    before: Option<i64>,
    after: Option<i64>,
}

impl Place {
    fn window(&self) -> Result<Window, FieldError> {
        match (self.before, self.after) {
            (Some(seq), None) => Ok(Window::Before(Seq(seq))),
            (None, Some(seq)) => Ok(Window::After(Seq(seq))),
            _ => Err(FieldError::new("query", "query-one-place")),
        }
    }
}

/// A page of history for a script that puts it before or after what it shows.
async fn more(
    State(site): State<AppState>,
    CanRead(reader): CanRead,
    Query(place): Query<Place>,
    page: Page,
) -> Result<Response, Problem> {
    Ok(html(&history(&site, &reader, place.window()?, &page.calendar()).await?))
}
