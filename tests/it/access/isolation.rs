//! No number from a client reveals another room or causes a server error: positions in the history,
//! read markers, search cursors and ids, at the edges of their range and outside it.

use std::collections::BTreeMap;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{Api, Browser, Live, PASSWORD, Server};

/// Numbers as a client can write them, including ones that fit no integer type of the server.
fn numbers(rooms: &[i64]) -> Vec<String> {
    let mut found: Vec<i128> = vec![0, -1, -2, 1, 2, 3, 100];
    for bits in [31, 32, 33, 52, 53, 62, 63, 64, 80] {
        for near in [-1, 0, 1] {
            found.extend([(1 << bits) + near, -(1 << bits) + near]);
        }
    }
    // Would reach another room's key if the server added the number to this room's key.
    for room in rooms {
        let key = i128::from(*room) << 32;
        found.extend([key, key | 1, -key]);
    }
    found.iter().map(ToString::to_string).chain([String::new(), "1.5".to_owned()]).collect()
}

/// A room, the word that its messages contain, and the users who may read it.
struct TestContext {
    server: Server,
    api: BTreeMap<&'static str, Api>,
    rooms: Vec<Room>,
}

struct Room {
    id: i64,
    readers: &'static [&'static str],
}

impl Room {
    /// Occurs in every message of this room and in no other room.
    fn word(&self) -> String {
        format!("palabra{}x", self.id)
    }

    fn is_for(&self, name: &str) -> bool {
        self.readers.contains(&name)
    }
}

const ALL: &[&str] = &["ana", "bert", "mallory"];

/// Ana's rooms have ids below and above Mallory's, so that an error in either direction would show
/// rooms that Mallory may not read.
async fn context() -> TestContext {
    let server = Server::start().await;
    let mut api = BTreeMap::new();
    for name in ALL {
        api.insert(*name, server.api(name).await);
    }
    let mut rooms = Vec::new();
    for (name, maker, visibility, readers) in [
        ("first", "ana", "public", ALL),
        ("hidden", "ana", "private", &["ana"]),
        ("", "ana", "direct", &["ana", "bert"]),
        ("mine", "mallory", "private", &["mallory"]),
        ("empty", "mallory", "public", ALL),
        ("open", "mallory", "public", ALL),
        ("late", "ana", "private", &["ana"]),
    ] {
        let made = match visibility {
            "direct" => api[maker].post("/direct", json!({"name": "bert"})).await,
            _ => api[maker].post("/rooms", json!({"name": name, "visibility": visibility})).await,
        };
        let room = Room { id: made["id"].as_i64().expect("an id"), readers };
        let count = if name == "empty" { 0 } else { 3 };
        for n in 0..count {
            let body = json!({"body": format!("{} {n}", room.word())});
            api[maker].post(&format!("/rooms/{}/messages", room.id), body).await;
        }
        rooms.push(room);
    }
    TestContext { server, api, rooms }
}

impl TestContext {
    fn ids(&self) -> Vec<i64> {
        self.rooms.iter().map(|room| room.id).collect()
    }

    /// Asserts that the response is not a server error and shows only rooms that `allowed` accepts.
    #[track_caller]
    fn check(&self, label: &str, status: u16, text: &str, allowed: impl Fn(&Room) -> bool) {
        assert!(status < 500, "{label}: {status} {text}");
        for room in self.rooms.iter().filter(|room| !allowed(room)) {
            assert!(!text.contains(&room.word()), "{label} shows room {}: {text}", room.id);
        }
    }

    /// One client for all requests: creating a client costs more than a request.
    fn program(&self, client: &Client, name: &str, method: Method, path: &str) -> RequestBuilder {
        let url = self.server.url(&format!("/api/v1{path}"));
        client.request(method, url).bearer_auth(self.api[name].token())
    }
}

async fn answer(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.expect("an answer");
    (response.status().as_u16(), response.text().await.expect("a body"))
}

#[tokio::test]
async fn any_history_position_shows_only_this_room() {
    let context = context().await;
    let client = Browser::plain();
    for name in ["bert", "mallory"] {
        for room in &context.rooms {
            for parameter in ["before", "after", "around", "since_rev", "limit"] {
                for number in numbers(&context.ids()) {
                    let path = format!("/rooms/{}/messages?{parameter}={number}", room.id);
                    let request = context.program(&client, name, Method::GET, &path);
                    let (status, text) = answer(request).await;
                    let label = format!("{name} {path}");
                    context.check(&label, status, &text, |other| other.id == room.id);
                    assert_eq!(status == 404, !room.is_for(name), "{label}: {status}");
                    if status != 200 {
                        continue;
                    }
                    let page: Value = serde_json::from_str(&text).expect("JSON");
                    for item in page["items"].as_array().expect("items") {
                        assert_eq!(item["room_id"], room.id, "{label}");
                    }
                    let begins = number.parse::<i128>().is_ok_and(|number| number <= 1);
                    if parameter == "around" && begins && page["items"][0].is_object() {
                        assert_eq!(page["items"][0]["seq"], 1, "{label}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn any_page_position_shows_only_this_room() {
    let context = context().await;
    let client = Browser::plain();
    for name in ["bert", "mallory"] {
        let mut browser = context.server.browser();
        browser.login(name, PASSWORD).await;
        for room in &context.rooms {
            for query in ["?before=", "?after=", "/messages?before=", "/messages?after="] {
                for number in numbers(&context.ids()) {
                    let path = format!("/rooms/{}{query}{number}", room.id);
                    let request = client.get(context.server.url(&path));
                    let (status, text) = answer(request.header("cookie", browser.cookie())).await;
                    let label = format!("{name} {path}");
                    context.check(&label, status, &text, |other| other.id == room.id);
                    assert_eq!(status == 404, !room.is_for(name), "{label}: {status}");
                }
            }
        }
    }
}

#[tokio::test]
async fn any_search_cursor_shows_only_readable_messages() {
    let context = context().await;
    let client = Browser::plain();
    for name in ["bert", "mallory"] {
        let mut browser = context.server.browser();
        browser.login(name, PASSWORD).await;
        for number in numbers(&context.ids()) {
            for sought in ["palabra", "is:direct", "in:hidden"] {
                for parameter in ["before", "limit"] {
                    let path = format!("/search?q={sought}&{parameter}={number}");
                    let (status, text) =
                        answer(context.program(&client, name, Method::GET, &path)).await;
                    context
                        .check(&format!("{name} {path}"), status, &text, |room| room.is_for(name));
                }
                let path = format!("/search?q={sought}&before={number}");
                let request = client.get(context.server.url(&path));
                let (status, text) = answer(request.header("cookie", browser.cookie())).await;
                context.check(&format!("{name} page {path}"), status, &text, |r| r.is_for(name));
            }
        }
    }
}

/// Paths that take the id of a room or a message, with a method and a body.
const BODIES: [&str; 4] = [r#"{"body": "x"}"#, r#"{"seq": 1}"#, r#"{"name": "x"}"#, "{}"];

#[tokio::test]
async fn any_id_in_a_path_reveals_nothing_of_others() {
    let context = context().await;
    let client = Browser::plain();
    let document = context.api["ana"].get("/openapi.json").await;
    let hidden = context.rooms.iter().filter(|room| !room.is_for("mallory")).map(|room| room.id);
    // Every small number is the id of a room. Skip the rooms that Mallory may see.
    let out_of_range = numbers(&context.ids()).into_iter().filter(|number| {
        number.parse::<i128>().map_or(true, |number| !(1..=1_000).contains(&number))
    });
    let ids: Vec<String> = out_of_range.chain(hidden.map(|id| id.to_string())).collect();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        // Users may look each other up.
        let known = ["/messages", "/users"].iter().any(|start| path.starts_with(start));
        if !path.contains("{id}") || known {
            continue;
        }
        for method in methods.as_object().expect("methods").keys() {
            let method: Method = method.to_uppercase().parse().expect("a method");
            for id in &ids {
                let path = path.replace("{id}", id).replace("{emoji}", "👍");
                let path = path.replace("{user_id}", id);
                for body in BODIES {
                    let request = context.program(&client, "mallory", method.clone(), &path);
                    let request = request.header("content-type", "application/json").body(body);
                    let (status, text) = answer(request).await;
                    let label = format!("{method} {path} {body}");
                    context.check(&label, status, &text, |_| false);
                    assert!((400..500).contains(&status), "{label}: {status} {text}");
                }
            }
        }
    }
}

#[tokio::test]
async fn any_message_id_reveals_nothing_of_others() {
    let context = context().await;
    let client = Browser::plain();
    let mut mallory = context.server.browser();
    mallory.login("mallory", PASSWORD).await;
    // The ids of all messages, and the numbers around them.
    let ids = (1..=20).map(|id: i64| id.to_string()).chain(numbers(&context.ids()));
    for id in ids {
        for (method, path) in [
            (Method::GET, format!("/messages/{id}")),
            (Method::POST, format!("/messages/{id}/reactions")),
            (Method::POST, format!("/messages/{id}/edit")),
        ] {
            let request = client.request(method.clone(), context.server.url(&path));
            let request = request.header("cookie", mallory.cookie()).form(&[("body", "x")]);
            let (status, text) = answer(request).await;
            context
                .check(&format!("{method} {path}"), status, &text, |room| room.is_for("mallory"));
        }
        for method in [Method::PATCH, Method::DELETE] {
            let path = format!("/messages/{id}");
            let request = context.program(&client, "bert", method.clone(), &path);
            let (status, text) = answer(request.json(&json!({"body": "y"}))).await;
            context.check(&format!("{method} {path}"), status, &text, |_| false);
            assert!((400..500).contains(&status), "{method} {path}: {status}");
        }
    }
}

#[tokio::test]
async fn any_read_marker_stays_within_its_room() {
    let context = context().await;
    let client = Browser::plain();
    let mut live = context.api["mallory"].live().await;
    live.until("present").await;
    for room in &context.rooms {
        for number in numbers(&context.ids()) {
            let path = format!("/rooms/{}/read", room.id);
            let request = context.program(&client, "mallory", Method::PUT, &path);
            let request = request.header("content-type", "application/json");
            let (status, text) = answer(request.body(format!("{{\"seq\": {number}}}"))).await;
            let label = format!("{path} {number}");
            context.check(&label, status, &text, |_| false);
            assert!(room.is_for("mallory") || status >= 400, "{label}: {status}");
            frames_after(
                &mut live,
                &format!(r#"{{"type":"read","room":{},"seq":{number}}}"#, room.id),
            )
            .await;
        }
        if room.is_for("mallory") {
            let room_state = context.api["mallory"].get(&format!("/rooms/{}", room.id)).await;
            let last = room_state["last_seq"].as_i64().expect("a seq");
            let read = room_state["last_read_seq"].as_i64().unwrap_or(last);
            assert!((0..=last).contains(&read), "{room_state}");
        }
    }
}

/// Sends a frame and then a ping, and returns all frames that come before the pong.
async fn frames_after(live: &mut Live, frame: &str) -> Vec<Value> {
    live.send_text(frame).await;
    live.send(json!({"type": "ping"})).await;
    let mut frames = Vec::new();
    loop {
        let frame = live.next().await;
        if frame["type"] == "pong" {
            return frames;
        }
        frames.push(frame);
    }
}

/// Opens a room for each of the numbers and checks the frames that come back.
async fn open_everything(context: &TestContext, name: &str, mut live: Live) {
    live.until("present").await;
    let numbers = numbers(&context.ids());
    for room in &context.rooms {
        for rev in &numbers {
            let id = room.id;
            let open = format!(r#"{{"type":"open","room":{id},"since_rev":{rev}}}"#);
            let frames = frames_after(&mut live, &open).await;
            let label = format!("{name} {open}");
            context.check(&label, 200, &json!(frames).to_string(), |other| other.id == id);
            for frame in frames.iter().filter(|frame| frame["type"] == "message") {
                assert!(frame["room"] == id && room.is_for(name), "{label}: {frame}");
            }
        }
    }
    for number in &numbers {
        for frame in [
            format!(r#"{{"type":"open","room":{number},"since_rev":0}}"#),
            format!(r#"{{"type":"typing","room":{number}}}"#),
            format!(r#"{{"type":"post","room":{number},"body":""}}"#),
        ] {
            let answers = frames_after(&mut live, &frame).await;
            let text = json!(answers).to_string();
            context.check(&format!("{name} {frame}"), 200, &text, |room| room.is_for(name));
            assert!(
                answers.iter().all(|one| one["status"].as_u64() < Some(500)),
                "{frame}: {text}"
            );
        }
    }
}

#[tokio::test]
async fn any_live_room_id_or_rev_shows_only_this_room() {
    let context = context().await;
    for name in ["bert", "mallory"] {
        open_everything(&context, name, context.api[name].live().await).await;
    }
}

#[tokio::test]
async fn any_room_id_or_rev_of_a_page_shows_only_this_room() {
    let context = context().await;
    let mut browser = context.server.browser();
    browser.login("mallory", PASSWORD).await;
    open_everything(&context, "mallory", browser.live().await).await;
}
