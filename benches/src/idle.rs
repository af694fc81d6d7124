//! Connections that only stay: what each costs in memory.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use crate::crowd::{Crowd, News, Seating};
use crate::process::Server;

#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    #[command(flatten)]
    pub seating: Seating,
    /// Seconds to stay before memory is read.
    #[arg(long, default_value_t = 5.0)]
    pub stay: f64,
}

pub fn run(mut crowd: Crowd, server: &Server, options: &Options) -> Result<Value> {
    let (rss_before, pss_before) = server.memory()?;
    let used = server.usage()?;
    let seats = options.seating.seats();
    let took = crowd.gather(&seats)?;
    let entering = server.usage()? - used;
    let end = Instant::now() + Duration::from_secs_f64(options.stay);
    let mut gone = 0;
    while Instant::now() < end {
        crowd.turn(Duration::from_millis(100), &mut |_, news| {
            gone += u64::from(matches!(news, News::Gone(_)));
        })?;
    }
    let (rss, pss) = server.memory()?;
    let each = |now: u64, before: u64| (now as f64 - before as f64) / seats.len() as f64;
    Ok(json!({
        "connections": seats.len(),
        "gone": gone,
        "gather_s": took.as_secs_f64(),
        "cpu_to_enter": entering.per(seats.len() as u64),
        "before": { "rss_kib": rss_before, "pss_kib": pss_before },
        "after": { "rss_kib": rss, "pss_kib": pss },
        "rss_kib_each": each(rss, rss_before),
        "pss_kib_each": each(pss, pss_before),
    }))
}
