//! Fan-out: rooms with many readers and one sender each.

use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::clients::{ClientEvent, Clients, Layout, write_all};
use crate::delivery_log::DeliveryLog;
use crate::latency_stamp::{self, Stamp};
use crate::process::Server;
use crate::protocol::{ClientSpec, Protocol};
use crate::slow::Slow;

/// How long after the end of a measurement the last deliveries may arrive.
const DRAIN: Duration = Duration::from_secs(20);

#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    #[command(flatten)]
    pub layout: Layout,
    /// Bytes of a message's body.
    #[arg(long, default_value_t = 100)]
    pub body: usize,
    /// Messages per second over all rooms.
    #[arg(long, default_value_t = 15.0)]
    pub rate: f64,
    /// Instead of a rate: keep this many messages in flight in each room.
    #[arg(long)]
    pub window: Option<u32>,
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// Seconds of warm-up, which are not measured.
    #[arg(long, default_value_t = 2.0)]
    pub warm: f64,
    /// This many connections, the last ones, stop reading once they have joined. One room only.
    #[arg(long, default_value_t = 0)]
    pub slow: usize,
}

struct Sender {
    stream: TcpStream,
    spec: ClientSpec,
    /// The number of its next message.
    next: u32,
}

pub(crate) struct Fanout {
    clients: Clients,
    delivery_log: DeliveryLog,
    senders: Vec<Sender>,
    body: usize,
    closed: u64,
    slow: Slow,
}

pub fn run(mut clients: Clients, server: &Server, options: &Options) -> Result<Value> {
    let layout = &options.layout;
    let specs = layout.specs();
    let took = clients.connect_all(&specs)?;
    eprintln!("{} joined within {took:.2?}", clients.joined());
    let slow = Slow::begin(&clients, options.slow)?;
    let silent = usize::from(!clients.protocol.echoes_to_sender());
    let each = u32::try_from(layout.members - silent - options.slow)?;
    let mut fanout = Fanout {
        senders: senders(&clients, usize::from(layout.rooms))?,
        delivery_log: DeliveryLog::new(usize::from(layout.rooms), each),
        body: options.body,
        closed: 0,
        clients,
        slow,
    };
    fanout.settle(Duration::from_secs(1))?;
    fanout.phase(options, options.warm)?;
    let before = server.usage()?;
    let (sent, seconds) = fanout.phase(options, options.seconds)?;
    let usage = server.usage()? - before;
    let mut report = fanout.delivery_log.report(sent);
    report["gather_s"] = json!(took.as_secs_f64());
    report["seconds"] = json!(seconds);
    report["per_second"] = json!(fanout.delivery_log.delivered as f64 / seconds);
    report["cpu_s"] = json!(usage.seconds());
    report["cpu_per_delivery"] = usage.per(fanout.delivery_log.delivered);
    report["cpu_per_message"] = usage.per(sent);
    report["gone"] = json!(fanout.closed);
    report["memory"] = server.memory_report()?;
    if options.slow > 0 {
        report["slow"] = fanout.slow.report(&fanout.clients, fanout.delivery_log.frame_bytes())?;
    }
    Ok(report)
}

fn senders(clients: &Clients, rooms: usize) -> Result<Vec<Sender>> {
    let first = clients.connections.iter().take(rooms);
    first
        .map(|connection| {
            let stream = connection.stream.try_clone()?;
            Ok(Sender { stream, spec: connection.spec, next: 0 })
        })
        .collect()
}

impl Fanout {
    /// Reads and ignores everything for this long: the presence and other events that joining causes.
    fn settle(&mut self, time: Duration) -> Result<()> {
        let end = latency_stamp::now() + nanoseconds(time);
        while latency_stamp::now() < end {
            self.poll(Duration::from_millis(50), &mut Vec::new())?;
        }
        Ok(())
    }

    /// Sends for this long and reads until all deliveries have arrived. Returns the number of sent messages
    /// and the seconds until the last delivery.
    fn phase(&mut self, options: &Options, seconds: f64) -> Result<(u64, f64)> {
        let first: Vec<u32> = self.senders.iter().map(|sender| sender.next).collect();
        self.delivery_log.begin(&first);
        let (started, time) = (latency_stamp::now(), Duration::from_secs_f64(seconds));
        let sent = match options.window {
            Some(window) => self.closed(window, started + nanoseconds(time))?,
            None => self.paced(options.rate, started, time)?,
        };
        Ok((sent, self.delivery_log.last.saturating_sub(started).max(1) as f64 / 1e9))
    }

    /// A separate thread sends on time, even if the readers do not keep up.
    fn paced(&mut self, rate: f64, started: u64, time: Duration) -> Result<u64> {
        let (sent, done) = (AtomicU64::new(0), AtomicBool::new(false));
        let mut senders = std::mem::take(&mut self.senders);
        let (protocol, body) = (self.clients.protocol, self.body);
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                send_on_time(&mut senders, protocol, body, rate, started, time, &sent);
                done.store(true, Ordering::Release);
            });
            let read = self.read_until(|| {
                let all = done.load(Ordering::Acquire);
                (sent.load(Ordering::Acquire), all)
            });
            match thread.join() {
                Ok(()) => read,
                Err(_) => bail!("the sender's thread ended"),
            }
        })?;
        self.senders = senders;
        Ok(sent.into_inner())
    }

    /// When all members have a message, the next one is sent in its room.
    fn closed(&mut self, window: u32, end: u64) -> Result<u64> {
        let mut due: Vec<u16> = Vec::new();
        for sender in &self.senders {
            due.extend((0..window).map(|_| sender.spec.room));
        }
        let mut sent = 0;
        while latency_stamp::now() < end {
            for room in due.drain(..) {
                let sender = &mut self.senders[usize::from(room)];
                sender.send(self.clients.protocol, self.body, latency_stamp::now())?;
                sent += 1;
            }
            self.poll(Duration::from_millis(50), &mut due)?;
        }
        self.read_until(|| (sent, true))?;
        Ok(sent)
    }

    /// Reads until all messages are sent and delivered, or until the deadline. `sent` returns how many are
    /// sent so far, and whether these are all.
    fn read_until(&mut self, sent: impl Fn() -> (u64, bool)) -> Result<()> {
        let mut deadline = None;
        loop {
            self.poll(Duration::from_millis(5), &mut Vec::new())?;
            let (sent, all) = sent();
            self.slow.check(&self.clients, sent)?;
            if !all {
                continue;
            }
            let deadline = *deadline.get_or_insert(latency_stamp::now() + nanoseconds(DRAIN));
            if self.delivery_log.complete >= sent || latency_stamp::now() > deadline {
                self.slow.published += sent;
                return Ok(());
            }
        }
    }

    fn poll(&mut self, wait: Duration, complete: &mut Vec<u16>) -> Result<()> {
        let protocol = self.clients.protocol;
        let (delivery_log, closed) = (&mut self.delivery_log, &mut self.closed);
        self.clients.poll(wait, &mut |index, event| match event {
            ClientEvent::Frame(frame) => {
                let now = latency_stamp::now();
                match protocol.stored(frame) {
                    Some(nonce) => delivery_log.stored(nonce, now),
                    None => complete.extend(delivery_log.received(frame, now)),
                }
            }
            ClientEvent::Closed(reason) => {
                *closed += 1;
                eprintln!("connection {index}: {reason}");
            }
            ClientEvent::Missed(_) | ClientEvent::Joined => {}
        })
    }
}

impl Sender {
    /// Sends the message that is due at this time.
    fn send(&mut self, protocol: Protocol, body: usize, at: u64) -> Result<()> {
        let stamp = Stamp { room: self.spec.room, number: self.next, at };
        self.next += 1;
        write_all(&self.stream, &protocol.post(&self.spec, &stamp.body(body), &stamp.digits()))
            .context("the sender lost its connection")
    }
}

fn send_on_time(
    senders: &mut [Sender],
    protocol: Protocol,
    body: usize,
    rate: f64,
    started: u64,
    time: Duration,
    sent: &AtomicU64,
) {
    let rooms = senders.len();
    for count in 0_u32.. {
        let after = Duration::from_secs_f64(f64::from(count) / rate);
        if after >= time {
            break;
        }
        let due = started + nanoseconds(after);
        std::thread::sleep(Duration::from_nanos(due.saturating_sub(latency_stamp::now())));
        if let Err(error) = senders[count as usize % rooms].send(protocol, body, due) {
            // The server has closed the connection. Earlier messages still count, and so does the closed connection.
            eprintln!("{error:#}");
            break;
        }
        sent.fetch_add(1, Ordering::Release);
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
