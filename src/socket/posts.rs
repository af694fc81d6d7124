//! Posts of one connection that are on their way to disk. The next is taken before the last is
//! stored, so that an outbox that comes back is stored in few transactions; answers keep the order.

use std::collections::VecDeque;
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::task::{Poll, ready};

use crate::chat::messages::Writing;
use crate::chat::messages::model::{WriteError, Written};
use crate::kernel::RoomId;

/// Posts under way; who sends more waits for the first of them.
const MOST: usize = 64;

#[derive(Default)]
pub(super) struct Posts(VecDeque<Sent>);

/// A post, as its answer names it.
pub(super) struct Sent {
    pub nonce: Option<String>,
    pub room: RoomId,
    pub writing: Writing,
}

/// A post with what came of it.
pub(super) type Answered = (Sent, Result<Written, WriteError>);

impl Posts {
    pub fn push(&mut self, sent: Sent) {
        self.0.push_back(sent);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn is_full(&self) -> bool {
        self.0.len() >= MOST
    }

    /// Waits for the oldest; for ever when there is none.
    pub async fn next(&mut self) -> Answered {
        poll_fn(|cx| {
            let Some(oldest) = self.0.front_mut() else { return Poll::Pending };
            let outcome = ready!(Pin::new(&mut oldest.writing).poll(cx));
            let Some(sent) = self.0.pop_front() else { return Poll::Pending };
            if self.0.is_empty() {
                // Who seldom posts keeps nothing for it.
                self.0 = VecDeque::new();
            }
            Poll::Ready((sent, outcome))
        })
        .await
    }
}
