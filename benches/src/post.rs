//! Clients that post, wait for the acknowledgement and post again, or that post at a fixed rate even if
//! the server does not keep up.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use crate::clients::{ClientEvent, Clients, Layout, write_all};
use crate::histogram::Histogram;
use crate::latency_stamp::{self, Stamp};
use crate::process::Server;

#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    #[command(flatten)]
    pub layout: Layout,
    #[arg(long, default_value_t = 100)]
    pub body: usize,
    /// A text that follows in each body, without quotation marks and backslashes.
    #[arg(long, default_value = "")]
    pub text: String,
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// Posts per second over all clients. Without it, each client posts when its last post is acknowledged.
    #[arg(long)]
    pub rate: Option<f64>,
}

pub fn run(mut clients: Clients, server: &Server, options: &Options) -> Result<Value> {
    let mut specs = options.layout.specs();
    // Measure only posts: a client that opens a room would also receive the messages of others.
    for spec in &mut specs {
        spec.opens = false;
    }
    clients.connect_all(&specs)?;
    let used = server.usage()?;
    let started = latency_stamp::now();
    let end = Duration::from_secs_f64(options.seconds).as_nanos();
    let (mut times, mut closed, mut number, mut refused) =
        (Histogram::default(), 0_u64, 0_u32, 0_u64);
    let mut first_refusal = None;
    let mut ready: Vec<usize> = (0..specs.len()).collect();
    while u128::from(latency_stamp::now() - started) < end {
        // Measured from when the post was due: a late generator makes the latency longer.
        let mut due: Vec<(usize, u64)> = match options.rate {
            None => ready.drain(..).map(|index| (index, latency_stamp::now())).collect(),
            Some(rate) => turns(number, rate, latency_stamp::now() - started)
                .map(|(turn, at)| (turn as usize % specs.len(), started + at))
                .collect(),
        };
        for (index, at) in due.drain(..) {
            let connection = &clients.connections[index];
            let stamp = Stamp { room: connection.spec.room, number, at };
            number = number.wrapping_add(1);
            let frame = stamp.body(options.body) + &options.text;
            // At a fixed rate the stamps of two runs are equal, but a server knows nonces for longer.
            let nonce = format!("{}{:x}", stamp.digits(), std::process::id());
            write_all(
                &connection.stream,
                &clients.protocol.post(&connection.spec, &frame, &nonce),
            )?;
        }
        let wait = options.rate.map_or(50_000_000, |rate| {
            let next = turn_at(number, rate) + started;
            next.saturating_sub(latency_stamp::now()).clamp(50_000, 50_000_000)
        });
        let protocol = clients.protocol;
        clients.poll(Duration::from_nanos(wait), &mut |index, event| match event {
            ClientEvent::Frame(frame) => {
                if let Some(stamp) = protocol.stored(frame).and_then(Stamp::parse) {
                    times.add(latency_stamp::now().saturating_sub(stamp.at));
                    ready.push(index);
                } else if frame.starts_with(br#"{"type":"error""#) {
                    refused += 1;
                    first_refusal
                        .get_or_insert_with(|| String::from_utf8_lossy(frame).into_owned());
                    ready.push(index);
                }
            }
            ClientEvent::Closed(_) => closed += 1,
            ClientEvent::Missed(_) | ClientEvent::Joined => {}
        })?;
    }
    let seconds = (latency_stamp::now() - started) as f64 / 1e9;
    let usage = server.usage()? - used;
    Ok(json!({
        "clients": specs.len(),
        "stored": times.count(),
        "refused": refused,
        "first_refusal": first_refusal,
        "gone": closed,
        "per_second": times.count() as f64 / seconds,
        "latency": times.report(),
        "cpu_per_message": usage.per(times.count()),
    }))
}

/// When a post is due, in nanoseconds from the start.
fn turn_at(number: u32, rate: f64) -> u64 {
    u64::try_from(Duration::from_secs_f64(f64::from(number) / rate).as_nanos()).unwrap_or(u64::MAX)
}

/// The posts that are due, from this number on, each with its time.
fn turns(from: u32, rate: f64, now: u64) -> impl Iterator<Item = (u32, u64)> {
    (from..).map(move |turn| (turn, turn_at(turn, rate))).take_while(move |(_, at)| *at <= now)
}
