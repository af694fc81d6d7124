//! What storing a batch of posts needs to know: earlier messages with the same nonces, the messages replied to, and
//! the last numbers of the rooms. The number of queries does not depend on the number of posts.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;

use super::locks::LockedRooms;
use super::sql::{FROM_MESSAGES, MESSAGE_COLUMNS, QUOTE_COLUMN, SELECT_MESSAGES};
use super::{MessageRow, joining};
use crate::changefeed::model::ChangeMeta;
use crate::chat::drafts::store::{self as drafts, Sent, SentDraft};
use crate::chat::files::model::{Attachment, FileId, StoredFile};
use crate::chat::files::store as files;
use crate::chat::messages::model::{Message, NewMember, Post, Quote};
use crate::chat::rooms::model::{JoinRefusal, Member};
use crate::chat::rooms::{GATE, IS_ARCHIVED};
use crate::db::{
    BatchResults, Column, PushGiven as _, StatementBatch, Transaction, fetch_all, json_rows,
    push_statement,
};
use crate::kernel::{MessageId, Rev, RoomId, Seq, UserId};

/// A nonce is only unique for its author.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct NonceKey<Nonce> {
    nonce: Nonce,
    author: UserId,
}

impl<'a> NonceKey<&'a str> {
    /// Of a post that has a nonce.
    pub fn of(post: &'a Post) -> Option<Self> {
        let nonce = post.draft.nonce.as_ref()?.as_str();
        Some(Self { nonce, author: post.member.user().id })
    }

    fn to_owned(self) -> NonceKey<String> {
        NonceKey { nonce: self.nonce.to_owned(), author: self.author }
    }
}

/// The keys to look up for a batch of posts. Nothing is queried for an empty list.
struct Lookup<'a> {
    nonces: Vec<NonceKey<&'a str>>,
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
            nonces: posts.iter().filter_map(|post| NonceKey::of(post)).collect(),
            originals: posts.iter().filter_map(|post| post.draft.reply_to).collect(),
            rooms,
        }
    }
}

/// Adds the queries whose results [`LookupResults::read`] reads. The rooms are locked, so the messages and the rooms'
/// numbers read here cannot change before the commit.
pub(super) fn push_lookups(statements: &mut StatementBatch, posts: &[&Post]) {
    let Lookup { nonces, originals, rooms } = Lookup::of(posts);
    if !nonces.is_empty() {
        let columns = [
            ("nonce", Column::Texts(nonces.iter().map(|key| key.nonce).collect())),
            ("author", Column::Numbers(nonces.iter().map(|key| key.author.0).collect())),
        ];
        push_statement!(statements, |query| {
            query.push("select known.message_id as message from ").push_given(&columns).push(
                " join idempotency_keys known
                    on known.nonce = given.nonce and known.author_id = given.author",
            )
        });
    }
    if !originals.is_empty() {
        let columns = [("id", Column::Numbers(originals.iter().map(|id| id.0).collect()))];
        push_statement!(statements, |query| {
            query
                .push(concat!(
                    "select q.id, q.room_seq_key >> 32 as room, q.author_id as author, ",
                    QUOTE_COLUMN!(),
                    " as quote from ",
                ))
                .push_given(&columns)
                .push(" join messages q on q.id = given.id join users a on a.id = q.author_id")
        });
    }
    if !rooms.is_empty() {
        let columns = [("room", Column::Numbers(rooms.iter().map(|room| room.0).collect()))];
        push_statement!(statements, |query| {
            query
                .push(concat!(
                    "select rooms.id, last_seq, rev, ",
                    IS_ARCHIVED!("rooms.id"),
                    " as is_archived from "
                ))
                .push_given(&columns)
                .push(" join rooms on rooms.id = given.room")
        });
    }
    // With one writer, no draft can come between this query and the commit. Otherwise they are looked up when the
    // nonces are stored: a draft with one of them waits from then on.
    if statements.has_one_writer() && !nonces.is_empty() {
        drafts::push_sent(statements, &sent(posts));
    }
}

/// The posts that may have been drafts.
pub(super) fn sent<'a>(posts: &[&'a Post]) -> Vec<Sent<'a>> {
    let sent = |post: &&'a Post| {
        let NonceKey { nonce, author: user } = NonceKey::of(post)?;
        Some(Sent { user, nonce })
    };
    posts.iter().filter_map(sent).collect()
}

#[derive(sqlx::FromRow, Deserialize)]
struct KnownRow {
    message: MessageId,
}

#[derive(sqlx::FromRow, Deserialize)]
struct OriginalRow {
    id: MessageId,
    room: RoomId,
    author: UserId,
    quote: Option<String>,
}

/// A message replied to.
pub(super) struct Original {
    room: RoomId,
    pub author: UserId,
    pub quote: Option<Quote>,
}

impl From<OriginalRow> for Original {
    fn from(row: OriginalRow) -> Self {
        Self {
            room: row.room,
            author: row.author,
            quote: row.quote.as_deref().and_then(Quote::from_column),
        }
    }
}

/// The last `seq` and `rev` of a room, and whether it takes messages.
#[derive(Clone, Copy, sqlx::FromRow, Deserialize)]
pub(super) struct RoomNumbers {
    pub id: RoomId,
    pub last_seq: Seq,
    pub rev: Rev,
    pub is_archived: bool,
}

/// The results of the lookups for a batch of posts.
pub(super) struct LookupResults {
    pub locked: LockedRooms,
    /// The messages that the nonces created before.
    known: Vec<MessageId>,
    /// Messages that the same nonces of the same authors created before.
    earlier: HashMap<NonceKey<String>, Arc<Message>>,
    originals: HashMap<MessageId, Original>,
    pub rooms: HashMap<RoomId, RoomNumbers>,
    /// The drafts that the posts were; see [`sent`].
    pub drafts: Vec<SentDraft>,
    /// For each user that had to join a room for a post: the new member, or why the room refused them.
    joins: HashMap<(UserId, RoomId), Result<Vec<NewMember>, JoinRefusal>>,
    /// The files that the posts name and that no message has.
    files: HashMap<FileId, StoredFile>,
}

impl LookupResults {
    /// Reads the results of [`push_lookups`] for the same posts.
    pub fn read(
        results: &mut BatchResults,
        posts: &[&Post],
        locked: LockedRooms,
    ) -> Result<Self, sqlx::Error> {
        let lookup = Lookup::of(posts);
        let mut lookups = Self {
            locked,
            known: Vec::new(),
            earlier: HashMap::new(),
            originals: HashMap::new(),
            rooms: HashMap::new(),
            drafts: Vec::new(),
            joins: HashMap::new(),
            files: HashMap::new(),
        };
        if !lookup.nonces.is_empty() {
            let rows: Vec<KnownRow> = results.rows()?;
            lookups.known = rows.into_iter().map(|row| row.message).collect();
        }
        if !lookup.originals.is_empty() {
            let rows: Vec<OriginalRow> = results.rows()?;
            lookups.originals.extend(rows.into_iter().map(|row| (row.id, Original::from(row))));
        }
        if !lookup.rooms.is_empty() {
            let rows: Vec<RoomNumbers> = results.rows()?;
            lookups.rooms.extend(rows.into_iter().map(|row| (row.id, row)));
        }
        if results.has_one_writer() && !lookup.nonces.is_empty() {
            lookups.drafts = drafts::read_sent(results)?;
        }
        Ok(lookups)
    }

    /// Reads the messages of repeated posts, and takes what the others need besides their rows: the files that they name,
    /// and memberships of who joins by posting.
    pub async fn take(
        &mut self,
        transaction: &mut Transaction,
        posts: &[&Post],
        meta: ChangeMeta,
    ) -> Result<(), sqlx::Error> {
        self.find_earlier(transaction).await?;
        self.lock_files(transaction, posts).await?;
        self.join_rooms(transaction, posts, meta).await
    }

    async fn find_earlier(&mut self, transaction: &mut Transaction) -> Result<(), sqlx::Error> {
        if self.known.is_empty() {
            return Ok(());
        }
        let rows: Vec<MessageRow> = fetch_all!(
            transaction,
            SELECT_MESSAGES!("where m.id in (select cast(value as bigint) from jsonb_each($1))"),
            json_rows(&self.known),
        )?;
        self.earlier.extend(rows.into_iter().map(Message::from).filter_map(|message| {
            let nonce = message.nonce.clone()?;
            Some((NonceKey { nonce, author: message.author.id }, Arc::new(message)))
        }));
        Ok(())
    }

    /// Locks the files that the posts name, if they name any.
    async fn lock_files(
        &mut self,
        transaction: &mut Transaction,
        posts: &[&Post],
    ) -> Result<(), sqlx::Error> {
        let ids: Vec<&FileId> = posts.iter().flat_map(|post| &post.draft.files.ids).collect();
        if !ids.is_empty() {
            self.files = files::lock_unposted(transaction, &ids).await?;
        }
        Ok(())
    }

    /// The files of a post, as far as they are its author's and in no message.
    pub fn files(&self, post: &Post) -> Vec<&StoredFile> {
        let own = |file: &&StoredFile| file.owner == post.member.user().id;
        post.draft.files.ids.iter().filter_map(|id| self.files.get(id).filter(own)).collect()
    }

    /// Whether the post has all the files that it names.
    pub fn has_files(&self, post: &Post) -> bool {
        self.files(post).len() == post.draft.files.ids.len()
    }

    /// Takes the files of a post, so that no later one of the batch gets them.
    pub fn take_files(&mut self, post: &Post, message: MessageId) -> Vec<Attachment> {
        let take = |id: &FileId| Some(self.files.remove(id)?.attached_to(message));
        post.draft.files.ids.iter().filter_map(take).collect()
    }

    /// Makes the authors members of rooms they have not joined yet. Only for posts that will be stored:
    /// not for one that was sent before, nor for one that is refused. Replies in threads come later.
    async fn join_rooms(
        &mut self,
        transaction: &mut Transaction,
        posts: &[&Post],
        meta: ChangeMeta,
    ) -> Result<(), sqlx::Error> {
        for post in posts.iter().filter(|post| post.member.joins() && post.head().is_none()) {
            let repeated = NonceKey::of(post).is_some_and(|key| self.earlier(key).is_some());
            let key = (post.member.user().id, post.member.room());
            let is_accepted = self.allows_reply(post, post.member.room())
                && self.has_files(post)
                && !self.is_archived(post);
            if !repeated && is_accepted && !self.joins.contains_key(&key) {
                let joined = joining::admit(transaction, &post.member, meta).await?;
                self.joins.insert(key, joined);
            }
        }
        Ok(())
    }

    /// The user who becomes a member by this post. Only the first stored post of that user in this room
    /// returns them.
    pub fn joined(&mut self, member: &Member) -> Result<Vec<NewMember>, JoinRefusal> {
        let joined = self.joins.get_mut(&(member.user().id, member.room()));
        joined.map_or(Ok(Vec::new()), |joined| {
            joined.as_mut().map(std::mem::take).map_err(|refusal| *refusal)
        })
    }

    pub fn earlier(&self, key: NonceKey<&str>) -> Option<Arc<Message>> {
        self.earlier.get(&key.to_owned()).cloned()
    }

    /// Whether the room of the post takes no messages any more.
    pub fn is_archived(&self, post: &Post) -> bool {
        self.rooms.get(&post.member.room()).is_some_and(|room| room.is_archived)
    }

    /// Whether the message replied to (if any) is in the room of the new message.
    pub fn allows_reply(&self, post: &Post, room: RoomId) -> bool {
        let is_here = |original: &Original| original.room == room;
        post.draft.reply_to.is_none() || self.original(post).is_some_and(is_here)
    }

    /// The message replied to.
    pub fn original(&self, post: &Post) -> Option<&Original> {
        self.originals.get(&post.draft.reply_to?)
    }
}
