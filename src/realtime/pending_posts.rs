//! The posts of one connection that are being stored. The next post is accepted before the last one is
//! stored, so that a whole outbox of a returning client is stored in few transactions. Acknowledgements keep
//! the order.

use std::collections::VecDeque;
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::task::{Poll, ready};

use crate::chat::messages::PendingWrite;
use crate::chat::messages::model::{WriteError, WriteOutcome};
use crate::kernel::RoomId;
use crate::limits::connection::{PENDING_POST_BYTES, PENDING_POSTS};

/// A bounded queue. When it is full, the connection reads no frames until the oldest post is stored.
#[derive(Default)]
pub(super) struct PendingPosts {
    sent: VecDeque<Sent>,
    /// The memory of all pending posts.
    bytes: usize,
}

/// A pending post, with the fields of its acknowledgement.
pub(super) struct Sent {
    pub nonce: Option<String>,
    pub room: RoomId,
    /// The approximate memory of the post: its text, its HTML, its search tokens.
    pub bytes: usize,
    pub writing: PendingWrite,
}

/// A post with the result of storing it.
pub(super) type Answered = (Sent, Result<WriteOutcome, WriteError>);

impl PendingPosts {
    pub fn push(&mut self, sent: Sent) {
        self.bytes += sent.bytes;
        self.sent.push_back(sent);
    }

    pub fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    pub fn is_full(&self) -> bool {
        self.sent.len() >= PENDING_POSTS || self.bytes >= PENDING_POST_BYTES
    }

    /// Waits for the result of the oldest post; forever if there is none.
    pub async fn next(&mut self) -> Answered {
        poll_fn(|cx| {
            let Some(oldest) = self.sent.front_mut() else { return Poll::Pending };
            let outcome = ready!(Pin::new(&mut oldest.writing).poll(cx));
            let Some(sent) = self.sent.pop_front() else { return Poll::Pending };
            self.bytes = self.bytes.saturating_sub(sent.bytes);
            if self.sent.is_empty() {
                // Frees the buffer: most connections seldom post.
                self.sent = VecDeque::new();
            }
            Poll::Ready((sent, outcome))
        })
        .await
    }
}
