//! The SQL of catch-up.

use super::model::MissedChange;
use crate::chat::accounts::model::{Authenticated, User};
use crate::chat::accounts::{IS_VALID_CREDENTIAL, USER_COLUMNS, user_row};
use crate::chat::events::Event;
use crate::chat::rooms::model::Progress;
use crate::chat::rooms::{FROM_GREETED_ROOMS, PROGRESS_COLUMNS, ProgressRow};
use crate::db::{Db, fetch_json_columns, parse_json_rows};
use crate::kernel::{MessageId, RoomId, Timestamp};
use crate::limits::threads::LISTED;

/// A change and when it was recorded.
pub(super) struct RecordedChange {
    pub recorded_at: Timestamp,
    pub change: MissedChange,
}

user_row! {
    /// A change with the current state of the user or room it is about. The user is the one who changed; for a change
    /// of a room, the reader.
    struct ChangeRow {
        room: Option<RoomId>,
        message: Option<MessageId>,
        kind: String,
        recorded_at: Timestamp,
        is_member: bool,
    }
}

/// What a client receives first.
pub(super) struct Greeting {
    /// Whether the credential is still valid.
    pub is_valid: bool,
    pub rooms: Vec<Progress>,
    /// The changes after a time, newest first.
    pub missed: Vec<RecordedChange>,
}

/// Everything a client receives first, in one statement: thousands of clients come back at the same time.
///
/// The changes are those after `then` that the reader may know of, only the last one for each user and room (and one
/// more for a draft) or message, at most `limit`. Where others keep rooms, what they save and draft, is left out.
pub(super) async fn greeting(
    db: &Db,
    reader: &Authenticated,
    now: Timestamp,
    then: Option<Timestamp>,
    limit: u16,
) -> Result<Greeting, sqlx::Error> {
    let user = reader.user.id;
    let (is_valid, rooms, missed): (bool, String, String) = fetch_json_columns!(
        db,
        IS_VALID_CREDENTIAL!("$3", "$4"),
        [
            (PROGRESS_COLUMNS!(), FROM_GREETED_ROOMS!()),
            (
                concat!(
                    USER_COLUMNS!(),
                    ", n.room_id, n.message_id, n.kind, n.recorded_at,
                     case when u.deactivated_at is null and them.user_id is not null then 1 else 0 end"
                ),
                "from changes n
                 join users u on u.id = coalesce(n.user_id, $1)
                 left join rooms r on r.id = n.room_id
                 left join memberships mine on mine.room_id = n.room_id and mine.user_id = $1
                 left join memberships them on them.room_id = n.room_id and them.user_id = n.user_id
                 where n.id in (select max(id) from changes
                                where recorded_at >= $5
                                  and (kind in ('joined', 'left', 'room', 'user', 'emoji')
                                    or user_id = $1 and kind in ('placed', 'draft', 'saved'))
                                group by room_id, user_id, message_id, kind = 'draft')
                   and (n.room_id is null or n.user_id = $1 or r.visibility = 'public'
                     or (r.visibility in ('private', 'group') and mine.user_id is not null)
                     or exists (select 1 from deleted_rooms d where d.room_id = n.room_id
                       and (d.visibility = 'public' or exists (select 1 from deleted_memberships m
                         where m.room_id = d.room_id and m.user_id = $1))))
                 order by n.id desc limit $6"
            ),
        ],
        user,
        LISTED,
        reader.credential,
        now,
        then,
        i64::from(limit),
    )?;
    let rooms: Vec<ProgressRow> = parse_json_rows(&rooms)?;
    let missed: Vec<ChangeRow> = parse_json_rows(&missed)?;
    let recorded = |row: ChangeRow| RecordedChange {
        recorded_at: row.recorded_at,
        change: row.into_change(&reader.user),
    };
    Ok(Greeting {
        is_valid,
        rooms: rooms.into_iter().map(Progress::from).collect(),
        missed: missed.into_iter().map(recorded).collect(),
    })
}

impl ChangeRow {
    fn into_change(mut self, reader: &User) -> MissedChange {
        let user = self.take_user();
        match (self.kind.as_str(), self.room, self.message) {
            ("draft", Some(room), _) => return MissedChange::Draft(room),
            ("saved", _, Some(message)) => return MissedChange::Saved(message),
            _ => {}
        }
        match self.room {
            None if self.kind == "emoji" => MissedChange::Event(Event::EmojiChanged),
            None => MissedChange::Event(Event::Renamed(user)),
            Some(room) if user.id == reader.id => MissedChange::Room(room),
            Some(room) if self.is_member => MissedChange::Event(Event::Joined { room, user }),
            Some(room) => MissedChange::Event(Event::Left { room, user }),
        }
    }
}
