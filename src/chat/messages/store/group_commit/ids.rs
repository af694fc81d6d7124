//! The ids of new messages. On `PostgreSQL` they come from a sequence, for which no transaction waits; ids of a batch
//! that fails are lost. A batch takes them after it has locked its rooms, so that in a room they rise with `seq`.

use serde::Deserialize;

use crate::chat::messages::model::{Post, RunningTransactions};
use crate::db::{BatchResults, Db, StatementBatch, fetch_one, fetch_scalar};
use crate::kernel::MessageId;

/// The ids of a post.
#[derive(Clone, Copy)]
pub(super) struct PostIds {
    pub message: MessageId,
    /// Of its copy in the room.
    pub copy: Option<MessageId>,
}

/// The ids that a batch took. Those of refused posts stay unused.
pub(super) struct Ids(Vec<MessageId>);

/// Adds the statement that takes the ids.
pub(super) fn push_ids(statements: &mut StatementBatch, posts: &[&Post]) {
    let number = number(posts);
    match statements {
        StatementBatch::Sqlite(all) => {
            let query = all.next().push("update counters set value = value + ").push_bind(number);
            query.push(" where name = 'message' returning value as id");
        }
        StatementBatch::Postgres(all) => {
            let query = all.next().push("select nextval('message_ids') as id from ");
            query.push("generate_series(1, ").push_bind(number).push(")");
        }
    }
}

/// At least one, even if nothing is posted: from the last id other processes see that something was written.
fn number(posts: &[&Post]) -> i64 {
    let number: usize = posts.iter().map(|post| post.messages()).sum();
    i64::try_from(number.max(1)).unwrap_or(i64::MAX)
}

impl Ids {
    /// Reads the results of [`push_ids`].
    pub fn read(results: &mut BatchResults, posts: &[&Post]) -> Result<Self, sqlx::Error> {
        #[derive(sqlx::FromRow, Deserialize)]
        struct IdRow {
            id: MessageId,
        }
        let is_last = results.has_one_writer();
        let mut ids: Vec<MessageId> = results.rows()?.into_iter().map(|IdRow { id }| id).collect();
        if is_last {
            let last = ids.first().ok_or(sqlx::Error::RowNotFound)?.0;
            ids = (last - number(posts) + 1..=last).map(MessageId).collect();
        }
        ids.sort_unstable();
        Ok(Self(ids))
    }

    /// Distributes them to the posts, in order.
    pub fn of_posts(&self, posts: &[&Post]) -> Result<Vec<PostIds>, sqlx::Error> {
        let mut ids = self.0.iter().copied();
        let mut next = || ids.next().ok_or(sqlx::Error::RowNotFound);
        let take = |post: &&Post| {
            let message = next()?;
            let copy = if post.also_in_room() { Some(next()?) } else { None };
            Ok(PostIds { message, copy })
        };
        posts.iter().map(take).collect()
    }

    pub fn into_vec(self) -> Vec<MessageId> {
        self.0
    }
}

/// The last id that was taken. It grows with every batch, whichever process writes it. On `PostgreSQL` that batch, and
/// those before it, may not be committed yet.
pub(in crate::chat::messages) async fn last_message_id(db: &Db) -> Result<MessageId, sqlx::Error> {
    fetch_scalar!(db, "select last_value from message_ids")
}

/// The writing transactions that run now. A batch gets its number when it locks its rooms, so before its ids. On `SQLite`
/// none runs that has taken an id and is not visible.
pub(in crate::chat::messages) async fn running_transactions(
    db: &Db,
) -> Result<RunningTransactions, sqlx::Error> {
    if db.commits_in_order_of_ids() {
        return Ok(RunningTransactions { oldest: 0, next: 0 });
    }
    // The next number can only be taken: what a snapshot ends with counts those that have ended.
    let (oldest, next): (i64, i64) = fetch_one!(
        db,
        "select cast(cast(pg_snapshot_xmin(now) as text) as bigint),
                cast(cast(pg_current_xact_id() as text) as bigint)
         from pg_current_snapshot() now"
    )?;
    Ok(RunningTransactions { oldest, next })
}
