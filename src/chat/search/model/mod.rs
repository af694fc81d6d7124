//! Queries, and the terms of a text: pure functions, the same for both databases.
//!
//! The index proposes candidates and [`Query::hits`] decides. An index may return too many messages,
//! never too few.

mod contents;
mod document;
mod lexer;
mod query;

pub use self::contents::{Contents, Has, SearchedFile};
pub use self::document::{IndexTerm, Phrase, SearchDocument};
pub(in crate::chat::search) use self::document::{has_link, text_with_files, vector_with_files};
pub use self::query::{Exclusions, Query, QueryFilter, plain_name};
use crate::kernel::{FieldError, MessageId, RoomId, Timestamp, UserId};
pub use crate::text::snippet::{SnippetPart, snippet};

/// A message that matches, and that the reader may read. Only [`super::Search`] makes it.
#[derive(Clone, Debug)]
pub struct Hit {
    pub(super) message: MessageId,
}

impl Hit {
    pub fn message(&self) -> MessageId {
        self.message
    }
}

/// A page of hits, newest first.
#[derive(Debug)]
pub struct Found {
    pub hits: Vec<Hit>,
    /// The cursor of the next page; `None` at the end. There may be a next page even if this one has no
    /// hits.
    pub next: Option<Cursor>,
    /// Whether all messages are indexed. Older ones are indexed in the background after an update.
    pub complete: bool,
}

/// A position in a search. Its text is opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(pub(super) MessageId);

impl Cursor {
    /// # Errors
    /// If [`std::fmt::Display`] did not write the text.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let id = text.strip_prefix('m').and_then(|id| i64::from_str_radix(id, 36).ok());
        id.filter(|id| *id >= 0)
            .map(|id| Self(MessageId(id)))
            .ok_or(FieldError::new("cursor", "cursor-shape"))
    }

    /// Continues after this message.
    pub fn behind(message: MessageId) -> Self {
        Self(message)
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut digits = Vec::new();
        let mut rest = self.0.0.max(0).unsigned_abs();
        while rest > 0 || digits.is_empty() {
            digits.push(char::from_digit(u32::try_from(rest % 36).unwrap_or(0), 36).unwrap_or('0'));
            rest /= 36;
        }
        write!(f, "m{}", digits.iter().rev().collect::<String>())
    }
}

/// A message returned by the index, to be compared with the query.
#[derive(Clone, Debug)]
pub(in crate::chat::search) struct Candidate {
    pub id: MessageId,
    pub body: String,
    pub author: UserId,
    /// For a reply in a thread, the room of the thread's head.
    pub room: RoomId,
    pub at: Timestamp,
    /// Only read if the query needs it.
    pub contents: Contents,
}

impl Candidate {
    /// The bytes that are compared.
    pub fn length(&self) -> usize {
        self.body.len() + self.contents.files.iter().map(|file| file.name.len()).sum::<usize>()
    }
}

/// The parts of a query that the index does not evaluate: excluded authors and rooms, by id.
#[derive(Clone, Debug, Default)]
pub(in crate::chat::search) struct Filter {
    pub query: Query,
    pub authors: Vec<UserId>,
    pub rooms: Vec<RoomId>,
}

impl Filter {
    pub fn fits(&self, candidate: &Candidate) -> bool {
        let not = &self.query.not;
        let excluded = self.authors.contains(&candidate.author)
            || self.rooms.contains(&candidate.room)
            || not.has.iter().any(|has| candidate.contents.has(*has))
            || not.days.iter().any(|day| day.contains(&candidate.at));
        !excluded
            && self.query.fits_names(&candidate.contents.files)
            && self.query.hits(&candidate.body).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_round_trips_and_other_texts_are_refused() {
        for id in [0, 1, 35, 36, 10_000_000, i64::MAX] {
            let cursor = Cursor(MessageId(id));
            assert_eq!(Cursor::parse(&cursor.to_string()), Ok(cursor));
        }
        for bad in ["", "m", "7", "m-1", "mzzzzzzzzzzzzzzzz", "m 1", "ñ"] {
            assert!(Cursor::parse(bad).is_err(), "{bad}");
        }
    }
}
