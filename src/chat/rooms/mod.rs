//! Rooms: which there are, who may read them, who is in them, who changes them.

pub mod model;
mod store;

use std::collections::{BTreeSet, HashMap};

use self::model::{
    Census, Code, Member, NewRoom, Owner, Reader, Room, RoomChange, Visibility, may_change,
    may_read,
};
pub(in crate::chat) use self::store::readable_rooms;
use super::accounts::model::{Admin, Person, fold};
use super::events::{Bell, Event, Notice, Topic};
use crate::db::Db;
use crate::kernel::{Clock, Fault, Random, RoomId, Seq, UserId};

/// The name of the room that everybody is in.
const LOBBY: &str = "lobby";

#[derive(Clone)]
pub struct Rooms {
    db: Db,
    bell: Bell,
    clock: Clock,
    random: Random,
}

#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// No such room, or none this person may know of: the same to them.
    #[error("no such room")]
    NotFound,
    /// They see it, but it is not theirs to change.
    #[error("not the owner")]
    Forbidden,
    #[error(transparent)]
    Fault(#[from] Fault),
}

#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    /// Another public room has this name.
    #[error("the name is taken")]
    NameTaken,
    /// The lobby is everybody's, and a direct conversation has its two for ever.
    #[error("nobody leaves this room")]
    Permanent,
    #[error("not a member")]
    NoMember,
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Rooms {
    pub fn new(db: Db, bell: Bell, clock: Clock, random: Random) -> Self {
        Self { db, bell, clock, random }
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

    /// The rooms this person may see: the lobby first, then by name.
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
        if !room.is_member() {
            self.enter(&person, &room).await?;
        }
        Ok(Member { person, room: room.id })
    }

    /// The right to change a room.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] for who may not see it, [`AccessError::Forbidden`] for who may.
    pub async fn owner(&self, person: &Person, room: RoomId) -> Result<Owner, AccessError> {
        let Reader { person, room } = self.reader(person, room).await?;
        if may_change(&person, &room) {
            Ok(Owner { person, room })
        } else {
            Err(AccessError::Forbidden)
        }
    }

    /// The room that a code opens, as this person sees it before joining.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] when it opens none.
    pub async fn by_code(&self, person: &Person, code: &str) -> Result<Room, AccessError> {
        let code = Code::parse(code).ok_or(AccessError::NotFound)?;
        let found = store::find_by_code(&self.db, person.id, &code).await.map_err(Fault::from)?;
        found.ok_or(AccessError::NotFound)
    }

    /// Joins the room that a code opens.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] when it opens none.
    pub async fn join_by_code(&self, person: &Person, code: &str) -> Result<Member, AccessError> {
        let room = self.by_code(person, code).await?;
        if !room.is_member() {
            self.enter(person, &room).await?;
        }
        Ok(Member { person: person.clone(), room: room.id })
    }

    /// Lets somebody in whom a member brings along.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn invite(&self, reader: &Reader, guest: &Person) -> Result<(), RoomError> {
        if reader.room.visibility == Visibility::Direct {
            return Err(RoomError::Permanent);
        }
        if !reader.room.is_member() {
            return Err(RoomError::NoMember);
        }
        Ok(self.enter(guest, &reader.room).await?)
    }

    /// Makes a room; who makes it owns it and is in it.
    ///
    /// # Errors
    /// [`RoomError::NameTaken`] for the name of another public room.
    pub async fn create(&self, person: &Person, new: &NewRoom) -> Result<Member, RoomError> {
        let code = Code::new(&self.random);
        let added = store::add(&self.db, new, person.id, &code, self.clock.now()).await;
        let room = added.map_err(Fault::from)?.ok_or(RoomError::NameTaken)?;
        self.bell.tell(Topic::Person(person.id), Notice::Joined(room));
        if new.visibility == Visibility::Public {
            self.bell.tell(Topic::Everybody, Notice::RoomChanged(room));
        }
        Ok(Member { person: person.clone(), room })
    }

    /// The conversation of two people, made if there is none.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn direct(&self, person: &Person, other: &Person) -> Result<Member, Fault> {
        let pair = (person.id, other.id);
        let (room, new) = store::ensure_direct(&self.db, pair, self.clock.now()).await?;
        if new {
            self.bell.tell(Topic::Person(person.id), Notice::Joined(room));
            self.bell.tell(Topic::Person(other.id), Notice::Joined(room));
        }
        Ok(Member { person: person.clone(), room })
    }

    /// The conversation of two people, if they have one.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn find_direct(
        &self,
        person: &Person,
        other: &Person,
    ) -> Result<Option<RoomId>, Fault> {
        Ok(store::find_direct(&self.db, person.id, other.id).await?)
    }

    /// Changes name or topic.
    ///
    /// # Errors
    /// [`RoomError::NameTaken`] for the name of another public room.
    pub async fn update(&self, owner: &Owner, change: &RoomChange) -> Result<(), RoomError> {
        let room = &owner.room;
        if !store::update(&self.db, room.id, change).await.map_err(Fault::from)? {
            return Err(RoomError::NameTaken);
        }
        self.tell_of_change(room);
        Ok(())
    }

    /// Makes the old code worthless.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn renew_code(&self, owner: &Owner) -> Result<(), Fault> {
        store::set_code(&self.db, owner.room.id, &Code::new(&self.random)).await?;
        self.tell_of_change(&owner.room);
        Ok(())
    }

    /// Gives the room to another of its members.
    ///
    /// # Errors
    /// [`RoomError::NoMember`] for anybody else.
    pub async fn hand_over(&self, owner: &Owner, to: UserId) -> Result<(), RoomError> {
        let room = &owner.room;
        if room.lobby {
            return Err(RoomError::Permanent);
        }
        if !store::set_owner(&self.db, room.id, to).await.map_err(Fault::from)? {
            return Err(RoomError::NoMember);
        }
        self.tell_of_change(room);
        Ok(())
    }

    /// Leaves a room; an owner's goes to whoever has been in it longest.
    ///
    /// # Errors
    /// [`RoomError::Permanent`] for the lobby and direct conversations.
    pub async fn leave(&self, reader: &Reader) -> Result<(), RoomError> {
        self.let_go(&reader.room, &reader.person).await
    }

    /// Shows somebody the door.
    ///
    /// # Errors
    /// [`RoomError::NoMember`] when they are not in it, [`RoomError::Permanent`] for the lobby.
    pub async fn remove(&self, owner: &Owner, person: &Person) -> Result<(), RoomError> {
        self.let_go(&owner.room, person).await
    }

    /// Finds new owners for the rooms of somebody whose account is closed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn pass_on(&self, _: &Admin, user: UserId) -> Result<(), Fault> {
        for room in store::pass_on(&self.db, user).await? {
            // Who may not see the room finds no more in the notice than its number.
            self.bell.tell(Topic::Members(room), Notice::RoomChanged(room));
        }
        Ok(())
    }

    /// How far this person has read; never moves back.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn mark_read(&self, reader: &Reader, seq: Seq) -> Result<(), Fault> {
        let room = reader.room.id;
        let before = reader.room.last_read_seq;
        let now = store::mark_read(&self.db, reader.person.id, room, seq).await?;
        if let Some(seq) = now.filter(|seq| Some(*seq) != before) {
            let read = Event::Read { room, seq };
            self.bell.publish(Topic::Person(reader.person.id), 0, &read);
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

    /// The people in the room, by name.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn people(&self, reader: &Reader) -> Result<Vec<Person>, Fault> {
        Ok(store::people(&self.db, reader.room.id).await?)
    }

    /// What there is to tell about each of the rooms that this person may see.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn census(
        &self,
        person: &Person,
        online: &BTreeSet<UserId>,
    ) -> Result<HashMap<RoomId, Census>, Fault> {
        let online: Vec<UserId> = online.iter().copied().collect();
        Ok(store::census(&self.db, person.id, &online).await?.into_iter().collect())
    }

    async fn enter(&self, person: &Person, room: &Room) -> Result<(), Fault> {
        if store::join(&self.db, person.id, room.id, self.clock.now()).await? {
            self.bell.tell(Topic::Person(person.id), Notice::Joined(room.id));
            let joined = Event::Joined { room: room.id, person: person.clone() };
            self.bell.publish(audience(room), 0, &joined);
        }
        Ok(())
    }

    async fn let_go(&self, room: &Room, person: &Person) -> Result<(), RoomError> {
        if room.lobby || room.visibility == Visibility::Direct {
            return Err(RoomError::Permanent);
        }
        if !store::leave(&self.db, person.id, room.id).await.map_err(Fault::from)? {
            return Err(RoomError::NoMember);
        }
        let left = Event::Left { room: room.id, person: person.clone() };
        self.bell.publish(audience(room), 0, &left);
        // Not a word of what is said from now on, however busy their connections are.
        let them = Topic::Person(person.id);
        self.bell.part(them, Topic::Members(room.id));
        if room.visibility == Visibility::Private {
            self.bell.part(them, Topic::Room(room.id));
        }
        self.bell.tell(Topic::Person(person.id), Notice::Left(room.id));
        if room.owner_id == Some(person.id) {
            self.tell_of_change(room);
        }
        Ok(())
    }

    fn tell_of_change(&self, room: &Room) {
        self.bell.tell(audience(room), Notice::RoomChanged(room.id));
    }
}

/// Whom it concerns what becomes of a room: a public one everybody, any other its members.
fn audience(room: &Room) -> Topic {
    match room.visibility {
        Visibility::Public => Topic::Everybody,
        Visibility::Private | Visibility::Direct => Topic::Members(room.id),
    }
}
