//! The SQL of rooms and memberships.

mod deleted;
mod directory;
mod joining;
mod members;
mod memberships;
mod places;
mod progress;
mod read_marks;
mod sql;
mod threads;

pub(super) use self::deleted::{
    Tombstone, all_deleted, begin_purge, delete, deleted, deleted_by, finish_purge,
    had_been_visible, restore, summary, summary_page,
};
pub(super) use self::directory::{
    add, among, common, ensure_fixed, ensure_lobby, find, find_by_code, find_by_message,
    find_fixed, list, lobby, own, page, set_code, set_owner, update,
};
pub(in crate::chat) use self::joining::{Joined, insert_joined};
pub(super) use self::joining::{Removed, is_removed, join, leave, remove};
pub(super) use self::members::{
    first_members, member_page, members, members_after, members_among, members_by_name,
};
pub(super) use self::memberships::{mark_read, mark_unread, reassign_owner, standing, stats};
pub(super) use self::places::{set_archived, set_favourite, set_section};
pub(super) use self::progress::{progress, unread_threads};
pub(super) use self::read_marks::{Marked, ReadMark, ReadState, mark_all_read};
pub(in crate::chat) use self::sql::{
    FROM_GREETED_ROOMS, FROM_OWN_ROOMS, GATE, IS_ARCHIVED, LISTED_THREADS, PROGRESS_COLUMNS,
    READABLE_ROOMS, UNREAD, UNREAD_MENTIONS,
};
pub(super) use self::threads::{Followed, follow, followed, followed_in, thread_of, threads_among};
pub(in crate::chat) use self::threads::{add_followers, create_thread, followers, lock_rooms};

use super::model::{Code, Parent, ParentMessage, Progress, Room, Visibility};
use crate::chat::accounts::model::Status;
use crate::db::{column_type, positional_row};
use crate::kernel::{MessageId, Rev, RoomId, Seq, Timestamp, UserId};

column_type!(Visibility as String, |visibility| visibility.as_str().to_owned(), |text| {
    // During an update a later version may store one that this version does not know.
    Ok(Self::stored(&text).unwrap_or(Self::Private))
});

positional_row! {
    /// A row of [`sql::PROGRESS_COLUMNS!`].
    pub(in crate::chat) struct ProgressRow {
        room: RoomId,
        rev: Rev,
        last_seq: Seq,
        last_read_seq: Seq,
        unread: i64,
        mentions: i64,
        parent_room: Option<RoomId>,
        head: Option<MessageId>,
        last_reply_at: Timestamp,
    }
}

impl From<ProgressRow> for Progress {
    fn from(row: ProgressRow) -> Self {
        Self {
            room: row.room,
            rev: row.rev,
            last_seq: row.last_seq,
            last_read_seq: row.last_read_seq,
            unread: row.unread,
            mentions: row.mentions,
            parent: parent_message(row.parent_room, row.head),
            last_reply_at: row.last_reply_at,
        }
    }
}

positional_row! {
    /// A row of [`sql::ROOM_COLUMNS!`].
    struct RoomRow {
        id: RoomId,
        name: String,
        topic: String,
        visibility: Visibility,
        lobby: bool,
        owner_id: Option<UserId>,
        code: Option<String>,
        created_at: Timestamp,
        archived_at: Option<Timestamp>,
        last_seq: Seq,
        rev: Rev,
        last_read_seq: Option<Seq>,
        unread: i64,
        mentions: i64,
        favourite: bool,
        section: Option<String>,
        draft: bool,
        other_id: Option<UserId>,
        other_avatar: Option<String>,
        other_status_emoji: Option<String>,
        other_status_text: String,
        other_status_until: Option<Timestamp>,
        wide_mentions_restricted: bool,
        link_previews: bool,
        sort_key: String,
        parent_room: Option<RoomId>,
        head: Option<MessageId>,
        parent_name: Option<String>,
        parent_visibility: Option<Visibility>,
        parent_owner_id: Option<UserId>,
        parent_is_member: bool,
    }
}

fn parent_message(room: Option<RoomId>, head: Option<MessageId>) -> Option<ParentMessage> {
    Some(ParentMessage { room: room?, message: head? })
}

impl From<RoomRow> for Room {
    fn from(row: RoomRow) -> Self {
        let code = row.code.as_deref().and_then(Code::from_column);
        let parent = parent_message(row.parent_room, row.head).map(|head| Parent {
            head,
            name: row.parent_name.unwrap_or_default(),
            visibility: row.parent_visibility.unwrap_or(Visibility::Private),
            owner_id: row.parent_owner_id,
            is_member: row.parent_is_member,
        });
        Self {
            id: row.id,
            name: row.name,
            topic: row.topic,
            visibility: row.visibility,
            lobby: row.lobby,
            owner_id: row.owner_id,
            // Only members see the code.
            code: code.filter(|_| row.last_read_seq.is_some()),
            created_at: row.created_at,
            archived_at: row.archived_at,
            last_seq: row.last_seq,
            rev: row.rev,
            last_read_seq: row.last_read_seq,
            unread: row.unread,
            mentions: row.mentions,
            favourite: row.favourite,
            section: row.section.unwrap_or_default(),
            draft: row.draft,
            other: row.other_id,
            other_avatar: row.other_avatar,
            other_status: Status::stored(
                row.other_status_emoji.as_deref(),
                row.other_status_text,
                row.other_status_until,
            ),
            wide_mentions_restricted: row.wide_mentions_restricted,
            link_previews: row.link_previews,
            sort_key: row.sort_key,
            parent,
        }
    }
}
