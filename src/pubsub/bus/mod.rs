//! Carries short notes between the processes of one installation. A note only hints at what the database already has:
//! it may be lost, come twice or out of order, and a process without any bus is right, only slower.
//!
//! What a note contains is opaque here. The one implementation is NATS (core: at most once, nothing is stored).

mod nats;

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{Notify, mpsc};

use crate::config::BusSettings;
use crate::kernel::{Clock, Random, Timestamp};
use crate::lifecycle::Lifecycle;

/// Notes that wait to be sent. More are left out.
const OUTGOING: usize = 1_024;
/// Notes that wait to be read. More wait in the client of the server, which drops the newest of too many.
const INCOMING: usize = 256;
/// The longest note, in bytes: well below what servers accept by default (1 MB).
pub const LONGEST_NOTE: usize = 64 * 1_024;

/// What a note is about: one word, the last part of its subject.
pub type Subject = &'static str;

/// Counters of the bus.
#[derive(Clone, Default)]
pub struct BusMetrics {
    /// 1 while connected to a server.
    pub connected: Gauge,
    pub published: Counter,
    pub received: Counter,
    /// Notes that were left out because there was no connection, or too many of them.
    pub skipped: Counter,
    /// How often a server or this process dropped notes because it read too slowly.
    pub slow: Counter,
}

/// Whether notes reach other processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusState {
    /// There is no bus.
    Off,
    Connected,
    Away,
}

impl BusState {
    const ALL: [Self; 3] = [Self::Off, Self::Connected, Self::Away];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Connected => "connected",
            Self::Away => "away",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// The sending end. Clones share it.
#[derive(Clone)]
pub struct Bus {
    outgoing: mpsc::Sender<(Subject, Vec<u8>)>,
    metrics: BusMetrics,
    away_since: AwaySince,
}

/// Since when there is no connection; `None` while there is one. Clones share it.
#[derive(Clone)]
struct AwaySince(Arc<Mutex<Option<Timestamp>>>);

impl AwaySince {
    fn get(&self) -> Option<Timestamp> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, since: Option<Timestamp>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }
}

/// The receiving end.
pub struct BusReceiver {
    notes: mpsc::Receiver<Note>,
    missed: Arc<Notify>,
}

/// What the receiving end gets.
pub enum Received {
    Note(Note),
    /// Notes may have been missed: the connection is new, or this process read too slowly.
    Missed,
}

/// A note of another process.
pub struct Note {
    pub subject: String,
    pub payload: Bytes,
}

impl Bus {
    /// Starts the tasks that send and receive. Whether a server can be reached does not matter: they try until it can.
    ///
    /// # Errors
    /// If an address cannot be used.
    pub async fn start(
        settings: &BusSettings,
        (clock, random): (&Clock, &Random),
        lifecycle: &Lifecycle,
    ) -> anyhow::Result<(Self, BusReceiver)> {
        let metrics = BusMetrics::default();
        let away_since = AwaySince(Arc::new(Mutex::new(Some(clock.now()))));
        let missed = Arc::new(Notify::new());
        let (outgoing, to_send) = mpsc::channel(OUTGOING);
        let (received, notes) = mpsc::channel(INCOMING);
        let link = nats::Link {
            metrics: metrics.clone(),
            missed: missed.clone(),
            away_since: away_since.clone(),
            clock: clock.clone(),
        };
        let client = nats::connect(settings, &link, random.clone()).await?;
        nats::send(&client, to_send, link.clone(), settings, lifecycle);
        nats::receive(&client, received, link, settings, lifecycle).await?;
        Ok((Self { outgoing, metrics, away_since }, BusReceiver { notes, missed }))
    }

    /// Sends a note to all other processes, if that is possible now. Never waits.
    pub fn publish(&self, subject: Subject, payload: Vec<u8>) {
        if payload.len() > LONGEST_NOTE || self.outgoing.try_send((subject, payload)).is_err() {
            self.metrics.skipped.inc();
        }
    }

    pub fn state(&self) -> BusState {
        match self.metrics.connected.get() {
            0 => BusState::Away,
            _ => BusState::Connected,
        }
    }

    /// Since when there is no connection; `None` while there is one.
    pub fn away_since(&self) -> Option<Timestamp> {
        self.away_since.get()
    }

    pub fn metrics(&self) -> &BusMetrics {
        &self.metrics
    }
}

impl BusReceiver {
    /// Waits for the next note; `None` after the end.
    pub async fn next(&mut self) -> Option<Received> {
        tokio::select! {
            () = self.missed.notified() => Some(Received::Missed),
            note = self.notes.recv() => note.map(Received::Note),
        }
    }
}
