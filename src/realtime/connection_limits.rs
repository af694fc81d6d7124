//! How many live connections there may be: of one user, of one address, and of one address before it is
//! known whose they are. Rates, and so lifted by `RATE_LIMIT=off`; what each may hold is bounded always.

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

/// Clones are the same counts.
#[derive(Clone)]
pub(super) struct ConnectionLimits {
    is_on: bool,
    open: Arc<Mutex<HashMap<Key, usize>>>,
}

/// The right to hold one connection open, until it is dropped.
#[must_use]
pub(super) struct Permit {
    keys: Vec<Key>,
    admission: ConnectionLimits,
}

impl ConnectionLimits {
    pub fn new(is_on: bool) -> Self {
        Self { is_on, open: Arc::default() }
    }

    /// `None` when this user or this address has as many as it may.
    pub fn user(&self, user: UserId, client: ClientInfo) -> Option<Permit> {
        self.admit(vec![Key::User(user), Key::Address(client.network_key())])
    }

    /// For a connection of which it is not known whose it is, or that is about to be refused.
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
        Some(Permit { keys, admission: self.clone() })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Key, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.admission.open();
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
    fn each_user_has_so_many_and_one_that_ends_makes_room() {
        let (admission, at) = (ConnectionLimits::new(true), client("192.0.2.1"));
        let mut open: Vec<_> = (0..20).map(|_| admission.user(UserId(1), at)).collect();
        assert!(open.iter().all(Option::is_some));
        assert!(admission.user(UserId(1), at).is_none());
        assert!(admission.user(UserId(1), client("192.0.2.2")).is_none(), "from anywhere");
        assert!(admission.user(UserId(2), at).is_some());
        open.pop();
        assert!(admission.user(UserId(1), at).is_some());
        drop(open);
        assert!(admission.open().is_empty(), "nothing is kept of who has gone");
    }

    #[test]
    fn each_address_has_so_many_whoever_is_there_and_a_network_of_ipv6_is_one() {
        let admission = ConnectionLimits::new(true);
        let of = |n: i64, at| admission.user(UserId(n / 20), at);
        let home = |n: i64| client(&format!("2001:db8::{n:x}"));
        let open: Vec<_> = (0..1_000).map(|n| of(n, home(n))).collect();
        assert!(open.iter().all(Option::is_some));
        assert!(of(1_000, home(7)).is_none());
        assert!(of(1_000, client("2001:db8:0:1::7")).is_some());
    }

    #[test]
    fn those_of_whom_nothing_is_known_are_counted_apart() {
        let (admission, at) = (ConnectionLimits::new(true), client("192.0.2.1"));
        let open: Vec<_> = (0..50).map(|_| admission.unknown(at)).collect();
        assert!(open.iter().all(Option::is_some));
        assert!(admission.unknown(at).is_none());
        assert!(admission.unknown(client("192.0.2.2")).is_some());
        assert!(admission.user(UserId(1), at).is_some());
    }

    #[test]
    fn without_rates_nobody_is_counted() {
        let (admission, at) = (ConnectionLimits::new(false), client("192.0.2.1"));
        let open: Vec<_> = (0..2_000).map(|_| admission.user(UserId(1), at)).collect();
        assert!(open.iter().all(Option::is_some) && admission.open().is_empty());
    }
}
