//! Who may do what: every route of the server and every live frame, asked by everybody there is.
//!
//! `routes.txt` and `frames.txt` are the tables. The routes are those that the sources name and the
//! server says it has: one that is missing in the table fails, and so does one that is gone. A test that
//! fails prints the table as it would have to be; look at each line of it before it is taken.

mod house;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use reqwest::Method;
use serde_json::json;

use self::house::{House, ROLES, Role, Scene};
use crate::support::{Live, Server};

/// A line of a table: what is asked for, in which kind of room, and the answer for each role.
struct Row<'a> {
    what: Vec<&'a str>,
    room: &'a str,
    expected: Vec<&'a str>,
}

fn table(name: &str) -> String {
    let path = format!("{}/tests/it/authorization/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(path).expect("a table")
}

/// Lines with `columns` words before those of the roles; what begins with `#` says what they are.
fn rows(table: &str, columns: usize) -> Vec<Row<'_>> {
    let lines = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let row = |line| {
        let words: Vec<&str> = str::split_whitespace(line).collect();
        assert_eq!(words.len(), columns + ROLES.len(), "{line}");
        let (what, expected) = words.split_at(columns);
        Row { what: what.to_vec(), room: what[columns - 1], expected: expected.to_vec() }
    };
    lines.map(row).collect()
}

/// All differences at once, with the lines as they are now.
fn compare(row: &Row<'_>, found: &[String], differences: &mut String) {
    if row.expected != found {
        let expected = row.expected.join(" ");
        writeln!(differences, "{} {}  (not {expected})", row.what.join(" "), found.join(" "))
            .expect("text");
    }
}

#[track_caller]
fn none(differences: &str) {
    assert!(differences.is_empty(), "who may do what has changed:\n{differences}");
}

#[tokio::test]
async fn every_route_answers_everybody_as_the_table_says() {
    let house = House::new().await;
    let text = table("routes");
    let table = rows(&text, 3);
    let mut differences = String::new();
    for row in &table {
        let (method, path) = (row.what[0].parse::<Method>().expect("a method"), row.what[1]);
        // What changes nothing is asked about one room.
        let shared = if method == Method::GET { Some(house.scene(row.room).await) } else { None };
        let ask = async |role| match &shared {
            Some(scene) => house.ask(scene, role, &method, path).await,
            None => house.ask(&house.scene(row.room).await, role, &method, path).await,
        };
        let found = futures_util::future::join_all(ROLES.map(ask)).await;
        compare(row, &found, &mut differences);
    }
    none(&differences);
}

#[tokio::test]
async fn every_frame_is_answered_to_everybody_as_the_table_says() {
    let house = House::new().await;
    let mut differences = String::new();
    let text = table("frames");
    for row in rows(&text, 2) {
        let mut found = Vec::new();
        for role in ROLES {
            let scene = house.scene(row.room).await;
            found.push(frame(&house, &scene, role, row.what[0]).await);
        }
        compare(&row, &found, &mut differences);
    }
    none(&differences);
}

/// What a frame is answered with: the status of an error, or `ok`.
async fn frame(house: &House, scene: &Scene, role: Role, kind: &str) -> String {
    let url = house.server.url("/api/v1/live").replace("http", "ws");
    let token = format!("Bearer {}", house.token(role));
    let mut live = match Live::try_open(&url, "patio.v1", &[("authorization", &token)]).await {
        Ok(live) => live,
        Err(status) => return status.to_string(),
    };
    live.until("present").await;
    let room = scene.room;
    live.send(match kind {
        "open" => json!({"type": "open", "room": room, "since_rev": 0}),
        "read" => json!({"type": "read", "room": room, "seq": 1}),
        "post" => json!({"type": "post", "room": room, "body": "hola", "nonce": room.to_string()}),
        "typing" => json!({"type": "typing", "room": room}),
        "close" => json!({"type": "close", "room": room}),
        other => panic!("no frame {other}"),
    })
    .await;
    live.send(json!({"type": "ping"})).await;
    // A post is answered once it is stored: after what came meanwhile.
    let last = if kind == "post" { ["posted", "error"] } else { ["pong", "error"] };
    loop {
        let frame = live.next().await;
        let kind = frame["type"].as_str().expect("a type");
        if last.contains(&kind) {
            let status = frame["status"].as_u64().map(|status| status.to_string());
            return status.unwrap_or_else(|| "ok".to_owned());
        }
    }
}

#[tokio::test]
async fn every_route_there_is_stands_in_the_table() {
    let server = Server::start().await;
    let there = routes(&server).await;
    let text = table("routes");
    let table = rows(&text, 3);
    let listed: BTreeSet<(String, String)> =
        table.iter().map(|row| (row.what[0].to_owned(), row.what[1].to_owned())).collect();
    let missing: Vec<_> = there.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&there).collect();
    assert!(missing.is_empty(), "not in the table: {missing:?}");
    assert!(gone.is_empty(), "in the table alone: {gone:?}");
}

/// Method and path of every route: the paths as the sources have them, the methods as the server
/// answers to one that no route takes.
async fn routes(server: &Server) -> BTreeSet<(String, String)> {
    let mut paths = BTreeSet::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut paths);
    let client = crate::support::Browser::plain();
    let document = client.get(server.url("/api/v1/openapi.json")).send().await.expect("an answer");
    let document: serde_json::Value = document.json().await.expect("JSON");
    for path in document["paths"].as_object().expect("paths").keys() {
        paths.insert(format!("/api/v1{path}"));
    }
    let mut found = BTreeSet::new();
    for path in paths {
        let filled = path.replace(['{', '}', '*'], "");
        let asked = client.request(Method::OPTIONS, server.url(&filled));
        let answer = asked.send().await.expect("an answer");
        assert_eq!(answer.status(), 405, "{path} is routed");
        let allowed = answer.headers()["allow"].to_str().expect("text").to_owned();
        for method in allowed.split(',').filter(|method| *method != "HEAD") {
            found.insert((method.to_owned(), path.clone()));
        }
    }
    found
}

/// Every `.route("PATH", …)`; other ways to add one are not used.
fn collect(folder: &Path, paths: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, paths);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        let place = path.to_string_lossy();
        // Servers of unit tests are none of Patio's.
        if place.ends_with("tests.rs") {
            continue;
        }
        // Polling lives beside the socket, and is reached as the pages are.
        let api = place.contains("src/api/") || place.ends_with("src/realtime/upgrade.rs");
        let prefix = if api { "/api/v1" } else { "" };
        for piece in text.split(".route(").skip(1) {
            let quoted = piece.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"'));
            let (route, _) = quoted.unwrap_or_else(|| panic!("{place}: a route without its path"));
            paths.insert(format!("{prefix}{route}"));
        }
        for other in [".route_service(", ".nest_service(", ".fallback_service("] {
            assert!(!text.contains(other), "{place}: {other} is in no table");
        }
    }
}
