//! A batch of writes from its transaction to its answers: stores it, hands the changes to the broadcaster and resolves
//! the futures. Knows no queue; several tasks may store batches at the same time, as long as no two of them write to the
//! same room.

use std::collections::HashSet;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::queue::{QueuedWrite, RETRY_AFTER};
use crate::changefeed::model::ProcessId;
use crate::chat::drafts::publish_sent;
use crate::chat::events::{Channel, Event, EventHub};
use crate::chat::messages::broadcaster::Command;
use crate::chat::messages::known_ids::KnownIds;
use crate::chat::messages::model::{NewMember, Write, WriteError, WriteOutcome};
use crate::chat::messages::store::{self, Committed, Outcome, StoredRanges};
use crate::chat::rooms::notify_joined_by_posting;
use crate::db::{self, Db, LockWait};
use crate::kernel::{Clock, RoomId, ServiceError};

/// How often a batch is tried if its transaction conflicts with another one.
const MAX_ATTEMPTS: usize = 3;
/// How long a batch may take. Longer than other transactions can keep its locks; then its connection is lost.
const BATCH_TIMEOUT: Duration = Duration::from_secs(5);
/// A batch that takes longer than this makes the process unready. Longer than another process that stands still can keep
/// its locks (`idle_in_transaction_session_timeout`): one that waits for those is well.
const SLOW_BATCH: Duration = Duration::from_secs(3);

/// Since when a task stores a batch.
#[derive(Default)]
pub(super) struct StoringSince(Mutex<Option<Instant>>);

impl StoringSince {
    pub async fn while_storing<T>(&self, storing: impl Future<Output = T>) -> T {
        self.set(Some(Instant::now()));
        let stored = storing.await;
        self.set(None);
        stored
    }

    pub fn is_slow(&self) -> bool {
        let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| since.elapsed() > SLOW_BATCH)
    }

    fn set(&self, time: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = time;
    }
}

/// What it takes to store batches.
pub(super) struct BatchStore {
    pub db: Db,
    pub hub: EventHub,
    pub clock: Clock,
    pub origin: ProcessId,
    pub broadcaster: mpsc::Sender<Command>,
    pub known: KnownIds,
    pub ranges: StoredRanges,
    pub posted: Counter,
}

impl BatchStore {
    /// Stores a batch, resolves the futures and hands over what changed. With [`LockWait::Short`] it returns the batch
    /// unchanged if another process keeps one of its rooms locked.
    pub async fn commit(
        &self,
        batch: Vec<QueuedWrite>,
        wait: LockWait,
    ) -> Option<Vec<QueuedWrite>> {
        let (writes, replies): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|queued| (queued.write, queued.reply)).unzip();
        // Boxed: two tasks would hold its space all the time.
        let stored = Box::pin(self.store(&writes, wait));
        match self.db.within(BATCH_TIMEOUT, stored).await {
            Ok(committed) => {
                self.known.insert(&committed.ids);
                publish_sent(&self.hub, &committed.drafts);
                self.hand_over(&writes, committed.outcomes, replies).await;
            }
            Err(error) if wait == LockWait::Short && db::is_locked(&error) => {
                let pair = |(write, reply)| QueuedWrite { write, reply };
                return Some(writes.into_iter().zip(replies).map(pair).collect());
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
                    Box::pin(self.commit(single, LockWait::Full)).await;
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
        None
    }

    /// The rooms of a batch that no other process has locked; none, if they cannot be read.
    pub async fn free_rooms(&self, batch: &[QueuedWrite]) -> HashSet<RoomId> {
        let free = store::free_rooms(&self.db, batch.iter().map(|queued| &queued.write));
        self.db.within(BATCH_TIMEOUT, free).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "could not look for rooms that are not locked");
            HashSet::new()
        })
    }

    pub async fn stale_threads(&self) -> Result<Vec<RoomId>, sqlx::Error> {
        store::stale_threads(&self.db, self.clock.now()).await
    }

    /// Everything that is stored now counts as published.
    pub async fn restart_broadcaster(&self, renewals: u64) -> Result<(), sqlx::Error> {
        self.ranges.forget();
        let rooms = store::rooms(&self.db).await?;
        self.send(Command::Restart(rooms.into_iter().collect(), renewals)).await;
        Ok(())
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
        self.posted.inc_by(new.count() as u64);
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

    /// Retries if the transaction conflicts with one of another process.
    async fn store(&self, writes: &[Write], wait: LockWait) -> Result<Committed, sqlx::Error> {
        let meta = || self.origin.meta(self.clock.now());
        for _ in 1..MAX_ATTEMPTS {
            match store::commit_group(&self.db, writes, &self.ranges, (meta(), wait)).await {
                Err(error) if wait == LockWait::Short && db::is_locked(&error) => {
                    return Err(error);
                }
                Err(error) if db::is_collision(&error) => {
                    tracing::warn!(%error, "a batch conflicted with another transaction; retrying");
                }
                done => return done,
            }
        }
        store::commit_group(&self.db, writes, &self.ranges, (meta(), wait)).await
    }
}

fn changed(outcome: &Outcome) -> Option<&WriteOutcome> {
    outcome.as_ref().ok().filter(|outcome| outcome.changed)
}
