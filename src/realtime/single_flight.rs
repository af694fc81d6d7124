//! One query for all callers that asked before it started. When a room changes, thousands of connections
//! need the same counts at the same moment. A result is shared only with callers that asked before its
//! query started, so no caller gets a result older than its own request.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

use crate::kernel::RoomId;

/// Rooms are distributed over this many slots. Rooms in the same slot wait for each other.
const SLOTS: usize = 16;

pub(super) struct SingleFlight<T> {
    /// Orders requests and starts of queries.
    ticks: AtomicU64,
    slots: [Mutex<Option<Cached<T>>>; SLOTS],
}

struct Cached<T> {
    room: RoomId,
    started: u64,
    value: T,
}

impl<T> Default for SingleFlight<T> {
    fn default() -> Self {
        Self { ticks: AtomicU64::new(0), slots: std::array::from_fn(|_| Mutex::new(None)) }
    }
}

impl<T: Copy> SingleFlight<T> {
    /// Returns the result of `query`, or of another caller's query for the same room if it started after
    /// this call.
    ///
    /// # Errors
    /// Those of `query`; they are not shared.
    pub async fn ask<E>(
        &self,
        room: RoomId,
        query: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let asked = self.tick();
        let slot = usize::try_from(room.0).unwrap_or(0) % SLOTS;
        let mut cached = self.slots[slot].lock().await;
        if let Some(Cached { value, .. }) =
            cached.as_ref().filter(|cached| cached.room == room && cached.started > asked)
        {
            return Ok(*value);
        }
        let started = self.tick();
        let value = query.await?;
        *cached = Some(Cached { room, started, value });
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
    async fn callers_before_the_start_of_a_query_share_its_result() {
        let shared = SingleFlight::default();
        let found = Cell::new(0);
        let (go, gone) = oneshot::channel();
        let slow = async {
            gone.await.expect("the signal");
            found.set(found.get() + 1);
            Ok::<_, ()>(found.get())
        };
        let quick = || async {
            found.set(found.get() + 1);
            Ok::<_, ()>(found.get())
        };
        let first = shared.ask(ROOM, slow);
        let others = async {
            // All of them ask while the first query is running.
            let asked = join_all((0..100).map(|_| shared.ask(ROOM, quick())));
            go.send(()).expect("the first query waits");
            asked.await
        };
        let (first, others) = tokio::join!(first, others);
        assert_eq!(first, Ok(1));
        assert_eq!(others, vec![Ok(2); 100], "not the one that started before they asked");
        assert_eq!(shared.ask(ROOM, quick()).await, Ok(3));
    }

    #[tokio::test]
    async fn results_are_per_room_and_errors_are_not_shared() {
        let shared = SingleFlight::default();
        let other = RoomId(ROOM.0 + i64::try_from(SLOTS).expect("few"));
        let is = |n: u8| async move { Ok::<_, ()>(n) };
        let both = |room, n| shared.ask(room, is(n));
        assert_eq!(tokio::join!(both(ROOM, 1), both(other, 2)), (Ok(1), Ok(2)));
        let failing = shared.ask(ROOM, async { Err::<u8, _>(()) });
        assert_eq!(tokio::join!(failing, both(ROOM, 4)), (Err(()), Ok(4)));
    }
}
