//! The SQL of read markers that are stored together.

use std::collections::{HashMap, HashSet};

use super::sql::{UNREAD, UNREAD_MENTIONS};
use crate::changefeed::model::ChangeMeta;
use crate::db::{Db, Transaction, fetch_all, json_rows, positional_row};
use crate::kernel::{RoomId, Seq, UserId};

/// A user has read a room up to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chat::rooms) struct ReadMark {
    pub user: UserId,
    pub room: RoomId,
    pub seq: Seq,
}

/// Where a user stands in a room.
#[derive(sqlx::FromRow)]
pub(in crate::chat::rooms) struct ReadState {
    #[sqlx(rename = "user_id")]
    pub user: UserId,
    #[sqlx(rename = "room_id")]
    pub room: RoomId,
    #[sqlx(rename = "last_read_seq")]
    pub seq: Seq,
    pub unread: i64,
    pub mentions: i64,
    /// The last message of the room.
    pub last_seq: Seq,
}

/// The outcome of storing a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chat::rooms) enum Marked {
    Moved,
    /// The user has read as far, or there is no such message.
    Unchanged,
    /// Another transaction is writing the row.
    Locked,
}

positional_row! {
    struct KeyRow {
        user: UserId,
        room: RoomId,
    }
}

/// The rows `(user, room, seq)` of `$1`.
macro_rules! GIVEN_MARKS {
    () => {
        "(select cast(value ->> 0 as bigint) as reader, cast(value ->> 1 as bigint) as place,
                 cast(value ->> 2 as bigint) as seq from jsonb_each($1)) g"
    };
}

/// Moves read markers forward, never back, and not beyond the last message. Returns where those who are members stand
/// then. It waits for no row: a batch of messages, which moves the markers of authors, may hold some of the rows and wait
/// for others.
pub(in crate::chat::rooms) async fn mark_all_read(
    db: &Db,
    marks: &[ReadMark],
    meta: ChangeMeta,
) -> Result<Vec<(ReadState, Marked)>, sqlx::Error> {
    let row = |mark: &ReadMark| (mark.user.0, mark.room.0, mark.seq.0);
    let given: Vec<(i64, i64, i64)> = marks.iter().map(row).collect();
    let mut transaction = db.begin().await?;
    let free = lock_free(&mut transaction, &given).await?;
    let moved: Vec<KeyRow> = fetch_all!(
        transaction,
        concat!(
            "update memberships set last_read_seq = g.seq, read_at = $2, read_by = $3 from ",
            GIVEN_MARKS!(),
            " where user_id = g.reader and room_id = g.place and last_read_seq < g.seq
                and g.seq <= (select last_seq from rooms where id = g.place)
              returning user_id, room_id"
        ),
        json_rows(&free),
        meta.now,
        meta.process.0,
    )?;
    let states: Vec<ReadState> = fetch_all!(
        transaction,
        concat!(
            "select m.user_id, m.room_id, m.last_read_seq, ",
            UNREAD!(),
            " as unread, ",
            UNREAD_MENTIONS!(),
            " as mentions, r.last_seq from ",
            GIVEN_MARKS!(),
            " join memberships m on m.user_id = g.reader and m.room_id = g.place
              join rooms r on r.id = m.room_id"
        ),
        json_rows(&given),
    )?;
    transaction.commit().await?;
    let moved: HashSet<_> = moved.into_iter().map(|row| (row.user, row.room)).collect();
    let wanted: HashMap<_, _> =
        marks.iter().map(|mark| ((mark.user, mark.room), mark.seq)).collect();
    let marked = |state: ReadState| {
        let key = (state.user, state.room);
        let wanted = wanted.get(&key).copied().unwrap_or(Seq(0));
        let outcome = if moved.contains(&key) {
            Marked::Moved
        } else if state.seq < wanted && wanted <= state.last_seq {
            Marked::Locked
        } else {
            Marked::Unchanged
        };
        (state, outcome)
    };
    Ok(states.into_iter().map(marked).collect())
}

/// Locks the rows that no other transaction is writing, and returns their marks. `SQLite` has one writer.
async fn lock_free(
    transaction: &mut Transaction,
    given: &[(i64, i64, i64)],
) -> Result<Vec<(i64, i64, i64)>, sqlx::Error> {
    let mut free = given.to_vec();
    if matches!(transaction, Transaction::Postgres(_)) {
        let locked: Vec<KeyRow> = fetch_all!(
            transaction,
            concat!(
                "select m.user_id, m.room_id from ",
                GIVEN_MARKS!(),
                " join memberships m on m.user_id = g.reader and m.room_id = g.place
                  for update of m skip locked"
            ),
            json_rows(given),
        )?;
        let locked: HashSet<_> = locked.into_iter().map(|row| (row.user.0, row.room.0)).collect();
        free.retain(|(user, room, _)| locked.contains(&(*user, *room)));
    }
    Ok(free)
}
