//! Rooms, and the rights to them. A right is a value: only a check can make one, and reading and
//! posting take one, so that a forgotten check does not compile.

use crate::chat::accounts::model::Person;
use crate::kernel::{Rev, RoomId, Seq, UserId};

/// A room as one person sees it.
#[derive(Clone, Debug)]
pub struct Room {
    pub id: RoomId,
    pub name: String,
    pub topic: String,
    pub visibility: Visibility,
    pub lobby: bool,
    pub owner_id: Option<UserId>,
    /// What lets others in; known to members alone.
    pub code: Option<String>,
    pub last_seq: Seq,
    pub rev: Rev,
    /// How far this person has read; `None` for somebody who is no member.
    pub last_read_seq: Option<Seq>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    Public,
    Private,
    Direct,
}

impl Visibility {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Direct => "direct",
        }
    }

    /// The opposite of [`Self::as_str`]; the table admits no fourth word.
    pub(super) fn from_column(text: &str) -> Self {
        match text {
            "public" => Self::Public,
            "direct" => Self::Direct,
            _ => Self::Private,
        }
    }
}

/// The right to read a room. Made by [`super::Rooms::reader`] alone.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(super) person: Person,
    pub(super) room: Room,
}

impl Reader {
    pub fn person(&self) -> &Person {
        &self.person
    }

    pub fn room(&self) -> &Room {
        &self.room
    }
}

/// The right to post in a room. Made by [`super::Rooms::member`] alone.
#[derive(Clone, Debug)]
pub struct Member {
    pub(super) person: Person,
    pub(super) room: RoomId,
}

impl Member {
    pub fn person(&self) -> &Person {
        &self.person
    }

    pub fn room(&self) -> RoomId {
        self.room
    }
}
