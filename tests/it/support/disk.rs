//! A simulated disk between a server and its files (`disk.c`). It fails on demand, and it can compute
//! what a power cut would leave of the database.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The bytes that a disk writes atomically.
const SECTOR: usize = 512;

pub struct Disk(tempfile::TempDir);

impl Disk {
    pub fn new() -> Self {
        let disk = Self(tempfile::tempdir().expect("a directory"));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/disk.c");
        let done = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .args([disk.library(), source.into()])
            .args(["-ldl", "-lpthread"])
            .status();
        assert!(done.expect("a C compiler").success());
        disk
    }

    fn library(&self) -> PathBuf {
        self.0.path().join("disk.so")
    }

    /// The environment variables that make a server use this disk.
    pub fn environment(&self) -> [(&'static str, PathBuf); 2] {
        [("LD_PRELOAD", self.library()), ("DISK", self.0.path().to_owned())]
    }

    pub fn fail(&self, failure: &str) {
        std::fs::write(self.0.path().join(failure), "").expect("switched on");
    }

    pub fn recover(&self, failure: &str) {
        std::fs::remove_file(self.0.path().join(failure)).expect("switched off");
    }

    /// The length of the disk's log: all earlier writes are before this offset.
    pub fn written(&self) -> usize {
        let log = std::fs::metadata(self.0.path().join("log")).expect("a log");
        usize::try_from(log.len()).expect("a length")
    }

    /// All operations in their order. A truncated one at the end is left out.
    pub fn log(&self) -> Vec<Event> {
        let log = std::fs::read(self.0.path().join("log")).expect("a log");
        let (mut events, mut rest, mut end) = (Vec::new(), log.as_slice(), 0);
        while let Some((head, tail)) = rest.split_at_checked(16) {
            let number = |bytes: &[u8]| {
                let bytes = bytes.iter().rev();
                usize::try_from(bytes.fold(0_u64, |all, byte| all << 8 | u64::from(*byte)))
                    .expect("a number")
            };
            let (length, offset) = (number(&head[4..8]), number(&head[8..16]));
            let Some((data, tail)) = tail.split_at_checked(length) else { break };
            end += 16 + length;
            let change = match head[0] {
                b'W' => Change::Write(offset, data.to_vec()),
                b'T' => Change::Truncate(offset),
                _ => Change::Sync,
            };
            events.push(Event { end, file: usize::from(head[1] == b'w'), change });
            rest = tail;
        }
        events
    }
}

pub struct Event {
    /// The offset in the disk's log after this event.
    pub end: usize,
    /// 0: the database file, 1: its write-ahead log.
    file: usize,
    change: Change,
}

enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
    Sync,
}

/// Whether syncs of the write-ahead log take effect. `Ignored` behaves as `synchronous=NORMAL` would.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Syncs {
    Honored,
    Ignored,
}

/// A repeatable random source (xorshift) for faults.
pub struct FaultRng(pub u64);

impl FaultRng {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).expect("64 bits") % end.max(1)
    }
}

/// Writes the files that a power cut after these events leaves: everything that was synced, and of each
/// later write all, nothing or some sectors.
pub fn cut_power(events: &[Event], syncs: Syncs, rng: &mut FaultRng, into: &Path) {
    for (file, name) in [(0, "patio.db"), (1, "patio.db-wal")] {
        let mut disk = Vec::new();
        let mut waiting: Vec<&Change> = Vec::new();
        for event in events.iter().filter(|event| event.file == file) {
            match &event.change {
                Change::Sync if file == 1 && syncs == Syncs::Ignored => {}
                Change::Sync => waiting.drain(..).for_each(|change| apply(&mut disk, change)),
                change => waiting.push(change),
            }
        }
        for change in waiting {
            match (rng.below(3), change) {
                (0, _) => {}
                (1, Change::Write(offset, data)) => tear(&mut disk, *offset, data, rng),
                _ => apply(&mut disk, change),
            }
        }
        std::fs::write(into.join(name), disk).expect("written");
    }
}

fn apply(disk: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write(offset, data) => {
            let end = offset + data.len();
            disk.resize(disk.len().max(end), 0);
            disk[*offset..end].copy_from_slice(data);
        }
        Change::Truncate(length) => disk.resize(*length, 0),
        Change::Sync => {}
    }
}

fn tear(disk: &mut Vec<u8>, offset: usize, data: &[u8], rng: &mut FaultRng) {
    for (number, sector) in data.chunks(SECTOR).enumerate() {
        if rng.below(2) == 0 {
            apply(disk, &Change::Write(offset + number * SECTOR, sector.to_vec()));
        }
    }
}
