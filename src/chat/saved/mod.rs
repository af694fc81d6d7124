//! Saved messages: each user's own list. What the user may no longer read is not shown, and a deleted message leaves
//! the list with its text (`messages/store`).
//!
//! No other user learns of it: a message's fragment is the same for everyone, and pages add the mark. This module knows
//! nothing of HTTP, pages or sockets.

mod store;

use std::collections::HashMap;

use self::store::Saving;
use super::accounts::model::User;
use super::events::{Channel, Event, EventHub};
use super::messages::Messages;
use super::messages::model::Message;
use super::rooms::model::Reader;
use crate::changefeed::model::{ChangeMeta, ProcessId};
use crate::db::Db;
use crate::kernel::paging::{Limit, Page};
use crate::kernel::{Clock, MessageId, ServiceError, UserId};

#[derive(Clone)]
pub struct SavedMessages {
    db: Db,
    hub: EventHub,
    clock: Clock,
    process: ProcessId,
    messages: Messages,
}

#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// There is nothing left of the message to save.
    #[error("the message is deleted")]
    Deleted,
    #[error("too many saved messages")]
    TooMany,
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl SavedMessages {
    pub fn new(
        db: Db,
        hub: EventHub,
        clock: Clock,
        process: ProcessId,
        messages: Messages,
    ) -> Self {
        Self { db, hub, clock, process, messages }
    }

    fn change_meta(&self) -> ChangeMeta {
        self.process.meta(self.clock.now())
    }

    /// Saves a message of the room that the user may read. One that is saved already keeps its place.
    ///
    /// # Errors
    /// [`SaveError::Deleted`] if the message is deleted, [`SaveError::TooMany`] if the list is full.
    pub async fn add(&self, reader: &Reader, message: &Message) -> Result<(), SaveError> {
        let (user, message) = (reader.user().id, message.id);
        let saving = store::add(&self.db, user, message, self.change_meta()).await;
        match saving.map_err(ServiceError::from)? {
            Saving::Now => {
                publish(&self.hub, user, message, true);
                Ok(())
            }
            Saving::Before => Ok(()),
            Saving::Gone => Err(SaveError::Deleted),
            Saving::Refused => Err(SaveError::TooMany),
        }
    }

    /// Takes a message off the user's list, if it is there.
    pub async fn remove(&self, reader: &Reader, message: &Message) -> Result<(), ServiceError> {
        let (user, message) = (reader.user().id, message.id);
        if store::remove(&self.db, user, message, self.change_meta()).await? {
            publish(&self.hub, user, message, false);
        }
        Ok(())
    }

    /// The messages that the user has saved and may read, the last saved first; with `before` those that were saved
    /// before that one.
    pub async fn page(
        &self,
        user: &User,
        before: Option<MessageId>,
        limit: Limit,
    ) -> Result<Page<Message>, ServiceError> {
        let ids = Page::cut(store::page(&self.db, user.id, before, limit).await?, limit);
        let found = self.messages.by_ids(&ids.items).await?;
        let mut by_id: HashMap<MessageId, Message> =
            found.into_iter().map(|message| (message.id, message)).collect();
        let items = ids.items.iter().filter_map(|id| by_id.remove(id)).collect();
        Ok(Page { items, more: ids.more })
    }

    /// Which of these messages the user has saved.
    pub async fn among(
        &self,
        user: &User,
        messages: &[MessageId],
    ) -> Result<Vec<MessageId>, ServiceError> {
        Ok(store::among(&self.db, user.id, messages).await?)
    }

    /// Publishes what another process has saved or taken off the list.
    pub(in crate::chat) async fn notify(
        &self,
        user: UserId,
        message: MessageId,
    ) -> Result<(), ServiceError> {
        let saved = !store::among(&self.db, user, &[message]).await?.is_empty();
        publish(&self.hub, user, message, saved);
        Ok(())
    }
}

fn publish(hub: &EventHub, user: UserId, message: MessageId, saved: bool) {
    hub.broadcast(Channel::User(user), 0, &Event::Saved { message, saved });
}
