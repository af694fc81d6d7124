//! Publishes what changed in a room to live connections. The functions of `rooms` call it for changes
//! of this process, `sync` for changes of other processes.

use super::model::{Progress, Room, Visibility};
use super::{Rooms, store};
use crate::changefeed::Poller;
use crate::chat::accounts::model::User;
use crate::chat::events::{Channel, Event, EventHub, Signal};
use crate::kernel::{RoomId, ServiceError, UserId};

impl Rooms {
    /// A poller of the change feed, which reads the changes of other processes.
    pub(in crate::chat) async fn poller(&self) -> Result<Poller, ServiceError> {
        Poller::new(self.db.clone(), self.clock.clone(), self.process).await
    }

    /// A room as the user sees it. It checks no permission: for publishing to users who have one.
    pub(in crate::chat) async fn find_for(
        &self,
        user: UserId,
        room: RoomId,
    ) -> Result<Option<Room>, ServiceError> {
        Ok(store::find(&self.db, user, room).await?)
    }

    /// Whether the user was removed from the room and no member has invited them since. It checks no
    /// permission either.
    pub async fn was_removed(&self, user: UserId, room: RoomId) -> Result<bool, ServiceError> {
        Ok(store::is_removed(&self.db, user, room).await?)
    }

    /// Publishes a read marker that the user moved through another process, `back` or forward.
    pub(in crate::chat) async fn notify_read(
        &self,
        user: UserId,
        room: RoomId,
        back: bool,
    ) -> Result<(), ServiceError> {
        let query = store::progress(&self.db, user, room);
        if let Some(progress) = self.load_read_state(user, room, query).await? {
            self.broadcast_read(user, progress, back);
        }
        Ok(())
    }

    /// Runs a query for the user's progress in the room, and subscribes them to the room's `Mentioned`
    /// channel while it holds unread mentions of them.
    ///
    /// They are unsubscribed *before* the query: a mention committed after it subscribes them again,
    /// whatever the query returned. In the other order, that subscription would be lost.
    pub(super) async fn load_read_state(
        &self,
        user: UserId,
        room: RoomId,
        query: impl Future<Output = Result<Option<Progress>, sqlx::Error>>,
    ) -> Result<Option<Progress>, ServiceError> {
        let user_channel = Channel::User(user);
        let mentioned_channel = Channel::Mentioned(room);
        self.hub.unsubscribe_all(user_channel, mentioned_channel);
        let progress = query.await;
        if !matches!(progress, Ok(None | Some(Progress { mentions: 0, .. }))) {
            self.hub.subscribe_all(user_channel, mentioned_channel);
        }
        Ok(progress?)
    }

    pub(super) fn broadcast_read(&self, user: UserId, progress: Progress, back: bool) {
        let Progress { room, last_read_seq: seq, unread, mentions, .. } = progress;
        let read = Event::Read { room, seq, unread, mentions, back };
        self.hub.broadcast(Channel::User(user), 0, &read);
    }

    pub(in crate::chat) fn notify_joined(&self, room: &Room, user: &User) {
        self.hub.notify(Channel::User(user.id), joined_signal(room.id, room.visibility));
        // All members of a direct message or a group are members from the start.
        if !room.visibility.has_fixed_members() {
            let joined = Event::Joined { room: room.id, user: user.clone() };
            self.hub.broadcast(audience(room.id, room.visibility), 0, &joined);
        }
    }

    pub(in crate::chat) fn notify_left(&self, room: &Room, user: &User) {
        self.unsubscribe_member(room, user);
        let user_channel = Channel::User(user.id);
        if room.visibility != Visibility::Public {
            self.hub.unsubscribe_all(user_channel, Channel::Room(room.id));
        }
        self.hub.notify(user_channel, Signal::Left(room.id));
    }

    /// Closes the room on the user's connections first, even if they may still read it (a public room):
    /// the message list on their screens must not stay open for writing.
    pub(in crate::chat) fn notify_removed(&self, room: &Room, user: &User) {
        self.unsubscribe_member(room, user);
        let user_channel = Channel::User(user.id);
        self.hub.unsubscribe_all(user_channel, Channel::Room(room.id));
        self.hub.notify(user_channel, Signal::Removed(room.id));
    }

    /// Unsubscribes the user in the hub, so they receive nothing more of the room, even if their
    /// connections are too busy to handle the signal.
    fn unsubscribe_member(&self, room: &Room, user: &User) {
        let left = Event::Left { room: room.id, user: user.clone() };
        self.hub.broadcast(audience(room.id, room.visibility), 0, &left);
        let user_channel = Channel::User(user.id);
        self.hub.unsubscribe_all(user_channel, Channel::Members(room.id));
        self.hub.unsubscribe_all(user_channel, Channel::Mentioned(room.id));
    }

    /// Publishes that the user moved the room in their own sidebar.
    pub(in crate::chat) fn notify_placed(&self, room: RoomId, user: UserId) {
        self.hub.notify(Channel::User(user), Signal::RoomChanged(room));
    }

    pub(in crate::chat) fn notify_changed(&self, room: &Room) {
        self.hub.notify(audience(room.id, room.visibility), Signal::RoomChanged(room.id));
    }
}

/// Publishes that a user became a member of a room by a message: of a public room by posting or reacting
/// there, of a thread by replying or being mentioned.
pub(in crate::chat) fn notify_joined_by_posting(
    hub: &EventHub,
    room: RoomId,
    visibility: Visibility,
    user: &User,
) {
    hub.notify(Channel::User(user.id), joined_signal(room, visibility));
    let joined = Event::Joined { room, user: user.clone() };
    hub.broadcast(audience(room, visibility), 0, &joined);
}

fn joined_signal(room: RoomId, visibility: Visibility) -> Signal {
    match visibility {
        Visibility::Thread => Signal::Followed(room),
        _ => Signal::Joined(room),
    }
}

/// The channel of users that a change of a room concerns: all users for a public room, otherwise its
/// members.
pub(super) fn audience(room: RoomId, visibility: Visibility) -> Channel {
    match visibility {
        Visibility::Public => Channel::Everyone,
        Visibility::Private | Visibility::Direct | Visibility::Group | Visibility::Thread => {
            Channel::Members(room)
        }
    }
}
