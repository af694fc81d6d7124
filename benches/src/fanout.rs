//! Rooms full of readers, and one sender in each.

use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::crowd::{Crowd, News, Seating, say};
use crate::dialect::{Dialect, Seat};
use crate::ledger::Ledger;
use crate::process::Server;
use crate::slow::Slow;
use crate::stamp::{self, Stamp};

/// How long after the end of a measurement its last messages may still come.
const DRAIN: Duration = Duration::from_secs(20);

#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    #[command(flatten)]
    pub seating: Seating,
    /// Bytes of a message's body.
    #[arg(long, default_value_t = 100)]
    pub body: usize,
    /// Messages a second over all rooms.
    #[arg(long, default_value_t = 15.0)]
    pub rate: f64,
    /// Instead of a rate: so many messages under way in each room, always.
    #[arg(long)]
    pub window: Option<u32>,
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// Seconds before, that do not count.
    #[arg(long, default_value_t = 2.0)]
    pub warm: f64,
    /// So many of the connections, the last ones, read nothing once they are in. One room only.
    #[arg(long, default_value_t = 0)]
    pub slow: usize,
}

struct Sender {
    stream: TcpStream,
    seat: Seat,
    /// The number of its next message.
    next: u32,
}

pub(crate) struct Fanout {
    crowd: Crowd,
    ledger: Ledger,
    senders: Vec<Sender>,
    body: usize,
    gone: u64,
    slow: Slow,
}

pub fn run(mut crowd: Crowd, server: &Server, options: &Options) -> Result<Value> {
    let seating = &options.seating;
    let seats = seating.seats();
    let took = crowd.gather(&seats)?;
    eprintln!("{} came in within {took:.2?}", crowd.inside());
    let slow = Slow::begin(&crowd, options.slow)?;
    let silent = usize::from(!crowd.dialect.hears_itself());
    let each = u32::try_from(seating.members - silent - options.slow)?;
    let mut fanout = Fanout {
        senders: senders(&crowd, usize::from(seating.rooms))?,
        ledger: Ledger::new(usize::from(seating.rooms), each),
        body: options.body,
        gone: 0,
        crowd,
        slow,
    };
    fanout.settle(Duration::from_secs(1))?;
    fanout.phase(options, options.warm)?;
    let before = server.usage()?;
    let (sent, seconds) = fanout.phase(options, options.seconds)?;
    let usage = server.usage()? - before;
    let mut report = fanout.ledger.report(sent);
    report["gather_s"] = json!(took.as_secs_f64());
    report["seconds"] = json!(seconds);
    report["per_second"] = json!(fanout.ledger.delivered as f64 / seconds);
    report["cpu_s"] = json!(usage.seconds());
    report["cpu_per_delivery"] = usage.per(fanout.ledger.delivered);
    report["cpu_per_message"] = usage.per(sent);
    report["gone"] = json!(fanout.gone);
    report["memory"] = server.memory_report()?;
    if options.slow > 0 {
        report["slow"] = fanout.slow.report(&fanout.crowd, fanout.ledger.frame_bytes())?;
    }
    Ok(report)
}

fn senders(crowd: &Crowd, rooms: usize) -> Result<Vec<Sender>> {
    let first = crowd.connections.iter().take(rooms);
    first
        .map(|connection| {
            let stream = connection.stream.try_clone()?;
            Ok(Sender { stream, seat: connection.seat, next: 0 })
        })
        .collect()
}

impl Fanout {
    /// Reads for so long whatever comes: what coming in has stirred up.
    fn settle(&mut self, time: Duration) -> Result<()> {
        let end = stamp::now() + nanoseconds(time);
        while stamp::now() < end {
            self.turn(Duration::from_millis(50), &mut Vec::new())?;
        }
        Ok(())
    }

    /// Sends for so long and reads until everything came. Answers the messages sent and the
    /// seconds from the first to the last delivery.
    fn phase(&mut self, options: &Options, seconds: f64) -> Result<(u64, f64)> {
        let first: Vec<u32> = self.senders.iter().map(|sender| sender.next).collect();
        self.ledger.begin(&first);
        let (begun, time) = (stamp::now(), Duration::from_secs_f64(seconds));
        let sent = match options.window {
            Some(window) => self.closed(window, begun + nanoseconds(time))?,
            None => self.paced(options.rate, begun, time)?,
        };
        Ok((sent, self.ledger.last.saturating_sub(begun).max(1) as f64 / 1e9))
    }

    /// A thread of its own sends on time, whether or not the readers keep up.
    fn paced(&mut self, rate: f64, begun: u64, time: Duration) -> Result<u64> {
        let (sent, done) = (AtomicU64::new(0), AtomicBool::new(false));
        let mut senders = std::mem::take(&mut self.senders);
        let (dialect, body) = (self.crowd.dialect, self.body);
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                send_on_time(&mut senders, dialect, body, rate, begun, time, &sent);
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

    /// Whenever everybody has a message, the next one is sent in its room.
    fn closed(&mut self, window: u32, end: u64) -> Result<u64> {
        let mut due: Vec<u16> = Vec::new();
        for sender in &self.senders {
            due.extend((0..window).map(|_| sender.seat.room));
        }
        let mut sent = 0;
        while stamp::now() < end {
            for room in due.drain(..) {
                let sender = &mut self.senders[usize::from(room)];
                sender.send(self.crowd.dialect, self.body, stamp::now())?;
                sent += 1;
            }
            self.turn(Duration::from_millis(50), &mut due)?;
        }
        self.read_until(|| (sent, true))?;
        Ok(sent)
    }

    /// Reads until all were sent and came, or time is up. `sent` says how many there are so far,
    /// and whether these are all.
    fn read_until(&mut self, sent: impl Fn() -> (u64, bool)) -> Result<()> {
        let mut deadline = None;
        loop {
            self.turn(Duration::from_millis(5), &mut Vec::new())?;
            let (sent, all) = sent();
            self.slow.look(&self.crowd, sent)?;
            if !all {
                continue;
            }
            let deadline = *deadline.get_or_insert(stamp::now() + nanoseconds(DRAIN));
            if self.ledger.complete >= sent || stamp::now() > deadline {
                self.slow.published += sent;
                return Ok(());
            }
        }
    }

    fn turn(&mut self, wait: Duration, complete: &mut Vec<u16>) -> Result<()> {
        let dialect = self.crowd.dialect;
        let (ledger, gone) = (&mut self.ledger, &mut self.gone);
        self.crowd.turn(wait, &mut |index, news| match news {
            News::Frame(frame) => {
                let now = stamp::now();
                match dialect.stored(frame) {
                    Some(nonce) => ledger.stored(nonce, now),
                    None => complete.extend(ledger.heard(frame, now)),
                }
            }
            News::Gone(reason) => {
                *gone += 1;
                eprintln!("connection {index}: {reason}");
            }
            News::Missed(_) | News::Inside => {}
        })
    }
}

impl Sender {
    /// Sends a message that was due at this time.
    fn send(&mut self, dialect: Dialect, body: usize, at: u64) -> Result<()> {
        let stamp = Stamp { room: self.seat.room, number: self.next, at };
        self.next += 1;
        say(&self.stream, &dialect.post(&self.seat, &stamp.body(body), &stamp.digits()))
            .context("the sender lost its connection")
    }
}

fn send_on_time(
    senders: &mut [Sender],
    dialect: Dialect,
    body: usize,
    rate: f64,
    begun: u64,
    time: Duration,
    sent: &AtomicU64,
) {
    let rooms = senders.len();
    for count in 0_u32.. {
        let after = Duration::from_secs_f64(f64::from(count) / rate);
        if after >= time {
            break;
        }
        let due = begun + nanoseconds(after);
        std::thread::sleep(Duration::from_nanos(due.saturating_sub(stamp::now())));
        if let Err(error) = senders[count as usize % rooms].send(dialect, body, due) {
            // The server has cut it off: what was sent till then still counts, and that it is gone.
            eprintln!("{error:#}");
            break;
        }
        sent.fetch_add(1, Ordering::Release);
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
