//! Seeds the demo: registers the users, creates the rooms and posts the messages through the same
//! services that the pages use.

use std::cmp::Reverse;
use std::collections::HashMap;

use anyhow::Context;
use jiff::tz::TimeZone;

use super::StoryTime;
use super::script::{At, Line, RoomKind, Scene, Story};
use crate::chat::accounts::model::{Authenticated, BearerSecret, DisplayName, NewAccount, User};
use crate::chat::accounts::{Accounts, LoginSource};
use crate::chat::files::model::PostedFiles;
use crate::chat::messages::Messages;
use crate::chat::messages::model::{Draft, Kind, Markup, MessageBody, ReactionEmoji, WriteOutcome};
use crate::chat::presence::Presence;
use crate::chat::rooms::Rooms;
use crate::chat::rooms::model::{FixedMembers, NewRoom, RoomChange, RoomTopic};
use crate::http::state::from_state;
use crate::kernel::{FieldError, Random, RoomId, Seq, Timestamp};

/// The services that the demo acts through.
pub(super) struct DemoServices {
    pub accounts: Accounts,
    pub rooms: Rooms,
    pub messages: Messages,
    pub presence: Presence,
    pub random: Random,
}

from_state!(DemoServices { accounts, rooms, messages, presence, random });

/// The seeded installation, for the live part.
pub(super) struct Seeder {
    pub services: DemoServices,
    pub story: Story,
    pub users: HashMap<&'static str, User>,
    /// The room of each scene.
    pub rooms: Vec<RoomId>,
}

impl Seeder {
    /// Seeds everything up to now. `time` is the clock that the services use.
    ///
    /// # Errors
    /// If something in the story is not allowed or cannot be stored.
    pub(super) async fn run(
        services: DemoServices,
        story: Story,
        password: &str,
        time: &StoryTime,
    ) -> anyhow::Result<Self> {
        let now = time.now();
        time.set(Timestamp(now.0 - 30 * 86_400_000));
        let mut seeder = Self { services, story, users: HashMap::new(), rooms: Vec::new() };
        seeder.register_users(password).await?;
        for scene in &seeder.story.rooms {
            let room = seeder.create_room(scene).await.with_context(|| scene.members.join(", "))?;
            seeder.rooms.push(room);
        }
        for (at, room, line) in seeder.history() {
            time.set(now.minus(at));
            seeder.post(room, line).await.with_context(|| line.text.clone())?;
        }
        time.use_real_time();
        seeder.set_read_markers().await?;
        Ok(seeder)
    }

    async fn register_users(&mut self, password: &str) -> anyhow::Result<()> {
        for demo_user in &self.story.users {
            let accounts = &self.services.accounts;
            let name = demo_user.name;
            let email = format!("{name}@patio.example");
            let new = NewAccount::parse(name, &email, password).map_err(|all| parse_error(&all))?;
            let verified = accounts.register(&new, &LoginSource::local()).await.context(name)?;
            let shown =
                DisplayName::parse(demo_user.display_name).map_err(|one| parse_error(&[one]))?;
            let credential = BearerSecret::new(self.services.random.secret()).credential();
            let user = verified.user().clone();
            let me = Authenticated {
                user: user.clone(),
                zone: TimeZone::UTC,
                credential,
                confirmation: None,
            };
            accounts.rename(&me, &shown).await?;
            let user = User { display_name: demo_user.display_name.to_owned(), ..user };
            self.users.insert(name, user);
        }
        Ok(())
    }

    async fn create_room(&self, scene: &Scene) -> anyhow::Result<RoomId> {
        let rooms = &self.services.rooms;
        let mut members = scene.members.iter().map(|name| self.user(name));
        let owner = members.next().context("the room has no members")??;
        let room = match scene.kind {
            RoomKind::Lobby { topic } => {
                let topic = RoomTopic::parse(topic).map_err(|one| parse_error(&[one]))?;
                // The lobby has no owner. The first user is the administrator and can change it.
                let first = self.story.users.first().context("the story has no users")?;
                let first = self.user(first.name)?;
                let lobby = rooms.owner(first, rooms.lobby().await?).await?;
                let change = RoomChange { topic: Some(topic), ..RoomChange::default() };
                rooms.update(&lobby, &change).await?;
                return Ok(lobby.room().id);
            }
            RoomKind::Direct => {
                let other = members.next().context("a direct message needs two users")??;
                let members = FixedMembers::pair(owner.id, other.id);
                return Ok(rooms.fixed(owner, &members).await?.room());
            }
            RoomKind::Room { visibility, name, topic } => {
                let new =
                    NewRoom::parse(name, topic, visibility).map_err(|all| parse_error(&all))?;
                rooms.create(owner, &new).await?.room()
            }
        };
        let host = rooms.reader(owner, room).await?;
        for guest in members {
            rooms.invite(&host, guest?).await?;
        }
        Ok(room)
    }

    /// All past messages, ordered by time over all rooms.
    fn history(&self) -> Vec<(std::time::Duration, RoomId, &Line)> {
        let scenes = self.story.rooms.iter().zip(&self.rooms);
        let posted = scenes.flat_map(|(scene, room)| scene.lines.iter().map(|line| (*room, line)));
        let mut history: Vec<_> = posted
            .filter_map(|(room, line)| match line.at {
                At::Before(Reverse(time)) => Some((time, room, line)),
                At::After(_) | At::Answer(_) => None,
            })
            .collect();
        history.sort_by_key(|(time, ..)| Reverse(*time));
        history
    }

    pub(super) async fn post(&self, room: RoomId, line: &Line) -> anyhow::Result<WriteOutcome> {
        let author = self.user(line.author)?;
        let member = self.services.rooms.member(author, room).await?;
        let (kind, text) = match line.text.strip_prefix("/me ") {
            Some(action) => (Kind::Action, action),
            None => (Kind::Text, line.text.as_str()),
        };
        let body = MessageBody::parse(text).map_err(|one| parse_error(&[one]))?;
        let files = PostedFiles::default();
        let draft =
            Draft { kind, body, markup: Markup::Markdown, nonce: None, reply_to: None, files };
        let posted = self.services.messages.post(member, draft).await?;
        for (emoji, name) in &line.reactions {
            let member = self.services.rooms.member(self.user(name)?, room).await?;
            let emoji = ReactionEmoji::parse(emoji).map_err(|one| parse_error(&[one]))?;
            self.services.messages.react(&member, posted.message.id, emoji).await?;
        }
        Ok(posted)
    }

    /// Sets the read markers: all users have read everything except what the story leaves unread.
    async fn set_read_markers(&self) -> anyhow::Result<()> {
        for (scene, room) in self.story.rooms.iter().zip(&self.rooms) {
            for name in &scene.members {
                let reader = self.services.rooms.reader(self.user(name)?, *room).await?;
                let stopped = scene.seen.iter().find(|(reader, _)| reader == name);
                let seen = match stopped {
                    Some((_, seen)) => Seq(i64::try_from(*seen)?),
                    None => reader.room().last_seq,
                };
                if reader.room().last_read_seq.is_some_and(|read| read < seen) {
                    self.services.rooms.mark_read(&reader, seen).await?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn user(&self, name: &str) -> anyhow::Result<&User> {
        self.users.get(name).with_context(|| format!("there is no user {name}"))
    }
}

fn parse_error(errors: &[FieldError]) -> anyhow::Error {
    let reasons: Vec<_> = errors.iter().map(|error| error.code).collect();
    anyhow::anyhow!(reasons.join(", "))
}
