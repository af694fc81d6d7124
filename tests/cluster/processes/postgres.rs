//! A `PostgreSQL` server on a socket of its own, and standbys of it. They sync to disk.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use super::Service;
use super::programs::{children, command, end, unprivileged_user};
use crate::wait::eventually;

pub struct Postgres {
    /// Not in TMPDIR, because the path of a Unix socket must be short.
    folder: TempDir,
    user: Option<(u32, u32)>,
    server: Option<Child>,
}

impl Postgres {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("patio-").tempdir_in("/tmp").expect("a place");
        let user = unprivileged_user();
        if let Some((user, group)) = user {
            chown(folder.path(), Some(user), Some(group)).expect("given away");
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).expect("closed");
        Self { folder, user, server: None }
    }

    pub async fn primary() -> Self {
        let mut primary = Self::new();
        let init = ["--username=patio", "--auth=trust", "--encoding=UTF8", "--locale=C"];
        primary.run("initdb", &[&init[..], &["--no-sync", "--pgdata", "data"]].concat());
        primary.until_open().await;
        primary
    }

    /// A streaming standby of this server. A synchronous one has each message before it is acknowledged.
    pub async fn standby(&self, is_synchronous: bool) -> Self {
        let mut standby = Self::new();
        let primary =
            format!("host={} user=patio application_name=standby", self.folder.path().display());
        let copy = ["-D", "data", "-R", "-X", "stream", "-c", "fast", "--no-sync"];
        standby.run("pg_basebackup", &[&copy[..], &["-d", &primary]].concat());
        standby.until_open().await;
        let mut database = self.connect().await.expect("the primary is there");
        if is_synchronous {
            for setting in [
                "alter system set synchronous_standby_names = 'standby'",
                "select pg_reload_conf()",
            ] {
                sqlx::query(setting).execute(&mut database).await.expect("set");
            }
        }
        let state = if is_synchronous { "sync" } else { "async" };
        eventually("the standby streams", async || {
            let found: Option<String> = sqlx::query_scalar(
                "select sync_state from pg_stat_replication where state = 'streaming'",
            )
            .fetch_optional(&mut database)
            .await
            .expect("an answer");
            found.as_deref() == Some(state)
        })
        .await;
        standby
    }

    pub fn service(&self) -> Service {
        Service::Socket(self.socket())
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join(".s.PGSQL.5432")
    }

    pub async fn connect(&self) -> sqlx::Result<PgConnection> {
        let folder = self.folder.path().display();
        PgConnection::connect(&format!("postgres:///postgres?host={folder}&user=patio")).await
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = command(program, self.user, self.folder.path());
        let output = command.args(arguments).output().expect(program);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program}: {error}");
    }

    fn serve(&mut self) {
        let folder = self.folder.path();
        let mut server = command("postgres", self.user, folder);
        server.arg("-D").arg(folder.join("data")).args(["-c", "listen_addresses="]);
        server.arg("-c").arg(format!("unix_socket_directories={}", folder.display()));
        server.args(["-c", "shared_buffers=64MB", "-c", "max_connections=100"]);
        let log = fs::File::create(folder.join("log")).expect("a log");
        server.stdout(Stdio::null()).stderr(log);
        self.server = Some(server.spawn().expect("postgres"));
    }

    /// Waits until the server accepts connections, and starts it if it has exited.
    pub async fn until_open(&mut self) {
        eventually("PostgreSQL accepts connections", async || {
            if self.connect().await.is_ok() {
                return true;
            }
            // The next server exits while the shared memory of a killed one still exists.
            let runs =
                self.server.as_mut().is_some_and(|it| it.try_wait().expect("a child").is_none());
            if !runs {
                self.serve();
            }
            false
        })
        .await;
    }

    /// Kills the server and its child processes, as the OOM killer does.
    pub fn kill(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        // First the server, or it would start others.
        let all = children(server.id());
        end(server.id());
        all.into_iter().for_each(end);
        server.wait().expect("ended");
    }

    /// Stops as an administrator does who does not wait for clients, and starts again.
    pub async fn restart(&mut self) {
        if let Some(mut server) = self.server.take() {
            signal(server.id(), Signal::INT);
            eventually("PostgreSQL stops", async || server.try_wait().expect("a child").is_some())
                .await;
        }
        self.until_open().await;
    }

    pub fn promote(&self) {
        self.run("pg_ctl", &["promote", "-D", "data", "-w"]);
    }

    /// The processes of a standby that receive from its primary.
    pub fn receivers(&self) -> Vec<u32> {
        let server = self.server.as_ref().expect("it runs").id();
        let is_receiver = |process: &u32| {
            let title = fs::read_to_string(format!("/proc/{process}/cmdline"));
            title.is_ok_and(|title| title.contains("walreceiver"))
        };
        children(server).into_iter().filter(is_receiver).collect()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

pub fn signal(process: u32, signal: Signal) {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw).expect("a process");
    // It may have exited already.
    kill_process(process, signal).ok();
}
