//! Reading the messages of a room: a page of history, what changed since a `rev`, who reacted.

use std::collections::{BTreeSet, HashMap};

use super::model::{Message, Window};
use super::{Messages, store};
use crate::chat::files::store::messages_with_files;
use crate::chat::rooms::model::{Access, Reader};
use crate::kernel::paging::{Limit, Page};
use crate::kernel::{MessageId, Rev, ServiceError, UserId};

impl Messages {
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

    /// The messages of a room and its threads that have files, newest first, before a message. They have at most
    /// `limit` files together, but the first has all of its own.
    pub async fn with_files(
        &self,
        reader: &Reader,
        before: Option<MessageId>,
        limit: Limit,
    ) -> Result<Page<Message>, ServiceError> {
        let before = before.unwrap_or(MessageId(i64::MAX));
        let found = messages_with_files(&self.db, reader.room(), before, limit.plus_one()).await?;
        let mut files = 0;
        let fitting = found.iter().take_while(|(_, number)| {
            let is_first = files == 0;
            files += number;
            is_first || files < limit.plus_one()
        });
        let ids: Vec<MessageId> = fitting.map(|(message, _)| *message).collect();
        Ok(Page { more: ids.len() < found.len(), items: self.by_ids(&ids).await? })
    }

    /// Messages that changed after `rev`, in ascending order of `rev`. To continue, pass the `rev` of
    /// the last item.
    pub async fn since(
        &self,
        access: &Access,
        rev: Rev,
        limit: Limit,
    ) -> Result<Page<Message>, ServiceError> {
        Ok(store::since(&self.db, access.room(), rev, limit).await?)
    }

    /// The message that a thread belongs to; `None` for other rooms. Who reads a thread may read it.
    pub async fn head(&self, thread: &Access) -> Result<Option<Message>, ServiceError> {
        let Some(head) = thread.parent() else { return Ok(None) };
        Ok(store::find(&self.db, head.room, head.message).await?)
    }

    /// Whether the message `id` was the last one changed when the room was at `rev`. If not, the
    /// client's copy of the room belongs to another epoch (a backup was restored, for example).
    pub async fn is_known(
        &self,
        access: &Access,
        rev: Rev,
        id: MessageId,
    ) -> Result<bool, ServiceError> {
        Ok(store::is_known(&self.db, access.room(), rev, id).await?)
    }

    /// The first messages that changed after `rev`, at most about `bytes` bytes of them.
    pub async fn chunk_since(
        &self,
        access: &Access,
        rev: Rev,
        bytes: usize,
    ) -> Result<Page<Message>, ServiceError> {
        Ok(store::chunk_since(&self.db, access.room(), rev, bytes).await?)
    }
}
