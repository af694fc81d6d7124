//! Messages: posting them, reading them back, changing them.

mod broadcaster;
mod mention_scanner;
mod mentions;
pub mod model;
pub mod render;
mod store;
mod writer;

use std::time::Duration;

use futures_util::future::join_all;

pub use self::model::WriteError;
use self::model::{
    Author, Deleter, DeletionReason, Draft, Emoji, Message, MessageBody, Post, Reaction, Window,
    Write, WriteOutcome,
};
use self::writer::GroupCommitWriter;
pub use self::writer::PendingWrite;
use super::events::EventHub;
use super::rooms::model::{Member, Reader, may_moderate};
use super::search;
use super::search::model::{Hit, SearchDocument};
use crate::changefeed::model::ProcessId;
use crate::db::{Db, EpochGuard};
use crate::kernel::metrics::Histogram;
use crate::kernel::paging::{Limit, Page};
use crate::kernel::{Clock, MessageId, Rev, RoomId, ServiceError, UserId};
use crate::lifecycle::Lifecycle;
use crate::limits::deletion::PIECES;

/// How long a nonce is known.
const NONCES_KEPT: Duration = Duration::from_hours(30 * 24);

#[derive(Clone)]
pub struct Messages {
    db: Db,
    clock: Clock,
    append: GroupCommitWriter,
}

impl Messages {
    /// Starts the task that stores messages.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn start(
        db: Db,
        hub: EventHub,
        (clock, origin): (Clock, ProcessId),
        history: &EpochGuard,
        lifecycle: &Lifecycle,
    ) -> Result<Self, ServiceError> {
        let given = (clock.clone(), origin);
        let append = GroupCommitWriter::start(db.clone(), hub, given, history, lifecycle).await?;
        Ok(Self { db, clock, append })
    }

    /// Posts a message. Those that are posted one after the other are stored in this order, whether or
    /// not the first is waited for. When the answer is there it is on disk, and whoever has the room
    /// open was told. A nonce that this author used before gives the first message back. The answer
    /// is an error when the nonce was used for something else, the reply is to nothing, or too many
    /// wait. Who is no member of a public room yet becomes one in the transaction that stores it, and
    /// by nothing less: a known nonce or a refused message makes nobody a member.
    pub fn post(&self, member: Member, draft: Draft) -> PendingWrite {
        let rendered = mentions::render(&draft.body);
        let entry = SearchDocument::new(&member, draft.body.as_str(), &rendered.html);
        let tokens = search::store::tokens(&self.db, &entry);
        self.append.write(Write::Post(Box::new(Post { member, draft, rendered, tokens })))
    }

    /// In which room a message is, for whoever may read that room.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn room_of(&self, id: MessageId) -> Result<Option<RoomId>, ServiceError> {
        Ok(store::room_of(&self.db, id).await?)
    }

    /// A message of a room.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn find(
        &self,
        reader: &Reader,
        id: MessageId,
    ) -> Result<Option<Message>, ServiceError> {
        Ok(store::find(&self.db, reader.room().id, id).await?)
    }

    /// What a search found, in its order, without what was deleted meanwhile.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn found(&self, hits: &[Hit]) -> Result<Vec<Message>, ServiceError> {
        let ids: Vec<MessageId> = hits.iter().map(Hit::message).collect();
        let mut messages = store::found(&self.db, &ids).await?;
        messages.retain(|message| !message.is_deleted());
        Ok(messages)
    }

    /// The right to edit a message: its author has it, as long as they may write where it stands. Who was
    /// removed says nothing new there, and not in an old message either.
    ///
    /// # Errors
    /// [`WriteError::NotTheAuthor`] for everybody else.
    pub async fn author(&self, member: &Member, id: MessageId) -> Result<Author, WriteError> {
        let message = store::find(&self.db, member.room(), id).await.map_err(ServiceError::from)?;
        let message = message.ok_or(WriteError::NotFound)?;
        if message.author.id == member.user().id {
            Ok(Author { room: message.room, message: message.id })
        } else {
            Err(WriteError::NotTheAuthor)
        }
    }

    /// The right to delete a message: its author has it, and who moderates the room.
    ///
    /// # Errors
    /// [`WriteError::NotAModerator`] for everybody else.
    pub async fn deleter(&self, reader: &Reader, id: MessageId) -> Result<Deleter, WriteError> {
        let message = self.find(reader, id).await?.ok_or(WriteError::NotFound)?;
        let (person, room, author) = (reader.user(), reader.room(), &message.author);
        let reason = if author.id == person.id {
            DeletionReason::Author
        } else if may_moderate(person, room) {
            DeletionReason::Moderation {
                moderator: person.id,
                room_name: room.name.clone(),
                author: (author.id, author.name.clone()),
            }
        } else {
            return Err(WriteError::NotAModerator);
        };
        Ok(Deleter { room: message.room, message: message.id, reason })
    }

    /// Gives a message another text. The same text changes nothing.
    ///
    /// # Errors
    /// [`WriteError::Deleted`] when it is gone.
    pub async fn edit(
        &self,
        author: Author,
        body: MessageBody,
    ) -> Result<WriteOutcome, WriteError> {
        let rendered = mentions::render(&body);
        self.append.write(Write::Edit { author, body, rendered }).await
    }

    /// Deletes a message: its text and reactions are gone, that it was there remains. Deleting again
    /// changes nothing.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn delete(&self, deleter: Deleter) -> Result<WriteOutcome, WriteError> {
        self.append.write(Write::Delete(deleter)).await
    }

    /// Reacts to a message of the room, which joins a public one as posting does. The same reaction
    /// again changes nothing.
    ///
    /// # Errors
    /// [`WriteError::Deleted`] when the message is gone, [`WriteError::Invalid`] when it has as many
    /// different emoji as it may.
    pub async fn react(
        &self,
        member: &Member,
        message: MessageId,
        emoji: Emoji,
    ) -> Result<WriteOutcome, WriteError> {
        let (room, user) = (member.room(), member.user().id);
        let reaction = Reaction { room, message, user, emoji };
        self.append.write(Write::React(member.clone(), reaction)).await
    }

    /// Takes one's own reaction back. Who may read may do this: one can leave a room and still have
    /// something to take back. What is not there changes nothing.
    ///
    /// # Errors
    /// [`WriteError::NotFound`] when there is no such message in the room.
    pub async fn unreact(
        &self,
        reader: &Reader,
        message: MessageId,
        emoji: Emoji,
    ) -> Result<WriteOutcome, WriteError> {
        let (room, user) = (reader.room().id, reader.user().id);
        self.append.write(Write::Unreact(Reaction { room, message, user, emoji })).await
    }

    /// A part of a room's history, ascending by `seq`.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn page(
        &self,
        reader: &Reader,
        window: Window,
        limit: Limit,
    ) -> Result<Page<Message>, ServiceError> {
        Ok(store::page(&self.db, reader.room().id, window, limit).await?)
    }

    /// What changed after `rev`, ascending by `rev`; go on from the last item's.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn since(
        &self,
        reader: &Reader,
        rev: Rev,
        limit: Limit,
    ) -> Result<Page<Message>, ServiceError> {
        Ok(store::since(&self.db, reader.room().id, rev, limit).await?)
    }

    /// Whether the message with this id was the last that changed when the room was at `rev`: else the room
    /// has another history than the client remembers.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn is_known(
        &self,
        reader: &Reader,
        rev: Rev,
        id: MessageId,
    ) -> Result<bool, ServiceError> {
        Ok(store::is_known(&self.db, reader.room().id, rev, id).await?)
    }

    /// The first of what changed after `rev`, no more than some bytes of it.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn chunk_since(
        &self,
        reader: &Reader,
        rev: Rev,
        bytes: usize,
    ) -> Result<Page<Message>, ServiceError> {
        Ok(store::chunk_since(&self.db, reader.room().id, rev, bytes).await?)
    }

    /// Messages posted so far, how many writes shared a transaction, and how many wait.
    pub fn metrics(&self) -> (u64, Histogram, usize) {
        let meters = &self.append.metrics;
        (meters.posted.get(), meters.batches.clone(), self.append.queued())
    }

    /// Deletes all messages of a user whose erasure was requested, newest first and in batches. Each one is
    /// deleted like any other message, so open pages show that it is gone. After some batches the rest is
    /// left to a new job; an interrupted job resumes where it stopped.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn erase(&self, user: UserId) -> Result<(), ServiceError> {
        for _ in 0..PIECES {
            let Some(next) = store::next_to_erase(&self.db, user).await? else { return Ok(()) };
            let reason = DeletionReason::Erasure;
            let deletions = next.messages.iter().map(|(room, message)| {
                let deleter = Deleter { room: *room, message: *message, reason: reason.clone() };
                self.append.write(Write::Delete(deleter))
            });
            for outcome in join_all(deletions).await {
                match outcome {
                    // What went with its room meanwhile is gone, too.
                    Ok(_) | Err(WriteError::NotFound) => {}
                    Err(WriteError::Fault(fault)) => return Err(fault),
                    Err(error) => return Err(ServiceError::internal(error)),
                }
            }
            let done = (next.messages.len(), next.then_before);
            store::note_erased(&self.db, user, done, self.clock.now()).await?;
        }
        Ok(store::erase_later(&self.db, user, self.clock.now()).await?)
    }

    /// Deletes what was said in a room that is being purged, in pieces. False when there is more, which
    /// is a job of its own.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn purge_room(&self, room: RoomId) -> Result<bool, ServiceError> {
        for _ in 0..PIECES {
            if !store::purge_piece(&self.db, room).await? {
                return Ok(true);
            }
        }
        store::purge_later(&self.db, room, self.clock.now()).await?;
        Ok(false)
    }

    /// Forgets old nonces.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn prune(&self) -> Result<(), ServiceError> {
        let before = self.clock.now().minus(NONCES_KEPT);
        while store::prune_idempotency_keys(&self.db, before).await? {}
        Ok(())
    }
}
