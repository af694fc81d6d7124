//! The story told: everybody registers, makes rooms and writes, by the verbs that pages use too.

use std::cmp::Reverse;
use std::collections::HashMap;

use anyhow::Context;
use jiff::tz::TimeZone;

use super::StoryTime;
use super::script::{At, Line, Place, Scene, Story};
use crate::chat::accounts::LoginSource;
use crate::chat::accounts::model::{Authenticated, BearerSecret, DisplayName, NewAccount, User};
use crate::chat::messages::model::{Draft, Emoji, Kind, MessageBody, WriteOutcome};
use crate::chat::rooms::model::{NewRoom, RoomChange, RoomTopic};
use crate::http::AppState;
use crate::kernel::{FieldError, RoomId, Seq, Timestamp};

/// The house as the story left it: what the live part goes on with.
pub(super) struct Seeder {
    pub site: AppState,
    pub story: Story,
    pub people: HashMap<&'static str, User>,
    /// The room of each scene.
    pub rooms: Vec<RoomId>,
}

impl Seeder {
    /// Tells what happened until now. `time` is what the site takes for the time.
    ///
    /// # Errors
    /// When something in the story is not allowed, or cannot be stored.
    pub(super) async fn set(
        site: AppState,
        story: Story,
        password: &str,
        time: &StoryTime,
    ) -> anyhow::Result<Self> {
        let now = time.now();
        time.set(Timestamp(now.0 - 30 * 86_400_000));
        let mut stage = Self { site, story, people: HashMap::new(), rooms: Vec::new() };
        stage.move_in(password).await?;
        for scene in &stage.story.rooms {
            let room = stage.open(scene).await.with_context(|| scene.members.join(", "))?;
            stage.rooms.push(room);
        }
        for (at, room, line) in stage.history() {
            time.set(now.minus(at));
            stage.say(room, line).await.with_context(|| line.text.clone())?;
        }
        time.let_go();
        stage.read().await?;
        Ok(stage)
    }

    async fn move_in(&mut self, password: &str) -> anyhow::Result<()> {
        for somebody in &self.story.people {
            let accounts = &self.site.accounts;
            let name = somebody.name;
            let email = format!("{name}@patio.example");
            let new = NewAccount::parse(name, &email, password).map_err(|all| wrong(&all))?;
            let proven = accounts.register(&new, &LoginSource::local()).await.context(name)?;
            let shown = DisplayName::parse(somebody.display_name).map_err(|one| wrong(&[one]))?;
            let credential = BearerSecret::new(self.site.random.secret()).credential();
            let (person, zone) = (proven.person().clone(), TimeZone::UTC);
            let me = Authenticated { person: person.clone(), zone, credential };
            accounts.rename(&me, &shown).await?;
            let person = User { display_name: somebody.display_name.to_owned(), ..person };
            self.people.insert(name, person);
        }
        Ok(())
    }

    async fn open(&self, scene: &Scene) -> anyhow::Result<RoomId> {
        let rooms = &self.site.rooms;
        let mut members = scene.members.iter().map(|name| self.person(name));
        let owner = members.next().context("nobody is in it")??;
        let room = match scene.place {
            Place::Lobby { topic } => {
                let topic = RoomTopic::parse(topic).map_err(|one| wrong(&[one]))?;
                // Nobody owns it: the administrator, who was the first to come, looks after it.
                let first = self.story.people.first().context("nobody is there")?;
                let first = self.person(first.name)?;
                let lobby = rooms.owner(first, rooms.lobby().await?).await?;
                let change = RoomChange { topic: Some(topic), ..RoomChange::default() };
                rooms.update(&lobby, &change).await?;
                return Ok(lobby.room().id);
            }
            Place::Direct => {
                let other = members.next().context("nobody to talk to")??;
                return Ok(rooms.direct(owner, other).await?.room());
            }
            Place::Room { visibility, name, topic } => {
                let new = NewRoom::parse(name, topic, visibility).map_err(|all| wrong(&all))?;
                rooms.create(owner, &new).await?.room()
            }
        };
        let host = rooms.reader(owner, room).await?;
        for guest in members {
            rooms.invite(&host, guest?).await?;
        }
        Ok(room)
    }

    /// All that was said, in the order of time over all rooms.
    fn history(&self) -> Vec<(std::time::Duration, RoomId, &Line)> {
        let scenes = self.story.rooms.iter().zip(&self.rooms);
        let said = scenes.flat_map(|(scene, room)| scene.lines.iter().map(|line| (*room, line)));
        let mut history: Vec<_> = said
            .filter_map(|(room, line)| match line.at {
                At::Before(Reverse(time)) => Some((time, room, line)),
                At::After(_) | At::Answer(_) => None,
            })
            .collect();
        history.sort_by_key(|(time, ..)| Reverse(*time));
        history
    }

    pub(super) async fn say(&self, room: RoomId, line: &Line) -> anyhow::Result<WriteOutcome> {
        let author = self.person(line.author)?;
        let member = self.site.rooms.member(author, room).await?;
        let (kind, text) = match line.text.strip_prefix("/me ") {
            Some(action) => (Kind::Action, action),
            None => (Kind::Text, line.text.as_str()),
        };
        let body = MessageBody::parse(text).map_err(|one| wrong(&[one]))?;
        let draft = Draft { kind, body, nonce: None, reply_to: None };
        let said = self.site.messages.post(member, draft).await?;
        for (emoji, name) in &line.reactions {
            let member = self.site.rooms.member(self.person(name)?, room).await?;
            let emoji = Emoji::parse(emoji).map_err(|one| wrong(&[one]))?;
            self.site.messages.react(&member, said.message.id, emoji).await?;
        }
        Ok(said)
    }

    /// Everybody has read everything, but what the story says they have not seen.
    async fn read(&self) -> anyhow::Result<()> {
        for (scene, room) in self.story.rooms.iter().zip(&self.rooms) {
            for name in &scene.members {
                let reader = self.site.rooms.reader(self.person(name)?, *room).await?;
                let stopped = scene.seen.iter().find(|(reader, _)| reader == name);
                let seen = match stopped {
                    Some((_, seen)) => Seq(i64::try_from(*seen)?),
                    None => reader.room().last_seq,
                };
                if reader.room().last_read_seq.is_some_and(|read| read < seen) {
                    self.site.rooms.mark_read(&reader, seen).await?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn person(&self, name: &str) -> anyhow::Result<&User> {
        self.people.get(name).with_context(|| format!("nobody is called {name}"))
    }
}

fn wrong(complaints: &[FieldError]) -> anyhow::Error {
    let reasons: Vec<_> = complaints.iter().map(|complaint| complaint.code).collect();
    anyhow::anyhow!(reasons.join(", "))
}
