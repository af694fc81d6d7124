//! The group commit: one task takes every message that waits, stores them in one transaction with
//! one sync of the disk, and only then answers all and rings the bell.
//!
//! There is no timer: a lone message is stored at once; while the disk is busy with one batch the
//! next one gathers.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::model::{Post, PostError, Posted};
use super::store::{self, Refused};
use crate::chat::events::{Bell, Event, Topic};
use crate::db::Db;
use crate::kernel::{Clock, Fault};
use crate::lifecycle::Lifecycle;

/// Posts that may wait. A full queue says so instead of growing.
const QUEUE: usize = 4096;
/// Posts in one transaction.
const BATCH: usize = 256;

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
        let busy = || PostError::Fault(Fault::Busy { retry_after: Duration::from_secs(1) });
        self.0.try_send(Waiting { post, answer }).map_err(|_| busy())?;
        answered.await.unwrap_or_else(|_| Err(busy()))
    }
}

async fn commit(db: &Db, bell: &Bell, clock: &Clock, batch: Vec<Waiting>) {
    let (posts, answers): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|waiting| (waiting.post, waiting.answer)).unzip();
    match store::append(db, &posts, clock.now()).await {
        Ok(outcomes) => {
            for (outcome, answer) in outcomes.into_iter().zip(answers) {
                settle(bell, outcome, answer);
            }
        }
        // Whatever one of them did, the others shall not suffer: each on its own.
        Err(error) if posts.len() > 1 => {
            tracing::warn!(%error, "a batch failed and is stored one by one");
            for (post, answer) in posts.into_iter().zip(answers) {
                Box::pin(commit(db, bell, clock, vec![Waiting { post, answer }])).await;
            }
        }
        Err(error) => {
            if let Some(answer) = answers.into_iter().next() {
                // Somebody who no longer waits needs no answer.
                drop(answer.send(Err(PostError::Fault(Fault::internal(error)))));
            }
        }
    }
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
                let read = Event::Read { room, seq: last_seq };
                bell.publish(Topic::Person(message.author.id), 0, &read);
                bell.publish(Topic::Room(room), mark, &Event::Message(message));
                let unread = Event::Unread { room, last_seq };
                bell.remind(Topic::Members(room), Topic::Room(room), &unread);
            }
            Ok(posted)
        }
        Err(Refused::NonceReused) => Err(PostError::NonceReused),
        Err(Refused::Invalid(invalid)) => Err(PostError::Invalid(invalid)),
    };
    drop(answer.send(result));
}
