//! The queue of commands in front of the dispatcher. Putting one in never waits.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use super::command::{Command, Protocol};
use super::recent::Present;

/// Commands in the queue above which new events and signals are dropped. After a drop, every connection is
/// asked to close, so that each client reconnects and catches up from the database: the queue stays bounded
/// and no client misses an event unnoticed.
const INBOX_CAPACITY: usize = 32 * 1024;

pub(super) struct Inbox<P: Protocol> {
    pending: Mutex<Pending<P>>,
    not_empty: Notify,
    pub present: Present,
}

struct Pending<P: Protocol> {
    commands: Vec<Command<P>>,
    overflowed: bool,
    closed: bool,
}

impl<P: Protocol> Inbox<P> {
    pub fn new() -> Self {
        let pending =
            Mutex::new(Pending { commands: Vec::new(), overflowed: false, closed: false });
        Self { pending, not_empty: Notify::new(), present: Present::default() }
    }

    pub fn put(&self, command: Command<P>) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.closed {
            return;
        }
        // Subscriptions are never dropped: a connection causes only a few of them, and a lost one would
        // leave it without events.
        let may_be_dropped = matches!(
            command,
            Command::Broadcast(_) | Command::Notify { .. } | Command::NotifyCoalesced { .. }
        );
        if may_be_dropped && pending.commands.len() >= INBOX_CAPACITY {
            pending.overflowed = true;
            return;
        }
        pending.commands.push(command);
        drop(pending);
        self.not_empty.notify_one();
    }

    /// Drops all commands, now and later: the dispatcher has ended. What waits for an answer gets none.
    pub fn close(&self) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.closed = true;
        pending.commands = Vec::new();
    }

    /// Waits until there are commands to take.
    pub async fn filled(&self) {
        self.not_empty.notified().await;
    }

    /// Swaps all pending commands for the empty list, and returns whether any was dropped.
    pub fn take(&self, empty: &mut Vec<Command<P>>) -> bool {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut pending.commands, empty);
        std::mem::take(&mut pending.overflowed)
    }
}
