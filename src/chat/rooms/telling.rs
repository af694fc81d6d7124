//! Telling connections what has become of a room: by the verbs, for what happened in this process, and by
//! `hearing`, for what happened in another one.

use super::model::{Room, Visibility};
use super::{Rooms, store};
use crate::chat::accounts::model::Person;
use crate::chat::events::{Event, Notice, Topic};
use crate::chat::news::Ear;
use crate::kernel::{Fault, RoomId, Seq, UserId};

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

    pub(in crate::chat) fn tell_read(&self, user: UserId, room: RoomId, seq: Seq) {
        self.bell.publish(Topic::Person(user), 0, &Event::Read { room, seq });
    }

    pub(in crate::chat) fn tell_joined(&self, room: &Room, person: &Person) {
        self.bell.tell(Topic::Person(person.id), Notice::Joined(room.id));
        // A conversation is its two people's from the start.
        if room.visibility != Visibility::Direct {
            let joined = Event::Joined { room: room.id, person: person.clone() };
            self.bell.publish(audience(room), 0, &joined);
        }
    }

    pub(in crate::chat) fn tell_left(&self, room: &Room, person: &Person) {
        let left = Event::Left { room: room.id, person: person.clone() };
        self.bell.publish(audience(room), 0, &left);
        // Not a word of what is said from now on, however busy their connections are.
        let them = Topic::Person(person.id);
        self.bell.part(them, Topic::Members(room.id));
        if room.visibility == Visibility::Private {
            self.bell.part(them, Topic::Room(room.id));
        }
        self.bell.tell(them, Notice::Left(room.id));
    }

    pub(in crate::chat) fn tell_of_change(&self, room: &Room) {
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
