//! Commands carried out: what each does, and what it says to the one who gave it.

use axum::http::StatusCode;
use axum::response::Response;

use crate::chat::accounts::model::User;
use crate::chat::commands::{COMMANDS, Command, Described, nearest, only_like};
use crate::chat::messages::WriteError;
use crate::chat::messages::model::{Kind, MessageBody};
use crate::chat::rooms::model::{Member, NewRoom, Reader, Room, RoomChange, RoomTopic, Visibility};
use crate::chat::rooms::{AccessError, RoomError};
use crate::http::rate_limit::{Action, open_direct};
use crate::http::{AppState, Language, Problem};
use crate::kernel::RoomId;
use crate::pages::composer::post_form::{PostForm, post_message};
use crate::pages::layout::page::to_room;
use crate::pages::rooms::index::Facts;
use crate::pages::rooms::join;
use crate::pages::rooms::join::JoinTarget;
use crate::pages::rooms::show::CommandReply;

/// What comes of a command.
pub(in crate::pages) enum CommandResult {
    /// Another page, or this one again.
    Go(Response),
    Say(CommandReply),
    /// The sign-in shall end.
    SignOut,
}

/// Who gave a command, and where.
pub(in crate::pages) struct CommandContext<'a> {
    pub site: &'a AppState,
    /// The room that is open before them.
    pub reader: &'a Reader,
    /// What the form was sent with: what a command posts is posted once.
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

    pub async fn carry_out(&self, command: Command) -> Result<CommandResult, Problem> {
        if let Some(action) = counts_as(&command) {
            self.site.rates.spend(self.me().id, action)?;
        }
        match command {
            Command::Create(name) => self.create(&name).await,
            Command::Join(wanted) => self.join(&wanted).await,
            Command::Lobby => Ok(go(self.site.rooms.lobby().await?)),
            Command::Leave => self.leave().await,
            Command::Rooms => self.rooms().await,
            Command::Users => self.users().await,
            Command::Private(name, text) => self.private(&name, text).await,
            Command::Exit => Ok(CommandResult::SignOut),
            Command::Topic(topic) => self.topic(&topic).await,
            Command::Invite(name) => self.invite(&name).await,
            Command::Kick(name) => self.kick(&name).await,
            Command::Me(text) => self.act(text).await,
            Command::Help => Ok(CommandResult::Say(self.help())),
        }
    }

    /// The answer to a command that is none.
    pub fn unknown(&self, name: &str, nearest: &[&str]) -> CommandReply {
        let mut lines = vec![self.t.name("command-unknown", name)];
        if !nearest.is_empty() {
            lines.push(self.t.name("did-you-mean", nearest.join(", ")));
        }
        lines.push(self.t.say("command-see-help").to_owned());
        CommandReply { as_text: true, ..refusal(lines) }
    }

    /// The answer to a sentence that begins like a command.
    pub fn excess(&self, spelled: &str) -> CommandReply {
        let mut lines = vec![self.t.name("command-excess", spelled)];
        if spelled.starts_with('/') {
            lines.push(self.t.say("command-see-help").to_owned());
        }
        CommandReply { as_text: true, ..refusal(lines) }
    }

    /// The answer to a command that takes a person and has none.
    pub fn nobody(&self, described: &Described) -> CommandReply {
        refusal(vec![self.t.say("command-needs-person").to_owned(), self.describe(described)])
    }

    async fn create(&self, name: &str) -> Result<CommandResult, Problem> {
        let new = match NewRoom::parse(name, "", Visibility::Public.as_str()) {
            Ok(new) => new,
            Err(problems) => return Ok(self.refuse(problems[0].code)),
        };
        match self.site.rooms.create(self.me(), &new).await {
            Ok(member) => Ok(go(member.room())),
            Err(error) => self.explain(error),
        }
    }

    async fn join(&self, wanted: &str) -> Result<CommandResult, Problem> {
        if wanted.is_empty() {
            return Ok(self.refuse("command-needs-room"));
        }
        match join::join(self.site, self.me(), wanted).await? {
            JoinTarget::Joined(member) => Ok(go(member.room())),
            JoinTarget::Removed => Ok(self.removed()),
            JoinTarget::Near(names) => Ok(self.miss("no-such-room", wanted, &names)),
        }
    }

    async fn leave(&self) -> Result<CommandResult, Problem> {
        match self.site.rooms.leave(self.reader).await {
            Ok(()) => Ok(go(self.site.rooms.lobby().await?)),
            Err(RoomError::NoMember) => Ok(self.refuse("room-outsider")),
            Err(error) => self.explain(error),
        }
    }

    async fn rooms(&self) -> Result<CommandResult, Problem> {
        let facts = Facts::of(self.site, self.me()).await?;
        let rooms = self.site.rooms.list(self.me()).await?;
        let shown = rooms.iter().filter(|room| room.visibility != Visibility::Direct);
        let line = |room: &Room| format!("#{} · {}", room.name, facts.tell(room, self.t));
        Ok(say(shown.map(line).collect()))
    }

    async fn users(&self) -> Result<CommandResult, Problem> {
        let online = self.site.presence.online();
        let people = self.site.accounts.users().await?;
        let (here, gone): (Vec<_>, Vec<_>) =
            people.iter().partition(|person| online.contains(&person.id));
        let lines = here.iter().map(|person| (person, "online"));
        let lines = lines.chain(gone.iter().map(|person| (person, "offline")));
        let line = |(person, state): (&&User, &str)| {
            format!("{} (@{}) · {}", person.display_name, person.name, self.t.say(state))
        };
        Ok(say(lines.map(line).collect()))
    }

    async fn private(&self, name: &str, text: String) -> Result<CommandResult, Problem> {
        let Some(person) = self.person(name).await? else {
            return self.no_person(name).await;
        };
        if let Err(invalid) = MessageBody::parse(&text) {
            return Ok(self.refuse(invalid.code));
        }
        let member = open_direct(self.site, self.me(), &person).await?;
        self.post(&member, text, Kind::Text).await
    }

    /// Sets the topic; without one shows it. To take it away there are the settings of the room.
    async fn topic(&self, topic: &str) -> Result<CommandResult, Problem> {
        if topic.is_empty() {
            return Ok(say(vec![match self.reader.room().topic.as_str() {
                "" => self.t.say("topic-none").to_owned(),
                topic => self.t.name("topic-is", topic),
            }]));
        }
        let topic = match RoomTopic::parse(topic) {
            Ok(topic) => topic,
            Err(problem) => return Ok(self.refuse(problem.code)),
        };
        let owner = match self.site.rooms.owner(self.me(), self.room()).await {
            Ok(owner) => owner,
            Err(AccessError::Forbidden) => return Ok(self.refuse("not-the-owner")),
            Err(error) => return Err(error.into()),
        };
        let change = RoomChange { name: None, topic: Some(topic) };
        match self.site.rooms.update(&owner, &change).await {
            Ok(()) => Ok(say(vec![self.t.say("topic-set").to_owned()])),
            Err(error) => self.explain(error),
        }
    }

    async fn invite(&self, name: &str) -> Result<CommandResult, Problem> {
        let Some(person) = self.person(name).await? else {
            return self.no_person(name).await;
        };
        match self.site.rooms.invite(self.reader, &person).await {
            Ok(()) => Ok(say(vec![self.t.name("person-invited", &person.display_name)])),
            Err(error) => self.explain(error),
        }
    }

    async fn kick(&self, name: &str) -> Result<CommandResult, Problem> {
        let moderator = match self.site.rooms.moderator(self.me(), self.room()).await {
            Ok(moderator) => moderator,
            Err(AccessError::Forbidden) => return Ok(self.refuse("moderators-only")),
            Err(error) => return Err(error.into()),
        };
        let Some(person) = self.person(name).await? else {
            return self.no_person(name).await;
        };
        match self.site.rooms.remove(&moderator, &person).await {
            Ok(()) => Ok(say(vec![self.t.name("person-removed", &person.display_name)])),
            Err(error) => self.explain(error),
        }
    }

    async fn act(&self, text: String) -> Result<CommandResult, Problem> {
        match self.site.rooms.member(self.me(), self.room()).await {
            Ok(member) => self.post(&member, text, Kind::Action).await,
            Err(AccessError::Removed) => Ok(self.removed()),
            Err(error) => Err(error.into()),
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
        match post_message(self.site, member, &form, kind).await {
            Ok(()) => Ok(go(member.room())),
            Err(WriteError::Invalid(invalid)) => Ok(self.refuse(invalid.code)),
            Err(error) => Err(error.into()),
        }
    }

    fn help(&self) -> CommandReply {
        said(COMMANDS.iter().map(|described| self.describe(described)).collect())
    }

    fn describe(&self, (name, takes, does): &Described) -> String {
        let takes =
            if takes.is_empty() { String::new() } else { format!(" {}", self.t.say(takes)) };
        format!("{name}{takes} · {}", self.t.say(does))
    }

    /// Who has this handle, else the only one whose handle it is without accents.
    async fn person(&self, name: &str) -> Result<Option<User>, Problem> {
        if let Some(person) = self.site.accounts.find(name).await? {
            return Ok(Some(person));
        }
        let people = self.site.accounts.users().await?;
        Ok(only_like(name, &people, |person| &person.name).cloned())
    }

    async fn no_person(&self, name: &str) -> Result<CommandResult, Problem> {
        let people = self.site.accounts.users().await?;
        let near = nearest(name, people.iter(), |person| &person.name);
        let names: Vec<String> = near.iter().map(|person| person.name.clone()).collect();
        Ok(self.miss("no-such-person", name, &names))
    }

    fn miss(&self, what: &str, name: &str, near: &[String]) -> CommandResult {
        let mut lines = vec![self.t.name(what, name)];
        if !near.is_empty() {
            lines.push(self.t.name("did-you-mean", near.join(", ")));
        }
        CommandResult::Say(refusal(lines))
    }

    fn refuse(&self, reason: &str) -> CommandResult {
        self.say(StatusCode::UNPROCESSABLE_ENTITY, reason)
    }

    /// They were removed from the room that this is about.
    fn removed(&self) -> CommandResult {
        self.say(StatusCode::FORBIDDEN, "room-removed")
    }

    fn say(&self, status: StatusCode, text: &str) -> CommandResult {
        let lines = vec![self.t.say(text).to_owned()];
        CommandResult::Say(CommandReply { status, ..refusal(lines) })
    }

    fn explain(&self, error: RoomError) -> Result<CommandResult, Problem> {
        match error {
            RoomError::NameTaken => Ok(self.refuse("room-name-taken")),
            RoomError::Permanent => Ok(self.refuse("room-permanent")),
            RoomError::NoMember => Ok(self.refuse("room-no-member")),
            RoomError::Gone => Err(Problem::not_found()),
            RoomError::Outsider => Ok(self.refuse("room-outsider")),
            RoomError::Oneself => Ok(self.refuse("room-oneself")),
            RoomError::Fault(fault) => Err(fault.into()),
        }
    }
}

/// What a command counts as, besides the write that each form is.
fn counts_as(command: &Command) -> Option<Action> {
    match command {
        Command::Create(_) => Some(Action::NewRoom),
        Command::Join(_) => Some(Action::Join),
        // A new conversation counts where it is made.
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
        | Command::Help => None,
    }
}

fn go(room: RoomId) -> CommandResult {
    CommandResult::Go(to_room(room))
}

fn say(lines: Vec<String>) -> CommandResult {
    CommandResult::Say(said(lines))
}

fn said(lines: Vec<String>) -> CommandReply {
    CommandReply { status: StatusCode::OK, lines, as_text: false }
}

fn refusal(lines: Vec<String>) -> CommandReply {
    CommandReply { status: StatusCode::UNPROCESSABLE_ENTITY, lines, as_text: false }
}
