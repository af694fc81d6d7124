//! Pins, and the former versions of edited messages.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Api, Server};

async fn pin(user: &Api, method: Method, message: &Value) {
    let (status, _) = user.ok(method, &format!("/messages/{}/pin", message["id"]), None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
}

async fn pinned(user: &Api) -> Vec<Value> {
    let list = user.get("/rooms/1/pins").await;
    let items = list["items"].as_array().expect("items");
    assert!(items.iter().all(|item| item["pinned"] == true), "{list}");
    items.iter().map(|item| item["body"].clone()).collect()
}

#[tokio::test]
async fn pinned_message_is_on_the_list_until_it_is_unpinned_or_deleted() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (one, two) = (ana.say("one").await, ana.say("two").await);
    let mut live = luis.live().await;
    live.open_room(1, Some(2)).await;
    pin(&luis, Method::PUT, &one).await;
    let frame = live.until("message").await;
    assert_eq!((&frame["message"]["pinned"], &frame["rev"]), (&json!(true), &json!(3)));
    server.advance(Duration::from_secs(1));
    pin(&ana, Method::PUT, &two).await;
    pin(&ana, Method::PUT, &two).await;
    assert_eq!(pinned(&luis).await, ["two", "one"], "the last one first");
    assert_eq!(ana.get("/rooms/1").await["rev"], 4, "pinning twice is one change");
    pin(&ana, Method::DELETE, &two).await;
    pin(&ana, Method::DELETE, &two).await;
    assert_eq!(pinned(&luis).await, ["one"]);
    ana.ok(Method::DELETE, &format!("/messages/{}", one["id"]), None).await;
    assert!(pinned(&luis).await.is_empty());
    let path = format!("/messages/{}/pin", one["id"]);
    assert_eq!(ana.refused(Method::PUT, &path, None).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn pages_say_who_pinned_a_message_and_count_the_pins() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let mut browser = server.browser_as("eva").await;
    let (one, two) = (ana.say("one").await, ana.say("two").await);
    let header = browser.get("/rooms/1").await;
    assert_eq!(header.attribute("#pins", "hidden").as_deref(), Some(""), "there are none");
    pin(&luis, Method::PUT, &one).await;
    pin(&ana, Method::PUT, &two).await;
    luis.ok(Method::PATCH, "/me", Some(json!({"display_name": "Luis <b>"}))).await;
    for path in ["/rooms/1", "/rooms/1/pins"] {
        let marks = browser.get(path).await.all(".message__marks bdi");
        assert!(marks.contains(&"ana".to_owned()), "{path}: {marks:?}");
        assert!(marks.contains(&"Luis <b>".to_owned()), "{path}: under the name of today");
    }
    let page = browser.get("/rooms/1").await;
    assert_eq!(page.one("#pins"), "2");
    assert_eq!(page.attribute("#pins", "aria-label").as_deref(), Some("2 pinned messages"));
    assert_eq!(page.attribute("#pins", "href").as_deref(), Some("/rooms/1/pins"));
    pin(&luis, Method::DELETE, &two).await;
    let page = browser.get("/rooms/1").await;
    assert_eq!((page.one("#pins"), page.all(".message__marks").len()), ("1".to_owned(), 1));
}

#[tokio::test]
async fn room_has_at_most_a_hundred_pins() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    for n in 0..100 {
        let message = ana.say(&format!("m{n}")).await;
        pin(&ana, Method::PUT, &message).await;
    }
    let last = ana.say("one too many").await;
    let path = format!("/messages/{}/pin", last["id"]);
    let refused = ana.refused(Method::PUT, &path, None).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    pin(&ana, Method::DELETE, &ana.get("/rooms/1/pins").await["items"][0]).await;
    pin(&ana, Method::PUT, &last).await;
}

async fn versions(user: &Api, message: &Value) -> Vec<Value> {
    let list = user.get(&format!("/messages/{}/edits", message["id"])).await;
    list["items"].as_array().expect("items").clone()
}

async fn edit(user: &Api, message: &Value, body: &str) -> Value {
    let path = format!("/messages/{}", message["id"]);
    user.ok(Method::PATCH, &path, Some(json!({"body": body}))).await.1
}

#[tokio::test]
async fn edits_keep_what_the_message_said_before() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let message = ana.say("<one>").await;
    assert!(versions(&luis, &message).await.is_empty());
    server.advance(Duration::from_mins(1));
    edit(&ana, &message, "two").await;
    server.advance(Duration::from_mins(1));
    let edited = edit(&ana, &message, "three").await;
    assert_eq!(edit(&ana, &message, "three").await["edits"], 2, "the same text is no edit");
    assert_eq!(edited["edits"], 2);
    let expected = [
        json!({"body": "<one>", "html": "<p>&lt;one&gt;</p>", "at": message["created_at"]}),
        json!({"body": "two", "html": "<p>two</p>", "at": "2026-11-21T10:01:00.000Z"}),
    ];
    assert_eq!(versions(&luis, &message).await, expected);
    for n in 0..30 {
        edit(&ana, &message, &format!("v{n}")).await;
    }
    let kept = versions(&luis, &message).await;
    let bodies: Vec<&Value> = kept.iter().map(|version| &version["body"]).collect();
    assert_eq!(bodies.len(), 20, "the history is bounded");
    assert_eq!((bodies[0], bodies[1], bodies[19]), (&json!("<one>"), &json!("v10"), &json!("v28")));
    ana.ok(Method::DELETE, &format!("/messages/{}", message["id"]), None).await;
    assert!(versions(&luis, &message).await.is_empty(), "a deleted message has no history");
}
