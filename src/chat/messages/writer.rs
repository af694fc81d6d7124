//! The group commit: one task takes every message and every change of one that waits, stores them in
//! one transaction with one sync of the disk, and only then answers all and rings the bell. All that
//! raises a `rev` comes by here, and so the bell rings in its order.
//!
//! There is no timer: a lone message is stored at once; while the disk is busy with one batch the
//! next one gathers.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;

use super::broadcaster::Broadcaster;
use super::model::{Write, WriteError, WriteOutcome};
use super::store::{self, Outcome};
use crate::changefeed::model::{ChangeMeta, ProcessId};
use crate::chat::events::EventHub;
use crate::db::{self, Db, EpochGuard};
use crate::kernel::metrics::{Counter, Histogram};
use crate::kernel::{Clock, ServiceError};
use crate::lifecycle::Lifecycle;

/// Writes that may wait. A full queue says so instead of growing.
const QUEUE_CAPACITY: usize = 4096;
/// Writes in one transaction.
const BATCH_SIZE: usize = 256;
/// How often a batch is tried that collides.
const MAX_ATTEMPTS: usize = 3;
/// When to come back to a full queue.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How often to look for what another process on the same database has stored.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

struct QueuedWrite {
    write: Write,
    answer: oneshot::Sender<Outcome>,
}

/// What the writer did so far.
#[derive(Clone)]
pub(super) struct WriterMetrics {
    pub posted: Counter,
    pub batches: Histogram,
}

/// The way into the queue.
#[derive(Clone)]
pub(super) struct GroupCommitWriter {
    queue: mpsc::Sender<QueuedWrite>,
    pub metrics: WriterMetrics,
}

impl GroupCommitWriter {
    /// Starts the task.
    pub(super) async fn start(
        db: Db,
        bell: EventHub,
        (clock, origin): (Clock, ProcessId),
        history: &EpochGuard,
        lifecycle: &Lifecycle,
    ) -> Result<Self, ServiceError> {
        let (mut ringer, history) =
            (Broadcaster::new(db.clone(), bell, history.clone()).await?, history.clone());
        let (sender, mut queue) = mpsc::channel(QUEUE_CAPACITY);
        let batches = Histogram::new(&[1, 2, 4, 8, 16, 32, 64, 128, 256]);
        let meters = WriterMetrics { posted: Counter::default(), batches };
        let noted = meters.clone();
        let closing = lifecycle.closing();
        lifecycle.spawn_worker(async move {
            let mut batch = Vec::with_capacity(BATCH_SIZE);
            let mut beat = tokio::time::interval(POLL_INTERVAL);
            beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    // Takes no more, and hands out what it has before it ends.
                    () = closing.cancelled(), if !queue.is_closed() => queue.close(),
                    taken = queue.recv_many(&mut batch, BATCH_SIZE) => {
                        if taken == 0 {
                            break;
                        }
                        noted.batches.observe(taken as u64);
                        let batch = std::mem::take(&mut batch);
                        let stamp = || origin.meta(clock.now());
                        commit(&db, &mut ringer, &stamp, &noted.posted, batch).await;
                    }
                    _ = beat.tick() => {
                        if let Err(fault) = ringer.poll_remote().await {
                            tracing::warn!(%fault, "the database could not be looked at");
                        }
                        history.note();
                    }
                }
            }
            history.note();
        });
        Ok(Self { queue: sender, metrics: meters })
    }

    /// How many writes wait.
    pub(super) fn queued(&self) -> usize {
        QUEUE_CAPACITY.saturating_sub(self.queue.capacity())
    }

    /// Puts it in the queue at once; to wait for the answer is to wait for the disk.
    pub(super) fn write(&self, write: Write) -> PendingWrite {
        let (answer, answered) = oneshot::channel();
        PendingWrite(self.queue.try_send(QueuedWrite { write, answer }).ok().map(|()| answered))
    }
}

/// A write on its way to disk. What is dropped is written all the same.
pub struct PendingWrite(Option<oneshot::Receiver<Outcome>>);

impl Future for PendingWrite {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let answer = match &mut self.0 {
            Some(answered) => ready!(Pin::new(answered).poll(cx)).ok(),
            None => None,
        };
        let busy =
            || Err(WriteError::Fault(ServiceError::Unavailable { retry_after: RETRY_AFTER }));
        Poll::Ready(answer.unwrap_or_else(busy))
    }
}

async fn commit(
    db: &Db,
    ringer: &mut Broadcaster,
    stamp: &(impl Fn() -> ChangeMeta + Sync),
    posted: &Counter,
    batch: Vec<QueuedWrite>,
) {
    let (writes, answers): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|waiting| (waiting.write, waiting.answer)).unzip();
    match store(db, &writes, stamp()).await {
        Ok(outcomes) => {
            let new = writes.iter().zip(&outcomes).filter(|(write, outcome)| {
                matches!(write, Write::Post(_)) && changed(outcome).is_some()
            });
            posted.add(new.count() as u64);
            let mut news: Vec<_> = outcomes.iter().filter_map(changed).collect();
            news.sort_by_key(|WriteOutcome { message, .. }| (message.room.0, message.rev));
            ringer.publish(&news).await;
            for (outcome, answer) in outcomes.into_iter().zip(answers) {
                // Somebody who no longer waits needs no answer.
                drop(answer.send(outcome));
            }
        }
        Err(error) if db::as_transient(&error).is_some() => {
            tracing::error!(%error, writes = writes.len(), "nothing could be stored");
            for (fault, answer) in
                std::iter::repeat_with(|| db::as_transient(&error)).flatten().zip(answers)
            {
                drop(answer.send(Err(WriteError::Fault(fault))));
            }
        }
        // Whatever one of them did, the others shall not suffer: each on its own. Not where the
        // connection was lost: it may all be stored, and what has no nonce would be so twice.
        Err(error) if writes.len() > 1 && !db::is_connection_error(&error) => {
            tracing::warn!(%error, "a batch failed and is stored one by one");
            for (write, answer) in writes.into_iter().zip(answers) {
                let alone = vec![QueuedWrite { write, answer }];
                Box::pin(commit(db, ringer, stamp, posted, alone)).await;
            }
        }
        Err(error) => {
            let rest = answers.len().saturating_sub(1);
            let faults = std::iter::once(ServiceError::from(error)).chain(
                std::iter::repeat_with(|| ServiceError::Unavailable { retry_after: RETRY_AFTER })
                    .take(rest),
            );
            for (answer, fault) in answers.into_iter().zip(faults) {
                drop(answer.send(Err(WriteError::Fault(fault))));
            }
        }
    }
}

/// Stores a batch; again where another process's transaction stood in the way.
async fn store(db: &Db, writes: &[Write], stamp: ChangeMeta) -> Result<Vec<Outcome>, sqlx::Error> {
    for _ in 1..MAX_ATTEMPTS {
        match store::commit_group(db, writes, stamp).await {
            Err(error) if db::is_serialization_failure(&error) => {
                tracing::warn!(%error, "a batch collided and is stored again");
            }
            done => return done,
        }
    }
    store::commit_group(db, writes, stamp).await
}

fn changed(outcome: &Outcome) -> Option<&WriteOutcome> {
    outcome.as_ref().ok().filter(|written| written.changed)
}
