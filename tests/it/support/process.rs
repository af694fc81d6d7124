//! A server as a separate process. It can be killed, and its files can be on a [`Disk`].
//!
//! [`Disk`]: super::Disk

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use super::{Api, TIMEOUT};

pub struct Process {
    child: Child,
    port: u16,
    /// Collects the log lines after startup.
    log: Receiver<String>,
}

impl Process {
    /// Starts a server and waits until it accepts connections.
    pub fn start(data: &Path, environment: &[(&'static str, PathBuf)]) -> Self {
        Self::start_by(Command::new(env!("CARGO_BIN_EXE_patio")), data, environment)
    }

    /// Starts a server under a limit that the shell's `ulimit` sets.
    pub fn start_under(ulimit: &str, data: &Path) -> Self {
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(format!("{ulimit} && exec \"$0\""));
        shell.arg(env!("CARGO_BIN_EXE_patio"));
        Self::start_by(shell, data, &[])
    }

    fn start_by(
        mut command: Command,
        data: &Path,
        environment: &[(&'static str, PathBuf)],
    ) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let mut child = command
            .env_clear()
            .env("DATA_DIR", data)
            .env("PORT", port.to_string())
            .env("LISTEN", "127.0.0.1")
            .env("RATE_LIMIT", "off")
            .env("LINK_PREVIEWS", "off")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let lines = BufReader::new(child.stderr.take().expect("a log")).lines();
        let (sender, log) = channel();
        // Something has to read the log: a full pipe would block the server.
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| drop(sender.send(line)));
        });
        let mut seen = Vec::new();
        loop {
            let line = log.recv_timeout(TIMEOUT).unwrap_or_else(|_| panic!("{seen:?}"));
            if line.contains("Patio is running") {
                break;
            }
            seen.push(line);
        }
        Self { child, port, log }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn address(&self) -> std::net::SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    pub fn base(&self) -> String {
        format!("{}/api/v1", self.origin())
    }

    pub async fn api(&self, name: &str) -> Api {
        Api::with_account(self.base(), name).await
    }

    /// Kills the server without warning, as the OOM killer does.
    pub fn kill(self) {
        drop(self);
    }

    /// Kills the server and returns its log lines since startup.
    pub fn log(mut self) -> Vec<String> {
        drop(self.child.kill());
        std::mem::replace(&mut self.log, channel().1).iter().collect()
    }

    /// Waits for the process to exit and returns its exit code.
    pub fn ended(mut self) -> Option<i32> {
        self.child.wait().expect("ended").code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have exited already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
