//! Stores new messages. A post whose nonce was used before returns the message stored then. The number
//! of statements for a batch does not depend on the number of its messages.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::Serialize;

use super::{
    MessageRow, Outcome, from_messages, joining, mentions, message_columns, select_messages,
};
use crate::changefeed::model::ChangeMeta;
use crate::chat::accounts::model::User;
use crate::chat::messages::mentions::{HandleIndex, RenderedWithMentions};
use crate::chat::messages::model::{Message, Post, WriteError, WriteOutcome};
use crate::chat::messages::render;
use crate::chat::rooms::model::{JoinRefusal, Member};
use crate::db::{
    BatchResults, Db, StatementBatch, Transaction, json_rows, power_of_two_chunks, push_statement,
    writing,
};
use crate::kernel::ids::{RoomKey, id_range_of};
use crate::kernel::{FieldError, MessageId, Rev, RoomId, Seq, Timestamp, UserId};

/// A nonce is only unique for its author.
type NonceKey<'a> = (&'a str, UserId);

/// The keys to look up for a batch of posts. Nothing is queried for an empty list.
struct Lookup<'a> {
    sends: Vec<Send<'a>>,
    /// The messages replied to.
    originals: Vec<i64>,
    rooms: Vec<i64>,
}

#[derive(Serialize)]
struct Send<'a> {
    nonce: &'a str,
    author: i64,
}

impl<'a> Lookup<'a> {
    fn of(posts: &[&'a Post]) -> Self {
        let sends = posts.iter().filter_map(|post| nonce_key(post));
        let mut rooms: Vec<i64> = posts.iter().map(|post| post.member.room().0).collect();
        rooms.sort_unstable();
        rooms.dedup();
        Self {
            sends: sends.map(|(nonce, author)| Send { nonce, author: author.0 }).collect(),
            originals: posts.iter().filter_map(|post| Some(post.draft.reply_to?.0)).collect(),
            rooms,
        }
    }
}

fn nonce_key(post: &Post) -> Option<NonceKey<'_>> {
    post.draft.nonce.as_ref().map(|nonce| (nonce.as_str(), post.member.user().id))
}

/// Adds the queries whose results [`LookupResults::read`] reads. The message counter was incremented
/// before, which locks out all other writers, so the messages and the rooms' numbers read here cannot
/// change before the commit.
pub(super) fn push_lookups(statements: &mut StatementBatch, posts: &[&Post]) {
    let Lookup { sends, originals, rooms } = Lookup::of(posts);
    if !sends.is_empty() {
        push_statement!(statements, |query| {
            query
                .push(select_messages!("where m.id in (select known.message_id from jsonb_each("))
                .push_bind(json_rows(&sends))
                .push(
                    ") send cross join sends known
                        where known.nonce = send.value ->> 'nonce'
                          and known.author_id = cast(send.value ->> 'author' as bigint))",
                )
        });
    }
    let among =
        |ids| (" where id in (select cast(value as bigint) from jsonb_each(", json_rows(ids), "))");
    if !originals.is_empty() {
        let (open, ids, close) = among(&originals);
        push_statement!(statements, |query| {
            query.push("select id, pos from messages").push(open).push_bind(ids).push(close)
        });
    }
    if !rooms.is_empty() {
        let (open, ids, close) = among(&rooms);
        push_statement!(statements, |query| {
            query.push("select id, last_seq, rev from rooms").push(open).push_bind(ids).push(close)
        });
    }
}

/// The results of the lookups for a batch of posts.
pub(super) struct LookupResults {
    /// Messages that the same nonces of the same authors created before.
    sends: HashMap<(String, UserId), Arc<Message>>,
    /// The room of each message replied to.
    originals: HashMap<MessageId, RoomId>,
    /// The last `seq` and `rev` of each room.
    rooms: HashMap<RoomId, (Seq, Rev)>,
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
                Some(((message.nonce.clone()?, message.author.id), Arc::new(message)))
            }));
        }
        if !lookup.originals.is_empty() {
            let found: Vec<(i64, i64)> = results.rows()?;
            let found =
                found.into_iter().map(|(id, pos)| (MessageId(id), RoomKey::stored(pos).room()));
            lookups.originals.extend(found);
        }
        if !lookup.rooms.is_empty() {
            let found: Vec<(i64, i64, i64)> = results.rows()?;
            let found = found.into_iter().map(|(id, seq, rev)| (RoomId(id), (Seq(seq), Rev(rev))));
            lookups.rooms.extend(found);
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
            let repeated = nonce_key(post).is_some_and(|sender| self.send(sender).is_some());
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

    fn send(&self, (nonce, author): NonceKey<'_>) -> Option<Arc<Message>> {
        self.sends.get(&(nonce.to_owned(), author)).cloned()
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
    let mut sent: HashMap<NonceKey<'_>, Arc<Message>> = HashMap::new();
    let assign = |(id, post): (i64, &'a Post)| {
        let sender = nonce_key(post);
        let earlier = sender.and_then(|sender| sent.get(&sender).cloned());
        if let Some(earlier) = earlier.or_else(|| lookups.send(sender?)) {
            return repeated(earlier, post);
        }
        if !lookups.allows_reply(post) {
            return Err(WriteError::Invalid(FieldError::new("reply_to", "reply-unknown")));
        }
        let joined = lookups.joined(&post.member).map_err(WriteError::JoinRefused)?;
        let (seq, rev) = lookups.rooms.get_mut(&post.member.room()).ok_or(WriteError::NotFound)?;
        seq.0 += 1;
        rev.0 += 1;
        let outcome = stored(post, handles, (MessageId(id), *seq, *rev), now);
        let outcome = WriteOutcome { joined, ..outcome };
        sent.extend(sender.map(|sender| (sender, outcome.message.clone())));
        Ok(outcome)
    };
    (first.0..).zip(posts.iter().copied()).map(assign).collect()
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

fn mentioned(changes: &[&WriteOutcome]) -> Vec<(UserId, RoomKey)> {
    let key = |message: &Message| RoomKey::of_seq(message.room, message.seq);
    let keys = changes.iter().map(|outcome| (outcome, key(&outcome.message)));
    keys.flat_map(|(outcome, pos)| outcome.mentioned.iter().map(move |user| (*user, pos))).collect()
}

fn raise_numbers(statements: &mut StatementBatch, messages: &[&Message]) {
    // Ordered by room id: every transaction that locks several rooms locks them in this order, so that
    // two of them cannot deadlock.
    let last: BTreeMap<i64, (i64, i64)> =
        messages.iter().map(|message| (message.room.0, (message.seq.0, message.rev.0))).collect();
    let raised: Vec<(i64, i64, i64)> =
        last.into_iter().map(|(room, (seq, rev))| (room, seq, rev)).collect();
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
                    row.push_bind(RoomKey::of_seq(message.room, message.seq).get())
                        .push_bind(RoomKey::of_rev(message.room, message.rev).get())
                        .push_bind(message.id.0)
                        .push_bind(message.author.id.0)
                        .push_bind(message.kind.as_str())
                        .push_bind(&message.body)
                        .push_bind(render::stored(&message.html, &message.body))
                        .push_bind(message.reply_to.map(|id| id.0))
                        .push_bind(message.created_at.0);
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
    let sends: Vec<(&str, i64, i64)> = messages
        .iter()
        .filter_map(|message| Some((message.nonce.as_deref()?, message.author.id.0, message.id.0)))
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
    let last: BTreeMap<(i64, i64), i64> = messages
        .iter()
        .map(|message| ((message.author.id.0, message.room.0), message.seq.0))
        .collect();
    let markers: Vec<(i64, i64, i64)> =
        last.into_iter().map(|((user, room), seq)| (user, room, seq)).collect();
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
    (id, seq, rev): (MessageId, Seq, Rev),
    now: Timestamp,
) -> WriteOutcome {
    let RenderedWithMentions { html, mentioned } =
        handles.resolve(&post.draft.body, &post.rendered);
    let message = Message {
        id,
        room: post.member.room(),
        seq,
        rev,
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
    let removed = writing!(transaction, |connection| {
        sqlx::query(
            "delete from sends where message_id in
               (select m.id
                from (select message_id from sends order by message_id limit $2) oldest
                join messages m on m.id = oldest.message_id
                where m.created_at < $1)",
        )
        .bind(before.0)
        .bind(BATCH)
        .execute(connection)
        .await?
        .rows_affected()
    });
    transaction.commit().await?;
    Ok(removed == BATCH.unsigned_abs())
}
