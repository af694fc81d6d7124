//! Publishes to the connections of this process what other processes on the same database changed: several may be one
//! installation, during an update two run at the same time, and the command line runs beside them. The database is
//! asked for changes every second, and at once when another process sends a notice.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::last_look::LastLook;
use crate::changefeed::Poller;
use crate::changefeed::model::Change;
use crate::chat::accounts::Accounts;
use crate::chat::accounts::model::CredentialHash;
use crate::chat::doorbell::model::{ReadMoved, Typing};
use crate::chat::doorbell::{ChangeNotice, Doorbell};
use crate::chat::drafts::Drafts;
use crate::chat::emoji::CustomEmoji;
use crate::chat::events::{Channel, Event, EventHub};
use crate::chat::messages::RemoteMessages;
use crate::chat::rooms::Rooms;
use crate::chat::saved::SavedMessages;
use crate::db::{Db, EpochGuard};
use crate::kernel::{RoomId, ServiceError, UserId};
use crate::lifecycle::Lifecycle;

/// How often the database is polled.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Notices that are handled together.
const NOTICES: usize = 256;

/// Publishes remote changes as if they had happened in this process.
struct RemoteChanges {
    accounts: Accounts,
    rooms: Rooms,
    personal: Personal,
    emoji: CustomEmoji,
    hub: EventHub,
    /// Notified when messages of other processes may have been missed.
    missed: Arc<Notify>,
    poller: Poller,
    last_look: LastLook,
    epoch: EpochGuard,
    /// The value of [`EpochGuard::renewals`] that the poller belongs to.
    epoch_renewals: u64,
}

/// What users keep for themselves.
#[derive(Clone)]
pub struct Personal {
    pub drafts: Drafts,
    pub saved: SavedMessages,
}

/// Where changes come from, and where they go.
pub struct Sources {
    pub hub: EventHub,
    pub messages: RemoteMessages,
    /// The notices of other processes.
    pub notices: mpsc::Receiver<ChangeNotice>,
}

/// Starts the task that polls and handles notices. Returns when it last looked.
pub async fn start(
    (accounts, rooms, emoji, personal): (Accounts, Rooms, CustomEmoji, Personal),
    Sources { hub, messages, mut notices }: Sources,
    epoch: EpochGuard,
    lifecycle: &Lifecycle,
) -> Result<LastLook, ServiceError> {
    let epoch_renewals = epoch.renewals();
    let last_look = LastLook::now();
    let missed = Arc::new(Notify::new());
    let poller = rooms.poller().await?;
    // Without a bus nothing of other processes arrives but through the database.
    if !notices.is_closed() {
        last_look.watch(hub.clone(), lifecycle);
    }
    rooms.load_deleted().await?;
    let mut remote_changes = RemoteChanges {
        accounts,
        rooms,
        personal,
        emoji,
        hub,
        missed: missed.clone(),
        poller,
        last_look: last_look.clone(),
        epoch,
        epoch_renewals,
    };
    let closing = lifecycle.closing();
    lifecycle.spawn_worker("remote-changes", async move {
        let mut interval = tokio::time::interval(POLL_INTERVAL);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut waiting = Vec::new();
        loop {
            tokio::select! {
                () = closing.cancelled() => return,
                _ = interval.tick() => remote_changes.poll_all().await,
                1.. = notices.recv_many(&mut waiting, NOTICES) => {
                    remote_changes.handle(&std::mem::take(&mut waiting)).await;
                }
            }
        }
    });
    let closing = lifecycle.closing();
    lifecycle.spawn_worker("remote-messages", poll_messages(messages, missed, closing));
    Ok(last_look)
}

/// Polls for messages of other processes. A task of its own: revocations must not wait for messages.
async fn poll_messages(
    mut messages: RemoteMessages,
    missed: Arc<Notify>,
    closing: CancellationToken,
) {
    let mut interval = tokio::time::interval(POLL_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = closing.cancelled() => return,
            _ = interval.tick() => {}
            () = missed.notified() => {}
        }
        note(messages.poll().await);
    }
}

/// Starts the task that notifies the other processes when this one has committed a change.
pub fn start_notifying(db: Db, doorbell: Doorbell, lifecycle: &Lifecycle) {
    let closing = lifecycle.closing();
    lifecycle.spawn_worker("change-notifier", async move {
        while closing.run_until_cancelled(db.change_committed()).await.is_some() {
            doorbell.notify_changes();
        }
    });
}

impl RemoteChanges {
    async fn poll_all(&mut self) {
        note(self.poll().await);
        note(self.poll_reads().await);
    }

    /// Handles notices that came together: one query for all that say the same.
    async fn handle(&mut self, notices: &[ChangeNotice]) {
        if notices.contains(&ChangeNotice::Missed) {
            self.missed.notify_one();
            self.poll_all().await;
        } else if notices.contains(&ChangeNotice::Changes) {
            note(self.poll().await);
        }
        let mut done = HashSet::new();
        for notice in notices.iter().filter(|notice| done.insert(**notice)) {
            match *notice {
                ChangeNotice::Read(ReadMoved { user, room }) => {
                    note(self.publish_read(user, room).await);
                }
                ChangeNotice::Typing(typing) => note(self.publish_typing(typing).await),
                ChangeNotice::Changes | ChangeNotice::Missed => {}
            }
        }
    }

    async fn poll_reads(&mut self) -> Result<(), ServiceError> {
        for read in self.poller.read_markers().await? {
            self.publish_read(read.user, read.room).await?;
        }
        Ok(())
    }

    /// Publishes where a user has read to, if they are connected here.
    async fn publish_read(&self, user: UserId, room: RoomId) -> Result<(), ServiceError> {
        if self.has_subscribers(Channel::User(user)).await {
            self.rooms.notify_read(user, room, false).await?;
        }
        Ok(())
    }

    /// Publishes that a user is typing, to those who have the room open, if the user may.
    async fn publish_typing(&self, Typing { user, room }: Typing) -> Result<(), ServiceError> {
        if self.has_subscribers(Channel::Room(room)).await
            && let Some(user) = self.accounts.by_id(user).await?
            && self.rooms.access(&user, room).await.is_ok()
            && !self.rooms.was_removed(user.id, room).await?
        {
            self.hub.broadcast_unnumbered(Channel::Room(room), &Event::Typing { room, user });
        }
        Ok(())
    }

    async fn has_subscribers(&self, channel: Channel) -> bool {
        !self.hub.subscribed(vec![channel]).await.is_empty()
    }

    async fn poll(&mut self) -> Result<(), ServiceError> {
        let began = Instant::now();
        let renewals = self.epoch.renewals();
        if renewals != self.epoch_renewals {
            // After the epoch changed, the old ids mean nothing, and all clients reconnect anyway.
            self.poller = self.rooms.poller().await?;
            self.epoch_renewals = renewals;
        }
        let (mut ends, others): (Vec<_>, Vec<_>) = self
            .poller
            .changes()
            .await?
            .into_iter()
            .partition(|(_, change)| matches!(change, Change::Revoked(..) | Change::Left(..)));
        // Revocations first: they need no query that could fail, and must not wait for those of other changes.
        ends.sort_by_key(|(_, change)| !matches!(change, Change::Revoked(..)));
        self.apply_all(ends).await?;
        self.last_look.record(began);
        self.apply_all(others).await
    }

    async fn apply_all(&mut self, changes: Vec<(i64, Change)>) -> Result<(), ServiceError> {
        for (id, change) in changes {
            self.apply(change).await?;
            self.poller.acknowledge(id);
        }
        Ok(())
    }

    /// Publishes the current state: it may have changed again since the change was recorded.
    async fn apply(&self, change: Change) -> Result<(), ServiceError> {
        match change {
            Change::Joined(room, user) | Change::Left(room, user) => {
                let room = self.rooms.find_for(user, room).await?;
                let user_profile = self.accounts.by_id(user).await?;
                let (Some(room), Some(user_profile)) = (room, user_profile) else { return Ok(()) };
                match change {
                    Change::Joined(..) if room.is_member() => {
                        self.rooms.notify_joined(&room, &user_profile);
                    }
                    Change::Left(..) if !room.is_member() => {
                        self.rooms.notify_lost(&room, &user_profile).await?;
                    }
                    _ => {}
                }
            }
            Change::MarkedUnread(room, user) => self.rooms.notify_read(user, room, true).await?,
            Change::Emoji => self.emoji.notify_changed().await?,
            Change::Room(room) => self.rooms.notify_room(room).await?,
            Change::Placed(room, user) => self.rooms.notify_placed(room, user),
            Change::Draft(room, user) => self.personal.drafts.notify(user, room).await?,
            Change::Saved(message, user) => self.personal.saved.notify(user, message).await?,
            Change::Revoked(hash, reason) => {
                self.accounts.notify_revocation(CredentialHash(hash), reason);
            }
            Change::User(user) => {
                if let Some(user_profile) = self.accounts.by_id(user).await? {
                    self.accounts.notify_renamed(user_profile);
                }
            }
        }
        Ok(())
    }
}

fn note(done: Result<(), ServiceError>) {
    if let Err(error) = done {
        tracing::warn!(%error, "could not read the changes of other processes");
    }
}
