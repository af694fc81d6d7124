//! What the index is queried for and what it returns, on either database.

use std::ops::Range;

use crate::chat::search::model::{Candidate, IndexTerm, Phrase};
use crate::db::positional_row;
use crate::kernel::{MessageId, RoomId, Timestamp, UserId};

/// What a candidate must have.
#[derive(Clone, Debug)]
pub(in crate::chat::search) struct Criteria {
    pub reader: UserId,
    pub phrases: Vec<Phrase>,
    /// At least one term of each list.
    pub terms: Vec<Vec<IndexTerm>>,
    /// No message with a lower id matches.
    pub lowest: MessageId,
    pub days: Range<Timestamp>,
    /// Whether to return for each candidate if it contains a link.
    pub links: bool,
}

positional_row! {
    pub(super) struct CandidateRow {
        id: MessageId,
        body: String,
        author: UserId,
        room: RoomId,
        at: Timestamp,
        link: bool,
    }
}

impl From<CandidateRow> for Candidate {
    fn from(row: CandidateRow) -> Self {
        Self {
            id: row.id,
            body: row.body,
            author: row.author,
            room: row.room,
            at: row.at,
            link: row.link,
        }
    }
}
