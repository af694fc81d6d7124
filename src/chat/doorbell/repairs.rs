//! Counts repairs: polling found a change of another process in a room with subscribers here, although the bus should
//! have brought it. The count says how well the bus works; nothing depends on it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::kernel::{Rev, RoomId};

const HOUR: Duration = Duration::from_hours(1);
/// Repairs within this time are counted together.
const MINUTE: Duration = Duration::from_mins(1);

/// Clones share it.
#[derive(Clone, Default)]
pub struct Repairs(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    /// What the last poll found. The notices of some may have been on their way.
    found: BTreeMap<RoomId, Rev>,
    /// The counts of the last hour, each with its beginning, the oldest first.
    minutes: VecDeque<(Instant, usize)>,
}

impl Repairs {
    /// Polling has found that a room has changed this far.
    pub(in crate::chat) fn found(&self, room: RoomId, rev: Rev) {
        self.lock().found.insert(room, rev);
    }

    /// A notice has come after all.
    pub(in crate::chat) fn arrived(&self, room: RoomId, rev: Rev) {
        let found = &mut self.lock().found;
        if found.get(&room).is_some_and(|found| *found <= rev) {
            found.remove(&room);
        }
    }

    /// Counts the rooms whose notices have not come until the next poll.
    pub(in crate::chat) fn settle(&self) {
        let mut counts = self.lock();
        let rooms = std::mem::take(&mut counts.found).len();
        counts.forget();
        match counts.minutes.back_mut() {
            _ if rooms == 0 => {}
            Some((begin, count)) if begin.elapsed() < MINUTE => *count += rooms,
            _ => counts.minutes.push_back((Instant::now(), rooms)),
        }
    }

    /// In how many rooms something was repaired in the last hour.
    pub fn in_last_hour(&self) -> usize {
        let mut counts = self.lock();
        counts.forget();
        counts.minutes.iter().map(|(_, count)| count).sum()
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn forget(&mut self) {
        while self.minutes.front().is_some_and(|(begin, _)| begin.elapsed() >= HOUR) {
            self.minutes.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const ROOM: RoomId = RoomId(1);
    const OTHER: RoomId = RoomId(2);

    #[tokio::test(start_paused = true)]
    async fn a_room_counts_unless_its_notice_comes_before_the_next_poll() {
        let repairs = Repairs::default();
        repairs.found(ROOM, Rev(5));
        repairs.found(OTHER, Rev(5));
        repairs.arrived(ROOM, Rev(5));
        repairs.arrived(OTHER, Rev(4));
        assert_eq!(repairs.in_last_hour(), 0, "notices may be on their way");
        repairs.settle();
        assert_eq!(repairs.in_last_hour(), 1);
        repairs.settle();
        assert_eq!(repairs.in_last_hour(), 1, "each is counted once");
    }

    #[tokio::test(start_paused = true)]
    async fn repairs_count_for_an_hour() {
        let repairs = Repairs::default();
        for _ in 0..3 {
            repairs.found(ROOM, Rev(5));
            repairs.settle();
            advance(MINUTE / 2).await;
        }
        assert_eq!(repairs.in_last_hour(), 3);
        assert_eq!(repairs.lock().minutes.len(), 2);
        advance(59 * MINUTE).await;
        assert_eq!(repairs.in_last_hour(), 1);
        advance(MINUTE).await;
        assert_eq!(repairs.in_last_hour(), 0);
    }
}
