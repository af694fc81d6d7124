//! Deleting, restoring and purging rooms. A deleted room becomes a private one without members, owner
//! and code, so the existing rules and queries hide it. Its former state is kept in other tables until
//! it can no longer be restored.

use std::sync::PoisonError;

use super::model::{
    DeletedRoom, Room, RoomAdmin, RoomChange, RoomName, RoomSummary, Visibility, may_moderate,
};
use super::notify::audience;
use super::{AccessError, Reader, RoomError, Rooms, store};
use crate::chat::accounts::model::{Admin, Role, User};
use crate::chat::events::{Channel, Signal};
use crate::chat::names::model::NameFilter;
use crate::kernel::paging::{ListPage, PageStart};
use crate::kernel::{RoomId, ServiceError, Timestamp, UserId};
use crate::limits::deletion::ROOM_RESTORABLE;

impl Rooms {
    /// Returns the permission to rename and delete a room, for those who moderate it.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] if the user may not see the room, [`AccessError::Forbidden`] if they
    /// may see it but do not moderate it.
    pub async fn room_admin(&self, user: &User, room: RoomId) -> Result<RoomAdmin, AccessError> {
        let Reader { user, room } = self.reader(user, room).await?;
        // The members of a direct message or a group, and the readers of a thread, get
        // `RoomError::Permanent` later, which is more exact than `Forbidden`.
        if may_moderate(&user, &room) || room.visibility.is_permanent() {
            Ok(RoomAdmin { actor: user.id, room })
        } else {
            Err(AccessError::Forbidden)
        }
    }

    /// Returns an administrator's permission to rename and delete a room that they may not be able to
    /// read.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] if there is no such room, or if it is deleted, a direct message or a group.
    pub async fn any_room_admin(
        &self,
        _: &Admin,
        user: &User,
        room: RoomId,
    ) -> Result<RoomAdmin, AccessError> {
        let found = store::find(&self.db, user.id, room).await.map_err(ServiceError::from)?;
        let is_deleted =
            store::deleted(&self.db, room).await.map_err(ServiceError::from)?.is_some();
        match found {
            Some(room) if !is_deleted && !room.visibility.is_permanent() => {
                Ok(RoomAdmin { actor: user.id, room })
            }
            _ => Err(AccessError::NotFound),
        }
    }

    /// A page of all rooms except direct messages and groups, including deleted ones that can still be restored:
    /// the lobby first, then by name.
    pub async fn summary_page(
        &self,
        _: &Admin,
        filter: &NameFilter,
        start: &PageStart,
    ) -> Result<ListPage<RoomSummary>, ServiceError> {
        Ok(store::summary_page(&self.db, filter, start).await?)
    }

    /// One of these rooms.
    pub async fn summary(
        &self,
        _: &Admin,
        room: RoomId,
    ) -> Result<Option<RoomSummary>, ServiceError> {
        Ok(store::summary(&self.db, room).await?)
    }

    /// Deletes a room. It disappears for all users immediately. A job deletes its messages when it can
    /// no longer be restored.
    ///
    /// # Errors
    /// [`RoomError::Permanent`] for the lobby, direct messages and groups, [`RoomError::Gone`] if it was
    /// already deleted.
    pub async fn delete(&self, admin: &RoomAdmin) -> Result<(), RoomError> {
        let RoomAdmin { actor, room } = admin;
        if room.lobby || room.visibility.is_permanent() {
            return Err(RoomError::Permanent);
        }
        let deleted = store::delete(&self.db, room.id, *actor, self.change_meta()).await;
        if !deleted.map_err(ServiceError::from)? {
            return Err(RoomError::Gone);
        }
        self.notify_deleted(room.id, room.visibility).await?;
        Ok(())
    }

    /// Renames a room.
    ///
    /// # Errors
    /// [`RoomError::NameTaken`] if another public room has this name or a similar one,
    /// [`RoomError::Permanent`] for direct messages and groups.
    pub async fn rename(&self, admin: &RoomAdmin, name: &RoomName) -> Result<(), RoomError> {
        let RoomAdmin { actor, room } = admin;
        if room.visibility.is_permanent() {
            return Err(RoomError::Permanent);
        }
        let change = RoomChange { name: Some(name.clone()), ..RoomChange::default() };
        self.change(*actor, room, &change).await
    }

    /// A deleted room that can still be restored, for the user who deleted it and for administrators.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] for other users, or if the room can no longer be restored.
    pub async fn deleted(&self, user: &User, room: RoomId) -> Result<DeletedRoom, AccessError> {
        let found = store::deleted(&self.db, room).await.map_err(ServiceError::from)?;
        let found = found.filter(|room| self.is_restorable(room.deleted_at) && !room.purging);
        let may_restore = |by| by == user.id || user.role == Role::Admin;
        let room =
            found.filter(|room| may_restore(room.deleted_by)).ok_or(AccessError::NotFound)?;
        Ok(DeletedRoom::new(room, user.id))
    }

    /// The rooms that this user deleted and can still restore.
    pub async fn deleted_by(&self, user: &User) -> Result<Vec<DeletedRoom>, ServiceError> {
        let found = store::deleted_by(&self.db, user.id).await?.into_iter();
        let restorable = found.filter(|room| self.is_restorable(room.deleted_at) && !room.purging);
        Ok(restorable.map(|room| DeletedRoom::new(room, user.id)).collect())
    }

    fn is_restorable(&self, deleted_at: Timestamp) -> bool {
        self.clock.now() < deleted_at.plus(ROOM_RESTORABLE)
    }

    /// Restores a deleted room with its members and their read markers.
    ///
    /// # Errors
    /// [`RoomError::NameTaken`] if another public room has its name now, [`RoomError::Gone`] if it was
    /// already restored or purged.
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

    /// Whether the user could see the room until it was deleted. If so, they see a notice that it was
    /// deleted.
    pub async fn was_deleted(&self, user: &User, room: RoomId) -> Result<bool, ServiceError> {
        Ok(store::had_been_visible(&self.db, room, user.id).await?)
    }

    /// Ends the time in which a room can be restored. Returns false if it is not over yet, or the room
    /// was restored.
    pub async fn begin_purge(&self, room: RoomId) -> Result<bool, ServiceError> {
        let now = self.clock.now();
        Ok(store::begin_purge(&self.db, room, now, now.minus(ROOM_RESTORABLE)).await?)
    }

    /// Clears the remaining data of a purged room when its messages are gone. The row stays, so the
    /// room id is never used again.
    pub async fn finish_purge(&self, room: RoomId) -> Result<(), ServiceError> {
        Ok(store::finish_purge(&self.db, room).await?)
    }

    /// Publishes that another process changed, deleted or restored a room.
    pub(in crate::chat) async fn notify_room(&self, room: RoomId) -> Result<(), ServiceError> {
        if let Some(deleted) = store::deleted(&self.db, room).await? {
            self.notify_deleted(room, deleted.visibility).await?;
        } else if self.forget_restored(room) {
            self.notify_restored(room).await?;
        } else if let Some(room) = self.find_for(NO_USER, room).await? {
            self.notify_changed(&room);
        }
        Ok(())
    }

    /// Each connection reads the room again and finds that it is gone; so do those that have one of its threads
    /// open.
    async fn notify_deleted(
        &self,
        room: RoomId,
        visibility: Visibility,
    ) -> Result<(), ServiceError> {
        self.known_deleted.lock().unwrap_or_else(PoisonError::into_inner).insert(room);
        self.hub.notify(audience(room, visibility), Signal::RoomChanged(room));
        for thread in self.open_threads(room).await? {
            self.hub.notify(Channel::Room(thread), Signal::RoomChanged(thread));
        }
        Ok(())
    }

    fn forget_restored(&self, room: RoomId) -> bool {
        self.known_deleted.lock().unwrap_or_else(PoisonError::into_inner).remove(&room)
    }

    /// Members subscribe to the room again. Connections that were opened while it was deleted are not
    /// subscribed yet.
    async fn notify_restored(&self, room: RoomId) -> Result<(), ServiceError> {
        let Some(Room { visibility, .. }) = self.find_for(NO_USER, room).await? else {
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

    /// Loads the rooms that were deleted before this process started to read the change feed.
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

/// A user id that no user has, for reading a room without any permissions.
const NO_USER: UserId = UserId(0);
