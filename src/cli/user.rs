//! `patio user`: user administration for the operator of the machine. It works on the database
//! while the server runs. The server closes live connections of closed accounts within a second.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};

use super::print;
use crate::changefeed::model::ProcessId;
use crate::chat::accounts::model::{Account, Admin, BearerSecret, Email, Handle, Role};
use crate::chat::accounts::{AccountSettings, Accounts, AdminError, RegisterError};
use crate::chat::doorbell::Doorbell;
use crate::chat::rooms::Rooms;
use crate::config::{BaseUrl, PasswordCost, Signup, Storage, Switch};
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
    /// Adds a user and prints a one-time link for choosing a password.
    Add {
        /// The name to sign in with. It cannot be changed.
        name: String,
        /// The user's e-mail address.
        email: String,
        /// Makes the user an administrator.
        #[arg(long)]
        admin: bool,
    },
    /// Lists all users.
    List,
    /// Makes a user an administrator.
    Promote { name: String },
    /// Makes an administrator a member again.
    Demote { name: String },
    /// Closes an account. Its messages stay.
    Deactivate {
        name: String,
        /// Also deletes everything the user wrote. The server does it in the background.
        #[arg(long)]
        delete_messages: bool,
    },
    /// Reopens a closed account.
    Reactivate { name: String },
    /// Prints a one-time link for choosing a new password, valid for three days.
    ResetPassword { name: String },
}

pub(super) fn run(user: UserCommand) -> anyhow::Result<()> {
    super::in_runtime(async {
        let data_dir = DataDir::lock_shared(&user.storage)?;
        let db = Db::open(user.storage.database(), data_dir.path()).await?;
        let commands = UserCommands::new(&db, user.base_url);
        let done = commands.execute(user.task).await;
        db.close().await;
        done
    })
}

/// The services that the tasks use.
struct UserCommands {
    accounts: Accounts,
    rooms: Rooms,
    operator: Admin,
    base_url: Option<BaseUrl>,
}

impl UserCommands {
    fn new(db: &Db, base_url: Option<BaseUrl>) -> Self {
        let clock = Clock::system();
        let random = Random::system();
        // This process has no live connections, so nothing is encoded. The server reads the changes
        // from the database.
        let hub =
            Hub::start(Arc::new(|_, _| bytes::Bytes::new()), Duration::ZERO, &Lifecycle::new());
        let origin = ProcessId::new(&random);
        let accounts = Accounts::new(
            db.clone(),
            hub.clone(),
            clock.clone(),
            random.clone(),
            origin,
            AccountSettings {
                signup: Signup::Closed,
                rate_limit: Switch::Off,
                password_cost: PasswordCost::Full,
            },
        );
        let operator = accounts.operator();
        let doorbell = Doorbell::default();
        let rooms = Rooms::new(db.clone(), hub, clock, random, origin, doorbell);
        Self { accounts, rooms, operator, base_url }
    }

    async fn execute(&self, task: Task) -> anyhow::Result<()> {
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
                self.accounts.reactivate(&self.operator, account.user.id).await?;
                print(&format!("{} can sign in again", account.user.name))
            }
            Task::ResetPassword { name } => {
                let user = self.find(&name).await?.user;
                let link = self.accounts.reset_link(&self.operator, user.id).await;
                let link = link.map_err(explain)?;
                print(&self.format_link(&link))
            }
        }
    }

    async fn add(&self, name: &str, email: &str, admin: bool) -> anyhow::Result<()> {
        self.rooms.ensure_lobby().await?;
        let name = Handle::parse(name).map_err(field_error)?;
        let email = Email::parse(email).map_err(field_error)?;
        let added = self.accounts.add(&self.operator, &name, &email).await;
        let (user, link) = added.map_err(|error| match error {
            RegisterError::Taken(fields) => {
                fields.first().map_or_else(|| anyhow!("taken"), |error| field_error(*error))
            }
            error => error.into(),
        })?;
        if admin && user.role != Role::Admin {
            self.accounts.set_role(&self.operator, user.id, Role::Admin).await?;
        }
        print(&self.format_link(&link))
    }

    async fn list(&self) -> anyhow::Result<()> {
        for Account { user, email, active, .. } in self.accounts.list(&self.operator).await? {
            let state = if active { user.role.as_str() } else { "closed" };
            print(&format!("{:<24} {state:<8} {email:<32} {}", user.name, user.display_name))?;
        }
        Ok(())
    }

    async fn set_role(&self, name: &str, role: Role) -> anyhow::Result<()> {
        let user = self.find(name).await?.user;
        self.accounts.set_role(&self.operator, user.id, role).await.map_err(explain)?;
        print(&format!("{} is now {}", user.name, role.as_str()))
    }

    async fn deactivate(&self, name: &str, erase: bool) -> anyhow::Result<()> {
        let user = self.find(name).await?.user;
        self.accounts.deactivate(&self.operator, user.id, erase).await.map_err(explain)?;
        print(&format!("the account of {} is closed", user.name))
    }

    async fn find(&self, name: &str) -> anyhow::Result<Account> {
        let accounts = self.accounts.list(&self.operator).await?;
        let normalized = fold(name);
        let found = accounts.into_iter().find(|account| fold(&account.user.name) == normalized);
        found.with_context(|| format!("there is no user {name}; patio user list shows all users"))
    }

    /// The link in the form in which the operator passes it to the user.
    fn format_link(&self, link: &BearerSecret) -> String {
        let path = format!("/reset/{}", link.expose_secret());
        match &self.base_url {
            Some(url) => format!("{}{path}", url.origin()),
            None => format!("{path} (put the address of your Patio in front, or set BASE_URL)"),
        }
    }
}

fn field_error(error: FieldError) -> anyhow::Error {
    anyhow!("{}: {}", error.field, Language::English.error_text(error))
}

fn explain(error: AdminError) -> anyhow::Error {
    match error {
        AdminError::LastAdmin => {
            anyhow!("there must be an administrator: promote another user first")
        }
        error @ AdminError::NoAdmin => error.into(),
        AdminError::Open => anyhow!("the account is open: close it first"),
        AdminError::Service(error) => error.into(),
    }
}
