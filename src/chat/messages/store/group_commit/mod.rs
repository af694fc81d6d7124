//! The group commit: all queued writes are stored in one transaction, with one disk sync.

mod ids;
mod insert;
mod time_ranges;

use std::borrow::Cow;
use std::collections::BTreeMap;

pub(in crate::chat::messages) use self::ids::{last_message_id, running_transactions};
pub(in crate::chat::messages) use self::insert::prune_idempotency_keys;
pub(in crate::chat::messages) use self::time_ranges::StoredRanges;

use self::ids::Ids;
use super::changing::{ChangeError, settle};
use super::locks::{self, LockedRooms};
use super::lookups::{self, LookupResults};
use super::threads::twins::{self, Twins};
use super::{Outcome, edits, link_previews, mentions, pins, quotes, threads};
use crate::changefeed::model::ChangeMeta;
use crate::chat::drafts::store::{self as drafts, Sent, SentDraft};
use crate::chat::messages::mentions::{MentionIndex, Writing};
use crate::chat::messages::model::{Nonce, Post, Write, WriteError, WriteOutcome};
use crate::chat::search;
use crate::chat::search::model::SearchDocument;
use crate::chat::search::store::IndexEntry;
use crate::db::{Db, LockWait, StatementBatch, Transaction};
use crate::kernel::{MessageId, RoomId};

/// A committed batch.
pub(in crate::chat::messages) struct Committed {
    /// The outcome of each write, in order.
    pub outcomes: Vec<Outcome>,
    /// The message ids that the batch took, in ascending order: at least one.
    pub ids: Vec<MessageId>,
    /// The drafts that the new messages were; they are deleted.
    pub drafts: Vec<SentDraft>,
}

/// The largest batch whose inserts are sent as one multi-statement text. Each batch size has its own
/// text in the statement cache, so the limit is small; for larger batches separate statements cost few
/// round trips per write.
const MAX_JOINED_WRITES: usize = 8;

/// Runs a batch in one transaction. All posts come first, with a fixed number of statements, then edits, deletions and
/// reactions one by one. A small batch of posts goes to `SQLite` in two texts: the lookups, and the inserts. To
/// `PostgreSQL` every batch of posts goes in six: begin, the locks, the lookups, the inserts, the drafts, commit.
///
/// `seq`, `rev` and `id` are read and incremented inside the transaction and never cached, because another process may
/// write to the same database. On `PostgreSQL` the rooms are locked first: what is read afterwards stays as it is.
pub(in crate::chat::messages) async fn commit_group(
    db: &Db,
    writes: &[Write],
    ranges: &StoredRanges,
    (meta, wait): (ChangeMeta, LockWait),
) -> Result<Committed, sqlx::Error> {
    let posts: Vec<&Post> = writes.iter().filter_map(Write::as_post).collect();
    let Start { mut transaction, ids, handles, mut lookups } =
        begin(db, writes, &posts, wait).await?;
    lookups.take(&mut transaction, &posts, meta).await?;
    let replies = threads::prepare(&mut transaction, &posts, &mut lookups, &handles, meta).await?;
    let heads = threads::heads_of(&replies);
    let changes = Changes::prepare(&mut transaction, writes).await?;
    let mut drafts = std::mem::take(&mut lookups.drafts);
    let post_ids = ids.of_posts(&posts)?;
    let mut posted = insert::assign_numbers(&posts, lookups, replies, &handles, post_ids, meta.now);
    let only_posts = posts.len() == writes.len() && heads.is_empty();
    let mut rest = statements(&transaction, writes);
    let new_ranges = insert::push_inserts(&mut rest, &posted, ranges);
    link_previews::push_jobs(&mut rest, &posts, &posted, meta.now);
    if only_posts {
        search::store::write(&mut rest, &documents(db, writes, &posted));
    }
    if rest.has_one_writer() {
        drafts.retain(|draft| is_sent(draft, &posts, &posted));
        drafts::push_deletions(&mut transaction, &mut rest, &drafts, meta);
    } else {
        rest.run(&mut transaction).await?;
        rest = statements(&transaction, writes);
        drafts = drafts::delete_sent(&mut transaction, &sent(&posts, &posted), meta).await?;
    }
    // Edits, deletions and reactions may refer to a message posted in the same batch, so it must be stored before they
    // run.
    let outcomes = if only_posts {
        posted
    } else {
        rest.run(&mut transaction).await?;
        rest = statements(&transaction, writes);
        threads::count(&mut transaction, &heads, &mut posted, meta.now).await?;
        let outcomes = changes.run(&mut transaction, writes, posted, &handles, meta).await?;
        search::store::write(&mut rest, &documents(db, writes, &outcomes));
        outcomes
    };
    transaction.commit_with(rest).await?;
    ranges.add(new_ranges);
    Ok(Committed { outcomes, ids: ids.into_vec(), drafts })
}

/// A transaction that has what the batch needs.
struct Start {
    transaction: Transaction,
    ids: Ids,
    handles: MentionIndex,
    lookups: LookupResults,
}

async fn begin(
    db: &Db,
    writes: &[Write],
    posts: &[&Post],
    wait: LockWait,
) -> Result<Start, sqlx::Error> {
    let mut first = StatementBatch::first(db);
    locks::push_locks(&mut first, writes);
    first.then();
    locks::push_end_of_wait(&mut first, wait);
    ids::push_ids(&mut first, posts);
    mentions::push_lookups(&mut first, writes);
    lookups::push_lookups(&mut first, posts);
    let (transaction, mut results) = db.begin_with(first, wait).await?;
    // Read the results in the order in which the queries were added.
    let locked = LockedRooms::read(&mut results, wait)?;
    let ids = Ids::read(&mut results, posts)?;
    let handles = mentions::read(&mut results, writes)?;
    let lookups = LookupResults::read(&mut results, posts, locked)?;
    Ok(Start { transaction, ids, handles, lookups })
}

fn statements(transaction: &Transaction, writes: &[Write]) -> StatementBatch {
    let statements = StatementBatch::of(transaction).together();
    if writes.len() > MAX_JOINED_WRITES { statements.separate() } else { statements }
}

/// What the writes of a batch that are not posts need.
struct Changes {
    /// Rooms that take no more changes.
    archived: Vec<RoomId>,
    twins: Twins,
}

impl Changes {
    /// Removes the old search tokens of changed messages before their rows change; the new ones are written at the end
    /// of the transaction.
    async fn prepare(transaction: &mut Transaction, writes: &[Write]) -> Result<Self, sqlx::Error> {
        let archived = edits::archived_rooms(transaction, writes).await?;
        let mut changes = Self { archived, twins: Twins::new() };
        let accepted = writes.iter().filter(|write| !changes.refuses(write));
        let edited: Vec<MessageId> = accepted.filter_map(Write::edited_message).collect();
        changes.twins = twins::find(transaction, &edited).await?;
        let twins = changes.twins.values().map(|twin| twin.message);
        let changed: Vec<MessageId> = edited.into_iter().chain(twins).collect();
        search::store::forget(transaction, &changed).await?;
        Ok(changes)
    }

    fn refuses(&self, write: &Write) -> bool {
        write.changed_room().is_some_and(|room| self.archived.contains(&room))
    }

    /// Runs the writes one by one, and adds the outcomes of the posts in their places.
    async fn run(
        &self,
        transaction: &mut Transaction,
        writes: &[Write],
        posted: Vec<Outcome>,
        handles: &MentionIndex,
        meta: ChangeMeta,
    ) -> Result<Vec<Outcome>, sqlx::Error> {
        let mut posted = posted.into_iter();
        let mut outcomes = Vec::with_capacity(writes.len());
        for write in writes {
            outcomes.push(match write {
                refused if self.refuses(refused) => Err(WriteError::Archived),
                Write::Post(_) => posted.next().ok_or(sqlx::Error::RowNotFound)?,
                change => settle(apply(transaction, change, handles, &self.twins, meta).await)?,
            });
        }
        quotes::reread(transaction, writes, &mut outcomes).await?;
        Ok(outcomes)
    }
}

/// The posts that are stored, if they may have been drafts.
fn sent<'a>(posts: &[&'a Post], outcomes: &[Outcome]) -> Vec<Sent<'a>> {
    let stored = posts.iter().zip(outcomes).filter(|(_, outcome)| outcome.is_ok());
    lookups::sent(&stored.map(|(post, _)| *post).collect::<Vec<_>>())
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
