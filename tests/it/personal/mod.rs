//! What users keep for themselves: drafts, saved messages, places of rooms; and archived rooms.

mod archived;
mod drafts;
mod places;
mod saved;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::Api;

/// A new room, with the code for private ones.
async fn room(api: &Api, name: &str, visibility: &str) -> (i64, Value) {
    let made = api.post("/rooms", json!({"name": name, "visibility": visibility})).await;
    (made["id"].as_i64().expect("an id"), made["code"].clone())
}

async fn put(api: &Api, path: &str, body: Value) {
    let (status, _) = api.ok(Method::PUT, path, Some(body)).await;
    assert_eq!(status, 204, "{path}");
}

async fn status(api: &Api, method: Method, path: &str, body: Value) -> u16 {
    api.status(method, path, Some(body)).await.0.as_u16()
}

/// The server's time, from which a client catches up.
async fn time(api: &Api) -> String {
    let mut live = api.live().await;
    let ready = live.until("ready").await;
    live.until("present").await;
    ready["at"].as_str().expect("a time").to_owned()
}
