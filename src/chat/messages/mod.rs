//! Messages: posting, reading, editing, deleting and reacting.
//!
//! All writes go through the group-commit writer. This module knows nothing of HTTP, pages or sockets.

mod broadcaster;
mod known_ids;
mod late_ids;
mod link_previews;
mod mentions;
pub mod model;
mod reading;
mod remote;
mod store;
mod upkeep;
mod wide_mention;
mod writer;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use tokio::sync::mpsc;

use self::broadcaster::Reach;
pub use self::model::WriteError;
use self::model::{
    Author, Deleter, DeletionReason, Draft, Markup, Message, MessageBody, NewReply, NewText, Post,
    Reaction, ReactionEmoji, Rendered, Version, Write, WriteOutcome,
};
pub use self::remote::RemoteMessages;
pub use self::wide_mention::WideMention;
use self::wide_mention::WideMentions;
use self::writer::GroupCommitWriter;
pub use self::writer::PendingWrite;
use super::accounts::model::Role;
use super::doorbell::Doorbell;
use super::doorbell::model::RoomUpdate;
use super::emoji::model::KnownEmoji;
use super::events::EventHub;
use super::link_previews::model::has_links;
use super::presence::Presence;
use super::rooms::model::{Member, Reader, Room, may_moderate};
use super::search;
use super::search::model::{Hit, SearchDocument};
use crate::changefeed::model::ProcessId;
use crate::config::Switch;
use crate::db::{Db, EpochGuard};
use crate::kernel::{Clock, FieldError, MessageId, RoomId, ServiceError, UserId};
use crate::lifecycle::Lifecycle;
use crate::text::render::{self, Place};

#[derive(Clone)]
pub struct Messages {
    db: Db,
    clock: Clock,
    writer: GroupCommitWriter,
    wide_mentions: WideMentions,
    emoji: KnownEmoji,
    link_previews: Switch,
}

/// What messages need to reach users.
pub struct Delivery {
    pub hub: EventHub,
    pub doorbell: Doorbell,
    /// What other processes notice for.
    pub notices: mpsc::Receiver<RoomUpdate>,
    pub presence: Presence,
    /// Whether it is limited how often a user mentions many members.
    pub rate_limit: Switch,
    /// The custom emoji that exist.
    pub emoji: KnownEmoji,
    /// Whether links in messages get previews.
    pub link_previews: Switch,
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
        let Delivery { hub, doorbell, notices, presence, rate_limit, emoji, link_previews } =
            delivery;
        let reach = Reach { hub, doorbell, notices };
        let (writer, remote) =
            GroupCommitWriter::start(db.clone(), reach, clock.clone(), origin, epoch, lifecycle)
                .await?;
        let wide_mentions = WideMentions::new(presence, clock.clone(), rate_limit);
        Ok((Self { db, clock, writer, wide_mentions, emoji, link_previews }, remote))
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
        let rendered = self.render(&draft.body, draft.markup);
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

    fn render(&self, body: &MessageBody, markup: Markup) -> Rendered {
        let rendered = mentions::render(body, markup, &self.emoji);
        let previews = self.link_previews == Switch::On && has_links(&rendered.html);
        Rendered { previews, ..rendered }
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
                has_files: !message.attachments.is_empty(),
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
        let rendered = self.render(&text.body, text.markup.unwrap_or(Markup::Markdown));
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

    /// Which messages of a room are pinned.
    pub async fn pinned_ids(&self, reader: &Reader) -> Result<Vec<MessageId>, ServiceError> {
        Ok(store::pinned_ids(&self.db, reader.room().id).await?)
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

    /// Whether the database takes unusually long to store messages.
    pub fn are_stored_slowly(&self) -> bool {
        self.writer.is_slow()
    }

    /// The number of messages posted, the sizes of the committed batches, and the number of queued
    /// writes.
    pub fn metrics(&self) -> (Counter, Histogram, usize) {
        let metrics = &self.writer.metrics;
        (metrics.posted.clone(), metrics.batches.clone(), self.writer.queued())
    }
}
