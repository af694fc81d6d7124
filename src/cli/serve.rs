//! `patio serve`: the server in the foreground.

use std::io::IsTerminal;

use clap::Args;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::layer;
use tracing_subscriber::prelude::*;

use crate::config::{Config, LogFormat, Logging};
use crate::http::listener;
use crate::kernel::{Clock, Random};
use crate::server::Server;

#[derive(Args)]
pub(super) struct Serve {
    #[command(flatten)]
    config: Config,

    #[command(flatten)]
    logging: Logging,
}

pub(super) fn run(serve: Serve) -> anyhow::Result<()> {
    in_foreground(&serve.logging, async {
        let data_dir = serve.config.storage.data_dir.display().to_string();
        let app = Server::build(serve.config, Clock::system(), Random::system()).await?;
        app.lifecycle().stop_on_signals()?;
        // Not before: a start that fails says so in one line.
        tracing::info!(open_files = listener::raise_open_files(), "this process may open files");
        let address = app.address()?;
        tracing::info!(%address, data_dir, "Patio is open: http://localhost:{}", address.port());
        app.run().await;
        Ok(())
    })
}

/// Runs a server until it has ended.
pub(super) fn in_foreground(
    logging: &Logging,
    running: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    start_log(logging);
    listener::raise_open_files();
    super::in_runtime(running)
}

fn start_log(logging: &Logging) {
    let by_place = if std::io::stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json };
    let lines = layer().with_writer(std::io::stderr);
    let lines = match logging.log_format.unwrap_or(by_place) {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(lines).with(logging.log.clone()).with(no_secrets()).init();
}

/// Whatever the settings ask for: libraries say no more than `info`. Below it they write whole requests
/// down, and a reset link is an address. What Patio itself logs has no secrets in it, and neither have
/// statements: their values are bound.
fn no_secrets() -> Targets {
    Targets::new()
        .with_default(LevelFilter::INFO)
        .with_target("patio", LevelFilter::TRACE)
        .with_target("sqlx::query", LevelFilter::DEBUG)
}
