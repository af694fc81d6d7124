//! The group-commit writer. One task takes all queued writes (new messages and changes), stores them in
//! one transaction with one disk sync, resolves their futures and hands the changes to the broadcaster. Every
//! change that raises a `rev` goes through this task, so the broadcaster gets them in the order of `rev`.
//!
//! There is no timer: a single write is stored immediately, and the next batch collects while the disk
//! is busy with the previous one.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::broadcaster::{self, Command, Reach};
use super::known_ids::KnownIds;
use super::model::{NewMember, Write, WriteError, WriteOutcome};
use super::remote::RemoteMessages;
use super::store::{self, Committed, Outcome, StoredRanges};
use crate::changefeed::model::ProcessId;
use crate::chat::drafts::publish_sent;
use crate::chat::events::{Channel, Event, EventHub};
use crate::chat::rooms::notify_joined_by_posting;
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

/// How long a batch may take. Longer than other transactions can keep its locks; then its connection is lost.
const BATCH_TIMEOUT: Duration = Duration::from_secs(5);
/// A batch that takes longer than this makes the process unready. Longer than another process that stands still can keep
/// its locks (`idle_in_transaction_session_timeout`): one that waits for those is well.
const SLOW_BATCH: Duration = Duration::from_secs(3);

/// How often to check whether the epoch changed, and whether heads of threads do not show their last replies.
const TICK: Duration = Duration::from_secs(1);

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
    storing_since: StoringSince,
}

/// Since when a batch is being stored.
#[derive(Clone, Default)]
struct StoringSince(Arc<Mutex<Option<Instant>>>);

impl StoringSince {
    fn set(&self, time: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = time;
    }

    fn get(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        let task = WriterTask {
            db,
            hub: hub.clone(),
            clock,
            origin,
            broadcaster,
            known,
            epoch: epoch.clone(),
            epoch_renewals,
            ranges: StoredRanges::default(),
            metrics: metrics.clone(),
            storing_since: StoringSince::default(),
        };
        let storing_since = task.storing_since.clone();
        lifecycle.spawn_worker("message-writer", task.run(queue, lifecycle.closing()));
        Ok((Self { queue: sender, metrics, storing_since }, remote))
    }

    /// Whether a batch takes unusually long, as it does when the network drops what is sent to the database.
    pub(super) fn is_slow(&self) -> bool {
        self.storing_since.get().is_some_and(|since| since.elapsed() > SLOW_BATCH)
    }

    /// The number of queued writes.
    pub(super) fn queued(&self) -> usize {
        QUEUE_CAPACITY.saturating_sub(self.queue.capacity())
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

/// A queued write, or a refused one. A queued write is stored even if this future is dropped.
pub enum PendingWrite {
    Queued(oneshot::Receiver<Outcome>),
    /// The error, until it is returned.
    Refused(Option<WriteError>),
}

impl PendingWrite {
    pub(super) fn refused(error: WriteError) -> Self {
        Self::Refused(Some(error))
    }
}

impl Future for PendingWrite {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let outcome = match &mut *self {
            Self::Queued(receiver) => ready!(Pin::new(receiver).poll(cx)).ok(),
            Self::Refused(error) => error.take().map(Err),
        };
        let busy =
            || Err(WriteError::Service(ServiceError::Unavailable { retry_after: RETRY_AFTER }));
        Poll::Ready(outcome.unwrap_or_else(busy))
    }
}

/// What the task of the writer holds.
struct WriterTask {
    db: Db,
    hub: EventHub,
    clock: Clock,
    origin: ProcessId,
    broadcaster: mpsc::Sender<Command>,
    known: KnownIds,
    epoch: EpochGuard,
    /// The value of [`EpochGuard::renewals`] that the broadcaster knows.
    epoch_renewals: u64,
    ranges: StoredRanges,
    metrics: WriterMetrics,
    storing_since: StoringSince,
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
                    self.metrics.batches.observe(f64::from(u16::try_from(taken).unwrap_or(u16::MAX)));
                    let batch = std::mem::take(&mut batch);
                    if self.restart_broadcaster().await {
                        self.commit(batch).await;
                    } else {
                        refuse(batch);
                    }
                }
                _ = tick.tick() => {
                    if self.restart_broadcaster().await {
                        self.announce_replies().await;
                    }
                }
            }
        }
    }

    /// If the epoch changed, everything stored counts as published: all clients reconnect and catch up. Done
    /// between two batches, so that every batch of this process is published or counted. Returns false if the
    /// rooms cannot be read: nothing may be stored until then.
    async fn restart_broadcaster(&mut self) -> bool {
        let renewals = self.epoch.renewals();
        if renewals == self.epoch_renewals {
            return true;
        }
        self.ranges.forget();
        match store::rooms(&self.db).await {
            Ok(rooms) => {
                self.send(Command::Restart(rooms.into_iter().collect(), renewals)).await;
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
        match store::stale_threads(&self.db, self.clock.now()).await {
            Ok(threads) if threads.is_empty() => {}
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

    /// Stores a batch, resolves the futures and hands over what changed.
    async fn commit(&self, batch: Vec<QueuedWrite>) {
        let (writes, replies): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|queued| (queued.write, queued.reply)).unzip();
        match self.store(&writes).await {
            Ok(committed) => {
                self.known.insert(&committed.ids);
                publish_sent(&self.hub, &committed.drafts);
                self.hand_over(&writes, committed.outcomes, replies).await;
            }
            Err(error) if db::as_transient(&error).is_some() => {
                tracing::error!(%error, writes = writes.len(), "could not store a batch of writes");
                for (error, reply) in
                    std::iter::repeat_with(|| db::as_transient(&error)).flatten().zip(replies)
                {
                    drop(reply.send(Err(WriteError::Service(error))));
                }
            }
            // One bad write must not fail the others, so each is stored in its own transaction. Not if the
            // connection was lost: the batch may have been committed, and writes without a nonce would then
            // be stored twice.
            Err(error) if writes.len() > 1 && !db::is_connection_error(&error) => {
                tracing::warn!(%error, "a batch failed; storing its writes one by one");
                for (write, reply) in writes.into_iter().zip(replies) {
                    let single = vec![QueuedWrite { write, reply }];
                    Box::pin(self.commit(single)).await;
                }
            }
            Err(error) => {
                let rest = replies.len().saturating_sub(1);
                let errors = std::iter::once(ServiceError::from(error)).chain(
                    std::iter::repeat_with(|| ServiceError::Unavailable {
                        retry_after: RETRY_AFTER,
                    })
                    .take(rest),
                );
                for (reply, error) in replies.into_iter().zip(errors) {
                    drop(reply.send(Err(WriteError::Service(error))));
                }
            }
        }
    }

    async fn hand_over(
        &self,
        writes: &[Write],
        outcomes: Vec<Outcome>,
        replies: Vec<oneshot::Sender<Outcome>>,
    ) {
        let new = writes.iter().zip(&outcomes).filter(|(write, outcome)| {
            matches!(write, Write::Post(_)) && changed(outcome).is_some()
        });
        self.metrics.posted.inc_by(new.count() as u64);
        let with_others = |outcome: &WriteOutcome| {
            std::iter::once(outcome).chain(&outcome.also).cloned().collect::<Vec<_>>()
        };
        let mut changes: Vec<WriteOutcome> =
            outcomes.iter().filter_map(changed).flat_map(with_others).collect();
        changes.sort_by_key(|WriteOutcome { message, .. }| (message.room, message.rev));
        // Before the replies, so that it precedes what the user does next, such as leaving the room.
        for WriteOutcome { message, joined, unsaved, .. } in &changes {
            for NewMember { room, visibility, user } in joined {
                notify_joined_by_posting(&self.hub, *room, *visibility, user);
            }
            for user in unsaved {
                let event = Event::Saved { message: message.id, saved: false };
                self.hub.broadcast(Channel::User(*user), 0, &event);
            }
        }
        for (outcome, reply) in outcomes.into_iter().zip(replies) {
            // The send fails if the caller dropped its future, which is fine.
            drop(reply.send(outcome));
        }
        if !changes.is_empty() {
            self.send(Command::Committed(changes)).await;
        }
    }

    /// Fails only if the broadcaster panicked.
    async fn send(&self, command: Command) {
        if self.broadcaster.send(command).await.is_err() {
            tracing::error!("the broadcaster has ended: no message is published any more");
        }
    }

    /// Stores a batch, and retries if its transaction conflicts with one of another process.
    async fn store(&self, writes: &[Write]) -> Result<Committed, sqlx::Error> {
        self.storing_since.set(Some(Instant::now()));
        let stored = self.db.within(BATCH_TIMEOUT, self.try_to_store(writes)).await;
        self.storing_since.set(None);
        stored
    }

    async fn try_to_store(&self, writes: &[Write]) -> Result<Committed, sqlx::Error> {
        let meta = || self.origin.meta(self.clock.now());
        for _ in 1..MAX_ATTEMPTS {
            match store::commit_group(&self.db, writes, &self.ranges, meta()).await {
                Err(error) if db::is_collision(&error) => {
                    tracing::warn!(%error, "a batch conflicted with another transaction; retrying");
                }
                done => return done,
            }
        }
        store::commit_group(&self.db, writes, &self.ranges, meta()).await
    }
}

/// Answers each write of a batch that cannot be stored now.
fn refuse(batch: Vec<QueuedWrite>) {
    for QueuedWrite { reply, .. } in batch {
        let error = ServiceError::Unavailable { retry_after: RETRY_AFTER };
        drop(reply.send(Err(WriteError::Service(error))));
    }
}

fn changed(outcome: &Outcome) -> Option<&WriteOutcome> {
    outcome.as_ref().ok().filter(|outcome| outcome.changed)
}
