//! What waits together is written together: one transaction, one sync of the disk.

use super::{append, changes};
use crate::chat::messages::model::{Write, WriteError, Written};
use crate::db::{Change, Db, writing};
use crate::kernel::{MessageId, Timestamp};

/// What came of one write; a refused one does not touch the others.
pub(in crate::chat::messages) type Outcome = Result<Written, WriteError>;

/// Does a batch in one transaction and answers each write, in their order.
///
/// `seq`, `rev` and `id` are read and raised inside the transaction and never remembered: another
/// process may write to the same database. The counter is raised first, also when nothing is
/// posted, and so orders all writers.
pub(in crate::chat::messages) async fn write(
    db: &Db,
    writes: &[Write],
    now: Timestamp,
) -> Result<Vec<Outcome>, sqlx::Error> {
    let mut change = db.change().await?;
    let posts = writes.iter().filter(|write| matches!(write, Write::Post(_))).count();
    let mut id = reserve_ids(&mut change, posts).await?;
    let mut outcomes = Vec::with_capacity(writes.len());
    for write in writes {
        let outcome = match write {
            Write::Post(post) => {
                let mine = id;
                id.0 += 1;
                append::append(&mut change, post, mine, now).await?
            }
            Write::Edit { author, body, html } => {
                changes::edit(&mut change, *author, (body.as_str(), html), now).await?
            }
            Write::Delete(author) => changes::delete(&mut change, *author, now).await?,
            Write::React(reaction) => changes::react(&mut change, *reaction).await?,
            Write::Unreact(reaction) => changes::unreact(&mut change, *reaction).await?,
        };
        outcomes.push(outcome);
    }
    change.commit().await?;
    Ok(outcomes)
}

/// The first of as many fresh ids as there are posts. Those of refused posts stay unused.
async fn reserve_ids(change: &mut Change, posts: usize) -> Result<MessageId, sqlx::Error> {
    let wanted = i64::try_from(posts).unwrap_or(i64::MAX);
    let (last,): (i64,) = writing!(*change, |connection| {
        sqlx::query_as(
            "update counters set value = value + $1 where name = 'message' returning value",
        )
        .bind(wanted)
        .fetch_one(connection)
        .await?
    });
    Ok(MessageId(last - wanted + 1))
}
