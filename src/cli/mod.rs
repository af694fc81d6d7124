//! The command line. Exit codes: 0 success, 1 failure, 2 wrong usage. A failure prints one line to
//! standard error with the next step.

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
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::{Address, WrongSetting};
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
    /// Migrates the database, then runs the server. The default.
    Serve(Box<serve::Serve>),
    /// Runs a throw-away server with sample users, rooms and messages.
    Demo(demo::Demo),
    /// Exits with 0 if the server on this host answers `/up`.
    Healthcheck(Address),
    /// Adds and lists users, changes roles, closes accounts, resets passwords.
    User(user::UserCommand),
    /// Writes everything into one archive, while the server runs.
    Backup(backup::Backup),
    /// Checks that a backup can be restored, or the files of this installation.
    Verify(verify::Verify),
    /// Restores a backup into the data directory; the server must be stopped.
    Restore(restore::Restore),
    /// Writes all data as JSON Lines and as web pages.
    Export(export::Export),
    /// Imports an export into an empty installation.
    Import(import::Import),
    /// Decodes a picture from standard input. The server starts this command for each picture.
    #[command(hide = true)]
    EncodeImage { rendition: Rendition },
    /// Removes the metadata of a file. The server starts this command for each file that it receives.
    #[command(hide = true)]
    InspectFile { file: PathBuf, cleaned: PathBuf },
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
        Some(Command::Backup(arguments)) => backup::run(arguments),
        Some(Command::Verify(arguments)) => verify::run(&arguments),
        Some(Command::Restore(arguments)) => restore::run(&arguments),
        Some(Command::Export(arguments)) => export::run(&arguments),
        Some(Command::Import(arguments)) => import::run(&arguments),
        Some(Command::EncodeImage { rendition }) => {
            return ExitCode::from(media::run_child(rendition));
        }
        Some(Command::InspectFile { file, cleaned }) => {
            return ExitCode::from(media::run_inspection(&file, &cleaned));
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&format!("{error:#}"));
            ExitCode::from(if error.is::<WrongSetting>() { 2 } else { 1 })
        }
    }
}

/// Runs a task that works on the data directory.
fn in_runtime(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    // New files are only readable by the current user.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(work)
}

/// Prints one line to standard output.
fn print(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}").context("could not write to standard output")
}

#[expect(clippy::print_stderr, reason = "errors of the command line go to stderr")]
fn print_error(text: &str) {
    eprintln!("patio: {text}");
}
