//! Drafts: text in a composer that was not sent yet, on all devices of its author. The newest wins; what a device has
//! typed itself it keeps. The browser's own storage comes first, this is the copy for other devices.
//!
//! Storing a message deletes the draft with its nonce in the same transaction, whichever way the message came
//! (`messages/store`). This module knows nothing of HTTP, pages or sockets.

pub mod model;
pub(in crate::chat) mod store;

use std::sync::Arc;

use self::model::{DraftState, NewDraft, StoredDraft};
use self::store::{Kept, SentDraft};
use super::accounts::model::User;
use super::events::{Channel, Event, EventHub};
use super::rooms::model::Reader;
use crate::changefeed::model::ProcessId;
use crate::db::Db;
use crate::kernel::{Clock, Random, RoomId, ServiceError, UserId};

#[derive(Clone)]
pub struct Drafts {
    db: Db,
    hub: EventHub,
    clock: Clock,
    random: Random,
    process: ProcessId,
}

#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// The user's drafts are too many or too long.
    #[error("too many drafts")]
    TooMany,
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl Drafts {
    pub fn new(db: Db, hub: EventHub, clock: Clock, random: Random, process: ProcessId) -> Self {
        Self { db, hub, clock, random, process }
    }

    /// Stores the user's draft for a room; a blank one deletes it. The right to read a room is enough to prepare a text for it.
    /// A draft whose nonce was used is ignored: its text was sent. One without a nonce gets one, so that its post can
    /// delete it.
    ///
    /// # Errors
    /// [`DraftError::TooMany`] if the user's other drafts leave no space.
    pub async fn put(&self, reader: &Reader, draft: &NewDraft) -> Result<(), DraftError> {
        let (user, room) = (reader.user().id, reader.room().id);
        let meta = self.process.meta(self.clock.now());
        let fresh = self.random.token();
        let kept = store::put(&self.db, user, room, draft, &fresh, meta).await;
        match kept.map_err(ServiceError::from)? {
            Kept::Now(state) => {
                publish(&self.hub, user, room, state);
                Ok(())
            }
            Kept::Before => Ok(()),
            Kept::Refused => Err(DraftError::TooMany),
        }
    }

    /// The user's draft for a room.
    pub async fn find(&self, reader: &Reader) -> Result<Option<StoredDraft>, ServiceError> {
        Ok(store::find(&self.db, reader.user().id, reader.room().id).await?)
    }

    /// The user's drafts for rooms that they may read, the newest first.
    pub async fn list(&self, user: &User) -> Result<Vec<StoredDraft>, ServiceError> {
        Ok(store::list(&self.db, user.id).await?)
    }

    /// Publishes a draft that another process changed.
    pub(in crate::chat) async fn notify(
        &self,
        user: UserId,
        room: RoomId,
    ) -> Result<(), ServiceError> {
        let draft = store::find(&self.db, user, room).await?;
        let state = draft.map_or(DraftState::Gone { nonce: None }, DraftState::Stored);
        publish(&self.hub, user, room, state);
        Ok(())
    }
}

/// Publishes what became of the user's draft for a room to their own connections.
fn publish(hub: &EventHub, user: UserId, room: RoomId, state: DraftState) {
    hub.broadcast(Channel::User(user), 0, &Event::Draft { room, draft: Arc::new(state) });
}

/// Publishes that drafts were sent.
pub(in crate::chat) fn publish_sent(hub: &EventHub, drafts: &[SentDraft]) {
    for SentDraft { user, room, nonce } in drafts {
        publish(hub, *user, *room, DraftState::Gone { nonce: Some(nonce.clone()) });
    }
}
