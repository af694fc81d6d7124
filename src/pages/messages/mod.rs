//! Messages: lists of them, one by itself, the form that posts, and slash commands.

pub(in crate::pages) mod create;
pub mod list;
pub(in crate::pages) mod mention_styles;
pub(in crate::pages) mod show;
pub(in crate::pages) mod slash_commands;

use axum::Router;

use crate::http::AppState;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().merge(create::router()).merge(show::router())
}
