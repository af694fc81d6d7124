//! The group commit: one task takes every message that waits, stores them in one transaction with
//! one sync of the disk, and only then answers all and rings the bell.
//!
//! There is no timer: a lone message is stored at once; while the disk is busy with one batch the
//! next one gathers.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::model::{Post, PostError, Posted};
use super::store::{self, Refused};
use crate::chat::events::{Bell, Event, Notice, Topic};
use crate::db::{self, Db};
use crate::kernel::{Clock, Fault, Timestamp};
use crate::lifecycle::Lifecycle;

/// Posts that may wait. A full queue says so instead of growing.
const QUEUE: usize = 4096;
/// Posts in one transaction.
const BATCH: usize = 256;
/// How often a batch is tried that collides.
const ATTEMPTS: usize = 3;
/// When to come back to a full queue.
const BUSY: Duration = Duration::from_secs(1);

struct Waiting {
    post: Post,
    answer: oneshot::Sender<Result<Posted, PostError>>,
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

    /// Waits for the message to be on disk.
    pub(super) async fn post(&self, post: Post) -> Result<Posted, PostError> {
        let (answer, answered) = oneshot::channel();
        let busy = || PostError::Fault(Fault::Busy { retry_after: BUSY });
        self.0.try_send(Waiting { post, answer }).map_err(|_| busy())?;
        answered.await.unwrap_or_else(|_| Err(busy()))
    }
}

async fn commit(db: &Db, bell: &Bell, clock: &Clock, batch: Vec<Waiting>) {
    let (posts, answers): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|waiting| (waiting.post, waiting.answer)).unzip();
    match append(db, &posts, clock.now()).await {
        Ok(outcomes) => {
            for (outcome, answer) in outcomes.into_iter().zip(answers) {
                settle(bell, outcome, answer);
            }
        }
        // Whatever one of them did, the others shall not suffer: each on its own. Not where the
        // connection was lost: it may all be stored, and what has no nonce would be so twice.
        Err(error) if posts.len() > 1 && !db::is_away(&error) => {
            tracing::warn!(%error, "a batch failed and is stored one by one");
            for (post, answer) in posts.into_iter().zip(answers) {
                Box::pin(commit(db, bell, clock, vec![Waiting { post, answer }])).await;
            }
        }
        Err(error) => {
            let rest = answers.len().saturating_sub(1);
            let faults = std::iter::once(Fault::from(error))
                .chain(std::iter::repeat_with(|| Fault::Busy { retry_after: BUSY }).take(rest));
            for (answer, fault) in answers.into_iter().zip(faults) {
                // Somebody who no longer waits needs no answer.
                drop(answer.send(Err(PostError::Fault(fault))));
            }
        }
    }
}

/// Stores a batch; again where another process's transaction stood in the way.
async fn append(
    db: &Db,
    posts: &[Post],
    now: Timestamp,
) -> Result<Vec<store::Outcome>, sqlx::Error> {
    for _ in 1..ATTEMPTS {
        match store::append(db, posts, now).await {
            Err(error) if db::is_collision(&error) => {
                tracing::warn!(%error, "a batch collided and is stored again");
            }
            done => return done,
        }
    }
    store::append(db, posts, now).await
}

fn settle(
    bell: &Bell,
    outcome: store::Outcome,
    answer: oneshot::Sender<Result<Posted, PostError>>,
) {
    let result = match outcome {
        Ok(posted) => {
            if posted.new {
                let message = posted.message.clone();
                let mark = message.rev.0;
                let (room, last_seq) = (message.room, message.seq);
                // Who writes has read, on all connections.
                let read = Notice::Read { room, seq: last_seq };
                bell.tell(Topic::Person(message.author.id), read);
                bell.publish(Topic::Room(room), mark, &Event::Message(message));
                bell.publish(Topic::Members(room), last_seq.0, &Event::Unread { room, last_seq });
            }
            Ok(posted)
        }
        Err(Refused::NonceReused) => Err(PostError::NonceReused),
        Err(Refused::Invalid(invalid)) => Err(PostError::Invalid(invalid)),
    };
    drop(answer.send(result));
}
