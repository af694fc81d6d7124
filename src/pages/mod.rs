//! The pages: HTML that works by itself; scripts make it live. Every action is a form.

mod admin;
mod admin_rooms;
mod api_docs;
mod api_tokens;
mod assets;
mod audit;
mod avatars;
mod calendar;
mod canonical_host;
mod close_account;
mod deleted_rooms;
mod direct;
mod directory;
mod empty_room;
mod errors;
mod form_state;
mod jobs;
mod join;
mod layout;
mod login;
mod mention_styles;
mod message;
pub mod message_list;
mod messages;
mod password_reset;
mod people;
mod rate_limited;
mod returned_form;
mod returned_text;
mod room_settings;
mod rooms;
mod search;
mod session_cookie;
mod settings;
mod sidebar;
mod slash_commands;
mod switcher;
mod user_agent;
mod user_view;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};

pub use self::sidebar::room_row;
pub use self::user_view::{initials, member_row};
use crate::http::{AppState, auth, csrf, pending_answers, security_headers, timeout};

/// `polling` is asked by the pages' scripts, and is reached as they are.
pub fn router(site: &AppState, polling: Router<AppState>) -> Router<AppState> {
    let messages = Router::new()
        .merge(direct::router())
        .merge(messages::router())
        .merge(message::router())
        .route_layer(from_fn_with_state(site.clone(), returned_text::return_text));
    let pages = Router::new()
        .merge(polling)
        .merge(login::router())
        .merge(rooms::router())
        .merge(directory::router())
        .merge(join::router())
        .merge(people::router())
        .merge(switcher::router())
        .merge(room_settings::router())
        .merge(settings::router())
        .merge(api_tokens::router())
        .merge(avatars::router())
        .merge(api_docs::router())
        .merge(password_reset::router())
        .merge(admin::router())
        .merge(admin_rooms::router())
        .merge(audit::router())
        .merge(close_account::router())
        .merge(deleted_rooms::router())
        .merge(jobs::router())
        .merge(mention_styles::router())
        .merge(messages)
        .merge(search::router())
        .fallback(errors::not_found)
        .layer(from_fn_with_state(site.clone(), pending_answers::bound))
        .layer(from_fn_with_state(site.clone(), rate_limited::by_user))
        .layer(from_fn_with_state(site.clone(), auth::by_cookie))
        .layer(from_fn_with_state(site.clone(), csrf::guard))
        .layer(from_fn_with_state(site.clone(), canonical_host::check))
        .layer(from_fn(timeout::keep))
        .layer(from_fn_with_state(site.clone(), errors::render_problem))
        .layer(from_fn(layout::keep_language));
    security_headers::for_pages(pages).merge(assets::router())
}
