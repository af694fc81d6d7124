//! Avatars: pictures shown instead of initials. Each is encoded again from the upload, so no byte of an
//! uploaded file is ever served.

use std::fs::File;

use super::model::{Authenticated, User};
use super::store::NewAvatar;
use super::{Accounts, store};
use crate::chat::events::{Channel, Event};
use crate::kernel::ServiceError;
use crate::media::{ImageEncoder, ImageError, Rendition};

/// A small square JPEG. Only [`AvatarEncoder`] creates it.
pub struct Avatar(Vec<u8>);

/// Encodes uploaded pictures as avatars.
#[derive(Clone)]
pub struct AvatarEncoder(ImageEncoder);

impl AvatarEncoder {
    pub fn new(images: ImageEncoder) -> Self {
        Self(images)
    }

    /// # Errors
    /// If the file is not a picture, costs too much to decode, or too many are being decoded.
    pub async fn encode(&self, picture: &File) -> Result<Avatar, ImageError> {
        self.0.encode(Rendition::Avatar, picture).await.map(Avatar)
    }
}

impl Accounts {
    /// Sets the user's avatar and publishes it to all users.
    pub async fn set_picture(
        &self,
        me: &Authenticated,
        avatar: Avatar,
    ) -> Result<(), ServiceError> {
        let name = self.random.token();
        let new = NewAvatar { name: &name, image: &avatar.0 };
        store::set_avatar(&self.db, me.user.id, Some(new), self.change_meta()).await?;
        self.notify_avatar(me, Some(name));
        Ok(())
    }

    /// Removes the user's avatar and publishes that to all users.
    pub async fn remove_picture(&self, me: &Authenticated) -> Result<(), ServiceError> {
        store::set_avatar(&self.db, me.user.id, None, self.change_meta()).await?;
        self.notify_avatar(me, None);
        Ok(())
    }

    /// The JPEG of the avatar with this name.
    pub async fn picture(&self, name: &str) -> Result<Option<Vec<u8>>, ServiceError> {
        Ok(store::find_avatar(&self.db, name).await?)
    }

    fn notify_avatar(&self, me: &Authenticated, avatar: Option<String>) {
        let user = User { avatar, ..me.user.clone() };
        self.hub.broadcast(Channel::Everyone, 0, &Event::Renamed(user));
    }
}
