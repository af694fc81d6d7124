//! The greeting of a live connection: what `ready` says of the user's rooms, and what it costs the database.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Api, Server, Storage};

/// The statements of each greeting of a page that comes back with its room: the session, and the greeting; its room.
const OF_A_GREETING: usize = 2;
const OF_A_ROOM: usize = 1;

/// More often than any task in the background runs in the same time.
const TIMES: usize = 40;

#[tokio::test]
async fn greeting_is_one_statement_and_opening_a_room_another() {
    if !Storage::is_on_postgres() {
        return;
    }
    let (storage, network) = Storage::new().await.behind_network().await;
    let server = Server::on_storage(storage).await;
    let ana = server.api("ana").await;
    for name in ["huerto", "cocina"] {
        ana.post("/rooms", json!({"name": name, "visibility": "public"})).await;
    }
    ana.say("hola").await;
    let statements = || {
        let all = network.trips.take_statements();
        let mut often: Vec<(String, usize)> =
            all.into_iter().filter(|(_, count)| *count >= TIMES).collect();
        often.sort_unstable();
        let count = often.iter().map(|(_, count)| count).sum::<usize>() / TIMES;
        (count, often)
    };
    server.advance(Duration::from_mins(1));
    let at = ana.live().await.until("ready").await["at"].as_str().expect("a time").to_owned();
    let mut connections = Vec::new();
    statements();
    for _ in 0..TIMES {
        // One after another: a rate limit counts connections.
        connections.clear();
        connections.push(ana.live_since(&at).await);
        connections[0].until("ready").await;
    }
    let (count, often) = statements();
    assert_eq!(count, OF_A_GREETING, "{often:#?}");
    for _ in 0..TIMES {
        connections[0].open_room(1, Some(1)).await;
    }
    let (count, often) = statements();
    assert_eq!(count, OF_A_ROOM, "{often:#?}");
}

/// The database has answered, but the client has not subscribed to the room yet.
#[tokio::test]
async fn greeting_that_a_message_overtakes_is_read_again() {
    if !Storage::is_on_postgres() {
        return;
    }
    let (storage, network) = Storage::new().await.behind_network().await;
    let server = Server::on_storage(storage).await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    for (overtaken, last) in [(false, 0), (true, 1)] {
        let post = async {
            network.hold_answer_to("join users u on u.id = coalesce(n.user_id, $1)").await;
            if overtaken {
                ana.say("hola").await;
            }
            network.release();
        };
        let ready = async { luis.live().await.until("ready").await };
        let (ready, ()) = tokio::join!(ready, post);
        assert_eq!(ready["rooms"][0]["last_seq"], last);
    }
}

/// The rooms and threads of a greeting by id, from two other statements: those of the lists.
async fn expected(user: &Api) -> Vec<Value> {
    let rooms = user.get("/rooms").await["items"].as_array().cloned().unwrap_or_default();
    let threads = user.get("/threads").await["items"].as_array().cloned().unwrap_or_default();
    let mut states = Vec::new();
    for room in rooms.into_iter().chain(threads) {
        // Only members see the code; the lobby and threads have none.
        let is_member = room["id"] == 1 || room["visibility"] == "thread";
        if !is_member && room["code"].is_null() {
            continue;
        }
        let fields = ["id", "last_seq", "last_read_seq", "rev", "unread", "mentions", "parent"];
        let shown = fields.into_iter().filter(|name| !room[*name].is_null());
        let fields = shown.map(|name| (name.to_owned(), room[name].clone()));
        states.push(Value::Object(fields.collect()));
    }
    states.sort_unstable_by_key(|state| state["id"].as_i64());
    states
}

#[tokio::test]
async fn greeting_says_of_each_room_what_the_lists_say() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let mut heads = Vec::new();
    for n in 0..20 {
        let visibility = if n % 2 == 0 { "public" } else { "private" };
        let room = json!({"name": format!("sala {n}"), "visibility": visibility});
        let made = ana.post("/rooms", room).await;
        let path = format!("/rooms/{}", made["id"]);
        if n % 3 > 0 {
            luis.post("/join", json!({"code": made["code"]})).await;
            ana.post(&format!("{path}/messages"), json!({"body": "hola"})).await;
            let second = ana.post(&format!("{path}/messages"), json!({"body": "@luis ven"})).await;
            heads.push(second["id"].as_i64().expect("an id"));
        }
        if n % 6 == 1 {
            luis.ok(Method::PUT, &format!("{path}/draft"), Some(json!({"body": "ya voy"}))).await;
            ana.ok(Method::DELETE, &format!("/messages/{}", heads[heads.len() - 1]), None).await;
            heads.pop();
        }
    }
    for head in &heads[..4] {
        let thread = format!("/messages/{head}/thread");
        luis.post(&thread, json!({"body": "aquí"})).await;
        ana.post(&thread, json!({"body": "@luis bien"})).await;
    }
    let tom = server.api("tom").await;
    for (user, rooms) in [(&ana, 21 + 4), (&luis, 14 + 4), (&tom, 1)] {
        let ready = user.live().await.until("ready").await;
        assert_eq!(ready["rooms"], json!(expected(user).await));
        assert_eq!(ready["rooms"].as_array().map(Vec::len), Some(rooms));
    }
}
