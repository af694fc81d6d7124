//! Limits on live connections: per user, per address, and per address before authentication.
//! `RATE_LIMIT=off` lifts them. The memory of each connection is always bounded.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::http::ClientInfo;
use crate::kernel::UserId;
use crate::limits::{address, user};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    User(UserId),
    Address(IpAddr),
    Unknown(IpAddr),
}

impl Key {
    fn limit(self) -> usize {
        match self {
            Self::User(_) => user::LIVE_CONNECTIONS,
            Self::Address(_) => address::LIVE_CONNECTIONS,
            Self::Unknown(_) => address::LIVE_CONNECTIONS_BEFORE_SIGN_IN,
        }
    }
}

/// Clones share the same counts.
#[derive(Clone)]
pub(super) struct ConnectionLimits {
    is_on: bool,
    open: Arc<Mutex<HashMap<Key, usize>>>,
}

/// Counts one open connection until it is dropped.
#[must_use]
pub(super) struct Permit {
    keys: Vec<Key>,
    limits: ConnectionLimits,
}

impl ConnectionLimits {
    pub fn new(is_on: bool) -> Self {
        Self { is_on, open: Arc::default() }
    }

    /// Returns `None` if this user or this address has reached its limit.
    pub fn user(&self, user: UserId, client: ClientInfo) -> Option<Permit> {
        self.admit(vec![Key::User(user), Key::Address(client.network_key())])
    }

    /// For a connection that is not authenticated yet, or that is about to be refused.
    pub fn unknown(&self, client: ClientInfo) -> Option<Permit> {
        self.admit(vec![Key::Unknown(client.network_key())])
    }

    fn admit(&self, mut keys: Vec<Key>) -> Option<Permit> {
        keys.retain(|_| self.is_on);
        let mut open = self.open();
        let is_full = |key: &Key| open.get(key).is_some_and(|count| *count >= key.limit());
        if keys.iter().any(is_full) {
            return None;
        }
        for key in &keys {
            *open.entry(*key).or_default() += 1;
        }
        Some(Permit { keys, limits: self.clone() })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Key, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.limits.open();
        for key in &self.keys {
            if let Some(count) = open.get_mut(key) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    open.remove(key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(ip: &str) -> ClientInfo {
        ClientInfo { ip: ip.parse().expect("an address"), https: false, port: None }
    }

    #[test]
    fn connections_are_limited_per_user() {
        let (limits, at) = (ConnectionLimits::new(true), client("192.0.2.1"));
        let mut open: Vec<_> = (0..20).map(|_| limits.user(UserId(1), at)).collect();
        assert!(open.iter().all(Option::is_some));
        assert!(limits.user(UserId(1), at).is_none());
        assert!(limits.user(UserId(1), client("192.0.2.2")).is_none(), "from anywhere");
        assert!(limits.user(UserId(2), at).is_some());
        open.pop();
        assert!(limits.user(UserId(1), at).is_some());
        drop(open);
        assert!(limits.open().is_empty(), "nothing is kept of closed connections");
    }

    #[test]
    fn connections_are_limited_per_address_and_ipv6_network() {
        let limits = ConnectionLimits::new(true);
        let of = |n: i64, at| limits.user(UserId(n / 20), at);
        let home = |n: i64| client(&format!("2001:db8::{n:x}"));
        let open: Vec<_> = (0..1_000).map(|n| of(n, home(n))).collect();
        assert!(open.iter().all(Option::is_some));
        assert!(of(1_000, home(7)).is_none());
        assert!(of(1_000, client("2001:db8:0:1::7")).is_some());
    }

    #[test]
    fn unauthenticated_connections_are_counted_separately() {
        let (limits, at) = (ConnectionLimits::new(true), client("192.0.2.1"));
        let open: Vec<_> = (0..50).map(|_| limits.unknown(at)).collect();
        assert!(open.iter().all(Option::is_some));
        assert!(limits.unknown(at).is_none());
        assert!(limits.unknown(client("192.0.2.2")).is_some());
        assert!(limits.user(UserId(1), at).is_some());
    }

    #[test]
    fn without_rate_limits_nothing_is_counted() {
        let (limits, at) = (ConnectionLimits::new(false), client("192.0.2.1"));
        let open: Vec<_> = (0..2_000).map(|_| limits.user(UserId(1), at)).collect();
        assert!(open.iter().all(Option::is_some) && limits.open().is_empty());
    }
}
