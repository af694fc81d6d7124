//! The head of an open thread: its changes arrive with the thread, although they belong to another room.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Api, Live, Server};

struct Thread {
    head: Value,
    room: i64,
}

/// A message of `ana` in a public room with a reply of `luis`.
async fn thread(ana: &Api, luis: &Api) -> Thread {
    let room = ana.post("/rooms", json!({"name": "huerto", "visibility": "public"})).await;
    let path = format!("/rooms/{}/messages", room["id"]);
    let head = ana.post(&path, json!({"body": "The arches are up"})).await;
    let path = format!("/messages/{}/thread", head["id"]);
    let reply = luis.post(&path, json!({"body": "They look like a door"})).await;
    Thread { room: reply["room_id"].as_i64().expect("an id"), head }
}

async fn edit(user: &Api, message: &Value, body: &str) {
    let path = format!("/messages/{}", message["id"]);
    user.ok(Method::PATCH, &path, Some(json!({"body": body}))).await;
}

/// The text of the head in the next frame that has it.
async fn next_head(live: &mut Live, thread: &Thread) -> Value {
    let frame = live.until("head").await;
    assert_eq!(frame["room"], thread.room);
    assert_eq!(frame["message"]["id"], thread.head["id"]);
    assert_eq!(frame["message"]["room_id"], thread.head["room_id"]);
    frame["message"].clone()
}

#[tokio::test]
async fn an_open_thread_receives_every_change_of_its_head() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let thread = thread(&ana, &luis).await;
    let mut live = luis.live().await;
    live.until("present").await;
    live.open_room(thread.room, Some(0)).await;
    assert_eq!(next_head(&mut live, &thread).await["body"], "The arches are up", "at first");
    edit(&ana, &thread.head, "Both arches are up").await;
    assert_eq!(next_head(&mut live, &thread).await["body"], "Both arches are up");
    let reaction = format!("/messages/{}/reactions/🎉", thread.head["id"]);
    ana.ok(Method::PUT, &reaction, None).await;
    assert_eq!(next_head(&mut live, &thread).await["reactions"][0]["count"], 1);
    ana.ok(Method::DELETE, &format!("/messages/{}", thread.head["id"]), None).await;
    let deleted = next_head(&mut live, &thread).await;
    assert_eq!((&deleted["deleted"], &deleted["thread"]["replies"]), (&json!(true), &json!(1)));
}

#[tokio::test]
async fn a_head_counts_its_replies_for_who_has_the_thread_open() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let thread = thread(&ana, &luis).await;
    let mut live = luis.live().await;
    live.until("present").await;
    live.open_room(thread.room, Some(0)).await;
    next_head(&mut live, &thread).await;
    server.advance(std::time::Duration::from_secs(2));
    let path = format!("/rooms/{}/messages", thread.room);
    ana.post(&path, json!({"body": "Where to?"})).await;
    assert_eq!(next_head(&mut live, &thread).await["thread"]["replies"], 2);
    // Closed, it receives nothing: the answer to the ping comes first.
    live.send(json!({"type": "close", "room": thread.room})).await;
    edit(&ana, &thread.head, "Both arches are up").await;
    live.send(json!({"type": "ping"})).await;
    loop {
        let frame = live.next().await;
        assert_ne!(frame["type"], "head");
        if frame["type"] == "pong" {
            break;
        }
    }
}

#[tokio::test]
async fn another_process_and_a_poll_have_the_head_too() {
    let server = Server::start().await;
    let second = server.second().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let thread = thread(&ana, &luis).await;
    // A user of the second process who is no member of the room.
    let eva = server.api("eva").await.through(&second);
    let mut live = eva.live().await;
    live.until("present").await;
    live.open_room(thread.room, Some(0)).await;
    next_head(&mut live, &thread).await;
    edit(&ana, &thread.head, "Both arches are up").await;
    // The poll that finds the reply may send the head once more.
    while next_head(&mut live, &thread).await["body"] != "Both arches are up" {}

    let mut browser = server.browser_as("tom").await;
    let room = thread.room.to_string();
    let page = browser.submit("/live", &[("room", &room), ("since_rev", "1")]).await;
    let frames: Vec<Value> = serde_json::from_str(&page.text).expect("frames");
    let head = frames.iter().find(|frame| frame["type"] == "head").expect("a head");
    let html = head["html"].as_str().expect("html");
    assert!(html.contains("Both arches are up"), "{html}");
}
