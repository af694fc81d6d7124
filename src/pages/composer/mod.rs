//! The composer: the form that posts into a room or a direct message, and slash commands.

mod command_result;
pub(in crate::pages) mod direct;
pub(in crate::pages) mod form_files;
pub(in crate::pages) mod post;
pub(in crate::pages) mod post_form;
pub(in crate::pages) mod preview;
pub(in crate::pages) mod slash_commands;

use axum::Router;

use crate::chat::accounts::Accounts;
use crate::chat::files::Files;
use crate::chat::messages::Messages;
use crate::chat::presence::Presence;
use crate::chat::rooms::Rooms;
use crate::http::AppState;
use crate::http::rate_limit::RateLimiter;
use crate::http::state::from_state;
use crate::kernel::Clock;

/// The services that messages and commands use.
pub(in crate::pages) struct ComposerServices {
    accounts: Accounts,
    files: Files,
    messages: Messages,
    presence: Presence,
    rate_limiter: RateLimiter,
    rooms: Rooms,
    clock: Clock,
}

from_state!(ComposerServices { accounts, files, messages, presence, rate_limiter, rooms, clock });

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().merge(direct::router()).merge(post::router()).merge(preview::router())
}
