//! Someone who posts again and again, and retries elsewhere under the same nonce until it is acknowledged.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Acknowledged, Ledger, Person, Refusal};

pub struct Poster {
    pub person: Person,
    pub room: i64,
    pub home: usize,
    /// Between two posts.
    pub pause: Duration,
    /// Never asks another node.
    pub is_pinned: bool,
    /// Begins each body: no two posters have the same one.
    pub name: String,
}

/// Between two attempts.
const BACKOFF: Duration = Duration::from_millis(50);
/// A message that is not stored by then is reported as lost.
const GIVES_UP: Duration = Duration::from_secs(90);

impl Poster {
    pub async fn run(self, ledger: Ledger, stop: CancellationToken) {
        let mut node = self.home;
        for number in 0_u64.. {
            let next = Instant::now() + self.pause;
            if number.is_multiple_of(20) {
                node = self.home;
            }
            let Some((served, id)) = self.post(node, number, &ledger).await else { return };
            node = served;
            // A change that is no message, and that makes none when it is repeated.
            if number.is_multiple_of(5) {
                let path = format!("/messages/{id}/reactions/%F0%9F%91%8D");
                self.call(node, Method::PUT, &path, None, &ledger).await;
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep_until(next) => {}
            }
        }
    }

    /// Posts a message. Returns the node that stored it and its id.
    async fn post(&self, mut node: usize, number: u64, ledger: &Ledger) -> Option<(usize, i64)> {
        let body = format!("{}-{number}", self.name);
        let (first, sent) = (node, ledger.now());
        let path = format!("/rooms/{}/messages", self.room);
        loop {
            let message = json!({"body": body, "nonce": body});
            if let Some(message) = self.call(node, Method::POST, &path, Some(message), ledger).await
            {
                let number = |field: &str| message[field].as_i64().expect("a number");
                let acknowledged = Acknowledged {
                    body,
                    room: self.room,
                    id: number("id"),
                    seq: number("seq"),
                    rev: number("rev"),
                    first,
                    node,
                    sent,
                    at: ledger.now(),
                };
                ledger.entries().acknowledged.push(acknowledged);
                return Some((node, number("id")));
            }
            if ledger.entries().deleted.contains(&self.room) {
                return None;
            }
            if !self.is_pinned {
                node = (node + 1) % self.person.nodes();
            }
            if ledger.now() > sent + GIVES_UP {
                ledger.entries().given_up.push(body);
                return None;
            }
            sleep(BACKOFF).await;
        }
    }

    async fn call(
        &self,
        node: usize,
        method: Method,
        path: &str,
        body: Option<Value>,
        ledger: &Ledger,
    ) -> Option<Value> {
        let began = ledger.now();
        let (status, what) = match self.person.call(node, method, path, body).await {
            Ok((200..=299, answer)) => return Some(answer),
            Ok((status, answer)) => (Some(status), answer["detail"].to_string()),
            Err(error) => (None, error.to_string()),
        };
        let at = ledger.now();
        let took = at.saturating_sub(began);
        ledger.entries().refusals.push(Refusal { node, status, at, took, what });
        None
    }
}
