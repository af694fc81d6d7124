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
/// A notice that has not come after so long does not come. Longer than a poll takes to come round.
const PATIENCE: Duration = Duration::from_secs(2);

/// Clones share it.
#[derive(Clone, Default)]
pub struct Repairs(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    /// What polling found lately, and when. The notices of some may be on their way.
    found: BTreeMap<RoomId, (Instant, Rev)>,
    /// The counts of the last hour, each with its beginning, the oldest first.
    minutes: VecDeque<(Instant, usize)>,
}

impl Repairs {
    /// Polling has found that a room has changed this far.
    pub(in crate::chat) fn found(&self, room: RoomId, rev: Rev) {
        let mut counts = self.lock();
        let (_, found) = counts.found.entry(room).or_insert((Instant::now(), rev));
        *found = rev.max(*found);
    }

    /// A notice has come after all, or this process has stored it itself.
    pub(in crate::chat) fn arrived(&self, room: RoomId, rev: Rev) {
        let found = &mut self.lock().found;
        // What has waited too long is counted, whatever comes now. Only this room: it is called for each message.
        let is_in_time = |(at, found): &(Instant, Rev)| at.elapsed() < PATIENCE && *found <= rev;
        if found.get(&room).is_some_and(is_in_time) {
            found.remove(&room);
        }
    }

    /// How often something was repaired in the last hour.
    pub fn in_last_hour(&self) -> usize {
        let mut counts = self.lock();
        counts.settle();
        while counts.minutes.front().is_some_and(|(begin, _)| begin.elapsed() >= HOUR) {
            counts.minutes.pop_front();
        }
        counts.minutes.iter().map(|(_, count)| count).sum()
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// Counts what was found and has waited long enough for its notice.
    fn settle(&mut self) {
        let before = self.found.len();
        self.found.retain(|_, (at, _)| at.elapsed() < PATIENCE);
        let repairs = before - self.found.len();
        match self.minutes.back_mut() {
            _ if repairs == 0 => {}
            Some((begin, count)) if begin.elapsed() < MINUTE => *count += repairs,
            _ => self.minutes.push_back((Instant::now(), repairs)),
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
    async fn a_find_counts_unless_its_notice_comes_in_time() {
        let repairs = Repairs::default();
        repairs.found(ROOM, Rev(5));
        repairs.found(OTHER, Rev(5));
        repairs.arrived(ROOM, Rev(5));
        repairs.arrived(OTHER, Rev(4));
        assert_eq!(repairs.in_last_hour(), 0, "notices may be on their way");
        advance(PATIENCE).await;
        assert_eq!(repairs.in_last_hour(), 1);
        assert_eq!(repairs.in_last_hour(), 1, "each is counted once");
        repairs.arrived(OTHER, Rev(5));
        assert_eq!(repairs.in_last_hour(), 1, "too late");
    }

    #[tokio::test(start_paused = true)]
    async fn a_find_that_nothing_follows_is_not_taken_back_by_the_next_notice() {
        let repairs = Repairs::default();
        repairs.found(ROOM, Rev(5));
        advance(PATIENCE).await;
        repairs.arrived(ROOM, Rev(6));
        assert_eq!(repairs.in_last_hour(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn repairs_count_for_an_hour() {
        let repairs = Repairs::default();
        for _ in 0..3 {
            repairs.found(ROOM, Rev(5));
            advance(MINUTE / 2).await;
            repairs.in_last_hour();
        }
        assert_eq!(repairs.in_last_hour(), 3);
        assert_eq!(repairs.lock().minutes.len(), 2);
        advance(59 * MINUTE).await;
        assert_eq!(repairs.in_last_hour(), 1);
        advance(MINUTE).await;
        assert_eq!(repairs.in_last_hour(), 0);
    }
}
