//! Posting: new messages, or those that the same sends made before. What a batch costs in statements
//! does not depend on how many messages are in it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Serialize;
use sqlx::QueryBuilder;

use super::batch::Outcome;
use super::{MessageRow, select_messages};
use crate::chat::messages::model::{Message, Post, WriteError, Written};
use crate::db::{Change, Db, rows, runs, writing};
use crate::kernel::ids::{key, room_of};
use crate::kernel::{Invalid, MessageId, Rev, RoomId, Seq, Timestamp, UserId};

/// What a nonce means depends on who sent it.
type Sender<'a> = (&'a str, UserId);

/// What becomes of a post.
enum Step {
    Store,
    /// It was sent before, or may not be.
    Settled(Outcome),
    /// The post at this place of the same batch is the same send.
    RepeatOf(usize),
}

/// Stores new messages, unless they were sent before. Ids are given from `first` on.
pub(super) async fn append(
    change: &mut Change,
    posts: &[&Post],
    first: MessageId,
    now: Timestamp,
) -> Result<Vec<Outcome>, sqlx::Error> {
    if posts.is_empty() {
        return Ok(Vec::new());
    }
    let steps = sort_out(change, posts).await?;
    let mut next = raise_numbers(change, posts, &steps).await?;
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(posts.len());
    for (id, (post, step)) in (first.0..).map(MessageId).zip(posts.iter().zip(steps)) {
        let outcome = match step {
            Step::Settled(outcome) => outcome,
            Step::RepeatOf(place) => match outcomes.get(place) {
                Some(Ok(earlier)) => repeated(earlier.message.clone(), post),
                _ => Err(WriteError::NotFound),
            },
            Step::Store => match next.get_mut(&post.member.room()) {
                Some((seq, rev)) => {
                    let posted = stored(post, id, *seq, *rev, now);
                    (seq.0, rev.0) = (seq.0 + 1, rev.0 + 1);
                    Ok(posted)
                }
                None => Err(WriteError::NotFound),
            },
        };
        outcomes.push(outcome);
    }
    let news = outcomes.iter().flatten().filter(|written| written.new);
    let messages: Vec<&Message> = news.map(|written| &*written.message).collect();
    insert(change, &messages).await?;
    remember_sends(change, &messages).await?;
    mark_read(change, &messages).await?;
    Ok(outcomes)
}

async fn sort_out(change: &mut Change, posts: &[&Post]) -> Result<Vec<Step>, sqlx::Error> {
    let known = find_repeats(change, posts).await?;
    let rooms = rooms_of_originals(change, posts).await?;
    let mut sent: HashMap<Sender<'_>, usize> = HashMap::new();
    let mut steps = Vec::with_capacity(posts.len());
    for (place, post) in posts.iter().enumerate() {
        let sender = sender(post);
        let earlier = sender.and_then(|(nonce, author)| known.get(&(nonce.to_owned(), author)));
        let repeat = sender.and_then(|sender| sent.get(&sender).copied());
        let original = post.draft.reply_to.map(|original| rooms.get(&original).copied());
        steps.push(if let Some(earlier) = earlier {
            sent.extend(sender.map(|sender| (sender, place)));
            Step::Settled(repeated(Arc::new(earlier.clone()), post))
        } else if let Some(place) = repeat {
            Step::RepeatOf(place)
        } else if original.is_some_and(|room| room != Some(post.member.room())) {
            let unknown = Invalid::new("reply_to", "reply-unknown");
            Step::Settled(Err(WriteError::Invalid(unknown)))
        } else {
            sent.extend(sender.map(|sender| (sender, place)));
            Step::Store
        });
    }
    Ok(steps)
}

fn sender(post: &Post) -> Option<Sender<'_>> {
    post.draft.nonce.as_ref().map(|nonce| (nonce.as_str(), post.member.person().id))
}

/// What these sends made before.
async fn find_repeats(
    change: &mut Change,
    posts: &[&Post],
) -> Result<HashMap<(String, UserId), Message>, sqlx::Error> {
    #[derive(Serialize)]
    struct Send<'a> {
        nonce: &'a str,
        author: i64,
    }
    let sends: Vec<Send<'_>> = posts
        .iter()
        .filter_map(|post| sender(post))
        .map(|(nonce, author)| Send { nonce, author: author.0 })
        .collect();
    if sends.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<MessageRow> = writing!(*change, |connection| {
        sqlx::query_as(select_messages!(
            "where m.id in
               (select known.message_id from jsonb_each($1) send cross join sends known
                where known.nonce = send.value ->> 'nonce'
                  and known.author_id = cast(send.value ->> 'author' as bigint))"
        ))
        .bind(rows(&sends))
        .fetch_all(connection)
        .await?
    });
    let by_sender = |row: MessageRow| {
        let message = Message::from(row);
        Some(((message.nonce.clone()?, message.author.id), message))
    };
    Ok(found.into_iter().filter_map(by_sender).collect())
}

/// In which rooms the messages are that are replied to.
async fn rooms_of_originals(
    change: &mut Change,
    posts: &[&Post],
) -> Result<HashMap<MessageId, RoomId>, sqlx::Error> {
    let originals: Vec<i64> =
        posts.iter().filter_map(|post| post.draft.reply_to).map(|id| id.0).collect();
    if originals.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<(i64, i64)> = writing!(*change, |connection| {
        sqlx::query_as(
            "select id, pos from messages
             where id in (select cast(value as bigint) from jsonb_each($1))",
        )
        .bind(rows(&originals))
        .fetch_all(connection)
        .await?
    });
    Ok(found.into_iter().map(|(id, pos)| (MessageId(id), room_of(pos))).collect())
}

/// Raises the rooms' numbers by what they get, and answers the first new ones of each.
async fn raise_numbers(
    change: &mut Change,
    posts: &[&Post],
    steps: &[Step],
) -> Result<HashMap<RoomId, (Seq, Rev)>, sqlx::Error> {
    // In ascending order: all who lock several rooms lock them so.
    let mut counts: BTreeMap<i64, i64> = BTreeMap::new();
    for (post, _) in posts.iter().zip(steps).filter(|(_, step)| matches!(step, Step::Store)) {
        *counts.entry(post.member.room().0).or_default() += 1;
    }
    let wanted: Vec<(i64, i64)> = counts.iter().map(|(room, count)| (*room, *count)).collect();
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let raised: Vec<(i64, i64, i64)> = writing!(*change, |connection| {
        sqlx::query_as(
            "update rooms set last_seq = last_seq + wanted.count, rev = rev + wanted.count
             from (select cast(value ->> 0 as bigint) as room, cast(value ->> 1 as bigint) as count
                   from jsonb_each($1)) wanted
             where rooms.id = wanted.room
             returning id, last_seq, rev",
        )
        .bind(rows(&wanted))
        .fetch_all(connection)
        .await?
    });
    let first = |(room, seq, rev): (i64, i64, i64)| {
        let count = counts.get(&room).copied().unwrap_or_default();
        (RoomId(room), (Seq(seq - count + 1), Rev(rev - count + 1)))
    };
    Ok(raised.into_iter().map(first).collect())
}

async fn insert(change: &mut Change, messages: &[&Message]) -> Result<(), sqlx::Error> {
    for run in runs(messages) {
        writing!(*change, |connection| {
            QueryBuilder::new(
                "insert into messages
                   (pos, change, id, author_id, kind, body, html, reply_to, created_at) ",
            )
            .push_values(run, |mut row, message| {
                row.push_bind(key(message.room, message.seq.0))
                    .push_bind(key(message.room, message.rev.0))
                    .push_bind(message.id.0)
                    .push_bind(message.author.id.0)
                    .push_bind(message.kind.as_str())
                    .push_bind(&message.body)
                    .push_bind(&message.html)
                    .push_bind(message.reply_to.map(|id| id.0))
                    .push_bind(message.created_at.0);
            })
            .build()
            .execute(connection)
            .await?
            .rows_affected()
        });
    }
    Ok(())
}

async fn remember_sends(change: &mut Change, messages: &[&Message]) -> Result<(), sqlx::Error> {
    let sends: Vec<(&str, i64, i64)> = messages
        .iter()
        .filter_map(|message| Some((message.nonce.as_deref()?, message.author.id.0, message.id.0)))
        .collect();
    for run in runs(&sends) {
        writing!(*change, |connection| {
            QueryBuilder::new("insert into sends (nonce, author_id, message_id) ")
                .push_values(run, |mut row, (nonce, author, message)| {
                    row.push_bind(*nonce).push_bind(*author).push_bind(*message);
                })
                .build()
                .execute(connection)
                .await?
                .rows_affected()
        });
    }
    Ok(())
}

/// Who writes has read.
async fn mark_read(change: &mut Change, messages: &[&Message]) -> Result<(), sqlx::Error> {
    let last: BTreeMap<(i64, i64), i64> = messages
        .iter()
        .map(|message| ((message.author.id.0, message.room.0), message.seq.0))
        .collect();
    let marks: Vec<(i64, i64, i64)> =
        last.into_iter().map(|((user, room), seq)| (user, room, seq)).collect();
    if marks.is_empty() {
        return Ok(());
    }
    writing!(*change, |connection| {
        sqlx::query(
            "update memberships set last_read_seq = read.seq
             from (select cast(value ->> 0 as bigint) as reader,
                          cast(value ->> 1 as bigint) as room, cast(value ->> 2 as bigint) as seq
                   from jsonb_each($1)) read
             where user_id = read.reader and room_id = read.room",
        )
        .bind(rows(&marks))
        .execute(connection)
        .await?
        .rows_affected()
    });
    Ok(())
}

fn stored(post: &Post, id: MessageId, seq: Seq, rev: Rev, now: Timestamp) -> Written {
    let message = Message {
        id,
        room: post.member.room(),
        seq,
        rev,
        kind: post.draft.kind,
        author: post.member.person().clone(),
        body: post.draft.body.as_str().to_owned(),
        html: post.html.clone(),
        reply_to: post.draft.reply_to,
        created_at: now,
        edited_at: None,
        deleted: false,
        reactions: Vec::new(),
        nonce: post.draft.nonce.as_ref().map(|nonce| nonce.as_str().to_owned()),
    };
    Written { message: Arc::new(message), new: true }
}

fn repeated(earlier: Arc<Message>, post: &Post) -> Outcome {
    // An edited or deleted message has another body now; that it is the same send is still true.
    let untouched = earlier.edited_at.is_none() && !earlier.deleted;
    let same_body = earlier.body == post.draft.body.as_str();
    if earlier.room != post.member.room() || (untouched && !same_body) {
        return Err(WriteError::NonceReused);
    }
    Ok(Written { message: earlier, new: false })
}

/// Forgets which send made which message, for messages older than `before`, in pieces that hold
/// nobody up. True when there may be more.
pub(in crate::chat::messages) async fn prune_sends(
    db: &Db,
    before: Timestamp,
) -> Result<bool, sqlx::Error> {
    const PIECE: i64 = 500;
    let mut change = db.change().await?;
    let removed = writing!(change, |connection| {
        sqlx::query(
            "delete from sends where message_id in
               (select m.id
                from (select message_id from sends order by message_id limit $2) oldest
                join messages m on m.id = oldest.message_id
                where m.created_at < $1)",
        )
        .bind(before.0)
        .bind(PIECE)
        .execute(connection)
        .await?
        .rows_affected()
    });
    change.commit().await?;
    Ok(removed == PIECE.unsigned_abs())
}
