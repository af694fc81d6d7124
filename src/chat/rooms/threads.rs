//! Threads as rooms: following them, and what becomes of those who lose the room that a thread belongs to.

use super::model::{Parent, Reader, Room, Visibility};
use super::store::{Followed, Joined};
use super::{AccessError, Rooms, store};
use crate::chat::accounts::model::User;
use crate::chat::events::{Channel, Event, Signal};
use crate::kernel::paging::{Limit, Page};
use crate::kernel::{MessageId, RoomId, ServiceError};

/// What is unread in the threads that are listed for a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnreadThreads {
    /// Threads with unread replies.
    pub threads: i64,
    /// Unread replies that mention the user.
    pub mentions: i64,
}

impl Rooms {
    /// The thread of a message, if it has one. It does not check whether the caller may read it.
    pub async fn thread_of(&self, head: MessageId) -> Result<Option<RoomId>, ServiceError> {
        Ok(store::thread_of(&self.db, head).await?)
    }

    /// The threads that the user follows, the last active first; `after` continues behind a thread.
    pub async fn followed(
        &self,
        user: &User,
        after: Option<RoomId>,
        limit: Limit,
    ) -> Result<Page<Room>, ServiceError> {
        self.read_marks.settle(user.id).await;
        Ok(store::followed(&self.db, user.id, after, limit).await?)
    }

    /// What is unread in the threads that are listed for the user.
    pub async fn unread_threads(&self, user: &User) -> Result<UnreadThreads, ServiceError> {
        self.read_marks.settle(user.id).await;
        let (threads, mentions) = store::unread_threads(&self.db, user.id).await?;
        Ok(UnreadThreads { threads, mentions })
    }

    /// The last active threads of a room that the user follows. A connection subscribes to them when its user becomes a
    /// member of the room again.
    pub async fn followed_in(
        &self,
        user: &User,
        room: RoomId,
    ) -> Result<Vec<RoomId>, ServiceError> {
        Ok(store::followed_in(&self.db, user.id, room).await?)
    }

    /// Makes the user follow a thread; in a public room they become a member of the room first.
    pub(super) async fn follow(&self, reader: &Reader, parent: &Parent) -> Result<(), AccessError> {
        let Reader { user, room } = reader;
        let (meta, gate) = (self.change_meta(), parent.head.room);
        let followed = store::follow(&self.db, user.id, room.id, gate, meta).await;
        let Followed { parent: joined, is_new } = followed.map_err(ServiceError::from)?;
        match joined {
            Joined::Refused(refusal) => return Err(refusal.into()),
            Joined::Before => {}
            Joined::Now => {
                self.hub.notify(Channel::User(user.id), Signal::Joined(gate));
                let joined = Event::Joined { room: gate, user: user.clone() };
                self.hub.broadcast(Channel::Everyone, 0, &joined);
            }
        }
        if is_new {
            self.notify_joined(room, user);
        }
        Ok(())
    }

    /// Publishes that the user has left a room or was removed from it, through another process.
    pub(in crate::chat) async fn notify_lost(
        &self,
        room: &Room,
        user: &User,
    ) -> Result<(), ServiceError> {
        let removed = self.was_removed(user.id, room.id).await?;
        if removed {
            self.notify_removed(room, user);
        } else {
            self.notify_left(room, user);
        }
        // The threads that the user followed have changes of their own.
        self.notify_threads_lost(room, user, &[], removed).await
    }

    /// The user has lost a room, and follows none of its threads any more: `unfollowed` are those they did
    /// follow. Threads that are open on their connections close too, unless everyone may read them. With
    /// `removed` they close in any case, as the room does.
    pub(super) async fn notify_threads_lost(
        &self,
        room: &Room,
        user: &User,
        unfollowed: &[RoomId],
        removed: bool,
    ) -> Result<(), ServiceError> {
        let closes = removed || room.visibility != Visibility::Public;
        let mut lost = unfollowed.to_vec();
        if closes {
            lost.extend(self.open_threads(room.id).await?);
            lost.sort_unstable();
            lost.dedup();
        }
        let user_channel = Channel::User(user.id);
        for thread in lost {
            self.hub.unsubscribe_all(user_channel, Channel::Members(thread));
            self.hub.unsubscribe_all(user_channel, Channel::Mentioned(thread));
            if closes {
                self.hub.unsubscribe_all(user_channel, Channel::Room(thread));
            }
            let signal = if removed { Signal::Removed(thread) } else { Signal::Left(thread) };
            self.hub.notify(user_channel, signal);
        }
        Ok(())
    }

    /// The threads of a room that are open on a connection of this process.
    pub(super) async fn open_threads(&self, room: RoomId) -> Result<Vec<RoomId>, ServiceError> {
        let open = |channel: Channel| match channel {
            Channel::Room(room) => Some(room),
            _ => None,
        };
        let open: Vec<RoomId> = self.hub.channels().await.into_iter().filter_map(open).collect();
        if open.is_empty() {
            return Ok(open);
        }
        Ok(store::threads_among(&self.db, room, &open).await?)
    }
}
