//! Runs the executable's commands.

use std::path::Path;
use std::process::{Command, Output};

use super::Storage;

/// The data that a command works on.
pub trait Target {
    fn flags(&self) -> Vec<String>;
}

impl Target for Storage {
    fn flags(&self) -> Vec<String> {
        self.flags()
    }
}

/// A data directory that contains its database.
impl Target for Path {
    fn flags(&self) -> Vec<String> {
        vec![format!("--data-dir={}", text(self))]
    }
}

/// Runs a command with an empty environment. It blocks its thread: a server in the same test needs
/// another thread, or it might stop in the middle of a write and hold the write lock.
pub fn patio(target: &(impl Target + ?Sized), arguments: &[&str]) -> Output {
    run(target, arguments, &[])
}

/// The same with a later version, which has one more migration.
pub fn later_patio(target: &(impl Target + ?Sized), arguments: &[&str]) -> Output {
    run(target, arguments, &[("TEST_MIGRATION", "1")])
}

fn run(
    target: &(impl Target + ?Sized),
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patio"));
    command.env_clear().envs(environment.iter().copied()).args(arguments);
    // A backup is verified without a target.
    let is_of_backup = arguments.first() == Some(&"verify")
        && arguments.get(1).is_some_and(|argument| !argument.starts_with('-'));
    if !is_of_backup {
        command.args(target.flags());
    }
    command.output().expect("it runs")
}

/// The standard output of a command that must succeed.
#[track_caller]
pub fn success(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// The error line of a command that must fail with exit code 1.
#[track_caller]
pub fn failure(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).expect("text");
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}
