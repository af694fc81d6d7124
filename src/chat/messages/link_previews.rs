//! The previews of the links of a message. What is found at the links is not known here.

use super::model::{Deleter, Message, Write, WriteError, WriteOutcome};
use super::{Messages, store};
use crate::chat::link_previews::model::{FoundPage, links_with_previews};
use crate::kernel::{MessageId, RoomId, ServiceError, UserId};

/// A message whose links may get previews.
pub(in crate::chat) struct PreviewTarget {
    pub room: RoomId,
    pub author: UserId,
    pub links: Vec<String>,
}

impl Messages {
    /// The links of a message that may get previews. `None` if it has none or is deleted, or if its room does not want
    /// any.
    pub(in crate::chat) async fn preview_target(
        &self,
        id: MessageId,
    ) -> Result<Option<PreviewTarget>, ServiceError> {
        let Some(room) = self.room_of(id).await? else { return Ok(None) };
        let Some(message) = store::find(&self.db, room, id).await? else { return Ok(None) };
        let links = links_with_previews(&message.html);
        if links.is_empty() || message.is_deleted() || !store::has_previews(&self.db, room).await? {
            return Ok(None);
        }
        Ok(Some(PreviewTarget { room, author: message.author.id, links }))
    }

    /// Shows what was found at the links of a message. Nothing happens if it was deleted since.
    pub(in crate::chat) async fn show_previews(
        &self,
        room: RoomId,
        message: MessageId,
        found: Vec<(String, FoundPage)>,
    ) -> Result<(), ServiceError> {
        match self.writer.write(Write::ShowPreviews { room, message, found }).await {
            Ok(_) | Err(WriteError::NotFound | WriteError::Deleted) => Ok(()),
            Err(WriteError::Service(error)) => Err(error),
            Err(error) => Err(ServiceError::internal(error)),
        }
    }

    /// Removes the preview of the link `n` for all readers. Who may delete the message may do this. Doing it again
    /// changes nothing.
    ///
    /// # Errors
    /// [`WriteError::NotFound`] if the link has no preview.
    pub async fn remove_preview(
        &self,
        deleter: Deleter,
        n: i64,
    ) -> Result<WriteOutcome, WriteError> {
        self.writer.write(Write::RemovePreview { deleter, n }).await
    }

    /// The picture in the preview of the link `n`: a JPEG.
    pub async fn preview_image(
        &self,
        message: &Message,
        n: i64,
    ) -> Result<Option<Vec<u8>>, ServiceError> {
        Ok(store::preview_image(&self.db, message.id, n).await?)
    }
}
