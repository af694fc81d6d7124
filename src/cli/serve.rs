//! `patio serve`: runs the server in the foreground.

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
        // Logged only now, so that a failed start prints a single line.
        tracing::info!(open_files = listener::raise_open_files(), "limit on open files");
        let address = app.address()?;
        tracing::info!(%address, data_dir, "Patio is running: http://localhost:{}", address.port());
        app.run().await;
        Ok(())
    })
}

/// Runs a server until it stops.
pub(super) fn in_foreground(
    logging: &Logging,
    running: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    start_log(logging);
    listener::raise_open_files();
    super::in_runtime(running)
}

fn start_log(logging: &Logging) {
    let default_format =
        if std::io::stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json };
    let output = layer().with_writer(std::io::stderr);
    let output = match logging.log_format.unwrap_or(default_format) {
        LogFormat::Text => output.boxed(),
        LogFormat::Json => output.json().flatten_event(true).with_span_list(false).boxed(),
    };
    tracing_subscriber::registry().with(output).with(logging.log.clone()).with(no_secrets()).init();
}

/// Caps libraries at level `info`, whatever filter is configured. At lower levels they log whole
/// requests, and the URL of a reset link is a secret. Patio itself logs no secrets, and SQL
/// statements are safe to log because their values are bound.
///
/// The session library logs nothing: it warns of every stale cookie, with which anyone could fill the
/// log, makes several spans for each request, and its errors are logged with their request.
fn no_secrets() -> Targets {
    Targets::new()
        .with_default(LevelFilter::INFO)
        .with_target("patio", LevelFilter::TRACE)
        .with_target("sqlx::query", LevelFilter::DEBUG)
        .with_target("tower_sessions", LevelFilter::OFF)
        // It logs each repeated request; what fails for good is in our own log.
        .with_target("object_store", LevelFilter::ERROR)
}
