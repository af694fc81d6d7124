//! The group-commit writer. One task takes all queued writes (new messages and changes), stores them in
//! one transaction with one disk sync, publishes them and then resolves their futures. Every change
//! that raises a `rev` goes through this task, so changes are published in the order of `rev`.
//!
//! There is no timer: a single write is stored immediately, and the next batch collects while the disk
//! is busy with the previous one.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;

use super::broadcaster::Broadcaster;
use super::model::{Write, WriteError, WriteOutcome};
use super::store::{self, Outcome};
use crate::changefeed::model::{ChangeMeta, ProcessId};
use crate::chat::events::EventHub;
use crate::db::{self, Db, EpochGuard};
use crate::kernel::{Clock, ServiceError};
use crate::lifecycle::Lifecycle;

/// Writes that may wait. A full queue refuses more instead of growing.
const QUEUE_CAPACITY: usize = 4096;
/// Writes per transaction.
const BATCH_SIZE: usize = 256;
/// How often a batch is tried if its transaction conflicts with another one.
const MAX_ATTEMPTS: usize = 3;
/// The retry interval a caller gets when the queue is full.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How often to check for messages that another process stored in the same database.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

struct QueuedWrite {
    write: Write,
    reply: oneshot::Sender<Outcome>,
}

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
}

impl GroupCommitWriter {
    /// Starts the writer's task.
    pub(super) async fn start(
        db: Db,
        hub: EventHub,
        (clock, origin): (Clock, ProcessId),
        epoch: &EpochGuard,
        lifecycle: &Lifecycle,
    ) -> Result<Self, ServiceError> {
        let mut broadcaster = Broadcaster::new(db.clone(), hub, epoch.clone()).await?;
        let epoch = epoch.clone();
        let (sender, mut queue) = mpsc::channel(QUEUE_CAPACITY);
        let batches = Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]);
        let metrics = WriterMetrics { posted: Counter::default(), batches };
        let task_metrics = metrics.clone();
        let closing = lifecycle.closing();
        lifecycle.spawn_worker("message-writer", async move {
            let mut batch = Vec::with_capacity(BATCH_SIZE);
            let mut poll = tokio::time::interval(POLL_INTERVAL);
            poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    // On shutdown: refuse new writes, but store the queued ones before the task ends.
                    () = closing.cancelled(), if !queue.is_closed() => queue.close(),
                    taken = queue.recv_many(&mut batch, BATCH_SIZE) => {
                        if taken == 0 {
                            break;
                        }
                        task_metrics.batches.observe(f64::from(u16::try_from(taken).unwrap_or(u16::MAX)));
                        let batch = std::mem::take(&mut batch);
                        let meta = || origin.meta(clock.now());
                        commit(&db, &mut broadcaster, &meta, &task_metrics.posted, batch).await;
                    }
                    _ = poll.tick() => {
                        if let Err(error) = broadcaster.poll_remote().await {
                            tracing::warn!(%error, "could not check for new messages of other processes");
                        }
                        epoch.note();
                    }
                }
            }
            epoch.note();
        });
        Ok(Self { queue: sender, metrics })
    }

    /// The number of queued writes.
    pub(super) fn queued(&self) -> usize {
        QUEUE_CAPACITY.saturating_sub(self.queue.capacity())
    }

    /// Queues the write immediately. The returned future resolves when the write is on disk, or with an
    /// error if the queue is full.
    pub(super) fn write(&self, write: Write) -> PendingWrite {
        let (reply, outcome) = oneshot::channel();
        PendingWrite(self.queue.try_send(QueuedWrite { write, reply }).ok().map(|()| outcome))
    }
}

/// A queued write. It is stored even if this future is dropped. `None` if the queue was full.
pub struct PendingWrite(Option<oneshot::Receiver<Outcome>>);

impl Future for PendingWrite {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let outcome = match &mut self.0 {
            Some(receiver) => ready!(Pin::new(receiver).poll(cx)).ok(),
            None => None,
        };
        let busy =
            || Err(WriteError::Fault(ServiceError::Unavailable { retry_after: RETRY_AFTER }));
        Poll::Ready(outcome.unwrap_or_else(busy))
    }
}

/// Stores a batch, publishes what changed and resolves the futures.
async fn commit(
    db: &Db,
    broadcaster: &mut Broadcaster,
    meta: &(impl Fn() -> ChangeMeta + Sync),
    posted: &Counter,
    batch: Vec<QueuedWrite>,
) {
    let (writes, replies): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|queued| (queued.write, queued.reply)).unzip();
    match store(db, &writes, meta()).await {
        Ok(outcomes) => {
            let new = writes.iter().zip(&outcomes).filter(|(write, outcome)| {
                matches!(write, Write::Post(_)) && changed(outcome).is_some()
            });
            posted.inc_by(new.count() as u64);
            let mut changes: Vec<_> = outcomes.iter().filter_map(changed).collect();
            changes.sort_by_key(|WriteOutcome { message, .. }| (message.room.0, message.rev));
            // Publish before replying: when a caller gets its reply, the event is already queued.
            broadcaster.publish(&changes).await;
            for (outcome, reply) in outcomes.into_iter().zip(replies) {
                // The send fails if the caller dropped its future, which is fine.
                drop(reply.send(outcome));
            }
        }
        Err(error) if db::as_transient(&error).is_some() => {
            tracing::error!(%error, writes = writes.len(), "could not store a batch of writes");
            for (error, reply) in
                std::iter::repeat_with(|| db::as_transient(&error)).flatten().zip(replies)
            {
                drop(reply.send(Err(WriteError::Fault(error))));
            }
        }
        // One bad write must not fail the others, so each is stored in its own transaction. Not if the
        // connection was lost: the batch may have been committed, and writes without a nonce would then
        // be stored twice.
        Err(error) if writes.len() > 1 && !db::is_connection_error(&error) => {
            tracing::warn!(%error, "a batch failed; storing its writes one by one");
            for (write, reply) in writes.into_iter().zip(replies) {
                let single = vec![QueuedWrite { write, reply }];
                Box::pin(commit(db, broadcaster, meta, posted, single)).await;
            }
        }
        Err(error) => {
            let rest = replies.len().saturating_sub(1);
            let errors = std::iter::once(ServiceError::from(error)).chain(
                std::iter::repeat_with(|| ServiceError::Unavailable { retry_after: RETRY_AFTER })
                    .take(rest),
            );
            for (reply, error) in replies.into_iter().zip(errors) {
                drop(reply.send(Err(WriteError::Fault(error))));
            }
        }
    }
}

/// Stores a batch, and retries if its transaction conflicts with one of another process.
async fn store(db: &Db, writes: &[Write], meta: ChangeMeta) -> Result<Vec<Outcome>, sqlx::Error> {
    for _ in 1..MAX_ATTEMPTS {
        match store::commit_group(db, writes, meta).await {
            Err(error) if db::is_serialization_failure(&error) => {
                tracing::warn!(%error, "a batch conflicted with another transaction; retrying");
            }
            done => return done,
        }
    }
    store::commit_group(db, writes, meta).await
}

fn changed(outcome: &Outcome) -> Option<&WriteOutcome> {
    outcome.as_ref().ok().filter(|outcome| outcome.changed)
}
