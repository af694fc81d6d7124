//! Rooms: finding, creating and changing them, permissions on them, and read markers.
//!
//! Every permission on a room is made here. This module knows nothing of HTTP, pages or sockets.

mod deletion;
mod members;
mod membership;
pub mod model;
mod notify;
mod places;
mod read_marks;
mod store;
mod threads;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use self::model::{
    Access, Code, FixedMembers, Member, Moderator, NewRoom, Owner, Progress, Reader, Room,
    RoomChange, RoomStats, Standing, Visibility, may_change, may_moderate, may_read,
};
pub(in crate::chat) use self::notify::notify_joined_by_posting;
use self::read_marks::ReadMarks;
pub(in crate::chat) use self::store::{
    FROM_GREETED_ROOMS, FROM_OWN_ROOMS, GATE, IS_ARCHIVED, Joined, LISTED_THREADS,
    PROGRESS_COLUMNS, ProgressRow, READABLE_ROOMS, UNREAD, UNREAD_MENTIONS, add_followers,
    create_thread, followers, insert_joined, lock_rooms,
};
pub use self::threads::UnreadThreads;
use super::accounts::model::User;
use super::doorbell::Doorbell;
use super::events::{Channel, EventHub, Signal};
use super::names::model::NameFilter;
use crate::changefeed::model::{ChangeMeta, ProcessId};
use crate::db::Db;
use crate::kernel::paging::{ListPage, PageStart};
use crate::kernel::{Clock, MessageId, Random, RoomId, Seq, ServiceError, Timestamp, UserId};
use crate::text::names::fold;

/// The name of the room that every user belongs to.
const LOBBY: &str = "lobby";

#[derive(Clone)]
pub struct Rooms {
    db: Db,
    hub: EventHub,
    clock: Clock,
    random: Random,
    process: ProcessId,
    doorbell: Doorbell,
    read_marks: ReadMarks,
    /// Rooms whose deletion this process has published. The next change it reads about such a room is
    /// that the room was restored.
    known_deleted: Arc<Mutex<BTreeSet<RoomId>>>,
}

#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The room does not exist, or the user may not know of it. Both look the same to them.
    #[error("no such room")]
    NotFound,
    /// The user may read the room but not change it.
    #[error("not the owner")]
    Forbidden,
    /// The user was removed. Only an invitation makes them a member again.
    #[error("removed from the room")]
    Removed,
    /// Not possible for a thread, which has no owner.
    #[error("threads have no owner")]
    Permanent,
    #[error(transparent)]
    Service(#[from] ServiceError),
}

#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    /// Another public room has this name.
    #[error("the name is taken")]
    NameTaken,
    /// Not possible for the lobby, direct messages and groups, which keep their members.
    #[error("the lobby, direct messages and groups keep their members")]
    Permanent,
    /// Not possible for the lobby and direct messages: they stay in use.
    #[error("the lobby and direct messages are never archived")]
    NeverArchived,
    #[error("not a member")]
    NoMember,
    /// The room was deleted or restored since it was read.
    #[error("the room no longer exists")]
    Gone,
    /// The caller would have to be a member and is not.
    #[error("the caller is not a member")]
    Outsider,
    /// Users cannot remove themselves. They leave, which also reassigns the rooms they own.
    #[error("users cannot remove themselves")]
    SameUser,
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl Rooms {
    pub fn new(
        db: Db,
        hub: EventHub,
        clock: Clock,
        random: Random,
        process: ProcessId,
        doorbell: Doorbell,
    ) -> Self {
        let (read_marks, known_deleted) = Default::default();
        Self { db, hub, clock, random, process, doorbell, read_marks, known_deleted }
    }

    /// The metadata (process and time) of changes that this process records now.
    fn change_meta(&self) -> ChangeMeta {
        self.process.meta(self.clock.now())
    }

    /// Creates the lobby of a new installation, and returns when it was created. Backups, restores and
    /// exports keep this time, so it identifies the installation.
    pub async fn ensure_lobby(&self) -> Result<Timestamp, ServiceError> {
        Ok(store::ensure_lobby(&self.db, LOBBY, &fold(LOBBY), self.clock.now()).await?)
    }

    pub async fn lobby(&self) -> Result<RoomId, ServiceError> {
        Ok(store::lobby(&self.db).await?)
    }

    /// The rooms the user may see: the lobby first, then by name.
    pub async fn list(&self, user: &User) -> Result<Vec<Room>, ServiceError> {
        self.read_marks.settle(user.id).await;
        Ok(store::list(&self.db, user.id).await?)
    }

    /// The rooms the user is a member of: the lobby first, then by name.
    pub async fn own(&self, user: &User) -> Result<Vec<Room>, ServiceError> {
        self.read_marks.settle(user.id).await;
        Ok(store::own(&self.db, user.id).await?)
    }

    /// Those of these rooms that the user may read.
    pub async fn readable(&self, user: &User, rooms: &[RoomId]) -> Result<Vec<Room>, ServiceError> {
        self.read_marks.settle(user.id).await;
        let mut found = store::among(&self.db, user.id, rooms).await?;
        found.retain(may_read);
        Ok(found)
    }

    /// The first rooms that both users are members of, without direct messages and groups: the lobby
    /// first, then by name.
    pub async fn common(&self, user: &User, other: &User) -> Result<Vec<Room>, ServiceError> {
        Ok(store::common(&self.db, user.id, other.id).await?)
    }

    /// A page of the rooms the user may see, without direct messages and groups: the lobby first, then by name.
    pub async fn page(
        &self,
        user: &User,
        filter: &NameFilter,
        start: &PageStart,
    ) -> Result<ListPage<Room>, ServiceError> {
        self.read_marks.settle(user.id).await;
        Ok(store::page(&self.db, user.id, filter, start).await?)
    }

    /// The user's read marker and unread counts in a room; `None` if they are not a member.
    pub async fn progress(
        &self,
        user: &User,
        room: RoomId,
    ) -> Result<Option<Progress>, ServiceError> {
        self.read_marks.settle(user.id).await;
        Ok(store::progress(&self.db, user.id, room).await?)
    }

    /// Returns the permission to read a room, with all of the room. Every way to a message uses this or [`Self::access`]:
    /// pages, API and sockets.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] unless the room is public or the user is a member.
    pub async fn reader(&self, user: &User, room: RoomId) -> Result<Reader, AccessError> {
        self.read_marks.settle(user.id).await;
        let found = store::find(&self.db, user.id, room).await.map_err(ServiceError::from)?;
        reader_of(user, found)
    }

    /// Returns the permission to read the messages of a room, for what needs no more of it. Unlike [`Self::reader`] it
    /// does not wait for read marks.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] as [`Self::reader`].
    pub async fn access(&self, user: &User, room: RoomId) -> Result<Access, AccessError> {
        let found = store::standing(&self.db, user.id, room).await.map_err(ServiceError::from)?;
        let standing = found.filter(Standing::may_read).ok_or(AccessError::NotFound)?;
        Ok(Access { user: user.clone(), standing })
    }

    /// Returns the permission to read the room of a message.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] as [`Self::reader`], or if there is no such message.
    pub async fn reader_of_message(
        &self,
        user: &User,
        message: MessageId,
    ) -> Result<Reader, AccessError> {
        let found = store::find_by_message(&self.db, user.id, message).await;
        reader_of(user, found.map_err(ServiceError::from)?)
    }

    /// Returns the permission to change a room.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] if the user may not see the room, [`AccessError::Forbidden`] if they
    /// may see it but not change it, [`AccessError::Permanent`] for a thread.
    pub async fn owner(&self, user: &User, room: RoomId) -> Result<Owner, AccessError> {
        let Reader { user, room } = self.reader(user, room).await?;
        if room.visibility == Visibility::Thread {
            return Err(AccessError::Permanent);
        }
        if may_change(&user, &room) {
            Ok(Owner { user, room })
        } else {
            Err(AccessError::Forbidden)
        }
    }

    /// Returns the permission to remove members of a room.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] if the user may not see the room, [`AccessError::Forbidden`] if they
    /// may see it but do not moderate it, [`AccessError::Permanent`] for a thread.
    pub async fn moderator(&self, user: &User, room: RoomId) -> Result<Moderator, AccessError> {
        let Reader { user, room } = self.reader(user, room).await?;
        if room.visibility == Visibility::Thread {
            return Err(AccessError::Permanent);
        }
        if may_moderate(&user, &room) {
            Ok(Moderator { user, room })
        } else {
            Err(AccessError::Forbidden)
        }
    }

    /// Creates a room. The user becomes its owner and first member.
    ///
    /// # Errors
    /// [`RoomError::NameTaken`] if another public room has this name or a similar one.
    pub async fn create(&self, user: &User, new: &NewRoom) -> Result<Member, RoomError> {
        let code = Code::new(&self.random);
        let added = store::add(&self.db, new, user.id, &code, self.change_meta()).await;
        let room = added.map_err(ServiceError::from)?.ok_or(RoomError::NameTaken)?;
        self.hub.notify(Channel::User(user.id), Signal::Joined(room));
        if new.visibility == Visibility::Public {
            self.hub.notify(Channel::Everyone, Signal::RoomChanged(room));
        }
        Ok(Member { user: user.clone(), room, joins: false, parent: None })
    }

    /// The direct message or group with these members, of whom the user is one. Creates it if there is
    /// none.
    pub async fn fixed(&self, user: &User, members: &FixedMembers) -> Result<Member, ServiceError> {
        let (room, new) = store::ensure_fixed(&self.db, members, self.change_meta()).await?;
        if new {
            for member in members.ids() {
                self.hub.notify(Channel::User(member), Signal::Joined(room));
            }
        }
        Ok(Member { user: user.clone(), room, joins: false, parent: None })
    }

    /// The direct message or group with these members, if there is one.
    pub async fn find_fixed(&self, members: &FixedMembers) -> Result<Option<RoomId>, ServiceError> {
        Ok(store::find_fixed(&self.db, members).await?)
    }

    /// Changes the name, the topic or who may mention all members.
    ///
    /// # Errors
    /// [`RoomError::NameTaken`] if another public room has this name or a similar one.
    pub async fn update(&self, owner: &Owner, change: &RoomChange) -> Result<(), RoomError> {
        self.change(owner.user.id, &owner.room, change).await
    }

    /// Replaces the room code. The old code no longer works.
    pub async fn renew_code(&self, owner: &Owner) -> Result<(), ServiceError> {
        store::set_code(&self.db, owner.room.id, &Code::new(&self.random), self.change_meta())
            .await?;
        self.notify_changed(&owner.room);
        Ok(())
    }

    /// Makes another member the owner.
    ///
    /// # Errors
    /// [`RoomError::NoMember`] if they are not a member, [`RoomError::Permanent`] for the lobby.
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

    /// Finds new owners for the rooms of a closed account. Does nothing if the account was opened
    /// again.
    pub async fn reassign_owned_rooms(&self, user: UserId) -> Result<(), ServiceError> {
        for room in store::reassign_owner(&self.db, user, self.change_meta()).await? {
            // Members that may not see the room learn only its id from this signal.
            self.hub.notify(Channel::Members(room), Signal::RoomChanged(room));
        }
        Ok(())
    }

    /// Moves the user's read marker to `seq`. It never moves back.
    pub async fn mark_read(&self, reader: &Reader, seq: Seq) -> Result<(), ServiceError> {
        let user = reader.user.id;
        let room = reader.room.id;
        let before = reader.room.last_read_seq;
        let marked = store::mark_read(&self.db, user, room, seq, self.change_meta());
        let progress = self.load_read_state(user, room, marked).await?;
        if let Some(progress) = progress.filter(|progress| Some(progress.last_read_seq) != before) {
            self.broadcast_read(user, progress, false);
            self.doorbell.notify_read(user, room);
        }
        Ok(())
    }

    /// Moves the user's read marker to `seq`, back or forward: what follows is unread.
    ///
    /// # Errors
    /// [`RoomError::NoMember`] if the user is not a member: they have no read marker.
    pub async fn mark_unread(&self, reader: &Reader, seq: Seq) -> Result<(), RoomError> {
        let user = reader.user.id;
        let room = reader.room.id;
        // Those that came before this one do not move it forward again.
        self.read_marks.settle(user).await;
        self.read_marks.forget(user, room);
        let before = reader.room.last_read_seq;
        let marked = store::mark_unread(&self.db, user, room, seq, self.change_meta());
        let progress = self.load_read_state(user, room, marked).await?;
        let progress = progress.ok_or(RoomError::NoMember)?;
        let now = Some(progress.last_read_seq);
        if now != before {
            self.broadcast_read(user, progress, now < before);
        }
        Ok(())
    }

    /// Member and online counts and the owner of each of the rooms.
    pub async fn stats(
        &self,
        rooms: &[Room],
        online: &BTreeSet<UserId>,
    ) -> Result<HashMap<RoomId, RoomStats>, ServiceError> {
        let rooms: Vec<RoomId> = rooms.iter().map(|room| room.id).collect();
        let online: Vec<UserId> = online.iter().copied().collect();
        Ok(store::stats(&self.db, &rooms, &online).await?.into_iter().collect())
    }

    async fn change(
        &self,
        actor: UserId,
        room: &Room,
        change: &RoomChange,
    ) -> Result<(), RoomError> {
        let updated = store::update(&self.db, actor, room, change, self.change_meta()).await;
        if !updated.map_err(ServiceError::from)? {
            return Err(RoomError::NameTaken);
        }
        self.notify_changed(room);
        Ok(())
    }
}

/// The permission to read a room, if it was found and this user may.
fn reader_of(user: &User, found: Option<Room>) -> Result<Reader, AccessError> {
    let room = found.filter(may_read).ok_or(AccessError::NotFound)?;
    Ok(Reader { user: user.clone(), room })
}
