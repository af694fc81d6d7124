//! `patio user`: people and their accounts, for whoever sits at the machine. Works on the database
//! itself, beside a running server; that server ends live connections of closed accounts within a
//! second.

use std::sync::Arc;

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};

use super::print;
use crate::changefeed::model::ProcessId;
use crate::chat::accounts::model::{Account, Admin, BearerSecret, Email, Handle, Role};
use crate::chat::accounts::{Accounts, AdminError, RegisterError};
use crate::chat::rooms::Rooms;
use crate::config::{BaseUrl, Signup, Storage, Switch};
use crate::data_dir::DataDir;
use crate::db::Db;
use crate::http::Language;
use crate::kernel::{Clock, FieldError, Random};
use crate::lifecycle::Lifecycle;
use crate::pubsub::Hub;
use crate::text::names::fold;

#[derive(Args)]
pub(super) struct UserCommand {
    #[command(subcommand)]
    task: Task,

    #[command(flatten)]
    storage: Storage,

    /// Public address, for links: `https://chat.example.org`.
    #[arg(long, env = "BASE_URL", global = true)]
    base_url: Option<BaseUrl>,
}

#[derive(Subcommand)]
enum Task {
    /// Adds somebody and prints a one-time link by which they choose a password.
    Add {
        /// The name to sign in with; it stays.
        name: String,
        /// Their e-mail address.
        email: String,
        /// Makes them an administrator.
        #[arg(long)]
        admin: bool,
    },
    /// Lists everybody.
    List,
    /// Makes somebody an administrator.
    Promote { name: String },
    /// Makes an administrator a member like all others.
    Demote { name: String },
    /// Closes an account; what its person wrote stays.
    Deactivate {
        name: String,
        /// Deletes all that they wrote, too. The server does it, in pieces.
        #[arg(long)]
        delete_messages: bool,
    },
    /// Opens a closed account again.
    Reactivate { name: String },
    /// Prints a one-time link by which somebody chooses a new password, good for three days.
    ResetPassword { name: String },
}

pub(super) fn run(user: UserCommand) -> anyhow::Result<()> {
    super::in_runtime(async {
        let data_dir = DataDir::lock_shared(&user.storage)?;
        let db = Db::open(user.storage.database(), data_dir.path()).await?;
        let desk = UserCommands::new(&db, user.base_url);
        let done = desk.carry_out(user.task).await;
        db.close().await;
        done
    })
}

/// What the tasks work with.
struct UserCommands {
    accounts: Accounts,
    rooms: Rooms,
    operator: Admin,
    base_url: Option<BaseUrl>,
}

impl UserCommands {
    fn new(db: &Db, base_url: Option<BaseUrl>) -> Self {
        let (clock, random) = (Clock::system(), Random::system());
        // Nobody is connected here; a server hears of it through the database.
        let bell = Hub::start(Arc::new(|_, _| bytes::Bytes::new()), &Lifecycle::new());
        let origin = ProcessId::new(&random);
        let given = (clock.clone(), random.clone());
        let policy = (Signup::Closed, Switch::Off);
        let accounts = Accounts::new(db.clone(), bell.clone(), given, origin, policy);
        let operator = accounts.operator();
        let rooms = Rooms::new(db.clone(), bell, clock, random, origin);
        Self { accounts, rooms, operator, base_url }
    }

    async fn carry_out(&self, task: Task) -> anyhow::Result<()> {
        match task {
            Task::Add { name, email, admin } => self.add(&name, &email, admin).await,
            Task::List => self.list().await,
            Task::Promote { name } => self.set_role(&name, Role::Admin).await,
            Task::Demote { name } => self.set_role(&name, Role::Member).await,
            Task::Deactivate { name, delete_messages } => {
                self.deactivate(&name, delete_messages).await
            }
            Task::Reactivate { name } => {
                let account = self.find(&name).await?;
                self.accounts.reactivate(&self.operator, account.person.id).await?;
                print(&format!("{} can sign in again", account.person.name))
            }
            Task::ResetPassword { name } => {
                let person = self.find(&name).await?.person;
                let link = self.accounts.reset_link(&self.operator, person.id).await;
                let link = link.map_err(explain)?;
                print(&self.written(&link))
            }
        }
    }

    async fn add(&self, name: &str, email: &str, admin: bool) -> anyhow::Result<()> {
        self.rooms.ensure_lobby().await?;
        let name = Handle::parse(name).map_err(complaint)?;
        let email = Email::parse(email).map_err(complaint)?;
        let added = self.accounts.add(&self.operator, &name, &email).await;
        let (person, link) = added.map_err(|error| match error {
            RegisterError::Taken(fields) => {
                fields.first().map_or_else(|| anyhow!("taken"), |invalid| complaint(*invalid))
            }
            error => error.into(),
        })?;
        if admin && person.role != Role::Admin {
            self.accounts.set_role(&self.operator, person.id, Role::Admin).await?;
        }
        print(&self.written(&link))
    }

    async fn list(&self) -> anyhow::Result<()> {
        for Account { person, email, active, .. } in self.accounts.list(&self.operator).await? {
            let state = if active { person.role.as_str() } else { "closed" };
            print(&format!("{:<24} {state:<8} {email:<32} {}", person.name, person.display_name))?;
        }
        Ok(())
    }

    async fn set_role(&self, name: &str, role: Role) -> anyhow::Result<()> {
        let person = self.find(name).await?.person;
        self.accounts.set_role(&self.operator, person.id, role).await.map_err(explain)?;
        print(&format!("{} is {} now", person.name, role.as_str()))
    }

    async fn deactivate(&self, name: &str, erase: bool) -> anyhow::Result<()> {
        let person = self.find(name).await?.person;
        self.accounts.deactivate(&self.operator, person.id, erase).await.map_err(explain)?;
        print(&format!("the account of {} is closed", person.name))
    }

    async fn find(&self, name: &str) -> anyhow::Result<Account> {
        let accounts = self.accounts.list(&self.operator).await?;
        let wanted = fold(name);
        let found = accounts.into_iter().find(|account| fold(&account.person.name) == wanted);
        found.with_context(|| format!("nobody is called {name}; patio user list shows everybody"))
    }

    /// A link as one passes it on.
    fn written(&self, link: &BearerSecret) -> String {
        let path = format!("/reset/{}", link.expose_secret());
        match &self.base_url {
            Some(url) => format!("{}{path}", url.origin()),
            None => format!("{path} (add the address of this Patio in front, or set BASE_URL)"),
        }
    }
}

fn complaint(invalid: FieldError) -> anyhow::Error {
    anyhow!("{}: {}", invalid.field, Language::English.complain(invalid))
}

fn explain(error: AdminError) -> anyhow::Error {
    match error {
        AdminError::LastAdmin => {
            anyhow!("somebody must stay administrator: promote another one first")
        }
        error @ AdminError::NoAdmin => error.into(),
        AdminError::Open => anyhow!("the account is open: close it first"),
        AdminError::Fault(fault) => fault.into(),
    }
}
