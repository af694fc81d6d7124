//! The command line. Exit codes: 0 done, 1 failed, 2 wrong usage; a failure is one line on
//! standard error that says what to do.

mod backup;
mod demo;
mod export;
mod healthcheck;
mod import;
mod memory;
mod restore;
mod serve;
mod usage;
mod user;
mod verify;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::Address;
use crate::media::{self, Rendition};

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
    Serve(Box<serve::Serve>),
    /// Runs a server with sample people, rooms and history, and keeps nothing of it: to try Patio.
    Demo(demo::Demo),
    /// Exits with 0 if the server on this host answers `/up`.
    Healthcheck(Address),
    /// Adds and lists people, changes their roles, closes accounts, resets passwords.
    User(user::UserCommand),
    /// Writes everything into one archive, while the server runs.
    Backup(backup::Backup),
    /// Proves that a backup can be restored.
    Verify(verify::Verify),
    /// Puts a backup into the data directory, while no server runs on it.
    Restore(restore::Restore),
    /// Writes everything as JSON Lines, and as pages that open in a browser.
    Export(export::Export),
    /// Reads what `patio export` wrote into an empty installation.
    Import(import::Import),
    /// Decodes a picture on standard input; the server starts it for each.
    #[command(hide = true)]
    EncodeImage { rendition: Rendition },
}

pub fn main() -> ExitCode {
    memory::tune_allocator();
    let matches = usage::without_empty_variables(Cli::command()).try_get_matches();
    let cli = match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return usage::explain::<Cli>(&error),
    };
    let done = match cli.command {
        None => serve::run(cli.serve),
        Some(Command::Serve(serve)) => serve::run(*serve),
        Some(Command::Demo(demo)) => demo::run(&demo),
        Some(Command::Healthcheck(address)) => healthcheck::run(&address),
        Some(Command::User(user)) => user::run(user),
        Some(Command::Backup(asked)) => backup::run(asked),
        Some(Command::Verify(asked)) => verify::run(&asked),
        Some(Command::Restore(asked)) => restore::run(&asked),
        Some(Command::Export(asked)) => export::run(&asked),
        Some(Command::Import(asked)) => import::run(&asked),
        Some(Command::EncodeImage { rendition }) => {
            return ExitCode::from(media::run_child(rendition));
        }
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

/// One line on standard output.
fn print(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}").context("the answer could not be written")
}

#[expect(clippy::print_stderr, reason = "a command line's complaints go there")]
fn complain(text: &str) {
    eprintln!("patio: {text}");
}
