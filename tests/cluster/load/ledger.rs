//! What clients saw: which messages were acknowledged and read, what was refused, and when nodes were ready.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// The time since the start of a run.
pub type Moment = Duration;

/// A post that was answered.
#[derive(Clone, Debug)]
pub struct Acknowledged {
    pub body: String,
    pub room: i64,
    pub id: i64,
    pub seq: i64,
    pub rev: i64,
    /// The node that was asked first, and the one that answered.
    pub first: usize,
    pub node: usize,
    pub sent: Moment,
    pub at: Moment,
}

impl Acknowledged {
    pub fn wait(&self) -> Duration {
        self.at.saturating_sub(self.sent)
    }
}

/// An answer that was no success. Without a status none came.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub node: usize,
    pub status: Option<u16>,
    pub at: Moment,
    pub took: Duration,
    pub what: String,
}

/// A message in the state of this `rev`, as a reader took it over.
#[derive(Clone, Debug)]
pub struct Applied {
    pub room: i64,
    pub seq: i64,
    pub rev: i64,
    pub body: String,
    pub at: Moment,
}

/// A room as a reader shows it: each `seq` with its `rev` and body.
pub type Screen = BTreeMap<i64, (i64, String)>;

/// What one reader saw. A new epoch makes it start again.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    pub home: usize,
    /// What it may read.
    pub rooms: BTreeSet<i64>,
    pub applied: Vec<Applied>,
    /// The epochs it found, each with the time.
    pub epochs: Vec<(Moment, String)>,
    /// Frames it knew already.
    pub repeated: u64,
    pub connections: u64,
    /// Rooms it may no longer see, and when that was decided.
    pub removed: BTreeMap<i64, Moment>,
    /// What it was sent of rooms that it may no longer see.
    pub leaked: Vec<Applied>,
    /// When it learned that it may no longer see a room.
    pub closed: BTreeMap<i64, Moment>,
    /// `read` frames: a room and the position.
    pub reads: BTreeSet<(i64, i64)>,
}

impl Reading {
    pub fn screen(&self, room: i64) -> Screen {
        let shown = self.applied.iter().filter(|applied| applied.room == room);
        shown.map(|applied| (applied.seq, (applied.rev, applied.body.clone()))).collect()
    }
}

/// An answer of `/ready`.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub node: usize,
    pub from: Moment,
    pub to: Moment,
    pub is_ready: bool,
}

/// A time in which nodes could not work.
#[derive(Clone, Debug)]
pub struct Disturbance {
    pub what: String,
    pub from: Moment,
    pub to: Moment,
    /// Nodes that cannot serve.
    pub sick: BTreeSet<usize>,
    /// Whether `/ready` must say so.
    pub is_unready: bool,
}

#[derive(Default)]
pub struct Entries {
    pub acknowledged: Vec<Acknowledged>,
    pub refusals: Vec<Refusal>,
    pub readings: Vec<Reading>,
    pub samples: Vec<Sample>,
    pub disturbances: Vec<Disturbance>,
    /// Times of which the database lost what it had acknowledged.
    pub excused: Vec<(Moment, Moment)>,
    pub given_up: Vec<String>,
    /// Rooms in which posting ends.
    pub deleted: BTreeSet<i64>,
}

#[derive(Clone)]
pub struct Ledger {
    start: Instant,
    entries: Arc<Mutex<Entries>>,
}

impl Ledger {
    pub fn new() -> Self {
        Self { start: Instant::now(), entries: Arc::default() }
    }

    pub fn now(&self) -> Moment {
        self.start.elapsed()
    }

    pub fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().expect("the ledger")
    }

    /// The entry of a new reader.
    pub fn reader(&self, home: usize, rooms: &[i64]) -> usize {
        let rooms = rooms.iter().copied().collect();
        let mut entries = self.entries();
        entries.readings.push(Reading { home, rooms, ..Reading::default() });
        entries.readings.len() - 1
    }
}
