//! `patio demo`: a throw-away server with sample users and messages.

mod actors;
mod script;
mod seed;

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::Context;
use clap::Args;
use tracing_subscriber::filter::{LevelFilter, Targets};

use self::script::Story;
use self::seed::Seeder;
use super::serve;
use crate::config::{Address, Config, Logging, Storage, parse_ip, parse_port};
use crate::http::listener;
use crate::kernel::{Clock, Random, Timestamp};
use crate::server::Server;

/// The password of all demo users.
const PASSWORD: &str = "limonero-en-el-patio";
const PORT: u16 = 3000;

#[derive(Args)]
pub(super) struct Demo {
    /// Port. Without it 3000, or any free port if 3000 is in use.
    #[arg(long, env = "PORT", value_parser = parse_port)]
    port: Option<u16>,

    /// Address. Defaults to this machine only, whatever LISTEN is, because the password is public;
    /// `::` means all addresses, IPv4 included.
    #[arg(long, default_value = "127.0.0.1", value_parser = parse_ip)]
    listen: IpAddr,
}

pub(super) fn run(demo: &Demo) -> anyhow::Result<()> {
    let log = Targets::new().with_default(LevelFilter::WARN);
    let logging = Logging { log, log_format: None };
    serve::in_foreground(&logging, async {
        let directory = Directory::make(&Random::system())?;
        Box::pin(serve(demo, directory.0.clone())).await
    })
}

async fn serve(demo: &Demo, data_dir: PathBuf) -> anyhow::Result<()> {
    let config = Config {
        address: demo.address(),
        storage: Storage::in_directory(data_dir),
        ..Config::defaults()?
    };
    let time = StoryTime::new(Clock::system());
    let app = Server::build(config, time.clock(), Random::system()).await?;
    let address = app.address()?;
    let lifecycle = app.lifecycle();
    lifecycle.stop_on_signals()?;
    let story = script::read()?;
    let online = names(&story);
    let seeding = Box::pin(Seeder::run(app.state().service(), story, PASSWORD, &time));
    if let Some(seeder) = lifecycle.stopping().run_until_cancelled(seeding).await {
        actors::start(seeder?, time.clock(), &lifecycle);
        invite(address.port(), &online);
        warn(demo.listen);
    }
    app.run().await;
    Ok(())
}

impl Demo {
    fn address(&self) -> Address {
        let address = Address { port: self.port.unwrap_or(PORT), listen: self.listen };
        // A port that the user chose is never replaced: binding it must fail with an error.
        let in_use = self.port.is_none()
            && listener::bind(&address).is_err_and(|error| error.kind() == ErrorKind::AddrInUse);
        if in_use { Address { port: 0, ..address } } else { address }
    }
}

fn names(story: &Story) -> String {
    let online = story.users.iter().filter(|user| user.online);
    online.map(|user| user.name).collect::<Vec<_>>().join(", ")
}

#[expect(clippy::print_stdout, reason = "this is what the command is for")]
fn invite(port: u16, online: &str) {
    println!(
        "
  Patio's demo is running: http://localhost:{port}

  Sign in as carlos in one browser and as luis in another (a private window is
  another), and let them talk. Every user's password is

      {PASSWORD}

  carlos is the administrator. You can also sign in as:
  {online}.

  Everything here is made up, and deleted when you stop it with Ctrl+C.
"
    );
}

/// Warns if the demo can be reached from other machines.
fn warn(listen: IpAddr) {
    if !listen.to_canonical().is_loopback() {
        super::print_error(&format!(
            "the demo listens on {listen}: anyone who can reach this machine can sign in as its \
             administrator with the password above"
        ));
    }
}

/// A temporary directory for this run. It is deleted at the end.
struct Directory(PathBuf);

impl Directory {
    fn make(random: &Random) -> anyhow::Result<Self> {
        let name = format!("patio-demo-{}", random.token());
        let path = std::env::temp_dir().join(&name);
        let make = |path: &Path| DirBuilder::new().mode(0o700).create(path);
        // In a container, the data directory may be the only writable directory.
        let fallback = std::env::var_os("DATA_DIR").map(|data| Path::new(&data).join(name));
        match (make(&path), fallback) {
            (Ok(()), _) => Ok(Self(path)),
            (Err(_), Some(fallback)) if make(&fallback).is_ok() => Ok(Self(fallback)),
            (Err(error), _) => Err(error)
                .with_context(|| format!("cannot create the directory {}", path.display())),
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, "could not delete {}", self.0.display());
        }
    }
}

/// The demo's clock: the story's time while the story is seeded, the real time afterwards.
#[derive(Clone)]
struct StoryTime {
    real: Clock,
    /// Milliseconds since 1970; 0 for the real time.
    story_time: Arc<AtomicI64>,
}

impl StoryTime {
    fn new(real: Clock) -> Self {
        Self { real, story_time: Arc::default() }
    }

    fn clock(&self) -> Clock {
        let time = self.clone();
        Clock::from_fn(move || time.now())
    }

    fn now(&self) -> Timestamp {
        match self.story_time.load(Ordering::Relaxed) {
            0 => self.real.now(),
            story_time => Timestamp(story_time),
        }
    }

    fn set(&self, moment: Timestamp) {
        self.story_time.store(moment.0, Ordering::Relaxed);
    }

    fn use_real_time(&self) {
        self.set(Timestamp(0));
    }
}
