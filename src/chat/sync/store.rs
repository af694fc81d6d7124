//! The SQL of catch-up.

use super::model::MissedChange;
use crate::chat::accounts::UserRow;
use crate::chat::accounts::model::User;
use crate::chat::events::Event;
use crate::db::{Db, reading};
use crate::kernel::{RoomId, Timestamp, UserId};

/// A change with the current state of the user or room it is about.
#[derive(sqlx::FromRow)]
struct Row {
    /// The user who changed. For a change of a room: the reader.
    #[sqlx(flatten)]
    person: UserRow,
    room: Option<i64>,
    recorded_at: i64,
    /// The user's id, if they are a member of the room.
    member: Option<i64>,
}

/// The changes after `then` that the reader may know of, only the last one for each user and room,
/// newest first, at most `limit`.
pub(super) async fn changes_since(
    db: &Db,
    reader: UserId,
    then: Timestamp,
    limit: u16,
) -> Result<Vec<(Timestamp, MissedChange)>, sqlx::Error> {
    let rows: Vec<Row> = reading!(db, |pool| {
        sqlx::query_as(
            "select u.id, u.name, u.display_name, u.bot, u.role, u.avatar, n.room_id as room, n.recorded_at,
               cast(case when u.deactivated_at is null then them.user_id end as bigint) as member
             from changes n
             join users u on u.id = coalesce(n.user_id, $1)
             left join rooms r on r.id = n.room_id
             left join memberships mine on mine.room_id = n.room_id and mine.user_id = $1
             left join memberships them on them.room_id = n.room_id and them.user_id = n.user_id
             where n.id in (select max(id) from changes where recorded_at >= $2 and credential is null
                            group by room_id, user_id)
               and (n.room_id is null or n.user_id = $1 or r.visibility = 'public'
                 or (r.visibility = 'private' and mine.user_id is not null)
                 or exists (select 1 from deleted_rooms d where d.room_id = n.room_id
                   and (d.visibility = 'public' or exists (select 1 from deleted_memberships m
                     where m.room_id = d.room_id and m.user_id = $1))))
             order by n.id desc limit $3",
        )
        .bind(reader.0)
        .bind(then.0)
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?
    });
    Ok(rows.into_iter().map(|row| (Timestamp(row.recorded_at), row.into_change(reader))).collect())
}

impl Row {
    fn into_change(self, reader: UserId) -> MissedChange {
        let person = User::from(self.person);
        match self.room.map(RoomId) {
            None => MissedChange::Event(Event::Renamed(person)),
            Some(room) if person.id == reader => MissedChange::Room(room),
            Some(room) if self.member.is_some() => {
                MissedChange::Event(Event::Joined { room, user: person })
            }
            Some(room) => MissedChange::Event(Event::Left { room, user: person }),
        }
    }
}
