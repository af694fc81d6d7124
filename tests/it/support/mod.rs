//! A server to talk to, and people who do.

mod api;
pub mod bombs;
mod browser;
mod cluster;
pub mod command;
mod disk;
mod live;
mod process;
mod raw;
mod storage;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use clap::Parser;
use patio::config::Config;
use patio::http::AppState;
use patio::kernel::{Clock, Random, Timestamp};
use patio::lifecycle::Lifecycle;
use tokio::task::JoinHandle;

pub use api::Api;
pub use browser::{Browser, Page};
pub use cluster::Cluster;
pub use disk::{Dice, Disk, Syncs, cut_power};
pub use live::Live;
pub use process::Process;
pub use raw::Raw;
pub use storage::{Storage, execute, numbers, try_execute};

pub const PASSWORD: &str = "correcto-caballo-42-grapa";

/// 2026-11-21 10:00 UTC.
const START: i64 = 1_795_255_200_000;

/// A running server. Its clock stands still unless a test moves it.
pub struct Server {
    pub address: SocketAddr,
    now: Arc<AtomicI64>,
    lifecycle: Lifecycle,
    site: AppState,
    running: Option<JoinHandle<()>>,
    storage: Arc<Storage>,
}

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    config: Config,
}

#[expect(clippy::disallowed_methods, reason = "the server runs beside its test")]
fn run(app: patio::server::Server) -> JoinHandle<()> {
    tokio::spawn(app.run())
}

impl Server {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With more flags, such as `--signup=closed`.
    pub async fn with(flags: &[&str]) -> Self {
        let now = Arc::new(AtomicI64::new(START));
        Self::start_on(Arc::new(Storage::new().await), now, flags).await
    }

    /// With another program in place of the one that decodes pictures.
    pub async fn decoding_with(program: PathBuf) -> Self {
        let now = Arc::new(AtomicI64::new(START));
        let storage = Arc::new(Storage::new().await);
        Self::start_with(storage, now, &[], program).await
    }

    /// On what is there already.
    pub async fn kept_in(storage: Storage) -> Self {
        Self::start_on(Arc::new(storage), Arc::new(AtomicI64::new(START)), &[]).await
    }

    /// On a directory that another server has left behind.
    pub async fn on(directory: tempfile::TempDir) -> Self {
        Self::kept_in(Storage::left_in(directory)).await
    }

    async fn start_on(storage: Arc<Storage>, now: Arc<AtomicI64>, flags: &[&str]) -> Self {
        Self::start_with(storage, now, flags, env!("CARGO_BIN_EXE_patio").into()).await
    }

    async fn start_with(
        storage: Arc<Storage>,
        now: Arc<AtomicI64>,
        flags: &[&str],
        decoder: PathBuf,
    ) -> Self {
        let kept = storage.flags();
        let fixed = ["patio", "--listen=127.0.0.1"].into_iter();
        let throttle = flags.iter().all(|flag| !flag.starts_with("--rate-limit"));
        let off = throttle.then_some("--rate-limit=off");
        let all = fixed.chain(kept.iter().map(String::as_str)).chain(off);
        let all = all.chain(flags.iter().copied());
        let mut config = Flags::parse_from(all).config;
        config.address.port = 0;
        config.executable = Some(decoder);
        let told = now.clone();
        let clock = Clock::from_fn(move || Timestamp(told.load(Ordering::Relaxed)));
        let app =
            patio::server::Server::build(config, clock, Random::system()).await.expect("a server");
        let address = app.address().expect("an address");
        let lifecycle = app.lifecycle();
        let site = app.site();
        Self { address, now, lifecycle, site, running: Some(run(app)), storage }
    }

    /// Its parts, for what no request can bring about in a certain order.
    pub fn site(&self) -> &AppState {
        &self.site
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn advance(&self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).expect("a time");
        self.now.fetch_add(millis, Ordering::Relaxed);
    }

    /// As when the machine's clock is corrected.
    pub fn set_back(&self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).expect("a time");
        self.now.fetch_sub(millis, Ordering::Relaxed);
    }

    /// Stops in order, and waits until everything has ended.
    pub async fn stop(&mut self) {
        self.lifecycle.stop();
        if let Some(running) = self.running.take() {
            running.await.expect("an orderly end");
        }
    }

    /// The bytes of the `SQLite` file; `None` with another database. Complete after a stop.
    pub fn database_file(&self) -> Option<Vec<u8>> {
        self.storage.database_file()
    }

    /// The same directory, database and clock, served anew.
    pub async fn restart(mut self) -> Self {
        self.stop().await;
        self.beside().await
    }

    /// A second server on the same directory, database and clock.
    pub async fn beside(&self) -> Self {
        Self::start_on(self.storage.clone(), self.now.clone(), &[]).await
    }

    /// Its directory.
    pub fn data(&self) -> &std::path::Path {
        self.storage.directory()
    }

    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// A browser without scripts that nobody has signed in with.
    pub fn browser(&self) -> Browser {
        Browser::new(self.url(""))
    }

    /// Somebody with an account, in a browser.
    pub async fn person(&self, name: &str) -> Browser {
        let mut browser = self.browser();
        let page = browser.register(name).await;
        assert_eq!(page.status, 200, "{name} can register");
        browser
    }

    /// Somebody with an account and a token.
    pub async fn api(&self, name: &str) -> Api {
        Api::with_account(self.url("/api/v1"), name).await
    }
}
