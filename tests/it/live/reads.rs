//! Read markers that arrive over live connections are stored together, which no one notices.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Api, Live, Server, Storage};

/// Rooms with two messages each, of which Luis is a member.
async fn rooms(ana: &Api, luis: &Api, number: usize) -> Vec<i64> {
    let mut rooms = Vec::new();
    for n in 0..number {
        let room = json!({"name": format!("sala {n}"), "visibility": "public"});
        let room = ana.post("/rooms", room).await["id"].as_i64().expect("an id");
        luis.post(&format!("/rooms/{room}/join"), json!({})).await;
        for body in ["hola", "@luis ven"] {
            ana.post(&format!("/rooms/{room}/messages"), json!({"body": body})).await;
        }
        rooms.push(room);
    }
    rooms
}

async fn read_all(live: &mut Live, rooms: &[i64], seq: i64) {
    for room in rooms {
        live.send(json!({"type": "read", "room": room, "seq": seq})).await;
    }
    // The frames before it are handled.
    live.send(json!({"type": "ping"})).await;
    live.until("pong").await;
}

async fn markers(user: &Api, rooms: &[i64]) -> Vec<Value> {
    let list = user.get("/rooms").await;
    let found = list["items"].as_array().expect("items").iter();
    found
        .filter(|room| room["id"].as_i64().is_some_and(|id| rooms.contains(&id)))
        .map(|room| json!([room["last_read_seq"], room["unread"], room["mentions"]]))
        .collect()
}

#[tokio::test]
async fn page_right_after_marks_shows_them_and_other_tabs_receive_them() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let rooms = rooms(&ana, &luis, 8).await;
    let (mut live, mut other) = (luis.live().await, luis.live().await);
    for room in &rooms {
        live.open_room(*room, None).await;
    }
    for seq in [1, 2] {
        read_all(&mut live, &rooms, seq).await;
        let expected = json!([seq, 2 - seq, 2 - seq]);
        assert_eq!(markers(&luis, &rooms).await, vec![expected.clone(); 8]);
        let ready = luis.live().await.until("ready").await;
        let states = ready["rooms"].as_array().expect("rooms").iter();
        assert_eq!(states.filter(|state| state["last_read_seq"] == seq).count(), 8);
        for _ in &rooms {
            let read = other.until("read").await;
            assert_eq!(json!([read["seq"], read["unread"], read["mentions"]]), expected);
        }
    }
    // Still subscribed, and counted as before.
    ana.post(&format!("/rooms/{}/messages", rooms[0]), json!({"body": "@luis otra vez"})).await;
    // Those with another count are of the messages before.
    loop {
        let unread = other.until("unread").await;
        if unread["room"] == rooms[0] && unread["unread"] == 1 {
            assert_eq!(unread["mentions"], 1);
            break;
        }
    }
}

#[tokio::test]
async fn mark_as_unread_is_not_undone_by_marks_before_it() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let rooms = rooms(&ana, &luis, 2).await;
    let mut live = luis.live().await;
    for room in &rooms {
        live.open_room(*room, None).await;
    }
    for _ in 0..10 {
        read_all(&mut live, &rooms, 2).await;
        for room in &rooms {
            let back = json!({"seq": 1, "force": true});
            luis.ok(Method::PUT, &format!("/rooms/{room}/read"), Some(back)).await;
        }
        assert_eq!(markers(&luis, &rooms).await, vec![json!([1, 1, 1]); 2]);
    }
}

#[tokio::test]
async fn marks_are_stored_when_the_server_stops() {
    let server = Server::start().await;
    let (ana, mut luis) = (server.api("ana").await, server.api("luis").await);
    let rooms = rooms(&ana, &luis, 8).await;
    let mut live = luis.live().await;
    for room in &rooms {
        live.open_room(*room, None).await;
    }
    read_all(&mut live, &rooms, 2).await;
    let server = server.restart().await;
    luis = luis.through(&server);
    assert_eq!(markers(&luis, &rooms).await, vec![json!([2, 0, 0]); 8]);
}

#[tokio::test]
async fn marks_of_a_moment_share_a_transaction() {
    if !Storage::is_on_postgres() {
        return;
    }
    let (storage, network) = Storage::new().await.behind_network().await;
    let server = Server::on_storage(storage).await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let rooms = rooms(&ana, &luis, 40).await;
    let mut live = luis.live().await;
    for room in &rooms {
        live.open_room(*room, None).await;
    }
    network.trips.take();
    read_all(&mut live, &rooms, 2).await;
    assert_eq!(markers(&luis, &rooms).await, vec![json!([2, 0, 0]); 40]);
    // Two, and those of tasks in the background.
    let transactions = network.trips.take().len();
    assert!(transactions < 20, "{transactions}");
}
