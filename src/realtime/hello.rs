//! The first frames of a live connection: `ready` with the state of the user's rooms, the missed changes of
//! users and rooms, and the online users. Events published in between are queued after them.

use bytes::BytesMut;

use super::personal::PersonalFrames;
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
    /// Sends the first frames. Subscribes first and queries second; events in between wait for `ready`.
    pub(super) async fn send_hello(&mut self, since: Option<Timestamp>) -> Flow {
        let user = self.me.user.clone();
        // Taken before the queries, so that a change during them is sent again next time, not lost.
        let now = self.services().clock.now();
        self.connection.subscribe(Channel::Credential(self.me.credential));
        self.connection.subscribe(Channel::Everyone);
        self.connection.subscribe(Channel::User(user.id));
        let shared = self.shared.clone();
        let permit = shared.readers.acquire().await;
        self.check_not_revoked().await?;
        let states = self.room_states(&user, since).await;
        drop(permit);
        let Ok((rooms, missed)) = states else { return end(FAILED) };
        for progress in rooms.iter().filter(|progress| progress.mentions > 0) {
            self.connection.subscribe(Channel::Mentioned(progress.room));
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

    /// Returns the state of the user's rooms, and the missed changes of rooms and users; `None` if there are
    /// too many.
    async fn room_states(
        &mut self,
        user: &User,
        since: Option<Timestamp>,
    ) -> Result<(Vec<Progress>, Option<Vec<MissedChange>>), ServiceError> {
        for room in self.services().rooms.memberships(user).await? {
            self.connection.subscribe(Channel::Members(room));
        }
        for thread in self.services().rooms.listed_threads(user).await?.into_iter().rev() {
            self.subscribe_to_thread(thread);
        }
        let rooms = self.services().rooms.my_rooms(user).await?;
        let missed = match since {
            Some(then) => self.services().sync.changes_since(user, then).await?,
            None => Some(Vec::new()),
        };
        Ok((rooms, missed))
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
