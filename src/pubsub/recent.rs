//! Which channels were used last. A connection that learns only from the database which channels it needs subscribes
//! after its query; here it finds out whether it may have missed something in between.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::command::{Command, Protocol};

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

impl<C: Copy + Eq + std::hash::Hash> RecentChannels<C> {
    pub fn new(present: Present) -> Self {
        Self { present, used: VecDeque::new() }
    }

    /// Takes note of the channels of a command that would have reached, or asked for, more subscribers.
    pub fn note<P: Protocol<Channel = C>>(&mut self, command: &Command<P>) {
        match command {
            Command::Broadcast(publication) => self.push(publication.channel),
            Command::Notify { channel, .. }
            | Command::NotifyCoalesced { channel, .. }
            | Command::SubscribeAll { who: channel, .. } => self.push(*channel),
            // The answer decides what is published at all.
            Command::FindSubscribed { channels, .. } => {
                channels.iter().for_each(|channel| self.push(*channel));
            }
            Command::ListChannels { .. } => {
                self.present.pass();
                self.used.clear();
            }
            _ => {}
        }
    }

    fn push(&mut self, channel: C) {
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
