//! Test support: servers, clients, storage and commands.

mod api;
pub mod bombs;
mod browser;
pub mod command;
mod disk;
mod internet;
mod live;
mod postgres;
mod process;
mod proxy;
mod raw;
pub mod samples;
mod storage;
mod wait;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use clap::Parser;
use patio::config::{Config, PasswordCost};
use patio::http::AppState;
use patio::kernel::{Clock, Random, Timestamp};
use patio::lifecycle::Lifecycle;
use tokio::task::JoinHandle;

pub use api::{Api, png};
pub use browser::{Browser, Page};
pub use disk::{Disk, FaultRng, Syncs, cut_power};
pub use internet::{Internet, Site};
pub use live::Live;
pub use postgres::{Cluster, LossyNetwork};
pub use process::Process;
pub use proxy::Proxy;
pub use raw::Raw;
pub use storage::{BUCKET_SECRET, Storage, execute, numbers, try_execute};
pub use wait::{TIMEOUT, eventually, within};

pub const PASSWORD: &str = "correcto-caballo-42-grapa";

/// 2026-11-21 10:00 UTC.
const START: i64 = 1_795_255_200_000;

/// A running server. Its clock advances only when a test moves it.
pub struct Server {
    pub address: SocketAddr,
    now: Arc<AtomicI64>,
    lifecycle: Lifecycle,
    state: AppState,
    running: Option<JoinHandle<()>>,
    storage: Arc<Storage>,
}

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    config: Config,
}

/// The configuration by these flags. Where they name no place for files, the environment does not name one either.
fn parse<'a>(flags: impl Iterator<Item = &'a str>) -> Config {
    let flags: Vec<&str> = flags.collect();
    let mut config = Flags::parse_from(&flags).config;
    if !flags.iter().any(|flag| flag.starts_with("--storage-url")) {
        config.storage.files = Box::default();
    }
    config
}

#[expect(clippy::disallowed_methods, reason = "the server runs beside its test")]
fn run(app: patio::server::Server) -> JoinHandle<()> {
    tokio::spawn(app.run())
}

impl Server {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// Starts with more flags, such as `--signup=closed`.
    pub async fn with(flags: &[&str]) -> Self {
        let now = Arc::new(AtomicI64::new(START));
        Self::start_on(Arc::new(Storage::new().await), now, flags).await
    }

    /// Starts with another program as picture decoder.
    pub async fn decoding_with(program: PathBuf) -> Self {
        let now = Arc::new(AtomicI64::new(START));
        let storage = Arc::new(Storage::new().await);
        Self::start_with(storage, now, &[], program, &Internet::default()).await
    }

    /// Starts where other servers can be reached: those of this internet. All other tests have none.
    pub async fn on_internet(internet: &Internet, flags: &[&str]) -> Self {
        let now = Arc::new(AtomicI64::new(START));
        let storage = Arc::new(Storage::new().await);
        Self::start_with(storage, now, flags, Self::decoder(), internet).await
    }

    /// Starts a second server on the same directory, database, clock and internet.
    pub async fn second_on(&self, internet: &Internet) -> Self {
        let (storage, now) = (self.storage.clone(), self.now.clone());
        Self::start_with(storage, now, &[], Self::decoder(), internet).await
    }

    fn decoder() -> PathBuf {
        env!("CARGO_BIN_EXE_patio").into()
    }

    /// Starts on existing storage.
    pub async fn on_storage(storage: Storage) -> Self {
        Self::start_on(Arc::new(storage), Arc::new(AtomicI64::new(START)), &[]).await
    }

    /// Starts on the directory of an earlier server.
    pub async fn on_directory(directory: tempfile::TempDir) -> Self {
        Self::on_storage(Storage::in_directory(directory)).await
    }

    async fn start_on(storage: Arc<Storage>, now: Arc<AtomicI64>, flags: &[&str]) -> Self {
        Self::start_with(storage, now, flags, Self::decoder(), &Internet::default()).await
    }

    async fn start_with(
        storage: Arc<Storage>,
        now: Arc<AtomicI64>,
        flags: &[&str],
        decoder: PathBuf,
        internet: &Internet,
    ) -> Self {
        let storage_flags = storage.flags();
        let fixed = ["patio", "--listen=127.0.0.1"].into_iter();
        let unlimited = flags.iter().all(|flag| !flag.starts_with("--rate-limit"));
        let off = unlimited.then_some("--rate-limit=off");
        let at_once = flags.iter().all(|flag| !flag.starts_with("--drain-timeout"));
        let at_once = at_once.then_some("--drain-timeout=0");
        let all = fixed.chain(storage_flags.iter().map(String::as_str)).chain(off).chain(at_once);
        let all = all.chain(flags.iter().copied());
        let mut config = parse(all);
        config.address.port = 0;
        config.executable = Some(decoder);
        config.password_cost = PasswordCost::Least;
        let reading = now.clone();
        let clock = Clock::from_fn(move || Timestamp(reading.load(Ordering::Relaxed)));
        let (random, client) = (Random::system(), internet.client());
        let app = patio::server::Server::build_with(config, clock, random, client);
        // Boxed, because it would make the future of each test that starts servers large.
        let app = Box::pin(app).await.expect("a server");
        let address = app.address().expect("an address");
        let lifecycle = app.lifecycle();
        let state = app.state();
        Self { address, now, lifecycle, state, running: Some(run(app)), storage }
    }

    /// The server's state, for tests that need an order which requests cannot guarantee.
    pub fn state(&self) -> &AppState {
        &self.state
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn advance(&self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).expect("a time");
        self.now.fetch_add(millis, Ordering::Relaxed);
    }

    /// Sets the clock back, as when the machine's clock is corrected.
    pub fn set_back(&self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).expect("a time");
        self.now.fetch_sub(millis, Ordering::Relaxed);
    }

    /// Starts the shutdown.
    pub fn begin_stop(&self) {
        self.lifecycle.stop();
    }

    /// Shuts down and waits until everything has ended.
    pub async fn stop(&mut self) {
        self.lifecycle.stop();
        if let Some(running) = self.running.take() {
            running.await.expect("an orderly end");
        }
    }

    /// The bytes of the `SQLite` file; `None` on `PostgreSQL`. Complete only after a stop.
    pub fn database_file(&self) -> Option<Vec<u8>> {
        self.storage.database_file()
    }

    /// Stops and starts again on the same directory, database and clock.
    pub async fn restart(mut self) -> Self {
        self.stop().await;
        self.second().await
    }

    /// Starts a second server on the same directory, database and clock.
    pub async fn second(&self) -> Self {
        self.second_with(&[]).await
    }

    /// The same with more flags.
    pub async fn second_with(&self, flags: &[&str]) -> Self {
        Self::start_on(self.storage.clone(), self.now.clone(), flags).await
    }

    /// Stops and starts again with the files elsewhere.
    pub async fn restart_with_files(mut self, flags: Vec<String>) -> Self {
        self.stop().await;
        let storage = Arc::into_inner(self.storage).expect("the only server");
        Self::start_on(Arc::new(storage.with_files(flags)), self.now, &[]).await
    }

    /// Starts a second server on the same database and clock, with a directory of its own.
    pub async fn elsewhere(&self) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let storage = self.storage.with_directory(directory);
        Self::start_on(Arc::new(storage), self.now.clone(), &[]).await
    }

    /// The data directory.
    pub fn data(&self) -> &std::path::Path {
        self.storage.directory()
    }

    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// A signed-out browser without scripts.
    pub fn browser(&self) -> Browser {
        Browser::new(self.url(""))
    }

    /// The browser of a new user.
    pub async fn browser_as(&self, name: &str) -> Browser {
        let mut browser = self.browser();
        let page = browser.register(name).await;
        assert_eq!(page.status, 200, "{name} can register");
        browser
    }

    /// An API client with an account and a token. The account is created if necessary.
    pub async fn api(&self, name: &str) -> Api {
        Api::with_account(self.url("/api/v1"), name).await
    }
}
