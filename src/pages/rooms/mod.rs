//! Rooms: the room itself, the list of rooms, joining, direct messages, members, settings and deletion.

pub(in crate::pages) mod deleted;
mod files;
pub(in crate::pages) mod index;
pub(in crate::pages) mod join;
pub(in crate::pages) mod members;
pub(in crate::pages) mod settings;
pub(in crate::pages) mod show;
pub(in crate::pages) mod view;

use axum::Router;

use crate::http::AppState;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new()
        .merge(show::router())
        .merge(index::router())
        .merge(join::router())
        .merge(members::router())
        .merge(files::router())
        .merge(settings::router())
        .merge(deleted::router())
}
