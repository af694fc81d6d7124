//! Limits on HTTP connections: in total (by the limit on open files), per address, and idle ones.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio_util::sync::CancellationToken;

use crate::config::Networks;
use crate::http::ClientInfo;
use crate::limits::{address, installation};

/// Used if there is no limit on open files: the kernel's default maximum.
const UNLIMITED: u64 = 1_048_576;

/// Raises the limit on open files as far as the system allows, and returns it.
pub fn raise_open_files() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let target = maximum.unwrap_or(UNLIMITED);
    if current.is_none_or(|current| current < target) {
        let raised = Rlimit { current: Some(target), maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%error, "could not raise the limit on open files");
        }
    }
    open_files()
}

fn open_files() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(UNLIMITED)
}

/// The limits and counts. Clones share them.
#[derive(Clone)]
pub(super) struct Capacity(Arc<Inner>);

struct Inner {
    connections: usize,
    from_one_address: usize,
    idle: usize,
    trusted: Networks,
    addresses: Mutex<HashMap<IpNet, usize>>,
    idle_connections: Mutex<IdleConnections>,
}

/// Idle connections, the longest idle first.
#[derive(Default)]
struct IdleConnections {
    next: u64,
    tokens: BTreeMap<u64, CancellationToken>,
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// The server has no file descriptors left for connections.
    Files,
    /// The address has reached its limit.
    Address,
}

impl Capacity {
    /// Computes the limits from this process's limit on open files.
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
            idle_connections: Mutex::default(),
        }))
    }

    /// Admits one more connection to `open` existing ones. A trusted proxy has no address limit, because it
    /// forwards many clients.
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

    /// Registers an idle connection. If there are too many, the one that has been idle longest is evicted: its
    /// token is cancelled.
    pub fn idle(&self, evicted: &CancellationToken) -> IdleGuard {
        let mut idle = lock(&self.0.idle_connections);
        let number = idle.next;
        idle.next += 1;
        idle.tokens.insert(number, evicted.clone());
        if idle.tokens.len() > self.0.idle
            && let Some((_, longest)) = idle.tokens.pop_first()
        {
            longest.cancel();
        }
        drop(idle);
        IdleGuard(self.clone(), number)
    }
}

/// Counts a connection for its address until it is dropped.
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

/// Counts a connection as idle until it is dropped.
pub(super) struct IdleGuard(Capacity, u64);

impl Drop for IdleGuard {
    fn drop(&mut self) {
        lock(&self.0.0.idle_connections).tokens.remove(&self.1);
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
    fn connections_are_limited_per_address_but_not_per_proxy() {
        let full = capacity(1_024);
        let mut held: Vec<_> = (0..448).map(|_| admit(&full, "192.0.2.1").ok()).collect();
        assert!(held.iter().all(Option::is_some));
        assert_eq!(admit(&full, "192.0.2.1").err(), Some(Full::Address));
        assert_eq!(admit(&full, "::ffff:192.0.2.1").err(), Some(Full::Address));
        assert!(admit(&full, "192.0.2.2").is_ok(), "another address");
        held.pop();
        assert!(admit(&full, "192.0.2.1").is_ok(), "one left");
        let proxied: Vec<_> = (0..2_000).map(|_| admit(&full, PROXY).ok()).collect();
        assert!(proxied.iter().all(Option::is_some));
    }

    #[test]
    fn one_ipv6_network_counts_as_one_address() {
        let full = capacity(8);
        let held = [admit(&full, "2001:db8::1"), admit(&full, "2001:db8::2")];
        assert!(held.iter().all(Result::is_ok));
        assert_eq!(admit(&full, "2001:db8::3").err(), Some(Full::Address));
        assert!(admit(&full, "2001:db8:0:1::1").is_ok());
    }

    #[test]
    fn file_descriptors_are_reserved_for_other_uses() {
        let full = capacity(1_024);
        let peer = PROXY.parse().expect("an address");
        assert!(full.admit(895, peer).is_ok());
        assert_eq!(full.admit(896, peer).err(), Some(Full::Files));
    }

    #[test]
    fn the_longest_idle_connection_is_evicted() {
        let full = capacity(8);
        let tokens = [(); 3].map(|()| CancellationToken::new());
        let first = full.idle(&tokens[0]);
        drop(first);
        let held = [full.idle(&tokens[1]), full.idle(&tokens[2])];
        assert!(tokens.iter().all(|token| !token.is_cancelled()), "two are allowed");
        let third = full.idle(&tokens[0]);
        assert_eq!(tokens.map(|token| token.is_cancelled()), [false, true, false]);
        drop((held, third));
    }
}
