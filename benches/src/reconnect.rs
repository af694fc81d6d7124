//! All clients reconnect after the server was killed, and catch up.
//!
//! Prints `{"event":"inside"}` when all have joined. The caller then kills and restarts the server.

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::clients::{ClientEvent, Clients, Layout};
use crate::histogram::Histogram;
use crate::latency_stamp;
use crate::protocol::Since;

/// Concurrent reconnects.
const AT_ONCE: usize = 512;
/// Nanoseconds before a refused connection is retried.
const AGAIN: u64 = 50_000_000;
const TIMEOUT: u64 = 120_000_000_000;

#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    #[command(flatten)]
    pub layout: Layout,
    /// The last rev of every room.
    #[arg(long)]
    pub rev: u64,
    /// When all clients were connected last, in RFC 3339.
    #[arg(long, value_parser = |at: &str| Ok::<&'static str, String>(at.to_owned().leak()))]
    pub at: &'static str,
    /// How many of the last messages each client has missed.
    #[arg(long, default_value_t = 20)]
    pub missed: u64,
}

struct Client {
    /// Since when it has been reconnecting; `None` while connected.
    trying: Option<u64>,
    knocked: bool,
    missed: u64,
    rev: u64,
}

struct Return {
    clients: Vec<Client>,
    waiting: Vec<usize>,
    /// No client connects before this time.
    not_before: u64,
    under_way: usize,
    joined: usize,
    first_loss: Option<u64>,
    first_entry: Option<u64>,
    /// Failed attempts before the new server accepted the first client.
    refused: u64,
    /// Connections that failed after that.
    errors: u64,
    times: Histogram,
}

pub fn run(mut clients: Clients, options: &Options) -> Result<Value> {
    let specs = options.layout.specs();
    let took = clients.connect_all(&specs)?;
    println!("{}", json!({ "event": "inside", "connections": specs.len() }));
    let mut back = Return::new(specs.len(), options.rev - options.missed);
    let started = latency_stamp::now();
    while back.first_loss.is_none() || back.joined < specs.len() {
        if latency_stamp::now() > started + TIMEOUT {
            bail!("only {} of {} reconnected", back.joined, specs.len());
        }
        back.connect(&mut clients, options);
        clients
            .poll(Duration::from_millis(10), &mut |index, event| back.on_event(index, &event))?;
    }
    let now = latency_stamp::now();
    let whole = back
        .clients
        .iter()
        .filter(|client| client.missed == options.missed && client.rev == options.rev);
    let since = |time: Option<u64>| time.map(|time| (now - time) as f64 / 1e9);
    Ok(json!({
        "connections": specs.len(),
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
            joined: count,
            first_loss: None,
            first_entry: None,
            refused: 0,
            errors: 0,
            times: Histogram::default(),
        }
    }

    fn connect(&mut self, clients: &mut Clients, options: &Options) {
        while self.under_way < AT_ONCE && latency_stamp::now() >= self.not_before {
            let Some(index) = self.waiting.pop() else { break };
            let mut spec = clients.connections[index].spec;
            let since = options.rev - options.missed;
            spec.since = Some(Since { rev: since, at: options.at });
            (self.clients[index].missed, self.clients[index].rev) = (0, since);
            if clients.reconnect(index, spec).is_ok() {
                self.clients[index].knocked = true;
                self.under_way += 1;
            } else {
                self.refused += 1;
                self.waiting.push(index);
                self.not_before = latency_stamp::now() + AGAIN;
            }
        }
    }

    fn on_event(&mut self, index: usize, event: &ClientEvent<'_>) {
        let client = &mut self.clients[index];
        let now = latency_stamp::now();
        match event {
            ClientEvent::Missed(rev) if *rev == client.rev + 1 => {
                (client.missed, client.rev) = (client.missed + 1, *rev);
            }
            // Out of order or duplicated: make sure that the final count is wrong.
            ClientEvent::Missed(_) => client.missed = u64::MAX / 2,
            ClientEvent::Joined => {
                self.first_entry.get_or_insert(now);
                self.under_way -= 1;
                self.joined += 1;
                client.knocked = false;
                self.times.add(now - client.trying.take().unwrap_or(now));
            }
            ClientEvent::Closed(reason) => {
                self.first_loss.get_or_insert(now);
                let late = self.first_entry.is_some();
                if late && self.errors == 0 {
                    eprintln!("connection {index} while reconnecting: {reason}");
                }
                self.errors += u64::from(late);
                if client.knocked {
                    self.refused += u64::from(!late);
                    self.under_way -= 1;
                    self.not_before = now + AGAIN;
                    client.knocked = false;
                } else {
                    self.joined -= 1;
                }
                client.trying.get_or_insert(now);
                self.waiting.push(index);
            }
            ClientEvent::Frame(_) => {}
        }
    }
}
