//! A `PostgreSQL` server for a single test. It syncs to disk and can be killed and restarted.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use crate::support::eventually;

pub struct Cluster {
    /// Not in TMPDIR, because the path of a Unix socket must be short.
    folder: TempDir,
    programs: PathBuf,
    /// Uid and gid to run as, if the test runs as root: `PostgreSQL` refuses to run as root.
    user: Option<(u32, u32)>,
    server: Child,
}

impl Cluster {
    pub async fn new() -> Self {
        let folder =
            tempfile::Builder::new().prefix("patio-").tempdir_in("/tmp").expect("a folder");
        let user = rustix::process::geteuid().is_root().then(another_user);
        if let Some((user, group)) = user {
            chown(folder.path(), Some(user), Some(group)).expect("given away");
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).expect("closed");
        let programs = programs();
        let data = folder.path().join("data");
        let mut init = command(&programs.join("initdb"), user, folder.path());
        init.args(["--username=patio", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
        init.arg("--no-sync").arg("--pgdata").arg(&data).stdout(Stdio::null());
        assert!(init.status().expect("initdb").success());
        let server = serve(&programs, user, folder.path());
        let mut cluster = Self { folder, programs, user, server };
        cluster.until_open().await;
        cluster
    }

    pub fn url(&self) -> String {
        format!("postgres:///postgres?host={}&user=patio", self.folder.path().display())
    }

    /// Kills the server and its child processes, as the OOM killer does.
    pub fn kill(&mut self) {
        let server = self.server.id();
        let children = fs::read_to_string(format!("/proc/{server}/task/{server}/children"));
        for child in children.unwrap_or_default().split_whitespace() {
            end(child.parse().expect("a number"));
        }
        end(server);
        self.server.wait().expect("ended");
    }

    /// Waits until the server accepts connections, and restarts it if it has exited.
    pub async fn until_open(&mut self) {
        let url = self.url();
        let is_open = async || {
            let Err(error) = PgConnection::connect(&url).await else { return true };
            let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
            assert!(code.is_none_or(|code| code == "57P03"), "{error}");
            // The next server exits while the shared memory of the killed one still exists.
            if self.server.try_wait().expect("a child process").is_some() {
                self.server = serve(&self.programs, self.user, self.folder.path());
            }
            false
        };
        eventually("PostgreSQL accepts connections", is_open).await;
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // It may have exited already.
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

fn end(process: u32) {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw).expect("a process");
    // It may have exited already.
    kill_process(process, Signal::KILL).ok();
}

fn serve(programs: &Path, user: Option<(u32, u32)>, folder: &Path) -> Child {
    let mut server = command(&programs.join("postgres"), user, folder);
    server.arg("-D").arg(folder.join("data")).args(["-c", "listen_addresses="]);
    server.arg("-c").arg(format!("unix_socket_directories={}", folder.display()));
    server.args(["-c", "shared_buffers=32MB", "-c", "max_connections=40"]);
    server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("postgres")
}

fn command(program: &Path, user: Option<(u32, u32)>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env_clear();
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
    command
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
