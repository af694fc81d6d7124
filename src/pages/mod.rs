//! The HTML pages. They work without JavaScript, and every action is a form. Scripts add live
//! updates.

mod admin;
mod api_docs;
mod assets;
mod auth;
mod composer;
mod emoji;
mod files;
mod keys;
mod layout;
pub mod messages;
mod people;
mod personal;
mod rooms;
mod search;
mod settings;
mod switcher;
mod threads;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use tower::ServiceBuilder;

pub use self::layout::sidebar::room_row;
pub use self::layout::user_view::{initials, member_row};
use self::layout::{canonical_host, error_page, page, rate_limited, returned_text};
use crate::http::AppState;
use crate::http::listener::timeout;
use crate::http::request::{account, csrf};
use crate::http::response::{pending_answers, security_headers};
use crate::http::sessions;

/// `polling` has the routes that the pages' scripts poll. They get the same middleware as pages.
pub fn router(state: &AppState, polling: Router<AppState>) -> Router<AppState> {
    let messages = Router::new()
        .merge(composer::router())
        .merge(messages::router(state))
        .merge(threads::router())
        .route_layer(from_fn_with_state(state.clone(), returned_text::return_text));
    // The outermost first. One stack and not a `layer` for each: axum boxes the service of every route
    // once per `layer`, and clones all these boxes for each request.
    let middleware = ServiceBuilder::new()
        .layer(from_fn(security_headers::of_pages))
        .layer(from_fn(page::keep_language))
        .layer(from_fn_with_state(state.clone(), error_page::render_problem))
        .layer(from_fn(timeout::keep))
        .layer(from_fn_with_state(state.clone(), canonical_host::check))
        .layer(from_fn_with_state(state.clone(), csrf::guard))
        .layer(from_fn_with_state(state.clone(), sessions::manage))
        .layer(from_fn_with_state(state.clone(), account::check))
        .layer(from_fn_with_state(state.clone(), rate_limited::by_user))
        .layer(from_fn_with_state(state.clone(), pending_answers::bound));
    Router::new()
        .merge(polling)
        .merge(auth::router())
        .merge(rooms::router())
        .merge(people::router())
        .merge(personal::router())
        .merge(switcher::router())
        .merge(emoji::router(state))
        .merge(files::router(state))
        .merge(settings::router())
        .merge(api_docs::router())
        .merge(admin::router())
        .merge(messages::mention_styles::router())
        .merge(messages)
        .merge(search::router())
        .merge(keys::router())
        .fallback(error_page::not_found)
        .layer(middleware)
        .merge(assets::router())
}
