//! What the index is queried for and what it returns, on either database.

use std::ops::Range;

use crate::chat::search::model::{Candidate, Contents, IndexTerm, Phrase};
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
    /// Whether to return the files of each candidate.
    pub files: bool,
}

/// The files of the message `m`, for [`Contents::stored`].
macro_rules! FILES_COLUMN {
    () => {
        "(select string_agg(f.kind || ' ' || f.name, '\u{1f}') from files f where f.message_id = m.id)"
    };
}
pub(super) use FILES_COLUMN;

positional_row! {
    pub(super) struct CandidateRow {
        id: MessageId,
        body: String,
        author: UserId,
        room: RoomId,
        at: Timestamp,
        link: bool,
        files: Option<String>,
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
            contents: Contents::stored(row.link, row.files.as_deref()),
        }
    }
}
