//! The programs of `PostgreSQL`, and the user to run them as.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

/// Uid and gid to run as, if the test runs as root: `PostgreSQL` refuses to run as root.
pub fn unprivileged_user() -> Option<(u32, u32)> {
    rustix::process::geteuid().is_root().then(another_user)
}

pub fn command(name: &str, user: Option<(u32, u32)>, folder: &Path) -> Command {
    let mut command = Command::new(programs().join(name));
    command.current_dir(folder).env_clear();
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
    command
}

/// Kills a process without warning. It may have exited already.
pub fn end(process: u32) {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw).expect("a process");
    kill_process(process, Signal::KILL).ok();
}

pub fn children(process: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    let numbers = children.unwrap_or_default();
    numbers.split_whitespace().map(|number| number.parse().expect("a number")).collect()
}

/// The newest version in Debian's folder, otherwise an empty path, which means PATH.
fn programs() -> PathBuf {
    let folder = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = folder.map(|entry| entry.path().join("bin")).filter(|bin| bin.exists()).max();
    found.unwrap_or_default()
}

fn another_user() -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").expect("users");
    let numbers = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2).map(str::parse);
        Some((fields.next()?.ok()?, fields.next()?.ok()?))
    };
    numbers("postgres").or_else(|| numbers("nobody")).expect("an unprivileged user")
}
