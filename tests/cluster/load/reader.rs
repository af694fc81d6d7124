//! Someone who reads over a live connection, and comes back to the next node when it ends or falls silent.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, interval, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::sync::CancellationToken;

use super::client::PATIENCE;
use super::{Applied, Ledger, Person};
use crate::random::Random;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub struct Reader {
    person: Person,
    rooms: Vec<i64>,
    node: usize,
    ledger: Ledger,
    /// Its entry in the ledger.
    entry: usize,
    epoch: Option<String>,
    /// The newest change it knows of each room, and the message of that change.
    known: BTreeMap<i64, (i64, i64)>,
    random: Random,
}

impl Reader {
    pub fn new(person: Person, rooms: Vec<i64>, home: usize, ledger: Ledger) -> Self {
        let entry = ledger.reader(home, &rooms);
        let random = Random::from_seed(u64::try_from(entry).expect("small"));
        Self {
            person,
            rooms,
            node: home,
            ledger,
            entry,
            epoch: None,
            known: BTreeMap::new(),
            random,
        }
    }

    pub fn entry(&self) -> usize {
        self.entry
    }

    pub async fn run(mut self, stop: CancellationToken) {
        let mut backoff = 50;
        while !stop.is_cancelled() {
            let lasted = Instant::now();
            if let Ok(Some(socket)) = timeout(PATIENCE, self.connect()).await {
                tokio::select! {
                    () = stop.cancelled() => return,
                    _ = self.read(socket) => self.note_end(),
                }
            }
            if lasted.elapsed() > Duration::from_secs(5) {
                backoff = 50;
            }
            self.node = (self.node + 1) % self.person.nodes();
            sleep(self.random.millis(backoff / 2, backoff)).await;
            backoff = (backoff * 2).min(1000);
        }
    }

    /// Who is no longer connected is sent nothing more.
    fn note_end(&self) {
        let now = self.ledger.now();
        let mut entries = self.ledger.entries();
        // None once the run has ended, and its entries were taken.
        let Some(reading) = entries.readings.get_mut(self.entry) else { return };
        for room in reading.removed.keys() {
            reading.closed.entry(*room).or_insert(now);
        }
    }

    async fn connect(&self) -> Option<Socket> {
        let mut request = self.person.live(self.node).into_client_request().expect("a request");
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", HeaderValue::from_static("patio.v1"));
        let token = HeaderValue::from_str(&format!("Bearer {}", self.person.token));
        headers.insert("authorization", token.expect("a value"));
        let (socket, _) = connect_async(request).await.ok()?;
        self.ledger.entries().readings[self.entry].connections += 1;
        Some(socket)
    }

    /// Reads until the connection ends, or falls silent although it is asked to answer.
    async fn read(&mut self, mut socket: Socket) -> Option<()> {
        let mut asking = interval(Duration::from_secs(1));
        let mut last = Instant::now();
        loop {
            let frame = tokio::select! {
                _ = asking.tick() => {
                    if last.elapsed() > PATIENCE {
                        return None;
                    }
                    socket.send(text(&json!({"type": "ping"}))).await.ok()?;
                    continue;
                }
                frame = socket.next() => frame?.ok()?,
            };
            last = Instant::now();
            let Message::Text(frame) = frame else { continue };
            let frame: Value = serde_json::from_str(&frame).expect("JSON");
            for room in self.take(&frame) {
                let (rev, id) = self.known.get(&room).copied().unwrap_or_default();
                let mut open = json!({"type": "open", "room": room, "since_rev": rev});
                if rev > 0 {
                    open["since_id"] = json!(id);
                }
                socket.send(text(&open)).await.ok()?;
            }
        }
    }

    /// Takes a frame over. Returns the rooms that must be opened.
    fn take(&mut self, frame: &Value) -> Vec<i64> {
        let room = frame["room"].as_i64();
        match frame["type"].as_str().expect("a type") {
            "ready" => {
                let epoch = frame["epoch"].as_str().expect("an epoch").to_owned();
                if self.epoch.as_ref() != Some(&epoch) {
                    self.start_again(epoch);
                }
                return self.rooms.clone();
            }
            "resync" => {
                if frame["reset"] == true {
                    let epoch = self.epoch.clone().unwrap_or_default();
                    self.start_again(epoch);
                    return self.rooms.clone();
                }
                return room.map_or_else(|| self.rooms.clone(), |room| vec![room]);
            }
            "closed" => {
                let room = room.expect("a room");
                let now = self.ledger.now();
                self.rooms.retain(|open| *open != room);
                self.ledger.entries().readings[self.entry].closed.insert(room, now);
            }
            "read" => {
                let read = (room.expect("a room"), frame["seq"].as_i64().unwrap_or_default());
                self.ledger.entries().readings[self.entry].reads.insert(read);
            }
            "message" => self.apply(frame, room.expect("a room")),
            _ => {}
        }
        Vec::new()
    }

    fn start_again(&mut self, epoch: String) {
        let now = self.ledger.now();
        self.epoch = Some(epoch.clone());
        self.known.clear();
        let reading = &mut self.ledger.entries().readings[self.entry];
        reading.epochs.push((now, epoch));
        reading.applied.clear();
    }

    fn apply(&mut self, frame: &Value, room: i64) {
        let (rev, message) = (frame["rev"].as_i64().expect("a rev"), &frame["message"]);
        let number = |field: &str| message[field].as_i64().expect("a number");
        let body = message["body"].as_str().expect("text").to_owned();
        let applied = Applied { room, seq: number("seq"), rev, body, at: self.ledger.now() };
        let reading = &mut self.ledger.entries().readings[self.entry];
        if reading.removed.contains_key(&room) {
            reading.leaked.push(applied.clone());
        }
        if self.known.get(&room).is_some_and(|(known, _)| rev <= *known) {
            reading.repeated += 1;
            return;
        }
        self.known.insert(room, (rev, number("id")));
        reading.applied.push(applied);
    }
}

fn text(frame: &Value) -> Message {
    Message::text(frame.to_string())
}
