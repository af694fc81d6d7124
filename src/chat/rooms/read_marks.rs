//! Read markers that arrive over live connections, gathered: there are more of them than messages. The first after a rest
//! is stored at once, the next ones together. A kill may lose those of the last moment.
//!
//! Those who read where a user stands wait until the marks of this user are stored, so gathering is not noticed.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use super::store::{Marked, ReadMark};
use super::{Rooms, store};
use crate::chat::events::{Channel, Event};
use crate::kernel::{RoomId, Seq, ServiceError, UserId};
use crate::lifecycle::Lifecycle;
use crate::limits::read_marks::{EVERY, SETTLED_WITHIN, TOGETHER, WAITING};

/// How often what is left at a stop is tried.
const LAST_ATTEMPTS: usize = 4;

type Marks = BTreeMap<(UserId, RoomId), Seq>;

/// Clones share the marks.
#[derive(Clone, Default)]
pub(super) struct ReadMarks(Arc<Shared>);

#[derive(Default)]
struct Shared {
    marks: Mutex<Gathered>,
    /// Notified when there is a mark to store.
    added: Notify,
    /// Notified when someone waits for a mark to be stored.
    awaited: Notify,
    /// Changes after each attempt to store.
    attempts: watch::Sender<u64>,
}

#[derive(Default)]
struct Gathered {
    waiting: Marks,
    /// Those that are being stored.
    current: Marks,
    /// Whether the last attempt failed. As long as that is so, no one waits for the next one.
    has_failed: bool,
}

impl ReadMarks {
    /// Gathers a mark. Returns false if too many wait.
    fn add(&self, user: UserId, room: RoomId, seq: Seq) -> bool {
        let mut marks = self.marks();
        let is_full = marks.waiting.len() + marks.current.len() >= WAITING;
        if is_full && !marks.waiting.contains_key(&(user, room)) {
            return false;
        }
        let mark = marks.waiting.entry((user, room)).or_insert(seq);
        *mark = seq.max(*mark);
        drop(marks);
        self.0.added.notify_one();
        true
    }

    /// Waits until the user's marks are stored, or could not be.
    pub(super) async fn settle(&self, user: UserId) {
        let attempts = async {
            let mut attempts = self.0.attempts.subscribe();
            // One attempt may be under way since before the last mark came.
            for _ in 0..2 {
                if !self.has_marks_of(user) || self.marks().has_failed {
                    return;
                }
                self.0.awaited.notify_one();
                attempts.changed().await.ok();
            }
        };
        if self.has_marks_of(user) && !self.marks().has_failed {
            timeout(SETTLED_WITHIN, attempts).await.ok();
        }
    }

    fn has_marks_of(&self, user: UserId) -> bool {
        let range = (user, RoomId(i64::MIN))..=(user, RoomId(i64::MAX));
        let Gathered { waiting, current, .. } = &*self.marks();
        [waiting, current].iter().any(|marks| marks.range(range.clone()).next().is_some())
    }

    /// Drops a mark that waits, because the user has marked the messages as unread since.
    pub(super) fn forget(&self, user: UserId, room: RoomId) {
        self.marks().waiting.remove(&(user, room));
    }

    fn begin(&self) -> Vec<ReadMark> {
        let mut marks = self.marks();
        marks.current = std::mem::take(&mut marks.waiting);
        let mark = |(&(user, room), &seq): (&(UserId, RoomId), &Seq)| ReadMark { user, room, seq };
        marks.current.iter().map(mark).collect()
    }

    /// Ends an attempt. These were not stored and wait again.
    fn end(&self, left: &[ReadMark], has_failed: bool) {
        let mut marks = self.marks();
        marks.current = Marks::new();
        marks.has_failed = has_failed;
        for &ReadMark { user, room, seq } in left {
            let mark = marks.waiting.entry((user, room)).or_insert(seq);
            *mark = seq.max(*mark);
        }
        drop(marks);
        if !left.is_empty() {
            self.0.added.notify_one();
        }
        self.0.attempts.send_modify(|count| *count += 1);
    }

    fn marks(&self) -> MutexGuard<'_, Gathered> {
        self.0.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rooms {
    /// Moves a read marker to `seq` within a moment; never back, and only that of a member.
    ///
    /// # Errors
    /// If too many markers wait and this one could not be stored.
    pub async fn gather_read(
        &self,
        user: UserId,
        room: RoomId,
        seq: Seq,
    ) -> Result<(), ServiceError> {
        if self.read_marks.add(user, room, seq) {
            return Ok(());
        }
        match self.store_read_marks(&[ReadMark { user, room, seq }]).await?.as_slice() {
            [] => Ok(()),
            _ => Err(ServiceError::Unavailable { retry_after: EVERY }),
        }
    }

    /// Waits until the user's marks are stored. For a statement that is not of this module.
    pub async fn settle_reads(&self, user: UserId) {
        self.read_marks.settle(user).await;
    }

    /// Starts the task that stores what was gathered.
    pub fn start_storing_reads(&self, lifecycle: &Lifecycle) {
        let rooms = self.clone();
        let closing = lifecycle.closing();
        lifecycle.spawn_worker("read-marks", async move {
            let Shared { added, awaited, .. } = &*rooms.read_marks.0;
            while closing.run_until_cancelled(added.notified()).await.is_some() {
                let is_stored = rooms.store_gathered().await;
                tokio::select! {
                    () = closing.cancelled() => {}
                    // After a failure, those who wait would make it try again and again.
                    () = awaited.notified(), if is_stored => {}
                    () = sleep(EVERY) => {}
                }
            }
            // The connections are closed: nothing is gathered any more. The last messages may still hold rows.
            for _ in 0..LAST_ATTEMPTS {
                rooms.store_gathered().await;
                if rooms.read_marks.marks().waiting.is_empty() {
                    break;
                }
                sleep(EVERY).await;
            }
        });
    }

    /// Returns false if they could not be stored.
    async fn store_gathered(&self) -> bool {
        let (mut left, mut has_failed) = (Vec::new(), false);
        for marks in self.read_marks.begin().chunks(TOGETHER) {
            if has_failed {
                left.extend_from_slice(marks);
                continue;
            }
            match self.store_read_marks(marks).await {
                Ok(locked) => left.extend(locked),
                Err(error) => {
                    tracing::warn!(%error, "could not store read markers; retrying");
                    has_failed = true;
                    left.extend_from_slice(marks);
                }
            }
        }
        self.read_marks.end(&left, has_failed);
        !has_failed
    }

    /// Returns those whose rows others are writing. As `load_read_state` for one marker, it unsubscribes before the query.
    async fn store_read_marks(&self, marks: &[ReadMark]) -> Result<Vec<ReadMark>, ServiceError> {
        let mentioned = |user, room| (Channel::User(user), Channel::Mentioned(room));
        for &ReadMark { user, room, .. } in marks {
            let (user, mentioned) = mentioned(user, room);
            self.hub.unsubscribe_all(user, mentioned);
        }
        let stored = store::mark_all_read(&self.db, marks, self.change_meta()).await;
        let Ok(states) = stored else {
            for &ReadMark { user, room, .. } in marks {
                let (user, mentioned) = mentioned(user, room);
                self.hub.subscribe_all(user, mentioned);
            }
            return Ok(stored.map(|_| Vec::new())?);
        };
        let mut locked = HashSet::new();
        for (state, marked) in states {
            let store::ReadState { user, room, seq, unread, mentions, .. } = state;
            if mentions > 0 {
                let (user, mentioned) = mentioned(user, room);
                self.hub.subscribe_all(user, mentioned);
            }
            match marked {
                Marked::Moved => {
                    let read = Event::Read { room, seq, unread, mentions, back: false };
                    self.hub.broadcast(Channel::User(user), 0, &read);
                    self.doorbell.notify_read(user, room);
                }
                Marked::Locked => drop(locked.insert((user, room))),
                Marked::Unchanged => {}
            }
        }
        let is_locked = |mark: &&ReadMark| locked.contains(&(mark.user, mark.room));
        Ok(marks.iter().filter(is_locked).copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LUIS: UserId = UserId(2);

    #[test]
    fn only_the_last_mark_of_a_user_in_a_room_is_kept() {
        let marks = ReadMarks::default();
        for seq in [3, 5, 4] {
            assert!(marks.add(LUIS, RoomId(1), Seq(seq)));
        }
        assert!(marks.add(LUIS, RoomId(2), Seq(1)));
        let seqs: Vec<Seq> = marks.begin().iter().map(|mark| mark.seq).collect();
        assert_eq!(seqs, [Seq(5), Seq(1)]);
    }

    #[test]
    fn marks_that_were_not_stored_wait_again() {
        let marks = ReadMarks::default();
        marks.add(LUIS, RoomId(1), Seq(5));
        assert_eq!(marks.begin().len(), 1);
        assert!(marks.has_marks_of(LUIS), "while they are stored, too");
        assert!(!marks.has_marks_of(UserId(1)) && !marks.has_marks_of(UserId(3)));
        marks.add(LUIS, RoomId(1), Seq(4));
        marks.end(&[ReadMark { user: LUIS, room: RoomId(1), seq: Seq(5) }], false);
        assert_eq!(marks.begin()[0].seq, Seq(5));
        marks.end(&[], false);
        assert!(!marks.has_marks_of(LUIS));
    }

    #[test]
    fn number_of_marks_that_wait_is_limited() {
        let marks = ReadMarks::default();
        let room = |n: usize| RoomId(i64::try_from(n).expect("few"));
        assert!((0..WAITING).all(|n| marks.add(LUIS, room(n), Seq(1))));
        assert!(!marks.add(LUIS, room(WAITING), Seq(1)));
        assert!(marks.add(LUIS, room(0), Seq(2)), "it takes no more space");
        marks.begin();
        assert!(!marks.add(LUIS, room(WAITING), Seq(1)), "also while they are being stored");
    }

    /// It would wait for its time limit, while the disk is full.
    #[tokio::test(start_paused = true)]
    async fn marks_that_could_not_be_stored_are_not_waited_for() {
        let marks = ReadMarks::default();
        marks.add(LUIS, RoomId(1), Seq(1));
        let left = marks.begin();
        let before = tokio::time::Instant::now();
        marks.end(&left, true);
        marks.settle(LUIS).await;
        assert_eq!(before.elapsed(), std::time::Duration::ZERO);
        marks.forget(LUIS, RoomId(1));
        assert!(!marks.has_marks_of(LUIS));
    }
}
