//! The records of rooms and of who belongs to them.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::{ensure, ensure_exact};
use crate::chat::rooms::model::{FixedMembers, RoomName, RoomTopic, SectionName, Visibility};
use crate::db::{Transaction, execute};
use crate::export::jsonl::{Flag, InsertError, Number, Record, Text};
use crate::kernel::Timestamp;

/// A room, without its code.
#[derive(Serialize, Deserialize, FromRow)]
#[serde(deny_unknown_fields)]
pub struct Room {
    pub id: Number,
    pub name: Text,
    /// For a direct message: the ids of its two users, as `3:17`. For a group: those of all members.
    pub pair: Option<Text>,
    pub topic: Text,
    pub visibility: Visibility,
    pub lobby: Flag,
    pub owner_id: Option<Number>,
    pub last_seq: Number,
    pub rev: Number,
    pub created_at: Timestamp,
    pub archived_at: Option<Timestamp>,
    /// Only the owner and administrators may mention all members at once. Earlier exports do not say.
    pub wide_mentions_restricted: Option<Flag>,
    /// Links in its messages get previews. Earlier exports do not say.
    pub link_previews: Option<Flag>,
}

impl Record for Room {
    const FILE: &'static str = "rooms.jsonl";
    const SELECT: &'static str = "
        select id, name, case when visibility in ('direct', 'group') then folded_name end as pair, topic,
               visibility, lobby, owner_id, last_seq, rev, created_at, archived_at,
               wide_mentions_restricted, link_previews
        from rooms
        where id not in (select room_id from deleted_rooms)
          and id not in (select t.room_id from threads t
                         join deleted_rooms d on d.room_id = t.parent_room_id)
        order by id";
    const INSERT: &'static str = "
        insert into rooms (id, name, folded_name, topic, visibility, lobby, owner_id, last_seq, rev,
                           created_at, archived_at, wide_mentions_restricted, link_previews)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, coalesce($12, 0), coalesce($13, 1))";

    async fn insert(self, transaction: &mut Transaction) -> Result<u64, InsertError> {
        ensure((1..1 << 31).contains(&self.id.0), "id is not a room id")?;
        let is_valid = self.last_seq.0 < 1 << 32 && self.rev.0 < 1 << 32;
        ensure(is_valid, "last_seq or rev is too large")?;
        ensure_exact("topic", &self.topic, RoomTopic::stored(&self.topic)?.as_str())?;
        let folded_name = self.folded_name()?;
        Ok(execute!(
            transaction,
            Self::INSERT,
            self.id,
            self.name,
            folded_name,
            self.topic,
            self.visibility,
            self.lobby,
            self.owner_id,
            self.last_seq,
            self.rev,
            self.created_at,
            self.archived_at,
            self.wide_mentions_restricted,
            self.link_previews,
        )?)
    }
}

impl Room {
    /// Returns what no two rooms may share: the members of a direct message or a group, else the
    /// normalized name.
    fn folded_name(&self) -> Result<String, InsertError> {
        if self.visibility.has_fixed_members() {
            let pair = self.pair.as_deref().unwrap_or_default();
            let error = "pair must be two ids, the smaller one first or both the same, for example \"3:17\"; \
                         for a group 3 to 20 ids in ascending order";
            ensure(FixedMembers::stored(self.visibility, pair).is_some(), error)?;
            return Ok(pair.to_owned());
        }
        ensure(self.pair.is_none(), "pair is for direct messages and groups only")?;
        if self.visibility == Visibility::Thread {
            ensure(self.name.is_empty(), "a thread has no name")?;
            return Ok(String::new());
        }
        let name = RoomName::stored(&self.name)?;
        ensure_exact("name", &self.name, name.as_str())?;
        Ok(name.folded())
    }
}

/// A room is the thread of a message.
#[derive(Serialize, Deserialize, FromRow)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the names in the file")]
pub struct Thread {
    pub room_id: Number,
    /// The room of the message.
    pub parent_room_id: Number,
    pub message_id: Number,
}

impl Record for Thread {
    const FILE: &'static str = "threads.jsonl";
    const SELECT: &'static str = "
        select room_id, parent_room_id, head_id as message_id from threads
        where parent_room_id not in (select room_id from deleted_rooms) order by room_id";
    /// What the head shows of it is computed when all messages are there.
    const INSERT: &'static str = "
        insert into threads (room_id, parent_room_id, head_id)
        select $1, $2, $3 where exists (select 1 from rooms where id = $1 and visibility = 'thread')
          and exists (select 1 from rooms where id = $2 and visibility <> 'thread')";

    async fn insert(self, transaction: &mut Transaction) -> Result<u64, InsertError> {
        Ok(
            execute!(
                transaction,
                Self::INSERT,
                self.room_id,
                self.parent_room_id,
                self.message_id,
            )?,
        )
    }
}

/// A user is a member of a room.
#[derive(Serialize, Deserialize, FromRow)]
#[serde(deny_unknown_fields)]
pub struct Membership {
    pub user_id: Number,
    pub room_id: Number,
    pub last_read_seq: Number,
    pub joined_at: Timestamp,
    #[serde(default)]
    pub favourite: Flag,
    /// Null: none.
    pub section: Option<Text>,
}

impl Record for Membership {
    const FILE: &'static str = "memberships.jsonl";
    const SELECT: &'static str = "
        select user_id, room_id, last_read_seq, joined_at, favourite, nullif(section, '') as section
        from memberships order by user_id, room_id";
    const INSERT: &'static str = "
        insert into memberships (user_id, room_id, last_read_seq, joined_at, favourite, section)
        values ($1, $2, $3, $4, $5, $6)";

    async fn insert(self, transaction: &mut Transaction) -> Result<u64, InsertError> {
        let section = self.section.as_deref().unwrap_or_default();
        ensure_exact("section", section, SectionName::parse(section)?.as_str())?;
        Ok(execute!(
            transaction,
            Self::INSERT,
            self.user_id,
            self.room_id,
            self.last_read_seq,
            self.joined_at,
            self.favourite,
            section,
        )?)
    }
}

/// A user was removed from a room and not invited since.
#[derive(Serialize, Deserialize, FromRow)]
#[serde(deny_unknown_fields)]
pub struct Removal {
    pub room_id: Number,
    pub user_id: Number,
    pub removed_at: Timestamp,
}

impl Record for Removal {
    const FILE: &'static str = "removals.jsonl";
    const SELECT: &'static str = "
        select room_id, user_id, removed_at from removals
        where room_id not in (select room_id from deleted_rooms)
        order by room_id, user_id";
    /// Earlier builds exported removals from deleted rooms, but not these rooms.
    const INSERT: &'static str = "
        insert into removals (room_id, user_id, removed_at)
        select $1, $2, $3 where exists (select 1 from rooms where id = $1)";

    async fn insert(self, transaction: &mut Transaction) -> Result<u64, InsertError> {
        execute!(transaction, Self::INSERT, self.room_id, self.user_id, self.removed_at)?;
        Ok(1)
    }
}
