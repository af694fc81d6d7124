//! The live part of the demo: its users are online, post now and then after a visitor came, and
//! reply once when a visitor writes.
//!
//! The task polls presence and messages once a second.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use anyhow::Context;

use super::script::{At, Line};
use super::seed::Seeder;
use crate::chat::messages::model::Window;
use crate::chat::presence::PresenceGuard;
use crate::kernel::paging::Limit;
use crate::kernel::{Clock, MessageId, RoomId, Seq, Timestamp, UserId};
use crate::lifecycle::Lifecycle;

const POLL_EVERY: Duration = Duration::from_secs(1);

struct DemoActors {
    seeder: Seeder,
    clock: Clock,
    connections: Vec<PresenceGuard>,
    /// Demo users who are online. Any other online user is a visitor.
    demo_users: BTreeSet<UserId>,
    visited: bool,
    /// Messages to post; the next one is last.
    scheduled: Vec<(Timestamp, RoomId, Line)>,
    posted: HashSet<MessageId>,
    /// The last `seq` that was read in each room.
    read: HashMap<RoomId, Seq>,
}

/// Starts the live part. It runs until all messages are posted or the server stops.
pub(super) fn start(seeder: Seeder, clock: Clock, lifecycle: &Lifecycle) {
    let stopping = lifecycle.stopping();
    lifecycle.spawn_worker("demo", async move {
        let mut actors = DemoActors::new(seeder, clock);
        if let Some(Err(error)) = stopping.run_until_cancelled(actors.run()).await {
            tracing::error!("the demo stopped: {error:#}");
        }
        // The demo users stay online while the server runs.
        stopping.cancelled().await;
        drop(actors.connections);
    });
}

impl DemoActors {
    fn new(seeder: Seeder, clock: Clock) -> Self {
        let online = seeder.story.users.iter().filter(|user| user.online);
        let demo_users: BTreeSet<_> =
            online.filter_map(|user| Some(seeder.users.get(user.name)?.id)).collect();
        let connections =
            demo_users.iter().map(|user| seeder.services.presence.connect(*user)).collect();
        Self {
            seeder,
            clock,
            connections,
            demo_users,
            visited: false,
            scheduled: Vec::new(),
            posted: HashSet::new(),
            read: HashMap::new(),
        }
    }

    async fn run(&mut self) -> anyhow::Result<()> {
        let mut interval = tokio::time::interval(POLL_EVERY);
        loop {
            let next = self.scheduled.last().map(|(at, ..)| *at);
            tokio::select! {
                _ = interval.tick() => {
                    self.check_for_visitors();
                    for scene in 0..self.seeder.rooms.len() {
                        self.read_room(scene).await?;
                    }
                }
                () = wait(&self.clock, next) => {
                    if let Some((_, room, line)) = self.scheduled.pop() {
                        self.posted.insert(self.seeder.post(room, &line).await?.message.id);
                    }
                }
            }
        }
    }

    /// The first visitor starts the clock of the script.
    fn check_for_visitors(&mut self) {
        let online = self.seeder.services.presence.online();
        if !self.visited && !online.is_subset(&self.demo_users) {
            self.visited = true;
            for scene in 0..self.seeder.rooms.len() {
                self.schedule(scene, |at| matches!(at, At::After(_)));
            }
        }
    }

    /// Reads new messages in a room. If a visitor wrote one, a demo user replies.
    async fn read_room(&mut self, scene: usize) -> anyhow::Result<()> {
        let services = &self.seeder.services;
        let room = self.seeder.rooms[scene];
        let member =
            self.seeder.story.rooms[scene].members.first().context("the room has no members")?;
        let reader = services.rooms.reader(self.seeder.user(member)?, room).await?;
        let last = reader.room().last_seq;
        let Some(read) = self.read.insert(room, last).filter(|read| *read < last) else {
            return Ok(());
        };
        let page = services.messages.page(&reader, Window::After(read), Limit::DEFAULT).await?;
        if page.items.iter().any(|message| !self.posted.contains(&message.id)) {
            self.schedule(scene, |at| matches!(at, At::Answer(_)));
        }
        Ok(())
    }

    /// Takes messages out of the story and schedules them, so that each is posted once.
    fn schedule(&mut self, scene: usize, is_due: impl Fn(At) -> bool) {
        let start = self.clock.now();
        let room = self.seeder.rooms[scene];
        let lines = self.seeder.story.rooms[scene].lines.extract_if(.., |line| is_due(line.at));
        self.scheduled.extend(lines.map(|line| {
            let time = match line.at {
                At::After(time) | At::Answer(time) => time,
                At::Before(_) => Duration::ZERO,
            };
            (start.plus(time), room, line)
        }));
        self.scheduled.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
    }
}

async fn wait(clock: &Clock, until: Option<Timestamp>) {
    match until {
        Some(moment) => tokio::time::sleep(clock.now().until(moment)).await,
        None => std::future::pending().await,
    }
}
