//! The group-commit writer. One task takes all queued writes (new messages and changes), stores them in
//! one transaction with one disk sync, resolves their futures and hands the changes to the broadcaster. Every
//! change that raises a `rev` goes through this task, so the broadcaster gets them in the order of `rev`.
//!
//! There is no timer: a single write is stored immediately, and the next batch collects while the disk
//! is busy with the previous one. Writes to rooms that another process keeps locked leave the batch, so that the others
//! need not wait (`blocked_rooms`).

mod batches;
mod blocked_rooms;
mod queue;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use self::batches::{BatchStore, StoringSince};
use self::blocked_rooms::BlockedRooms;
pub use self::queue::PendingWrite;
use self::queue::{BATCH_SIZE, QUEUE_CAPACITY, QueuedWrite, RETRY_AFTER};
use super::broadcaster::{self, Reach};
use super::known_ids::KnownIds;
use super::model::{Write, WriteError};
use super::remote::RemoteMessages;
use super::store::{self, StoredRanges};
use crate::changefeed::model::ProcessId;
use crate::db::{Db, EpochGuard, LockWait};
use crate::kernel::{Clock, ServiceError};
use crate::lifecycle::Lifecycle;

/// How often to check whether the epoch changed, and whether heads of threads do not show their last replies.
const TICK: Duration = Duration::from_secs(1);

/// Counters of the writer.
#[derive(Clone)]
pub(super) struct WriterMetrics {
    pub posted: Counter,
    pub batches: Histogram,
}

/// A handle to the writer's queue.
#[derive(Clone)]
pub(super) struct GroupCommitWriter {
    queue: mpsc::Sender<QueuedWrite>,
    pub metrics: WriterMetrics,
    storing_since: Arc<StoringSince>,
    blocked: BlockedRooms,
}

impl GroupCommitWriter {
    /// Starts the tasks of the writer and the broadcaster. What is stored now counts as published.
    pub(super) async fn start(
        db: Db,
        reach: Reach,
        clock: Clock,
        origin: ProcessId,
        epoch: &EpochGuard,
        lifecycle: &Lifecycle,
    ) -> Result<(Self, RemoteMessages), ServiceError> {
        let hub = reach.hub.clone();
        let epoch_renewals = epoch.renewals();
        // The id first: a message stored between the two queries is only checked once more.
        let known = KnownIds::starting_after(store::last_message_id(&db).await?);
        let published = store::rooms(&db).await?.into_iter().collect();
        let broadcaster =
            broadcaster::start(db.clone(), reach, published, epoch.clone(), lifecycle);
        let remote = RemoteMessages::new(
            db.clone(),
            hub.clone(),
            known.clone(),
            broadcaster.downgrade(),
            epoch.clone(),
        );
        let (sender, queue) = mpsc::channel(QUEUE_CAPACITY);
        let batches = Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]);
        let metrics = WriterMetrics { posted: Counter::default(), batches };
        let store = Arc::new(BatchStore {
            db,
            hub,
            clock,
            origin,
            broadcaster,
            known,
            ranges: StoredRanges::default(),
            posted: metrics.posted.clone(),
        });
        let blocked = BlockedRooms::start(&store, lifecycle);
        let storing_since = Arc::new(StoringSince::default());
        let task = WriterTask {
            store,
            blocked: blocked.clone(),
            epoch: epoch.clone(),
            epoch_renewals,
            batches: metrics.batches.clone(),
            storing_since: storing_since.clone(),
        };
        lifecycle.spawn_worker("message-writer", task.run(queue, lifecycle.closing()));
        Ok((Self { queue: sender, metrics, storing_since, blocked }, remote))
    }

    /// Whether a batch takes unusually long, as it does when the network drops what is sent to the database.
    pub(super) fn is_slow(&self) -> bool {
        self.storing_since.is_slow() || self.blocked.is_slow()
    }

    /// The number of queued writes.
    pub(super) fn queued(&self) -> usize {
        QUEUE_CAPACITY.saturating_sub(self.queue.capacity()) + self.blocked.queued()
    }

    /// Queues the write immediately. The returned future resolves when the write is on disk, or with an
    /// error if the queue is full.
    pub(super) fn write(&self, write: Write) -> PendingWrite {
        let (reply, outcome) = oneshot::channel();
        match self.queue.try_send(QueuedWrite { write, reply }) {
            Ok(()) => PendingWrite::Queued(outcome),
            Err(_) => PendingWrite::refused(WriteError::Service(ServiceError::Unavailable {
                retry_after: RETRY_AFTER,
            })),
        }
    }
}

/// What the task of the writer holds.
struct WriterTask {
    store: Arc<BatchStore>,
    blocked: BlockedRooms,
    epoch: EpochGuard,
    /// The value of [`EpochGuard::renewals`] that the broadcaster knows.
    epoch_renewals: u64,
    batches: Histogram,
    storing_since: Arc<StoringSince>,
}

impl WriterTask {
    async fn run(mut self, mut queue: mpsc::Receiver<QueuedWrite>, closing: CancellationToken) {
        let mut batch = Vec::with_capacity(BATCH_SIZE);
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // On shutdown: refuse new writes, but store the queued ones before the task ends.
                () = closing.cancelled(), if !queue.is_closed() => queue.close(),
                taken = queue.recv_many(&mut batch, BATCH_SIZE) => {
                    if taken == 0 {
                        break;
                    }
                    self.batches.observe(f64::from(u16::try_from(taken).unwrap_or(u16::MAX)));
                    let batch = std::mem::take(&mut batch);
                    if self.restart_broadcaster().await {
                        self.commit(batch).await;
                    } else {
                        batch.into_iter().for_each(QueuedWrite::refuse);
                    }
                }
                _ = tick.tick() => {
                    if self.restart_broadcaster().await {
                        self.announce_replies().await;
                    }
                }
            }
        }
        self.blocked.close();
    }

    /// Stores a batch, except for the writes to rooms that another process keeps locked: those wait by themselves.
    async fn commit(&self, batch: Vec<QueuedWrite>) {
        let batch = self.blocked.take_out(batch);
        if let Some(unstored) = self.try_to_commit(batch).await {
            let free = self.store.free_rooms(&unstored).await;
            let batch = self.blocked.keep(unstored, &free);
            // Others have been locked since.
            if let Some(unstored) = self.try_to_commit(batch).await {
                self.blocked.keep(unstored, &HashSet::new());
            }
        }
    }

    /// Returns the batch if it would have to wait for a room.
    async fn try_to_commit(&self, batch: Vec<QueuedWrite>) -> Option<Vec<QueuedWrite>> {
        if batch.is_empty() {
            return None;
        }
        self.storing_since.while_storing(self.store.commit(batch, LockWait::Short)).await
    }

    /// If the epoch changed, everything stored counts as published: all clients reconnect and catch up. Done
    /// between two batches, so that every batch of this task is published or counted. Returns false if the
    /// rooms cannot be read: nothing may be stored until then.
    async fn restart_broadcaster(&mut self) -> bool {
        let renewals = self.epoch.renewals();
        if renewals == self.epoch_renewals {
            return true;
        }
        match self.store.restart_broadcaster(renewals).await {
            Ok(()) => {
                self.epoch_renewals = renewals;
                true
            }
            Err(error) => {
                tracing::warn!(%error, "could not read the rooms");
                false
            }
        }
    }

    /// Lets the heads of threads show their last replies: a head takes a `rev` at most once a second, so replies
    /// that come faster only mark its thread. Whichever process finds the mark publishes it, after a crash too.
    async fn announce_replies(&self) {
        match self.store.stale_threads().await {
            Ok(threads) => {
                let write = |thread| QueuedWrite {
                    write: Write::Announce(thread),
                    reply: oneshot::channel().0,
                };
                self.commit(threads.into_iter().map(write).collect()).await;
            }
            Err(error) => tracing::warn!(%error, "could not read the threads with new replies"),
        }
    }
}
