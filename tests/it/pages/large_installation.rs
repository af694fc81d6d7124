//! An installation that has grown: what a page costs.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::support::{Api, Browser, PASSWORD};

/// Lets somebody do something on the server of this directory, and counts the statements from the
/// start to the end of it.
async fn statements(place: &Path, what: impl AsyncFnOnce(String)) -> usize {
    let port = {
        let probe = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        probe.local_addr().expect("an address").port().to_string()
    };
    let log = place.join("log");
    let mut server = Command::new(env!("CARGO_BIN_EXE_patio"))
        .env_clear()
        .envs([("PORT", port.as_str()), ("LISTEN", "127.0.0.1"), ("RATE_LIMIT", "off")])
        .envs([("LOG", "sqlx::query=debug"), ("LOG_FORMAT", "json")])
        .env("DATA_DIR", place.join("data"))
        .stdout(Stdio::null())
        .stderr(File::create(&log).expect("a log"))
        .spawn()
        .expect("it starts");
    let url = format!("http://127.0.0.1:{port}");
    while reqwest::get(format!("{url}/up")).await.is_err() {
        tokio::task::yield_now().await;
    }
    what(url).await;
    kill_process(Pid::from_child(&server), Signal::TERM).expect("a signal");
    assert!(server.wait().expect("an end").success());
    let log = std::fs::read_to_string(&log).expect("text");
    // How many connections are opened, each with its pragmas, is a matter of chance; how often the
    // server looks for what others did and for what is due one of time.
    let asks = |line: &&str| line.contains("sqlx::query") && line.contains("select");
    let by_the_second = ["from endings", "from news", "from jobs", "read_at", "from counters"];
    let asked = |line: &&str| by_the_second.iter().all(|table| !line.contains(table));
    log.lines().filter(asks).filter(asked).count()
}

#[tokio::test]
async fn a_room_page_asks_the_database_no_more_often_for_300_rooms_than_for_one() {
    let place = tempfile::tempdir().expect("a directory");
    let rooms = async |url: String, rooms: std::ops::Range<i32>| {
        let ana = Api::with_account(format!("{url}/api/v1"), "ana").await;
        for n in rooms {
            ana.post("/rooms", json!({"name": format!("Sala {n}"), "visibility": "public"})).await;
        }
    };
    let look = async |url: String, rooms: usize| {
        let mut browser = Browser::new(url);
        browser.login("ana", PASSWORD).await;
        let page = browser.get("/rooms/1").await;
        assert_eq!(page.all(".sidebar .room").len(), rooms);
    };
    statements(place.path(), async |url| rooms(url, 1..2).await).await;
    let one = statements(place.path(), async |url| look(url, 2).await).await;
    statements(place.path(), async |url| rooms(url, 2..301).await).await;
    let many = statements(place.path(), async |url| look(url, 301).await).await;
    assert!(one > 10, "the test sees the statements: {one}");
    assert_eq!(many, one);
}
