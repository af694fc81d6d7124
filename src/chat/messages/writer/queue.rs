//! What waits for the writer, and the future that the sender of a write waits with.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::chat::messages::model::{Write, WriteError};
use crate::chat::messages::store::Outcome;
use crate::kernel::ServiceError;

/// Writes that may wait. A full queue refuses more instead of growing.
pub(super) const QUEUE_CAPACITY: usize = 4096;
/// Writes per transaction.
pub(super) const BATCH_SIZE: usize = 256;
/// The retry interval a caller gets when the queue is full.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A write and who waits for its outcome.
pub(super) struct QueuedWrite {
    pub write: Write,
    pub reply: oneshot::Sender<Outcome>,
}

impl QueuedWrite {
    /// The write is not stored now; it may be sent again.
    pub fn refuse(self) {
        let error = ServiceError::Unavailable { retry_after: RETRY_AFTER };
        drop(self.reply.send(Err(WriteError::Service(error))));
    }
}

/// A queued write, or a refused one. A queued write is stored even if this future is dropped.
pub enum PendingWrite {
    Queued(oneshot::Receiver<Outcome>),
    /// The error, until it is returned.
    Refused(Option<WriteError>),
}

impl PendingWrite {
    pub(in crate::chat::messages) fn refused(error: WriteError) -> Self {
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
