//! Publishes to the connections of this process what other processes on the same database changed:
//! during an update two servers run at the same time, and the command line runs beside them.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::changefeed::Poller;
use crate::changefeed::model::Change;
use crate::chat::accounts::Accounts;
use crate::chat::accounts::model::CredentialHash;
use crate::chat::drafts::Drafts;
use crate::chat::emoji::CustomEmoji;
use crate::chat::messages::RemoteMessages;
use crate::chat::rooms::Rooms;
use crate::chat::saved::SavedMessages;
use crate::db::EpochGuard;
use crate::kernel::ServiceError;
use crate::lifecycle::Lifecycle;

/// How often the database is polled.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Publishes remote changes as if they had happened in this process.
struct RemoteChanges {
    accounts: Accounts,
    rooms: Rooms,
    personal: Personal,
    emoji: CustomEmoji,
    messages: RemoteMessages,
    poller: Poller,
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

/// Starts the task that polls.
pub async fn start(
    (accounts, rooms, emoji, personal): (Accounts, Rooms, CustomEmoji, Personal),
    messages: RemoteMessages,
    epoch: EpochGuard,
    lifecycle: &Lifecycle,
) -> Result<(), ServiceError> {
    let epoch_renewals = epoch.renewals();
    let poller = rooms.poller().await?;
    rooms.load_deleted().await?;
    let mut remote_changes =
        RemoteChanges { accounts, rooms, personal, emoji, messages, poller, epoch, epoch_renewals };
    let closing = lifecycle.closing();
    lifecycle.spawn_worker("remote-changes", async move {
        let mut interval = tokio::time::interval(POLL_INTERVAL);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while closing.run_until_cancelled(interval.tick()).await.is_some() {
            // Messages even if the rest failed, and the other way round.
            for polled in [remote_changes.poll().await, remote_changes.messages.poll().await] {
                if let Err(error) = polled {
                    tracing::warn!(%error, "could not poll for the changes of other processes");
                }
            }
        }
    });
    Ok(())
}

impl RemoteChanges {
    async fn poll(&mut self) -> Result<(), ServiceError> {
        let renewals = self.epoch.renewals();
        if renewals != self.epoch_renewals {
            // After the epoch changed, the old ids mean nothing, and all clients reconnect anyway.
            self.poller = self.rooms.poller().await?;
            self.epoch_renewals = renewals;
        }
        let mut changes = self.poller.changes().await?;
        // Revocations first: they need no query that could fail, and must not wait for those of other changes.
        changes.sort_by_key(|(_, change)| !matches!(change, Change::Revoked(..)));
        for (id, change) in changes {
            self.apply(change).await?;
            self.poller.acknowledge(id);
        }
        for read in self.poller.read_markers().await? {
            self.rooms.notify_read(read.user, read.room, false).await?;
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
