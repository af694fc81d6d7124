//! Live connections under stress: many at once, over bad networks, and from misbehaving clients.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Api, Live, Server, eventually};

const POSTS: i64 = 120;

/// Reads the lobby until it has all messages, and reconnects now and then.
async fn read_everything(reader: &Api, patience: i64) -> Vec<i64> {
    let mut revs: Vec<i64> = Vec::new();
    while revs.last() != Some(&POSTS) {
        let mut live = reader.live().await;
        let since = revs.last().copied().unwrap_or(0);
        live.send(json!({"type": "open", "room": 1, "since_rev": since})).await;
        let until = since + patience;
        while revs.last().is_none_or(|last| *last < until.min(POSTS)) {
            let frame = live.next().await;
            assert_ne!(frame["type"], "error", "{frame}");
            if frame["type"] == "message" {
                revs.extend(frame["rev"].as_i64());
            }
        }
    }
    revs
}

#[tokio::test]
async fn every_client_receives_all_messages_once_in_order() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let writing = async {
        for n in 0..POSTS / 4 {
            let bodies: Vec<_> = (0..4).map(|k| format!("{n}.{k}")).collect();
            join_all(bodies.iter().map(|body| ana.say(body))).await;
        }
    };
    let reading = join_all((1..=12).map(|n| read_everything(&luis, n * 9)));
    let ((), all) = tokio::join!(writing, reading);
    for revs in all {
        assert_eq!(revs, (1..=POSTS).collect::<Vec<_>>());
    }
    let stored = ana.get(&format!("/rooms/1/messages?since_rev={}", POSTS - 1)).await;
    assert_eq!((&stored["items"][0]["rev"], &stored["more"]), (&json!(POSTS), &json!(false)));
}

/// Forwards all bytes, a few at a time.
async fn crumble(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin) {
    let mut bytes = [0; 1024];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        for part in bytes[..read].chunks(3) {
            if to.write_all(part).await.is_err() || to.flush().await.is_err() {
                return;
            }
        }
    }
}

#[tokio::test]
async fn connection_with_three_byte_packets_works() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let proxy = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://{}/api/v1/live", proxy.local_addr().expect("an address"));
    let passing = async {
        let (near, _) = proxy.accept().await.expect("a connection");
        let far = TcpStream::connect(server.address).await.expect("the server");
        near.set_nodelay(true).and(far.set_nodelay(true)).expect("no delay");
        let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
        tokio::join!(crumble(near_in, far_out), crumble(far_in, near_out));
    };
    let talking = async {
        let token = format!("Bearer {}", ana.token());
        let mut live = Live::open(&url, "patio.v1", &[("authorization", &token)]).await;
        live.open_room(1, None).await;
        let body = "ñandú ".repeat(1_000);
        live.send(json!({"type": "post", "room": 1, "body": body, "nonce": "n"})).await;
        assert_eq!(live.until("message").await["message"]["body"], body.trim());
    };
    tokio::select! { () = passing => panic!("the proxy stopped"), () = talking => {} }
}

#[tokio::test]
async fn typing_reaches_open_rooms_once_in_two_seconds() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (mut writer, mut phone) = (ana.live().await, ana.live().await);
    let (mut reader, mut elsewhere) = (luis.live().await, luis.live().await);
    let typing = json!({"type": "typing", "room": 1});
    // A client that has not opened the room cannot type there.
    writer.send(typing.clone()).await;
    for live in [&mut writer, &mut phone, &mut reader] {
        live.open_room(1, None).await;
    }
    elsewhere.until("present").await;
    server.advance(Duration::from_secs(2));
    for _ in 0..3 {
        writer.send(typing.clone()).await;
    }
    let received = reader.until("typing").await;
    assert_eq!((&received["room"], &received["user"]["display_name"]), (&json!(1), &json!("ana")));
    server.advance(Duration::from_secs(2));
    writer.send(typing).await;
    writer.send(json!({"type": "post", "room": 1, "body": "hola", "nonce": "n"})).await;
    assert_eq!(of_type(&mut reader, "typing").await, 1);
    assert_eq!(of_type(&mut writer, "typing").await, 0);
    assert_eq!(of_type(&mut phone, "typing").await, 0);
    elsewhere.send(json!({"type": "open", "room": 1, "since_rev": 0})).await;
    assert_eq!(of_type(&mut elsewhere, "typing").await, 0, "none of it is stored");
}

#[tokio::test]
async fn typing_reaches_no_room_that_the_sender_cannot_read() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let room = ana.post("/rooms", json!({"name": "Huerto", "visibility": "private"})).await;
    let room = room["id"].as_i64().expect("an id");
    let (mut reader, mut stranger) = (ana.live().await, luis.live().await);
    reader.open_room(room, None).await;
    reader.open_room(1, None).await;
    stranger.open_room(1, None).await;
    for room in [room, 1] {
        stranger.send(json!({"type": "typing", "room": room})).await;
    }
    assert_eq!(reader.until("typing").await["room"], 1);
}

/// Counts the frames of this type before the next message.
async fn of_type(live: &mut Live, kind: &str) -> usize {
    let mut seen = 0;
    loop {
        let frame = live.next().await;
        if frame["type"] == "message" {
            return seen;
        }
        seen += usize::from(frame["type"] == kind);
    }
}

#[tokio::test]
async fn typing_uses_the_current_display_name() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let (mut writer, mut reader) = (ana.live().await, server.api("luis").await.live().await);
    for live in [&mut writer, &mut reader] {
        live.open_room(1, None).await;
    }
    ana.submit("/settings/name", &[("display_name", "Ana María")]).await;
    reader.until("user").await;
    // The connection learns the new name a moment later.
    let new_name = async || {
        server.advance(Duration::from_secs(2));
        writer.send(json!({"type": "typing", "room": 1})).await;
        reader.until("typing").await["user"]["display_name"] == "Ana María"
    };
    eventually("typing shows the new name", new_name).await;
}

#[tokio::test]
async fn only_clients_that_send_too_fast_are_disconnected() {
    let server = Server::with(&["--rate-limit=on"]).await;
    let ana = server.api("ana").await;
    let (mut quick, mut calm) = (ana.live().await, ana.live().await);
    let ping = json!({"type": "ping"});
    for _ in 0..4 {
        for _ in 0..200 {
            calm.send(ping.clone()).await;
        }
        for _ in 0..200 {
            calm.until("pong").await;
        }
        server.advance(Duration::from_secs(4));
    }
    for _ in 0..201 {
        quick.send(ping.clone()).await;
    }
    assert_eq!(quick.closed().await, 4429);
}

#[tokio::test]
async fn unread_messages_are_batched_into_one_count() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let mut live = luis.live().await;
    live.until("present").await;
    for n in 0..30 {
        ana.say(&n.to_string()).await;
    }
    let mut seen = Vec::new();
    while seen.last() != Some(&json!(30)) {
        seen.push(live.until("unread").await["last_seq"].clone());
    }
    let numbers: Vec<_> = seen.iter().filter_map(Value::as_i64).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
}

#[tokio::test]
async fn removed_member_receives_nothing_more_of_a_private_room() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let room = ana.post("/rooms", json!({"name": "Secreta", "visibility": "private"})).await;
    luis.post("/join", json!({"code": room["code"]})).await;
    let id = room["id"].as_i64().expect("an id");
    let mut live = luis.live().await;
    live.open_room(id, None).await;
    let say = async |body: &str| {
        ana.post(&format!("/rooms/{id}/messages"), json!({"body": body})).await;
    };
    say("con Luis").await;
    assert_eq!(live.until("message").await["message"]["body"], "con Luis");
    luis.ok(Method::POST, &format!("/rooms/{id}/leave"), None).await;
    say("sin Luis").await;
    live.send(json!({"type": "ping"})).await;
    loop {
        let frame = live.next().await;
        assert!(frame["type"] != "message" && frame["type"] != "unread", "{frame}");
        if frame["type"] == "pong" {
            break;
        }
    }
}

#[tokio::test]
async fn unsupported_websocket_version_gets_the_supported_one() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let ask = async |version: &str| {
        reqwest::Client::new()
            .get(server.url("/api/v1/live"))
            .bearer_auth(ana.token())
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", version)
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .send()
            .await
            .expect("an answer")
    };
    let refused = ask("8").await;
    assert_eq!(refused.status(), 426);
    assert_eq!(refused.headers()["sec-websocket-version"], "13");
    assert_eq!(ask("13").await.status(), 101);
}
