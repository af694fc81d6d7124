//! Unread counts: deleted messages do not count, wherever the count is shown.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Api, Live, Server};

/// Posts this many messages in the lobby and returns their ids.
async fn post(author: &Api, number: usize) -> Vec<Value> {
    let mut ids = Vec::new();
    for n in 0..number {
        ids.push(author.say(&n.to_string()).await["id"].clone());
    }
    ids
}

async fn delete(author: &Api, id: &Value) {
    author.ok(Method::DELETE, &format!("/messages/{id}"), None).await;
}

async fn listed(api: &Api) -> Value {
    api.get("/rooms").await["items"][0]["unread"].clone()
}

/// Reads `unread` frames until one has this count.
async fn until_unread(live: &mut Live, number: i64) {
    while live.until("unread").await["unread"] != number {}
}

#[tokio::test]
async fn deleted_messages_are_never_counted_as_unread() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let mut page = server.browser_as("luis").await;
    let luis = server.api("luis").await;
    let other = ana.post("/rooms", json!({"name": "Otra", "visibility": "public"})).await;
    luis.ok(Method::POST, &format!("/rooms/{}/join", other["id"]), None).await;
    let ids = post(&ana, 3).await;
    for (deleted, left) in [(0_usize, 3), (1, 2), (2, 1), (3, 0)] {
        if let Some(id) = deleted.checked_sub(1) {
            delete(&ana, &ids[id]).await;
        }
        assert_eq!(listed(&luis).await, left);
        assert_eq!(luis.get("/rooms/1").await["unread"], left);
        let ready = luis.live().await.until("ready").await;
        let lobby = json!({"id": 1, "last_seq": 3, "last_read_seq": 0, "rev": 3 + deleted,
                           "unread": left, "mentions": 0});
        assert_eq!(ready["rooms"][0], lobby);
        let shown = page.get(&format!("/rooms/{}", other["id"])).await;
        let badge = shown.attribute("[data-room=\"1\"] .badge", "data-unread");
        assert_eq!(badge, Some(left.to_string()));
    }
    post(&ana, 1).await;
    assert_eq!(listed(&luis).await, 1, "new messages count");
}

#[tokio::test]
async fn deletion_publishes_the_remaining_unread_count() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (mut elsewhere, mut open) = (luis.live().await, luis.live().await);
    elsewhere.until("present").await;
    open.open_room(1, None).await;
    let ids = post(&ana, 3).await;
    for (id, left) in ids.iter().zip([2, 1, 0]) {
        delete(&ana, id).await;
        until_unread(&mut elsewhere, left).await;
        until_unread(&mut open, left).await;
    }
}

#[tokio::test]
async fn partial_read_count_excludes_deleted_messages() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let ids = post(&ana, 5).await;
    for id in [&ids[0], &ids[3]] {
        delete(&ana, id).await;
    }
    let mut live = luis.live().await;
    live.until("present").await;
    live.send(json!({"type": "read", "room": 1, "seq": 2})).await;
    let read = json!({"type": "read", "room": 1, "seq": 2, "unread": 2, "mentions": 0});
    assert_eq!(live.until("read").await, read);
    assert_eq!(listed(&luis).await, 2);
}

#[tokio::test]
async fn read_marker_moves_back_only_by_force() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    post(&ana, 4).await;
    let (mut here, mut elsewhere) = (luis.live().await, {
        let other = server.second().await;
        luis.through(&other).live().await
    });
    for live in [&mut here, &mut elsewhere] {
        live.until("present").await;
    }
    for (mark, left) in [
        (json!({"seq": 4}), 0),
        (json!({"seq": 1}), 0),
        (json!({"seq": 1, "force": true}), 3),
        (json!({"seq": 9, "force": true}), 3),
        (json!({"seq": -1, "force": true}), 3),
        (json!({"seq": 0, "force": true}), 4),
        (json!({"seq": 2, "force": false}), 2),
    ] {
        luis.ok(Method::PUT, "/rooms/1/read", Some(mark.clone())).await;
        assert_eq!(listed(&luis).await, left, "{mark}");
    }
    for live in [&mut here, &mut elsewhere] {
        while live.until("read").await["back"] != true {}
    }
}

#[tokio::test]
async fn only_members_mark_messages_as_unread() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let room = ana.post("/rooms", json!({"name": "Huerto", "visibility": "public"})).await;
    let path = format!("/rooms/{}", room["id"]);
    ana.post(&format!("{path}/messages"), json!({"body": "hola"})).await;
    let read = format!("{path}/read");
    let back = || Some(json!({"seq": 0, "force": true}));
    assert_eq!(luis.refused(Method::PUT, &read, back()).await.status, 409);
    luis.post(&format!("{path}/join"), json!({})).await;
    luis.ok(Method::PUT, &read, back()).await;
    assert_eq!(luis.get(&path).await["unread"], 1);
}

#[tokio::test]
async fn deletion_through_another_server_updates_unread_here() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let mut live = luis.live().await;
    live.until("present").await;
    let ids = post(&ana, 2).await;
    let other = server.second().await;
    delete(&ana.through(&other), &ids[0]).await;
    until_unread(&mut live, 1).await;
}

#[tokio::test]
async fn future_sync_time_makes_the_client_reload() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let at = |frame: Value| frame["at"].as_str().expect("a time").to_owned();
    let now = at(ana.live().await.until("ready").await);
    let mut back = ana.live_since(&now).await;
    back.send(json!({"type": "ping"})).await;
    loop {
        let frame = back.next().await;
        assert_ne!(frame["type"], "resync", "the clock went on");
        if frame["type"] == "pong" {
            break;
        }
    }
    server.set_back(std::time::Duration::from_hours(1));
    let mut back = ana.live_since(&now).await;
    back.until("resync").await;
}
