//! Pending messages of the browser's outbox reach the room and author they belong to, or nothing.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{PASSWORD, Server};

/// The creation time of a room, as its page states it.
async fn created(server: &Server, room: i64) -> String {
    let mut browser = server.browser();
    browser.login("ana", PASSWORD).await;
    let page = browser.get(&format!("/rooms/{room}")).await;
    page.attribute(".main", "data-created").expect("a moment")
}

#[tokio::test]
async fn pending_post_is_bound_to_its_author_and_room() {
    let server = Server::start().await;
    let (ana, _luis) = (server.api("ana").await, server.api("luis").await);
    let (here, elsewhere) = (created(&server, 1).await, "2001-01-01T00:00:00.000Z");
    let mut live = ana.live().await;
    live.until("present").await;
    let mut browser = server.browser();
    browser.login("ana", PASSWORD).await;
    for (n, (author, room_created, status)) in [
        (Some(1), Some(here.as_str()), 0),
        (Some(1), None, 0),
        (None, Some(here.as_str()), 0),
        (None, None, 0),
        (Some(2), Some(here.as_str()), 409),
        (Some(2), None, 409),
        (Some(99), None, 409),
        (Some(1), Some(elsewhere), 404),
        (None, Some(elsewhere), 404),
        (Some(1), Some("yesterday"), 422),
    ]
    .into_iter()
    .enumerate()
    {
        let nonce = format!("n-{n}");
        let case = format!("{author:?} {room_created:?}");
        let mut frame = json!({"type": "post", "room": 1, "body": "by line", "nonce": nonce});
        let mut fields = vec![("body", "by form".to_owned())];
        if let Some(author) = author {
            frame["author"] = json!(author);
            fields.push(("author", author.to_string()));
        }
        if let Some(created) = room_created {
            frame["room_created"] = json!(created);
            fields.push(("room_created", created.to_owned()));
        }
        let before = newest(&ana).await;
        live.send(frame).await;
        let kind = if status == 0 { "posted" } else { "error" };
        assert_eq!(live.until(kind).await["nonce"], nonce, "{case}");
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let page = browser.submit("/rooms/1/messages", &fields).await;
        let expected = if status == 0 { StatusCode::OK.as_u16() } else { status };
        assert_eq!(page.status.as_u16(), expected, "{case}");
        let stored = if status == 0 { 2 } else { 0 };
        assert_eq!(newest(&ana).await, before + stored, "{case}");
    }
}

async fn newest(api: &crate::support::Api) -> i64 {
    let page: Value = api.get("/rooms/1/messages?limit=1").await;
    page["items"][0]["seq"].as_i64().unwrap_or(0)
}

#[tokio::test]
async fn pending_first_direct_message_is_bound_to_its_author() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    server.browser_as("luis").await;
    let fields = |author| [("body", "hola"), ("author", author)];
    let refused = ana.submit("/direct/luis/messages", &fields("2")).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let page = ana.submit("/direct/luis/messages", &fields("1")).await;
    assert_eq!(page.messages(), ["hola"]);
}
