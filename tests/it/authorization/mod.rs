//! Authorization: every route of the server and every live frame, requested by every role.
//!
//! `routes.txt` and `frames.txt` hold the expected results. The routes are collected from the sources and
//! from the server: a test fails if a route is missing in the table or exists only there. A failing test
//! prints the lines that would pass. Review each of them before you copy it.

mod context;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use reqwest::Method;
use serde_json::json;

use self::context::{ROLES, Role, Scene, TestContext};
use crate::support::{Live, Server, png};

/// A line of a table: the request, the kind of room, and the expected result for each role.
struct Row<'a> {
    request: Vec<&'a str>,
    room: &'a str,
    expected: Vec<&'a str>,
}

fn table(name: &str) -> String {
    let path = format!("{}/tests/it/authorization/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(path).expect("a table")
}

/// Parses a table whose lines have `columns` words before those of the roles. Lines that start with `#`
/// are comments.
fn rows(table: &str, columns: usize) -> Vec<Row<'_>> {
    let lines = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let row = |line| {
        let words: Vec<&str> = str::split_whitespace(line).collect();
        assert_eq!(words.len(), columns + ROLES.len(), "{line}");
        let (request, expected) = words.split_at(columns);
        Row { request: request.to_vec(), room: request[columns - 1], expected: expected.to_vec() }
    };
    lines.map(row).collect()
}

/// Appends the line as it would have to be if the results differ, so that all differences show at once.
fn compare(row: &Row<'_>, found: &[String], differences: &mut String) {
    if row.expected != found {
        let expected = row.expected.join(" ");
        writeln!(differences, "{} {}  (not {expected})", row.request.join(" "), found.join(" "))
            .expect("text");
    }
}

#[track_caller]
fn none(differences: &str) {
    assert!(differences.is_empty(), "the rights have changed:\n{differences}");
}

#[tokio::test]
async fn every_route_answers_each_role_as_the_table_states() {
    let context = TestContext::new().await;
    let text = table("routes");
    let table = rows(&text, 3);
    let mut differences = String::new();
    for row in &table {
        let (method, path) = (row.request[0].parse::<Method>().expect("a method"), row.request[1]);
        // Requests that change nothing can share one room.
        let shared = if method == Method::GET && path.starts_with("/files/") {
            Some(context.scene_with_file(row.room, b"hola").await)
        } else if method == Method::GET && path.starts_with("/messages/{id}/files") {
            Some(context.scene_with_file(row.room, &png(20, 20)).await)
        } else if method == Method::GET {
            Some(context.scene(row.room).await)
        } else {
            None
        };
        let ask = async |role| match &shared {
            Some(scene) => context.ask(scene, role, &method, path).await,
            None => context.ask(&context.scene(row.room).await, role, &method, path).await,
        };
        let found = futures_util::future::join_all(ROLES.map(ask)).await;
        compare(row, &found, &mut differences);
    }
    none(&differences);
}

#[tokio::test]
async fn every_frame_answers_each_role_as_the_table_states() {
    let context = TestContext::new().await;
    let mut differences = String::new();
    let text = table("frames");
    for row in rows(&text, 2) {
        let mut found = Vec::new();
        for role in ROLES {
            let scene = context.scene(row.room).await;
            found.push(frame(&context, &scene, role, row.request[0]).await);
        }
        compare(&row, &found, &mut differences);
    }
    none(&differences);
}

/// The response to a frame: the status of an error, or `ok`.
async fn frame(context: &TestContext, scene: &Scene, role: Role, kind: &str) -> String {
    let url = context.server.url("/api/v1/live").replace("http", "ws");
    let token = format!("Bearer {}", context.token(role));
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
    // A post is acknowledged when it is stored, so the pong may come first.
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
async fn every_route_is_listed_in_the_table() {
    let server = Server::start().await;
    let there = routes(&server).await;
    let text = table("routes");
    let table = rows(&text, 3);
    let listed: BTreeSet<(String, String)> =
        table.iter().map(|row| (row.request[0].to_owned(), row.request[1].to_owned())).collect();
    let missing: Vec<_> = there.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&there).collect();
    assert!(missing.is_empty(), "not in the table: {missing:?}");
    assert!(gone.is_empty(), "only in the table: {gone:?}");
}

/// Method and path of every route: the paths from the sources, the methods from the `Allow` header of
/// the response to a method that no route accepts.
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
        let request = client.request(Method::TRACE, server.url(&filled));
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 405, "{path} is routed");
        let allowed = answer.headers()["allow"].to_str().expect("text").to_owned();
        for method in allowed.split(',').filter(|method| *method != "HEAD") {
            found.insert((method.to_owned(), path.clone()));
        }
    }
    found
}

/// Collects every `.route("PATH", …)`, and fails on other ways to add a route.
fn collect(folder: &Path, paths: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, paths);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        let file = path.to_string_lossy();
        // Skip the servers of unit tests.
        if file.ends_with("tests.rs") {
            continue;
        }
        // The polling route of `realtime` has no API prefix, like the pages.
        let api = file.contains("src/api/") || file.ends_with("src/realtime/upgrade.rs");
        let prefix = if api { "/api/v1" } else { "" };
        for piece in text.split(".route(").skip(1) {
            let quoted = piece.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"'));
            let (route, _) = quoted.unwrap_or_else(|| panic!("{file}: a route without its path"));
            paths.insert(format!("{prefix}{route}"));
        }
        for other in [".route_service(", ".nest_service(", ".fallback_service("] {
            assert!(!text.contains(other), "{file}: {other} is in no table");
        }
    }
}
