//! A short-lived cache of encoded catch-up chunks. When thousands of clients reconnect at the same time,
//! most of them request the same changes of the same rooms, which are then read and encoded only once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::protocol::ServerFrame;
use crate::chat::messages::model::Message;
use crate::kernel::paging::Page;
use crate::kernel::{Rev, RoomId, Timestamp};
use crate::pubsub::Encoding;
use crate::websocket::encode;

/// How long an entry is valid. A user's new name does not change a `rev`, so a cached chunk may contain the
/// old name for this long.
const LIFETIME: Duration = Duration::from_secs(1);
/// Limits of the cache: entries, and bytes of all entries together.
const MAX_ENTRIES: usize = 32;
const MAX_BYTES: usize = 2 * 1024 * 1024;

/// A chunk of a room's changes, encoded as frames.
pub(super) struct Changes {
    /// Whole frames, in the order of `rev`.
    pub frames: Bytes,
    /// The `rev` of the last change; `None` if nothing has changed.
    pub last: Option<Rev>,
    /// Whether there may be further changes.
    pub more: bool,
}

impl Changes {
    pub fn of(found: &Page<Message>, encoding: Encoding) -> Self {
        let mut frames = BytesMut::new();
        for message in &found.items {
            encode::put_text(&mut frames, &ServerFrame::message(message, encoding).text());
        }
        let last = found.items.last().map(|message| message.rev);
        // Copied, not frozen: the buffer has spare capacity, and the frames may be queued for long.
        Self { frames: Bytes::copy_from_slice(&frames), last, more: found.more }
    }
}

/// The key of a cached chunk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct ReplayKey {
    pub room: RoomId,
    pub since: Rev,
    pub encoding: Encoding,
}

#[derive(Default)]
pub(super) struct ReplayCache(Mutex<Vec<CachedReplay>>);

struct CachedReplay {
    key: ReplayKey,
    /// A lower bound of the room's `rev` when this was read.
    goal: Rev,
    since: Timestamp,
    changes: Arc<Changes>,
}

impl CachedReplay {
    /// An entry from the future is stale, too: the clock was set back.
    fn is_fresh(&self, now: Timestamp) -> bool {
        (self.since..self.since.plus(LIFETIME)).contains(&now)
    }
}

impl ReplayCache {
    /// Returns the cached chunk if it was read when the room had reached `goal`: only then does it contain
    /// the latest changes up to `goal`.
    pub fn find(&self, key: ReplayKey, goal: Rev, now: Timestamp) -> Option<Arc<Changes>> {
        let entries = self.entries();
        let matches =
            |entry: &&CachedReplay| entry.key == key && entry.goal >= goal && entry.is_fresh(now);
        entries.iter().find(matches).map(|entry| entry.changes.clone())
    }

    pub fn insert(&self, key: ReplayKey, goal: Rev, now: Timestamp, changes: &Arc<Changes>) {
        let mut entries = self.entries();
        entries.retain(|entry| entry.is_fresh(now) && entry.key != key);
        let size = |entry: &CachedReplay| entry.changes.frames.len();
        let bytes = entries.iter().map(size).sum::<usize>() + changes.frames.len();
        if entries.len() < MAX_ENTRIES && bytes <= MAX_BYTES {
            entries.push(CachedReplay { key, goal, since: now, changes: changes.clone() });
        }
    }

    fn entries(&self) -> MutexGuard<'_, Vec<CachedReplay>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(0);
    const KEY: ReplayKey = ReplayKey { room: RoomId(1), since: Rev(5), encoding: Encoding(0) };

    fn changes(bytes: usize) -> Arc<Changes> {
        let frames = Bytes::from(vec![b'x'; bytes]);
        Arc::new(Changes { frames, last: Some(Rev(9)), more: false })
    }

    #[test]
    fn an_entry_is_found_until_the_room_has_a_higher_rev() {
        let cache = ReplayCache::default();
        cache.insert(KEY, Rev(9), NOW, &changes(10));
        assert!(cache.find(KEY, Rev(9), NOW).is_some());
        assert!(cache.find(KEY, Rev(8), NOW).is_some());
        assert!(cache.find(KEY, Rev(10), NOW).is_none());
        for other in [
            ReplayKey { room: RoomId(2), ..KEY },
            ReplayKey { since: Rev(6), ..KEY },
            ReplayKey { encoding: Encoding(1), ..KEY },
        ] {
            assert!(cache.find(other, Rev(9), NOW).is_none());
        }
    }

    #[test]
    fn an_entry_expires_and_a_large_one_is_not_cached() {
        let cache = ReplayCache::default();
        cache.insert(KEY, Rev(9), NOW, &changes(MAX_BYTES));
        assert!(cache.find(KEY, Rev(9), Timestamp(999)).is_some());
        assert!(cache.find(KEY, Rev(9), Timestamp(1_000)).is_none());
        assert!(cache.find(KEY, Rev(9), Timestamp(-1)).is_none(), "the clock was set back");
        cache.insert(KEY, Rev(9), NOW, &changes(MAX_BYTES + 1));
        assert!(cache.find(KEY, Rev(9), NOW).is_none());
    }

    #[test]
    fn expired_entries_make_room_for_new_ones() {
        let cache = ReplayCache::default();
        let key = |n: usize| ReplayKey { since: Rev(i64::try_from(n).expect("few")), ..KEY };
        for n in 0..=MAX_ENTRIES {
            cache.insert(key(n), Rev(99), NOW, &changes(1));
        }
        let found = |n, now| cache.find(key(n), Rev(99), now).is_some();
        assert!(found(MAX_ENTRIES - 1, NOW) && !found(MAX_ENTRIES, NOW));
        cache.insert(key(MAX_ENTRIES), Rev(99), Timestamp(1_000), &changes(1));
        assert!(found(MAX_ENTRIES, Timestamp(1_000)));
    }
}
