//! A user's own settings: profile, password, sessions, API tokens, picture.

pub(in crate::pages) mod about;
mod about_form;
mod api_tokens;
pub(in crate::pages) mod avatars;
mod current_password;
pub(in crate::pages) mod profile;
pub(in crate::pages) mod token_view;
pub(in crate::pages) mod user_agent;

use axum::Router;

use crate::http::AppState;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new()
        .merge(about::router())
        .merge(profile::router())
        .merge(api_tokens::router())
        .merge(avatars::router())
}
