//! Which rooms a batch locks on `PostgreSQL`, before it reads anything: all that it writes to, in ascending order of id.
//! Every transaction that locks several rooms locks them in this order, so that no two wait for each other.

use std::collections::{BTreeSet, HashSet};

use serde::Deserialize;

use crate::chat::messages::model::{Post, Write};
use crate::db::{BatchResults, Db, FULL_LOCK_WAIT, LockWait, StatementBatch, fetch_all, json_rows};
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
            wanted.rooms.extend(rooms_of(write));
            let head = write.as_post().and_then(Post::head);
            wanted.heads.extend(head.map(|head| head.message));
        }
        wanted
    }
}

/// The rooms that a write names. It may change others, which it finds by their messages: threads, and the rooms of
/// copies.
pub(in crate::chat::messages) fn rooms_of(write: &Write) -> Vec<RoomId> {
    match write {
        Write::Post(post) => vec![post.member.room(), post.audience()],
        Write::Edit { author, .. } => vec![author.room, author.searched],
        Write::React(member, _) | Write::Pin(member, _) | Write::Unpin(member, _) => {
            vec![member.room(), member.gate()]
        }
        Write::Delete(deleter) | Write::RemovePreview { deleter, .. } => vec![deleter.room],
        Write::Unreact(reaction) => vec![reaction.room],
        Write::RefreshQuotes { room, .. }
        | Write::ShowPreviews { room, .. }
        | Write::Announce(room) => vec![*room],
    }
}

/// Those of the rooms that no other process has locked; of threads, those whose room is free, too. On `SQLite`, which has
/// one writer, none.
pub(in crate::chat::messages) async fn free_rooms(
    db: &Db,
    writes: impl Iterator<Item = &Write>,
) -> Result<HashSet<RoomId>, sqlx::Error> {
    let Db::Postgres(_) = db else { return Ok(HashSet::new()) };
    let rooms: BTreeSet<RoomId> = writes.flat_map(rooms_of).collect();
    let unlocked: Vec<(RoomId, Option<RoomId>)> = fetch_all!(
        db,
        "with given as (select cast(value as bigint) as id from jsonb_each($1))
         select r.id, t.parent_room_id from rooms r left join threads t on t.room_id = r.id
         where r.id in (select id from given)
            or r.id in (select parent_room_id from threads where room_id in (select id from given))
         for no key update of r skip locked",
        json_rows(&rooms.into_iter().collect::<Vec<RoomId>>())
    )?;
    let ids: HashSet<RoomId> = unlocked.iter().map(|(room, _)| *room).collect();
    let is_free = |parent: &Option<RoomId>| parent.is_none_or(|parent| ids.contains(&parent));
    Ok(unlocked.iter().filter(|(_, parent)| is_free(parent)).map(|(room, _)| *room).collect())
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

/// Adds the statement that ends a short wait: it was for the rooms, which another process may keep. Nothing else is kept
/// for long.
pub(super) fn push_end_of_wait(statements: &mut StatementBatch, wait: LockWait) {
    if let (StatementBatch::Postgres(all), LockWait::Short) = (statements, wait) {
        let query = all.next().push("select set_config('lock_timeout', ");
        query.push_bind(FULL_LOCK_WAIT).push(", true)");
    }
}

/// The rooms that the batch has locked. `None`: nothing else is written.
pub(super) struct LockedRooms(Option<HashSet<RoomId>>);

impl LockedRooms {
    /// Reads the results of [`push_locks`] and [`push_end_of_wait`].
    pub fn read(results: &mut BatchResults, wait: LockWait) -> Result<Self, sqlx::Error> {
        #[derive(sqlx::FromRow, Deserialize)]
        struct LockedRow {
            id: RoomId,
        }
        if results.has_one_writer() {
            return Ok(Self(None));
        }
        let rows: Vec<LockedRow> = results.rows()?;
        if wait == LockWait::Short {
            results.skip();
        }
        Ok(Self(Some(rows.into_iter().map(|row| row.id).collect())))
    }

    /// Those that are not locked: threads that another batch began while this one waited for its rooms.
    pub fn missing(&self, rooms: impl IntoIterator<Item = RoomId>) -> Vec<RoomId> {
        let Some(locked) = &self.0 else { return Vec::new() };
        rooms.into_iter().filter(|room| !locked.contains(room)).collect()
    }
}
