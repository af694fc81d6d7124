//! The executable, as somebody at the machine calls it.

use std::path::Path;
use std::process::{Command, Output};

use super::Storage;

/// What a command may work on.
pub trait Place {
    fn flags(&self) -> Vec<String>;
}

impl Place for Storage {
    fn flags(&self) -> Vec<String> {
        self.flags()
    }
}

/// A data directory, with the database in it.
impl Place for Path {
    fn flags(&self) -> Vec<String> {
        vec![format!("--data-dir={}", text(self))]
    }
}

/// With nothing in its environment. Blocks its thread: a server beside it needs another one, or it
/// might stand still in the middle of a write and keep everybody else out.
pub fn patio(place: &(impl Place + ?Sized), arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patio"));
    command.env_clear().args(arguments);
    // Verifying needs no place.
    if arguments.first() != Some(&"verify") {
        command.args(place.flags());
    }
    command.output().expect("it runs")
}

/// What it prints when it succeeds.
#[track_caller]
pub fn done(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// The one line that it fails with.
#[track_caller]
pub fn complaint(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).expect("text");
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}
