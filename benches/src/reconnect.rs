//! Everybody comes back after the server was killed, and is told what they missed.
//!
//! Prints `{"event":"inside"}` when all are in; whoever runs this then kills the server and
//! starts it again.

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::crowd::{Crowd, News, Seating};
use crate::dialect::Since;
use crate::histogram::Histogram;
use crate::stamp;

/// Comings-back under way at once.
const AT_ONCE: usize = 512;
/// Before a connection that was refused is tried again, in nanoseconds.
const AGAIN: u64 = 50_000_000;
const PATIENCE: u64 = 120_000_000_000;

#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    #[command(flatten)]
    pub seating: Seating,
    /// The last change in every room.
    #[arg(long)]
    pub rev: u64,
    /// When everybody was here last, in RFC 3339.
    #[arg(long, value_parser = |at: &str| Ok::<&'static str, String>(at.to_owned().leak()))]
    pub at: &'static str,
    /// How many of the last messages everybody has missed when they come back.
    #[arg(long, default_value_t = 20)]
    pub missed: u64,
}

struct Client {
    /// Since when it tries, or `None` while it is in.
    trying: Option<u64>,
    knocked: bool,
    missed: u64,
    rev: u64,
}

struct Return {
    clients: Vec<Client>,
    waiting: Vec<usize>,
    /// Nobody knocks before this time.
    not_before: u64,
    under_way: usize,
    inside: usize,
    first_loss: Option<u64>,
    first_entry: Option<u64>,
    /// Tries before the new server took anybody: refused, or cut off with the old one.
    refused: u64,
    /// Connections that broke once it did.
    errors: u64,
    times: Histogram,
}

pub fn run(mut crowd: Crowd, options: &Options) -> Result<Value> {
    let seats = options.seating.seats();
    let took = crowd.gather(&seats)?;
    println!("{}", json!({ "event": "inside", "connections": seats.len() }));
    let mut back = Return::new(seats.len(), options.rev - options.missed);
    let begun = stamp::now();
    while back.first_loss.is_none() || back.inside < seats.len() {
        if stamp::now() > begun + PATIENCE {
            bail!("only {} of {} came back", back.inside, seats.len());
        }
        back.knock(&mut crowd, options);
        crowd.turn(Duration::from_millis(10), &mut |index, news| back.hear(index, &news))?;
    }
    let now = stamp::now();
    let whole = back
        .clients
        .iter()
        .filter(|client| client.missed == options.missed && client.rev == options.rev);
    let since = |time: Option<u64>| time.map(|time| (now - time) as f64 / 1e9);
    Ok(json!({
        "connections": seats.len(),
        "gather_s": took.as_secs_f64(),
        "caught_up": whole.count(),
        "back_s": since(back.first_loss),
        "back_after_first_entry_s": since(back.first_entry),
        "refused": back.refused,
        "errors": back.errors,
        "each": back.times.report(),
    }))
}

impl Return {
    fn new(count: usize, rev: u64) -> Self {
        let client = |_| Client { trying: None, knocked: false, missed: 0, rev };
        Self {
            clients: (0..count).map(client).collect(),
            waiting: Vec::new(),
            not_before: 0,
            under_way: 0,
            inside: count,
            first_loss: None,
            first_entry: None,
            refused: 0,
            errors: 0,
            times: Histogram::default(),
        }
    }

    fn knock(&mut self, crowd: &mut Crowd, options: &Options) {
        while self.under_way < AT_ONCE && stamp::now() >= self.not_before {
            let Some(index) = self.waiting.pop() else { break };
            let mut seat = crowd.connections[index].seat;
            let since = options.rev - options.missed;
            seat.since = Some(Since { rev: since, at: options.at });
            (self.clients[index].missed, self.clients[index].rev) = (0, since);
            if crowd.come_back(index, seat).is_ok() {
                self.clients[index].knocked = true;
                self.under_way += 1;
            } else {
                self.refused += 1;
                self.waiting.push(index);
                self.not_before = stamp::now() + AGAIN;
            }
        }
    }

    fn hear(&mut self, index: usize, news: &News<'_>) {
        let client = &mut self.clients[index];
        let now = stamp::now();
        match news {
            News::Missed(rev) if *rev == client.rev + 1 => {
                (client.missed, client.rev) = (client.missed + 1, *rev);
            }
            // Out of order, or twice: it will not have the right sum in the end.
            News::Missed(_) => client.missed = u64::MAX / 2,
            News::Inside => {
                self.first_entry.get_or_insert(now);
                self.under_way -= 1;
                self.inside += 1;
                client.knocked = false;
                self.times.add(now - client.trying.take().unwrap_or(now));
            }
            News::Gone(reason) => {
                self.first_loss.get_or_insert(now);
                let late = self.first_entry.is_some();
                if late && self.errors == 0 {
                    eprintln!("connection {index} while coming back: {reason}");
                }
                self.errors += u64::from(late);
                if client.knocked {
                    self.refused += u64::from(!late);
                    self.under_way -= 1;
                    self.not_before = now + AGAIN;
                    client.knocked = false;
                } else {
                    self.inside -= 1;
                }
                client.trying.get_or_insert(now);
                self.waiting.push(index);
            }
            News::Frame(_) => {}
        }
    }
}
