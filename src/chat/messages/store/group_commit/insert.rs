//! Stores new messages. A post whose nonce was used before returns the message stored then. The number
//! of statements for a batch does not depend on the number of its messages.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::ids::PostIds;
use super::time_ranges::{RangeHour, StoredRanges, push_time_ranges};
use crate::chat::files::model::{Attachment, StoredFile};
use crate::chat::files::store as files;
use crate::chat::messages::mentions::{MentionIndex, RenderedWithMentions};
use crate::chat::messages::model::{Message, Post, WriteError, WriteOutcome};
use crate::chat::messages::store::lookups::{LookupResults, NonceKey, Original, RoomNumbers};
use crate::chat::messages::store::mentions::{self, Mention};
use crate::chat::messages::store::threads::{Replies, Reply, twins};
use crate::chat::messages::store::{Outcome, quotes};
use crate::db::{Column, Db, PushGiven as _, StatementBatch, execute, push_insert, push_statement};
use crate::kernel::ids::RoomKey;
use crate::kernel::{FieldError, MessageId, RoomId, Timestamp, UserId};
use crate::text::render;

/// Decides the outcome of each post. New messages get their ids, and the next `seq` and `rev` of their rooms.
pub(super) fn assign_numbers<'a>(
    posts: &[&'a Post],
    mut lookups: LookupResults,
    mut replies: Replies,
    handles: &MentionIndex,
    ids: Vec<PostIds>,
    now: Timestamp,
) -> Vec<Outcome> {
    let mut sent: HashMap<NonceKey<&str>, Arc<Message>> = HashMap::new();
    let assign = |(place, (post, ids)): (usize, (&&'a Post, PostIds))| {
        let reply = replies.remove(&place).transpose()?;
        let room = reply.as_ref().map_or(post.member.room(), |reply| reply.thread);
        let key = NonceKey::of(post);
        let earlier = key.and_then(|key| sent.get(&key).cloned());
        if let Some(earlier) = earlier.or_else(|| lookups.earlier(key?)) {
            return repeated(earlier, post, room, &lookups.files(post));
        }
        if !lookups.has_files(post) {
            return Err(WriteError::unknown_file());
        }
        if !lookups.allows_reply(post, room) {
            return Err(WriteError::Invalid(FieldError::new("reply_to", "reply-unknown")));
        }
        if lookups.is_archived(post) {
            return Err(WriteError::Archived);
        }
        let joined = lookups.joined(&post.member).map_err(WriteError::JoinRefused)?;
        let room = lookups.rooms.get_mut(&room).ok_or(WriteError::NotFound)?;
        room.last_seq = room.last_seq.next();
        room.rev = room.rev.next();
        let numbers = *room;
        let attachments = lookups.take_files(post, ids.message);
        let original = lookups.original(post);
        let stored = stored(post, original, attachments, handles, (ids.message, now), numbers);
        let mut outcome = WriteOutcome { joined, ..stored };
        if let Some(reply) = reply {
            add_reply(&mut outcome, reply, ids.copy, &mut lookups)?;
        }
        sent.extend(key.map(|key| (key, outcome.message.clone())));
        Ok(outcome)
    };
    posts.iter().zip(ids).enumerate().map(assign).collect()
}

/// Adds what a reply in a thread brings along: who hears of it, who follows the thread now, the copy in the
/// room.
fn add_reply(
    outcome: &mut WriteOutcome,
    reply: Reply,
    copy: Option<MessageId>,
    lookups: &mut LookupResults,
) -> Result<(), WriteError> {
    outcome.joined.extend(reply.joined);
    let new = |user: &UserId| !outcome.mentioned.contains(user);
    let notified: Vec<UserId> = reply.notified.into_iter().filter(new).collect();
    outcome.mentioned.extend(notified);
    if let Some(id) = copy {
        let numbers = lookups.rooms.get_mut(&reply.parent.room).ok_or(WriteError::NotFound)?;
        outcome.also.push(twins::copy_for_room(&outcome.message, reply.parent, id, numbers));
    }
    Ok(())
}

/// Adds the statements that store the new messages. None of them needs the rows of another one. Returns what they add to
/// `stored`.
pub(super) fn push_inserts<'a>(
    statements: &mut StatementBatch,
    outcomes: &'a [Outcome],
    stored: &StoredRanges,
) -> Vec<RangeHour> {
    let changes: Vec<&WriteOutcome> =
        outcomes.iter().flatten().filter(|outcome| outcome.changed).collect();
    let mut messages: Vec<&Message> = changes
        .iter()
        .flat_map(|outcome| std::iter::once(*outcome).chain(&outcome.also))
        .map(|outcome| &*outcome.message)
        .collect();
    messages.sort_unstable_by_key(|message| message.id);
    if !messages.is_empty() {
        raise_numbers(statements, &messages);
        insert(statements, &messages);
        let attached = |message: &&'a Message| (message.room, &*message.attachments, message.id);
        files::push_attachments(statements, &messages.iter().map(attached).collect::<Vec<_>>());
        push_idempotency_keys(statements, &messages);
        move_read_markers(statements, &messages);
        mentions::store(statements, &mentioned(&changes));
    }
    push_time_ranges(statements, &messages, stored)
}

fn mentioned(changes: &[&WriteOutcome]) -> Vec<Mention> {
    let of_message = |outcome: &&WriteOutcome| {
        let room_seq_key = RoomKey::of_seq(outcome.message.room, outcome.message.seq);
        outcome
            .mentioned
            .iter()
            .map(move |user| Mention { user: *user, room_seq_key })
            .collect::<Vec<_>>()
    };
    changes.iter().flat_map(of_message).collect()
}

fn raise_numbers(statements: &mut StatementBatch, messages: &[&Message]) {
    let last: BTreeMap<RoomId, &Message> =
        messages.iter().map(|message| (message.room, *message)).collect();
    let columns = [
        ("room", numbers(last.values(), |message| message.room.0)),
        ("seq", numbers(last.values(), |message| message.seq.0)),
        ("rev", numbers(last.values(), |message| message.rev.0)),
    ];
    push_statement!(statements, |query| {
        query
            .push("update rooms set last_seq = given.seq, rev = given.rev from ")
            .push_given(&columns)
            .push(" where rooms.id = given.room")
    });
}

fn numbers<'a>(
    messages: impl Iterator<Item = &'a &'a Message>,
    value: impl Fn(&Message) -> i64,
) -> Column<'static> {
    Column::Numbers(messages.map(|message| value(message)).collect())
}

fn insert(statements: &mut StatementBatch, messages: &[&Message]) {
    fn texts<'a>(messages: &[&'a Message], text: impl Fn(&'a Message) -> &'a str) -> Column<'a> {
        Column::Texts(messages.iter().map(|message| text(message)).collect())
    }
    let all = || messages.iter();
    let optional = |id: fn(&Message) -> Option<MessageId>| {
        Column::Optional(all().map(|message| Some(id(message)?.0)).collect())
    };
    let files = |message: &Message| i64::try_from(message.attachments.len()).unwrap_or(i64::MAX);
    let columns = [
        ("room_seq_key", numbers(all(), |m| RoomKey::of_seq(m.room, m.seq).get())),
        ("room_rev_key", numbers(all(), |m| RoomKey::of_rev(m.room, m.rev).get())),
        ("id", numbers(all(), |message| message.id.0)),
        ("author_id", numbers(all(), |message| message.author.id.0)),
        ("kind", texts(messages, |message| message.kind.as_str())),
        ("body", texts(messages, |message| &message.body)),
        ("html", texts(messages, |message| render::stored(&message.html, &message.body))),
        ("markup", numbers(all(), |message| message.markup.number())),
        ("reply_to", optional(|message| message.reply_to)),
        ("created_at", numbers(all(), |message| message.created_at.0)),
        // Ties the copies of replies to these.
        ("twin_of", optional(|message| message.twin_of)),
        ("files", numbers(all(), files)),
    ];
    push_insert(statements, "messages", &columns, "");
}

fn push_idempotency_keys(statements: &mut StatementBatch, messages: &[&Message]) {
    let keys: Vec<(&str, &Message)> =
        messages.iter().filter_map(|message| Some((message.nonce.as_deref()?, *message))).collect();
    if !keys.is_empty() {
        let messages = || keys.iter().map(|(_, message)| message);
        let columns = [
            ("nonce", Column::Texts(keys.iter().map(|(nonce, _)| *nonce).collect())),
            ("author_id", numbers(messages(), |message| message.author.id.0)),
            ("message_id", numbers(messages(), |message| message.id.0)),
        ];
        push_insert(statements, "idempotency_keys", &columns, "");
    }
}

/// Posting a message moves the author's read marker to it.
fn move_read_markers(statements: &mut StatementBatch, messages: &[&Message]) {
    let last: BTreeMap<(UserId, RoomId), &Message> =
        messages.iter().map(|message| ((message.author.id, message.room), *message)).collect();
    let columns = [
        ("reader", numbers(last.values(), |message| message.author.id.0)),
        ("room", numbers(last.values(), |message| message.room.0)),
        ("seq", numbers(last.values(), |message| message.seq.0)),
    ];
    push_statement!(statements, |query| {
        query
            .push("update memberships set last_read_seq = given.seq from ")
            .push_given(&columns)
            .push(" where user_id = given.reader and room_id = given.room")
    });
}

fn stored(
    post: &Post,
    original: Option<&Original>,
    attachments: Vec<Attachment>,
    handles: &MentionIndex,
    (id, now): (MessageId, Timestamp),
    numbers: RoomNumbers,
) -> WriteOutcome {
    let author = post.member.user();
    let RenderedWithMentions { html, markup, mut mentioned, outsiders, .. } =
        handles.resolve_post(post);
    if let Some(original) = original {
        quotes::notify_quoted(&mut mentioned, original.author, author.id);
    }
    let message = Message {
        id,
        room: numbers.id,
        seq: numbers.last_seq,
        rev: numbers.rev,
        kind: post.draft.kind,
        author: post.member.user().into(),
        body: post.draft.body.as_str().to_owned(),
        html,
        markup,
        reply_to: post.draft.reply_to,
        quote: original.and_then(|original| original.quote.clone()),
        pinned_by: None,
        edits: 0,
        created_at: now,
        edited_at: None,
        deleted_by: None,
        reactions: Vec::new(),
        nonce: post.draft.nonce.as_ref().map(|nonce| nonce.as_str().to_owned()),
        thread: None,
        twin_of: None,
        previews: Vec::new(),
        attachments,
    };
    WriteOutcome { mentioned, outsiders, ..WriteOutcome::new(message, true) }
}

/// The outcome of a post whose nonce was used before.
fn repeated(earlier: Arc<Message>, post: &Post, room: RoomId, files: &[&StoredFile]) -> Outcome {
    // An edited or deleted message has another body, so it does not show whether the posts were the same.
    let untouched = earlier.edited_at.is_none() && !earlier.is_deleted();
    let same_text = earlier.body == post.draft.body.as_str() && earlier.markup == post.draft.markup;
    let same_place = earlier.room == room && earlier.reply_to == post.draft.reply_to;
    let same_files = earlier.is_deleted() || post.draft.files.are(&earlier.attachments, files);
    if !same_place || !same_files || (untouched && !same_text) {
        return Err(WriteError::NonceReused);
    }
    Ok(WriteOutcome::of(earlier, false))
}

/// Deletes idempotency keys of messages older than `before`, in batches small enough not to delay other
/// writes. Returns true if there may be more.
pub(in crate::chat::messages) async fn prune_idempotency_keys(
    db: &Db,
    before: Timestamp,
) -> Result<bool, sqlx::Error> {
    const BATCH: i64 = 500;
    let mut transaction = db.begin().await?;
    let removed = execute!(
        transaction,
        "delete from idempotency_keys where message_id in
           (select m.id
            from (select message_id from idempotency_keys order by message_id limit $2) oldest
            join messages m on m.id = oldest.message_id
            where m.created_at < $1)",
        before,
        BATCH,
    )?;
    transaction.commit().await?;
    Ok(removed == BATCH.unsigned_abs())
}
