//! What a connection does with rooms: opens one, catching up with what was missed, and shows how
//! one stands.

use bytes::BytesMut;

use super::frames::Frame;
use super::session::Session;
use crate::api::shapes::Counts;
use crate::chat::events::Topic;
use crate::chat::rooms::AccessError;
use crate::chat::rooms::model::Reader;
use crate::http::Problem;
use crate::kernel::paging::Limit;
use crate::kernel::{Fault, Rev, RoomId};
use crate::live::Standing;
use crate::live::transport::frame;

/// Bytes of what was missed that are sent before the client has to have taken them.
const MOUTHFUL: usize = 32 * 1024;

impl Session {
    /// Follows first and asks the database then, so that nothing falls between the two.
    pub(super) async fn open_room(&self, room: RoomId, since: Option<Rev>) {
        let topic = Topic::Room(room);
        self.connection.follow(topic);
        let reading = self.hall.readers.acquire().await;
        let reader = self.site().rooms.reader(&self.me.person, room).await;
        drop(reading);
        let opened = match reader {
            Ok(reader) => self.catch_up(&reader, since).await.map_err(Problem::from),
            Err(error) => Err(error.into()),
        };
        if let Err(problem) = opened {
            self.connection.ignore(topic);
            self.fail(&problem, None, Some(room));
        }
    }

    async fn catch_up(&self, reader: &Reader, since: Option<Rev>) -> Result<(), Fault> {
        let (room, rev) = (reader.room().id, reader.room().rev);
        let topic = Topic::Room(room);
        if since.is_some_and(|since| since > rev) {
            self.connection.ignore(topic);
            self.send(&Frame::Resync { room });
            return Ok(());
        }
        self.send(&Frame::Opened { room, rev, last_seq: reader.room().last_seq });
        let mut known = since.unwrap_or(rev);
        // How far the room is, as far as this connection has heard.
        let mut goal = rev;
        loop {
            if known < goal {
                // All up to the goal is there then, even where a rev has no row left.
                known = self.send_missed(reader, known).await?.max(goal);
            }
            let live = Frame::Live { room, rev: known }.text();
            match self.connection.go_live(topic, known.0, &live).await {
                Standing::Behind(mark) => goal = Rev(mark),
                // One may not see the room any more; the notice of it says so.
                Standing::Live | Standing::Gone => return Ok(()),
            }
        }
    }

    /// Sends all that changed after `known`, no faster than it is taken, and says how far that is.
    async fn send_missed(&self, reader: &Reader, mut known: Rev) -> Result<Rev, Fault> {
        loop {
            let reading = self.hall.readers.acquire().await;
            let found = self.site().messages.since(reader, known, Limit::DEFAULT).await;
            drop(reading);
            let found = found?;
            let mut frames = BytesMut::new();
            for message in &found.items {
                frame::put_text(&mut frames, &Frame::message(message, self.form).text());
                known = message.rev;
                if frames.len() >= MOUTHFUL {
                    self.send_on(&mut frames).await;
                }
            }
            self.send_on(&mut frames).await;
            if !found.more {
                return Ok(known);
            }
        }
    }

    async fn send_on(&self, frames: &mut BytesMut) {
        if !frames.is_empty() {
            self.connection.cleared().await;
            self.connection.send_frames(&frames.split().freeze());
        }
    }

    /// Sends a room as it is now, or says that it cannot be seen any more.
    pub(super) async fn show_room(&self, room: RoomId) {
        let reader = match self.site().rooms.reader(&self.me.person, room).await {
            Ok(reader) => reader,
            Err(AccessError::NotFound | AccessError::Forbidden) => {
                self.connection.ignore(Topic::Room(room));
                return self.send(&Frame::Closed { room, reason: "removed" });
            }
            Err(error) => return self.fail(&error.into(), None, Some(room)),
        };
        let members = match self.site().rooms.members(&reader).await {
            Ok(members) => members,
            Err(fault) => return self.fail(&fault.into(), None, Some(room)),
        };
        let online = self.site().presence.online();
        let room = reader.room();
        let other_online = room.other.is_some_and(|other| online.contains(&other));
        let counts = Counts::of(&members, &online);
        self.send(&Frame::room(room, counts, other_online, self.form));
    }
}
