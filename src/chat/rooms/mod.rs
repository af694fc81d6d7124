//! Rooms: which there are, who may read them, who is in them.

pub mod model;
mod store;

use self::model::{Member, Reader, Room, Visibility};
use super::accounts::model::{Person, fold};
use super::events::{Bell, Event, Topic};
use crate::db::Db;
use crate::kernel::{Clock, Fault, RoomId, UserId};

/// The name of the room that everybody is in.
const LOBBY: &str = "lobby";

#[derive(Clone)]
pub struct Rooms {
    db: Db,
    bell: Bell,
    clock: Clock,
}

#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// No such room, or none this person may know of: the same to them.
    #[error("no such room")]
    NotFound,
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Rooms {
    pub fn new(db: Db, bell: Bell, clock: Clock) -> Self {
        Self { db, bell, clock }
    }

    /// Makes the lobby of a new installation.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn ensure_lobby(&self) -> Result<(), Fault> {
        Ok(store::ensure_lobby(&self.db, LOBBY, &fold(LOBBY), self.clock.now()).await?)
    }

    /// # Errors
    /// When the database cannot be asked.
    pub async fn lobby(&self) -> Result<RoomId, Fault> {
        Ok(store::lobby(&self.db).await?)
    }

    /// The rooms this person may see, the lobby first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn list(&self, person: &Person) -> Result<Vec<Room>, Fault> {
        Ok(store::list(&self.db, person.id).await?)
    }

    /// The right to read a room. Every path to a message goes through here: pages, API, sockets.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] unless the room is public or theirs.
    pub async fn reader(&self, person: &Person, room: RoomId) -> Result<Reader, AccessError> {
        let found = store::find(&self.db, person.id, room).await.map_err(Fault::from)?;
        match found {
            Some(room) if may_read(&room) => Ok(Reader { person: person.clone(), room }),
            _ => Err(AccessError::NotFound),
        }
    }

    /// The right to post in a room. In a public one, asking for it is joining.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] unless the room is public or theirs.
    pub async fn member(&self, person: &Person, room: RoomId) -> Result<Member, AccessError> {
        let Reader { person, room } = self.reader(person, room).await?;
        if room.last_read_seq.is_none() {
            self.join(&person, room.id).await?;
        }
        Ok(Member { person, room: room.id })
    }

    async fn join(&self, person: &Person, room: RoomId) -> Result<(), Fault> {
        if store::join(&self.db, person.id, room, self.clock.now()).await? {
            let joined = Event::Joined { room, person: person.clone() };
            self.bell.publish(Topic::Everybody, 0, &joined);
        }
        Ok(())
    }

    /// Who is in the room.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn members(&self, reader: &Reader) -> Result<Vec<UserId>, Fault> {
        Ok(store::members(&self.db, reader.room.id).await?)
    }

    /// Who is in which of the rooms that this person may see.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn memberships(&self, person: &Person) -> Result<Vec<(RoomId, UserId)>, Fault> {
        Ok(store::memberships(&self.db, person.id).await?)
    }
}

/// The one rule about who may see what is said in a room.
fn may_read(room: &Room) -> bool {
    room.visibility == Visibility::Public || room.last_read_seq.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Rev, Seq};

    fn room(visibility: Visibility, last_read_seq: Option<Seq>) -> Room {
        Room {
            id: RoomId(1),
            name: String::new(),
            topic: String::new(),
            visibility,
            lobby: false,
            owner_id: None,
            code: None,
            last_seq: Seq(0),
            rev: Rev(0),
            last_read_seq,
        }
    }

    #[test]
    fn a_public_room_is_read_by_everybody_and_any_other_by_its_members_alone() {
        let member = Some(Seq(0));
        assert!(may_read(&room(Visibility::Public, None)));
        for visibility in [Visibility::Private, Visibility::Direct] {
            assert!(may_read(&room(visibility, member)));
            assert!(!may_read(&room(visibility, None)));
        }
    }
}
