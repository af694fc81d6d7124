//! Live connections of browsers and programs at `/api/v1/live`: authentication, open rooms, catch-up. One
//! WebSocket with JSON frames, in the subprotocols `patio.v1` and `patio-html.v1`.

mod connection_limits;
mod hello;
mod pending_posts;
mod polling;
pub mod protocol;
mod replay_cache;
mod room_subscriptions;
mod salvage;
mod session;
mod single_flight;
mod upgrade;

use std::sync::Arc;

use tokio::sync::Semaphore;

pub use polling::router as polling_router;
pub use upgrade::router;

use self::connection_limits::ConnectionLimits;
use self::replay_cache::ReplayCache;
use self::single_flight::SingleFlight;
use crate::api::schemas::Counts;
use crate::http::AppState;

/// Connections that may query the database for their catch-up at the same time. The database has four
/// connections for reads: the other two stay free for pages when thousands of clients reconnect.
const READERS: usize = 2;

/// The state that all live connections share.
struct RealtimeState {
    state: AppState,
    limits: ConnectionLimits,
    readers: Semaphore,
    replays: ReplayCache,
    counts: SingleFlight<Counts>,
}

impl RealtimeState {
    fn new(state: &AppState) -> Arc<Self> {
        Arc::new(Self {
            state: state.clone(),
            limits: ConnectionLimits::new(state.rates.is_on()),
            readers: Semaphore::new(READERS),
            replays: ReplayCache::default(),
            counts: SingleFlight::default(),
        })
    }
}
