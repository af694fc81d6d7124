//! The SQL of what was missed.

use super::model::MissedChange;
use crate::chat::accounts::UserRow;
use crate::chat::accounts::model::User;
use crate::chat::events::Event;
use crate::db::{Db, reading};
use crate::kernel::{RoomId, Timestamp, UserId};

/// Whom or what news are about, as it is now.
#[derive(sqlx::FromRow)]
struct Row {
    /// Who is another; of news about a room alone it is who asks.
    #[sqlx(flatten)]
    person: UserRow,
    room: Option<i64>,
    noted_at: i64,
    /// This person, if they are in it.
    member: Option<i64>,
}

/// What was noted since then of what the reader may know, the last word of each alone, the latest first
/// and no more than `most`.
pub(super) async fn changes_since(
    db: &Db,
    reader: UserId,
    then: Timestamp,
    most: u16,
) -> Result<Vec<(Timestamp, MissedChange)>, sqlx::Error> {
    let rows: Vec<Row> = reading!(db, |pool| {
        sqlx::query_as(
            "select u.id, u.name, u.display_name, u.bot, u.role, u.avatar, n.room_id as room, n.noted_at,
               cast(case when u.deactivated_at is null then them.user_id end as bigint) as member
             from news n
             join users u on u.id = coalesce(n.user_id, $1)
             left join rooms r on r.id = n.room_id
             left join memberships mine on mine.room_id = n.room_id and mine.user_id = $1
             left join memberships them on them.room_id = n.room_id and them.user_id = n.user_id
             where n.id in (select max(id) from news where noted_at >= $2 group by room_id, user_id)
               and (n.room_id is null or n.user_id = $1 or r.visibility = 'public'
                 or (r.visibility = 'private' and mine.user_id is not null)
                 or exists (select 1 from deleted_rooms d where d.room_id = n.room_id
                   and (d.visibility = 'public' or exists (select 1 from deleted_memberships m
                     where m.room_id = d.room_id and m.user_id = $1))))
             order by n.id desc limit $3",
        )
        .bind(reader.0)
        .bind(then.0)
        .bind(i64::from(most))
        .fetch_all(pool)
        .await?
    });
    Ok(rows.into_iter().map(|row| (Timestamp(row.noted_at), row.update(reader))).collect())
}

impl Row {
    fn update(self, reader: UserId) -> MissedChange {
        let person = User::from(self.person);
        match self.room.map(RoomId) {
            None => MissedChange::Event(Event::Renamed(person)),
            Some(room) if person.id == reader => MissedChange::Room(room),
            Some(room) if self.member.is_some() => {
                MissedChange::Event(Event::Joined { room, person })
            }
            Some(room) => MissedChange::Event(Event::Left { room, person }),
        }
    }
}
