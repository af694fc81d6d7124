//! Users: the list of all, the profile of one, and choosing several for a group.

mod group;
mod index;
mod profile;

use axum::Router;

use crate::http::AppState;

pub(super) fn router() -> Router<AppState> {
    Router::new().merge(index::router()).merge(profile::router()).merge(group::router())
}
