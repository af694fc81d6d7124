//! Telling connections what has become of a room: by the verbs, for what happened in this process, and by
//! `hearing`, for what happened in another one.

use super::model::{Progress, Room, Visibility};
use super::{Rooms, store};
use crate::chat::accounts::model::Person;
use crate::chat::events::{Bell, Event, Notice, Topic};
use crate::chat::news::Ear;
use crate::kernel::{Fault, RoomId, UserId};

impl Rooms {
    /// What hears of other processes.
    pub(in crate::chat) async fn ear(&self) -> Result<Ear, Fault> {
        Ear::new(self.db.clone(), self.clock.clone(), self.origin).await
    }

    /// A room as somebody stands to it. Asks for no right: for telling those who have it.
    pub(in crate::chat) async fn as_seen_by(
        &self,
        user: UserId,
        room: RoomId,
    ) -> Result<Option<Room>, Fault> {
        Ok(store::find(&self.db, user, room).await?)
    }

    /// Whether somebody's membership ended against their wish, and no member has invited them since.
    /// Asks for no right either.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn was_removed(&self, user: UserId, room: RoomId) -> Result<bool, Fault> {
        Ok(store::is_removed(&self.db, user, room).await?)
    }

    /// Tells how far somebody has read through another process.
    pub(in crate::chat) async fn tell_read(&self, user: UserId, room: RoomId) -> Result<(), Fault> {
        let question = store::progress(&self.db, user, room);
        if let Some(now) = self.reading(user, room, question).await? {
            self.have_read(user, now);
        }
        Ok(())
    }

    /// Asks how far somebody has read, and lets them be told apart what is unread in the room for as
    /// long as some of it mentions them. Not from the moment before the question on: who is mentioned
    /// after it is told apart whatever the answer was.
    pub(super) async fn reading(
        &self,
        user: UserId,
        room: RoomId,
        question: impl Future<Output = Result<Option<Progress>, sqlx::Error>>,
    ) -> Result<Option<Progress>, Fault> {
        let (them, apart) = (Topic::Person(user), Topic::Mentioned(room));
        self.bell.part(them, apart);
        let answer = question.await;
        if !matches!(answer, Ok(None | Some(Progress { mentions: 0, .. }))) {
            self.bell.join(them, apart);
        }
        Ok(answer?)
    }

    pub(super) fn have_read(&self, user: UserId, now: Progress) {
        let Progress { room, last_read_seq: seq, unread, mentions, .. } = now;
        self.bell.publish(Topic::Person(user), 0, &Event::Read { room, seq, unread, mentions });
    }

    pub(in crate::chat) fn tell_joined(&self, room: &Room, person: &Person) {
        self.bell.tell(Topic::Person(person.id), Notice::Joined(room.id));
        // A conversation is its two people's from the start.
        if room.visibility != Visibility::Direct {
            let joined = Event::Joined { room: room.id, person: person.clone() };
            self.bell.publish(audience(room.id, room.visibility), 0, &joined);
        }
    }

    pub(in crate::chat) fn tell_left(&self, room: &Room, person: &Person) {
        self.tell_parted(room, person);
        let them = Topic::Person(person.id);
        if room.visibility == Visibility::Private {
            self.bell.part(them, Topic::Room(room.id));
        }
        self.bell.tell(them, Notice::Left(room.id));
    }

    /// Also where they may go on reading the room is closed to them first: what is on their screens is
    /// no place to write any more.
    pub(in crate::chat) fn tell_removed(&self, room: &Room, person: &Person) {
        self.tell_parted(room, person);
        let them = Topic::Person(person.id);
        self.bell.part(them, Topic::Room(room.id));
        self.bell.tell(them, Notice::Removed(room.id));
    }

    /// Not a word of what is said from now on for them, however busy their connections are.
    fn tell_parted(&self, room: &Room, person: &Person) {
        let left = Event::Left { room: room.id, person: person.clone() };
        self.bell.publish(audience(room.id, room.visibility), 0, &left);
        let them = Topic::Person(person.id);
        self.bell.part(them, Topic::Members(room.id));
        self.bell.part(them, Topic::Mentioned(room.id));
    }

    pub(in crate::chat) fn tell_of_change(&self, room: &Room) {
        self.bell.tell(audience(room.id, room.visibility), Notice::RoomChanged(room.id));
    }
}

/// Who posted in a public room, or reacted there, has become a member of it by that.
pub(in crate::chat) fn tell_joined_by_posting(bell: &Bell, room: RoomId, person: &Person) {
    bell.tell(Topic::Person(person.id), Notice::Joined(room));
    let joined = Event::Joined { room, person: person.clone() };
    bell.publish(Topic::Everybody, 0, &joined);
}

/// Whom it concerns what becomes of a room: a public one everybody, any other its members.
pub(super) fn audience(room: RoomId, visibility: Visibility) -> Topic {
    match visibility {
        Visibility::Public => Topic::Everybody,
        Visibility::Private | Visibility::Direct => Topic::Members(room),
    }
}
