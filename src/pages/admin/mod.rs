//! Pages for administrators: users, rooms, jobs and the audit log.

pub(in crate::pages) mod audit;
pub(in crate::pages) mod close_account;
pub(in crate::pages) mod jobs;
pub(in crate::pages) mod rooms;
pub(in crate::pages) mod users;

use axum::Router;

use crate::http::AppState;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new()
        .merge(users::router())
        .merge(rooms::router())
        .merge(audit::router())
        .merge(close_account::router())
        .merge(jobs::router())
}
