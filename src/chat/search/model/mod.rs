//! What is looked for, and how a text is taken apart for it: pure functions, the same for both databases.
//!
//! The index proposes and [`Query::hits`] decides: an index may name too many messages, never too few.

mod excerpt;
mod index;
mod query;
mod tokens;

pub use self::excerpt::{Piece, excerpt};
pub(in crate::chat::search) use self::index::has_link;
pub use self::index::{Entry, Mark, Phrase};
pub use self::query::{Query, plain_name};
use crate::kernel::MessageId;

/// A message that was found, by somebody who may read it. Made by [`super::Search`] alone.
#[derive(Clone, Debug)]
pub struct Hit {
    pub(super) message: MessageId,
}

impl Hit {
    pub fn message(&self) -> MessageId {
        self.message
    }
}
