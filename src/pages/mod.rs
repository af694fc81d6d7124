//! The pages: HTML that works by itself; scripts make it live. Every action is a form.

mod accounts;
mod address;
mod admin;
mod admin_rooms;
mod assets;
mod audit;
mod avatars;
mod beginning;
mod browser;
mod calendar;
mod closing;
mod commands;
mod deleted_rooms;
mod direct;
mod directory;
mod errors;
mod everybody;
mod form;
pub mod history;
mod jobs;
mod joining;
mod kept_form;
mod layout;
mod mentions;
mod message;
mod messages;
mod people;
mod programs;
mod reference;
mod reset;
mod room_settings;
mod rooms;
mod search;
mod settings;
mod side;
mod switcher;
mod too_fast;
mod unsent;
mod visit;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};

pub use self::people::{initials, member_row};
pub use self::side::room_row;
use crate::http::{Site, deadline, headers, origin, rights, unread};

/// `polling` is asked by the pages' scripts, and is reached as they are.
pub fn router(site: &Site, polling: Router<Site>) -> Router<Site> {
    let messages = Router::new()
        .merge(direct::router())
        .merge(messages::router())
        .merge(message::router())
        .route_layer(from_fn_with_state(site.clone(), unsent::give_back));
    let pages = Router::new()
        .merge(polling)
        .merge(accounts::router())
        .merge(rooms::router())
        .merge(directory::router())
        .merge(joining::router())
        .merge(everybody::router())
        .merge(switcher::router())
        .merge(room_settings::router())
        .merge(settings::router())
        .merge(programs::router())
        .merge(avatars::router())
        .merge(reference::router())
        .merge(reset::router())
        .merge(admin::router())
        .merge(admin_rooms::router())
        .merge(audit::router())
        .merge(closing::router())
        .merge(deleted_rooms::router())
        .merge(jobs::router())
        .merge(mentions::router())
        .merge(messages)
        .merge(search::router())
        .fallback(errors::nothing_here)
        .layer(from_fn_with_state(site.clone(), unread::bound))
        .layer(from_fn_with_state(site.clone(), too_fast::by_user))
        .layer(from_fn_with_state(site.clone(), rights::by_cookie))
        .layer(from_fn_with_state(site.clone(), origin::guard))
        .layer(from_fn_with_state(site.clone(), address::check))
        .layer(from_fn(deadline::keep))
        .layer(from_fn_with_state(site.clone(), errors::write_down))
        .layer(from_fn(layout::keep_language));
    headers::for_pages(pages).merge(assets::router())
}
