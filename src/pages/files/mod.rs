//! Files in pages: uploads by scripts, how messages show their files, and the addresses of these, where programs read
//! them too.

pub(in crate::pages) mod attachments;
mod picture;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{post, put};

use crate::http::AppState;
use crate::http::files::{serve, tus};
use crate::http::request::auth;

pub(super) fn router(state: &AppState) -> Router<AppState> {
    let upload = axum::routing::head(tus::show)
        .patch(tus::append)
        .delete(tus::destroy)
        .options(tus::options);
    Router::new()
        .route("/uploads", post(tus::create).options(tus::options))
        .route("/uploads/{id}", upload)
        .route("/uploads/{id}/alt", post(tus::describe))
        .route("/uploads/{id}/poster", put(tus::poster))
        .merge(picture::router())
        .merge(serve::router().layer(from_fn_with_state(state.clone(), auth::by_token)))
}
