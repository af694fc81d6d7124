//! Pages for administrators: users, rooms, custom emoji, storage, machines, jobs and the audit log.

pub(in crate::pages) mod audit;
pub(in crate::pages) mod close_account;
pub(in crate::pages) mod emoji;
pub(in crate::pages) mod jobs;
pub(in crate::pages) mod machines;
pub(in crate::pages) mod rooms;
pub(in crate::pages) mod storage;
mod usage_bar;
pub(in crate::pages) mod users;

use axum::Router;

use crate::chat::presence::Presence;
use crate::http::AppState;
use crate::http::state::from_state;
use crate::pages::layout::sidebar::SidebarBuilder;

/// What an administration page shows besides its own subject.
struct AdminLayout {
    presence: Presence,
    sidebar: SidebarBuilder,
}

from_state!(AdminLayout { presence, sidebar });

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new()
        .merge(users::router())
        .merge(rooms::router())
        .merge(emoji::router())
        .merge(audit::router())
        .merge(close_account::router())
        .merge(jobs::router())
        .merge(storage::router())
        .merge(machines::router())
}
