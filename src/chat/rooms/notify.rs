//! Telling connections what has become of a room: by the verbs, for what happened in this process, and by
//! `hearing`, for what happened in another one.

use super::model::{Progress, Room, Visibility};
use super::{Rooms, store};
use crate::changefeed::Poller;
use crate::chat::accounts::model::User;
use crate::chat::events::{Channel, Event, EventHub, Signal};
use crate::kernel::{RoomId, ServiceError, UserId};

impl Rooms {
    /// What hears of other processes.
    pub(in crate::chat) async fn poller(&self) -> Result<Poller, ServiceError> {
        Poller::new(self.db.clone(), self.clock.clone(), self.process).await
    }

    /// A room as somebody stands to it. Asks for no right: for telling those who have it.
    pub(in crate::chat) async fn find_for(
        &self,
        user: UserId,
        room: RoomId,
    ) -> Result<Option<Room>, ServiceError> {
        Ok(store::find(&self.db, user, room).await?)
    }

    /// Whether somebody's membership ended against their wish, and no member has invited them since.
    /// Asks for no right either.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn was_removed(&self, user: UserId, room: RoomId) -> Result<bool, ServiceError> {
        Ok(store::is_removed(&self.db, user, room).await?)
    }

    /// Tells how far somebody has read through another process.
    pub(in crate::chat) async fn notify_read(
        &self,
        user: UserId,
        room: RoomId,
    ) -> Result<(), ServiceError> {
        let question = store::progress(&self.db, user, room);
        if let Some(now) = self.load_read_state(user, room, question).await? {
            self.broadcast_read(user, now);
        }
        Ok(())
    }

    /// Asks how far somebody has read, and lets them be told apart what is unread in the room for as
    /// long as some of it mentions them. Not from the moment before the question on: who is mentioned
    /// after it is told apart whatever the answer was.
    pub(super) async fn load_read_state(
        &self,
        user: UserId,
        room: RoomId,
        question: impl Future<Output = Result<Option<Progress>, sqlx::Error>>,
    ) -> Result<Option<Progress>, ServiceError> {
        let (them, apart) = (Channel::User(user), Channel::Mentioned(room));
        self.hub.unsubscribe_all(them, apart);
        let answer = question.await;
        if !matches!(answer, Ok(None | Some(Progress { mentions: 0, .. }))) {
            self.hub.subscribe_all(them, apart);
        }
        Ok(answer?)
    }

    pub(super) fn broadcast_read(&self, user: UserId, now: Progress) {
        let Progress { room, last_read_seq: seq, unread, mentions, .. } = now;
        self.hub.broadcast(Channel::User(user), 0, &Event::Read { room, seq, unread, mentions });
    }

    pub(in crate::chat) fn notify_joined(&self, room: &Room, person: &User) {
        self.hub.notify(Channel::User(person.id), Signal::Joined(room.id));
        // A conversation is its two people's from the start.
        if room.visibility != Visibility::Direct {
            let joined = Event::Joined { room: room.id, person: person.clone() };
            self.hub.broadcast(audience(room.id, room.visibility), 0, &joined);
        }
    }

    pub(in crate::chat) fn notify_left(&self, room: &Room, person: &User) {
        self.unsubscribe_member(room, person);
        let them = Channel::User(person.id);
        if room.visibility == Visibility::Private {
            self.hub.unsubscribe_all(them, Channel::Room(room.id));
        }
        self.hub.notify(them, Signal::Left(room.id));
    }

    /// Also where they may go on reading the room is closed to them first: what is on their screens is
    /// no place to write any more.
    pub(in crate::chat) fn notify_removed(&self, room: &Room, person: &User) {
        self.unsubscribe_member(room, person);
        let them = Channel::User(person.id);
        self.hub.unsubscribe_all(them, Channel::Room(room.id));
        self.hub.notify(them, Signal::Removed(room.id));
    }

    /// Not a word of what is said from now on for them, however busy their connections are.
    fn unsubscribe_member(&self, room: &Room, person: &User) {
        let left = Event::Left { room: room.id, person: person.clone() };
        self.hub.broadcast(audience(room.id, room.visibility), 0, &left);
        let them = Channel::User(person.id);
        self.hub.unsubscribe_all(them, Channel::Members(room.id));
        self.hub.unsubscribe_all(them, Channel::Mentioned(room.id));
    }

    pub(in crate::chat) fn notify_changed(&self, room: &Room) {
        self.hub.notify(audience(room.id, room.visibility), Signal::RoomChanged(room.id));
    }
}

/// Who posted in a public room, or reacted there, has become a member of it by that.
pub(in crate::chat) fn notify_joined_by_posting(bell: &EventHub, room: RoomId, person: &User) {
    bell.notify(Channel::User(person.id), Signal::Joined(room));
    let joined = Event::Joined { room, person: person.clone() };
    bell.broadcast(Channel::Everyone, 0, &joined);
}

/// Whom it concerns what becomes of a room: a public one everybody, any other its members.
pub(super) fn audience(room: RoomId, visibility: Visibility) -> Channel {
    match visibility {
        Visibility::Public => Channel::Everyone,
        Visibility::Private | Visibility::Direct => Channel::Members(room),
    }
}
