//! NATS servers, alone or as a cluster, with the settings that the documentation asks for.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio::net::TcpStream;

use super::{Service, free_port};
use crate::wait::eventually;

pub struct Nats {
    folder: TempDir,
    port: u16,
    server: Option<Child>,
}

/// The program: `script/cluster` says where it is.
fn program() -> OsString {
    std::env::var_os("NATS_SERVER").unwrap_or_else(|| "nats-server".into())
}

/// Its version, if there is one.
pub fn version() -> Option<String> {
    let output = Command::new(program()).arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

impl Nats {
    pub async fn start(count: usize) -> Vec<Self> {
        let routes: Vec<u16> = (0..count).map(|_| free_port()).collect();
        let mut all = Vec::new();
        for route in &routes {
            let folder = tempfile::tempdir().expect("a folder");
            let port = free_port();
            let mut settings = format!(
                "listen: 127.0.0.1:{port}\nmax_payload: 256KB\nwrite_deadline: \"2s\"\nmax_pending: 16MB\n\
                 no_fast_producer_stall: true\nping_interval: \"10s\"\nping_max: 2\n"
            );
            if count > 1 {
                let others: Vec<String> =
                    routes.iter().map(|route| format!("nats://127.0.0.1:{route}")).collect();
                // Clients must not find ways past their links.
                write!(
                    settings,
                    "server_name: n{route}\ncluster {{ name: patio, listen: 127.0.0.1:{route}, \
                     no_advertise: true, routes: {others:?} }}\n"
                )
                .expect("written");
            }
            fs::write(folder.path().join("nats.conf"), settings).expect("written");
            let mut nats = Self { folder, port, server: None };
            nats.serve().await;
            all.push(nats);
        }
        all
    }

    pub fn service(&self) -> Service {
        Service::Port(self.port)
    }

    /// Starts it, unless it runs.
    pub async fn serve(&mut self) {
        if self.server.is_some() {
            return;
        }
        let settings = self.folder.path().join("nats.conf");
        let log = fs::File::create(self.folder.path().join("log")).expect("a log");
        let mut server = Command::new(program());
        server.arg("-c").arg(settings).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.server = Some(server.spawn().expect("nats-server"));
        let port = self.port;
        eventually("NATS accepts connections", async || {
            TcpStream::connect(("127.0.0.1", port)).await.is_ok()
        })
        .await;
    }

    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            // It may have exited already.
            drop(server.kill());
            drop(server.wait());
        }
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.kill();
    }
}
