//! Clients that each post, wait until the server says that it is stored, and post again; or that post
//! so many a second, whether or not the server keeps up.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use crate::crowd::{Crowd, News, Seating, say};
use crate::histogram::Histogram;
use crate::process::Server;
use crate::stamp::{self, Stamp};

#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    #[command(flatten)]
    pub seating: Seating,
    #[arg(long, default_value_t = 100)]
    pub body: usize,
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// Posts a second over all clients; without it each posts when its last one is stored.
    #[arg(long)]
    pub rate: Option<f64>,
}

pub fn run(mut crowd: Crowd, server: &Server, options: &Options) -> Result<Value> {
    let mut seats = options.seating.seats();
    // Posting alone: who opens a room is sent what others say there.
    for seat in &mut seats {
        seat.opens = false;
    }
    crowd.gather(&seats)?;
    let used = server.usage()?;
    let begun = stamp::now();
    let end = Duration::from_secs_f64(options.seconds).as_nanos();
    let (mut times, mut gone, mut number, mut refused) =
        (Histogram::default(), 0_u64, 0_u32, 0_u64);
    let mut ready: Vec<usize> = (0..seats.len()).collect();
    while u128::from(stamp::now() - begun) < end {
        // Counted from when it was its turn: a late generator makes the latency longer.
        let mut due: Vec<(usize, u64)> = match options.rate {
            None => ready.drain(..).map(|index| (index, stamp::now())).collect(),
            Some(rate) => turns(number, rate, stamp::now() - begun)
                .map(|(turn, at)| (turn as usize % seats.len(), begun + at))
                .collect(),
        };
        for (index, at) in due.drain(..) {
            let connection = &crowd.connections[index];
            let stamp = Stamp { room: connection.seat.room, number, at };
            number = number.wrapping_add(1);
            let frame = stamp.body(options.body);
            say(
                &connection.stream,
                &crowd.dialect.post(&connection.seat, &frame, &stamp.digits()),
            )?;
        }
        let wait = options.rate.map_or(50_000_000, |rate| {
            let next = turn_at(number, rate) + begun;
            next.saturating_sub(stamp::now()).clamp(50_000, 50_000_000)
        });
        let dialect = crowd.dialect;
        crowd.turn(Duration::from_nanos(wait), &mut |index, news| match news {
            News::Frame(frame) => {
                if let Some(stamp) = dialect.stored(frame).and_then(Stamp::parse) {
                    times.add(stamp::now().saturating_sub(stamp.at));
                    ready.push(index);
                } else if frame.starts_with(br#"{"type":"error""#) {
                    refused += 1;
                    ready.push(index);
                }
            }
            News::Gone(_) => gone += 1,
            News::Missed(_) | News::Inside => {}
        })?;
    }
    let seconds = (stamp::now() - begun) as f64 / 1e9;
    let usage = server.usage()? - used;
    Ok(json!({
        "clients": seats.len(),
        "stored": times.count(),
        "refused": refused,
        "gone": gone,
        "per_second": times.count() as f64 / seconds,
        "latency": times.report(),
        "cpu_per_message": usage.per(times.count()),
    }))
}

/// When it is a post's turn, in nanoseconds from the beginning.
fn turn_at(number: u32, rate: f64) -> u64 {
    u64::try_from(Duration::from_secs_f64(f64::from(number) / rate).as_nanos()).unwrap_or(u64::MAX)
}

/// Posts that are due, from this one on, each with when it was.
fn turns(from: u32, rate: f64, now: u64) -> impl Iterator<Item = (u32, u64)> {
    (from..).map(move |turn| (turn, turn_at(turn, rate))).take_while(move |(_, at)| *at <= now)
}
