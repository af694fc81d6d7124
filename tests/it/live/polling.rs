//! A page without a live line asks over HTTP, and gets the frames that a connection would get.

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
async fn what_changed_since_a_rev_comes_once_and_in_order() {
    let server = Server::start().await;
    let (mut ana, luis) = (server.person("ana").await, server.api("luis").await);
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
async fn more_than_a_page_comes_in_pieces_and_only_the_last_says_live() {
    let server = Server::start().await;
    let (mut ana, luis) = (server.person("ana").await, server.api("luis").await);
    for n in 1..=120 {
        luis.say(&format!("number {n} {}", "x".repeat(2_000))).await;
    }
    let (mut known, mut pieces) = (0, Vec::new());
    for _ in 0..5 {
        let since = known.to_string();
        let frames = poll(&mut ana, &[("room", "1"), ("since_rev", &since)]).await;
        let revs: Vec<i64> =
            of(&frames, "message").iter().filter_map(|frame| frame["rev"].as_i64()).collect();
        assert_eq!(revs.first(), Some(&(known + 1)));
        known = *revs.last().expect("a message");
        pieces.push((known, of(&frames, "live").len()));
        if known == 120 {
            break;
        }
    }
    assert!(pieces.len() > 1, "{pieces:?}");
    for (known, live) in pieces {
        assert_eq!(live, usize::from(known == 120), "{known}");
    }
}

#[tokio::test]
async fn a_room_that_one_may_not_read_says_nothing_but_that() {
    let server = Server::start().await;
    let (mut ana, luis) = (server.person("ana").await, server.api("luis").await);
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
async fn a_rev_that_the_room_never_had_is_a_reason_to_begin_again() {
    let server = Server::start().await;
    let mut ana = server.person("ana").await;
    let frames = poll(&mut ana, &[("room", "1"), ("since_rev", "7")]).await;
    assert_eq!(of(&frames, "resync"), [&json!({"type": "resync", "room": 1})]);
    assert_eq!(of(&frames, "live"), Vec::<&Value>::new());
}

#[tokio::test]
async fn what_has_been_read_is_said_with_the_question() {
    let server = Server::start().await;
    let (mut ana, luis) = (server.person("ana").await, server.api("luis").await);
    luis.say("one").await;
    luis.say("two").await;
    let read = |frames: &[Value]| frames[0]["rooms"][0]["last_read_seq"].clone();
    assert_eq!(read(&poll(&mut ana, &[]).await), 0);
    assert_eq!(read(&poll(&mut ana, &[("room", "1"), ("read", "1")]).await), 1);
    assert_eq!(read(&poll(&mut ana, &[]).await), 1);
}

#[tokio::test]
async fn strangers_are_sent_to_sign_in_and_other_sites_away() {
    let server = Server::start().await;
    server.api("ana").await;
    let page = server.browser().submit("/live", &[]).await;
    assert!(page.path.starts_with("/login"), "{}", page.path);
    let luis = server.person("luis").await;
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
async fn a_form_of_somebody_who_is_not_signed_in_any_more_is_not_posted_by_another() {
    let server = Server::start().await;
    let (mut ana, _) = (server.person("ana").await, server.person("luis").await);
    let mine = [("body", "mine"), ("author", "1")];
    let others = [("body", "not mine"), ("author", "2")];
    assert_eq!(ana.submit("/rooms/1/messages", &others).await.status, StatusCode::CONFLICT);
    assert_eq!(ana.submit("/rooms/1/messages", &mine).await.messages(), ["mine"]);
}
