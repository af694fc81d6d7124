//! The work of jobs on messages: erasing those of a user, purging those of a room, refreshing quotes, forgetting
//! old nonces. All of it goes in pieces, and an interrupted job resumes where it stopped.

use std::time::Duration;

use futures_util::future::join_all;

use super::model::{Deleter, DeletionReason, Write};
use super::{Messages, WriteError, store};
use crate::kernel::{MessageId, RoomId, ServiceError, UserId};
use crate::limits::deletion::PIECES;

/// How long idempotency keys (nonces) are kept.
const NONCES_KEPT: Duration = Duration::from_hours(30 * 24);

impl Messages {
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
            let now = self.clock.now();
            let thread = store::next_thread_to_purge(&self.db, room).await?;
            let purged = store::purge_batch(&self.db, thread.unwrap_or(room), room, now).await?;
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
