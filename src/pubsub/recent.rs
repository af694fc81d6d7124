//! Which channels were used last. A connection that learns only from the database which channels it needs subscribes
//! after its query; here it finds out whether it may have missed something in between.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Uses that are remembered. More of them during a query count as something missed.
const REMEMBERED: usize = 4_096;

/// A point in the order of all commands.
#[derive(Clone, Copy, Debug)]
pub struct Moment(u64);

/// The current [`Moment`], which the dispatcher moves on. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Present(Arc<AtomicU64>);

impl Present {
    /// What is executed before it was committed before it. What is executed after it may have been, too.
    pub fn moment(&self) -> Moment {
        Moment(self.0.load(Ordering::SeqCst))
    }

    fn pass(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

pub(super) struct RecentChannels<C> {
    present: Present,
    /// The channels of the last moments, the newest at the end.
    used: VecDeque<C>,
}

impl<C: Copy + Eq + Hash> RecentChannels<C> {
    pub fn new(present: Present) -> Self {
        Self { present, used: VecDeque::new() }
    }

    /// Takes note that any channel may have been used.
    pub fn push_all(&mut self) {
        self.present.pass();
        self.used.clear();
    }

    /// Takes note of the use of a channel.
    pub fn push(&mut self, channel: C) {
        self.present.pass();
        if self.used.len() == REMEMBERED {
            self.used.pop_front();
        }
        self.used.push_back(channel);
    }

    /// Whether one of the channels may have been used after this moment.
    pub fn used_since(&self, moment: Moment, channels: &[C]) -> bool {
        let count = self.present.moment().0.saturating_sub(moment.0);
        let Some(count) = usize::try_from(count).ok().filter(|count| *count <= self.used.len())
        else {
            return true;
        };
        if count == 0 {
            return false;
        }
        let channels: HashSet<C> = channels.iter().copied().collect();
        self.used.iter().rev().take(count).any(|used| channels.contains(used))
    }
}
