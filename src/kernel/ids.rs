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
    /// A room: below 2^31, since a [`RoomKey`] holds it with a 32-bit number.
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

/// A `seq` or a `rev` with its room as one number, `room << 32 | number`, so that a room's history is
/// one range of an index. A key cannot leave its room: a number below 0 counts as 0, one above
/// 2^32 − 1 as that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomKey(i64);

impl RoomKey {
    /// No `seq` and no `rev` reaches it.
    const LARGEST: i64 = 0xffff_ffff;

    /// The key of a message's place.
    pub fn of_seq(room: RoomId, seq: Seq) -> Self {
        Self::new(room, seq.0)
    }

    /// The key of a message's latest change.
    pub fn of_rev(room: RoomId, rev: Rev) -> Self {
        Self::new(room, rev.0)
    }

    /// Before everything in the room.
    pub fn first(room: RoomId) -> Self {
        Self::new(room, 0)
    }

    /// Behind everything in the room.
    pub fn last(room: RoomId) -> Self {
        Self::new(room, Self::LARGEST)
    }

    /// One lower, but never before [`Self::first`].
    #[must_use]
    pub fn before(self) -> Self {
        Self::new(self.room(), self.number() - 1)
    }

    fn new(room: RoomId, number: i64) -> Self {
        // Ids of rooms come from outside, too; the largest that the shift leaves whole.
        let room = room.0.clamp(0, i64::MAX >> 32);
        Self((room << 32) | number.clamp(0, Self::LARGEST))
    }

    /// As it stands in the database, which holds what [`Self::get`] gave it.
    pub fn stored(key: i64) -> Self {
        Self(key)
    }

    pub fn get(self) -> i64 {
        self.0
    }

    pub fn room(self) -> RoomId {
        RoomId(self.0 >> 32)
    }

    /// The `seq` or `rev` in it.
    pub fn number(self) -> i64 {
        self.0 & Self::LARGEST
    }
}

/// So many ids in a row are an era, 4096 of them: of each it is known between which times it was.
const ID_RANGE_BITS: u32 = 12;

/// The era of a message.
pub fn id_range_of(message: MessageId) -> i64 {
    message.0 >> ID_RANGE_BITS
}

/// The first message that an era may have.
pub fn first_id_of(era: i64) -> MessageId {
    MessageId(era << ID_RANGE_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_back_its_room_and_its_number() {
        let key = RoomKey::of_seq(RoomId(3), Seq(7));
        assert_eq!((key.room(), key.number()), (RoomId(3), 7));
        assert_eq!(RoomKey::stored(key.get()), key);
        assert!(RoomKey::last(RoomId(1)) < RoomKey::first(RoomId(2)));
    }

    #[test]
    fn no_number_takes_a_key_out_of_its_room() {
        let (power, edge) = (1_i64 << 32, 1_i64 << 31);
        let rooms = [1, 2, edge - 1].map(RoomId);
        let edges = [i64::MIN, -power, -1, 0, 1, edge, power - 1, power, power + 1, 1 << 53];
        for room in rooms {
            for number in edges.into_iter().chain([i64::MAX]) {
                for key in [RoomKey::of_seq(room, Seq(number)), RoomKey::of_rev(room, Rev(number))]
                {
                    assert_eq!(key.room(), room, "{number}");
                    assert_eq!(key.before().room(), room, "before {number}");
                    assert_eq!(key.number(), number.clamp(0, power - 1), "{number}");
                }
            }
        }
        for room in [i64::MIN, -1, edge, power, i64::MAX].map(RoomId) {
            assert!(RoomKey::of_seq(room, Seq(1)).get() > 0, "{room}");
        }
    }

    #[test]
    fn an_era_has_its_first_message_and_not_the_next_ones() {
        let first = first_id_of(3);
        assert_eq!(
            [first.0 - 1, first.0, first_id_of(4).0 - 1].map(|id| id_range_of(MessageId(id))),
            [2, 3, 3]
        );
    }
}
