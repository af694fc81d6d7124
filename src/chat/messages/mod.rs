//! Messages: posting them and reading them back.

mod append;
pub mod markup;
pub mod model;
mod store;

use std::time::Duration;

use self::append::Append;
pub use self::model::PostError;
use self::model::{Draft, Message, Post, Posted, Window};
use super::events::Bell;
use super::rooms::model::{Member, Reader};
use crate::db::Db;
use crate::kernel::paging::{Limit, Page};
use crate::kernel::{Clock, Fault, Rev};
use crate::lifecycle::Lifecycle;

/// How long a nonce is known.
const NONCES_KEPT: Duration = Duration::from_hours(30 * 24);

#[derive(Clone)]
pub struct Messages {
    db: Db,
    clock: Clock,
    append: Append,
}

impl Messages {
    pub fn start(db: Db, bell: Bell, clock: Clock, lifecycle: &Lifecycle) -> Self {
        let append = Append::start(db.clone(), bell, clock.clone(), lifecycle);
        Self { db, clock, append }
    }

    /// Posts a message. When this returns it is on disk, and whoever has the room open was told.
    /// A nonce that this author used before gives the first message back.
    ///
    /// # Errors
    /// When the nonce was used for something else, the reply is to nothing, or too many wait.
    pub async fn post(&self, member: Member, draft: Draft) -> Result<Posted, PostError> {
        let html = markup::render(draft.body.as_str());
        self.append.post(Post { member, draft, html }).await
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
    ) -> Result<Page<Message>, Fault> {
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
    ) -> Result<Page<Message>, Fault> {
        Ok(store::since(&self.db, reader.room().id, rev, limit).await?)
    }

    /// Forgets old nonces.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn prune(&self) -> Result<(), Fault> {
        let before = self.clock.now().minus(NONCES_KEPT);
        while store::prune_sends(&self.db, before).await? {}
        Ok(())
    }
}
