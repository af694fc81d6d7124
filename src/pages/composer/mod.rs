//! The composer: the form that posts into a room or a direct message, and slash commands.

pub(in crate::pages) mod direct;
pub(in crate::pages) mod post;
pub(in crate::pages) mod post_form;
pub(in crate::pages) mod slash_commands;

use axum::Router;

use crate::http::AppState;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().merge(direct::router()).merge(post::router())
}
