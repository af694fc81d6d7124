//! The live connection of a browser or a program: who it is, which rooms it has open, what it
//! missed. One WebSocket, JSON frames; the interface calls it `patio.v1` and `patio-html.v1`.

mod admission;
mod door;
pub mod frames;
mod greeting;
mod missed;
mod polling;
mod posts;
mod rooms;
mod salvage;
mod session;
mod shared;

use std::sync::Arc;

use tokio::sync::Semaphore;

pub use door::router;
pub use polling::router as polling_router;

use self::admission::Admission;
use self::missed::Missed;
use self::shared::Shared;
use crate::api::shapes::Counts;
use crate::http::Site;

/// Connections that may ask the database at the same time for what they missed. It has four
/// readers: when thousands come back at once, a page is still loaded without standing in line.
const READERS: usize = 2;

/// What all connections share.
struct Hall {
    site: Site,
    admission: Admission,
    readers: Semaphore,
    missed: Missed,
    counts: Shared<Counts>,
}

impl Hall {
    fn new(site: &Site) -> Arc<Self> {
        let (missed, counts) = Default::default();
        let admission = Admission::new(site.rates.is_on());
        let readers = Semaphore::new(READERS);
        Arc::new(Self { site: site.clone(), admission, readers, missed, counts })
    }
}
