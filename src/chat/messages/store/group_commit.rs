//! What waits together is written together: one transaction, one sync of the disk.

use std::collections::BTreeMap;

use super::insert::{self, LookupResults};
use super::{Outcome, edits, mentions};
use crate::changefeed::model::ChangeMeta;
use crate::chat::messages::model::{Post, Write, WriteOutcome};
use crate::chat::search;
use crate::chat::search::model::SearchDocument;
use crate::chat::search::store::Indexed;
use crate::db::{BatchResults, Db, StatementBatch, Transaction, push_statement, reading};
use crate::kernel::MessageId;

/// So many writes are stored by one text. There is one for each number of them, so it cannot be many;
/// for more the ways to and fro are few for each.
const MAX_JOINED_WRITES: usize = 8;

/// Does a batch in one transaction and answers each write, in their order. First come all posts, with
/// a handful of statements however many they are, then the changes, one by one. A few posts alone go to
/// `SQLite` in two pieces: what has to be known, and what is to be stored.
///
/// `seq`, `rev` and `id` are read and raised inside the transaction and never remembered: another
/// process may write to the same database. The counter is raised first, also when nothing is
/// posted, and so orders all writers.
pub(in crate::chat::messages) async fn commit_group(
    db: &Db,
    writes: &[Write],
    stamp: ChangeMeta,
) -> Result<Vec<Outcome>, sqlx::Error> {
    let now = stamp.now;
    let posts: Vec<&Post> = writes.iter().filter_map(Write::as_post).collect();
    let mut first = StatementBatch::first(db);
    reserve_ids(&mut first, posts.len());
    mentions::push_lookups(&mut first, writes);
    insert::push_lookups(&mut first, &posts);
    let (mut change, mut answers) = db.begin_with(first).await?;
    let id = first_id(&mut answers, posts.len())?;
    let called = mentions::read(&mut answers, writes)?;
    let mut known = LookupResults::read(&mut answers, &posts)?;
    known.join_rooms(&mut change, &posts, stamp).await?;
    let changed: Vec<MessageId> = writes.iter().filter_map(Write::edited_message).collect();
    search::store::forget(&mut change, &changed).await?;
    let statements = |change: &Transaction| {
        let statements = StatementBatch::of(change);
        if writes.len() > MAX_JOINED_WRITES { statements.separate() } else { statements }
    };
    let posted = insert::assign_numbers(&posts, known, &called, id, now);
    let mut rest = statements(&change);
    insert::push_inserts(&mut rest, &posted);
    if posts.len() < writes.len() {
        rest.run(&mut change).await?;
        rest = statements(&change);
    }
    let mut posted = posted.into_iter();
    let mut outcomes = Vec::with_capacity(writes.len());
    for write in writes {
        let outcome = match write {
            Write::Post(_) => posted.next().ok_or(sqlx::Error::RowNotFound)?,
            Write::Edit { author, body, rendered } => {
                let text = called.resolve(body, rendered);
                edits::edit(&mut change, *author, (body.as_str(), text), now).await?
            }
            Write::Delete(deleter) => edits::delete(&mut change, deleter, now).await?,
            Write::React(member, reaction) => {
                edits::react(&mut change, member, *reaction, stamp).await?
            }
            Write::Unreact(reaction) => edits::unreact(&mut change, *reaction).await?,
        };
        outcomes.push(outcome);
    }
    search::store::write(&mut rest, &entries(db, writes, &outcomes));
    change.commit_with(rest).await?;
    Ok(outcomes)
}

/// What search shall know of the messages whose text is new, as they are after the batch.
fn entries<'a>(db: &Db, writes: &'a [Write], outcomes: &[Outcome]) -> Vec<Indexed<'a>> {
    let mut newest = BTreeMap::new();
    for (write, outcome) in writes.iter().zip(outcomes) {
        let Ok(WriteOutcome { message, changed: new, .. }) = outcome else { continue };
        let tokens = match write {
            Write::Post(post) if *new => Some(post.tokens.as_str().into()),
            Write::Edit { .. } | Write::Delete(_) => {
                SearchDocument::of(message).map(|entry| search::store::tokens(db, &entry).into())
            }
            _ => continue,
        };
        newest.insert(message.id, tokens);
    }
    newest.into_iter().filter_map(|(message, tokens)| Some((message, tokens?))).collect()
}

/// As many fresh ids as there are posts. Those of refused posts stay unused.
fn reserve_ids(statements: &mut StatementBatch, posts: usize) {
    push_statement!(statements, |query| {
        query
            .push("update counters set value = value + ")
            .push_bind(wanted(posts))
            .push(" where name = 'message' returning value")
    });
}

fn first_id(answers: &mut BatchResults, posts: usize) -> Result<MessageId, sqlx::Error> {
    let raised: Vec<(i64,)> = answers.rows()?;
    let (last,) = raised.first().ok_or(sqlx::Error::RowNotFound)?;
    Ok(MessageId(last - wanted(posts) + 1))
}

/// Where nothing is posted it counts all the same: others see by it that something changed.
fn wanted(posts: usize) -> i64 {
    i64::try_from(posts.max(1)).unwrap_or(i64::MAX)
}

/// A number that is another one after each batch, whichever process wrote it.
pub(in crate::chat::messages) async fn last_message_id(db: &Db) -> Result<i64, sqlx::Error> {
    let (count,): (i64,) = reading!(db, |pool| {
        sqlx::query_as("select value from counters where name = 'message'").fetch_one(pool).await?
    });
    Ok(count)
}
