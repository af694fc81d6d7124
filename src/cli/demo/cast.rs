//! The people of the story once a visitor is there: they are online, write something now and then,
//! and answer once when they are spoken to.
//!
//! They listen as every connection does: the hub rings, the database says what it was about.

use std::collections::{BTreeSet, HashSet};

use anyhow::Context;

use super::stage::Stage;
use super::story::{At, Line};
use crate::chat::events::{Notice, Topic};
use crate::chat::presence::Here;
use crate::http::Language;
use crate::kernel::paging::Limit;
use crate::kernel::{Clock, MessageId, Rev, RoomId, Timestamp, UserId};
use crate::live::{Connection, Delivery};
use crate::socket::frames;

struct Cast {
    stage: Stage,
    clock: Clock,
    connection: Connection<Topic, Notice>,
    here: Vec<Here>,
    /// Those of the story who are online; everybody else who comes is a visitor.
    ours: BTreeSet<UserId>,
    visited: bool,
    /// What is to be said, the next one last.
    cues: Vec<(Timestamp, RoomId, Line)>,
    said: HashSet<MessageId>,
}

/// Lets the people act until everything is said or the server stops.
pub(super) fn enter(stage: Stage, clock: Clock) {
    let lifecycle = stage.site.lifecycle.clone();
    let stopping = lifecycle.stopping();
    lifecycle.spawn_worker(async move {
        let mut cast = Cast::new(stage, clock);
        if let Some(Err(error)) = stopping.run_until_cancelled(cast.play()).await {
            tracing::error!("the demo's people have fallen silent: {error:#}");
        }
        // They stay for as long as the server runs.
        stopping.cancelled().await;
        drop(cast.here);
    });
}

impl Cast {
    fn new(stage: Stage, clock: Clock) -> Self {
        let connection = stage.site.bell.connect(frames::form_of(None, Language::English));
        connection.listen(Topic::Everybody);
        for room in &stage.rooms {
            connection.listen(Topic::Room(*room));
        }
        let here = stage.story.people.iter().filter(|somebody| somebody.here);
        let ours: BTreeSet<_> =
            here.filter_map(|somebody| Some(stage.people.get(somebody.name)?.id)).collect();
        let here = ours.iter().map(|user| stage.site.presence.arrive(*user)).collect();
        let (cues, said) = (Vec::new(), HashSet::new());
        Self { stage, clock, connection, here, ours, visited: false, cues, said }
    }

    async fn play(&mut self) -> anyhow::Result<()> {
        loop {
            let next = self.cues.last().map(|(at, ..)| *at);
            tokio::select! {
                delivery = self.connection.next() => match delivery.context("too slow")? {
                    Delivery::Frame { topic: Topic::Room(room), mark, .. } => {
                        self.listen(room, Rev(mark)).await?;
                    }
                    Delivery::Frame { .. } => self.look_up(),
                    Delivery::Notice(_) => {}
                },
                () = wait(&self.clock, next) => {
                    if let Some((_, room, line)) = self.cues.pop() {
                        self.said.insert(self.stage.say(room, &line).await?.message.id);
                    }
                }
            }
        }
    }

    /// Somebody came or went: with the first visitor the clock of the script starts.
    fn look_up(&mut self) {
        let online = self.stage.site.presence.online();
        if !self.visited && !online.is_subset(&self.ours) {
            self.visited = true;
            for scene in 0..self.stage.rooms.len() {
                self.prepare(scene, |at| matches!(at, At::After(_)));
            }
        }
    }

    /// Something was written. If it was a visitor, somebody answers.
    async fn listen(&mut self, room: RoomId, rev: Rev) -> anyhow::Result<()> {
        let site = &self.stage.site;
        let scene = self.stage.rooms.iter().position(|open| *open == room).context("no scene")?;
        let member = self.stage.story.rooms[scene].members.first().context("nobody")?;
        let reader = site.rooms.reader(self.stage.person(member)?, room).await?;
        let one = Limit::parse(Some(1)).map_err(|_| anyhow::anyhow!("BUG: one is a limit"))?;
        let written = site.messages.since(&reader, Rev(rev.0 - 1), one).await?;
        if written.items.first().is_some_and(|message| !self.said.contains(&message.id)) {
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
                At::Before(_) => std::time::Duration::ZERO,
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
