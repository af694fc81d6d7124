//! Idle connections: the memory that each one costs.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use crate::clients::{ClientEvent, Clients, Layout};
use crate::process::Server;

#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    #[command(flatten)]
    pub layout: Layout,
    /// Seconds to wait before memory is measured.
    #[arg(long, default_value_t = 5.0)]
    pub stay: f64,
}

pub fn run(mut clients: Clients, server: &Server, options: &Options) -> Result<Value> {
    let (rss_before, pss_before) = server.memory()?;
    let used = server.usage()?;
    let specs = options.layout.specs();
    let took = clients.connect_all(&specs)?;
    let entering = server.usage()? - used;
    let end = Instant::now() + Duration::from_secs_f64(options.stay);
    let mut closed = 0;
    while Instant::now() < end {
        clients.poll(Duration::from_millis(100), &mut |_, event| {
            closed += u64::from(matches!(event, ClientEvent::Closed(_)));
        })?;
    }
    let (rss, pss) = server.memory()?;
    let each = |now: u64, before: u64| (now as f64 - before as f64) / specs.len() as f64;
    Ok(json!({
        "connections": specs.len(),
        "gone": closed,
        "gather_s": took.as_secs_f64(),
        "cpu_to_enter": entering.per(specs.len() as u64),
        "before": { "rss_kib": rss_before, "pss_kib": pss_before },
        "after": { "rss_kib": rss, "pss_kib": pss },
        "rss_kib_each": each(rss, rss_before),
        "pss_kib_each": each(pss, pss_before),
    }))
}
