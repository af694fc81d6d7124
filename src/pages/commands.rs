//! Commands carried out: what each does, and what it says to the one who gave it.

use axum::http::StatusCode;
use axum::response::Response;

use super::directory::{Facts, to_room};
use super::joining::{self, Wanted};
use super::messages::{PostForm, post_message};
use super::rooms::Answer;
use crate::chat::accounts::model::Person;
use crate::chat::commands::{COMMANDS, Command, nearest};
use crate::chat::messages::WriteError;
use crate::chat::messages::model::Kind;
use crate::chat::rooms::model::{Member, NewRoom, Reader, Room, RoomChange, RoomTopic, Visibility};
use crate::chat::rooms::{AccessError, RoomError};
use crate::http::rate_limit::{Action, open_direct};
use crate::http::{Language, Problem, Site};
use crate::kernel::RoomId;

/// What comes of a command.
pub(super) enum Outcome {
    /// Another page, or this one again.
    Go(Response),
    Say(Answer),
    /// The sign-in shall end.
    SignOut,
}

/// Who gave a command, and where.
pub(super) struct Desk<'a> {
    pub site: &'a Site,
    /// The room that is open before them.
    pub reader: &'a Reader,
    pub t: Language,
}

impl Desk<'_> {
    fn me(&self) -> &Person {
        self.reader.person()
    }

    fn room(&self) -> RoomId {
        self.reader.room().id
    }

    pub async fn carry_out(&self, command: Command) -> Result<Outcome, Problem> {
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
            Command::Exit => Ok(Outcome::SignOut),
            Command::Topic(topic) => self.topic(&topic).await,
            Command::Invite(name) => self.invite(&name).await,
            Command::Kick(name) => self.kick(&name).await,
            Command::Me(text) => self.act(text).await,
            Command::Help => Ok(Outcome::Say(self.help())),
        }
    }

    /// The answer to a command that is none.
    pub fn unknown(&self, name: &str, nearest: &[&str]) -> Answer {
        let mut lines = vec![self.t.name("command-unknown", name)];
        if nearest.is_empty() {
            lines.push(self.t.say("command-see-help").to_owned());
        } else {
            lines.push(self.t.name("did-you-mean", nearest.join(", ")));
        }
        Answer { status: StatusCode::UNPROCESSABLE_ENTITY, lines }
    }

    async fn create(&self, name: &str) -> Result<Outcome, Problem> {
        let new = match NewRoom::parse(name, "", Visibility::Public.as_str()) {
            Ok(new) => new,
            Err(problems) => return Ok(self.refuse(problems[0].reason)),
        };
        match self.site.rooms.create(self.me(), &new).await {
            Ok(member) => Ok(go(member.room())),
            Err(error) => self.explain(error),
        }
    }

    async fn join(&self, wanted: &str) -> Result<Outcome, Problem> {
        if wanted.is_empty() {
            return Ok(self.refuse("command-needs-room"));
        }
        match joining::join(self.site, self.me(), wanted).await? {
            Wanted::Joined(member) => Ok(go(member.room())),
            Wanted::Removed => Ok(self.removed()),
            Wanted::Near(names) => Ok(self.miss("no-such-room", wanted, &names)),
        }
    }

    async fn leave(&self) -> Result<Outcome, Problem> {
        match self.site.rooms.leave(self.reader).await {
            Ok(()) => Ok(go(self.site.rooms.lobby().await?)),
            Err(error) => self.explain(error),
        }
    }

    async fn rooms(&self) -> Result<Outcome, Problem> {
        let facts = Facts::of(self.site, self.me()).await?;
        let rooms = self.site.rooms.list(self.me()).await?;
        let shown = rooms.iter().filter(|room| room.visibility != Visibility::Direct);
        let line = |room: &Room| format!("#{} · {}", room.name, facts.tell(room, self.t));
        Ok(say(shown.map(line).collect()))
    }

    async fn users(&self) -> Result<Outcome, Problem> {
        let online = self.site.presence.online();
        let people = self.site.accounts.people().await?;
        let (here, gone): (Vec<_>, Vec<_>) =
            people.iter().partition(|person| online.contains(&person.id));
        let lines = here.iter().map(|person| (person, "online"));
        let lines = lines.chain(gone.iter().map(|person| (person, "offline")));
        let line = |(person, state): (&&Person, &str)| {
            format!("{} (@{}) · {}", person.display_name, person.name, self.t.say(state))
        };
        Ok(say(lines.map(line).collect()))
    }

    async fn private(&self, name: &str, text: String) -> Result<Outcome, Problem> {
        let Some(person) = self.site.accounts.find(name).await? else {
            return self.no_person(name).await;
        };
        if text.is_empty() {
            return Ok(self.refuse("body-empty"));
        }
        let member = open_direct(self.site, self.me(), &person).await?;
        self.post(&member, text, Kind::Text).await
    }

    async fn topic(&self, topic: &str) -> Result<Outcome, Problem> {
        let topic = match RoomTopic::parse(topic) {
            Ok(topic) => topic,
            Err(problem) => return Ok(self.refuse(problem.reason)),
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

    async fn invite(&self, name: &str) -> Result<Outcome, Problem> {
        let Some(person) = self.site.accounts.find(name).await? else {
            return self.no_person(name).await;
        };
        match self.site.rooms.invite(self.reader, &person).await {
            Ok(()) => Ok(say(vec![self.t.name("person-invited", &person.display_name)])),
            Err(error) => self.explain(error),
        }
    }

    async fn kick(&self, name: &str) -> Result<Outcome, Problem> {
        let moderator = match self.site.rooms.moderator(self.me(), self.room()).await {
            Ok(moderator) => moderator,
            Err(AccessError::Forbidden) => return Ok(self.refuse("moderators-only")),
            Err(error) => return Err(error.into()),
        };
        let Some(person) = self.site.accounts.find(name).await? else {
            return self.no_person(name).await;
        };
        match self.site.rooms.remove(&moderator, &person).await {
            Ok(()) => Ok(say(vec![self.t.name("person-removed", &person.display_name)])),
            Err(error) => self.explain(error),
        }
    }

    async fn act(&self, text: String) -> Result<Outcome, Problem> {
        if text.is_empty() {
            return Ok(self.refuse("body-empty"));
        }
        match self.site.rooms.member(self.me(), self.room()).await {
            Ok(member) => self.post(&member, text, Kind::Action).await,
            Err(AccessError::Removed) => Ok(self.removed()),
            Err(error) => Err(error.into()),
        }
    }

    async fn post(&self, member: &Member, body: String, kind: Kind) -> Result<Outcome, Problem> {
        let form = PostForm { body, ..PostForm::default() };
        match post_message(self.site, member, &form, kind).await {
            Ok(()) => Ok(go(member.room())),
            Err(WriteError::Invalid(invalid)) => Ok(self.refuse(invalid.reason)),
            Err(error) => Err(error.into()),
        }
    }

    fn help(&self) -> Answer {
        let line = |(name, takes, does): (&str, &str, &str)| {
            let takes =
                if takes.is_empty() { String::new() } else { format!(" {}", self.t.say(takes)) };
            format!("{name}{takes} · {}", self.t.say(does))
        };
        Answer { status: StatusCode::OK, lines: COMMANDS.into_iter().map(line).collect() }
    }

    async fn no_person(&self, name: &str) -> Result<Outcome, Problem> {
        let people = self.site.accounts.people().await?;
        let near = nearest(name, people.iter(), |person| &person.name);
        let names: Vec<String> = near.iter().map(|person| person.name.clone()).collect();
        Ok(self.miss("no-such-person", name, &names))
    }

    fn miss(&self, what: &str, name: &str, near: &[String]) -> Outcome {
        let mut lines = vec![self.t.name(what, name)];
        if !near.is_empty() {
            lines.push(self.t.name("did-you-mean", near.join(", ")));
        }
        Outcome::Say(Answer { status: StatusCode::UNPROCESSABLE_ENTITY, lines })
    }

    fn refuse(&self, reason: &str) -> Outcome {
        self.say(StatusCode::UNPROCESSABLE_ENTITY, reason)
    }

    /// They were removed from the room that this is about.
    fn removed(&self) -> Outcome {
        self.say(StatusCode::FORBIDDEN, "room-removed")
    }

    fn say(&self, status: StatusCode, text: &str) -> Outcome {
        Outcome::Say(Answer { status, lines: vec![self.t.say(text).to_owned()] })
    }

    fn explain(&self, error: RoomError) -> Result<Outcome, Problem> {
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

fn go(room: RoomId) -> Outcome {
    Outcome::Go(to_room(room))
}

fn say(lines: Vec<String>) -> Outcome {
    Outcome::Say(Answer { status: StatusCode::OK, lines })
}
