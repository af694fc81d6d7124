//! Polling: a page without a live connection requests the same frames over HTTP.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Browser, Server};

async fn poll(browser: &mut Browser, fields: &[(&str, &str)]) -> Vec<Value> {
    let page = browser.submit("/live", fields).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert_eq!(page.headers["cache-control"], "no-store");
    serde_json::from_str(&page.text).expect("frames")
}

fn kinds(frames: &[Value]) -> Vec<&str> {
    frames.iter().filter_map(|frame| frame["type"].as_str()).collect()
}

fn of<'a>(frames: &'a [Value], kind: &str) -> Vec<&'a Value> {
    frames.iter().filter(|frame| frame["type"] == kind).collect()
}

#[tokio::test]
async fn poll_returns_changes_since_a_rev_once_in_order() {
    let server = Server::start().await;
    let (mut ana, luis) = (server.browser_as("ana").await, server.api("luis").await);
    let mut ids = Vec::new();
    for body in ["one", "two", "three"] {
        ids.push(luis.say(body).await["id"].clone());
    }
    luis.status(
        reqwest::Method::PATCH,
        &format!("/messages/{}", ids[0]),
        Some(json!({"body": "first"})),
    )
    .await;
    let frames = poll(&mut ana, &[("room", "1"), ("since_rev", "1")]).await;
    assert_eq!(kinds(&frames)[0], "ready");
    let changed = of(&frames, "message");
    let revs: Vec<i64> = changed.iter().filter_map(|frame| frame["rev"].as_i64()).collect();
    assert_eq!(revs, [2, 3, 4]);
    assert!(changed[2]["html"].as_str().expect("html").contains("first"));
    assert_eq!(of(&frames, "live"), [&json!({"type": "live", "room": 1, "rev": 4})]);
    let frames = poll(&mut ana, &[("room", "1"), ("since_rev", "4")]).await;
    assert_eq!(of(&frames, "message"), Vec::<&Value>::new());
}

#[tokio::test]
async fn large_poll_result_is_paged_and_only_the_last_page_is_live() {
    let server = Server::start().await;
    let (mut ana, luis) = (server.browser_as("ana").await, server.api("luis").await);
    for n in 1..=120 {
        luis.say(&format!("number {n} {}", "x".repeat(2_000))).await;
    }
    let (mut known, mut pages) = (0, Vec::new());
    for _ in 0..5 {
        let since = known.to_string();
        let frames = poll(&mut ana, &[("room", "1"), ("since_rev", &since)]).await;
        let revs: Vec<i64> =
            of(&frames, "message").iter().filter_map(|frame| frame["rev"].as_i64()).collect();
        assert_eq!(revs.first(), Some(&(known + 1)));
        known = *revs.last().expect("a message");
        pages.push((known, of(&frames, "live").len()));
        if known == 120 {
            break;
        }
    }
    assert!(pages.len() > 1, "{pages:?}");
    for (known, live) in pages {
        assert_eq!(live, usize::from(known == 120), "{known}");
    }
}

#[tokio::test]
async fn unreadable_room_returns_only_the_refusal() {
    let server = Server::start().await;
    let (mut ana, luis) = (server.browser_as("ana").await, server.api("luis").await);
    let room = luis.post("/rooms", json!({"name": "secret", "visibility": "private"})).await;
    let id = room["id"].to_string();
    luis.post(&format!("/rooms/{id}/messages"), json!({"body": "hidden"})).await;
    for path in [id.as_str(), "999", "-1", "0"] {
        let frames = poll(&mut ana, &[("room", path), ("since_rev", "0")]).await;
        assert_eq!(of(&frames, "message"), Vec::<&Value>::new(), "{path}");
        assert_eq!(of(&frames, "closed").len(), 1, "{path}");
    }
    let frames = poll(&mut ana, &[("room", "1"), ("since_rev", "0")]).await;
    assert_eq!(of(&frames, "closed"), Vec::<&Value>::new());
}

#[tokio::test]
async fn unknown_rev_makes_the_client_reload() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let frames = poll(&mut ana, &[("room", "1"), ("since_rev", "7")]).await;
    assert_eq!(of(&frames, "resync"), [&json!({"type": "resync", "room": 1})]);
    assert_eq!(of(&frames, "live"), Vec::<&Value>::new());
}

#[tokio::test]
async fn poll_request_moves_the_read_marker() {
    let server = Server::start().await;
    let (mut ana, luis) = (server.browser_as("ana").await, server.api("luis").await);
    luis.say("one").await;
    luis.say("two").await;
    let read = |frames: &[Value]| frames[0]["rooms"][0]["last_read_seq"].clone();
    assert_eq!(read(&poll(&mut ana, &[]).await), 0);
    assert_eq!(read(&poll(&mut ana, &[("room", "1"), ("read", "1")]).await), 1);
    assert_eq!(read(&poll(&mut ana, &[]).await), 1);
}

#[tokio::test]
async fn signed_out_poll_gets_login_and_other_sites_are_refused() {
    let server = Server::start().await;
    server.api("ana").await;
    let page = server.browser().submit("/live", &[]).await;
    assert!(page.path.starts_with("/login"), "{}", page.path);
    let luis = server.browser_as("luis").await;
    let foreign = Browser::plain()
        .post(server.url("/live"))
        .header("cookie", luis.cookie())
        .header("origin", "https://elsewhere.example")
        .send()
        .await
        .expect("an answer");
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn form_of_a_former_user_is_not_posted_as_another() {
    let server = Server::start().await;
    let (mut ana, _) = (server.browser_as("ana").await, server.browser_as("luis").await);
    let mine = [("body", "mine"), ("author", "1")];
    let others = [("body", "not mine"), ("author", "2")];
    assert_eq!(ana.submit("/rooms/1/messages", &others).await.status, StatusCode::CONFLICT);
    assert_eq!(ana.submit("/rooms/1/messages", &mine).await.messages(), ["mine"]);
}
