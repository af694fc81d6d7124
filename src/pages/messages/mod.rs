//! Messages: pages of history, and the page of a single message with the actions a user can take.

pub(in crate::pages) mod actions;
pub(in crate::pages) mod edits;
pub(in crate::pages) mod empty_room;
pub mod list;
pub(in crate::pages) mod mention_styles;
pub(in crate::pages) mod more;
pub(in crate::pages) mod pins;
pub(in crate::pages) mod previews;
pub(in crate::pages) mod quote;
pub(in crate::pages) mod reactions;
pub(in crate::pages) mod show;

use axum::Router;

use crate::http::AppState;

pub(in crate::pages) fn router(state: &AppState) -> Router<AppState> {
    Router::new()
        .merge(edits::router())
        .merge(more::router())
        .merge(pins::router())
        .merge(previews::router(state))
        .merge(quote::router())
        .merge(reactions::router())
        .merge(show::router())
}
