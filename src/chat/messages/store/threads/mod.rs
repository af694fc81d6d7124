//! Replies in threads, as a part of a batch: which thread a reply goes to, who follows it from then on, and
//! what its head shows. A batch without replies runs none of this.

pub(super) mod twins;

use std::collections::{BTreeMap, HashMap};

use super::changing::{ChangeError, find, next_change, settle, touch};
use super::lookups::{LookupResults, NonceKey, RoomNumbers};
use super::{Outcome, joining};
use crate::changefeed::model::ChangeMeta;
use crate::chat::messages::mentions::MentionIndex;
use crate::chat::messages::model::{Message, NewMember, Post, WriteError, WriteOutcome};
use crate::chat::rooms::model::{ParentMessage, Visibility};
use crate::chat::rooms::{GATE, IS_ARCHIVED, add_followers, create_thread, lock_rooms};
use crate::db::{
    Db, Transaction, execute, fetch_all, fetch_optional, fetch_optional_scalar, fetch_scalars,
    json_rows,
};
use crate::kernel::ids::RoomKey;
use crate::kernel::{MessageId, RoomId, Timestamp, UserId};
use crate::limits::threads::HEAD_EVERY;

/// What the batch has found out about a reply.
pub(super) struct Reply {
    /// The thread, as a room.
    pub thread: RoomId,
    pub parent: ParentMessage,
    /// Who hears of it as of a mention, although the text does not mention them: the author of the head, if
    /// this reply begins the thread.
    pub notified: Vec<UserId>,
    /// Who became a member of the room or of the thread.
    pub joined: Vec<NewMember>,
}

/// By the position of the post in the batch. Posts that are not replies are missing.
pub(super) type Replies = HashMap<usize, Result<Reply, WriteError>>;

/// The heads of the replies that are not refused, by the position of the post.
pub(super) fn heads_of(replies: &Replies) -> HashMap<usize, ParentMessage> {
    let head =
        |(place, reply): (&usize, &Result<Reply, _>)| Some((*place, reply.as_ref().ok()?.parent));
    replies.iter().filter_map(head).collect()
}

/// A message that replies were written to.
struct Head {
    room: RoomId,
    author: UserId,
    is_deleted: bool,
    thread: Option<RoomId>,
    /// It is a reply in a thread itself.
    is_reply: bool,
}

/// Prepares the replies among the posts of a batch: creates the threads that do not exist yet, and adds their
/// followers. Replies that were sent before and those that are refused change nothing.
///
/// The rooms of the heads are locked (see [`super::commit_group`]), so of two first replies the second one finds
/// the thread of the first.
pub(super) async fn prepare(
    transaction: &mut Transaction,
    posts: &[&Post],
    lookups: &mut LookupResults,
    handles: &MentionIndex,
    meta: ChangeMeta,
) -> Result<Replies, sqlx::Error> {
    let written: Vec<(usize, &Post, ParentMessage)> = posts
        .iter()
        .enumerate()
        .filter_map(|(place, post)| Some((place, *post, post.head()?)))
        .collect();
    if written.is_empty() {
        return Ok(Replies::new());
    }
    let ids: Vec<MessageId> = written.iter().map(|(_, _, head)| head.message).collect();
    let mut heads = heads(transaction, &ids).await?;
    let threads = heads.values().filter_map(|head| head.thread);
    lock_rooms(transaction, lookups.locked.missing(threads)).await?;
    let mut replies = Replies::new();
    for (place, post, parent) in written {
        let head = heads.get_mut(&parent.message).filter(|head| head.room == parent.room);
        let repeated = NonceKey::of(post).is_some_and(|key| lookups.earlier(key).is_some());
        let reply = match head {
            None => Err(WriteError::NotFound),
            Some(head) if repeated => Ok(Reply {
                thread: head.thread.unwrap_or(post.member.room()),
                parent,
                notified: Vec::new(),
                joined: Vec::new(),
            }),
            Some(_) if !lookups.has_files(post) => Err(WriteError::unknown_file()),
            Some(_) if lookups.is_archived(post) => Err(WriteError::Archived),
            Some(head) if head.is_reply => Err(WriteError::ThreadInThread),
            Some(head) if head.is_deleted && head.thread.is_none() => Err(WriteError::Deleted),
            Some(head) => settle(admit(transaction, post, parent, head, handles, meta).await)?,
        };
        replies.insert(place, reply);
    }
    let threads: Vec<RoomId> = replies.values().flatten().map(|reply| reply.thread).collect();
    lookups.rooms.extend(numbers(transaction, &threads).await?);
    Ok(replies)
}

async fn heads(
    transaction: &mut Transaction,
    ids: &[MessageId],
) -> Result<HashMap<MessageId, Head>, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct HeadRow {
        id: MessageId,
        room_seq_key: RoomKey,
        author_id: UserId,
        is_deleted: bool,
        thread_id: Option<RoomId>,
        is_reply: bool,
    }
    let rows: Vec<HeadRow> = fetch_all!(
        transaction,
        "select id, room_seq_key, author_id, deleted_at is not null as is_deleted, thread_id,
                exists (select 1 from threads t where t.room_id = messages.room_seq_key >> 32) as is_reply
         from messages where id in (select cast(value as bigint) from jsonb_each($1))",
        json_rows(ids),
    )?;
    let head = |row: HeadRow| {
        let head = Head {
            room: row.room_seq_key.room(),
            author: row.author_id,
            is_deleted: row.is_deleted,
            thread: row.thread_id,
            is_reply: row.is_reply,
        };
        (row.id, head)
    };
    Ok(rows.into_iter().map(head).collect())
}

async fn numbers(
    transaction: &mut Transaction,
    rooms: &[RoomId],
) -> Result<Vec<(RoomId, RoomNumbers)>, sqlx::Error> {
    let rows: Vec<RoomNumbers> = fetch_all!(
        transaction,
        concat!(
            "select id, last_seq, rev, ",
            IS_ARCHIVED!("rooms.id"),
            " as is_archived from rooms
             where id in (select cast(value as bigint) from jsonb_each($1))"
        ),
        json_rows(rooms),
    )?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// Makes the author a member of the room if they are not one yet, creates the thread if this is the first
/// reply, and lets follow it: who replies, who is mentioned, and the author of the head.
async fn admit(
    transaction: &mut Transaction,
    post: &Post,
    parent: ParentMessage,
    head: &mut Head,
    handles: &MentionIndex,
    meta: ChangeMeta,
) -> Result<Reply, ChangeError> {
    let author = post.member.user();
    let joined = joining::admit(transaction, &post.member, meta).await?;
    let mut joined = joined.map_err(WriteError::JoinRefused)?;
    let mut users = handles.resolve_post(post).mentioned;
    users.push(author.id);
    let (thread, is_first) = if let Some(thread) = head.thread {
        (thread, false)
    } else {
        let thread = create_thread(transaction, parent, meta).await?;
        execute!(
            transaction,
            "update messages set thread_id = $2 where id = $1",
            parent.message,
            thread,
        )?;
        head.thread = Some(thread);
        users.push(head.author);
        (thread, true)
    };
    let followers = add_followers(transaction, thread, parent.room, &users, meta).await?;
    let is_notified = is_first && head.author != author.id;
    let notified = followers.iter().map(|user| user.id);
    let notified = notified.filter(|user| is_notified && *user == head.author).collect();
    joined.extend(followers.into_iter().map(|user| NewMember {
        room: thread,
        visibility: Visibility::Thread,
        user,
    }));
    Ok(Reply { thread, parent, notified, joined })
}

/// Counts the replies that the batch has stored, and gives their heads a new `rev`, unless they had one less
/// than [`HEAD_EVERY`] ago. These are marked: the writer publishes them with [`announce`] when that time is
/// over, after a crash as well, because the mark is stored with the reply.
pub(super) async fn count(
    transaction: &mut Transaction,
    parents: &HashMap<usize, ParentMessage>,
    outcomes: &mut [Outcome],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut heads: BTreeMap<RoomId, (ParentMessage, &mut WriteOutcome, i64)> = BTreeMap::new();
    for (place, outcome) in outcomes.iter_mut().enumerate() {
        let (Some(parent), Ok(outcome)) = (parents.get(&place), outcome) else { continue };
        if !outcome.changed {
            continue;
        }
        let Message { room, seq, author, .. } = &*outcome.message;
        let (room, seq, author) = (*room, *seq, author.id);
        execute!(
            transaction,
            "insert into thread_authors (room_id, user_id, replies, last_seq) values ($1, $2, 1, $3)
             on conflict (room_id, user_id) do update
             set replies = thread_authors.replies + 1, last_seq = excluded.last_seq",
            room,
            author,
            seq,
        )?;
        heads.entry(room).or_insert((*parent, outcome, 0)).2 += 1;
    }
    for (thread, (parent, outcome, replies)) in heads {
        let is_stale: Option<i64> = fetch_optional_scalar!(
            transaction,
            "update threads
             set replies = replies + $2, last_reply_at = $3,
                 head_stale = case when announced_at > $4 and announced_at <= $3 then 1 else 0 end,
                 announced_at = case when announced_at > $4 and announced_at <= $3 then announced_at else $3 end
             where room_id = $1 returning head_stale",
            thread,
            replies,
            now,
            now.minus(HEAD_EVERY),
        )?;
        if is_stale == Some(0) {
            outcome.also.extend(raise(transaction, parent).await?);
        }
    }
    Ok(())
}

/// Gives the head of a thread a new `rev` if there were replies, or fewer of them, since its last one.
pub(super) async fn announce(
    transaction: &mut Transaction,
    thread: RoomId,
    now: Timestamp,
) -> Result<Option<WriteOutcome>, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct ThreadRow {
        parent_room_id: RoomId,
        head_id: MessageId,
    }
    let row: Option<ThreadRow> = fetch_optional!(
        transaction,
        "update threads set head_stale = 0, announced_at = $2 where room_id = $1 and head_stale = 1
         returning parent_room_id, head_id",
        thread,
        now,
    )?;
    let Some(ThreadRow { parent_room_id: room, head_id: message }) = row else { return Ok(None) };
    raise(transaction, ParentMessage { room, message }).await
}

/// The threads whose heads do not show their last replies yet, and may.
pub(in crate::chat::messages) async fn stale_threads(
    db: &Db,
    now: Timestamp,
) -> Result<Vec<RoomId>, sqlx::Error> {
    fetch_scalars!(
        db,
        "select room_id from threads where head_stale = 1 and (announced_at <= $1 or announced_at > $2)
         order by announced_at limit 100",
        now.minus(HEAD_EVERY),
        now,
    )
}

async fn raise(
    transaction: &mut Transaction,
    head: ParentMessage,
) -> Result<Option<WriteOutcome>, sqlx::Error> {
    // A purged room has no messages any more.
    if find(transaction, head.room, head.message).await?.is_none() {
        return Ok(None);
    }
    let change = next_change(transaction, head.room).await?;
    touch(transaction, head.message, change).await?;
    Ok(find(transaction, head.room, head.message).await?.map(|head| WriteOutcome::new(head, true)))
}

/// A message was deleted: if it was a reply in a thread, the thread has one less. Its head shows that when it
/// is next announced.
pub(super) async fn uncount(
    transaction: &mut Transaction,
    message: &Message,
) -> Result<(), sqlx::Error> {
    let Message { room, seq, author, .. } = message;
    let is_reply = execute!(
        transaction,
        "update threads set replies = replies - 1, head_stale = 1 where room_id = $1",
        *room,
    )?;
    if is_reply == 0 {
        return Ok(());
    }
    // Older than the deleted one, if that was their last: those in between are deleted already.
    execute!(
        transaction,
        "update thread_authors
         set replies = replies - 1,
             last_seq = case when last_seq = $3 then coalesce(
               (select m.room_seq_key & 4294967295 from messages m
                where m.room_seq_key > $4 and m.room_seq_key < $5 and m.author_id = $2 and m.deleted_at is null
                order by m.room_seq_key desc limit 1), 0) else last_seq end
         where room_id = $1 and user_id = $2",
        *room,
        author.id,
        *seq,
        RoomKey::first(*room),
        RoomKey::of_seq(*room, *seq),
    )?;
    execute!(
        transaction,
        "delete from thread_authors where room_id = $1 and user_id = $2 and replies <= 0",
        *room,
        author.id,
    )?;
    execute!(
        transaction,
        "update threads set last_reply_at =
           (select created_at from messages where room_seq_key =
              (select ($1 << 32) + max(last_seq) from thread_authors where room_id = $1))
         where room_id = $1",
        *room,
    )?;
    Ok(())
}
