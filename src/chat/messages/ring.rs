//! Telling of what was stored, each room's changes in the order of their `rev`, whoever made them:
//! this process, or another one on the same database (during an update two run side by side).

use std::collections::HashMap;
use std::sync::Arc;

use super::model::{Message, Told, Written};
use super::store;
use crate::chat::events::{Bell, Event, Notice, Topic};
use crate::chat::rooms::tell_joined_by_posting;
use crate::db::history::Newest;
use crate::db::{Db, History};
use crate::kernel::ids::RoomKey;
use crate::kernel::paging::Limit;
use crate::kernel::{Fault, Rev, RoomId, Seq, UserId};

pub(super) struct Ringer {
    db: Db,
    bell: Bell,
    told: HashMap<RoomId, Told>,
    /// How far the database's own count had come when it was last looked at.
    count: i64,
    history: History,
    /// As many renewals of the history as `told` and `count` are of.
    seen: u64,
}

impl Ringer {
    /// Has told of everything that is there now.
    pub async fn new(db: Db, bell: Bell, history: History) -> Result<Self, Fault> {
        let seen = history.renewals();
        // The count first: what comes in between is looked at once more.
        let count = store::count(&db).await?;
        let told = store::rooms(&db).await?.into_iter().collect();
        Ok(Self { db, bell, told, count, history, seen })
    }

    /// Tells of what this process has stored, given by rooms and `rev`. Where others stored something
    /// in between, that comes first: whoever has the room open takes no `rev` after a greater one.
    pub async fn tell(&mut self, news: &[&Written]) {
        if self.history.renewals() != self.seen {
            self.begin_again(news).await;
        }
        for Written { message, mentioned, joined, .. } in news {
            if let Some(person) = joined {
                tell_joined_by_posting(&self.bell, message.room, person);
            }
            let told = self.told.entry(message.room).or_default();
            if message.rev.0 > told.rev.0 + 1
                && let Err(fault) = self.catch_up(message.room).await
            {
                tracing::warn!(%fault, "what another process stored could not be read");
            }
            self.ring(message, mentioned);
        }
    }

    /// After the history turned out to be another one: of what is there now all is told but this.
    async fn begin_again(&mut self, news: &[&Written]) {
        let seen = self.history.renewals();
        match store::rooms(&self.db).await {
            Ok(rooms) => (self.told, self.seen) = (rooms.into_iter().collect(), seen),
            Err(error) => return tracing::warn!(%error, "the rooms could not be read"),
        }
        for Written { message, .. } in news {
            let told = self.told.entry(message.room).or_default();
            told.rev = told.rev.min(Rev(message.rev.0 - 1));
            told.last_seq = told.last_seq.min(Seq(message.seq.0 - 1));
        }
    }

    /// Tells of what others have stored since the last time. One number is read where nothing was.
    pub async fn sweep(&mut self) -> Result<(), Fault> {
        let (count, renewals) = (store::count(&self.db).await?, self.history.renewals());
        if count < self.count || renewals != self.seen {
            // It counts upwards alone: this is an older state, or was one. All connections come again, and
            // so everything that is there now is told.
            self.told = store::rooms(&self.db).await?.into_iter().collect();
            if count < self.count {
                self.history.suspect();
            }
            (self.count, self.seen) = (count, renewals);
            return Ok(());
        }
        if count == self.count {
            return Ok(());
        }
        for (room, now) in store::rooms(&self.db).await? {
            if now.rev > self.told.entry(room).or_default().rev {
                self.catch_up(room).await?;
            }
        }
        self.count = count;
        Ok(())
    }

    async fn catch_up(&mut self, room: RoomId) -> Result<(), Fault> {
        loop {
            let after = self.told.entry(room).or_default().rev;
            let page = store::since(&self.db, room, after, Limit::DEFAULT).await?;
            let place = |message: &Message| RoomKey::of_seq(room, message.seq);
            let places: Vec<RoomKey> = page.items.iter().map(place).collect();
            let mentioned = store::mentioned(&self.db, &places).await?;
            for message in page.items {
                let them = mentioned.get(&place(&message)).map_or(&[][..], Vec::as_slice);
                self.ring(&Arc::new(message), them);
            }
            if !page.more {
                return Ok(());
            }
        }
    }

    /// Whoever is mentioned is told apart from now on what is unread in the room, until they have read
    /// it: only the database knows how much of it is theirs.
    fn ring(&mut self, message: &Arc<Message>, mentioned: &[UserId]) {
        let (room, last_seq, author) = (message.room, message.seq, message.author.id);
        let told = self.told.entry(room).or_default();
        if message.rev <= told.rev {
            return;
        }
        told.rev = message.rev;
        self.history.remember(Newest { message: message.id, room, rev: message.rev });
        let posted = last_seq > told.last_seq;
        let apart = Topic::Mentioned(room);
        if posted {
            told.last_seq = last_seq;
            // Who writes has read, on all connections.
            let read = Event::Read { room, seq: last_seq, unread: 0, mentions: 0 };
            self.bell.part(Topic::Person(author), apart);
            self.bell.publish(Topic::Person(author), 0, &read);
        }
        for user in mentioned.iter().filter(|user| **user != author) {
            self.bell.join(Topic::Person(*user), apart);
        }
        self.bell.publish(Topic::Room(room), message.rev.0, &Event::Message(message.clone()));
        let (open, counted) = (Topic::Room(room), Notice::Unread(room));
        if posted {
            let unread = Event::Unread { room, last_seq };
            self.bell.remind(Topic::Members(room), open, &unread, (apart, counted));
        }
        if message.is_deleted() {
            // It counts no longer for all who have not read it, whether they have the room open or not.
            self.bell.tell_soon(Topic::Members(room), counted);
        } else if !posted {
            self.bell.tell_others(apart, open, counted);
        }
    }
}
