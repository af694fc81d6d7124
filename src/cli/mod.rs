//! The command line. Exit codes: 0 done, 1 failed, 2 wrong usage; a failure is one line on
//! standard error that says what to do.

mod demo;
mod healthcheck;
mod serve;
mod usage;
mod user;

use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::Address;

/// A team and community chat that you run yourself: one executable, one data directory.
#[derive(Parser)]
#[command(name = "patio", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    serve: serve::Serve,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the server; it migrates the database first. The default.
    Serve(serve::Serve),
    /// Runs a server with sample people, rooms and history, and keeps nothing of it: to try Patio.
    Demo(demo::Demo),
    /// Exits with 0 if the server on this host answers `/up`.
    Healthcheck(Address),
    /// Adds and lists people, changes their roles, closes accounts, resets passwords.
    User(user::User),
}

pub fn main() -> ExitCode {
    let matches = usage::without_empty_variables(Cli::command()).try_get_matches();
    let cli = match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return usage::explain::<Cli>(&error),
    };
    let done = match cli.command {
        None => serve::run(cli.serve),
        Some(Command::Serve(serve)) => serve::run(serve),
        Some(Command::Demo(demo)) => demo::run(&demo),
        Some(Command::Healthcheck(address)) => healthcheck::run(&address),
        Some(Command::User(user)) => user::run(user),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::from(1)
        }
    }
}

/// Runs what works on the data directory.
fn in_runtime(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    // What is written belongs to this user alone.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(work)
}

#[expect(clippy::print_stderr, reason = "a command line's complaints go there")]
fn complain(text: &str) {
    eprintln!("patio: {text}");
}
