//! Threads: the page of one, the first reply, following it; and the list of those that a user follows.

pub(in crate::pages) mod index;
pub(in crate::pages) mod show;

use axum::Router;

use crate::http::AppState;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().merge(index::router()).merge(show::router())
}
