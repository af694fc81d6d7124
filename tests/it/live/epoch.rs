//! Epochs: the database was replaced by an older state (a dump, a copy of the file, a snapshot), and
//! clients that have seen the newer one detect it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Api, Browser, Live, Server, Storage, eventually, within};

async fn post(author: &Api, bodies: std::ops::RangeInclusive<i64>) -> Vec<Value> {
    let mut messages = Vec::new();
    for n in bodies {
        messages.push(author.say(&format!("m{n}")).await);
    }
    messages
}

async fn epoch(user: &Api) -> String {
    let ready = user.live().await.until("ready").await;
    ready["epoch"].as_str().expect("an epoch").to_owned()
}

/// The first frame after a room is opened with the rev and id that a client remembers.
async fn opened(user: &Api, since_rev: i64, since_id: &Value) -> Value {
    let mut live = user.live().await;
    live.until("present").await;
    let open = json!({"type": "open", "room": 1, "since_rev": since_rev, "since_id": since_id});
    live.send(open).await;
    // Unread counts may be sent in between.
    loop {
        let frame = live.next().await;
        if frame["type"] != "unread" {
            return frame;
        }
    }
}

async fn poll(user: &Api, since_rev: i64, since_id: &Value) -> StatusCode {
    let path = format!("/rooms/1/messages?since_rev={since_rev}&since_id={since_id}");
    user.send(Method::GET, &path, None).await.status()
}

#[tokio::test]
async fn only_clients_with_a_diverging_rev_must_reload() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let other = ana.post("/rooms", json!({"name": "Otra", "visibility": "public"})).await;
    let path = format!("/rooms/{}/messages", other["id"]);
    let elsewhere = ana.post(&path, json!({"body": "otra"})).await["id"].clone();
    let messages = post(&ana, 1..=4).await;
    let id = |n: usize| messages[n - 1]["id"].clone();
    let edit = json!({"body": "changed"});
    ana.ok(Method::PATCH, &format!("/messages/{}", id(2)), Some(edit)).await;
    ana.ok(Method::DELETE, &format!("/messages/{}", id(3)), None).await;
    for (what, rev, id, is_known) in [
        ("the message at it", 1, id(1), true),
        ("a message that has changed since", 2, id(2), true),
        ("one that was deleted since", 3, id(3), true),
        ("its new state", 5, id(2), true),
        ("another message", 4, id(1), false),
        ("a message that is gone", 4, json!(999_999), false),
        ("one that was not as far", 5, id(4), false),
        ("one of another room", 1, elsewhere, false),
    ] {
        let expected = if is_known { "opened" } else { "resync" };
        let frame = opened(&luis, rev, &id).await;
        assert_eq!(frame["type"], expected, "{what}");
        let reset = if is_known { Value::Null } else { json!(true) };
        assert_eq!(frame["reset"], reset, "{what}");
        let expected = if is_known { StatusCode::OK } else { StatusCode::CONFLICT };
        assert_eq!(poll(&luis, rev, &id).await, expected, "{what}");
    }
    let mut plain = luis.live().await;
    assert_eq!(plain.open_room(1, Some(4)).await.len(), 4, "without an id as before");
}

#[tokio::test]
async fn restored_older_state_gets_a_new_epoch_at_start() {
    let mut server = Server::start().await;
    let ana = server.api("ana").await;
    post(&ana, 1..=5).await;
    let before = epoch(&ana).await;
    server.stop().await;
    let saved = server.storage().snapshot().await;
    let mut server = server.second().await;
    let ana = ana.through(&server);
    assert_eq!(epoch(&ana).await, before, "a restart does not change the epoch");
    post(&ana, 6..=8).await;
    server.stop().await;
    server.storage().restore(&saved).await;
    let mut server = server.second().await;
    let ana = ana.through(&server);
    let after = epoch(&ana).await;
    assert_ne!(after, before);
    let messages = post(&ana, 6..=9).await;
    assert_eq!(messages[3]["seq"], 9);
    server.stop().await;
    let server = server.second().await;
    assert_eq!(epoch(&ana.through(&server)).await, after, "it keeps the new name");
}

#[tokio::test]
async fn clients_detect_a_full_rollback_by_message_id() {
    let mut server = Server::start().await;
    let ana = server.api("ana").await;
    post(&ana, 1..=5).await;
    server.stop().await;
    let saved = server.storage().snapshot().await;
    let note = std::fs::read(server.data().join("newest.json")).expect("a note");
    let mut server = server.second().await;
    let lost = post(&ana.through(&server), 6..=8).await;
    server.stop().await;
    server.storage().restore(&saved).await;
    std::fs::write(server.data().join("newest.json"), note).expect("put back");
    let server = server.second().await;
    let ana = ana.through(&server);
    post(&ana, 6..=9).await;
    let frame = opened(&ana, 8, &lost[2]["id"]).await;
    assert_eq!((&frame["type"], &frame["reset"]), (&json!("resync"), &json!(true)));
    assert_eq!(poll(&ana, 8, &lost[2]["id"]).await, StatusCode::CONFLICT);
}

#[tokio::test]
async fn database_replaced_under_a_running_server_is_detected() {
    if !Storage::is_on_postgres() {
        return;
    }
    let server = Server::start().await;
    let ana = server.api("ana").await;
    post(&ana, 1..=5).await;
    let mut live = ana.live().await;
    let before = live.until("ready").await["epoch"].clone();
    server.storage().set_reachable(false).await;
    let saved = server.storage().snapshot().await;
    server.storage().set_reachable(true).await;
    eventually("the database is reachable again", async || {
        let ready = reqwest::get(server.url("/ready")).await.expect("an answer");
        ready.status() == StatusCode::OK
    })
    .await;
    post(&ana, 6..=8).await;
    server.storage().restore(&saved).await;
    assert_eq!(live.closed().await, 1012, "all connections come again");
    let mut back = again(&ana).await;
    assert_ne!(back.until("ready").await["epoch"], before);
    back.open_room(1, None).await;
    ana.say("new").await;
    assert_eq!(back.until("message").await["message"]["body"], "new");
}

/// Opens a live connection as soon as the server can reach the database again.
async fn again(user: &Api) -> Live {
    let connect = async {
        loop {
            match user.try_live("").await {
                Ok(live) => return live,
                Err(status) => assert_eq!(status, 503),
            }
        }
    };
    within("the database is reachable again", connect).await
}

#[tokio::test]
async fn page_names_the_current_epoch() {
    let server = Server::start().await;
    let mut ana: Browser = server.browser_as("ana").await;
    let shown = ana.get("/rooms/1").await.attribute("#app", "data-epoch").expect("an epoch");
    assert_eq!(epoch(&server.api("luis").await).await, shown);
}
