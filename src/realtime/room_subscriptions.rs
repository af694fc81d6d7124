//! The rooms of a live connection: opening a room with catch-up, and sending its current state.

use std::sync::Arc;

use super::ChatServices;
use super::protocol::ServerFrame;
use super::replay_cache::{Changes, ReplayKey};
use super::session::Session;
use crate::api::schemas::Counts;
use crate::chat::accounts::model::User;
use crate::chat::events::Channel;
use crate::chat::rooms::AccessError;
use crate::chat::rooms::model::{Access, Progress};
use crate::http::Problem;
use crate::kernel::{MessageId, Rev, RoomId, ServiceError};
use crate::limits::connection::CHUNK;
use crate::limits::threads::LISTED;
use crate::pubsub::CatchUp;

/// Reasons in a `closed` frame.
const REMOVED: &str = "removed";
const LEFT: &str = "left";
const DELETED: &str = "deleted";

impl Session {
    /// Opens a room. Subscribes first and queries second, so that no change between the two is lost.
    pub(super) async fn open_room(&self, room: RoomId, since: Option<Rev>, id: Option<MessageId>) {
        let channel = Channel::Room(room);
        self.connection.subscribe_catching_up(channel);
        let turn = self.shared.admission.turn().await;
        let access = self.services().rooms.access(&self.me.user, room).await;
        drop(turn);
        let opened = match access {
            Ok(access) => self.open_for(&access, since, id).await.map_err(Problem::from),
            Err(error) => Err(error.into()),
        };
        if let Err(problem) = opened {
            self.connection.unsubscribe(channel);
            self.fail(&problem, None, Some(room));
        }
    }

    async fn open_for(
        &self,
        access: &Access,
        since: Option<Rev>,
        id: Option<MessageId>,
    ) -> Result<(), ServiceError> {
        let removed = self.services().rooms.is_removed(access).await?;
        self.removed_from.set(access.room(), removed);
        self.opened.set(access.room(), true);
        self.catch_up(access, since, id).await
    }

    async fn catch_up(
        &self,
        access: &Access,
        since: Option<Rev>,
        id: Option<MessageId>,
    ) -> Result<(), ServiceError> {
        let (room, rev) = (access.room(), access.rev());
        let channel = Channel::Room(room);
        let reset = match since.zip(id) {
            Some((since, id)) => !self.services().messages.is_known(access, since, id).await?,
            None => false,
        };
        if reset || since.is_some_and(|since| since > rev) {
            self.connection.unsubscribe(channel);
            self.send(&ServerFrame::Resync { room: Some(room), reset });
            return Ok(());
        }
        self.send(&ServerFrame::Opened { room, rev, last_seq: access.last_seq() });
        let mut known = since.unwrap_or(rev);
        // The highest rev of the room that this connection knows of.
        let mut goal = rev;
        loop {
            if known < goal {
                // Everything up to the goal was sent then, even if a rev no longer has a row: a later
                // change of the same message replaced it.
                known = self.send_missed(access, known, goal).await?.max(goal);
            }
            let live = ServerFrame::Live { room, rev: known }.text();
            match self.connection.go_live(channel, known.0, &live).await {
                CatchUp::Behind(position) => goal = Rev(position),
                // Gone: the user may no longer read the room, and a signal reports that.
                CatchUp::Gone => return Ok(()),
                // Not before: until then its changes are not delivered.
                CatchUp::Live => return self.send_head(access).await,
            }
        }
    }

    /// Sends the message that a thread belongs to, which has no `rev` of the thread.
    async fn send_head(&self, access: &Access) -> Result<(), ServiceError> {
        if let Some(head) = self.services().messages.head(access).await? {
            self.send(&ServerFrame::head(access.room(), &head, self.encoding));
        }
        Ok(())
    }

    /// Sends all changes after `known` and returns the `rev` of the last one. The room's `rev` is at least
    /// `goal`. Reads the next chunk only after the socket has taken the previous one, so that a client that
    /// does not read holds at most one chunk in memory, until it is disconnected.
    async fn send_missed(
        &self,
        access: &Access,
        mut known: Rev,
        goal: Rev,
    ) -> Result<Rev, ServiceError> {
        loop {
            self.connection.flushed().await;
            let changes = self.changes(access, known, goal).await?;
            self.connection.send_frames(&changes.frames);
            known = changes.last.unwrap_or(known);
            if !changes.more {
                return Ok(known);
            }
        }
    }

    async fn changes(
        &self,
        access: &Access,
        since: Rev,
        goal: Rev,
    ) -> Result<Arc<Changes>, ServiceError> {
        let services = self.services();
        let cache = &self.shared.replays;
        let key = ReplayKey { room: access.room(), since, encoding: self.encoding };
        let find = || cache.find(key, goal, services.clock.now());
        if let Some(cached) = find() {
            return Ok(cached);
        }
        let _turn = self.shared.admission.turn().await;
        // Another connection may have read the same chunk while this one waited for its turn.
        if let Some(cached) = find() {
            return Ok(cached);
        }
        let found = services.messages.chunk_since(access, since, CHUNK).await?;
        let changes = Arc::new(Changes::of(&found, self.encoding));
        cache.insert(key, goal, services.clock.now(), &changes);
        Ok(changes)
    }

    /// Sends the unread count of a room, counted for this user.
    pub(super) async fn show_unread(&self, room: RoomId) {
        if let Some(progress) = self.progress(room).await {
            self.send_progress(room, &progress);
        }
    }

    /// After the first `room` frame: clients drop the count of a message that came before they knew the room.
    pub(super) async fn recount(&self, room: RoomId) {
        if let Some(progress) = self.progress(room).await.filter(|progress| progress.unread > 0) {
            self.send_progress(room, &progress);
        }
    }

    fn send_progress(&self, room: RoomId, progress: &Progress) {
        let &Progress { last_seq, unread, mentions, .. } = progress;
        self.send(&ServerFrame::Unread { room, last_seq, unread: Some(unread), mentions });
    }

    /// `None` if the user is no member.
    async fn progress(&self, room: RoomId) -> Option<Progress> {
        self.services().rooms.settle_reads(self.me.user.id).await;
        // All members of a room may query at the same time.
        let turn = self.shared.admission.turn().await;
        let progress = self.services().rooms.progress(&self.me.user, room).await;
        drop(turn);
        progress.unwrap_or_else(|error| {
            self.fail(&error.into(), None, Some(room));
            None
        })
    }

    /// Sends the current state of a room, or `closed` if the user may no longer read it.
    pub(super) async fn show_room(&self, room: RoomId) {
        match self.room_frame(room).await {
            Ok(text) => self.connection.send(&text),
            Err(problem) => self.fail(&problem, None, Some(room)),
        }
    }

    /// Subscribes to the threads of a room that the user follows: if the room was restored, they follow them
    /// again.
    pub(super) async fn follow_threads_of(&mut self, room: RoomId) {
        match self.services().rooms.followed_in(&self.me.user, room).await {
            Ok(threads) => {
                // The last active one is added last.
                for thread in threads.into_iter().rev() {
                    self.follow_thread(thread).await;
                }
            }
            Err(error) => self.fail(&error.into(), None, Some(room)),
        }
    }

    /// Subscribes to a thread that the user follows, and sends its state: the client may not know it yet.
    pub(super) async fn follow_thread(&mut self, thread: RoomId) {
        self.subscribe_to_thread(thread);
        match self.services().rooms.progress(&self.me.user, thread).await {
            Ok(Some(progress)) => {
                if progress.mentions > 0 {
                    self.connection.subscribe(Channel::Mentioned(thread));
                }
                self.show_room(thread).await;
            }
            // They have stopped following it since.
            Ok(None) => self.unsubscribe_from_thread(thread),
            Err(error) => self.fail(&error.into(), None, Some(thread)),
        }
    }

    /// Subscribes to a thread, and to one less of the others if they are too many: the next reply brings that back.
    pub(super) fn subscribe_to_thread(&mut self, thread: RoomId) {
        self.threads.retain(|other| *other != thread);
        self.threads.push_back(thread);
        self.connection.subscribe(Channel::Members(thread));
        if i64::try_from(self.threads.len()).unwrap_or(i64::MAX) > LISTED
            && let Some(oldest) = self.threads.pop_front()
        {
            self.unsubscribe_from_thread(oldest);
        }
    }

    fn unsubscribe_from_thread(&self, thread: RoomId) {
        self.connection.unsubscribe(Channel::Members(thread));
        self.connection.unsubscribe(Channel::Mentioned(thread));
    }

    /// Reports that the user was removed from a room, and sends the room's state if the user may still read
    /// it.
    pub(super) async fn close_room(&self, room: RoomId) {
        self.connection.unsubscribe(Channel::Room(room));
        match self.services().rooms.reader(&self.me.user, room).await {
            // Invited again since: the signal for that follows.
            Ok(reader) if reader.room().is_member() => {}
            Ok(_) => {
                self.removed_from.set(room, true);
                self.send(&ServerFrame::Closed { room, reason: REMOVED });
                self.show_room(room).await;
            }
            Err(_) => self.show_room(room).await,
        }
    }

    /// Returns a `room` frame with the current state, or `closed` if the user may no longer read the room.
    pub(super) async fn room_frame(&self, room: RoomId) -> Result<Vec<u8>, Problem> {
        let reader = match self.services().rooms.reader(&self.me.user, room).await {
            Ok(reader) => reader,
            Err(AccessError::Service(error)) => return Err(error.into()),
            Err(_) => {
                self.connection.unsubscribe(Channel::Room(room));
                // If a deleted room is restored, its members are subscribed again.
                self.connection.unsubscribe(Channel::Members(room));
                return Ok(closed(self.services(), &self.me.user, room).await?);
            }
        };
        let rooms = &self.services().rooms;
        let presence = &self.services().presence;
        let counts = async {
            let members = rooms.members(&reader).await?;
            Ok::<_, Problem>(Counts::of(&members, &presence.online()))
        };
        let counts = self.shared.counts.ask(room, counts).await?;
        let room = reader.room();
        let other_online = room.other.is_some_and(|other| presence.is_online(other));
        let now = self.services().clock.now();
        Ok(ServerFrame::room(room, counts, other_online, now, self.encoding).text())
    }
}

/// Returns a `closed` frame with the reason why the user may no longer read the room.
pub(super) async fn closed(
    services: &ChatServices,
    user: &User,
    room: RoomId,
) -> Result<Vec<u8>, ServiceError> {
    let reason = if services.rooms.was_deleted(user, room).await? {
        DELETED
    } else if services.rooms.was_removed(user.id, room).await? {
        REMOVED
    } else {
        LEFT
    };
    Ok(ServerFrame::Closed { room, reason }.text())
}
