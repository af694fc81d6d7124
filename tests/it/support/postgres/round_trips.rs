//! Counts how often a client waits for its `PostgreSQL` server in each transaction, and which statements it runs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Clones share them.
#[derive(Clone, Default)]
pub struct RoundTrips {
    /// The transactions that were committed, as the numbers of their round trips.
    transactions: Arc<Mutex<Vec<u32>>>,
    /// How often each prepared statement was run.
    statements: Arc<Mutex<HashMap<String, usize>>>,
}

impl RoundTrips {
    /// Takes those of the transactions since the last time.
    pub fn take(&self) -> Vec<u32> {
        std::mem::take(&mut *self.transactions.lock().expect("a lock"))
    }

    /// Takes the prepared statements that were run since the last time, and how often.
    pub fn take_statements(&self) -> HashMap<String, usize> {
        std::mem::take(&mut *self.statements.lock().expect("a lock"))
    }

    pub fn of_connection(&self) -> ConnectionTrips {
        ConnectionTrips {
            all: self.clone(),
            bytes: Vec::new(),
            is_started: false,
            trips: None,
            is_run: false,
            prepared: HashMap::new(),
        }
    }
}

/// What a client sends over one connection.
pub struct ConnectionTrips {
    all: RoundTrips,
    /// The beginning of a message.
    bytes: Vec<u8>,
    is_started: bool,
    /// Those of the transaction that is open.
    trips: Option<u32>,
    /// Whether a statement was run since the last answer. Preparing one is not counted: it happens once.
    is_run: bool,
    /// The texts of the prepared statements by their names.
    prepared: HashMap<String, String>,
}

impl ConnectionTrips {
    /// Counts what is sent, and returns whether a statement that contains this text is run by it.
    pub fn sent(&mut self, bytes: &[u8], wanted: Option<&str>) -> bool {
        let mut is_run = false;
        self.bytes.extend_from_slice(bytes);
        // The first message has no type.
        while let Some(length) = self.length(usize::from(self.is_started)) {
            let message: Vec<u8> = self.bytes.drain(..length).collect();
            if std::mem::replace(&mut self.is_started, true) {
                let run = self.count(message[0], message.get(5..).unwrap_or_default());
                is_run |= run.zip(wanted).is_some_and(|(run, wanted)| run.contains(wanted));
            }
        }
        is_run
    }

    /// That of the next message, if it has arrived.
    fn length(&self, start: usize) -> Option<usize> {
        let field = self.bytes.get(start..start + 4)?.try_into().expect("four bytes");
        let length = start + usize::try_from(u32::from_be_bytes(field)).expect("a length");
        (self.bytes.len() >= length).then_some(length)
    }

    /// Returns the prepared statement that is run.
    fn count(&mut self, kind: u8, text: &[u8]) -> Option<String> {
        match kind {
            b'Q' if text.starts_with(b"begin") => self.trips = Some(1),
            b'Q' => {
                self.trips = self.trips.map(|trips| trips + 1);
                if text.starts_with(b"commit") {
                    let trips = self.trips.take();
                    self.all.transactions.lock().expect("a lock").extend(trips);
                }
            }
            b'P' => {
                let [name, statement] = strings(text);
                self.prepared.insert(name, statement);
            }
            b'B' => {
                let [_portal, name] = strings(text);
                let statement = self.prepared.get(&name).cloned().unwrap_or_default();
                let mut all = self.all.statements.lock().expect("a lock");
                *all.entry(statement.clone()).or_default() += 1;
                return Some(statement);
            }
            b'E' => self.is_run = true,
            b'S' if std::mem::take(&mut self.is_run) => {
                self.trips = self.trips.map(|trips| trips + 1);
            }
            _ => {}
        }
        None
    }
}

/// The two strings that a message begins with.
fn strings(message: &[u8]) -> [String; 2] {
    let mut strings = message.split(|byte| *byte == 0);
    [(); 2].map(|()| String::from_utf8_lossy(strings.next().unwrap_or_default()).into_owned())
}
