//! Rooms: which there are, who may read them, who is in them, who changes them.

mod deletion;
mod membership;
pub mod model;
mod notify;
mod store;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use self::model::{
    Code, Member, Moderator, NewRoom, Owner, Progress, Reader, Room, RoomChange, RoomName,
    RoomStats, RoomTopic, Visibility, may_change, may_moderate, may_read,
};
pub(in crate::chat) use self::notify::notify_joined_by_posting;
pub(in crate::chat) use self::store::{Joined, insert_joined, readable_rooms};
use super::accounts::model::User;
use super::events::{Channel, EventHub, Signal};
use crate::changefeed::model::{ChangeMeta, ProcessId};
use crate::db::Db;
use crate::kernel::paging::{Limit, Page};
use crate::kernel::{Clock, Random, RoomId, Seq, ServiceError, Timestamp, UserId};
use crate::text::names::fold;

/// The name of the room that everybody is in.
const LOBBY: &str = "lobby";

#[derive(Clone)]
pub struct Rooms {
    db: Db,
    hub: EventHub,
    clock: Clock,
    random: Random,
    process: ProcessId,
    /// Deleted rooms that this process has told of: what it hears of one next is that it is back.
    known_deleted: Arc<Mutex<BTreeSet<RoomId>>>,
}

#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// No such room, or none this person may know of: the same to them.
    #[error("no such room")]
    NotFound,
    /// They see it, but it is not theirs to change.
    #[error("not the owner")]
    Forbidden,
    /// They were removed from it: only an invitation makes them a member again.
    #[error("removed from the room")]
    Removed,
    #[error(transparent)]
    Fault(#[from] ServiceError),
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
    /// It was deleted, or put back, a moment ago.
    #[error("no such room any more")]
    Gone,
    /// What members do, and they are none.
    #[error("not a member themselves")]
    Outsider,
    /// Nobody removes themselves: they leave, which passes on what they own.
    #[error("nobody removes themselves")]
    Oneself,
    #[error(transparent)]
    Fault(#[from] ServiceError),
}

impl Rooms {
    pub fn new(db: Db, bell: EventHub, clock: Clock, random: Random, origin: ProcessId) -> Self {
        let known_deleted = Arc::default();
        Self { db, hub: bell, clock, random, process: origin, known_deleted }
    }

    /// This process, now: for what others shall hear of.
    fn change_meta(&self) -> ChangeMeta {
        self.process.meta(self.clock.now())
    }

    /// Makes the lobby of a new installation. Returns when that was: backups, restores and exports
    /// keep it, so it names the installation.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn ensure_lobby(&self) -> Result<Timestamp, ServiceError> {
        Ok(store::ensure_lobby(&self.db, LOBBY, &fold(LOBBY), self.clock.now()).await?)
    }

    /// # Errors
    /// When the database cannot be asked.
    pub async fn lobby(&self) -> Result<RoomId, ServiceError> {
        Ok(store::lobby(&self.db).await?)
    }

    /// The rooms this person may see: the lobby first, then by name.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn list(&self, person: &User) -> Result<Vec<Room>, ServiceError> {
        Ok(store::list(&self.db, person.id).await?)
    }

    /// The rooms this person is in: what a connection listens to before it asks how far they are.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn memberships(&self, person: &User) -> Result<Vec<RoomId>, ServiceError> {
        Ok(store::memberships(&self.db, person.id).await?)
    }

    /// The rooms this person is in, and how far they are: all that a connection needs at first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn my_room(&self, person: &User) -> Result<Vec<Progress>, ServiceError> {
        Ok(store::my_room(&self.db, person.id).await?)
    }

    /// The same of one room; `None` for somebody who is no member.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn progress(
        &self,
        person: &User,
        room: RoomId,
    ) -> Result<Option<Progress>, ServiceError> {
        Ok(store::progress(&self.db, person.id, room).await?)
    }

    /// The right to read a room. Every path to a message goes through here: pages, API, sockets.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] unless the room is public or theirs.
    pub async fn reader(&self, person: &User, room: RoomId) -> Result<Reader, AccessError> {
        let found = store::find(&self.db, person.id, room).await.map_err(ServiceError::from)?;
        match found {
            Some(room) if may_read(&room) => Ok(Reader { person: person.clone(), room }),
            _ => Err(AccessError::NotFound),
        }
    }

    /// The right to change a room.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] for who may not see it, [`AccessError::Forbidden`] for who may.
    pub async fn owner(&self, person: &User, room: RoomId) -> Result<Owner, AccessError> {
        let Reader { person, room } = self.reader(person, room).await?;
        if may_change(&person, &room) {
            Ok(Owner { person, room })
        } else {
            Err(AccessError::Forbidden)
        }
    }

    /// The right to remove members of a room.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] for who may not see it, [`AccessError::Forbidden`] for who may.
    pub async fn moderator(&self, person: &User, room: RoomId) -> Result<Moderator, AccessError> {
        let Reader { person, room } = self.reader(person, room).await?;
        if may_moderate(&person, &room) {
            Ok(Moderator { person, room })
        } else {
            Err(AccessError::Forbidden)
        }
    }

    /// Makes a room; who makes it owns it and is in it.
    ///
    /// # Errors
    /// [`RoomError::NameTaken`] for the name of another public room.
    pub async fn create(&self, person: &User, new: &NewRoom) -> Result<Member, RoomError> {
        let code = Code::new(&self.random);
        let added = store::add(&self.db, new, person.id, &code, self.change_meta()).await;
        let room = added.map_err(ServiceError::from)?.ok_or(RoomError::NameTaken)?;
        self.hub.notify(Channel::User(person.id), Signal::Joined(room));
        if new.visibility == Visibility::Public {
            self.hub.notify(Channel::Everyone, Signal::RoomChanged(room));
        }
        Ok(Member { person: person.clone(), room, joins: false })
    }

    /// The conversation of two people, made if there is none.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn direct(&self, person: &User, other: &User) -> Result<Member, ServiceError> {
        let pair = (person.id, other.id);
        let (room, new) = store::ensure_direct(&self.db, pair, self.change_meta()).await?;
        if new {
            self.hub.notify(Channel::User(person.id), Signal::Joined(room));
            self.hub.notify(Channel::User(other.id), Signal::Joined(room));
        }
        Ok(Member { person: person.clone(), room, joins: false })
    }

    /// The conversation of two people, if they have one.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn find_direct(
        &self,
        person: &User,
        other: &User,
    ) -> Result<Option<RoomId>, ServiceError> {
        Ok(store::find_direct(&self.db, person.id, other.id).await?)
    }

    /// Changes name or topic.
    ///
    /// # Errors
    /// [`RoomError::NameTaken`] for the name of another public room.
    pub async fn update(&self, owner: &Owner, change: &RoomChange) -> Result<(), RoomError> {
        let (name, topic) = (change.name.as_ref(), change.topic.as_ref());
        self.change(owner.person.id, &owner.room, name, topic).await
    }

    /// Makes the old code worthless.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn renew_code(&self, owner: &Owner) -> Result<(), ServiceError> {
        store::set_code(&self.db, owner.room.id, &Code::new(&self.random), self.change_meta())
            .await?;
        self.notify_changed(&owner.room);
        Ok(())
    }

    /// Gives the room to another of its members.
    ///
    /// # Errors
    /// [`RoomError::NoMember`] for anybody else.
    pub async fn transfer_ownership(&self, owner: &Owner, to: UserId) -> Result<(), RoomError> {
        let room = &owner.room;
        if room.lobby {
            return Err(RoomError::Permanent);
        }
        if !store::set_owner(&self.db, room.id, to, self.change_meta())
            .await
            .map_err(ServiceError::from)?
        {
            return Err(RoomError::NoMember);
        }
        self.notify_changed(room);
        Ok(())
    }

    /// Finds new owners for the rooms of somebody whose account is closed, as long as it is.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn reassign_owned_rooms(&self, user: UserId) -> Result<(), ServiceError> {
        for room in store::reassign_owner(&self.db, user, self.change_meta()).await? {
            // Who may not see the room finds no more in the notice than its number.
            self.hub.notify(Channel::Members(room), Signal::RoomChanged(room));
        }
        Ok(())
    }

    /// How far this person has read; never moves back.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn mark_read(&self, reader: &Reader, seq: Seq) -> Result<(), ServiceError> {
        let (user, room, before) = (reader.person.id, reader.room.id, reader.room.last_read_seq);
        let marked = store::mark_read(&self.db, user, room, (seq, self.change_meta()));
        let now = self.load_read_state(user, room, marked).await?;
        if let Some(now) = now.filter(|now| Some(now.last_read_seq) != before) {
            self.broadcast_read(user, now);
        }
        Ok(())
    }

    /// Who is in the room.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn members(&self, reader: &Reader) -> Result<Vec<UserId>, ServiceError> {
        Ok(store::members(&self.db, reader.room.id).await?)
    }

    /// The members with an id after that one, ascending.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn members_after(
        &self,
        reader: &Reader,
        after: UserId,
        limit: Limit,
    ) -> Result<Page<User>, ServiceError> {
        Ok(store::members_after(&self.db, reader.room.id, after, limit).await?)
    }

    /// The people in the room, by name.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn users(&self, reader: &Reader) -> Result<Vec<User>, ServiceError> {
        Ok(store::users(&self.db, reader.room.id).await?)
    }

    /// What there is to tell about each of the rooms that this person may see.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn stats(
        &self,
        person: &User,
        online: &BTreeSet<UserId>,
    ) -> Result<HashMap<RoomId, RoomStats>, ServiceError> {
        let online: Vec<UserId> = online.iter().copied().collect();
        Ok(store::stats(&self.db, person.id, &online).await?.into_iter().collect())
    }

    async fn change(
        &self,
        actor: UserId,
        room: &Room,
        name: Option<&RoomName>,
        topic: Option<&RoomTopic>,
    ) -> Result<(), RoomError> {
        // A name that stays is no change to be recorded.
        let name = name.filter(|name| name.as_str() != room.name);
        let updated =
            store::update(&self.db, (actor, room), (name, topic), self.change_meta()).await;
        if !updated.map_err(ServiceError::from)? {
            return Err(RoomError::NameTaken);
        }
        self.notify_changed(room);
        Ok(())
    }
}
