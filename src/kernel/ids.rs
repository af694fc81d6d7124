//! Numbers that name things. Each has its own type, so that a room cannot be passed for a person.

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// A person (or a program that acts as one).
    UserId
}
number! {
    /// A room: below 2^31, since a message's place and change pack it with a 32-bit number.
    RoomId
}
number! {
    /// A message, over all rooms, in the order in which they were committed. Below 2^53.
    MessageId
}
number! {
    /// A message's place in its room: 1, 2, 3, without gaps. Never changes.
    Seq
}
number! {
    /// A room's count of changes. A message carries the number of its latest change.
    Rev
}

/// The room and the number within it as one key, so that a room's history is one range.
pub fn key(room: RoomId, number: i64) -> i64 {
    (room.0 << 32) | number
}

/// The number within the room, out of a [`key`].
pub fn number_of(key: i64) -> i64 {
    key & 0xffff_ffff
}

/// The room, out of a [`key`].
pub fn room_of(key: i64) -> RoomId {
    RoomId(key >> 32)
}

/// So many ids in a row are an era, 4096 of them: of each it is known between which times it was.
const ERA_BITS: u32 = 12;

/// The era of a message.
pub fn era_of(message: MessageId) -> i64 {
    message.0 >> ERA_BITS
}

/// The first message that an era may have.
pub fn first_of(era: i64) -> MessageId {
    MessageId(era << ERA_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_its_number_back_and_keeps_rooms_apart() {
        let last_of_one = key(RoomId(1), 0xffff_ffff);
        assert_eq!(number_of(last_of_one), 0xffff_ffff);
        assert_eq!(room_of(last_of_one), RoomId(1));
        assert!(last_of_one < key(RoomId(2), 0));
    }

    #[test]
    fn an_era_has_its_first_message_and_not_the_next_ones() {
        let first = first_of(3);
        assert_eq!(
            [first.0 - 1, first.0, first_of(4).0 - 1].map(|id| era_of(MessageId(id))),
            [2, 3, 3]
        );
    }
}
