//! One answer for all who asked before it was begun: when a room changes, thousands want to know the
//! same of it at the same moment. Nobody gets an answer that may be older than their question.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

use crate::kernel::RoomId;

/// Rooms that share one of these wait for each other.
const SLOTS: usize = 16;

pub(super) struct SingleFlight<T> {
    /// Questions and beginnings of answers, in their order.
    ticks: AtomicU64,
    places: [Mutex<Option<Answer<T>>>; SLOTS],
}

struct Answer<T> {
    room: RoomId,
    begun: u64,
    value: T,
}

impl<T> Default for SingleFlight<T> {
    fn default() -> Self {
        Self { ticks: AtomicU64::new(0), places: std::array::from_fn(|_| Mutex::new(None)) }
    }
}

impl<T: Copy> SingleFlight<T> {
    /// What `find` finds, for this question or for a later one about the same room.
    ///
    /// # Errors
    /// Those of `find`; they are not shared.
    pub async fn ask<E>(
        &self,
        room: RoomId,
        find: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let asked = self.tick();
        let place = usize::try_from(room.0).unwrap_or(0) % SLOTS;
        let mut answer = self.places[place].lock().await;
        if let Some(Answer { value, .. }) =
            answer.as_ref().filter(|answer| answer.room == room && answer.begun > asked)
        {
            return Ok(*value);
        }
        let begun = self.tick();
        let value = find.await?;
        *answer = Some(Answer { room, begun, value });
        Ok(value)
    }

    fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures_util::future::join_all;
    use tokio::sync::oneshot;

    use super::*;

    const ROOM: RoomId = RoomId(3);

    #[tokio::test]
    async fn all_who_ask_before_an_answer_is_begun_share_it_and_who_asks_later_gets_a_new_one() {
        let shared = SingleFlight::default();
        let found = Cell::new(0);
        let (go, gone) = oneshot::channel();
        let slow = async {
            gone.await.expect("a word");
            found.set(found.get() + 1);
            Ok::<_, ()>(found.get())
        };
        let quick = || async {
            found.set(found.get() + 1);
            Ok::<_, ()>(found.get())
        };
        let first = shared.ask(ROOM, slow);
        let others = async {
            // All of them ask while the first answer is being made.
            let asked = join_all((0..100).map(|_| shared.ask(ROOM, quick())));
            go.send(()).expect("somebody who waits");
            asked.await
        };
        let (first, others) = tokio::join!(first, others);
        assert_eq!(first, Ok(1));
        assert_eq!(others, vec![Ok(2); 100], "not the one that was begun before they asked");
        assert_eq!(shared.ask(ROOM, quick()).await, Ok(3));
    }

    #[tokio::test]
    async fn rooms_have_answers_of_their_own_and_failures_are_not_kept() {
        let shared = SingleFlight::default();
        let other = RoomId(ROOM.0 + i64::try_from(SLOTS).expect("few"));
        let is = |n: u8| async move { Ok::<_, ()>(n) };
        let both = |room, n| shared.ask(room, is(n));
        assert_eq!(tokio::join!(both(ROOM, 1), both(other, 2)), (Ok(1), Ok(2)));
        let failing = shared.ask(ROOM, async { Err::<u8, _>(()) });
        assert_eq!(tokio::join!(failing, both(ROOM, 4)), (Err(()), Ok(4)));
    }
}
