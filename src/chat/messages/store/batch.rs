//! What waits together is written together: one transaction, one sync of the disk.

use std::collections::BTreeMap;

use super::{append, changes};
use crate::chat::messages::model::{Post, Write, WriteError, Written};
use crate::chat::search;
use crate::chat::search::model::Entry;
use crate::chat::search::store::Indexed;
use crate::db::{Change, Db, reading, writing};
use crate::kernel::{MessageId, Timestamp};

/// What came of one write; a refused one does not touch the others.
pub(in crate::chat::messages) type Outcome = Result<Written, WriteError>;

/// Does a batch in one transaction and answers each write, in their order. First come all posts, with
/// a handful of statements however many they are, then the changes, one by one.
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
    let posts: Vec<&Post> = writes.iter().filter_map(Write::as_post).collect();
    let first = reserve_ids(&mut change, posts.len()).await?;
    let changed: Vec<MessageId> = writes.iter().filter_map(Write::retold).collect();
    search::store::forget(&mut change, &changed).await?;
    let mut posted = append::append(&mut change, &posts, first, now).await?.into_iter();
    let mut outcomes = Vec::with_capacity(writes.len());
    for write in writes {
        let outcome = match write {
            Write::Post(_) => posted.next().ok_or(sqlx::Error::RowNotFound)?,
            Write::Edit { author, body, html } => {
                changes::edit(&mut change, *author, (body.as_str(), html), now).await?
            }
            Write::Delete(author) => changes::delete(&mut change, *author, now).await?,
            Write::React(reaction) => changes::react(&mut change, *reaction).await?,
            Write::Unreact(reaction) => changes::unreact(&mut change, *reaction).await?,
        };
        outcomes.push(outcome);
    }
    search::store::write(&mut change, &entries(db, writes, &outcomes)).await?;
    change.commit().await?;
    Ok(outcomes)
}

/// What search shall know of the messages whose text is new, as they are after the batch.
fn entries<'a>(db: &Db, writes: &'a [Write], outcomes: &[Outcome]) -> Vec<Indexed<'a>> {
    let mut newest = BTreeMap::new();
    for (write, outcome) in writes.iter().zip(outcomes) {
        let Ok(Written { message, new }) = outcome else { continue };
        let tokens = match write {
            Write::Post(post) if *new => Some(post.tokens.as_str().into()),
            Write::Edit { .. } | Write::Delete(_) => {
                Entry::of(message).map(|entry| search::store::tokens(db, &entry).into())
            }
            _ => continue,
        };
        newest.insert(message.id, tokens);
    }
    newest.into_iter().filter_map(|(message, tokens)| Some((message, tokens?))).collect()
}

/// The first of as many fresh ids as there are posts. Those of refused posts stay unused.
async fn reserve_ids(change: &mut Change, posts: usize) -> Result<MessageId, sqlx::Error> {
    // Where nothing is posted it counts all the same: others see by it that something changed.
    let wanted = i64::try_from(posts.max(1)).unwrap_or(i64::MAX);
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

/// A number that is another one after each batch, whichever process wrote it.
pub(in crate::chat::messages) async fn count(db: &Db) -> Result<i64, sqlx::Error> {
    let (count,): (i64,) = reading!(db, |pool| {
        sqlx::query_as("select value from counters where name = 'message'").fetch_one(pool).await?
    });
    Ok(count)
}
