//! What a message shows of the thread that it is the head of.

use serde::{Deserialize, Serialize};

use crate::kernel::{RoomId, Timestamp, UserId};

/// Between the participants of [`ThreadSummary::from_column`], and between the parts of one. No name contains
/// them.
const RECORD: char = '\u{1e}';
const UNIT: char = '\u{1f}';

/// A thread, as its head shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadSummary {
    /// The thread itself, as a room.
    pub room: RoomId,
    /// The replies that are not deleted.
    pub replies: i64,
    /// `None` if there is none.
    pub last_reply_at: Option<Timestamp>,
    /// At most five, the one who replied last first.
    pub participants: Vec<Participant>,
}

/// A user who replied in a thread, as an avatar shows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    pub id: UserId,
    pub display_name: String,
    pub avatar: Option<String>,
}

impl ThreadSummary {
    /// Parses the column of a message: room, replies and time of the last one, then the participants.
    pub(in crate::chat::messages) fn from_column(text: &str) -> Option<Self> {
        let mut records = text.split(RECORD);
        let mut numbers = records.next()?.split(UNIT);
        let room = RoomId(numbers.next()?.parse().ok()?);
        let replies = numbers.next()?.parse().ok()?;
        let last_reply_at = numbers.next()?.parse().ok().map(Timestamp);
        let participants = records.filter_map(Participant::from_record).collect();
        Some(Self { room, replies, last_reply_at, participants })
    }
}

impl Participant {
    fn from_record(text: &str) -> Option<Self> {
        let mut parts = text.split(UNIT);
        let id = UserId(parts.next()?.parse().ok()?);
        let display_name = parts.next()?.to_owned();
        let avatar = parts.next().filter(|name| !name.is_empty()).map(str::to_owned);
        Some(Self { id, display_name, avatar })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_read_from_its_column() {
        let ana =
            Participant { id: UserId(3), display_name: "Ana Ortega".to_owned(), avatar: None };
        let luis = Participant {
            id: UserId(4),
            display_name: "Luis".to_owned(),
            avatar: Some("x9".to_owned()),
        };
        let full = ThreadSummary {
            room: RoomId(7),
            replies: 5,
            last_reply_at: Some(Timestamp(12)),
            participants: vec![ana, luis],
        };
        let empty = ThreadSummary {
            room: RoomId(7),
            replies: 0,
            last_reply_at: None,
            participants: Vec::new(),
        };
        let column = "7\u{1f}5\u{1f}12\u{1e}3\u{1f}Ana Ortega\u{1f}\u{1e}4\u{1f}Luis\u{1f}x9";
        assert_eq!(ThreadSummary::from_column(column), Some(full));
        assert_eq!(ThreadSummary::from_column("7\u{1f}0\u{1f}"), Some(empty));
        assert_eq!(ThreadSummary::from_column("room"), None);
    }
}
