//! The SQL of rooms and memberships.

mod deleted;
mod directory;
mod joining;
mod memberships;

pub(super) use self::deleted::{
    Tombstone, all_deleted, begin_purge, delete, deleted, deleted_by, finish_purge,
    had_been_visible, restore, summaries,
};
pub(super) use self::directory::{
    add, ensure_direct, ensure_lobby, find, find_by_code, find_direct, list, lobby, memberships,
    my_room, progress, set_code, set_owner, update,
};
pub(in crate::chat) use self::joining::{Joined, insert_joined};
pub(super) use self::joining::{Removed, is_removed, join, leave, remove};
pub(super) use self::memberships::{
    mark_read, members, members_after, reassign_owner, stats, users,
};

use super::model::{Code, Progress, Room, Visibility};
use crate::db::positional_row;
use crate::kernel::{Rev, RoomId, Seq, Timestamp, UserId};

/// Unread mentions of a member `m` in a room `r`. If nothing is unread, nothing is counted. The
/// mentions of one user in one room are one key range.
macro_rules! unread_mentions {
    () => {
        "case when m.last_read_seq < r.last_seq then
           (select count(*) from mentions n where n.user_id = m.user_id
              and n.pos > (r.id << 32) + m.last_read_seq and n.pos <= (r.id << 32) + r.last_seq)
         else 0 end"
    };
}

/// Unread messages of a member `m` in a room `r` that are not deleted. Deleted messages have their own
/// index, in which these are one range.
macro_rules! unread {
    () => {
        "case when m.last_read_seq < r.last_seq then
           r.last_seq - m.last_read_seq - (select count(*) from messages d
             where d.deleted_at is not null
               and d.pos > (r.id << 32) + m.last_read_seq and d.pos <= (r.id << 32) + r.last_seq)
         else 0 end"
    };
}

/// The columns of a [`RoomRow`] for the user `$1`. A direct message has the name of the other user, or
/// the user's own if there is no other.
macro_rules! room_columns {
    () => {
        concat!(
            "r.id, coalesce(o.display_name, r.name), r.topic, r.visibility, r.lobby, r.owner_id,
             r.code, r.created_at, r.last_seq, r.rev, m.last_read_seq, ",
            unread!(),
            ", ",
            unread_mentions!(),
            ", o.id, o.avatar"
        )
    };
}

/// The `from` clause of [`room_columns!`], to be followed by a condition. The members of a direct
/// message are looked up inside a `case`: a plain join condition would not keep a database from reading
/// all members of a room with thousands.
macro_rules! from_rooms {
    ($rest:literal) => {
        concat!(
            " from rooms r
             left join memberships m on m.room_id = r.id and m.user_id = $1
             left join users o on o.id = case when r.visibility = 'direct' then
               (select coalesce(min(case when other.user_id <> $1 then other.user_id end), $1)
                from memberships other where other.room_id = r.id) end ",
            $rest
        )
    };
}

/// A query for rooms, to be followed by a condition.
macro_rules! select_room {
    ($rest:literal) => {
        concat!("select ", room_columns!(), from_rooms!($rest))
    };
}

/// The columns of a [`ProgressRow`].
macro_rules! progress_columns {
    () => {
        concat!("r.id, r.rev, r.last_seq, m.last_read_seq, ", unread!(), ", ", unread_mentions!())
    };
}

/// The `from` clause of [`progress_columns!`] for the user `$1`, to be followed by a further condition.
macro_rules! from_own_rooms {
    ($rest:literal) => {
        concat!(" from memberships m join rooms r on r.id = m.room_id where m.user_id = $1 ", $rest)
    };
}

/// A query for the user's progress in rooms, to be followed by a further condition.
macro_rules! select_progress {
    ($rest:literal) => {
        concat!("select ", progress_columns!(), from_own_rooms!($rest))
    };
}

positional_row! {
    /// A row of [`progress_columns!`].
    struct ProgressRow {
        room: i64,
        rev: i64,
        last_seq: i64,
        last_read_seq: i64,
        unread: i64,
        mentions: i64,
    }
}

impl From<ProgressRow> for Progress {
    fn from(row: ProgressRow) -> Self {
        Self {
            room: RoomId(row.room),
            rev: Rev(row.rev),
            last_seq: Seq(row.last_seq),
            last_read_seq: Seq(row.last_read_seq),
            unread: row.unread,
            mentions: row.mentions,
        }
    }
}

/// A subquery for the rooms that a user may read: the rule of [`super::model::may_read`] for queries
/// over many rooms. A room may appear twice.
macro_rules! readable_rooms {
    ($user:literal) => {
        concat!(
            "select id from rooms where visibility = 'public'
             union all select room_id from memberships where user_id = ",
            $user
        )
    };
}

positional_row! {
    /// A row of [`room_columns!`].
    struct RoomRow {
        id: i64,
        name: String,
        topic: String,
        visibility: String,
        lobby: i64,
        owner_id: Option<i64>,
        code: Option<String>,
        created_at: i64,
        last_seq: i64,
        rev: i64,
        last_read_seq: Option<i64>,
        unread: i64,
        mentions: i64,
        other_id: Option<i64>,
        other_avatar: Option<String>,
    }
}

impl From<RoomRow> for Room {
    fn from(row: RoomRow) -> Self {
        let code = row.code.as_deref().and_then(Code::from_column);
        Self {
            id: RoomId(row.id),
            name: row.name,
            topic: row.topic,
            visibility: Visibility::from_column(&row.visibility),
            lobby: row.lobby != 0,
            // Only members see the code.
            owner_id: row.owner_id.map(UserId),
            code: code.filter(|_| row.last_read_seq.is_some()),
            created_at: Timestamp(row.created_at),
            last_seq: Seq(row.last_seq),
            rev: Rev(row.rev),
            last_read_seq: row.last_read_seq.map(Seq),
            unread: row.unread,
            mentions: row.mentions,
            other: row.other_id.map(UserId),
            other_avatar: row.other_avatar,
        }
    }
}

pub(in crate::chat) use readable_rooms;
use {
    from_own_rooms, from_rooms, progress_columns, room_columns, select_progress, select_room,
    unread, unread_mentions,
};
