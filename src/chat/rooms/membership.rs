//! Joining, inviting, leaving and removing: how users become members of a room and stop being members.

use super::model::{
    Access, Code, JoinMethod, JoinRefusal, Member, Moderator, Reader, Room, Standing,
};
use super::store::{Joined, Removed};
use super::{AccessError, RoomError, Rooms, store};
use crate::chat::accounts::model::User;
use crate::kernel::{RoomId, ServiceError};

impl From<JoinRefusal> for AccessError {
    fn from(refusal: JoinRefusal) -> Self {
        match refusal {
            JoinRefusal::Removed => Self::Removed,
            JoinRefusal::Shut => Self::NotFound,
        }
    }
}

impl Rooms {
    /// Returns the permission to post in a room. It does not write: a user that is not a member of a
    /// public room becomes one in the transaction that stores their post.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] unless the room is public or the user is a member,
    /// [`AccessError::Removed`] if they were removed from a public room.
    pub async fn member(&self, user: &User, room: RoomId) -> Result<Member, AccessError> {
        let access = self.access(user, room).await?;
        self.member_of(access).await
    }

    /// The same for a user that may read the room.
    ///
    /// # Errors
    /// [`AccessError::Removed`] if they were removed from a public room.
    pub async fn member_of(&self, access: Access) -> Result<Member, AccessError> {
        if self.is_removed(&access).await? {
            return Err(AccessError::Removed);
        }
        let Access { user, standing: Standing { room, is_member, parent, .. } } = access;
        Ok(Member { joins: !is_member, user, room, parent })
    }

    /// Whether the user was removed from a room that they may still read.
    pub async fn is_removed(&self, access: &Access) -> Result<bool, ServiceError> {
        let Access { user, standing } = access;
        Ok(!standing.is_member_of_gate && self.was_removed(user.id, standing.room).await?)
    }

    /// Joins a public room, or follows a thread. A member stays a member.
    ///
    /// # Errors
    /// [`AccessError::Removed`] if the user was removed from it.
    pub async fn join(&self, reader: &Reader) -> Result<Member, AccessError> {
        let Reader { user, room } = reader;
        match &room.parent {
            _ if room.is_member() => {}
            Some(parent) => self.follow(reader, parent).await?,
            None => self.finish_join(user, room, &JoinMethod::Public).await?,
        }
        let parent = room.parent.as_ref().map(|parent| parent.head);
        Ok(Member { user: user.clone(), room: room.id, joins: false, parent })
    }

    /// The room with this code, as the user sees it before joining.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] if there is no such code, [`AccessError::Removed`] if the user was
    /// removed from the room.
    pub async fn by_code(&self, user: &User, code: &str) -> Result<Room, AccessError> {
        let (room, _) = self.find_by_code(user, code).await?;
        if !room.is_member() && self.was_removed(user.id, room.id).await? {
            return Err(AccessError::Removed);
        }
        Ok(room)
    }

    /// Joins the room with this code.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] if there is no such code, [`AccessError::Removed`] if the user was
    /// removed from the room.
    pub async fn join_by_code(&self, user: &User, code: &str) -> Result<Member, AccessError> {
        let (room, code) = self.find_by_code(user, code).await?;
        if !room.is_member() {
            self.finish_join(user, &room, &JoinMethod::Code(code)).await?;
        }
        Ok(Member { user: user.clone(), room: room.id, joins: false, parent: None })
    }

    async fn find_by_code(&self, user: &User, code: &str) -> Result<(Room, Code), AccessError> {
        let code = Code::parse(code).ok_or(AccessError::NotFound)?;
        let found = store::find_by_code(&self.db, user.id, &code).await;
        let room = found.map_err(ServiceError::from)?.ok_or(AccessError::NotFound)?;
        Ok((room, code))
    }

    /// A member makes another user a member, even if that user had been removed.
    ///
    /// # Errors
    /// [`RoomError::Permanent`] for a direct message or a group, [`RoomError::Outsider`] if the inviting user is
    /// not a member.
    pub async fn invite(&self, reader: &Reader, guest: &User) -> Result<(), RoomError> {
        if reader.room.visibility.is_permanent() {
            return Err(RoomError::Permanent);
        }
        match self.finish_join(guest, &reader.room, &JoinMethod::Invitation(reader.user.id)).await {
            Ok(()) => Ok(()),
            Err(AccessError::Service(error)) => Err(error.into()),
            Err(_) => Err(RoomError::Outsider),
        }
    }

    /// Leaves a room, or stops following a thread. If the owner leaves, the member who joined first becomes the owner.
    ///
    /// # Errors
    /// [`RoomError::Permanent`] for the lobby, direct messages and groups, [`RoomError::NoMember`] if the user
    /// is not a member.
    pub async fn leave(&self, reader: &Reader) -> Result<(), RoomError> {
        let Reader { user, room } = reader;
        refuse_permanent(room)?;
        let left = store::leave(&self.db, user.id, room.id, self.change_meta()).await;
        let threads = left.map_err(ServiceError::from)?.ok_or(RoomError::NoMember)?;
        self.notify_left(room, user);
        self.notify_threads_lost(room, user, &threads, false).await?;
        if room.owner_id == Some(user.id) {
            self.notify_changed(room);
        }
        Ok(())
    }

    /// Removes a member, who can only come back if a member invites them. The room code is replaced,
    /// since they know the old one. Removing them again changes nothing.
    ///
    /// # Errors
    /// [`RoomError::NoMember`] if they were not a member, [`RoomError::Permanent`] for the lobby and
    /// direct messages, [`RoomError::SameUser`] if a moderator removes themselves.
    pub async fn remove(&self, moderator: &Moderator, user: &User) -> Result<(), RoomError> {
        let room = &moderator.room;
        refuse_permanent(room)?;
        if moderator.user.id == user.id {
            return Err(RoomError::SameUser);
        }
        let code = Code::new(&self.random);
        let removed = store::remove(&self.db, moderator, user, &code, self.change_meta()).await;
        match removed.map_err(ServiceError::from)? {
            Removed::Now(threads) => {
                self.notify_removed(room, user);
                self.notify_threads_lost(room, user, &threads, true).await?;
                self.notify_changed(room);
                Ok(())
            }
            Removed::Before => Ok(()),
            Removed::NoMember => Err(RoomError::NoMember),
        }
    }

    async fn finish_join(
        &self,
        user: &User,
        room: &Room,
        method: &JoinMethod,
    ) -> Result<(), AccessError> {
        let joined = store::join(&self.db, user.id, room.id, method, self.change_meta()).await;
        match joined.map_err(ServiceError::from)? {
            Joined::Now => self.notify_joined(room, user),
            Joined::Before => {}
            Joined::Refused(refusal) => return Err(refusal.into()),
        }
        Ok(())
    }
}

fn refuse_permanent(room: &Room) -> Result<(), RoomError> {
    if room.keeps_members() {
        return Err(RoomError::Permanent);
    }
    Ok(())
}
