//! A `PostgreSQL` server for a single test. It syncs to disk and can be killed and restarted.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Child, Stdio};

use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use super::programs::{children, command, end, unprivileged_user};
use crate::support::eventually;

pub struct Cluster {
    /// Not in TMPDIR, because the path of a Unix socket must be short.
    folder: TempDir,
    user: Option<(u32, u32)>,
    server: Child,
}

impl Cluster {
    pub async fn new() -> Self {
        let folder =
            tempfile::Builder::new().prefix("patio-").tempdir_in("/tmp").expect("a folder");
        let user = unprivileged_user();
        if let Some((user, group)) = user {
            chown(folder.path(), Some(user), Some(group)).expect("given away");
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).expect("closed");
        let data = folder.path().join("data");
        let mut init = command("initdb", user, folder.path());
        init.args(["--username=patio", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
        init.arg("--no-sync").arg("--pgdata").arg(&data).stdout(Stdio::null());
        assert!(init.status().expect("initdb").success());
        let server = serve(user, folder.path());
        let mut cluster = Self { folder, user, server };
        cluster.until_open().await;
        cluster
    }

    pub fn url(&self) -> String {
        format!("postgres:///postgres?host={}&user=patio", self.folder.path().display())
    }

    /// Kills the server and its child processes, as the OOM killer does.
    pub fn kill(&mut self) {
        let server = self.server.id();
        children(server).into_iter().for_each(end);
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
                self.server = serve(self.user, self.folder.path());
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

fn serve(user: Option<(u32, u32)>, folder: &Path) -> Child {
    let mut server = command("postgres", user, folder);
    server.arg("-D").arg(folder.join("data")).args(["-c", "listen_addresses="]);
    server.arg("-c").arg(format!("unix_socket_directories={}", folder.display()));
    server.args(["-c", "shared_buffers=32MB", "-c", "max_connections=40"]);
    server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("postgres")
}
