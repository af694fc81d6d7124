//! Writes to rooms that another process keeps locked: one that is slow, or that stands still in the middle of storing.
//! They wait in a queue of their own, so that writes to other rooms do not wait with them. As long as one waits for a
//! room, later ones to that room join it, so that they stay in order.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::batches::{BatchStore, StoringSince};
use super::queue::{BATCH_SIZE, QUEUE_CAPACITY, QueuedWrite};
use crate::chat::messages::store::rooms_of;
use crate::db::LockWait;
use crate::kernel::RoomId;
use crate::lifecycle::Lifecycle;

/// A handle to the queue.
#[derive(Clone)]
pub(super) struct BlockedRooms {
    queue: mpsc::Sender<QueuedWrite>,
    /// How many writes wait for each room, or are being stored.
    waiting: Arc<Mutex<HashMap<RoomId, usize>>>,
    storing_since: Arc<StoringSince>,
    /// Cancelled when no more come.
    closing: CancellationToken,
}

impl BlockedRooms {
    /// Starts the task that stores them.
    pub fn start(store: &Arc<BatchStore>, lifecycle: &Lifecycle) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE_CAPACITY);
        let blocked = Self {
            queue,
            waiting: Arc::default(),
            storing_since: Arc::default(),
            closing: CancellationToken::new(),
        };
        let task = blocked.clone().run(waiting, store.clone());
        lifecycle.spawn_worker("blocked-writer", task);
        blocked
    }

    /// No more come: the task ends once it has stored those that wait.
    pub fn close(&self) {
        self.closing.cancel();
    }

    pub fn queued(&self) -> usize {
        QUEUE_CAPACITY.saturating_sub(self.queue.capacity())
    }

    pub fn is_slow(&self) -> bool {
        self.storing_since.is_slow()
    }

    /// Takes the writes that have to join others out of a batch, and returns the rest.
    pub fn take_out(&self, batch: Vec<QueuedWrite>) -> Vec<QueuedWrite> {
        let waiting: HashSet<RoomId> = self.lock().keys().copied().collect();
        if waiting.is_empty() {
            return batch;
        }
        self.keep_if(batch, |room| waiting.contains(room))
    }

    /// Keeps the writes to rooms that are not free, and returns the rest.
    pub fn keep(&self, batch: Vec<QueuedWrite>, free: &HashSet<RoomId>) -> Vec<QueuedWrite> {
        self.keep_if(batch, |room| !free.contains(room))
    }

    fn keep_if(
        &self,
        batch: Vec<QueuedWrite>,
        is_blocked: impl Fn(&RoomId) -> bool,
    ) -> Vec<QueuedWrite> {
        let is_blocked = |queued: &QueuedWrite| rooms_of(&queued.write).iter().any(&is_blocked);
        let (blocked, rest): (Vec<_>, Vec<_>) = batch.into_iter().partition(is_blocked);
        for queued in blocked {
            match self.queue.try_reserve() {
                Ok(place) => {
                    self.count(&queued);
                    place.send(queued);
                }
                Err(_) => queued.refuse(),
            }
        }
        rest
    }

    fn count(&self, queued: &QueuedWrite) {
        let mut waiting = self.lock();
        for room in rooms_of(&queued.write) {
            *waiting.entry(room).or_default() += 1;
        }
    }

    async fn run(self, mut queue: mpsc::Receiver<QueuedWrite>, store: Arc<BatchStore>) {
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                () = self.closing.cancelled(), if !queue.is_closed() => queue.close(),
                taken = queue.recv_many(&mut batch, BATCH_SIZE) => {
                    if taken == 0 {
                        break;
                    }
                    let batch = std::mem::take(&mut batch);
                    let rooms: Vec<RoomId> =
                        batch.iter().flat_map(|queued| rooms_of(&queued.write)).collect();
                    self.storing_since.while_storing(store_in_parts(&store, batch)).await;
                    // Only now, when the broadcaster has them, may later writes go the usual way.
                    self.discount(rooms);
                }
            }
        }
    }

    fn discount(&self, rooms: Vec<RoomId>) {
        let mut waiting = self.lock();
        for room in rooms {
            if let Some(count) = waiting.get_mut(&room) {
                *count -= 1;
                if *count == 0 {
                    waiting.remove(&room);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RoomId, usize>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// First the writes to rooms that are free by now: they would keep those locked while they wait for the others.
async fn store_in_parts(store: &BatchStore, batch: Vec<QueuedWrite>) {
    let free = store.free_rooms(&batch).await;
    let is_free =
        |queued: &QueuedWrite| rooms_of(&queued.write).iter().all(|room| free.contains(room));
    let (ready, held): (Vec<_>, Vec<_>) = batch.into_iter().partition(is_free);
    for part in [ready, held] {
        if !part.is_empty() {
            store.commit(part, LockWait::Full).await;
        }
    }
}
