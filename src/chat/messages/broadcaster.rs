//! Publishes stored messages, the changes of each room in the order of their `rev`, whichever process
//! stored them (during an update two processes share one database).

use std::collections::HashMap;
use std::sync::Arc;

use super::model::{Message, Published, WriteOutcome};
use super::store;
use crate::chat::events::{Channel, Event, EventHub, Signal};
use crate::chat::rooms::notify_joined_by_posting;
use crate::db::epoch::NewestMessage;
use crate::db::{Db, EpochGuard};
use crate::kernel::ids::RoomKey;
use crate::kernel::paging::Limit;
use crate::kernel::{Rev, RoomId, Seq, ServiceError, UserId};

pub(super) struct Broadcaster {
    /// Publishes messages to the hub and remembers how far each room was published.
    db: Db,
    hub: EventHub,
    published: HashMap<RoomId, Published>,
    /// The highest message id at the last poll. Edits raise it as well.
    last_message_id: i64,
    epoch: EpochGuard,
    /// The value of [`EpochGuard::renewals`] that `published` and `last_message_id` belong to.
    epoch_renewals: u64,
}

impl Broadcaster {
    /// Starts with everything that is stored now counted as published.
    pub async fn new(db: Db, hub: EventHub, epoch: EpochGuard) -> Result<Self, ServiceError> {
        let epoch_renewals = epoch.renewals();
        // The id first: a message stored between the two queries is only checked once more.
        let last_message_id = store::last_message_id(&db).await?;
        let published = store::rooms(&db).await?.into_iter().collect();
        Ok(Self { db, hub, published, last_message_id, epoch, epoch_renewals })
    }

    /// Publishes what this process stored, sorted by room and `rev`. If other processes stored
    /// something in between, that is published first: a client that has the room open ignores a `rev`
    /// lower than the last one it received.
    pub async fn publish(&mut self, changes: &[&WriteOutcome]) {
        if self.epoch.renewals() != self.epoch_renewals {
            self.restart(changes).await;
        }
        for WriteOutcome { message, mentioned, joined, .. } in changes {
            if let Some(user) = joined {
                notify_joined_by_posting(&self.hub, message.room, user);
            }
            let published = self.published.entry(message.room).or_default();
            if message.rev.0 > published.rev.0 + 1
                && let Err(error) = self.broadcast_missed(message.room).await
            {
                tracing::warn!(%error, "could not read what another process stored");
            }
            self.broadcast(message, mentioned);
        }
    }

    /// Starts over after the epoch changed: everything stored counts as published, except `changes`.
    async fn restart(&mut self, changes: &[&WriteOutcome]) {
        let epoch_renewals = self.epoch.renewals();
        match store::rooms(&self.db).await {
            Ok(rooms) => {
                self.published = rooms.into_iter().collect();
                self.epoch_renewals = epoch_renewals;
            }
            Err(error) => return tracing::warn!(%error, "could not read the rooms"),
        }
        for WriteOutcome { message, .. } in changes {
            let published = self.published.entry(message.room).or_default();
            published.rev = published.rev.min(Rev(message.rev.0 - 1));
            published.last_seq = published.last_seq.min(Seq(message.seq.0 - 1));
        }
    }

    /// Publishes what other processes stored since the last call. If nothing was stored, this reads a
    /// single number.
    pub async fn poll_remote(&mut self) -> Result<(), ServiceError> {
        let last_message_id = store::last_message_id(&self.db).await?;
        let epoch_renewals = self.epoch.renewals();
        if last_message_id < self.last_message_id || epoch_renewals != self.epoch_renewals {
            // Message ids only grow, so a lower one means that the database is an older state now. A
            // renewed epoch means that it was. All clients reconnect and catch up, so everything stored
            // counts as published.
            self.published = store::rooms(&self.db).await?.into_iter().collect();
            if last_message_id < self.last_message_id {
                self.epoch.suspect();
            }
            self.last_message_id = last_message_id;
            self.epoch_renewals = epoch_renewals;
            return Ok(());
        }
        if last_message_id == self.last_message_id {
            return Ok(());
        }
        for (room, stored) in store::rooms(&self.db).await? {
            if stored.rev > self.published.entry(room).or_default().rev {
                self.broadcast_missed(room).await?;
            }
        }
        self.last_message_id = last_message_id;
        Ok(())
    }

    /// Publishes what other processes stored in this room.
    async fn broadcast_missed(&mut self, room: RoomId) -> Result<(), ServiceError> {
        loop {
            let after = self.published.entry(room).or_default().rev;
            let page = store::since(&self.db, room, after, Limit::DEFAULT).await?;
            let key = |message: &Message| RoomKey::of_seq(room, message.seq);
            let keys: Vec<RoomKey> = page.items.iter().map(key).collect();
            let mentioned = store::mentioned(&self.db, &keys).await?;
            for message in page.items {
                let users = mentioned.get(&key(&message)).map_or(&[][..], Vec::as_slice);
                self.broadcast(&Arc::new(message), users);
            }
            if !page.more {
                return Ok(());
            }
        }
    }

    /// Publishes one message, unless it was published before. Each mentioned user is subscribed to the
    /// room's `Mentioned` channel until they have read the room: their unread counts are computed by
    /// the database, one user at a time.
    fn broadcast(&mut self, message: &Arc<Message>, mentioned: &[UserId]) {
        let room = message.room;
        let last_seq = message.seq;
        let author = message.author.id;
        let published = self.published.entry(room).or_default();
        if message.rev <= published.rev {
            return;
        }
        published.rev = message.rev;
        self.epoch.remember(NewestMessage { message: message.id, room, rev: message.rev });
        let posted = last_seq > published.last_seq;
        let mentioned_channel = Channel::Mentioned(room);
        if posted {
            published.last_seq = last_seq;
            // A post moves the author's read marker to the end, on all their connections.
            let read = Event::Read { room, seq: last_seq, unread: 0, mentions: 0 };
            self.hub.unsubscribe_all(Channel::User(author), mentioned_channel);
            self.hub.broadcast(Channel::User(author), 0, &read);
        }
        for user in mentioned.iter().filter(|user| **user != author) {
            self.hub.subscribe_all(Channel::User(*user), mentioned_channel);
        }
        self.hub.broadcast(Channel::Room(room), message.rev.0, &Event::Message(message.clone()));
        let open = Channel::Room(room);
        let counted = Signal::Unread(room);
        if posted {
            let unread = Event::Unread { room, last_seq };
            self.hub.broadcast_coalesced(
                Channel::Members(room),
                open,
                &unread,
                (mentioned_channel, counted),
            );
        }
        if message.is_deleted() {
            // A deleted message no longer counts as unread. All members recount, even those who have
            // the room open.
            self.hub.notify_coalesced(Channel::Members(room), counted);
        } else if !posted {
            self.hub.notify_except(mentioned_channel, open, counted);
        }
    }
}
