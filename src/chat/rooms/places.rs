//! Where a user keeps a room in their sidebar, and whether a room is in use or archived.

use super::model::{Moderator, Reader, SectionName, Visibility};
use super::{RoomError, Rooms, store};
use crate::kernel::ServiceError;

impl Rooms {
    /// Puts a room at the top of the user's sidebar, or takes it away from there. Only the user learns of it.
    ///
    /// # Errors
    /// [`RoomError::NoMember`] if the user is not a member.
    pub async fn set_favourite(&self, reader: &Reader, favourite: bool) -> Result<(), RoomError> {
        let (user, room) = (reader.user.id, reader.room.id);
        let placed = store::set_favourite(&self.db, user, room, favourite, self.change_meta());
        self.finish_placing(reader, placed.await)
    }

    /// Puts a room into a section of the user's sidebar; into none if the name is empty.
    ///
    /// # Errors
    /// [`RoomError::NoMember`] if the user is not a member.
    pub async fn set_section(
        &self,
        reader: &Reader,
        section: &SectionName,
    ) -> Result<(), RoomError> {
        let (user, room) = (reader.user.id, reader.room.id);
        let placed = store::set_section(&self.db, user, room, section, self.change_meta());
        self.finish_placing(reader, placed.await)
    }

    fn finish_placing(
        &self,
        reader: &Reader,
        placed: Result<bool, sqlx::Error>,
    ) -> Result<(), RoomError> {
        let is_member = reader.room.is_member();
        match placed.map_err(ServiceError::from)? {
            true => self.notify_placed(reader.room.id, reader.user.id),
            false if !is_member => return Err(RoomError::NoMember),
            false => {}
        }
        Ok(())
    }

    /// Archives a room, or takes it into use again. An archived room is read and searched, but takes no messages, edits
    /// and reactions: the transaction that would store one refuses it.
    ///
    /// # Errors
    /// [`RoomError::NeverArchived`] for the lobby and direct messages.
    pub async fn set_archived(
        &self,
        moderator: &Moderator,
        archived: bool,
    ) -> Result<(), RoomError> {
        let room = &moderator.room;
        if room.lobby || room.visibility == Visibility::Direct {
            return Err(RoomError::NeverArchived);
        }
        let actor = moderator.user.id;
        let changed =
            store::set_archived(&self.db, actor, room, archived, self.change_meta()).await;
        if changed.map_err(ServiceError::from)? {
            self.notify_changed(room);
        }
        Ok(())
    }
}
