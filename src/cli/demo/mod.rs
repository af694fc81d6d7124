//! `patio demo`: a server to try, full of people and talk, that leaves nothing behind.

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

/// Of everybody in the story.
const PASSWORD: &str = "limonero-en-el-patio";
const PORT: u16 = 3000;

#[derive(Args)]
pub(super) struct Demo {
    /// Port. Without it 3000, or any free one where that is taken.
    #[arg(long, env = "PORT", value_parser = parse_port)]
    port: Option<u16>,

    /// Address. By default this machine alone, whatever LISTEN says, since everybody can know the
    /// password; `::` is every one, IPv4 included.
    #[arg(long, default_value = "127.0.0.1", value_parser = parse_ip)]
    listen: IpAddr,
}

pub(super) fn run(demo: &Demo) -> anyhow::Result<()> {
    let log = Targets::new().with_default(LevelFilter::WARN);
    let logging = Logging { log, log_format: None };
    serve::in_foreground(&logging, async {
        let directory = Directory::make(&Random::system())?;
        serve(demo, directory.0.clone()).await
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
    let (address, lifecycle) = (app.address()?, app.lifecycle());
    lifecycle.stop_on_signals()?;
    let story = script::read()?;
    let here = names(&story);
    let set = Box::pin(Seeder::set(app.site(), story, PASSWORD, &time));
    if let Some(stage) = lifecycle.stopping().run_until_cancelled(set).await {
        actors::enter(stage?, time.clock());
        invite(address.port(), &here);
        warn(demo.listen);
    }
    app.run().await;
    Ok(())
}

impl Demo {
    fn address(&self) -> Address {
        let wanted = Address { port: self.port.unwrap_or(PORT), listen: self.listen };
        // Whoever named a port shall hear that it is taken.
        let taken = self.port.is_none()
            && listener::bind(&wanted).is_err_and(|error| error.kind() == ErrorKind::AddrInUse);
        if taken { Address { port: 0, ..wanted } } else { wanted }
    }
}

fn names(story: &Story) -> String {
    let here = story.people.iter().filter(|somebody| somebody.here);
    here.map(|somebody| somebody.name).collect::<Vec<_>>().join(", ")
}

#[expect(clippy::print_stdout, reason = "this is what the command is for")]
fn invite(port: u16, here: &str) {
    println!(
        "
  Patio's demo is open: http://localhost:{port}

  Sign in as carlos in one browser and as luis in another (a private window is
  another), and let them talk. Everybody's password is

      {PASSWORD}

  carlos is the administrator. The neighbours can be signed in as too:
  {here}.

  Everything here is made up, and gone when you stop it with Ctrl+C.
"
    );
}

/// Says what an address for others means.
fn warn(listen: IpAddr) {
    if !listen.to_canonical().is_loopback() {
        super::complain(&format!(
            "the demo listens on {listen}: everybody who can reach this machine can sign in as its \
             administrator, with the password above"
        ));
    }
}

/// A directory of this run alone, removed when it ends.
struct Directory(PathBuf);

impl Directory {
    fn make(random: &Random) -> anyhow::Result<Self> {
        let name = format!("patio-demo-{}", random.token());
        let path = std::env::temp_dir().join(&name);
        let make = |path: &Path| DirBuilder::new().mode(0o700).create(path);
        // In a container the data directory may be all that can be written.
        let beside = std::env::var_os("DATA_DIR").map(|data| Path::new(&data).join(name));
        match (make(&path), beside) {
            (Ok(()), _) => Ok(Self(path)),
            (Err(_), Some(beside)) if make(&beside).is_ok() => Ok(Self(beside)),
            (Err(error), _) => {
                Err(error).with_context(|| format!("cannot make the directory {}", path.display()))
            }
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, "{} stays behind", self.0.display());
        }
    }
}

/// What the demo takes for the time: while the story is told its own, afterwards the real one.
#[derive(Clone)]
struct StoryTime {
    real: Clock,
    /// Milliseconds since 1970; nothing when the real time counts.
    told: Arc<AtomicI64>,
}

impl StoryTime {
    fn new(real: Clock) -> Self {
        Self { real, told: Arc::default() }
    }

    fn clock(&self) -> Clock {
        let time = self.clone();
        Clock::from_fn(move || time.now())
    }

    fn now(&self) -> Timestamp {
        match self.told.load(Ordering::Relaxed) {
            0 => self.real.now(),
            told => Timestamp(told),
        }
    }

    fn set(&self, moment: Timestamp) {
        self.told.store(moment.0, Ordering::Relaxed);
    }

    fn let_go(&self) {
        self.set(Timestamp(0));
    }
}
