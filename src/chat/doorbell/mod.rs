//! The doorbell: notifies the other processes of the installation at once of what changed, and receives their notices.
//! Without a bus it does nothing, and each process finds changes by polling the database.
//!
//! It knows what a notice contains, but neither what follows from it nor how it travels: the features receive their
//! notices from here, and read what they miss from the database.

pub mod model;
mod repairs;
mod signature;

use prometheus_client::metrics::counter::Counter;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use self::model::{PresenceReport, ReadMoved, RoomUpdate, Typing};
pub use self::repairs::Repairs;
pub use self::signature::Signer;
use crate::kernel::{RoomId, Timestamp, UserId};
use crate::lifecycle::Lifecycle;
use crate::pubsub::bus::{Bus, BusReceiver, Received, Subject};
pub use crate::pubsub::bus::{BusMetrics, BusState};

const MESSAGES: Subject = "messages";
const CHANGES: Subject = "changes";
const READS: Subject = "reads";
const TYPING: Subject = "typing";
const PRESENCE: Subject = "presence";

/// Notices that wait for a feature. If there are more, the bus waits.
const CAPACITY: usize = 256;

/// Notices at the other processes. Clones share the bus.
#[derive(Clone, Default)]
pub struct Doorbell {
    wired: Option<Wired>,
    repairs: Repairs,
}

#[derive(Clone)]
struct Wired {
    bus: Bus,
    signer: Signer,
    refused: Counter,
}

/// The notices of other processes.
pub struct Notices {
    pub messages: mpsc::Receiver<RoomUpdate>,
    pub changes: mpsc::Receiver<ChangeNotice>,
    pub presence: mpsc::Receiver<PresenceNotice>,
}

/// A notice about who is online.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PresenceNotice {
    Report(PresenceReport),
    /// Notices may have been missed.
    Missed,
}

/// A notice that is about anything but messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeNotice {
    /// The change feed has new entries.
    Changes,
    Read(ReadMoved),
    Typing(Typing),
    /// Notices may have been missed.
    Missed,
}

/// The ends that the features read from.
struct Router {
    signer: Signer,
    refused: Counter,
    messages: mpsc::Sender<RoomUpdate>,
    changes: mpsc::Sender<ChangeNotice>,
    presence: mpsc::Sender<PresenceNotice>,
}

impl Doorbell {
    /// Starts the task that passes on the notices of other processes.
    pub fn start(
        bus: Bus,
        receiver: BusReceiver,
        signer: Signer,
        lifecycle: &Lifecycle,
    ) -> (Self, Notices) {
        let (to_messages, messages) = mpsc::channel(CAPACITY);
        let (to_changes, changes) = mpsc::channel(CAPACITY);
        let (to_presence, presence) = mpsc::channel(CAPACITY);
        let refused = Counter::default();
        let router = Router {
            signer: signer.clone(),
            refused: refused.clone(),
            messages: to_messages,
            changes: to_changes,
            presence: to_presence,
        };
        let repairs = Repairs::default();
        let closing = lifecycle.closing();
        lifecycle.spawn_worker("doorbell", async move {
            closing.run_until_cancelled(router.run(receiver)).await;
        });
        (
            Self { wired: Some(Wired { bus, signer, refused }), repairs },
            Notices { messages, changes, presence },
        )
    }

    /// Whether notices reach other processes.
    pub fn state(&self) -> BusState {
        self.wired.as_ref().map_or(BusState::Off, |wired| wired.bus.state())
    }

    /// Since when notices reach no other process; `None` while they do, and without a bus.
    pub fn away_since(&self) -> Option<Timestamp> {
        self.wired.as_ref().and_then(|wired| wired.bus.away_since())
    }

    /// The counters of the bus, and of notices that were refused: they are not signed by this installation. `None` without
    /// a bus.
    pub fn metrics(&self) -> Option<(BusMetrics, Counter)> {
        self.wired.as_ref().map(|wired| (wired.bus.metrics().clone(), wired.refused.clone()))
    }

    /// What notices did not bring.
    pub fn repairs(&self) -> &Repairs {
        &self.repairs
    }

    /// Messages were posted or changed. `updates` is only called if notices can be sent now.
    pub(in crate::chat) fn notify_messages(&self, updates: impl FnOnce() -> Vec<RoomUpdate>) {
        if self.state() == BusState::Connected {
            for update in updates() {
                self.send(MESSAGES, &update);
            }
        }
    }

    /// A transaction that recorded a change has committed.
    pub(in crate::chat) fn notify_changes(&self) {
        self.send(CHANGES, &());
    }

    /// A user moved their read marker.
    pub(in crate::chat) fn notify_read(&self, user: UserId, room: RoomId) {
        self.send(READS, &ReadMoved { user, room });
    }

    /// A user is typing.
    pub fn notify_typing(&self, user: UserId, room: RoomId) {
        self.send(TYPING, &Typing { user, room });
    }

    /// Users came or went.
    pub(in crate::chat) fn notify_presence(&self, report: &PresenceReport) {
        self.send(PRESENCE, report);
    }

    fn send(&self, subject: Subject, notice: &impl Serialize) {
        let Some(Wired { bus, signer, .. }) = &self.wired else { return };
        if bus.state() == BusState::Connected
            && let Ok(text) = serde_json::to_vec(notice)
        {
            bus.publish(subject, signer.sign(subject, &text));
        }
    }
}

impl Notices {
    /// No notice ever comes.
    pub fn none() -> Self {
        Self {
            messages: mpsc::channel(1).1,
            changes: mpsc::channel(1).1,
            presence: mpsc::channel(1).1,
        }
    }
}

impl Router {
    async fn run(&self, mut receiver: BusReceiver) {
        while let Some(received) = receiver.next().await {
            // Neither matters: a feature that has ended, a notice that cannot be passed on.
            let _: Option<()> = match received {
                Received::Missed => self.pass_on_missed().await,
                Received::Note(note) => self.pass_on(&note.subject, &note.payload).await,
            };
        }
    }

    async fn pass_on_missed(&self) -> Option<()> {
        self.presence.send(PresenceNotice::Missed).await.ok()?;
        self.changes.send(ChangeNotice::Missed).await.ok()
    }

    /// Passes on a notice. `None` if it cannot be: it is not of this installation, or of a later version.
    async fn pass_on(&self, subject: &str, signed: &[u8]) -> Option<()> {
        let Some(text) = self.signer.verified(subject, signed) else {
            self.refused.inc();
            return None;
        };
        let change = match subject {
            MESSAGES => return self.messages.send(read(text)?).await.ok(),
            PRESENCE => return self.presence.send(PresenceNotice::Report(read(text)?)).await.ok(),
            CHANGES => ChangeNotice::Changes,
            READS => ChangeNotice::Read(read(text)?),
            TYPING => ChangeNotice::Typing(read(text)?),
            _ => return None,
        };
        self.changes.send(change).await.ok()
    }
}

fn read<T: DeserializeOwned>(text: &[u8]) -> Option<T> {
    serde_json::from_slice(text).ok()
}
