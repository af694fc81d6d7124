//! The SQL of catch-up.

use super::model::MissedChange;
use crate::chat::accounts::model::User;
use crate::chat::accounts::{USER_COLUMNS, UserRow};
use crate::chat::events::Event;
use crate::db::{Db, fetch_all};
use crate::kernel::{MessageId, RoomId, Timestamp, UserId};

/// A change and when it was recorded.
pub(super) struct RecordedChange {
    pub recorded_at: Timestamp,
    pub change: MissedChange,
}

/// A change with the current state of the user or room it is about.
#[derive(sqlx::FromRow)]
struct ChangeRow {
    /// The user who changed. For a change of a room: the reader.
    #[sqlx(flatten)]
    user: UserRow,
    room: Option<RoomId>,
    message: Option<MessageId>,
    kind: String,
    recorded_at: Timestamp,
    /// Whether the user is a member of the room, and their account is open.
    is_member: bool,
}

/// The changes after `then` that the reader may know of, only the last one for each user and room (and one more for
/// a draft) or message, newest first, at most `limit`. Where others keep rooms, what they save and draft, is left out.
pub(super) async fn changes_since(
    db: &Db,
    reader: UserId,
    then: Timestamp,
    limit: u16,
) -> Result<Vec<RecordedChange>, sqlx::Error> {
    let rows: Vec<ChangeRow> = fetch_all!(
        db,
        concat!(
            "select ",
            USER_COLUMNS!(),
            ",
                n.room_id as room, n.message_id as message, n.kind, n.recorded_at,
                u.deactivated_at is null and them.user_id is not null as is_member
         from changes n
         join users u on u.id = coalesce(n.user_id, $1)
         left join rooms r on r.id = n.room_id
         left join memberships mine on mine.room_id = n.room_id and mine.user_id = $1
         left join memberships them on them.room_id = n.room_id and them.user_id = n.user_id
         where n.id in (select max(id) from changes
                        where recorded_at >= $2
                          and (kind in ('joined', 'left', 'room', 'user', 'emoji')
                            or user_id = $1 and kind in ('placed', 'draft', 'saved'))
                        group by room_id, user_id, message_id, kind = 'draft')
           and (n.room_id is null or n.user_id = $1 or r.visibility = 'public'
             or (r.visibility in ('private', 'group') and mine.user_id is not null)
             or exists (select 1 from deleted_rooms d where d.room_id = n.room_id
               and (d.visibility = 'public' or exists (select 1 from deleted_memberships m
                 where m.room_id = d.room_id and m.user_id = $1))))
         order by n.id desc limit $3"
        ),
        reader,
        then,
        i64::from(limit),
    )?;
    let recorded = |row: ChangeRow| RecordedChange {
        recorded_at: row.recorded_at,
        change: row.into_change(reader),
    };
    Ok(rows.into_iter().map(recorded).collect())
}

impl ChangeRow {
    fn into_change(self, reader: UserId) -> MissedChange {
        let user = User::from(self.user);
        match (self.kind.as_str(), self.room, self.message) {
            ("draft", Some(room), _) => return MissedChange::Draft(room),
            ("saved", _, Some(message)) => return MissedChange::Saved(message),
            _ => {}
        }
        match self.room {
            None if self.kind == "emoji" => MissedChange::Event(Event::EmojiChanged),
            None => MissedChange::Event(Event::Renamed(user)),
            Some(room) if user.id == reader => MissedChange::Room(room),
            Some(room) if self.is_member => MissedChange::Event(Event::Joined { room, user }),
            Some(room) => MissedChange::Event(Event::Left { room, user }),
        }
    }
}
