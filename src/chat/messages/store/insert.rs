//! Stores new messages. A post whose nonce was used before returns the message stored then. The number
//! of statements for a batch does not depend on the number of its messages.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::Serialize;

use super::mentions::{self, Mention};
use super::sql::{FROM_MESSAGES, MESSAGE_COLUMNS, SELECT_MESSAGES};
use super::{MessageRow, Outcome, joining};
use crate::changefeed::model::ChangeMeta;
use crate::chat::accounts::model::User;
use crate::chat::messages::mentions::{HandleIndex, RenderedWithMentions};
use crate::chat::messages::model::{Message, Post, WriteError, WriteOutcome};
use crate::chat::messages::render;
use crate::chat::rooms::model::{JoinRefusal, Member};
use crate::db::{
    BatchResults, Db, StatementBatch, Transaction, execute, json_rows, power_of_two_chunks,
    push_statement,
};
use crate::kernel::ids::{RoomKey, id_range_of};
use crate::kernel::{FieldError, MessageId, Rev, RoomId, Seq, Timestamp, UserId};

/// A nonce is only unique for its author.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize)]
struct NonceKey<Nonce> {
    nonce: Nonce,
    author: UserId,
}

impl<'a> NonceKey<&'a str> {
    /// Of a post that has a nonce.
    fn of(post: &'a Post) -> Option<Self> {
        let nonce = post.draft.nonce.as_ref()?.as_str();
        Some(Self { nonce, author: post.member.user().id })
    }

    fn to_owned(self) -> NonceKey<String> {
        NonceKey { nonce: self.nonce.to_owned(), author: self.author }
    }
}

/// The keys to look up for a batch of posts. Nothing is queried for an empty list.
struct Lookup<'a> {
    sends: Vec<NonceKey<&'a str>>,
    /// The messages replied to.
    originals: Vec<MessageId>,
    rooms: Vec<RoomId>,
}

impl<'a> Lookup<'a> {
    fn of(posts: &[&'a Post]) -> Self {
        let mut rooms: Vec<RoomId> = posts.iter().map(|post| post.member.room()).collect();
        rooms.sort_unstable();
        rooms.dedup();
        Self {
            sends: posts.iter().filter_map(|post| NonceKey::of(post)).collect(),
            originals: posts.iter().filter_map(|post| post.draft.reply_to).collect(),
            rooms,
        }
    }
}

/// Adds the queries whose results [`LookupResults::read`] reads. The message counter was incremented
/// before, which locks out all other writers, so the messages and the rooms' numbers read here cannot
/// change before the commit.
pub(super) fn push_lookups(statements: &mut StatementBatch, posts: &[&Post]) {
    let Lookup { sends, originals, rooms } = Lookup::of(posts);
    if !sends.is_empty() {
        push_statement!(statements, |query| {
            query
                .push(SELECT_MESSAGES!("where m.id in (select known.message_id from jsonb_each("))
                .push_bind(json_rows(&sends))
                .push(
                    ") send cross join sends known
                        where known.nonce = send.value ->> 'nonce'
                          and known.author_id = cast(send.value ->> 'author' as bigint))",
                )
        });
    }
    if !originals.is_empty() {
        push_statement!(statements, |query| {
            query
                .push(
                    "select id, pos from messages
                     where id in (select cast(value as bigint) from jsonb_each(",
                )
                .push_bind(json_rows(&originals))
                .push("))")
        });
    }
    if !rooms.is_empty() {
        push_statement!(statements, |query| {
            query
                .push(
                    "select id, last_seq, rev from rooms
                     where id in (select cast(value as bigint) from jsonb_each(",
                )
                .push_bind(json_rows(&rooms))
                .push("))")
        });
    }
}

#[derive(sqlx::FromRow)]
struct OriginalRow {
    id: MessageId,
    pos: RoomKey,
}

/// The last `seq` and `rev` of a room.
#[derive(sqlx::FromRow)]
struct RoomNumbers {
    id: RoomId,
    last_seq: Seq,
    rev: Rev,
}

/// The results of the lookups for a batch of posts.
pub(super) struct LookupResults {
    /// Messages that the same nonces of the same authors created before.
    sends: HashMap<NonceKey<String>, Arc<Message>>,
    /// The room of each message replied to.
    originals: HashMap<MessageId, RoomId>,
    rooms: HashMap<RoomId, RoomNumbers>,
    /// For each user that had to join a room for a post: the user, or why the room refused them.
    joins: HashMap<(UserId, RoomId), Result<Option<User>, JoinRefusal>>,
}

impl LookupResults {
    /// Reads the results of [`push_lookups`] for the same posts.
    pub fn read(results: &mut BatchResults, posts: &[&Post]) -> Result<Self, sqlx::Error> {
        let lookup = Lookup::of(posts);
        let mut lookups = Self {
            sends: HashMap::new(),
            originals: HashMap::new(),
            rooms: HashMap::new(),
            joins: HashMap::new(),
        };
        if !lookup.sends.is_empty() {
            let messages = results.rows::<MessageRow>()?.into_iter().map(Message::from);
            lookups.sends.extend(messages.filter_map(|message| {
                let nonce = message.nonce.clone()?;
                Some((NonceKey { nonce, author: message.author.id }, Arc::new(message)))
            }));
        }
        if !lookup.originals.is_empty() {
            let rows: Vec<OriginalRow> = results.rows()?;
            lookups.originals.extend(rows.into_iter().map(|row| (row.id, row.pos.room())));
        }
        if !lookup.rooms.is_empty() {
            let rows: Vec<RoomNumbers> = results.rows()?;
            lookups.rooms.extend(rows.into_iter().map(|row| (row.id, row)));
        }
        Ok(lookups)
    }

    /// Makes the authors members of rooms they have not joined yet. Only for posts that will be stored:
    /// not for one that was sent before, nor for one that is refused.
    pub async fn join_rooms(
        &mut self,
        transaction: &mut Transaction,
        posts: &[&Post],
        meta: ChangeMeta,
    ) -> Result<(), sqlx::Error> {
        for post in posts.iter().filter(|post| post.member.joins()) {
            let repeated = NonceKey::of(post).is_some_and(|key| self.send(key).is_some());
            let key = (post.member.user().id, post.member.room());
            if !repeated && self.allows_reply(post) && !self.joins.contains_key(&key) {
                let joined = joining::admit(transaction, &post.member, meta).await?;
                self.joins.insert(key, joined);
            }
        }
        Ok(())
    }

    /// The user who becomes a member by this post. Only the first stored post of that user in this room
    /// returns them.
    fn joined(&mut self, member: &Member) -> Result<Option<User>, JoinRefusal> {
        let joined = self.joins.get_mut(&(member.user().id, member.room()));
        joined.map_or(Ok(None), |joined| {
            joined.as_mut().map(Option::take).map_err(|refusal| *refusal)
        })
    }

    fn send(&self, key: NonceKey<&str>) -> Option<Arc<Message>> {
        self.sends.get(&key.to_owned()).cloned()
    }

    /// Whether the message replied to (if any) is in the room of the post.
    fn allows_reply(&self, post: &Post) -> bool {
        let room = |original| self.originals.get(&original);
        post.draft.reply_to.is_none_or(|original| room(original) == Some(&post.member.room()))
    }
}

/// Decides the outcome of each post. New messages get ids from `first` on, and the next `seq` and `rev`
/// of their rooms.
pub(super) fn assign_numbers<'a>(
    posts: &[&'a Post],
    mut lookups: LookupResults,
    handles: &HandleIndex,
    first: MessageId,
    now: Timestamp,
) -> Vec<Outcome> {
    let mut sent: HashMap<NonceKey<&str>, Arc<Message>> = HashMap::new();
    let mut next_id = first;
    let assign = |post: &&'a Post| {
        let id = next_id;
        next_id = id.next();
        let key = NonceKey::of(post);
        let earlier = key.and_then(|key| sent.get(&key).cloned());
        if let Some(earlier) = earlier.or_else(|| lookups.send(key?)) {
            return repeated(earlier, post);
        }
        if !lookups.allows_reply(post) {
            return Err(WriteError::Invalid(FieldError::new("reply_to", "reply-unknown")));
        }
        let joined = lookups.joined(&post.member).map_err(WriteError::JoinRefused)?;
        let room = lookups.rooms.get_mut(&post.member.room()).ok_or(WriteError::NotFound)?;
        room.last_seq = room.last_seq.next();
        room.rev = room.rev.next();
        let outcome = WriteOutcome { joined, ..stored(post, handles, id, room, now) };
        sent.extend(key.map(|key| (key, outcome.message.clone())));
        Ok(outcome)
    };
    posts.iter().map(assign).collect()
}

/// Adds the statements that store the new messages.
pub(super) fn push_inserts(statements: &mut StatementBatch, outcomes: &[Outcome]) {
    let changes: Vec<&WriteOutcome> =
        outcomes.iter().flatten().filter(|outcome| outcome.changed).collect();
    let messages: Vec<&Message> = changes.iter().map(|outcome| &*outcome.message).collect();
    if !messages.is_empty() {
        raise_numbers(statements, &messages);
        insert(statements, &messages);
        push_id_ranges(statements, &messages);
        push_idempotency_keys(statements, &messages);
        move_read_markers(statements, &messages);
        mentions::store(statements, &mentioned(&changes));
    }
}

fn mentioned(changes: &[&WriteOutcome]) -> Vec<Mention> {
    let of_message = |outcome: &&WriteOutcome| {
        let pos = RoomKey::of_seq(outcome.message.room, outcome.message.seq);
        outcome.mentioned.iter().map(move |user| Mention { user: *user, pos }).collect::<Vec<_>>()
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
                       (pos, change, id, author_id, kind, body, html, reply_to, created_at) ",
                )
                .push_values(chunk, |mut row, message| {
                    row.push_bind(RoomKey::of_seq(message.room, message.seq))
                        .push_bind(RoomKey::of_rev(message.room, message.rev))
                        .push_bind(message.id)
                        .push_bind(message.author.id)
                        .push_bind(message.kind.as_str())
                        .push_bind(&message.body)
                        .push_bind(render::stored(&message.html, &message.body))
                        .push_bind(message.reply_to)
                        .push_bind(message.created_at);
                })
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
                .push("insert into eras (number, oldest, newest) ")
                .push_values(chunk, |mut row, (range, hour)| {
                    row.push_bind(*range).push_bind(*hour).push_bind(*hour + HOUR);
                })
                .push(
                    " on conflict (number) do update set
                        oldest = case when excluded.oldest < eras.oldest
                                      then excluded.oldest else eras.oldest end,
                        newest = case when excluded.newest > eras.newest
                                      then excluded.newest else eras.newest end
                      where excluded.oldest < eras.oldest or excluded.newest > eras.newest",
                )
        });
    }
}

fn push_idempotency_keys(statements: &mut StatementBatch, messages: &[&Message]) {
    let sends: Vec<(&str, UserId, MessageId)> = messages
        .iter()
        .filter_map(|message| Some((message.nonce.as_deref()?, message.author.id, message.id)))
        .collect();
    for chunk in power_of_two_chunks(&sends) {
        push_statement!(statements, |query| {
            query.push("insert into sends (nonce, author_id, message_id) ").push_values(
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
    handles: &HandleIndex,
    id: MessageId,
    numbers: &RoomNumbers,
    now: Timestamp,
) -> WriteOutcome {
    let RenderedWithMentions { html, mentioned } =
        handles.resolve(&post.draft.body, &post.rendered);
    let message = Message {
        id,
        room: numbers.id,
        seq: numbers.last_seq,
        rev: numbers.rev,
        kind: post.draft.kind,
        author: post.member.user().clone(),
        body: post.draft.body.as_str().to_owned(),
        html,
        reply_to: post.draft.reply_to,
        created_at: now,
        edited_at: None,
        deleted_by: None,
        reactions: Vec::new(),
        nonce: post.draft.nonce.as_ref().map(|nonce| nonce.as_str().to_owned()),
    };
    WriteOutcome { message: Arc::new(message), changed: true, mentioned, joined: None }
}

/// The outcome of a post whose nonce was used before.
fn repeated(earlier: Arc<Message>, post: &Post) -> Outcome {
    // An edited or deleted message has another body, so it does not show whether the posts were the same.
    let untouched = earlier.edited_at.is_none() && !earlier.is_deleted();
    let same_body = earlier.body == post.draft.body.as_str();
    if earlier.room != post.member.room() || (untouched && !same_body) {
        return Err(WriteError::NonceReused);
    }
    Ok(WriteOutcome { message: earlier, changed: false, mentioned: Vec::new(), joined: None })
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
        "delete from sends where message_id in
           (select m.id
            from (select message_id from sends order by message_id limit $2) oldest
            join messages m on m.id = oldest.message_id
            where m.created_at < $1)",
        before,
        BATCH,
    )?;
    transaction.commit().await?;
    Ok(removed == BATCH.unsigned_abs())
}
