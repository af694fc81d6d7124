//! What is asked of the index, and what it answers, on either database.

use std::ops::Range;

use crate::chat::search::model::{Candidate, IndexTerm, Phrase};
use crate::db::positional_row;
use crate::kernel::ids::RoomKey;
use crate::kernel::{MessageId, Timestamp, UserId};

/// What a message must have to be found.
#[derive(Clone, Debug)]
pub(in crate::chat::search) struct Criteria {
    pub reader: UserId,
    pub phrases: Vec<Phrase>,
    /// Of each list one mark at least.
    pub marks: Vec<Vec<IndexTerm>>,
    /// No message below it fits.
    pub lowest: MessageId,
    pub days: Range<Timestamp>,
    /// Whether it is asked of each whether it has a link.
    pub links: bool,
}

positional_row! {
    pub(super) struct CandidateRow {
        id: i64,
        body: String,
        author: i64,
        pos: i64,
        at: i64,
        link: i64,
    }
}

impl From<CandidateRow> for Candidate {
    fn from(row: CandidateRow) -> Self {
        Self {
            id: MessageId(row.id),
            body: row.body,
            author: UserId(row.author),
            room: RoomKey::stored(row.pos).room(),
            at: Timestamp(row.at),
            link: row.link != 0,
        }
    }
}
