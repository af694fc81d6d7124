//! A node: one process of Patio.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use super::postgres::signal;
use super::{Link, Service, free_port};
use crate::wait::eventually;

pub struct Node {
    pub number: usize,
    port: u16,
    data: TempDir,
    process: Option<Child>,
    /// What this node has more in its environment: another clock or release.
    pub environment: Vec<(&'static str, String)>,
    pub clients: Link,
    pub database: Link,
    pub bus: Vec<Link>,
    files: PathBuf,
}

/// The executable: the one that was built with the tests, unless another one is to be measured.
pub fn executable() -> PathBuf {
    std::env::var_os("PATIO_BIN").map_or_else(|| env!("CARGO_BIN_EXE_patio").into(), PathBuf::from)
}

/// Whether the executable knows a setting.
pub fn knows(setting: &str) -> bool {
    let help = Command::new(executable()).env_clear().arg("--help").output().expect("it runs");
    String::from_utf8_lossy(&help.stdout).contains(setting)
}

/// The library that gives a process another clock.
pub fn another_clock() -> Option<PathBuf> {
    let folders =
        ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib", "/usr/lib64"];
    let mut paths = folders.iter().map(|it| PathBuf::from(it).join("faketime/libfaketimeMT.so.1"));
    paths.find(|path| path.exists())
}

impl Node {
    pub async fn new(number: usize, database: Service, bus: &[Service], files: PathBuf) -> Self {
        let port = free_port();
        let mut links = Vec::new();
        for service in bus {
            links.push(Link::to(service.clone()).await);
        }
        Self {
            number,
            port,
            data: tempfile::tempdir().expect("a folder"),
            process: None,
            environment: Vec::new(),
            clients: Link::to(Service::Port(port)).await,
            database: Link::to(database).await,
            bus: links,
            files,
        }
    }

    pub fn start(&mut self) {
        let log = fs::File::options().create(true).append(true).open(self.log()).expect("a log");
        let mut command = Command::new(executable());
        command
            .env_clear()
            .env("PORT", self.port.to_string())
            .env("LISTEN", "127.0.0.1")
            .env("DATA_DIR", self.data.path())
            .env(
                "DATABASE_URL",
                format!("postgres://patio@127.0.0.1:{}/postgres", self.database.port),
            )
            .env("STORAGE_URL", format!("file://{}?shared=1", self.files.display()))
            .env("RATE_LIMIT", "off")
            .env("LINK_PREVIEWS", "off")
            .env("LOG_FORMAT", "text");
        if !self.bus.is_empty() {
            let urls: Vec<String> =
                self.bus.iter().map(|link| format!("nats://127.0.0.1:{}", link.port)).collect();
            command
                .env("NATS_URL", urls.join(","))
                .env("NODE_NAME", format!("node{}", self.number));
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        self.process = Some(
            command.stdout(log.try_clone().expect("a log")).stderr(log).spawn().expect("it starts"),
        );
    }

    /// Starts with a clock that is wrong by this many seconds.
    pub fn skew(&mut self, seconds: i64) {
        let library = another_clock().expect("libfaketime");
        self.environment = vec![
            ("LD_PRELOAD", library.display().to_string()),
            ("FAKETIME", format!("{seconds:+}s")),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ];
    }

    pub fn log(&self) -> PathBuf {
        self.data.path().join("log")
    }

    /// Where it answers, past its link.
    pub fn direct(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where clients reach it.
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.clients.port)
    }

    pub async fn until_ready(&mut self) {
        let ready = format!("{}/ready", self.direct());
        let http =
            reqwest::Client::builder().timeout(Duration::from_secs(2)).build().expect("a client");
        eventually("a node is ready", async || {
            let exited = self.process.as_mut().and_then(|it| it.try_wait().expect("a child"));
            assert!(exited.is_none(), "{}", fs::read_to_string(self.log()).unwrap_or_default());
            http.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
    }

    fn send(&self, what: Signal) {
        signal(self.process.as_ref().expect("it runs").id(), what);
    }

    pub fn pause(&self) {
        self.send(Signal::STOP);
    }

    pub fn resume(&self) {
        self.send(Signal::CONT);
    }

    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have exited already.
            drop(process.kill());
            drop(process.wait());
        }
    }

    /// Asks it to stop, and waits until it has.
    pub async fn stop(&mut self) {
        self.send(Signal::TERM);
        let mut process = self.process.take().expect("it runs");
        eventually("the node stops", async || process.try_wait().expect("a child").is_some()).await;
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}
