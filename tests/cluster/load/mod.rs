//! People who post and read while things fail, and the ledger of what they saw. They know no processes.

mod client;
mod ledger;
mod poster;
mod reader;

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use client::Person;
pub use ledger::{
    Acknowledged, Applied, Disturbance, Entries, Ledger, Moment, Reading, Refusal, Sample, Screen,
};
pub use poster::Poster;
pub use reader::Reader;

use crate::background;

pub struct Load {
    pub ledger: Ledger,
    pub bases: Vec<String>,
    pub admin: Person,
    /// One for each node.
    pub authors: Vec<Person>,
    /// Rooms in which the author of one node posts, by node.
    pub own: Vec<i64>,
    /// Where all post.
    pub shared: i64,
    posting: CancellationToken,
    reading: CancellationToken,
    posters: Vec<JoinHandle<()>>,
    readers: Vec<JoinHandle<()>>,
    names: usize,
}

impl Load {
    /// Creates accounts and rooms. Nothing is posted.
    pub async fn new(bases: Vec<String>) -> Self {
        let admin = Person::new(&bases, "founder").await;
        let mut load = Self {
            ledger: Ledger::new(),
            bases,
            shared: 0,
            admin,
            authors: Vec::new(),
            own: Vec::new(),
            posting: CancellationToken::new(),
            reading: CancellationToken::new(),
            posters: Vec::new(),
            readers: Vec::new(),
            names: 0,
        };
        load.shared = load.room("shared", "public").await["id"].as_i64().expect("an id");
        for node in 0..load.bases.len() {
            load.authors.push(Person::new(&load.bases, &format!("author{node}")).await);
            let room = load.room(&format!("room{node}"), "public").await;
            load.own.push(room["id"].as_i64().expect("an id"));
        }
        load
    }

    pub async fn room(&self, name: &str, visibility: &str) -> Value {
        let room = json!({"name": name, "visibility": visibility});
        self.admin.must(Method::POST, "/rooms", Some(room)).await
    }

    /// At each node someone posts in a room of its own and in the shared one, and someone reads all rooms.
    pub async fn usual(&mut self, pause: Duration) {
        for node in 0..self.bases.len() {
            self.post(node, self.own[node], pause, false);
            self.post(node, self.shared, pause, false);
            self.read(node).await;
        }
    }

    pub fn post(&mut self, node: usize, room: i64, pause: Duration, is_pinned: bool) {
        let name = format!("p{}", self.names);
        self.names += 1;
        let person = self.authors[node].clone();
        let poster = Poster { person, room, home: node, pause, is_pinned, name };
        self.posters.push(background(poster.run(self.ledger.clone(), self.posting.child_token())));
    }

    /// Someone new reads all rooms. Returns the entry in the ledger.
    pub async fn read(&mut self, node: usize) -> usize {
        let mut rooms = self.own.clone();
        rooms.push(self.shared);
        let name = format!("reader{}", self.names);
        self.names += 1;
        let person = Person::new(&self.bases, &name).await;
        self.read_as(person, rooms, node)
    }

    pub fn read_as(&mut self, person: Person, rooms: Vec<i64>, node: usize) -> usize {
        let reader = Reader::new(person, rooms, node, self.ledger.clone());
        let entry = reader.entry();
        self.readers.push(background(reader.run(self.reading.child_token())));
        entry
    }

    /// Records what `/ready` of each node answers.
    pub fn watch(&mut self, addresses: Vec<String>) {
        for (node, address) in addresses.into_iter().enumerate() {
            let (ledger, stop) = (self.ledger.clone(), self.posting.child_token());
            self.posters.push(background(async move {
                let wait = Duration::from_secs(3);
                let http = reqwest::Client::builder().timeout(wait).build().expect("a client");
                while !stop.is_cancelled() {
                    let from = ledger.now();
                    let answer = http.get(format!("{address}/ready")).send().await;
                    let is_ready = answer.is_ok_and(|answer| answer.status().is_success());
                    let sample = Sample { node, from, to: ledger.now(), is_ready };
                    ledger.entries().samples.push(sample);
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }));
        }
    }

    /// Lets posters finish what they began, and waits until readers have everything or this time is over.
    pub async fn settle(&mut self, most: Duration) {
        self.posting.cancel();
        for poster in self.posters.drain(..) {
            poster.await.expect("no panic");
        }
        let until = self.ledger.now() + most;
        while self.ledger.now() < until && !self.have_read_all() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // Changes that are no messages.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        self.reading.cancel();
        for reader in self.readers.drain(..) {
            reader.await.expect("no panic");
        }
    }

    fn have_read_all(&self) -> bool {
        let entries = self.ledger.entries();
        let mut newest: BTreeMap<i64, i64> = BTreeMap::new();
        for message in &entries.acknowledged {
            let rev = newest.entry(message.room).or_default();
            *rev = message.rev.max(*rev);
        }
        entries.readings.iter().all(|reading| {
            newest.iter().all(|(room, rev)| {
                let has = |applied: &Applied| applied.room == *room && applied.rev >= *rev;
                !reading.rooms.contains(room) || reading.applied.iter().rev().any(has)
            })
        })
    }
}
