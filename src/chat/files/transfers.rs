//! What is on its way at the same time: limited per user and in total.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::kernel::UserId;

#[derive(Clone)]
pub(super) struct Transfers {
    per_user: usize,
    in_total: usize,
    running: Arc<Mutex<Running>>,
}

#[derive(Default)]
struct Running {
    all: usize,
    users: HashMap<UserId, usize>,
}

/// A place, which ends with this value.
pub struct Transfer {
    user: UserId,
    running: Arc<Mutex<Running>>,
}

impl Transfers {
    pub fn new(per_user: usize, in_total: usize) -> Self {
        Self { per_user, in_total, running: Arc::default() }
    }

    /// Takes a place; `None` if there is none.
    pub fn begin(&self, user: UserId) -> Option<Transfer> {
        let mut running = lock(&self.running);
        let own = running.users.get(&user).copied().unwrap_or_default();
        if own >= self.per_user || running.all >= self.in_total {
            return None;
        }
        running.all += 1;
        running.users.insert(user, own + 1);
        Some(Transfer { user, running: self.running.clone() })
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        let mut running = lock(&self.running);
        running.all -= 1;
        if let Some(own) = running.users.get_mut(&self.user) {
            *own -= 1;
            if *own == 0 {
                running.users.remove(&self.user);
            }
        }
    }
}

fn lock(running: &Mutex<Running>) -> MutexGuard<'_, Running> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_per_user_and_in_total_and_are_given_back() {
        let transfers = Transfers::new(2, 3);
        let (ana, luis) = (UserId(1), UserId(2));
        let own: Vec<_> = (0..2).filter_map(|_| transfers.begin(ana)).collect();
        assert_eq!(own.len(), 2);
        assert!(transfers.begin(ana).is_none(), "per user");
        let other = transfers.begin(luis);
        assert!(other.is_some());
        assert!(transfers.begin(luis).is_none(), "in total");
        drop(own);
        assert!(transfers.begin(luis).is_some());
        assert_eq!(lock(&transfers.running).users.len(), 1);
    }
}
