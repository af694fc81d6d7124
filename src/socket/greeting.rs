//! The first words of a connection: who it is, where its rooms stand, what it missed of people and
//! rooms, who is there. What happens while they are put together comes behind them.

use bytes::BytesMut;

use super::frames::{self, Frame, RoomState};
use super::session::{FAILED, Flow, Session, end};
use crate::api::shapes::User;
use crate::chat::accounts::model::Person;
use crate::chat::events::Topic;
use crate::chat::meanwhile::model::Update;
use crate::chat::rooms::model::Progress;
use crate::http::Problem;
use crate::kernel::{Fault, Timestamp};
use crate::live::transport::frame;

impl Session {
    /// Listens first and asks the database then; what comes between waits for `ready`.
    pub(super) async fn greet(&mut self, since: Option<Timestamp>) -> Flow {
        let (person, at) = (self.me.person.clone(), self.site().clock.now().rfc3339());
        self.connection.listen(Topic::SignIn(self.me.credential));
        self.connection.listen(Topic::Everybody);
        self.connection.listen(Topic::Person(person.id));
        let reading = self.hall.readers.acquire().await;
        self.begin_signed_in().await?;
        let standing = self.standing(&person, since).await;
        drop(reading);
        let Ok((rooms, missed)) = standing else { return end(FAILED) };
        for progress in rooms.iter().filter(|progress| progress.mentions > 0) {
            self.connection.listen(Topic::Mentioned(progress.room));
        }
        let ready = Frame::Ready {
            me: User::new(&person, true),
            epoch: &self.site().history.epoch(),
            at,
            rooms: rooms.into_iter().map(RoomState::from).collect(),
        };
        let mut first = BytesMut::new();
        frame::put_text(&mut first, &ready.text());
        if self.put_missed(&mut first, missed).await.is_err() {
            return end(FAILED);
        }
        // Behind those who are new.
        if let Some(users) = self.site().presence.present() {
            frame::put_text(&mut first, &Frame::Present { users: &users }.text());
        }
        self.connection.begin(first.freeze());
        Flow::Continue(())
    }

    /// How far one's rooms are, and what was missed of rooms and people.
    async fn standing(
        &self,
        person: &Person,
        since: Option<Timestamp>,
    ) -> Result<(Vec<Progress>, Option<Vec<Update>>), Fault> {
        for room in self.site().rooms.memberships(person).await? {
            self.connection.listen(Topic::Members(room));
        }
        let rooms = self.site().rooms.own(person).await?;
        let missed = match since {
            Some(then) => self.site().meanwhile.since(person, then).await?,
            None => Some(Vec::new()),
        };
        Ok((rooms, missed))
    }

    /// As it is now: what happens from here on waits until this is sent.
    async fn put_missed(
        &self,
        frames: &mut BytesMut,
        missed: Option<Vec<Update>>,
    ) -> Result<(), Problem> {
        let Some(missed) = missed else {
            frame::put_text(frames, &Frame::Resync { room: None, reset: false }.text());
            return Ok(());
        };
        for update in missed {
            let text = match update {
                Update::Event(event) => frames::encode(&event, self.form),
                Update::Room(room) => self.room_as_it_is(room).await?.into(),
            };
            frame::put_text(frames, &text);
        }
        Ok(())
    }
}
