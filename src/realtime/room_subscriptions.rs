//! What a connection does with rooms: opens one, catching up with what was missed, and shows how
//! one stands.

use std::sync::Arc;

use super::protocol::ServerFrame;
use super::replay_cache::{Changes, Question};
use super::session::Session;
use crate::api::schemas::Counts;
use crate::chat::accounts::model::User;
use crate::chat::events::Channel;
use crate::chat::rooms::AccessError;
use crate::chat::rooms::model::{Progress, Reader};
use crate::http::{AppState, Problem};
use crate::kernel::{MessageId, Rev, RoomId, ServiceError};
use crate::limits::connection::CHUNK;
use crate::pubsub::CatchUp;

/// Why a room is closed to somebody.
const REMOVED: &str = "removed";
const LEFT: &str = "left";
const DELETED: &str = "deleted";

impl Session {
    /// Follows first and asks the database then, so that nothing falls between the two.
    pub(super) async fn open_room(&self, room: RoomId, since: Option<Rev>, id: Option<MessageId>) {
        let topic = Channel::Room(room);
        self.connection.subscribe_catching_up(topic);
        let reading = self.hall.readers.acquire().await;
        let reader = self.site().rooms.reader(&self.me.person, room).await;
        drop(reading);
        let opened = match reader {
            Ok(reader) => self.open_for(&reader, since, id).await.map_err(Problem::from),
            Err(error) => Err(error.into()),
        };
        if let Err(problem) = opened {
            self.connection.unsubscribe(topic);
            self.fail(&problem, None, Some(room));
        }
    }

    async fn open_for(
        &self,
        reader: &Reader,
        since: Option<Rev>,
        id: Option<MessageId>,
    ) -> Result<(), ServiceError> {
        let removed = self.site().rooms.is_removed(reader).await?;
        self.set_removed_from(reader.room().id, removed);
        self.catch_up(reader, since, id).await
    }

    async fn catch_up(
        &self,
        reader: &Reader,
        since: Option<Rev>,
        id: Option<MessageId>,
    ) -> Result<(), ServiceError> {
        let (room, rev) = (reader.room().id, reader.room().rev);
        let topic = Channel::Room(room);
        let reset = match since.zip(id) {
            Some((since, id)) => !self.site().messages.is_known(reader, since, id).await?,
            None => false,
        };
        if reset || since.is_some_and(|since| since > rev) {
            self.connection.unsubscribe(topic);
            self.send(&ServerFrame::Resync { room: Some(room), reset });
            return Ok(());
        }
        self.send(&ServerFrame::Opened { room, rev, last_seq: reader.room().last_seq });
        let mut known = since.unwrap_or(rev);
        // How far the room is, as far as this connection has heard.
        let mut goal = rev;
        loop {
            if known < goal {
                // All up to the goal is there then, even where a rev has no row left.
                known = self.send_missed(reader, known, goal).await?.max(goal);
            }
            let live = ServerFrame::Live { room, rev: known }.text();
            match self.connection.go_live(topic, known.0, &live).await {
                CatchUp::Behind(mark) => goal = Rev(mark),
                // One may not see the room any more; the notice of it says so.
                CatchUp::Live | CatchUp::Gone => return Ok(()),
            }
        }
    }

    /// Sends all that changed after `known`, and says how far that is. The room is as far as `goal`. The
    /// next chunk is read when the last one was taken: what is in memory for a client that does not
    /// read is one chunk, for as long as the hub bears it.
    async fn send_missed(
        &self,
        reader: &Reader,
        mut known: Rev,
        goal: Rev,
    ) -> Result<Rev, ServiceError> {
        loop {
            self.connection.flushed().await;
            let changes = self.changes(reader, known, goal).await?;
            self.connection.send_frames(&changes.frames);
            known = changes.last.unwrap_or(known);
            if !changes.more {
                return Ok(known);
            }
        }
    }

    async fn changes(
        &self,
        reader: &Reader,
        since: Rev,
        goal: Rev,
    ) -> Result<Arc<Changes>, ServiceError> {
        let (site, missed) = (self.site(), &self.hall.missed);
        let question = Question { room: reader.room().id, since, form: self.form };
        let find = || missed.find(question, goal, site.clock.now());
        if let Some(known) = find() {
            return Ok(known);
        }
        let _reading = self.hall.readers.acquire().await;
        // Somebody before in the line may have asked the same.
        if let Some(known) = find() {
            return Ok(known);
        }
        let found = site.messages.chunk_since(reader, since, CHUNK).await?;
        let changes = Arc::new(Changes::of(&found, self.form));
        missed.keep(question, goal, site.clock.now(), &changes);
        Ok(changes)
    }

    /// Sends how much of a room is unread, counted for this person.
    pub(super) async fn show_unread(&self, room: RoomId) {
        // All members of a room may ask at once.
        let reading = self.hall.readers.acquire().await;
        let progress = self.site().rooms.progress(&self.me.person, room).await;
        drop(reading);
        match progress {
            Ok(Some(Progress { last_seq, unread, mentions, .. })) => {
                let unread = Some(unread);
                self.send(&ServerFrame::Unread { room, last_seq, unread, mentions });
            }
            Ok(None) => {}
            Err(fault) => self.fail(&fault.into(), None, Some(room)),
        }
    }

    /// Sends a room as it is now, or says that it cannot be seen any more.
    pub(super) async fn show_room(&self, room: RoomId) {
        match self.room_as_it_is(room).await {
            Ok(text) => self.connection.send(&text),
            Err(problem) => self.fail(&problem, None, Some(room)),
        }
    }

    /// Says that its reader was removed from a room, and how it is to them now, if they may still see it.
    pub(super) async fn close_room(&self, room: RoomId) {
        self.connection.unsubscribe(Channel::Room(room));
        match self.site().rooms.reader(&self.me.person, room).await {
            // Invited again meanwhile: the notice of that comes next.
            Ok(reader) if reader.room().is_member() => {}
            Ok(_) => {
                self.set_removed_from(room, true);
                self.send(&ServerFrame::Closed { room, reason: REMOVED });
                self.show_room(room).await;
            }
            Err(_) => self.show_room(room).await,
        }
    }

    pub(super) async fn room_as_it_is(&self, room: RoomId) -> Result<Vec<u8>, Problem> {
        let reader = match self.site().rooms.reader(&self.me.person, room).await {
            Ok(reader) => reader,
            Err(AccessError::Fault(fault)) => return Err(fault.into()),
            Err(_) => {
                self.connection.unsubscribe(Channel::Room(room));
                // Whoever restores a deleted room lets its members listen again.
                self.connection.unsubscribe(Channel::Members(room));
                return Ok(closed(self.site(), &self.me.person, room).await?);
            }
        };
        let (rooms, presence) = (&self.site().rooms, &self.site().presence);
        let counts = async {
            let members = rooms.members(&reader).await?;
            Ok::<_, Problem>(Counts::of(&members, &presence.online()))
        };
        let counts = self.hall.counts.ask(room, counts).await?;
        let room = reader.room();
        let other_online = room.other.is_some_and(|other| presence.is_online(other));
        Ok(ServerFrame::room(room, counts, other_online, self.form).text())
    }
}

/// Says that somebody may not see a room any more, and why.
pub(super) async fn closed(
    site: &AppState,
    person: &User,
    room: RoomId,
) -> Result<Vec<u8>, ServiceError> {
    let reason = if site.rooms.was_deleted(person, room).await? {
        DELETED
    } else if site.rooms.was_removed(person.id, room).await? {
        REMOVED
    } else {
        LEFT
    };
    Ok(ServerFrame::Closed { room, reason }.text())
}
