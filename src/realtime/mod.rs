//! The live connection of a browser or a program: who it is, which rooms it has open, what it
//! missed. One WebSocket, JSON frames; the interface calls it `patio.v1` and `patio-html.v1`.

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

/// Connections that may ask the database at the same time for what they missed. It has four
/// readers: when thousands come back at once, a page is still loaded without standing in line.
const READERS: usize = 2;

/// What all connections share.
struct RealtimeState {
    site: AppState,
    admission: ConnectionLimits,
    readers: Semaphore,
    missed: ReplayCache,
    counts: SingleFlight<Counts>,
}

impl RealtimeState {
    fn new(site: &AppState) -> Arc<Self> {
        let (missed, counts) = Default::default();
        let admission = ConnectionLimits::new(site.rates.is_on());
        let readers = Semaphore::new(READERS);
        Arc::new(Self { site: site.clone(), admission, readers, missed, counts })
    }
}
