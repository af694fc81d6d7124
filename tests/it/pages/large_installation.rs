//! A large installation: what a page and a poll query must not grow with the number of rooms.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use scraper::{Html, Selector};
use serde_json::json;

use crate::support::{Api, Browser, PASSWORD, Server, eventually};

/// Starts a server on this directory, runs `action`, and counts the queries from start to stop.
async fn statements(folder: &Path, action: impl AsyncFnOnce(String)) -> usize {
    let log = logged(folder, action).await;
    // The number of opened connections, each with its pragmas, depends on chance, and the number of
    // periodic polls on time, so neither is counted.
    let is_query = |line: &&str| line.contains("sqlx::query") && line.contains("select");
    let periodic = ["from changes", "from jobs", "read_at", "from message_ids"];
    let is_relevant = |line: &&str| periodic.iter().all(|table| !line.contains(table));
    log.lines().filter(is_query).filter(is_relevant).count()
}

/// Starts a server on this directory, runs `action`, stops the server, and returns its log with all statements.
async fn logged(folder: &Path, action: impl AsyncFnOnce(String)) -> String {
    let port = {
        let probe = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        probe.local_addr().expect("an address").port().to_string()
    };
    let log = folder.join("log");
    let mut server = Command::new(env!("CARGO_BIN_EXE_patio"))
        .env_clear()
        .envs([("PORT", port.as_str()), ("LISTEN", "127.0.0.1"), ("RATE_LIMIT", "off")])
        .envs([("LOG", "sqlx::query=debug"), ("LOG_FORMAT", "json")])
        .env("DATA_DIR", folder.join("data"))
        .stdout(Stdio::null())
        .stderr(File::create(&log).expect("a log"))
        .spawn()
        .expect("it starts");
    let url = format!("http://127.0.0.1:{port}");
    let up = format!("{url}/up");
    eventually("the server is up", async || reqwest::get(&up).await.is_ok()).await;
    action(url).await;
    kill_process(Pid::from_child(&server), Signal::TERM).expect("a signal");
    assert!(server.wait().expect("an end").success());
    std::fs::read_to_string(&log).expect("text")
}

#[tokio::test]
async fn room_page_runs_as_many_queries_for_300_rooms_as_for_one() {
    let folder = tempfile::tempdir().expect("a directory");
    let rooms = async |url: String, rooms: std::ops::Range<i32>| {
        let ana = Api::with_account(format!("{url}/api/v1"), "ana").await;
        for n in rooms {
            ana.post("/rooms", json!({"name": format!("Sala {n}"), "visibility": "public"})).await;
        }
    };
    let view = async |url: String, rooms: usize| {
        let mut browser = Browser::new(url);
        browser.login("ana", PASSWORD).await;
        let page = browser.get("/rooms/1").await;
        assert_eq!(page.all(".sidebar .room").len(), rooms);
    };
    statements(folder.path(), async |url| rooms(url, 1..2).await).await;
    let one = statements(folder.path(), async |url| view(url, 2).await).await;
    statements(folder.path(), async |url| rooms(url, 2..301).await).await;
    let many = statements(folder.path(), async |url| view(url, 301).await).await;
    assert!(one > 10, "the test sees the statements: {one}");
    assert_eq!(many, one);
}

#[tokio::test]
async fn drafts_page_runs_as_many_queries_for_20_drafts_as_for_one() {
    let folder = tempfile::tempdir().expect("a directory");
    let write = async |url: String, rooms: std::ops::Range<i32>| {
        let ana = Api::with_account(format!("{url}/api/v1"), "ana").await;
        for n in rooms {
            let name = format!("Sala {n}");
            let room = ana.post("/rooms", json!({"name": name, "visibility": "public"})).await;
            let path = format!("/rooms/{}/draft", room["id"]);
            ana.ok(Method::PUT, &path, Some(json!({"body": "hola"}))).await;
        }
    };
    let view = async |url: String, drafts: usize| {
        let mut browser = Browser::new(url);
        browser.login("ana", PASSWORD).await;
        assert_eq!(browser.get("/drafts").await.all(".result").len(), drafts);
    };
    statements(folder.path(), async |url| write(url, 0..1).await).await;
    let one = statements(folder.path(), async |url| view(url, 1).await).await;
    statements(folder.path(), async |url| write(url, 1..20).await).await;
    let many = statements(folder.path(), async |url| view(url, 20).await).await;
    assert!(one > 10, "the test sees the statements: {one}");
    assert_eq!(many, one);
}

#[tokio::test]
async fn poll_after_own_messages_reads_one_number() {
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("log");
    let polls =
        || std::fs::read_to_string(&file).expect("text").matches("from message_ids").count();
    let log = logged(folder.path(), async |url| {
        let ana = Api::with_account(format!("{url}/api/v1"), "ana").await;
        for n in 0..20 {
            ana.post("/rooms/1/messages", json!({"body": format!("{n}")})).await;
        }
        let before = polls();
        eventually("two polls after the last message", async || polls() >= before + 2).await;
    })
    .await;
    assert!(log.contains("insert into messages"), "the test sees the statements");
    // What finds the messages of other processes. All were stored by this one.
    for search in ["select max(room_rev_key) from messages", "select id, rev from rooms"] {
        assert!(!log.contains(search), "{search}");
    }
}

#[tokio::test]
async fn page_for_a_live_sidebar_has_only_the_row_of_its_room() {
    let server = Server::start().await;
    let api = server.api("luis").await;
    for name in ["Huerto", "Taller"] {
        api.post("/rooms", json!({"name": name, "visibility": "public"})).await;
    }
    let mut ana = server.browser_as("ana").await;
    ana.submit("/rooms/2/join", &[]).await;
    let plain = Browser::plain();
    let rows = async |path: &str, sidebar: &str| {
        let request = plain.get(server.url(path)).header("cookie", ana.cookie());
        let answer = request.header("patio-sidebar", sidebar).send().await.expect("an answer");
        let vary = answer.headers().get_all("vary").iter();
        let vary: Vec<&str> = vary.map(|value| value.to_str().expect("text")).collect();
        assert!(vary.join(", ").contains("patio-sidebar"), "{vary:?}");
        let page = Html::parse_document(&answer.text().await.expect("text"));
        let row = Selector::parse("#side [data-room] .room__name").expect("a selector");
        let name = |row: scraper::ElementRef<'_>| row.text().collect::<String>();
        page.select(&row).map(name).collect::<Vec<_>>()
    };
    for (path, all, only) in [
        ("/rooms/1", vec!["lobby", "Huerto"], vec!["lobby"]),
        ("/rooms/2", vec!["lobby", "Huerto"], vec!["Huerto"]),
        // Not a member: listed while it is on screen.
        ("/rooms/3", vec!["lobby", "Huerto", "Taller"], vec!["Taller"]),
        ("/settings", vec!["lobby", "Huerto"], vec![]),
    ] {
        assert_eq!(rows(path, "").await, all, "{path}");
        assert_eq!(rows(path, "live").await, only, "{path}");
    }
}
