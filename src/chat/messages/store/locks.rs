//! Which rooms a batch locks on `PostgreSQL`, before it reads anything: all that it writes to, in ascending order of id.
//! Every transaction that locks several rooms locks them in this order, so that no two wait for each other.

use std::collections::{BTreeSet, HashSet};

use serde::Deserialize;

use crate::chat::messages::model::Write;
use crate::db::{BatchResults, StatementBatch};
use crate::kernel::{MessageId, RoomId};

/// What a batch writes to.
#[derive(Default)]
struct Wanted {
    rooms: BTreeSet<RoomId>,
    /// Their threads are locked, if they exist.
    heads: BTreeSet<MessageId>,
    /// The rooms of their twins are locked.
    edited: BTreeSet<MessageId>,
    /// Whether there is more than posts to rooms, so that rooms have to be looked up.
    others: bool,
}

impl Wanted {
    fn of(writes: &[Write]) -> Self {
        let mut wanted = Self::default();
        for write in writes {
            wanted.others |= write.as_post().is_none_or(|post| post.head().is_some());
            wanted.edited.extend(write.edited_message());
            match write {
                Write::Post(post) => {
                    wanted.rooms.extend([post.member.room(), post.audience()]);
                    wanted.heads.extend(post.head().map(|head| head.message));
                }
                Write::Edit { author, .. } => wanted.rooms.extend([author.room, author.searched]),
                Write::React(member, _) | Write::Pin(member, _) | Write::Unpin(member, _) => {
                    wanted.rooms.extend([member.room(), member.gate()]);
                }
                Write::Delete(deleter) | Write::RemovePreview { deleter, .. } => {
                    wanted.rooms.insert(deleter.room);
                }
                Write::Unreact(reaction) => {
                    wanted.rooms.insert(reaction.room);
                }
                Write::RefreshQuotes { room, .. }
                | Write::ShowPreviews { room, .. }
                | Write::Announce(room) => {
                    wanted.rooms.insert(*room);
                }
            }
        }
        wanted
    }
}

/// Adds the statement that locks the rooms. `SQLite` has one writer.
pub(super) fn push_locks(statements: &mut StatementBatch, writes: &[Write]) {
    let StatementBatch::Postgres(all) = statements else { return };
    let Wanted { rooms, heads, edited, others } = Wanted::of(writes);
    let rooms: Vec<RoomId> = rooms.into_iter().collect();
    let query = all.next().push("select id from rooms where id = any(");
    if others {
        let (heads, edited) = (heads.into_iter().collect(), edited.into_iter().collect());
        let (heads, edited): (Vec<MessageId>, Vec<MessageId>) = (heads, edited);
        query.push("array(select unnest(").push_bind(&rooms);
        query.push(") union all select parent_room_id from threads where room_id = any(");
        query.push_bind(rooms);
        query.push(") union all select thread_id from messages where id = any(").push_bind(heads);
        query.push(") union all select room_seq_key >> 32 from messages where twin_of = any(");
        query.push_bind(&edited).push(
            ") union all select o.room_seq_key >> 32 from messages c join messages o on o.id = c.twin_of
             where c.id = any(",
        );
        query.push_bind(edited).push("))");
    } else {
        query.push_bind(rooms);
    }
    // As an update of other columns locks them: members can be added at the same time.
    query.push(") order by id for no key update");
}

/// The rooms that the batch has locked. `None`: nothing else is written.
pub(super) struct LockedRooms(Option<HashSet<RoomId>>);

impl LockedRooms {
    pub fn read(results: &mut BatchResults) -> Result<Self, sqlx::Error> {
        #[derive(sqlx::FromRow, Deserialize)]
        struct LockedRow {
            id: RoomId,
        }
        if results.has_one_writer() {
            return Ok(Self(None));
        }
        let rows: Vec<LockedRow> = results.rows()?;
        Ok(Self(Some(rows.into_iter().map(|row| row.id).collect())))
    }

    /// Those that are not locked: threads that another batch began while this one waited for its rooms.
    pub fn missing(&self, rooms: impl IntoIterator<Item = RoomId>) -> Vec<RoomId> {
        let Some(locked) = &self.0 else { return Vec::new() };
        rooms.into_iter().filter(|room| !locked.contains(room)).collect()
    }
}
