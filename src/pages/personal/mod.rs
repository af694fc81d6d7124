//! What users keep for themselves: saved messages, drafts, and the places of their rooms.

mod drafts;
mod places;
mod saved;

use axum::Router;

use crate::http::AppState;

pub(super) fn router() -> Router<AppState> {
    Router::new().merge(drafts::router()).merge(places::router()).merge(saved::router())
}
