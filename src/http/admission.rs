//! Admission of live connections: when the clients of a node that died all come back at once, only some of them ask
//! the database at the same time, the others wait in order, and what is beyond that comes again later. So those who are
//! connected go on posting and reading.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::metrics::counter::Counter;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::ClientInfo;
use crate::kernel::ServiceError;
use crate::limits::greeting::{AT_ONCE, OF_A_NETWORK, PLACES, RETRY_AFTER, TURN_WITHIN};

/// Clones share the line.
#[derive(Clone)]
pub struct Admission {
    turns: Arc<Semaphore>,
    /// The turns of clients that were greeted, so that they take none from those who wait for one.
    later_turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
    networks: Networks,
    refused: Counter,
}

/// How many places each network has.
type Networks = Arc<Mutex<HashMap<IpAddr, usize>>>;

fn lock(networks: &Networks) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
    networks.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A place in the line, from before the authentication until the greeting is read.
#[must_use]
pub struct Place {
    _permit: OwnedSemaphorePermit,
    network: IpAddr,
    networks: Networks,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut networks = lock(&self.networks);
        if let Some(count) = networks.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                networks.remove(&self.network);
            }
        }
    }
}

/// The turn to ask the database.
#[must_use]
pub struct Turn<'a> {
    _permit: SemaphorePermit<'a>,
}

impl Admission {
    /// For a database that this many can ask at the same time: half of them stay free for others.
    pub fn new(connections: usize) -> Self {
        let turns = |part: usize| Arc::new(Semaphore::new((connections / part).clamp(1, AT_ONCE)));
        Self {
            turns: turns(2),
            later_turns: turns(4),
            places: Arc::new(Semaphore::new(PLACES)),
            networks: Networks::default(),
            refused: Counter::default(),
        }
    }

    /// Takes a place at the end of the line.
    ///
    /// # Errors
    /// If the line is full, or half full and the client's network has its share.
    pub fn place(&self, client: ClientInfo) -> Result<Place, ServiceError> {
        let network = client.network_key();
        let mut networks = lock(&self.networks);
        let taken = networks.get(&network).copied().unwrap_or(0);
        let is_half_full = self.places.available_permits() <= PLACES / 2;
        if is_half_full && taken >= OF_A_NETWORK {
            return Err(self.refuse());
        }
        let permit = self.places.clone().try_acquire_owned().map_err(|_| self.refuse())?;
        networks.insert(network, taken + 1);
        Ok(Place { _permit: permit, network, networks: self.networks.clone() })
    }

    /// Waits for the turn of a client that has a place.
    ///
    /// # Errors
    /// If it takes too long.
    pub async fn turn_of(&self, _place: &Place) -> Result<Turn<'_>, ServiceError> {
        let turn = timeout(TURN_WITHIN, self.turns.acquire()).await;
        let permit = turn.ok().and_then(Result::ok);
        permit.map(|permit| Turn { _permit: permit }).ok_or_else(|| self.refuse())
    }

    /// Waits for the turn of a client that was greeted. Each has at most one such wish at a time, so these are as many
    /// as there are connections.
    pub async fn turn(&self) -> Option<Turn<'_>> {
        // The semaphore is never closed.
        self.later_turns.acquire().await.ok().map(|permit| Turn { _permit: permit })
    }

    fn refuse(&self) -> ServiceError {
        self.refused.inc();
        ServiceError::Unavailable { retry_after: RETRY_AFTER }
    }

    /// How many have a place, those whose turn it is included, and how many were refused since the start.
    pub fn metrics(&self) -> (usize, Counter) {
        (PLACES.saturating_sub(self.places.available_permits()), self.refused.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client of another network for each number.
    fn client(n: usize) -> ClientInfo {
        let ip = std::net::Ipv4Addr::from(u32::try_from(n).expect("few"));
        ClientInfo { ip: ip.into(), https: false, port: None }
    }

    #[tokio::test(start_paused = true)]
    async fn clients_wait_in_order_and_get_their_turn() {
        let admission = Admission::new(4);
        let places = [1, 2, 3, 4].map(|n| admission.place(client(n)).expect("a place"));
        let first = admission.turn_of(&places[0]).await.expect("a turn");
        let second = admission.turn_of(&places[1]).await.expect("a turn");
        let order = std::cell::RefCell::new(Vec::new());
        let third = async {
            let turn = admission.turn_of(&places[2]).await;
            order.borrow_mut().push(3);
            turn.is_ok()
        };
        let fourth = async {
            let turn = admission.turn_of(&places[3]).await;
            order.borrow_mut().push(4);
            turn.is_ok()
        };
        let leave = async {
            drop(second);
            tokio::task::yield_now().await;
            drop(first);
        };
        assert_eq!(tokio::join!(third, fourth, leave), (true, true, ()));
        assert_eq!(*order.borrow(), [3, 4]);
        assert_eq!(admission.metrics().1.get(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn clients_that_would_wait_too_long_are_refused() {
        let admission = Admission::new(2);
        let places = [1, 2].map(|n| admission.place(client(n)).expect("a place"));
        let turn = admission.turn_of(&places[0]).await.expect("a turn");
        let refused = admission.turn_of(&places[1]).await.err();
        assert!(matches!(refused, Some(ServiceError::Unavailable { retry_after: RETRY_AFTER })));
        assert_eq!(admission.metrics().1.get(), 1);
        drop(turn);
        assert!(admission.turn_of(&places[1]).await.is_ok());
    }

    #[tokio::test]
    async fn line_has_an_end() {
        let admission = Admission::new(8);
        let mut places: Vec<_> = (0..PLACES).map(|n| admission.place(client(n))).collect();
        assert!(places.iter().all(Result::is_ok));
        assert!(matches!(admission.place(client(0)), Err(ServiceError::Unavailable { .. })));
        assert_eq!((admission.metrics().0, admission.metrics().1.get()), (PLACES, 1));
        places.pop();
        assert!(admission.place(client(PLACES)).is_ok());
    }

    #[test]
    fn one_network_leaves_half_of_the_places_to_others() {
        let admission = Admission::new(8);
        let all = (0..PLACES).map(|_| admission.place(client(1)));
        let places: Vec<_> = all.filter_map(Result::ok).collect();
        assert_eq!(places.len(), PLACES / 2, "it has more than its share while there are enough");
        assert!(admission.place(client(2)).is_ok());
        drop(places);
        assert!(admission.place(client(1)).is_ok());
        assert!(lock(&admission.networks).is_empty(), "those without a place are forgotten");
    }

    #[test]
    fn half_of_the_connections_stay_free() {
        for (connections, expected) in [(1, 1), (4, 2), (8, 4), (1_000, AT_ONCE)] {
            assert_eq!(Admission::new(connections).turns.available_permits(), expected);
        }
    }
}
