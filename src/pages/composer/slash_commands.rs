//! Executes slash commands and builds the replies to their sender.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect};

use crate::chat::accounts::model::{ProfileChange, Status, User};
use crate::chat::commands::{COMMANDS, Command, Described, nearest, only_like};
use crate::chat::messages::WriteError;
use crate::chat::messages::model::{Kind, MessageBody, Window};
use crate::chat::rooms::model::{
    FixedMembers, Member, NewRoom, Reader, Room, RoomChange, RoomTopic, Visibility,
};
use crate::chat::rooms::{AccessError, RoomError};
use crate::http::rate_limit::{Action, open_fixed};
use crate::http::{Language, Problem};
use crate::kernel::paging::Limit;
use crate::kernel::{Emoji, RoomId};
use crate::pages::composer::ComposerServices;
use crate::pages::composer::command_result::{CommandResult, go, refusal, reply, success};
use crate::pages::composer::post_form::{PostForm, post_message};
use crate::pages::rooms::index::Facts;
use crate::pages::rooms::join;
use crate::pages::rooms::join::JoinTarget;
use crate::pages::rooms::view::CommandReply;
use crate::text::emoji::by_shortcode;

/// What `/shrug` adds.
const SHRUG: &str = r"¯\_(ツ)_/¯";
/// The emoji of `/away`, and of a status without one.
const AWAY: &str = "🌙";
const PLAIN: &str = "💬";

/// The sender of a command and the room it was sent in.
pub(in crate::pages) struct CommandContext<'a> {
    pub services: &'a ComposerServices,
    /// The room page on which the command was typed.
    pub reader: &'a Reader,
    /// The nonce of the form. It makes sure that a message from a command is posted only once.
    pub nonce: &'a str,
    pub t: Language,
}

impl CommandContext<'_> {
    fn me(&self) -> &User {
        self.reader.user()
    }

    fn room(&self) -> RoomId {
        self.reader.room().id
    }

    pub async fn execute(&self, command: Command) -> Result<CommandResult, Problem> {
        if let Some(action) = rate_limited_action(&command) {
            self.services.rate_limiter.spend(self.me().id, action)?;
        }
        match command {
            Command::Create(name) => self.create(&name).await,
            Command::Join(room) => self.join(&room).await,
            Command::Lobby => Ok(go(self.services.rooms.lobby().await?)),
            Command::Leave => self.leave().await,
            Command::Rooms => self.rooms().await,
            Command::Users => self.users().await,
            Command::Private(name, text) => self.private(&name, text).await,
            Command::Exit => Ok(CommandResult::SignOut),
            Command::Topic(topic) => self.topic(&topic).await,
            Command::Invite(name) => self.invite(&name).await,
            Command::Kick(name) => self.kick(&name).await,
            Command::Me(text) => self.act(text).await,
            Command::Shrug(text) => self.shrug(&text).await,
            Command::Status(text) => self.set_status(split_status(&text)).await,
            Command::Away(text) => self.set_status(Some((AWAY, &text))).await,
            Command::Pin => self.pin().await,
            Command::Thread => self.thread().await,
            Command::Help => Ok(CommandResult::Reply(self.help())),
        }
    }

    /// The reply to an unknown command.
    pub fn unknown(&self, name: &str, nearest: &[&str]) -> CommandReply {
        let mut lines = vec![self.t.name("command-unknown", name)];
        if !nearest.is_empty() {
            lines.push(self.t.name("did-you-mean", nearest.join(", ")));
        }
        lines.push(self.t.text("command-see-help").to_owned());
        CommandReply { as_text: true, ..refusal(lines) }
    }

    /// The reply to a text that begins with a command but has more words than the command takes.
    pub fn excess(&self, spelled: &str) -> CommandReply {
        let mut lines = vec![self.t.name("command-excess", spelled)];
        if spelled.starts_with('/') {
            lines.push(self.t.text("command-see-help").to_owned());
        }
        CommandReply { as_text: true, ..refusal(lines) }
    }

    /// The reply to a command without the user that it needs.
    pub fn missing_user(&self, described: &Described) -> CommandReply {
        refusal(vec![self.t.text("command-needs-person").to_owned(), self.describe(described)])
    }

    async fn create(&self, name: &str) -> Result<CommandResult, Problem> {
        let new = match NewRoom::parse(name, "", Visibility::Public.as_str()) {
            Ok(new) => new,
            Err(problems) => return Ok(self.refuse(problems[0].code)),
        };
        match self.services.rooms.create(self.me(), &new).await {
            Ok(member) => Ok(go(member.room())),
            Err(error) => self.explain(error),
        }
    }

    async fn join(&self, room: &str) -> Result<CommandResult, Problem> {
        if room.is_empty() {
            return Ok(self.refuse("command-needs-room"));
        }
        match join::join(&self.services.rooms, self.me(), room).await? {
            JoinTarget::Joined(member) => Ok(go(member.room())),
            JoinTarget::Removed => Ok(self.removed()),
            JoinTarget::Near(names) => Ok(self.miss("no-such-room", room, &names)),
        }
    }

    async fn leave(&self) -> Result<CommandResult, Problem> {
        match self.services.rooms.leave(self.reader).await {
            Ok(()) => Ok(go(self.services.rooms.lobby().await?)),
            Err(RoomError::NoMember) => Ok(self.refuse("room-outsider")),
            Err(error) => self.explain(error),
        }
    }

    async fn rooms(&self) -> Result<CommandResult, Problem> {
        let rooms = self.services.rooms.list(self.me()).await?;
        let facts = Facts::of(&self.services.rooms, &self.services.presence, &rooms).await?;
        let shown = rooms.iter().filter(|room| !room.visibility.has_fixed_members());
        let line = |room: &Room| format!("#{} · {}", room.name, facts.describe(room, self.t));
        Ok(reply(shown.map(line).collect()))
    }

    async fn users(&self) -> Result<CommandResult, Problem> {
        let online = self.services.presence.online();
        let users = self.services.accounts.users().await?;
        let (online_users, offline_users): (Vec<_>, Vec<_>) =
            users.iter().partition(|user| online.contains(&user.id));
        let lines = online_users.iter().map(|user| (user, "online"));
        let lines = lines.chain(offline_users.iter().map(|user| (user, "offline")));
        let line = |(user, label): (&&User, &str)| {
            format!("{} (@{}) · {}", user.display_name, user.name, self.t.text(label))
        };
        Ok(reply(lines.map(line).collect()))
    }

    async fn private(&self, name: &str, text: String) -> Result<CommandResult, Problem> {
        let Some(user) = self.find_user(name).await? else {
            return self.no_such_user(name).await;
        };
        if let Err(field_error) = MessageBody::parse(&text) {
            return Ok(self.refuse(field_error.code));
        }
        let (rooms, rate_limiter) = (&self.services.rooms, &self.services.rate_limiter);
        let both = FixedMembers::pair(self.me().id, user.id);
        let member = open_fixed(rooms, rate_limiter, self.me(), &both).await?;
        self.post(&member, text, Kind::Text).await
    }

    /// Sets the topic, or shows it if the argument is empty. The room settings page can clear the
    /// topic.
    async fn topic(&self, topic: &str) -> Result<CommandResult, Problem> {
        if topic.is_empty() {
            return Ok(reply(vec![match self.reader.room().topic.as_str() {
                "" => self.t.text("topic-none").to_owned(),
                topic => self.t.name("topic-is", topic),
            }]));
        }
        let topic = match RoomTopic::parse(topic) {
            Ok(topic) => topic,
            Err(problem) => return Ok(self.refuse(problem.code)),
        };
        let owner = match self.services.rooms.owner(self.me(), self.room()).await {
            Ok(owner) => owner,
            Err(AccessError::Forbidden) => return Ok(self.refuse("not-the-owner")),
            Err(error) => return Err(error.into()),
        };
        let change = RoomChange { topic: Some(topic), ..RoomChange::default() };
        match self.services.rooms.update(&owner, &change).await {
            Ok(()) => Ok(reply(vec![self.t.text("topic-set").to_owned()])),
            Err(error) => self.explain(error),
        }
    }

    async fn invite(&self, name: &str) -> Result<CommandResult, Problem> {
        let Some(user) = self.find_user(name).await? else {
            return self.no_such_user(name).await;
        };
        match self.services.rooms.invite(self.reader, &user).await {
            Ok(()) => Ok(reply(vec![self.t.name("person-invited", &user.display_name)])),
            Err(error) => self.explain(error),
        }
    }

    async fn kick(&self, name: &str) -> Result<CommandResult, Problem> {
        let moderator = match self.services.rooms.moderator(self.me(), self.room()).await {
            Ok(moderator) => moderator,
            Err(AccessError::Forbidden) => return Ok(self.refuse("moderators-only")),
            Err(error) => return Err(error.into()),
        };
        let Some(user) = self.find_user(name).await? else {
            return self.no_such_user(name).await;
        };
        match self.services.rooms.remove(&moderator, &user).await {
            Ok(()) => Ok(reply(vec![self.t.name("person-removed", &user.display_name)])),
            Err(error) => self.explain(error),
        }
    }

    async fn act(&self, text: String) -> Result<CommandResult, Problem> {
        match self.services.rooms.member(self.me(), self.room()).await {
            Ok(member) => self.post(&member, text, Kind::Action).await,
            Err(AccessError::Removed) => Ok(self.removed()),
            Err(error) => Err(error.into()),
        }
    }

    /// Posts the text with a shrug behind it.
    async fn shrug(&self, text: &str) -> Result<CommandResult, Problem> {
        match self.services.rooms.member(self.me(), self.room()).await {
            Ok(member) => {
                let body = format!("{text} {SHRUG}").trim_start().to_owned();
                self.post(&member, body, Kind::Text).await
            }
            Err(AccessError::Removed) => Ok(self.removed()),
            Err(error) => Err(error.into()),
        }
    }

    /// Pins the last message of the room.
    async fn pin(&self) -> Result<CommandResult, Problem> {
        let messages = &self.services.messages;
        let newest = messages.page(self.reader, Window::Newest, Limit::DEFAULT).await?;
        let Some(last) = newest.items.iter().rfind(|message| !message.is_deleted()) else {
            return Ok(self.refuse("pin-nothing"));
        };
        let member = match self.services.rooms.member(self.me(), self.room()).await {
            Ok(member) => member,
            Err(AccessError::Removed) => return Ok(self.removed()),
            Err(error) => return Err(error.into()),
        };
        match messages.pin(member, last.id).await {
            Ok(_) => Ok(reply(vec![self.t.text("pinned-last").to_owned()])),
            Err(WriteError::Invalid(field_error)) => Ok(self.refuse(field_error.code)),
            Err(error) => Err(error.into()),
        }
    }

    /// Sets the status to an emoji and a text, or ends it.
    async fn set_status(&self, status: Option<(&str, &str)>) -> Result<CommandResult, Problem> {
        let now = self.services.clock.now();
        let parsed = status.map(|(emoji, text)| Status::parse(emoji, text, None, now)).transpose();
        let status = match parsed {
            Ok(status) => status,
            Err(problem) => return Ok(self.refuse(problem.code)),
        };
        let done = if status.is_some() { "status-set" } else { "status-ended" };
        let change = ProfileChange { about: None, status: Some(status) };
        self.services.accounts.update_profile(self.me(), &change).await?;
        Ok(reply(vec![self.t.text(done).to_owned()]))
    }

    /// Opens the thread of the last message.
    async fn thread(&self) -> Result<CommandResult, Problem> {
        let last = self
            .services
            .messages
            .page(self.reader, Window::Newest, Limit::parse(Some(1))?)
            .await?;
        match last.items.first() {
            Some(message) => {
                let page = Redirect::to(&format!("/threads/{}", message.id));
                Ok(CommandResult::Go(page.into_response()))
            }
            None => Ok(self.refuse("thread-no-message")),
        }
    }

    async fn post(
        &self,
        member: &Member,
        body: String,
        kind: Kind,
    ) -> Result<CommandResult, Problem> {
        let nonce = self.nonce.to_owned();
        let form = PostForm { body, nonce, literal: true, ..PostForm::default() };
        match post_message(&self.services.messages, member, &form, kind).await {
            Ok(_) => Ok(go(member.room())),
            Err(WriteError::Invalid(field_error)) => Ok(self.refuse(field_error.code)),
            Err(error) => Err(error.into()),
        }
    }

    fn help(&self) -> CommandReply {
        success(COMMANDS.iter().map(|described| self.describe(described)).collect())
    }

    fn describe(&self, (name, takes, does): &Described) -> String {
        let takes =
            if takes.is_empty() { String::new() } else { format!(" {}", self.t.text(takes)) };
        format!("{name}{takes} · {}", self.t.text(does))
    }

    /// Finds the user with this handle, or the only user whose handle matches without accents.
    async fn find_user(&self, name: &str) -> Result<Option<User>, Problem> {
        if let Some(user) = self.services.accounts.find(name).await? {
            return Ok(Some(user));
        }
        let users = self.services.accounts.users().await?;
        Ok(only_like(name, &users, |user| &user.name).cloned())
    }

    async fn no_such_user(&self, name: &str) -> Result<CommandResult, Problem> {
        let users = self.services.accounts.users().await?;
        let near = nearest(name, users.iter(), |user| &user.name);
        let names: Vec<String> = near.iter().map(|user| user.name.clone()).collect();
        Ok(self.miss("no-such-person", name, &names))
    }

    fn miss(&self, what: &str, name: &str, near: &[String]) -> CommandResult {
        let mut lines = vec![self.t.name(what, name)];
        if !near.is_empty() {
            lines.push(self.t.name("did-you-mean", near.join(", ")));
        }
        CommandResult::Reply(refusal(lines))
    }

    fn refuse(&self, reason: &str) -> CommandResult {
        self.failure(StatusCode::UNPROCESSABLE_ENTITY, reason)
    }

    /// The reply to a user who was removed from the room that the command names.
    fn removed(&self) -> CommandResult {
        self.failure(StatusCode::FORBIDDEN, "room-removed")
    }

    fn failure(&self, status: StatusCode, text: &str) -> CommandResult {
        let lines = vec![self.t.text(text).to_owned()];
        CommandResult::Reply(CommandReply { status, ..refusal(lines) })
    }

    fn explain(&self, error: RoomError) -> Result<CommandResult, Problem> {
        match error {
            RoomError::NameTaken => Ok(self.refuse("room-name-taken")),
            RoomError::Permanent => Ok(self.refuse("room-permanent")),
            RoomError::NeverArchived => Ok(self.refuse("room-never-archived")),
            RoomError::NoMember => Ok(self.refuse("room-no-member")),
            RoomError::Gone => Err(Problem::not_found()),
            RoomError::Outsider => Ok(self.refuse("room-outsider")),
            RoomError::SameUser => Ok(self.refuse("room-oneself")),
            RoomError::Service(error) => Err(error.into()),
        }
    }
}

/// The rate-limited action of a command, in addition to the write that each form counts as.
fn rate_limited_action(command: &Command) -> Option<Action> {
    match command {
        Command::Create(_) => Some(Action::NewRoom),
        Command::Join(_) => Some(Action::Join),
        // `open_fixed` counts new direct messages.
        Command::Private(..)
        | Command::Lobby
        | Command::Leave
        | Command::Rooms
        | Command::Users
        | Command::Exit
        | Command::Topic(_)
        | Command::Invite(_)
        | Command::Kick(_)
        | Command::Me(_)
        | Command::Shrug(_)
        | Command::Status(_)
        | Command::Away(_)
        | Command::Pin
        | Command::Thread
        | Command::Help => None,
    }
}

/// The emoji at the start of a text, or a general one, and the rest. `None` if there is no text.
fn split_status(text: &str) -> Option<(&str, &str)> {
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let code = first.strip_prefix(':').and_then(|code| code.strip_suffix(':'));
    let emoji = match code {
        Some(code) => by_shortcode(code),
        None => Emoji::parse(first).ok().map(Emoji::as_str),
    };
    match emoji {
        Some(emoji) => Some((emoji, rest)),
        None if text.is_empty() => None,
        None => Some((PLAIN, text)),
    }
}
