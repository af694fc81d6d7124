//! Deleting rooms, restoring them, and what is left of them afterwards. A deleted room becomes a
//! private one without members, owner and code, so that the rules and queries that hide such rooms
//! hide it; what it was is kept aside until it can no longer be restored.

use std::sync::PoisonError;

use super::model::{DeletedRoom, Room, RoomAdmin, RoomName, RoomSummary, Visibility, may_moderate};
use super::notify::audience;
use super::{AccessError, Reader, RoomError, Rooms, store};
use crate::chat::accounts::model::{Admin, Role, User};
use crate::chat::events::{Channel, Signal};
use crate::kernel::{RoomId, ServiceError, Timestamp, UserId};
use crate::limits::deletion::ROOM_RESTORABLE;

impl Rooms {
    /// The right of who moderates a room to rename and delete it.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] for who may not see it, [`AccessError::Forbidden`] for who may.
    pub async fn room_admin(&self, person: &User, room: RoomId) -> Result<RoomAdmin, AccessError> {
        let Reader { person, room } = self.reader(person, room).await?;
        // Its two people are answered that it cannot be done, and not that they may not.
        if may_moderate(&person, &room) || room.visibility == Visibility::Direct {
            Ok(RoomAdmin { actor: person.id, room })
        } else {
            Err(AccessError::Forbidden)
        }
    }

    /// The right of an administrator to rename and delete a room that they may not read.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] for what is no room, or a direct conversation.
    pub async fn any_room_admin(
        &self,
        _: &Admin,
        person: &User,
        room: RoomId,
    ) -> Result<RoomAdmin, AccessError> {
        let found = store::find(&self.db, person.id, room).await.map_err(ServiceError::from)?;
        let gone = store::deleted(&self.db, room).await.map_err(ServiceError::from)?.is_some();
        match found {
            Some(room) if !gone && room.visibility != Visibility::Direct => {
                Ok(RoomAdmin { actor: person.id, room })
            }
            _ => Err(AccessError::NotFound),
        }
    }

    /// Every room but direct conversations, with those that can still be restored, by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn summaries(&self, _: &Admin) -> Result<Vec<RoomSummary>, ServiceError> {
        Ok(store::summaries(&self.db).await?)
    }

    /// Deletes a room: it is gone for everybody at once. A job deletes what was said in it once it can
    /// no longer be restored.
    ///
    /// # Errors
    /// [`RoomError::Permanent`] for the lobby and direct conversations, [`RoomError::NoMember`] when
    /// somebody else was quicker.
    pub async fn delete(&self, admin: &RoomAdmin) -> Result<(), RoomError> {
        let RoomAdmin { actor, room } = admin;
        if room.lobby || room.visibility == Visibility::Direct {
            return Err(RoomError::Permanent);
        }
        let deleted = store::delete(&self.db, room.id, *actor, self.change_meta()).await;
        if !deleted.map_err(ServiceError::from)? {
            return Err(RoomError::Gone);
        }
        self.notify_deleted(room.id, room.visibility);
        Ok(())
    }

    /// Gives a room another name.
    ///
    /// # Errors
    /// [`RoomError::NameTaken`] for the name of another public room, [`RoomError::Permanent`] for direct
    /// conversations.
    pub async fn rename(&self, admin: &RoomAdmin, name: &RoomName) -> Result<(), RoomError> {
        let RoomAdmin { actor, room } = admin;
        if room.visibility == Visibility::Direct {
            return Err(RoomError::Permanent);
        }
        self.change(*actor, room, Some(name), None).await
    }

    /// A deleted room, for who deleted it and for administrators, as long as it can be restored.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] for everybody else, and afterwards.
    pub async fn deleted(&self, person: &User, room: RoomId) -> Result<DeletedRoom, AccessError> {
        let found = store::deleted(&self.db, room).await.map_err(ServiceError::from)?;
        let found = found.filter(|room| self.is_restorable(room.deleted_at) && !room.purging);
        let theirs = |by| by == person.id || person.role == Role::Admin;
        let room = found.filter(|room| theirs(room.deleted_by)).ok_or(AccessError::NotFound)?;
        Ok(DeletedRoom::new(room, person.id))
    }

    /// The rooms that this person deleted and can restore.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn deleted_by(&self, person: &User) -> Result<Vec<DeletedRoom>, ServiceError> {
        let found = store::deleted_by(&self.db, person.id).await?.into_iter();
        let restorable = found.filter(|room| self.is_restorable(room.deleted_at) && !room.purging);
        Ok(restorable.map(|room| DeletedRoom::new(room, person.id)).collect())
    }

    fn is_restorable(&self, deleted_at: Timestamp) -> bool {
        self.clock.now() < deleted_at.plus(ROOM_RESTORABLE)
    }

    /// Puts a deleted room back as it was, with its members and their read marks.
    ///
    /// # Errors
    /// [`RoomError::NameTaken`] when another public room got its name, [`RoomError::Gone`] when it was
    /// restored meanwhile.
    pub async fn restore(&self, room: &DeletedRoom) -> Result<(), RoomError> {
        match store::restore(&self.db, room.id, room.actor, self.change_meta()).await {
            Ok(true) => {
                self.forget_restored(room.id);
                Ok(self.notify_restored(room.id).await?)
            }
            Ok(false) => Err(RoomError::Gone),
            Err(error) if crate::db::is_unique_violation(&error) => Err(RoomError::NameTaken),
            Err(error) => Err(ServiceError::from(error).into()),
        }
    }

    /// Whether this person could see a room until it was deleted: what they are told instead of it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn was_deleted(&self, person: &User, room: RoomId) -> Result<bool, ServiceError> {
        Ok(store::had_been_visible(&self.db, room, person.id).await?)
    }

    /// Ends the time in which a room can be restored. False when it has not passed, or the room was
    /// restored.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn begin_purge(&self, room: RoomId) -> Result<bool, ServiceError> {
        let now = self.clock.now();
        Ok(store::begin_purge(&self.db, room, (now, now.minus(ROOM_RESTORABLE))).await?)
    }

    /// Forgets the rest, once the messages are gone. The number of the room is never used again.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn finish_purge(&self, room: RoomId) -> Result<(), ServiceError> {
        Ok(store::finish_purge(&self.db, room).await?)
    }

    /// Tells of a room that another process has changed, deleted or restored.
    pub(in crate::chat) async fn notify_room(&self, room: RoomId) -> Result<(), ServiceError> {
        if let Some(deleted) = store::deleted(&self.db, room).await? {
            self.notify_deleted(room, deleted.visibility);
        } else if self.forget_restored(room) {
            self.notify_restored(room).await?;
        } else if let Some(room) = self.find_for(NOBODY, room).await? {
            self.notify_changed(&room);
        }
        Ok(())
    }

    /// Each connection asks how the room is now, and finds that it is gone.
    fn notify_deleted(&self, room: RoomId, visibility: Visibility) {
        self.known_deleted.lock().unwrap_or_else(PoisonError::into_inner).insert(room);
        self.hub.notify(audience(room, visibility), Signal::RoomChanged(room));
    }

    fn forget_restored(&self, room: RoomId) -> bool {
        self.known_deleted.lock().unwrap_or_else(PoisonError::into_inner).remove(&room)
    }

    /// Its members listen to it again; who connected while it was deleted does not yet.
    async fn notify_restored(&self, room: RoomId) -> Result<(), ServiceError> {
        let Some(Room { visibility, .. }) = self.find_for(NOBODY, room).await? else {
            return Ok(());
        };
        for member in store::members(&self.db, room).await? {
            self.hub.notify(Channel::User(member), Signal::Joined(room));
        }
        if visibility == Visibility::Public {
            self.hub.notify(Channel::Everyone, Signal::RoomChanged(room));
        }
        Ok(())
    }

    /// Rooms that were deleted before this process began to listen.
    pub(in crate::chat) async fn load_deleted(&self) -> Result<(), ServiceError> {
        let rooms = store::all_deleted(&self.db).await?;
        self.known_deleted.lock().unwrap_or_else(PoisonError::into_inner).extend(rooms);
        Ok(())
    }
}

impl DeletedRoom {
    fn new(room: store::Tombstone, actor: UserId) -> Self {
        Self { id: room.id, name: room.name, deleted_at: room.deleted_at, actor }
    }
}

/// Has no rights anywhere.
const NOBODY: UserId = UserId(0);
