//! What was missed, read and written down once for all who missed the same: when thousands come back
//! together, most of them ask for the same changes of the same rooms.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::protocol::ServerFrame;
use crate::chat::messages::model::Message;
use crate::kernel::paging::Page;
use crate::kernel::{Rev, RoomId, Timestamp};
use crate::pubsub::Encoding;
use crate::websocket::encode;

/// How long something is kept. Changes of names take no `rev`: that long an old one may be told.
const LIFETIME: Duration = Duration::from_secs(1);
/// No more is kept: so many pieces, and so many bytes of all of them.
const MAX_ENTRIES: usize = 32;
const MAX_BYTES: usize = 2 * 1024 * 1024;

/// Changes of a room as frames.
pub(super) struct Changes {
    /// Whole frames in their order.
    pub frames: Bytes,
    /// How far they reach; `None` when nothing has changed.
    pub last: Option<Rev>,
    /// There may be further ones.
    pub more: bool,
}

impl Changes {
    pub fn of(found: &Page<Message>, form: Encoding) -> Self {
        let mut frames = BytesMut::new();
        for message in &found.items {
            encode::put_text(&mut frames, &ServerFrame::message(message, form).text());
        }
        let last = found.items.last().map(|message| message.rev);
        // Not frozen as it is: it has room for more, and may wait for long.
        Self { frames: Bytes::copy_from_slice(&frames), last, more: found.more }
    }
}

/// What was asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Question {
    pub room: RoomId,
    pub since: Rev,
    pub form: Encoding,
}

#[derive(Default)]
pub(super) struct ReplayCache(Mutex<Vec<CachedReplay>>);

struct CachedReplay {
    question: Question,
    /// How far the room was, at least, when this was read.
    goal: Rev,
    since: Timestamp,
    changes: Arc<Changes>,
}

impl CachedReplay {
    /// A clock that was set back makes it old too.
    fn is_fresh(&self, now: Timestamp) -> bool {
        (self.since..self.since.plus(LIFETIME)).contains(&now)
    }
}

impl ReplayCache {
    /// The answer, if it was read when the room was as far as `goal` already: then the last changes up
    /// to there are in it.
    pub fn find(&self, question: Question, goal: Rev, now: Timestamp) -> Option<Arc<Changes>> {
        let kept = self.kept();
        let fits = |kept: &&CachedReplay| {
            kept.question == question && kept.goal >= goal && kept.is_fresh(now)
        };
        kept.iter().find(fits).map(|kept| kept.changes.clone())
    }

    pub fn keep(&self, question: Question, goal: Rev, now: Timestamp, changes: &Arc<Changes>) {
        let mut kept = self.kept();
        kept.retain(|kept| kept.is_fresh(now) && kept.question != question);
        let size = |kept: &CachedReplay| kept.changes.frames.len();
        let all = kept.iter().map(size).sum::<usize>() + changes.frames.len();
        if kept.len() < MAX_ENTRIES && all <= MAX_BYTES {
            kept.push(CachedReplay { question, goal, since: now, changes: changes.clone() });
        }
    }

    fn kept(&self) -> MutexGuard<'_, Vec<CachedReplay>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(0);
    const ASKED: Question = Question { room: RoomId(1), since: Rev(5), form: Encoding(0) };

    fn changes(bytes: usize) -> Arc<Changes> {
        let frames = Bytes::from(vec![b'x'; bytes]);
        Arc::new(Changes { frames, last: Some(Rev(9)), more: false })
    }

    #[test]
    fn the_same_question_has_the_same_answer_until_the_room_has_gone_on() {
        let missed = ReplayCache::default();
        missed.keep(ASKED, Rev(9), NOW, &changes(10));
        assert!(missed.find(ASKED, Rev(9), NOW).is_some());
        assert!(missed.find(ASKED, Rev(8), NOW).is_some());
        assert!(missed.find(ASKED, Rev(10), NOW).is_none());
        for other in [
            Question { room: RoomId(2), ..ASKED },
            Question { since: Rev(6), ..ASKED },
            Question { form: Encoding(1), ..ASKED },
        ] {
            assert!(missed.find(other, Rev(9), NOW).is_none());
        }
    }

    #[test]
    fn an_answer_is_kept_for_a_moment_and_only_if_it_is_small() {
        let missed = ReplayCache::default();
        missed.keep(ASKED, Rev(9), NOW, &changes(MAX_BYTES));
        assert!(missed.find(ASKED, Rev(9), Timestamp(999)).is_some());
        assert!(missed.find(ASKED, Rev(9), Timestamp(1_000)).is_none());
        assert!(missed.find(ASKED, Rev(9), Timestamp(-1)).is_none(), "the clock was set back");
        missed.keep(ASKED, Rev(9), NOW, &changes(MAX_BYTES + 1));
        assert!(missed.find(ASKED, Rev(9), NOW).is_none());
    }

    #[test]
    fn what_is_old_makes_room_for_what_is_new_and_no_more_is_kept() {
        let missed = ReplayCache::default();
        let question = |n: usize| Question { since: Rev(i64::try_from(n).expect("few")), ..ASKED };
        for n in 0..=MAX_ENTRIES {
            missed.keep(question(n), Rev(99), NOW, &changes(1));
        }
        let found = |n, now| missed.find(question(n), Rev(99), now).is_some();
        assert!(found(MAX_ENTRIES - 1, NOW) && !found(MAX_ENTRIES, NOW));
        missed.keep(question(MAX_ENTRIES), Rev(99), Timestamp(1_000), &changes(1));
        assert!(found(MAX_ENTRIES, Timestamp(1_000)));
    }
}
