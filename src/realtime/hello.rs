//! The first words of a connection: who it is, where its rooms stand, what it missed of people and
//! rooms, who is there. What happens while they are put together comes behind them.

use bytes::BytesMut;

use super::protocol::{self, RoomState, ServerFrame};
use super::session::{FAILED, Flow, Session, end};
use crate::api::schemas::UserShape;
use crate::chat::accounts::model::User;
use crate::chat::events::Channel;
use crate::chat::rooms::model::Progress;
use crate::chat::sync::model::MissedChange;
use crate::http::Problem;
use crate::kernel::{ServiceError, Timestamp};
use crate::websocket::encode;

impl Session {
    /// Listens first and asks the database then; what comes between waits for `ready`.
    pub(super) async fn send_hello(&mut self, since: Option<Timestamp>) -> Flow {
        let (person, at) = (self.me.person.clone(), self.site().clock.now().rfc3339());
        self.connection.subscribe(Channel::Credential(self.me.credential));
        self.connection.subscribe(Channel::Everyone);
        self.connection.subscribe(Channel::User(person.id));
        let reading = self.hall.readers.acquire().await;
        self.begin_signed_in().await?;
        let standing = self.room_states(&person, since).await;
        drop(reading);
        let Ok((rooms, missed)) = standing else { return end(FAILED) };
        for progress in rooms.iter().filter(|progress| progress.mentions > 0) {
            self.connection.subscribe(Channel::Mentioned(progress.room));
        }
        let ready = ServerFrame::Ready {
            me: UserShape::new(&person, true),
            epoch: &self.site().history.epoch(),
            at,
            rooms: rooms.into_iter().map(RoomState::from).collect(),
        };
        let mut first = BytesMut::new();
        encode::put_text(&mut first, &ready.text());
        if self.append_missed_changes(&mut first, missed).await.is_err() {
            return end(FAILED);
        }
        // Behind those who are new.
        if let Some(users) = self.site().presence.snapshot() {
            encode::put_text(&mut first, &ServerFrame::Present { users: &users }.text());
        }
        self.connection.start_with(first.freeze());
        Flow::Continue(())
    }

    /// How far one's rooms are, and what was missed of rooms and people.
    async fn room_states(
        &self,
        person: &User,
        since: Option<Timestamp>,
    ) -> Result<(Vec<Progress>, Option<Vec<MissedChange>>), ServiceError> {
        for room in self.site().rooms.memberships(person).await? {
            self.connection.subscribe(Channel::Members(room));
        }
        let rooms = self.site().rooms.my_room(person).await?;
        let missed = match since {
            Some(then) => self.site().meanwhile.changes_since(person, then).await?,
            None => Some(Vec::new()),
        };
        Ok((rooms, missed))
    }

    /// As it is now: what happens from here on waits until this is sent.
    async fn append_missed_changes(
        &self,
        frames: &mut BytesMut,
        missed: Option<Vec<MissedChange>>,
    ) -> Result<(), Problem> {
        let Some(missed) = missed else {
            encode::put_text(frames, &ServerFrame::Resync { room: None, reset: false }.text());
            return Ok(());
        };
        for update in missed {
            let text = match update {
                MissedChange::Event(event) => protocol::encode(&event, self.form),
                MissedChange::Room(room) => self.room_as_it_is(room).await?.into(),
            };
            encode::put_text(frames, &text);
        }
        Ok(())
    }
}
