//! The group commit: one task takes every message and every change of one that waits, stores them in
//! one transaction with one sync of the disk, and only then answers all and rings the bell. All that
//! raises a `rev` comes by here, and so the bell rings in its order.
//!
//! There is no timer: a lone message is stored at once; while the disk is busy with one batch the
//! next one gathers.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::model::{Message, Write, WriteError, Written};
use super::store::{self, Outcome};
use crate::chat::events::{Bell, Event, Notice, Topic};
use crate::db::{self, Db};
use crate::kernel::{Clock, Fault, Timestamp};
use crate::lifecycle::Lifecycle;

/// Writes that may wait. A full queue says so instead of growing.
const QUEUE: usize = 4096;
/// Writes in one transaction.
const BATCH: usize = 256;
/// How often a batch is tried that collides.
const ATTEMPTS: usize = 3;
/// When to come back to a full queue.
const BUSY: Duration = Duration::from_secs(1);

struct Waiting {
    write: Write,
    answer: oneshot::Sender<Outcome>,
}

/// The way into the queue.
#[derive(Clone)]
pub(super) struct Append(mpsc::Sender<Waiting>);

impl Append {
    /// Starts the task.
    pub(super) fn start(db: Db, bell: Bell, clock: Clock, lifecycle: &Lifecycle) -> Self {
        let (sender, mut queue) = mpsc::channel(QUEUE);
        let closing = lifecycle.closing();
        lifecycle.spawn_worker(async move {
            let mut batch = Vec::with_capacity(BATCH);
            loop {
                tokio::select! {
                    // Takes no more, and hands out what it has before it ends.
                    () = closing.cancelled(), if !queue.is_closed() => queue.close(),
                    taken = queue.recv_many(&mut batch, BATCH) => {
                        if taken == 0 {
                            break;
                        }
                        commit(&db, &bell, &clock, std::mem::take(&mut batch)).await;
                    }
                }
            }
        });
        Self(sender)
    }

    /// Waits for it to be on disk.
    pub(super) async fn write(&self, write: Write) -> Outcome {
        let (answer, answered) = oneshot::channel();
        let busy = || WriteError::Fault(Fault::Busy { retry_after: BUSY });
        self.0.try_send(Waiting { write, answer }).map_err(|_| busy())?;
        answered.await.unwrap_or_else(|_| Err(busy()))
    }
}

async fn commit(db: &Db, bell: &Bell, clock: &Clock, batch: Vec<Waiting>) {
    let (writes, answers): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|waiting| (waiting.write, waiting.answer)).unzip();
    match store(db, &writes, clock.now()).await {
        Ok(outcomes) => {
            for ((write, outcome), answer) in writes.iter().zip(outcomes).zip(answers) {
                if let Ok(Written { message, new: true }) = &outcome {
                    ring(bell, write, message);
                }
                // Somebody who no longer waits needs no answer.
                drop(answer.send(outcome));
            }
        }
        // Whatever one of them did, the others shall not suffer: each on its own. Not where the
        // connection was lost: it may all be stored, and what has no nonce would be so twice.
        Err(error) if writes.len() > 1 && !db::is_away(&error) => {
            tracing::warn!(%error, "a batch failed and is stored one by one");
            for (write, answer) in writes.into_iter().zip(answers) {
                Box::pin(commit(db, bell, clock, vec![Waiting { write, answer }])).await;
            }
        }
        Err(error) => {
            let rest = answers.len().saturating_sub(1);
            let faults = std::iter::once(Fault::from(error))
                .chain(std::iter::repeat_with(|| Fault::Busy { retry_after: BUSY }).take(rest));
            for (answer, fault) in answers.into_iter().zip(faults) {
                drop(answer.send(Err(WriteError::Fault(fault))));
            }
        }
    }
}

/// Stores a batch; again where another process's transaction stood in the way.
async fn store(db: &Db, writes: &[Write], now: Timestamp) -> Result<Vec<Outcome>, sqlx::Error> {
    for _ in 1..ATTEMPTS {
        match store::write(db, writes, now).await {
            Err(error) if db::is_collision(&error) => {
                tracing::warn!(%error, "a batch collided and is stored again");
            }
            done => return done,
        }
    }
    store::write(db, writes, now).await
}

fn ring(bell: &Bell, write: &Write, message: &Arc<Message>) {
    let (room, last_seq) = (message.room, message.seq);
    let posted = matches!(write, Write::Post(_));
    if posted {
        // Who writes has read, on all connections.
        let read = Notice::Read { room, seq: last_seq };
        bell.tell(Topic::Person(message.author.id), read);
    }
    bell.publish(Topic::Room(room), message.rev.0, &Event::Message(message.clone()));
    if posted {
        bell.publish(Topic::Members(room), last_seq.0, &Event::Unread { room, last_seq });
    }
}
