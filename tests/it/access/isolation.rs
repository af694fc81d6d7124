//! No number from outside leads from one room into another, or ends in a fault of the server:
//! every place in a history, read mark, search page and id, out of and at the edges of its range.

use std::collections::BTreeMap;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{Api, Browser, Live, PASSWORD, Server};

/// Numbers as a client writes them: also what no integer of the server holds.
fn numbers(rooms: &[i64]) -> Vec<String> {
    let mut found: Vec<i128> = vec![0, -1, -2, 1, 2, 3, 100];
    for bits in [31, 32, 33, 52, 53, 62, 63, 64, 80] {
        for near in [-1, 0, 1] {
            found.extend([(1 << bits) + near, -(1 << bits) + near]);
        }
    }
    // What would be another room's key, if the number were added to this one's.
    for room in rooms {
        let key = i128::from(*room) << 32;
        found.extend([key, key | 1, -key]);
    }
    found.iter().map(ToString::to_string).chain([String::new(), "1.5".to_owned()]).collect()
}

/// Rooms by what is said in each, and who may read it.
struct House {
    server: Server,
    api: BTreeMap<&'static str, Api>,
    rooms: Vec<Room>,
}

struct Room {
    id: i64,
    readers: &'static [&'static str],
}

impl Room {
    /// What every message in it holds, and none in another.
    fn word(&self) -> String {
        format!("palabra{}x", self.id)
    }

    fn is_for(&self, name: &str) -> bool {
        self.readers.contains(&name)
    }
}

const ALL: &[&str] = &["ana", "bert", "mallory"];

/// Ana's rooms lie before and after Mallory's, so that both directions lead to what is not hers.
async fn house() -> House {
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
        let said = if name == "empty" { 0 } else { 3 };
        for n in 0..said {
            let body = json!({"body": format!("{} {n}", room.word())});
            api[maker].post(&format!("/rooms/{}/messages", room.id), body).await;
        }
        rooms.push(room);
    }
    House { server, api, rooms }
}

impl House {
    fn ids(&self) -> Vec<i64> {
        self.rooms.iter().map(|room| room.id).collect()
    }

    /// Nothing of a room that is not in `allowed`, and no fault of the server.
    #[track_caller]
    fn check(&self, what: &str, status: u16, text: &str, allowed: impl Fn(&Room) -> bool) {
        assert!(status < 500, "{what}: {status} {text}");
        for room in self.rooms.iter().filter(|room| !allowed(room)) {
            assert!(!text.contains(&room.word()), "{what} shows room {}: {text}", room.id);
        }
    }

    /// One client for all requests: a new one for each costs more than the request.
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
async fn a_place_in_a_history_whatever_its_number_shows_this_room_alone() {
    let house = house().await;
    let client = Browser::plain();
    for name in ["bert", "mallory"] {
        for room in &house.rooms {
            for place in ["before", "after", "around", "since_rev", "limit"] {
                for number in numbers(&house.ids()) {
                    let path = format!("/rooms/{}/messages?{place}={number}", room.id);
                    let asked = house.program(&client, name, Method::GET, &path);
                    let (status, text) = answer(asked).await;
                    let what = format!("{name} {path}");
                    house.check(&what, status, &text, |other| other.id == room.id);
                    assert_eq!(status == 404, !room.is_for(name), "{what}: {status}");
                    if status != 200 {
                        continue;
                    }
                    let page: Value = serde_json::from_str(&text).expect("JSON");
                    for item in page["items"].as_array().expect("items") {
                        assert_eq!(item["room_id"], room.id, "{what}");
                    }
                    let begins = number.parse::<i128>().is_ok_and(|number| number <= 1);
                    if place == "around" && begins && page["items"][0].is_object() {
                        assert_eq!(page["items"][0]["seq"], 1, "{what}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_place_on_a_page_whatever_its_number_shows_this_room_alone() {
    let house = house().await;
    let client = Browser::plain();
    for name in ["bert", "mallory"] {
        let mut browser = house.server.browser();
        browser.login(name, PASSWORD).await;
        for room in &house.rooms {
            for query in ["?before=", "?after=", "/messages?before=", "/messages?after="] {
                for number in numbers(&house.ids()) {
                    let path = format!("/rooms/{}{query}{number}", room.id);
                    let asked = client.get(house.server.url(&path));
                    let (status, text) = answer(asked.header("cookie", browser.cookie())).await;
                    let what = format!("{name} {path}");
                    house.check(&what, status, &text, |other| other.id == room.id);
                    assert_eq!(status == 404, !room.is_for(name), "{what}: {status}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_search_page_whatever_its_number_shows_what_one_may_read() {
    let house = house().await;
    let client = Browser::plain();
    for name in ["bert", "mallory"] {
        let mut browser = house.server.browser();
        browser.login(name, PASSWORD).await;
        for number in numbers(&house.ids()) {
            for sought in ["palabra", "is:direct", "in:hidden"] {
                for place in ["before", "limit"] {
                    let path = format!("/search?q={sought}&{place}={number}");
                    let (status, text) =
                        answer(house.program(&client, name, Method::GET, &path)).await;
                    house.check(&format!("{name} {path}"), status, &text, |room| room.is_for(name));
                }
                let path = format!("/search?q={sought}&before={number}");
                let asked = client.get(house.server.url(&path));
                let (status, text) = answer(asked.header("cookie", browser.cookie())).await;
                house.check(&format!("{name} page {path}"), status, &text, |r| r.is_for(name));
            }
        }
    }
}

/// What a number in place of a room or a message is asked for, by a method and with a body.
const BODIES: [&str; 4] = [r#"{"body": "x"}"#, r#"{"seq": 1}"#, r#"{"name": "x"}"#, "{}"];

#[tokio::test]
async fn an_id_in_a_path_whatever_its_number_names_nothing_of_others() {
    let house = house().await;
    let client = Browser::plain();
    let document = house.api["ana"].get("/openapi.json").await;
    let hidden = house.rooms.iter().filter(|room| !room.is_for("mallory")).map(|room| room.id);
    // Every small number is somebody's: those of rooms that Mallory may see are left out.
    let out_of_range = numbers(&house.ids()).into_iter().filter(|number| {
        number.parse::<i128>().map_or(true, |number| !(1..=1_000).contains(&number))
    });
    let ids: Vec<String> = out_of_range.chain(hidden.map(|id| id.to_string())).collect();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        // Users are known to each other.
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
                    let asked = house.program(&client, "mallory", method.clone(), &path);
                    let asked = asked.header("content-type", "application/json").body(body);
                    let (status, text) = answer(asked).await;
                    let what = format!("{method} {path} {body}");
                    house.check(&what, status, &text, |_| false);
                    assert!((400..500).contains(&status), "{what}: {status} {text}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_message_s_id_whatever_its_number_names_nothing_of_others() {
    let house = house().await;
    let client = Browser::plain();
    let mut mallory = house.server.browser();
    mallory.login("mallory", PASSWORD).await;
    // All messages there are, and the numbers around them.
    let ids = (1..=20).map(|id: i64| id.to_string()).chain(numbers(&house.ids()));
    for id in ids {
        for (method, path) in [
            (Method::GET, format!("/messages/{id}")),
            (Method::POST, format!("/messages/{id}/reactions")),
            (Method::POST, format!("/messages/{id}/edit")),
        ] {
            let asked = client.request(method.clone(), house.server.url(&path));
            let asked = asked.header("cookie", mallory.cookie()).form(&[("body", "x")]);
            let (status, text) = answer(asked).await;
            house.check(&format!("{method} {path}"), status, &text, |room| room.is_for("mallory"));
        }
        for method in [Method::PATCH, Method::DELETE] {
            let path = format!("/messages/{id}");
            let asked = house.program(&client, "bert", method.clone(), &path);
            let (status, text) = answer(asked.json(&json!({"body": "y"}))).await;
            house.check(&format!("{method} {path}"), status, &text, |_| false);
            assert!((400..500).contains(&status), "{method} {path}: {status}");
        }
    }
}

#[tokio::test]
async fn a_read_mark_stays_within_its_room_whatever_its_number() {
    let house = house().await;
    let client = Browser::plain();
    let mut live = house.api["mallory"].live().await;
    live.until("present").await;
    for room in &house.rooms {
        for number in numbers(&house.ids()) {
            let path = format!("/rooms/{}/read", room.id);
            let asked = house.program(&client, "mallory", Method::PUT, &path);
            let asked = asked.header("content-type", "application/json");
            let (status, text) = answer(asked.body(format!("{{\"seq\": {number}}}"))).await;
            let what = format!("{path} {number}");
            house.check(&what, status, &text, |_| false);
            assert!(room.is_for("mallory") || status >= 400, "{what}: {status}");
            say(&mut live, &format!(r#"{{"type":"read","room":{},"seq":{number}}}"#, room.id))
                .await;
        }
        if room.is_for("mallory") {
            let now = house.api["mallory"].get(&format!("/rooms/{}", room.id)).await;
            let last = now["last_seq"].as_i64().expect("a seq");
            let read = now["last_read_seq"].as_i64().unwrap_or(last);
            assert!((0..=last).contains(&read), "{now}");
        }
    }
}

/// Sends a frame, and gives all that comes before the answer to the next one.
async fn say(live: &mut Live, frame: &str) -> Vec<Value> {
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

/// Opens rooms by all numbers, and looks at what comes.
async fn open_everything(house: &House, name: &str, mut live: Live) {
    live.until("present").await;
    let numbers = numbers(&house.ids());
    for room in &house.rooms {
        for rev in &numbers {
            let id = room.id;
            let open = format!(r#"{{"type":"open","room":{id},"since_rev":{rev}}}"#);
            let frames = say(&mut live, &open).await;
            let what = format!("{name} {open}");
            house.check(&what, 200, &json!(frames).to_string(), |other| other.id == id);
            for frame in frames.iter().filter(|frame| frame["type"] == "message") {
                assert!(frame["room"] == id && room.is_for(name), "{what}: {frame}");
            }
        }
    }
    for number in &numbers {
        for frame in [
            format!(r#"{{"type":"open","room":{number},"since_rev":0}}"#),
            format!(r#"{{"type":"typing","room":{number}}}"#),
            format!(r#"{{"type":"post","room":{number},"body":""}}"#),
        ] {
            let answers = say(&mut live, &frame).await;
            let text = json!(answers).to_string();
            house.check(&format!("{name} {frame}"), 200, &text, |room| room.is_for(name));
            assert!(
                answers.iter().all(|one| one["status"].as_u64() < Some(500)),
                "{frame}: {text}"
            );
        }
    }
}

#[tokio::test]
async fn a_live_room_whatever_its_number_or_rev_shows_this_room_alone() {
    let house = house().await;
    for name in ["bert", "mallory"] {
        open_everything(&house, name, house.api[name].live().await).await;
    }
}

#[tokio::test]
async fn a_live_room_of_a_page_whatever_its_number_or_rev_shows_this_room_alone() {
    let house = house().await;
    let mut browser = house.server.browser();
    browser.login("mallory", PASSWORD).await;
    open_everything(&house, "mallory", browser.live().await).await;
}
