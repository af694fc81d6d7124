//! Joining, inviting, leaving and removing: how people become members of a room and how that ends.

use super::model::{Code, JoinMethod, JoinRefusal, Member, Moderator, Reader, Room, Visibility};
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
    /// The right to post in a room. Asking for it changes nothing: who is no member of a public room
    /// becomes one together with what they post.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] unless the room is public or theirs, [`AccessError::Removed`] for who
    /// was removed from a public one.
    pub async fn member(&self, person: &User, room: RoomId) -> Result<Member, AccessError> {
        let reader = self.reader(person, room).await?;
        self.member_of(reader).await
    }

    /// The same for who may read it.
    ///
    /// # Errors
    /// [`AccessError::Removed`] for who was removed from a public one.
    pub async fn member_of(&self, reader: Reader) -> Result<Member, AccessError> {
        if self.is_removed(&reader).await? {
            return Err(AccessError::Removed);
        }
        let Reader { person, room } = reader;
        Ok(Member { joins: !room.is_member(), person, room: room.id })
    }

    /// Whether somebody was removed from a room that they may still read.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn is_removed(&self, reader: &Reader) -> Result<bool, ServiceError> {
        let (person, room) = (&reader.person, &reader.room);
        Ok(!room.is_member() && self.was_removed(person.id, room.id).await?)
    }

    /// Joins a public room. Who is a member already stays one.
    ///
    /// # Errors
    /// [`AccessError::Removed`] for who was removed from it.
    pub async fn join(&self, reader: &Reader) -> Result<Member, AccessError> {
        let (person, room) = (&reader.person, &reader.room);
        if !room.is_member() {
            self.finish_join(person, room, &JoinMethod::Public).await?;
        }
        Ok(Member { person: person.clone(), room: room.id, joins: false })
    }

    /// The room that a code opens, as this person sees it before joining.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] when it opens none, [`AccessError::Removed`] for who was removed.
    pub async fn by_code(&self, person: &User, code: &str) -> Result<Room, AccessError> {
        let (room, _) = self.opened_by(person, code).await?;
        if !room.is_member() && self.was_removed(person.id, room.id).await? {
            return Err(AccessError::Removed);
        }
        Ok(room)
    }

    /// Joins the room that a code opens.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] when it opens none, [`AccessError::Removed`] for who was removed.
    pub async fn join_by_code(&self, person: &User, code: &str) -> Result<Member, AccessError> {
        let (room, code) = self.opened_by(person, code).await?;
        if !room.is_member() {
            self.finish_join(person, &room, &JoinMethod::Code(code)).await?;
        }
        Ok(Member { person: person.clone(), room: room.id, joins: false })
    }

    async fn opened_by(&self, person: &User, code: &str) -> Result<(Room, Code), AccessError> {
        let code = Code::parse(code).ok_or(AccessError::NotFound)?;
        let found = store::find_by_code(&self.db, person.id, &code).await;
        let room = found.map_err(ServiceError::from)?.ok_or(AccessError::NotFound)?;
        Ok((room, code))
    }

    /// Makes somebody a member whom a member brings along, also if they had been removed.
    ///
    /// # Errors
    /// [`RoomError::Permanent`] for a direct conversation, [`RoomError::Outsider`] for who is not in
    /// the room themselves.
    pub async fn invite(&self, reader: &Reader, guest: &User) -> Result<(), RoomError> {
        if reader.room.visibility == Visibility::Direct {
            return Err(RoomError::Permanent);
        }
        match self.finish_join(guest, &reader.room, &JoinMethod::Invitation(reader.person.id)).await
        {
            Ok(()) => Ok(()),
            Err(AccessError::Fault(fault)) => Err(fault.into()),
            Err(_) => Err(RoomError::Outsider),
        }
    }

    /// Leaves a room; an owner's goes to whoever has been in it longest.
    ///
    /// # Errors
    /// [`RoomError::Permanent`] for the lobby and direct conversations.
    pub async fn leave(&self, reader: &Reader) -> Result<(), RoomError> {
        let (room, person) = (&reader.room, &reader.person);
        refuse_permanent(room)?;
        let left = store::leave(&self.db, person.id, room.id, self.change_meta()).await;
        if !left.map_err(ServiceError::from)? {
            return Err(RoomError::NoMember);
        }
        self.notify_left(room, person);
        if room.owner_id == Some(person.id) {
            self.notify_changed(room);
        }
        Ok(())
    }

    /// Removes a member, who does not come back before a member invites them. The code is renewed,
    /// since they know the old one. Removing again changes nothing.
    ///
    /// # Errors
    /// [`RoomError::NoMember`] for who was not in it, [`RoomError::Permanent`] for the lobby,
    /// [`RoomError::Oneself`] for who would remove themselves.
    pub async fn remove(&self, moderator: &Moderator, person: &User) -> Result<(), RoomError> {
        let room = &moderator.room;
        refuse_permanent(room)?;
        if moderator.person.id == person.id {
            return Err(RoomError::Oneself);
        }
        let code = Code::new(&self.random);
        let removed = store::remove(&self.db, moderator, person, &code, self.change_meta()).await;
        match removed.map_err(ServiceError::from)? {
            Removed::Now => {
                self.notify_removed(room, person);
                self.notify_changed(room);
                Ok(())
            }
            Removed::Before => Ok(()),
            Removed::NoMember => Err(RoomError::NoMember),
        }
    }

    async fn finish_join(
        &self,
        person: &User,
        room: &Room,
        door: &JoinMethod,
    ) -> Result<(), AccessError> {
        let joined = store::join(&self.db, person.id, room.id, door, self.change_meta()).await;
        match joined.map_err(ServiceError::from)? {
            Joined::Now => self.notify_joined(room, person),
            Joined::Before => {}
            Joined::Refused(refusal) => return Err(refusal.into()),
        }
        Ok(())
    }
}

fn refuse_permanent(room: &Room) -> Result<(), RoomError> {
    if room.lobby || room.visibility == Visibility::Direct {
        return Err(RoomError::Permanent);
    }
    Ok(())
}
