//! Stores new messages. A post whose nonce was used before returns the message stored then. The number
//! of statements for a batch does not depend on the number of its messages.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::lookups::{LookupResults, NonceKey, Original, RoomNumbers};
use super::mentions::{self, Mention};
use super::threads::{Replies, Reply, twins};
use super::{Outcome, quotes};
use crate::chat::files::model::{Attachment, StoredFile};
use crate::chat::files::store as files;
use crate::chat::messages::mentions::{MentionIndex, RenderedWithMentions};
use crate::chat::messages::model::{Message, Post, WriteError, WriteOutcome};
use crate::db::{Db, StatementBatch, execute, json_rows, power_of_two_chunks, push_statement};
use crate::kernel::ids::{RoomKey, id_range_of};
use crate::kernel::{FieldError, MessageId, Rev, RoomId, Seq, Timestamp, UserId};
use crate::text::render;

/// Decides the outcome of each post. New messages get ids from `first` on, and the next `seq` and `rev`
/// of their rooms.
pub(super) fn assign_numbers<'a>(
    posts: &[&'a Post],
    mut lookups: LookupResults,
    mut replies: Replies,
    handles: &MentionIndex,
    first: MessageId,
    now: Timestamp,
) -> Vec<Outcome> {
    let mut sent: HashMap<NonceKey<&str>, Arc<Message>> = HashMap::new();
    let mut next_id = first;
    let assign = |(place, post): (usize, &&'a Post)| {
        let id = next_id;
        next_id = if post.also_in_room() { id.next().next() } else { id.next() };
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
        let attachments = lookups.take_files(post, id);
        let original = lookups.original(post);
        let stored = stored(post, original, attachments, handles, (id, now), numbers);
        let mut outcome = WriteOutcome { joined, ..stored };
        if let Some(reply) = reply {
            add_reply(&mut outcome, reply, post, &mut lookups)?;
        }
        sent.extend(key.map(|key| (key, outcome.message.clone())));
        Ok(outcome)
    };
    posts.iter().enumerate().map(assign).collect()
}

/// Adds what a reply in a thread brings along: who hears of it, who follows the thread now, the copy in the
/// room.
fn add_reply(
    outcome: &mut WriteOutcome,
    reply: Reply,
    post: &Post,
    lookups: &mut LookupResults,
) -> Result<(), WriteError> {
    outcome.joined.extend(reply.joined);
    let new = |user: &UserId| !outcome.mentioned.contains(user);
    let notified: Vec<UserId> = reply.notified.into_iter().filter(new).collect();
    outcome.mentioned.extend(notified);
    if post.also_in_room() {
        let numbers = lookups.rooms.get_mut(&reply.parent.room).ok_or(WriteError::NotFound)?;
        let id = outcome.message.id.next();
        outcome.also.push(twins::copy_for_room(&outcome.message, reply.parent, id, numbers));
    }
    Ok(())
}

/// Adds the statements that store the new messages.
pub(super) fn push_inserts(statements: &mut StatementBatch, outcomes: &[Outcome]) {
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
        mark_copies(statements, &messages);
        for message in messages.iter().filter(|message| !message.attachments.is_empty()) {
            let place = (message.room, message.id);
            files::push_attachments(statements, place, &message.attachments);
        }
        push_id_ranges(statements, &messages);
        push_idempotency_keys(statements, &messages);
        move_read_markers(statements, &messages);
        mentions::store(statements, &mentioned(&changes));
    }
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
    // Ordered by room id: every transaction that locks several rooms locks them in this order, so that
    // two of them cannot deadlock.
    let last: BTreeMap<RoomId, &Message> =
        messages.iter().map(|message| (message.room, *message)).collect();
    let raised: Vec<(RoomId, Seq, Rev)> =
        last.into_values().map(|message| (message.room, message.seq, message.rev)).collect();
    push_statement!(statements, |query| {
        query
            .push(
                "update rooms set last_seq = raised.seq, rev = raised.rev
                 from (select cast(value ->> 0 as bigint) as room,
                              cast(value ->> 1 as bigint) as seq,
                              cast(value ->> 2 as bigint) as rev
                       from jsonb_each(",
            )
            .push_bind(json_rows(&raised))
            .push(")) raised where rooms.id = raised.room")
    });
}

fn insert(statements: &mut StatementBatch, messages: &[&Message]) {
    for chunk in power_of_two_chunks(messages) {
        push_statement!(statements, |query| {
            query
                .push(
                    "insert into messages
                       (room_seq_key, room_rev_key, id, author_id, kind, body, html, markup, reply_to,
                        created_at) ",
                )
                .push_values(chunk, |mut row, message| {
                    row.push_bind(RoomKey::of_seq(message.room, message.seq))
                        .push_bind(RoomKey::of_rev(message.room, message.rev))
                        .push_bind(message.id)
                        .push_bind(message.author.id)
                        .push_bind(message.kind.as_str())
                        .push_bind(&message.body)
                        .push_bind(render::stored(&message.html, &message.body))
                        .push_bind(message.markup)
                        .push_bind(message.reply_to)
                        .push_bind(message.created_at);
                })
        });
    }
}

/// Ties the copies of replies to these.
fn mark_copies(statements: &mut StatementBatch, messages: &[&Message]) {
    for (copy, reply) in messages.iter().filter_map(|copy| Some((copy.id, copy.twin_of?))) {
        push_statement!(statements, |query| {
            query
                .push("update messages set twin_of = ")
                .push_bind(reply)
                .push(" where id = ")
                .push_bind(copy)
        });
    }
}

/// Widens the time span of the messages' id ranges, in whole hours, so that most batches write nothing
/// here.
fn push_id_ranges(statements: &mut StatementBatch, messages: &[&Message]) {
    const HOUR: i64 = 3_600_000;
    let hours: BTreeSet<(i64, i64)> = messages
        .iter()
        .map(|message| (id_range_of(message.id), message.created_at.0.div_euclid(HOUR) * HOUR))
        .collect();
    let hours: Vec<(i64, i64)> = hours.into_iter().collect();
    for chunk in power_of_two_chunks(&hours) {
        push_statement!(statements, |query| {
            query
                .push("insert into message_time_ranges (id_range, oldest, newest) ")
                .push_values(chunk, |mut row, (range, hour)| {
                    row.push_bind(*range).push_bind(*hour).push_bind(*hour + HOUR);
                })
                .push(
                    " on conflict (id_range) do update set
                        oldest = case when excluded.oldest < message_time_ranges.oldest
                                      then excluded.oldest else message_time_ranges.oldest end,
                        newest = case when excluded.newest > message_time_ranges.newest
                                      then excluded.newest else message_time_ranges.newest end
                      where excluded.oldest < message_time_ranges.oldest or excluded.newest > message_time_ranges.newest",
                )
        });
    }
}

fn push_idempotency_keys(statements: &mut StatementBatch, messages: &[&Message]) {
    let keys: Vec<(&str, UserId, MessageId)> = messages
        .iter()
        .filter_map(|message| Some((message.nonce.as_deref()?, message.author.id, message.id)))
        .collect();
    for chunk in power_of_two_chunks(&keys) {
        push_statement!(statements, |query| {
            query.push("insert into idempotency_keys (nonce, author_id, message_id) ").push_values(
                chunk,
                |mut row, (nonce, author, message)| {
                    row.push_bind(*nonce).push_bind(*author).push_bind(*message);
                },
            )
        });
    }
}

/// Posting a message moves the author's read marker to it.
fn move_read_markers(statements: &mut StatementBatch, messages: &[&Message]) {
    let last: BTreeMap<(UserId, RoomId), &Message> =
        messages.iter().map(|message| ((message.author.id, message.room), *message)).collect();
    let markers: Vec<(UserId, RoomId, Seq)> =
        last.into_values().map(|message| (message.author.id, message.room, message.seq)).collect();
    push_statement!(statements, |query| {
        query
            .push(
                "update memberships set last_read_seq = read.seq
                 from (select cast(value ->> 0 as bigint) as reader,
                              cast(value ->> 1 as bigint) as room,
                              cast(value ->> 2 as bigint) as seq
                       from jsonb_each(",
            )
            .push_bind(json_rows(&markers))
            .push(")) read where user_id = read.reader and room_id = read.room")
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
