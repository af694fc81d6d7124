//! Sync: a client that was away receives the changes of users and rooms when it returns.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Api, Live, PASSWORD, Server};

/// All frames that follow the hello.
async fn missed(mut live: Live) -> Vec<Value> {
    live.send(json!({"type": "ping"})).await;
    let mut frames = Vec::new();
    loop {
        let frame = live.next().await;
        match frame["type"].as_str() {
            Some("ready" | "present" | "presence") => {}
            Some("pong") => return frames,
            _ => frames.push(frame),
        }
    }
}

/// Opens and closes a connection of this user, and returns its time. The clock advances before and after,
/// so that earlier changes are outside the overlap.
async fn visit(server: &Server, user: &Api) -> String {
    server.advance(Duration::from_mins(1));
    let at = user.live().await.until("ready").await["at"].as_str().expect("a time").to_owned();
    server.advance(Duration::from_mins(1));
    at
}

async fn room(owner: &Api, name: &str, visibility: &str) -> (i64, String) {
    let made = owner.post("/rooms", json!({"name": name, "visibility": visibility})).await;
    (made["id"].as_i64().expect("an id"), made["code"].as_str().expect("a code").to_owned())
}

fn summaries(frames: &[Value]) -> Vec<String> {
    let about = |frame: &Value| match frame["type"].as_str().expect("a type") {
        "user" => format!("user {}", frame["user"]["display_name"].as_str().expect("a name")),
        "room" => format!("room {}", frame["room"]["name"].as_str().expect("a name")),
        "closed" => format!("closed {}", frame["room"]),
        "member" => {
            let verb = if frame["joined"] == true { "joined" } else { "left" };
            format!("{} {verb} {}", frame["user"]["name"].as_str().expect("a name"), frame["room"])
        }
        other => other.to_owned(),
    };
    frames.iter().map(about).collect()
}

#[tokio::test]
async fn returning_client_gets_current_users_and_rooms_once() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (garden, _) = room(&ana, "huerto", "public").await;
    let at = visit(&server, &luis).await;

    let mut page = server.browser();
    page.login("ana", PASSWORD).await;
    for name in ["Ana B.", "Ana Belén"] {
        page.submit("/settings/name", &[("display_name", name)]).await;
    }
    for name in ["jardín", "el jardín"] {
        ana.ok(Method::PATCH, &format!("/rooms/{garden}"), Some(json!({"name": name}))).await;
    }
    server.api("tom").await.post(&format!("/rooms/{garden}/join"), json!({})).await;
    ana.post(&format!("/rooms/{garden}/leave"), json!({})).await;

    let frames = missed(luis.live_since(&at).await).await;
    let wanted = [
        "user Ana Belén".to_owned(),
        "tom joined 1".to_owned(),
        format!("tom joined {garden}"),
        format!("ana left {garden}"),
        "room el jardín".to_owned(),
    ];
    assert_eq!(summaries(&frames), wanted);
    assert!(missed(luis.live().await).await.is_empty(), "without `since` there is no sync");
}

#[tokio::test]
async fn only_members_get_changes_of_private_rooms() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (left, code) = room(&ana, "casa", "private").await;
    luis.post("/join", json!({"code": code})).await;
    let at = visit(&server, &luis).await;

    let (new, code) = room(&ana, "cocina", "private").await;
    luis.post("/join", json!({"code": code})).await;
    luis.post(&format!("/rooms/{left}/leave"), json!({})).await;
    let (_, _) = room(&ana, "secreta", "private").await;

    assert_eq!(
        summaries(&missed(luis.live_since(&at).await).await),
        [format!("ana joined {new}"), "room cocina".to_owned(), format!("closed {left}")]
    );
    let tom = server.api("tom").await;
    let frames = missed(tom.live_since(&at).await).await;
    assert_eq!(summaries(&frames), ["room lobby"], "{frames:?}");
}

#[tokio::test]
async fn client_away_too_long_must_reload() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let at = visit(&server, &luis).await;
    for n in 0..100 {
        room(&ana, &format!("r{n}"), "public").await;
    }
    // Two changes for each room: the room itself, and ana's membership.
    assert_eq!(summaries(&missed(luis.live_since(&at).await).await), ["resync"]);

    let first = luis.live().await.until("ready").await["at"].as_str().expect("a time").to_owned();
    server.advance(Duration::from_millis(1));
    let later = luis.live().await.until("ready").await["at"].as_str().expect("a time").to_owned();
    assert_ne!(first, later);
    assert_eq!(
        missed(luis.live_since(&later).await).await.len(),
        100,
        "sent again because of the overlap, but not more"
    );

    let at = visit(&server, &luis).await;
    server.advance(Duration::from_hours(7 * 24));
    assert_eq!(summaries(&missed(luis.live_since(&at).await).await), ["resync"]);
}

#[tokio::test]
async fn invalid_since_is_refused() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    for text in ["yesterday", "1763715900120", ""] {
        assert_eq!(ana.try_live(&format!("?since={text}")).await.err(), Some(422), "{text}");
    }
    assert!(ana.try_live("?since=2025-11-21T09:05:00Z").await.is_ok());
}
