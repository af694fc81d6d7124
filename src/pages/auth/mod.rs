//! Registration, sign-in, sign-out and password reset.

pub(in crate::pages) mod login;
pub(in crate::pages) mod password_reset;
pub(in crate::pages) mod session_cookie;

use axum::Router;

use crate::http::AppState;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().merge(login::router()).merge(password_reset::router())
}
