//! The people of the story once a visitor is there: they are online, write something now and then,
//! and answer once when they are spoken to.
//!
//! Once a second they look who is there and what was written.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use anyhow::Context;

use super::script::{At, Line};
use super::seed::Seeder;
use crate::chat::messages::model::Window;
use crate::chat::presence::PresenceGuard;
use crate::kernel::paging::Limit;
use crate::kernel::{Clock, MessageId, RoomId, Seq, Timestamp, UserId};

const LOOK_EVERY: Duration = Duration::from_secs(1);

struct DemoActors {
    stage: Seeder,
    clock: Clock,
    here: Vec<PresenceGuard>,
    /// Those of the story who are online; everybody else who comes is a visitor.
    ours: BTreeSet<UserId>,
    visited: bool,
    /// What is to be said, the next one last.
    cues: Vec<(Timestamp, RoomId, Line)>,
    said: HashSet<MessageId>,
    /// How far they have read in each room.
    read: HashMap<RoomId, Seq>,
}

/// Lets the people act until everything is said or the server stops.
pub(super) fn enter(stage: Seeder, clock: Clock) {
    let lifecycle = stage.site.lifecycle.clone();
    let stopping = lifecycle.stopping();
    lifecycle.spawn_worker(async move {
        let mut cast = DemoActors::new(stage, clock);
        if let Some(Err(error)) = stopping.run_until_cancelled(cast.play()).await {
            tracing::error!("the demo's people have fallen silent: {error:#}");
        }
        // They stay for as long as the server runs.
        stopping.cancelled().await;
        drop(cast.here);
    });
}

impl DemoActors {
    fn new(stage: Seeder, clock: Clock) -> Self {
        let here = stage.story.people.iter().filter(|somebody| somebody.here);
        let ours: BTreeSet<_> =
            here.filter_map(|somebody| Some(stage.people.get(somebody.name)?.id)).collect();
        let here = ours.iter().map(|user| stage.site.presence.connect(*user)).collect();
        let (cues, said, read) = (Vec::new(), HashSet::new(), HashMap::new());
        Self { stage, clock, here, ours, visited: false, cues, said, read }
    }

    async fn play(&mut self) -> anyhow::Result<()> {
        let mut beat = tokio::time::interval(LOOK_EVERY);
        loop {
            let next = self.cues.last().map(|(at, ..)| *at);
            tokio::select! {
                _ = beat.tick() => {
                    self.look_up();
                    for scene in 0..self.stage.rooms.len() {
                        self.listen(scene).await?;
                    }
                }
                () = wait(&self.clock, next) => {
                    if let Some((_, room, line)) = self.cues.pop() {
                        self.said.insert(self.stage.say(room, &line).await?.message.id);
                    }
                }
            }
        }
    }

    /// With the first visitor the clock of the script starts.
    fn look_up(&mut self) {
        let online = self.stage.site.presence.online();
        if !self.visited && !online.is_subset(&self.ours) {
            self.visited = true;
            for scene in 0..self.stage.rooms.len() {
                self.prepare(scene, |at| matches!(at, At::After(_)));
            }
        }
    }

    /// Reads what is new in a room. If a visitor wrote it, somebody answers.
    async fn listen(&mut self, scene: usize) -> anyhow::Result<()> {
        let (site, room) = (&self.stage.site, self.stage.rooms[scene]);
        let member = self.stage.story.rooms[scene].members.first().context("nobody")?;
        let reader = site.rooms.reader(self.stage.person(member)?, room).await?;
        let last = reader.room().last_seq;
        let Some(read) = self.read.insert(room, last).filter(|read| *read < last) else {
            return Ok(());
        };
        let written = site.messages.page(&reader, Window::After(read), Limit::DEFAULT).await?;
        if written.items.iter().any(|message| !self.said.contains(&message.id)) {
            self.prepare(scene, |at| matches!(at, At::Answer(_)));
        }
        Ok(())
    }

    /// Takes lines out of the story, to be said once.
    fn prepare(&mut self, scene: usize, now: impl Fn(At) -> bool) {
        let (start, room) = (self.clock.now(), self.stage.rooms[scene]);
        let lines = self.stage.story.rooms[scene].lines.extract_if(.., |line| now(line.at));
        self.cues.extend(lines.map(|line| {
            let time = match line.at {
                At::After(time) | At::Answer(time) => time,
                At::Before(_) => Duration::ZERO,
            };
            (start.plus(time), room, line)
        }));
        self.cues.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
    }
}

async fn wait(clock: &Clock, until: Option<Timestamp>) {
    match until {
        Some(moment) => tokio::time::sleep(clock.now().until(moment)).await,
        None => std::future::pending().await,
    }
}
