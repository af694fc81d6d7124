//! Posts of one connection that are on their way to disk. The next is taken before the last is
//! stored, so that an outbox that comes back is stored in few transactions; answers keep the order.

use std::collections::VecDeque;
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::task::{Poll, ready};

use crate::chat::messages::PendingWrite;
use crate::chat::messages::model::{WriteError, WriteOutcome};
use crate::kernel::RoomId;
use crate::limits::connection::{PENDING_POST_BYTES, PENDING_POSTS};

/// Who sends more than may be under way waits for the first of them.
#[derive(Default)]
pub(super) struct PendingPosts {
    sent: VecDeque<Sent>,
    /// Of all of them.
    bytes: usize,
}

/// A post, as its answer names it.
pub(super) struct Sent {
    pub nonce: Option<String>,
    pub room: RoomId,
    /// What it takes in memory, about: its text, its HTML, its words for the search.
    pub bytes: usize,
    pub writing: PendingWrite,
}

/// A post with what came of it.
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

    /// Waits for the oldest; for ever when there is none.
    pub async fn next(&mut self) -> Answered {
        poll_fn(|cx| {
            let Some(oldest) = self.sent.front_mut() else { return Poll::Pending };
            let outcome = ready!(Pin::new(&mut oldest.writing).poll(cx));
            let Some(sent) = self.sent.pop_front() else { return Poll::Pending };
            self.bytes = self.bytes.saturating_sub(sent.bytes);
            if self.sent.is_empty() {
                // Who seldom posts keeps nothing for it.
                self.sent = VecDeque::new();
            }
            Poll::Ready((sent, outcome))
        })
        .await
    }
}
