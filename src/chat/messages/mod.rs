//! Messages: posting, reading, editing, deleting and reacting.
//!
//! All writes go through the group-commit writer. This module knows nothing of HTTP, pages or sockets.

mod broadcaster;
mod known_ids;
mod mentions;
pub mod model;
mod remote;
mod store;
mod wide_mention;
mod writer;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use futures_util::future::join_all;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;

pub use self::model::WriteError;
use self::model::{
    Author, Deleter, DeletionReason, Draft, Markup, Message, MessageBody, NewReply, NewText, Post,
    Reaction, ReactionEmoji, Version, Window, Write, WriteOutcome,
};
pub use self::remote::RemoteMessages;
pub use self::wide_mention::WideMention;
use self::wide_mention::WideMentions;
use self::writer::GroupCommitWriter;
pub use self::writer::PendingWrite;
use super::accounts::model::Role;
use super::emoji::model::KnownEmoji;
use super::events::EventHub;
use super::presence::Presence;
use super::rooms::model::{Member, Reader, Room, may_moderate};
use super::search;
use super::search::model::{Hit, SearchDocument};
use crate::changefeed::model::ProcessId;
use crate::config::Switch;
use crate::db::{Db, EpochGuard};
use crate::kernel::paging::{Limit, Page};
use crate::kernel::{Clock, FieldError, MessageId, Rev, RoomId, ServiceError, UserId};
use crate::lifecycle::Lifecycle;
use crate::limits::deletion::PIECES;
use crate::text::render::{self, Place};

/// How long idempotency keys (nonces) are kept.
const NONCES_KEPT: Duration = Duration::from_hours(30 * 24);

#[derive(Clone)]
pub struct Messages {
    db: Db,
    clock: Clock,
    writer: GroupCommitWriter,
    wide_mentions: WideMentions,
    emoji: KnownEmoji,
}

/// What messages need to reach users.
pub struct Delivery {
    pub hub: EventHub,
    pub presence: Presence,
    /// Whether it is limited how often a user mentions many members.
    pub rate_limit: Switch,
    /// The custom emoji that exist.
    pub emoji: KnownEmoji,
}

impl Messages {
    /// Starts the group-commit writer and the broadcaster. Also returns what polls for the messages of other
    /// processes.
    pub async fn start(
        db: Db,
        delivery: Delivery,
        clock: Clock,
        origin: ProcessId,
        epoch: &EpochGuard,
        lifecycle: &Lifecycle,
    ) -> Result<(Self, RemoteMessages), ServiceError> {
        let Delivery { hub, presence, rate_limit, emoji } = delivery;
        let (writer, remote) =
            GroupCommitWriter::start(db.clone(), hub, clock.clone(), origin, epoch, lifecycle)
                .await?;
        let wide_mentions = WideMentions::new(presence, clock.clone(), rate_limit);
        Ok((Self { db, clock, writer, wide_mentions, emoji }, remote))
    }

    /// Posts a message. Messages are stored in the order of the calls, even if the caller does not await
    /// the earlier ones. When the future resolves, the message is on disk; connections that have the room
    /// open receive it about then.
    ///
    /// A nonce that this author used before returns the first message. The result is an error if the
    /// nonce was used for another message, if the message replied to does not exist, or if the queue is
    /// full.
    ///
    /// A user that is not yet a member of a public room becomes one in the transaction that stores the
    /// message. A known nonce or a refused message never makes a user a member.
    pub fn post(&self, member: Member, draft: Draft) -> PendingWrite {
        self.write_post(member, draft, None)
    }

    /// Replies to a message of the room, in its thread; the first reply creates the thread. With `also_in_room`
    /// the room gets a copy, which changes and is deleted with the reply. The reply is the outcome's message.
    ///
    /// Who replies, who is mentioned and the author of the message follow the thread from then on, if they are
    /// members of the room. The rest is as in [`Self::post`].
    ///
    /// # Errors
    /// [`WriteError::Deleted`] if the message is deleted and has no thread, [`WriteError::ThreadInThread`] if
    /// it is a reply in a thread itself.
    pub fn reply(
        &self,
        member: Member,
        head: MessageId,
        draft: Draft,
        also_in_room: bool,
    ) -> PendingWrite {
        self.write_post(member, draft, Some(NewReply { head, also_in_room }))
    }

    fn write_post(&self, member: Member, draft: Draft, reply: Option<NewReply>) -> PendingWrite {
        let rendered = mentions::render(&draft.body, draft.markup, &self.emoji);
        let document = SearchDocument::new(&member, draft.body.as_str(), &rendered.html);
        let tokens = search::store::tokens(&self.db, &document);
        match self.wide_mentions.admit(member.user().id, &rendered.names) {
            Ok(online) => {
                let post = Post { member, draft, rendered, tokens, online, reply };
                self.writer.write(Write::Post(Box::new(post)))
            }
            Err(error) => PendingWrite::refused(error),
        }
    }

    /// How a text mentions many members at once, if it does.
    pub fn wide_mention(&self, body: &MessageBody) -> Option<WideMention> {
        WideMention::among(&mentions::render(body, Markup::Markdown, &self.emoji).names)
    }

    /// How many of these members such a mention by `author` reaches.
    pub fn reached(&self, wide: WideMention, author: UserId, members: &[UserId]) -> usize {
        let online = self.wide_mentions.online();
        let others = members.iter().filter(|member| **member != author);
        others.filter(|user| wide == WideMention::Room || online.contains(user)).count()
    }

    /// The HTML that a text would have as a message in Markdown.
    pub async fn preview(&self, body: &MessageBody) -> Result<String, ServiceError> {
        let rendered = mentions::render(body, Markup::Markdown, &self.emoji);
        let handles = store::handles(&self.db, &rendered.names).await?;
        let find = |name: &str, place| match place {
            Place::Code => rendered.emoji.get(name).cloned(),
            Place::Text | Place::Quote => handles.get(name).cloned(),
        };
        Ok(render::render(body.as_str(), Markup::Markdown, find))
    }

    /// The room of a message. It does not check whether the caller may read that room.
    pub async fn room_of(&self, id: MessageId) -> Result<Option<RoomId>, ServiceError> {
        Ok(store::room_of(&self.db, id).await?)
    }

    /// A message of the room, or `None` if the room has no such message.
    pub async fn find(
        &self,
        reader: &Reader,
        id: MessageId,
    ) -> Result<Option<Message>, ServiceError> {
        Ok(store::find(&self.db, reader.room().id, id).await?)
    }

    /// The messages of search hits, in the order of the hits. Messages deleted since the search are
    /// left out.
    pub async fn found(&self, hits: &[Hit]) -> Result<Vec<Message>, ServiceError> {
        let ids: Vec<MessageId> = hits.iter().map(Hit::message).collect();
        self.by_ids(&ids).await
    }

    /// The messages with these ids, the newest first, without deleted ones. It checks no permission.
    pub(in crate::chat) async fn by_ids(
        &self,
        ids: &[MessageId],
    ) -> Result<Vec<Message>, ServiceError> {
        let mut messages = store::found(&self.db, ids).await?;
        messages.retain(|message| !message.is_deleted());
        Ok(messages)
    }

    /// The heads of threads that the reader may read.
    pub async fn heads(&self, threads: &[Room]) -> Result<Vec<Message>, ServiceError> {
        let head = |thread: &Room| Some(thread.parent.as_ref()?.head.message);
        let heads: Vec<MessageId> = threads.iter().filter_map(head).collect();
        Ok(store::found(&self.db, &heads).await?)
    }

    /// Returns the permission to edit a message. Only its author gets it, and only while they may write
    /// in the room: a removed member can add no text there, so they cannot edit an old message either.
    ///
    /// # Errors
    /// [`WriteError::NotFound`] if the room has no such message, [`WriteError::NotTheAuthor`] for other
    /// users.
    pub async fn author(&self, member: &Member, id: MessageId) -> Result<Author, WriteError> {
        let message = store::find(&self.db, member.room(), id).await.map_err(ServiceError::from)?;
        let message = message.ok_or(WriteError::NotFound)?;
        if message.author.id == member.user().id {
            Ok(Author {
                room: message.room,
                message: message.id,
                searched: member.gate(),
                user: member.user().id,
                is_admin: member.user().role == Role::Admin,
            })
        } else {
            Err(WriteError::NotTheAuthor)
        }
    }

    /// Returns the permission to delete a message. Its author and the moderators of the room get it.
    ///
    /// # Errors
    /// [`WriteError::NotFound`] if the room has no such message, [`WriteError::NotAModerator`] for
    /// other users.
    pub async fn deleter(&self, reader: &Reader, id: MessageId) -> Result<Deleter, WriteError> {
        let message = self.find(reader, id).await?.ok_or(WriteError::NotFound)?;
        let user = reader.user();
        let room = reader.room();
        let author = &message.author;
        let reason = if author.id == user.id {
            DeletionReason::Author
        } else if may_moderate(user, room) {
            DeletionReason::Moderation {
                moderator: user.id,
                room_name: room.parent.as_ref().map_or(&room.name, |parent| &parent.name).clone(),
                author: author.id,
                author_name: author.name.clone(),
            }
        } else {
            return Err(WriteError::NotAModerator);
        };
        Ok(Deleter { room: message.room, message: message.id, reason })
    }

    /// Replaces the text of a message. The same text changes nothing.
    ///
    /// # Errors
    /// [`WriteError::Deleted`] if the message is deleted.
    pub async fn edit(&self, author: Author, text: NewText) -> Result<WriteOutcome, WriteError> {
        let rendered =
            mentions::render(&text.body, text.markup.unwrap_or(Markup::Markdown), &self.emoji);
        let online = self.wide_mentions.admit(author.user, &rendered.names)?;
        self.writer.write(Write::Edit { author, text, rendered, online }).await
    }

    /// Deletes a message: its text and reactions are removed, a tombstone remains. Deleting it again
    /// changes nothing.
    pub async fn delete(&self, deleter: Deleter) -> Result<WriteOutcome, WriteError> {
        self.writer.write(Write::Delete(deleter)).await
    }

    /// Adds a reaction to a message of the room. In a public room the user becomes a member, as with a
    /// post. The same reaction again changes nothing.
    ///
    /// # Errors
    /// [`WriteError::Deleted`] if the message is deleted, [`WriteError::Invalid`] if it already has the
    /// maximum number of different emoji, or there is no custom emoji of this name.
    pub async fn react(
        &self,
        member: &Member,
        message: MessageId,
        emoji: ReactionEmoji,
    ) -> Result<WriteOutcome, WriteError> {
        if emoji.custom_name().is_some_and(|name| self.emoji.find(name).is_none()) {
            return Err(WriteError::Invalid(FieldError::new("emoji", "emoji-unknown")));
        }
        let room = member.room();
        let user = member.user().id;
        let reaction = Reaction { room, message, user, emoji };
        self.writer.write(Write::React(member.clone(), reaction)).await
    }

    /// Removes the user's own reaction. Read access is enough: a user that left the room may still have
    /// a reaction there to remove. Removing a reaction that does not exist changes nothing.
    ///
    /// # Errors
    /// [`WriteError::NotFound`] if the room has no such message.
    pub async fn unreact(
        &self,
        reader: &Reader,
        message: MessageId,
        emoji: ReactionEmoji,
    ) -> Result<WriteOutcome, WriteError> {
        let room = reader.room().id;
        let user = reader.user().id;
        self.writer.write(Write::Unreact(Reaction { room, message, user, emoji })).await
    }

    /// Pins a message to its room. In a public room the user becomes a member, as with a post. Pinning it
    /// again changes nothing.
    ///
    /// # Errors
    /// [`WriteError::NotFound`] if the room has no such message, [`WriteError::Deleted`] if it is deleted,
    /// [`WriteError::Invalid`] if the room has the maximum number of pins.
    pub async fn pin(
        &self,
        member: Member,
        message: MessageId,
    ) -> Result<WriteOutcome, WriteError> {
        self.writer.write(Write::Pin(member, message)).await
    }

    /// Takes a pin away. Without one nothing changes.
    ///
    /// # Errors
    /// [`WriteError::NotFound`] if the room has no such message.
    pub async fn unpin(
        &self,
        member: Member,
        message: MessageId,
    ) -> Result<WriteOutcome, WriteError> {
        self.writer.write(Write::Unpin(member, message)).await
    }

    /// The pinned messages of a room, the one that was pinned last first.
    pub async fn pinned(&self, reader: &Reader) -> Result<Vec<Message>, ServiceError> {
        Ok(store::pinned(&self.db, reader.room().id).await?)
    }

    /// The former versions of a message of the room, the oldest first, each with its HTML.
    ///
    /// # Errors
    /// [`WriteError::NotFound`] if the room has no such message.
    pub async fn versions(
        &self,
        reader: &Reader,
        id: MessageId,
    ) -> Result<Vec<(Version, String)>, WriteError> {
        self.find(reader, id).await?.ok_or(WriteError::NotFound)?;
        let versions = store::versions(&self.db, id).await.map_err(ServiceError::from)?;
        let render = |version: Version| {
            let html = render::render(&version.body, version.markup, render::no_mentions);
            (version, html)
        };
        Ok(versions.into_iter().map(render).collect())
    }

    /// Updates the replies to a message that were not updated with it. After [`PIECES`] batches a new job does
    /// the rest.
    pub async fn refresh_quotes(&self, quoted: MessageId) -> Result<(), ServiceError> {
        let Some(room) = self.room_of(quoted).await? else { return Ok(()) };
        for _ in 0..PIECES {
            if !store::has_stale(&self.db, quoted).await? {
                return Ok(());
            }
            match self.writer.write(Write::RefreshQuotes { room, quoted }).await {
                Ok(_) | Err(WriteError::NotFound) => {}
                Err(WriteError::Service(error)) => return Err(error),
                Err(error) => return Err(ServiceError::internal(error)),
            }
        }
        Ok(store::refresh_later(&self.db, quoted, self.clock.now()).await?)
    }

    /// The display names of all who reacted to a message.
    pub async fn reactors(
        &self,
        message: &Message,
    ) -> Result<HashMap<UserId, String>, ServiceError> {
        let users: BTreeSet<UserId> =
            message.reactions.iter().flat_map(|one| &one.users).copied().collect();
        Ok(store::display_names(&self.db, &users.into_iter().collect::<Vec<_>>()).await?)
    }

    /// One page of a room's history, in ascending order of `seq`.
    pub async fn page(
        &self,
        reader: &Reader,
        window: Window,
        limit: Limit,
    ) -> Result<Page<Message>, ServiceError> {
        Ok(store::page(&self.db, reader.room().id, window, limit).await?)
    }

    /// Messages that changed after `rev`, in ascending order of `rev`. To continue, pass the `rev` of
    /// the last item.
    pub async fn since(
        &self,
        reader: &Reader,
        rev: Rev,
        limit: Limit,
    ) -> Result<Page<Message>, ServiceError> {
        Ok(store::since(&self.db, reader.room().id, rev, limit).await?)
    }

    /// Whether the message `id` was the last one changed when the room was at `rev`. If not, the
    /// client's copy of the room belongs to another epoch (a backup was restored, for example).
    pub async fn is_known(
        &self,
        reader: &Reader,
        rev: Rev,
        id: MessageId,
    ) -> Result<bool, ServiceError> {
        Ok(store::is_known(&self.db, reader.room().id, rev, id).await?)
    }

    /// The first messages that changed after `rev`, at most about `bytes` bytes of them.
    pub async fn chunk_since(
        &self,
        reader: &Reader,
        rev: Rev,
        bytes: usize,
    ) -> Result<Page<Message>, ServiceError> {
        Ok(store::chunk_since(&self.db, reader.room().id, rev, bytes).await?)
    }

    /// The number of messages posted, the sizes of the committed batches, and the number of queued
    /// writes.
    pub fn metrics(&self) -> (Counter, Histogram, usize) {
        let metrics = &self.writer.metrics;
        (metrics.posted.clone(), metrics.batches.clone(), self.writer.queued())
    }

    /// Deletes all messages of a user whose erasure was requested, newest first and in batches. Each
    /// one is deleted like any other message, so open pages show that it is gone. After [`PIECES`]
    /// batches a new job does the rest; an interrupted job resumes where it stopped.
    pub async fn erase(&self, user: UserId) -> Result<(), ServiceError> {
        for _ in 0..PIECES {
            let Some(next) = store::next_to_erase(&self.db, user).await? else { return Ok(()) };
            let reason = DeletionReason::Erasure;
            let deletions = next.messages.iter().map(|message| {
                let reason = reason.clone();
                let deleter = Deleter { room: message.room(), message: message.id, reason };
                self.writer.write(Write::Delete(deleter))
            });
            for outcome in join_all(deletions).await {
                match outcome {
                    // The message was purged with its room since the batch was read.
                    Ok(_) | Err(WriteError::NotFound) => {}
                    Err(WriteError::Service(error)) => return Err(error),
                    Err(error) => return Err(ServiceError::internal(error)),
                }
            }
            let (deleted, now) = (next.messages.len(), self.clock.now());
            store::record_erased(&self.db, user, deleted, next.then_before, now).await?;
        }
        Ok(store::erase_later(&self.db, user, self.clock.now()).await?)
    }

    /// Deletes the messages of a room that is being purged and of its threads, in batches. Returns false if
    /// messages are left; a new job deletes them.
    pub async fn purge_room(&self, room: RoomId) -> Result<bool, ServiceError> {
        for _ in 0..PIECES {
            let thread = store::next_thread_to_purge(&self.db, room).await?;
            let purged = store::purge_batch(&self.db, thread.unwrap_or(room), room).await?;
            match thread {
                Some(thread) if !purged => store::forget_thread(&self.db, thread, room).await?,
                None if !purged => return Ok(true),
                _ => {}
            }
        }
        store::purge_later(&self.db, room, self.clock.now()).await?;
        Ok(false)
    }

    /// Deletes expired idempotency keys.
    pub async fn prune(&self) -> Result<(), ServiceError> {
        let before = self.clock.now().minus(NONCES_KEPT);
        while store::prune_idempotency_keys(&self.db, before).await? {}
        Ok(())
    }
}
