//! The group commit: all queued writes are stored in one transaction, with one disk sync.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::changing::{ChangeError, settle};
use super::insert;
use super::lookups::{self, LookupResults};
use super::threads::twins::{self, Twins};
use super::{Outcome, edits, link_previews, mentions, pins, quotes, threads};
use crate::changefeed::model::ChangeMeta;
use crate::chat::drafts::store::{self as drafts, SentDraft};
use crate::chat::messages::mentions::{MentionIndex, Writing};
use crate::chat::messages::model::{Nonce, Post, Write, WriteError, WriteOutcome};
use crate::chat::search;
use crate::chat::search::model::SearchDocument;
use crate::chat::search::store::IndexEntry;
use crate::db::{BatchResults, Db, StatementBatch, Transaction, fetch_scalar, push_statement};
use crate::kernel::MessageId;

/// A committed batch.
pub(in crate::chat::messages) struct Committed {
    /// The outcome of each write, in order.
    pub outcomes: Vec<Outcome>,
    /// The message ids that the batch reserved: at least one.
    pub ids: RangeInclusive<MessageId>,
    /// The drafts that the new messages were; they are deleted.
    pub drafts: Vec<SentDraft>,
}

/// The largest batch whose inserts are sent as one multi-statement text. Each batch size has its own
/// text in the statement cache, so the limit is small; for larger batches separate statements cost few
/// round trips per write.
const MAX_JOINED_WRITES: usize = 8;

/// Runs a batch in one transaction. All posts come
/// first, with a fixed number of statements, then edits, deletions and reactions one by one. A small
/// batch of posts goes to `SQLite` in two texts: the lookups, and the inserts.
///
/// `seq`, `rev` and `id` are read and incremented inside the transaction and never cached, because
/// another process may write to the same database. The message counter is incremented first, even if
/// nothing is posted: its row lock serializes all writers.
pub(in crate::chat::messages) async fn commit_group(
    db: &Db,
    writes: &[Write],
    meta: ChangeMeta,
) -> Result<Committed, sqlx::Error> {
    let posts: Vec<&Post> = writes.iter().filter_map(Write::as_post).collect();
    let new_messages: usize = posts.iter().map(|post| post.messages()).sum();
    let mut first = StatementBatch::first(db);
    reserve_ids(&mut first, new_messages);
    mentions::push_lookups(&mut first, writes);
    lookups::push_lookups(&mut first, &posts);
    let (mut transaction, mut results) = db.begin_with(first).await?;
    // Read the results in the order in which the queries were added.
    let first_id_of_batch = first_id(&mut results, new_messages)?;
    let handles = mentions::read(&mut results, writes)?;
    let mut lookups = LookupResults::read(&mut results, &posts)?;
    lookups.take(&mut transaction, &posts, meta).await?;
    let replies = threads::prepare(&mut transaction, &posts, &mut lookups, &handles, meta).await?;
    let heads = threads::heads_of(&replies);
    // Remove the old search tokens of changed messages before their rows change; the new ones are
    // written at the end of the transaction.
    let archived = edits::archived_rooms(&mut transaction, writes).await?;
    let is_refused =
        |write: &&Write| write.changed_room().is_some_and(|room| archived.contains(&room));
    let accepted = writes.iter().filter(|write| !is_refused(write));
    let edited: Vec<MessageId> = accepted.filter_map(Write::edited_message).collect();
    let twins = twins::find(&mut transaction, &edited).await?;
    let changed: Vec<MessageId> =
        edited.into_iter().chain(twins.values().map(|twin| twin.message)).collect();
    search::store::forget(&mut transaction, &changed).await?;
    let statements = |transaction: &Transaction| {
        let statements = StatementBatch::of(transaction);
        if writes.len() > MAX_JOINED_WRITES { statements.separate() } else { statements }
    };
    let mut drafts = std::mem::take(&mut lookups.drafts);
    let mut posted =
        insert::assign_numbers(&posts, lookups, replies, &handles, first_id_of_batch, meta.now);
    let mut rest = statements(&transaction);
    insert::push_inserts(&mut rest, &posted);
    link_previews::push_jobs(&mut rest, &posts, &posted, meta.now);
    if !rest.has_one_writer() {
        rest.run(&mut transaction).await?;
        rest = statements(&transaction);
        drafts = find_drafts(&mut transaction, &posts).await?;
    }
    drafts.retain(|draft| is_sent(draft, &posts, &posted));
    drafts::push_deletions(&mut rest, &drafts, meta);
    // Edits, deletions and reactions may refer to a message posted in the same batch, so it must be
    // stored before they run.
    if posts.len() < writes.len() || !heads.is_empty() {
        rest.run(&mut transaction).await?;
        rest = statements(&transaction);
    }
    threads::count(&mut transaction, &heads, &mut posted, meta.now).await?;
    let mut posted = posted.into_iter();
    let mut outcomes = Vec::with_capacity(writes.len());
    for write in writes {
        outcomes.push(match write {
            refused if is_refused(&refused) => Err(WriteError::Archived),
            Write::Post(_) => posted.next().ok_or(sqlx::Error::RowNotFound)?,
            change => settle(apply(&mut transaction, change, &handles, &twins, meta).await)?,
        });
    }
    quotes::reread(&mut transaction, writes, &mut outcomes).await?;
    search::store::write(&mut rest, &documents(db, writes, &outcomes));
    transaction.commit_with(rest).await?;
    let last = MessageId(first_id_of_batch.0 + reserved(new_messages) - 1);
    Ok(Committed { outcomes, ids: first_id_of_batch..=last, drafts })
}

async fn find_drafts(
    transaction: &mut Transaction,
    posts: &[&Post],
) -> Result<Vec<SentDraft>, sqlx::Error> {
    match lookups::sent(posts) {
        none if none.is_empty() => Ok(Vec::new()),
        sent => drafts::find_sent(transaction, &sent).await,
    }
}

/// Whether a draft became a message. A refused post keeps its draft.
fn is_sent(draft: &SentDraft, posts: &[&Post], outcomes: &[Outcome]) -> bool {
    posts.iter().zip(outcomes).any(|(post, outcome)| {
        let nonce = post.draft.nonce.as_ref().map(Nonce::as_str);
        outcome.is_ok() && nonce == Some(&draft.nonce) && post.member.user().id == draft.user
    })
}

/// Runs a write that is not a post.
async fn apply(
    transaction: &mut Transaction,
    change: &Write,
    handles: &MentionIndex,
    twins: &Twins,
    meta: ChangeMeta,
) -> Result<WriteOutcome, ChangeError> {
    let twin = change.edited_message().and_then(|message| twins.get(&message).copied());
    match change {
        // Stored already.
        Write::Post(_) => Err(sqlx::Error::RowNotFound.into()),
        Write::Edit { author, text, rendered, online } => {
            let is_in_thread = author.searched != author.room || twin.is_some();
            let (room, is_admin) = (author.searched, author.is_admin);
            let writing = Writing { room, author: author.user, is_admin, online, is_in_thread };
            let rendered = handles.resolve(&writing, &text.body, rendered);
            twins::edit(transaction, *author, text, rendered, twin, meta).await
        }
        Write::Delete(deleter) => twins::delete(transaction, deleter, twin, meta).await,
        Write::React(member, reaction) => edits::react(transaction, member, reaction, meta).await,
        Write::Unreact(reaction) => edits::unreact(transaction, reaction).await,
        Write::Pin(member, message) => pins::pin(transaction, member, *message, meta).await,
        Write::Unpin(member, message) => pins::unpin(transaction, member, *message).await,
        Write::RefreshQuotes { room, quoted } => {
            quotes::refresh_next(transaction, *room, *quoted).await
        }
        Write::ShowPreviews { room, message, found } => {
            link_previews::show(transaction, *room, *message, found).await
        }
        Write::RemovePreview { deleter, n } => {
            link_previews::remove(transaction, deleter, *n, meta.now).await
        }
        Write::Announce(thread) => {
            let head = threads::announce(transaction, *thread, meta.now).await?;
            Ok(head.ok_or(WriteError::NotFound)?)
        }
    }
}

/// The search documents of the messages whose text changed, in their state after the batch.
fn documents<'a>(db: &Db, writes: &'a [Write], outcomes: &[Outcome]) -> Vec<IndexEntry<'a>> {
    let mut newest = BTreeMap::new();
    for (write, outcome) in writes.iter().zip(outcomes) {
        let Ok(outcome) = outcome else { continue };
        let message = &outcome.message;
        match write {
            Write::Post(post) if outcome.changed => {
                let tokens = match message.attachments.as_slice() {
                    [] => Cow::from(&post.tokens),
                    files => search::store::with_files(db, &post.tokens, files).into(),
                };
                newest.insert(message.id, Some(tokens));
            }
            Write::Edit { author, .. } => {
                for WriteOutcome { message, .. } in std::iter::once(outcome).chain(&outcome.also) {
                    let document = SearchDocument::of(message, author.searched);
                    let tokens = |document| search::store::tokens(db, &document).into();
                    newest.insert(message.id, document.map(tokens));
                }
            }
            Write::Delete(_) => {
                for WriteOutcome { message, .. } in std::iter::once(outcome).chain(&outcome.also) {
                    newest.insert(message.id, None);
                }
            }
            _ => {}
        }
    }
    let entry = |(message, tokens): (_, Option<_>)| Some(IndexEntry { message, tokens: tokens? });
    newest.into_iter().filter_map(entry).collect()
}

/// Reserves the ids of new messages. Those of refused posts stay unused.
fn reserve_ids(statements: &mut StatementBatch, messages: usize) {
    push_statement!(statements, |query| {
        query
            .push("update counters set value = value + ")
            .push_bind(reserved(messages))
            .push(" where name = 'message' returning value")
    });
}

fn first_id(results: &mut BatchResults, messages: usize) -> Result<MessageId, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct CounterRow {
        value: i64,
    }
    let counter: Vec<CounterRow> = results.rows()?;
    let CounterRow { value: last } = counter.first().ok_or(sqlx::Error::RowNotFound)?;
    Ok(MessageId(last - reserved(messages) + 1))
}

/// At least one, even if nothing is posted: other processes poll the counter to notice changes.
fn reserved(messages: usize) -> i64 {
    i64::try_from(messages.max(1)).unwrap_or(i64::MAX)
}

/// The value of the message counter. It grows with every batch, whichever process writes it.
pub(in crate::chat::messages) async fn last_message_id(db: &Db) -> Result<MessageId, sqlx::Error> {
    fetch_scalar!(db, "select value from counters where name = 'message'")
}
