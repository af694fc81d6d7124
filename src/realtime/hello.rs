//! The first frames of a live connection: `ready` with the state of the user's rooms, the missed changes of
//! users and rooms, and the online users. Events published in between are queued after them.

use std::sync::Arc;

use bytes::BytesMut;

use super::personal::PersonalFrames;
use super::protocol::{self, RoomState, ServerFrame};
use super::session::{FAILED, Flow, Session, end};
use crate::api::schemas::UserShape;
use crate::chat::events::Channel;
use crate::chat::sync::model::{Greeting, MissedChange};
use crate::http::Problem;
use crate::http::admission::Place;
use crate::kernel::{ServiceError, Timestamp};
use crate::pubsub::Moment;
use crate::websocket::encode;

impl Session {
    /// Sends the first frames. Events published from now on wait for `ready`.
    pub(super) async fn send_hello(&mut self, place: Arc<Place>, since: Option<Timestamp>) -> Flow {
        let user = self.me.user.clone();
        // Taken before the queries, so that a change during them is sent again next time, not lost.
        let now = self.services().clock.now();
        self.connection.subscribe(Channel::Credential(self.me.credential));
        self.connection.subscribe(Channel::Everyone);
        self.connection.subscribe(Channel::User(user.id));
        let Ok(Greeting { is_valid, rooms, missed }) = self.greeting(&place, since).await else {
            return end(FAILED);
        };
        drop(place);
        if !is_valid {
            return self.revoked().await;
        }
        let ready = ServerFrame::Ready {
            me: UserShape::new(&user, true, now),
            epoch: &self.services().sync.epoch(),
            at: now.rfc3339(),
            rooms: rooms.into_iter().map(RoomState::from).collect(),
        };
        let mut first = BytesMut::new();
        encode::put_text(&mut first, &ready.text());
        if self.append_missed_changes(&mut first, now, missed).await.is_err() {
            return end(FAILED);
        }
        // After the missed changes, which may introduce new users.
        if let Some(users) = self.services().presence.snapshot() {
            encode::put_text(&mut first, &ServerFrame::Present { users: &users }.text());
        }
        self.connection.start_with(first.freeze());
        Flow::Continue(())
    }

    /// Reads what the client receives first, and subscribes to the channels of the rooms in it. If one of these was used
    /// in between, reads it again: that is rare, and cheaper than asking for the rooms first each time.
    async fn greeting(
        &mut self,
        place: &Place,
        since: Option<Timestamp>,
    ) -> Result<Greeting, ServiceError> {
        let (moment, greeting) = self.read_greeting(place, since).await?;
        self.threads = greeting.threads().into();
        let channels = greeting.rooms.iter().flat_map(|progress| {
            let mentioned = (progress.mentions > 0).then_some(Channel::Mentioned(progress.room));
            [Channel::Members(progress.room)].into_iter().chain(mentioned)
        });
        if !self.connection.subscribe_since(channels.collect(), moment).await {
            return Ok(greeting);
        }
        let (_, greeting) = self.read_greeting(place, since).await?;
        for progress in greeting.rooms.iter().filter(|progress| progress.mentions > 0) {
            self.connection.subscribe(Channel::Mentioned(progress.room));
        }
        Ok(greeting)
    }

    /// Also returns the moment before the query. The wait for the turn is not part of what must be quiet.
    async fn read_greeting(
        &self,
        place: &Place,
        since: Option<Timestamp>,
    ) -> Result<(Moment, Greeting), ServiceError> {
        self.services().rooms.settle_reads(self.me.user.id).await;
        let _turn = self.shared.admission.turn_of(place).await?;
        let moment = self.connection.moment();
        Ok((moment, self.services().sync.greeting(&self.me, since).await?))
    }

    /// Appends each missed change in its current state. Events published from now on wait until this is sent.
    async fn append_missed_changes(
        &self,
        frames: &mut BytesMut,
        now: Timestamp,
        missed: Option<Vec<MissedChange>>,
    ) -> Result<(), Problem> {
        let Some(missed) = missed else {
            encode::put_text(frames, &ServerFrame::Resync { room: None, reset: false }.text());
            return Ok(());
        };
        let mut personal = PersonalFrames::new(self.services(), &self.me.user);
        for change in missed {
            let text = match change {
                MissedChange::Event(event) => protocol::encode(&event, self.encoding, now),
                MissedChange::Room(room) => self.room_frame(room).await?.into(),
                MissedChange::Draft(room) => match personal.draft(room).await? {
                    Some(text) => text.into(),
                    None => continue,
                },
                MissedChange::Saved(message) => personal.saved(message).await?.into(),
            };
            encode::put_text(frames, &text);
        }
        Ok(())
    }
}
