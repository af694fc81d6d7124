//! Telling of what was stored, each room's changes in the order of their `rev`, whoever made them:
//! this process, or another one on the same database (during an update two run side by side).

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
    db: Db,
    hub: EventHub,
    published: HashMap<RoomId, Published>,
    /// How far the database's own count had come when it was last looked at.
    last_message_id: i64,
    history: EpochGuard,
    /// As many renewals of the history as `told` and `count` are of.
    epoch_renewals: u64,
}

impl Broadcaster {
    /// Has told of everything that is there now.
    pub async fn new(db: Db, bell: EventHub, history: EpochGuard) -> Result<Self, ServiceError> {
        let seen = history.renewals();
        // The count first: what comes in between is looked at once more.
        let count = store::last_message_id(&db).await?;
        let told = store::rooms(&db).await?.into_iter().collect();
        Ok(Self {
            db,
            hub: bell,
            published: told,
            last_message_id: count,
            history,
            epoch_renewals: seen,
        })
    }

    /// Tells of what this process has stored, given by rooms and `rev`. Where others stored something
    /// in between, that comes first: whoever has the room open takes no `rev` after a greater one.
    pub async fn publish(&mut self, news: &[&WriteOutcome]) {
        if self.history.renewals() != self.epoch_renewals {
            self.restart(news).await;
        }
        for WriteOutcome { message, mentioned, joined, .. } in news {
            if let Some(person) = joined {
                notify_joined_by_posting(&self.hub, message.room, person);
            }
            let told = self.published.entry(message.room).or_default();
            if message.rev.0 > told.rev.0 + 1
                && let Err(fault) = self.broadcast_missed(message.room).await
            {
                tracing::warn!(%fault, "what another process stored could not be read");
            }
            self.broadcast(message, mentioned);
        }
    }

    /// After the history turned out to be another one: of what is there now all is told but this.
    async fn restart(&mut self, news: &[&WriteOutcome]) {
        let seen = self.history.renewals();
        match store::rooms(&self.db).await {
            Ok(rooms) => {
                (self.published, self.epoch_renewals) = (rooms.into_iter().collect(), seen)
            }
            Err(error) => return tracing::warn!(%error, "the rooms could not be read"),
        }
        for WriteOutcome { message, .. } in news {
            let told = self.published.entry(message.room).or_default();
            told.rev = told.rev.min(Rev(message.rev.0 - 1));
            told.last_seq = told.last_seq.min(Seq(message.seq.0 - 1));
        }
    }

    /// Tells of what others have stored since the last time. One number is read where nothing was.
    pub async fn poll_remote(&mut self) -> Result<(), ServiceError> {
        let (count, renewals) = (store::last_message_id(&self.db).await?, self.history.renewals());
        if count < self.last_message_id || renewals != self.epoch_renewals {
            // It counts upwards alone: this is an older state, or was one. All connections come again, and
            // so everything that is there now is told.
            self.published = store::rooms(&self.db).await?.into_iter().collect();
            if count < self.last_message_id {
                self.history.suspect();
            }
            (self.last_message_id, self.epoch_renewals) = (count, renewals);
            return Ok(());
        }
        if count == self.last_message_id {
            return Ok(());
        }
        for (room, now) in store::rooms(&self.db).await? {
            if now.rev > self.published.entry(room).or_default().rev {
                self.broadcast_missed(room).await?;
            }
        }
        self.last_message_id = count;
        Ok(())
    }

    async fn broadcast_missed(&mut self, room: RoomId) -> Result<(), ServiceError> {
        loop {
            let after = self.published.entry(room).or_default().rev;
            let page = store::since(&self.db, room, after, Limit::DEFAULT).await?;
            let place = |message: &Message| RoomKey::of_seq(room, message.seq);
            let places: Vec<RoomKey> = page.items.iter().map(place).collect();
            let mentioned = store::mentioned(&self.db, &places).await?;
            for message in page.items {
                let them = mentioned.get(&place(&message)).map_or(&[][..], Vec::as_slice);
                self.broadcast(&Arc::new(message), them);
            }
            if !page.more {
                return Ok(());
            }
        }
    }

    /// Whoever is mentioned is told apart from now on what is unread in the room, until they have read
    /// it: only the database knows how much of it is theirs.
    fn broadcast(&mut self, message: &Arc<Message>, mentioned: &[UserId]) {
        let (room, last_seq, author) = (message.room, message.seq, message.author.id);
        let told = self.published.entry(room).or_default();
        if message.rev <= told.rev {
            return;
        }
        told.rev = message.rev;
        self.history.remember(NewestMessage { message: message.id, room, rev: message.rev });
        let posted = last_seq > told.last_seq;
        let apart = Channel::Mentioned(room);
        if posted {
            told.last_seq = last_seq;
            // Who writes has read, on all connections.
            let read = Event::Read { room, seq: last_seq, unread: 0, mentions: 0 };
            self.hub.unsubscribe_all(Channel::User(author), apart);
            self.hub.broadcast(Channel::User(author), 0, &read);
        }
        for user in mentioned.iter().filter(|user| **user != author) {
            self.hub.subscribe_all(Channel::User(*user), apart);
        }
        self.hub.broadcast(Channel::Room(room), message.rev.0, &Event::Message(message.clone()));
        let (open, counted) = (Channel::Room(room), Signal::Unread(room));
        if posted {
            let unread = Event::Unread { room, last_seq };
            self.hub.broadcast_coalesced(Channel::Members(room), open, &unread, (apart, counted));
        }
        if message.is_deleted() {
            // It counts no longer for all who have not read it, whether they have the room open or not.
            self.hub.notify_coalesced(Channel::Members(room), counted);
        } else if !posted {
            self.hub.notify_except(apart, open, counted);
        }
    }
}
