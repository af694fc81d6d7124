//! Custom emoji: administrators add images that all users write as `:name:` and react with.
//!
//! Knows no messages: what a message shows was decided when it was written.

pub mod model;
mod store;

use std::fs::File;

use self::model::{AddEmojiError, EmojiEntry, EmojiImage, EmojiName, KnownEmoji};
use self::store::Added;
use super::accounts::model::Admin;
use super::events::{Channel, Event, EventHub};
use crate::changefeed::model::ProcessId;
use crate::db::Db;
use crate::kernel::{Clock, ServiceError};
use crate::media::{ImageEncoder, ImageError, Rendition};

#[derive(Clone)]
pub struct CustomEmoji {
    db: Db,
    hub: EventHub,
    clock: Clock,
    origin: ProcessId,
    images: ImageEncoder,
    known: KnownEmoji,
}

impl CustomEmoji {
    /// Reads which emoji exist.
    pub async fn load(
        db: Db,
        hub: EventHub,
        clock: Clock,
        origin: ProcessId,
        images: ImageEncoder,
    ) -> Result<Self, ServiceError> {
        let known = KnownEmoji::default();
        known.replace(store::entries(&db).await?);
        Ok(Self { db, hub, clock, origin, images, known })
    }

    /// Those that exist, for who writes and shows messages.
    pub fn known(&self) -> KnownEmoji {
        self.known.clone()
    }

    /// Adds an emoji and tells all users.
    ///
    /// # Errors
    /// If the picture cannot be used, the name is taken, or there are too many.
    pub async fn add(
        &self,
        admin: &Admin,
        name: &EmojiName,
        picture: &File,
    ) -> Result<EmojiEntry, AddEmojiError> {
        let png = self.images.encode(Rendition::Emoji, picture).await?;
        let image = EmojiImage::stored(png).ok_or(ImageError::TooLarge)?;
        let meta = self.origin.meta(self.clock.now());
        let added = store::add(&self.db, name, &image, admin.actor(), meta).await;
        match added.map_err(ServiceError::from)? {
            Added::Done => {}
            Added::Taken => return Err(AddEmojiError::Taken),
            Added::TooMany => return Err(AddEmojiError::TooMany),
        }
        self.notify_changed().await?;
        Ok(EmojiEntry { name: name.as_str().to_owned(), version: image.version() })
    }

    /// Removes an emoji and tells all users. Returns false if there is none of this name. Messages with
    /// it show its name from then on.
    pub async fn remove(&self, admin: &Admin, name: &str) -> Result<bool, ServiceError> {
        let meta = self.origin.meta(self.clock.now());
        let removed = store::remove(&self.db, name, admin.actor(), meta).await?;
        if removed {
            self.notify_changed().await?;
        }
        Ok(removed)
    }

    /// The image of this name as a PNG, with its version.
    pub async fn image(&self, name: &str) -> Result<Option<EmojiImage>, ServiceError> {
        Ok(store::image(&self.db, name).await?.and_then(EmojiImage::stored))
    }

    /// Reads which emoji exist, after this or another process changed them, and tells all users.
    pub async fn notify_changed(&self) -> Result<(), ServiceError> {
        self.known.replace(store::entries(&self.db).await?);
        self.hub.broadcast(Channel::Everyone, 0, &Event::EmojiChanged);
        Ok(())
    }
}
