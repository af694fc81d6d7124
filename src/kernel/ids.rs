//! Ids. Each kind has its own type, so that a room id cannot be passed as a user id.

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl $name {
            /// Returns the one after this.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// A user, person or bot.
    UserId
}
number! {
    /// A room. Below 2^31, because a [`RoomKey`] combines it with a 32-bit number.
    RoomId
}
number! {
    /// A message. Increases in a room with `seq`, and over all rooms roughly in the order of commits. Below 2^53.
    MessageId
}
number! {
    /// The number of a message in its room: 1, 2, 3, without gaps. Never changes.
    Seq
}
number! {
    /// The number of a change in its room. A message carries the number of its latest change.
    Rev
}

/// A room combined with a `seq` or `rev` as one number, `room << 32 | number`, so that a room's history is
/// one range of an index. A key always stays in its room: numbers are clamped to 0..=2^32 − 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RoomKey(i64);

impl RoomKey {
    /// Greater than any `seq` and `rev`.
    const LARGEST: i64 = 0xffff_ffff;

    /// Returns the key of a message's `seq`.
    pub fn of_seq(room: RoomId, seq: Seq) -> Self {
        Self::new(room, seq.0)
    }

    /// Returns the key of a message's latest change.
    pub fn of_rev(room: RoomId, rev: Rev) -> Self {
        Self::new(room, rev.0)
    }

    /// Returns the lowest key of a room.
    pub fn first(room: RoomId) -> Self {
        Self::new(room, 0)
    }

    /// Returns the highest key of a room.
    pub fn last(room: RoomId) -> Self {
        Self::new(room, Self::LARGEST)
    }

    /// Returns the previous key, but not lower than [`Self::first`].
    #[must_use]
    pub fn before(self) -> Self {
        Self::new(self.room(), self.number() - 1)
    }

    fn new(room: RoomId, number: i64) -> Self {
        // Room ids also come from requests, so clamp them to the largest that survives the shift.
        let room = room.0.clamp(0, i64::MAX >> 32);
        Self((room << 32) | number.clamp(0, Self::LARGEST))
    }

    /// Restores a key from the database, which stores the value of [`Self::get`].
    pub fn stored(key: i64) -> Self {
        Self(key)
    }

    pub fn get(self) -> i64 {
        self.0
    }

    pub fn room(self) -> RoomId {
        RoomId(self.0 >> 32)
    }

    /// Returns the `seq` or `rev`.
    pub fn number(self) -> i64 {
        self.0 & Self::LARGEST
    }
}

/// An id range is 2^12 = 4096 consecutive message ids. The first and last time of each range is stored.
const ID_RANGE_BITS: u32 = 12;

/// Returns the id range of a message.
pub fn id_range_of(message: MessageId) -> i64 {
    message.0 >> ID_RANGE_BITS
}

/// Returns the first id of an id range.
pub fn first_id_of(range: i64) -> MessageId {
    MessageId(range << ID_RANGE_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_returns_its_room_and_its_number() {
        let key = RoomKey::of_seq(RoomId(3), Seq(7));
        assert_eq!((key.room(), key.number()), (RoomId(3), 7));
        assert_eq!(RoomKey::stored(key.get()), key);
        assert!(RoomKey::last(RoomId(1)) < RoomKey::first(RoomId(2)));
    }

    #[test]
    fn a_key_stays_in_its_room_for_any_number() {
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
    fn an_id_range_starts_at_its_first_id() {
        let first = first_id_of(3);
        assert_eq!(
            [first.0 - 1, first.0, first_id_of(4).0 - 1].map(|id| id_range_of(MessageId(id))),
            [2, 3, 3]
        );
    }
}
