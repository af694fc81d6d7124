//! Live connections of browsers and programs at `/api/v1/live`: authentication, open rooms, catch-up. One
//! WebSocket with JSON frames, in the subprotocols `patio.v1` and `patio-html.v1`.

mod connection_limits;
mod hello;
mod pending_posts;
mod personal;
mod polling;
pub mod protocol;
mod replay_cache;
mod room_subscriptions;
mod salvage;
mod session;
mod single_flight;
mod upgrade;

use std::sync::Arc;

use axum::extract::FromRef;

pub use polling::router as polling_router;
pub use upgrade::router;

use self::connection_limits::ConnectionLimits;
use self::replay_cache::ReplayCache;
use self::single_flight::SingleFlight;
use crate::api::schemas::Counts;
use crate::chat::accounts::Accounts;
use crate::chat::doorbell::Doorbell;
use crate::chat::drafts::Drafts;
use crate::chat::events::EventHub;
use crate::chat::messages::Messages;
use crate::chat::presence::Presence;
use crate::chat::rooms::Rooms;
use crate::chat::saved::SavedMessages;
use crate::chat::sync::Sync;
use crate::http::AppState;
use crate::http::admission::Admission;
use crate::http::rate_limit::RateLimiter;
use crate::http::request::csrf::ProxyWarnings;
use crate::http::site::SiteInfo;
use crate::http::state::from_state;
use crate::kernel::Clock;
use crate::lifecycle::Lifecycle;

/// What all live connections share.
struct Realtime {
    services: ChatServices,
    rate_limiter: RateLimiter,
    site: Arc<SiteInfo>,
    proxy_warnings: Arc<ProxyWarnings>,
    hub: EventHub,
    lifecycle: Lifecycle,
    limits: ConnectionLimits,
    /// For the greeting of each client, and its catch-up: pages stay fast when thousands reconnect.
    admission: Admission,
    replays: ReplayCache,
    counts: SingleFlight<Counts>,
}

impl Realtime {
    fn new(state: &AppState, hub: EventHub, lifecycle: Lifecycle) -> Self {
        let rate_limiter = RateLimiter::from_ref(state);
        Self {
            services: ChatServices::from_ref(state),
            limits: ConnectionLimits::new(rate_limiter.is_on()),
            rate_limiter,
            site: FromRef::from_ref(state),
            proxy_warnings: FromRef::from_ref(state),
            hub,
            lifecycle,
            admission: FromRef::from_ref(state),
            replays: ReplayCache::default(),
            counts: SingleFlight::default(),
        }
    }
}

/// The services behind the frames of a live connection and of a poll.
struct ChatServices {
    accounts: Accounts,
    rooms: Rooms,
    messages: Messages,
    doorbell: Doorbell,
    presence: Presence,
    drafts: Drafts,
    saved: SavedMessages,
    sync: Sync,
    clock: Clock,
}

from_state!(ChatServices {
    accounts,
    rooms,
    messages,
    doorbell,
    presence,
    drafts,
    saved,
    sync,
    clock
});
