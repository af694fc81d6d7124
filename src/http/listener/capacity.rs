//! How many connections there may be: over all, as open files allow; from one address; and idle ones.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio_util::sync::CancellationToken;

use crate::config::Networks;
use crate::http::ClientInfo;
use crate::limits::{address, installation};

/// Where the system sets no limit of open files, as many as its kernel allows at most by default.
const UNLIMITED: u64 = 1_048_576;

/// Raises the limit of open files as far as the system lets this process, and answers it.
pub fn raise_open_files() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.unwrap_or(UNLIMITED);
    if current.is_none_or(|current| current < wanted) {
        let raised = Rlimit { current: Some(wanted), maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%error, "the limit of open files stays as it is");
        }
    }
    open_files()
}

fn open_files() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(UNLIMITED)
}

/// Clones are the same.
#[derive(Clone)]
pub(super) struct Capacity(Arc<Inner>);

struct Inner {
    connections: usize,
    from_one_address: usize,
    idle: usize,
    trusted: Networks,
    addresses: Mutex<HashMap<IpNet, usize>>,
    waiting: Mutex<Waiting>,
}

/// Connections that idle, the longest first.
#[derive(Default)]
struct Waiting {
    next: u64,
    seats: BTreeMap<u64, CancellationToken>,
}

/// Why a connection is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// The server has as many as it has files for.
    Files,
    /// This address has as many as one may have.
    Address,
}

impl Capacity {
    /// As this process's limit of open files allows.
    pub fn of_process(trusted: &Networks) -> Self {
        Self::new(usize::try_from(open_files()).unwrap_or(usize::MAX), trusted)
    }

    fn new(files: usize, trusted: &Networks) -> Self {
        let connections = files - installation::SPARE_FILES.min(files / 2);
        Self(Arc::new(Inner {
            connections,
            from_one_address: address::CONNECTIONS.min(connections / 2),
            idle: installation::IDLE_CONNECTIONS.min(connections / 2),
            trusted: trusted.clone(),
            addresses: Mutex::default(),
            waiting: Mutex::default(),
        }))
    }

    /// A place for one more connection, where there are `open` ones. A trusted proxy speaks for many,
    /// and so is not counted as one address.
    pub fn admit(&self, open: usize, peer: IpAddr) -> Result<ConnectionGuard, Full> {
        if open >= self.0.connections {
            return Err(Full::Files);
        }
        let ip = peer.to_canonical();
        if self.0.trusted.contain(ip) {
            return Ok(ConnectionGuard(None));
        }
        let Some(network) = (ClientInfo { ip, https: false, port: None }).networks().next() else {
            return Ok(ConnectionGuard(None));
        };
        let mut addresses = lock(&self.0.addresses);
        let count = addresses.entry(network).or_default();
        if *count >= self.0.from_one_address {
            return Err(Full::Address);
        }
        *count += 1;
        drop(addresses);
        Ok(ConnectionGuard(Some((self.clone(), network))))
    }

    /// A seat for a connection that idles from now on. If that is one too many, the one that has idled
    /// longest is told.
    pub fn idle(&self, told: &CancellationToken) -> IdleGuard {
        let mut waiting = lock(&self.0.waiting);
        let number = waiting.next;
        waiting.next += 1;
        waiting.seats.insert(number, told.clone());
        if waiting.seats.len() > self.0.idle
            && let Some((_, longest)) = waiting.seats.pop_first()
        {
            longest.cancel();
        }
        drop(waiting);
        IdleGuard(self.clone(), number)
    }
}

/// Counts for its address as long as it is there.
pub(super) struct ConnectionGuard(Option<(Capacity, IpNet)>);

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        if let Some((capacity, network)) = &self.0 {
            let mut addresses = lock(&capacity.0.addresses);
            if let Some(count) = addresses.get_mut(network) {
                *count -= 1;
                if *count == 0 {
                    addresses.remove(network);
                }
            }
        }
    }
}

/// Counts as idle as long as it is there.
pub(super) struct IdleGuard(Capacity, u64);

impl Drop for IdleGuard {
    fn drop(&mut self) {
        lock(&self.0.0.waiting).seats.remove(&self.1);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "10.0.0.1";

    fn capacity(files: usize) -> Capacity {
        Capacity::new(files, &"10.0.0.0/8".parse().expect("networks"))
    }

    fn admit(capacity: &Capacity, peer: &str) -> Result<ConnectionGuard, Full> {
        capacity.admit(0, peer.parse().expect("an address"))
    }

    #[test]
    fn one_address_has_a_bound_that_leaves_room_for_others_and_a_proxy_has_none() {
        let full = capacity(1_024);
        let mut held: Vec<_> = (0..448).map(|_| admit(&full, "192.0.2.1").ok()).collect();
        assert!(held.iter().all(Option::is_some));
        assert_eq!(admit(&full, "192.0.2.1").err(), Some(Full::Address));
        assert_eq!(admit(&full, "::ffff:192.0.2.1").err(), Some(Full::Address));
        assert!(admit(&full, "192.0.2.2").is_ok(), "somebody else");
        held.pop();
        assert!(admit(&full, "192.0.2.1").is_ok(), "one left");
        let proxied: Vec<_> = (0..2_000).map(|_| admit(&full, PROXY).ok()).collect();
        assert!(proxied.iter().all(Option::is_some));
    }

    #[test]
    fn one_ipv6_network_is_one_address() {
        let full = capacity(8);
        let held = [admit(&full, "2001:db8::1"), admit(&full, "2001:db8::2")];
        assert!(held.iter().all(Result::is_ok));
        assert_eq!(admit(&full, "2001:db8::3").err(), Some(Full::Address));
        assert!(admit(&full, "2001:db8:0:1::1").is_ok());
    }

    #[test]
    fn files_are_left_for_everything_else() {
        let full = capacity(1_024);
        let peer = PROXY.parse().expect("an address");
        assert!(full.admit(895, peer).is_ok());
        assert_eq!(full.admit(896, peer).err(), Some(Full::Files));
    }

    #[test]
    fn of_too_many_idle_ones_the_longest_goes() {
        let full = capacity(8);
        let told = [(); 3].map(|()| CancellationToken::new());
        let first = full.idle(&told[0]);
        drop(first);
        let held = [full.idle(&told[1]), full.idle(&told[2])];
        assert!(told.iter().all(|told| !told.is_cancelled()), "two may");
        let third = full.idle(&told[0]);
        assert_eq!(told.map(|told| told.is_cancelled()), [false, true, false]);
        drop((held, third));
    }
}
