//! Archived rooms: read and searched, but not written in.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{room, status, time};
use crate::support::{PASSWORD, Server};

fn archived(value: bool) -> Value {
    json!({"archived": value})
}

#[tokio::test]
async fn an_archived_room_is_read_and_searched_but_takes_nothing_new() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (id, _) = room(&ana, "obras", "public").await;
    let path = format!("/rooms/{id}");
    let messages = format!("{path}/messages");
    let first = json!({"body": "cemento", "nonce": "n"});
    let message = luis.post(&messages, first.clone()).await["id"].clone();
    let message = format!("/messages/{message}");
    luis.ok(Method::PUT, &format!("{message}/reactions/👍"), None).await;
    let (pin, thread) = (format!("{message}/pin"), format!("{message}/thread"));
    luis.ok(Method::PUT, &pin, None).await;
    luis.post(&thread, json!({"body": "y arena"})).await;
    let mut live = luis.live().await;
    live.until("present").await;
    live.open_room(id, None).await;
    server.advance(Duration::from_mins(1));
    let at = time(&luis).await;
    server.advance(Duration::from_mins(1));
    let (_, shown) = ana.ok(Method::PATCH, &path, Some(archived(true))).await;
    assert_eq!(shown["archived_at"], "2026-11-21T10:02:00.000Z");
    assert_eq!(live.until("room").await["room"]["archived_at"], shown["archived_at"]);
    assert!(luis.live_since(&at).await.until("room").await["room"]["archived_at"].is_string());
    let reaction = format!("{message}/reactions/🎉");
    for (api, method, path, body) in [
        (&luis, Method::POST, &messages, json!({"body": "más"})),
        (&ana, Method::POST, &messages, json!({"body": "más"})),
        (&luis, Method::PATCH, &message, json!({"body": "arena"})),
        (&luis, Method::PUT, &reaction, json!({})),
        (&luis, Method::PUT, &pin, json!({})),
        (&luis, Method::DELETE, &pin, json!({})),
        (&luis, Method::POST, &thread, json!({"body": "más"})),
        (&luis, Method::POST, &messages, json!({"body": "más", "nonce": "m"})),
    ] {
        let refused = api.refused(method.clone(), path, Some(body)).await;
        assert_eq!(refused.status, 409, "{method} {path}");
        let detail = refused.body["detail"].as_str().expect("a text");
        assert!(detail.starts_with("This room is archived."), "{detail}");
    }
    live.send(json!({"type": "post", "room": id, "body": "más", "nonce": "l"})).await;
    let refused = live.until("error").await;
    assert_eq!((&refused["status"], &refused["nonce"]), (&json!(409), &json!("l")));
    // What was stored before is answered as before, and who reads it does not join by trying to write.
    let (repeated, _) = luis.ok(Method::POST, &messages, Some(first)).await;
    assert_eq!(repeated, 200);
    let eva = server.api("eva").await;
    assert_eq!(status(&eva, Method::POST, &messages, json!({"body": "hola"})).await, 409);
    assert_eq!(ana.get(&path).await["members"], 2);
    assert_eq!(eva.get(&messages).await["items"][0]["body"], "cemento");
    assert_eq!(eva.get("/search?q=cemento").await["items"][0]["room_id"], id);
    // What is there can be taken back.
    luis.ok(Method::DELETE, &format!("{message}/reactions/👍"), None).await;
    luis.ok(Method::DELETE, &message, None).await;
    let (_, shown) = ana.ok(Method::PATCH, &path, Some(archived(false))).await;
    assert_eq!(shown["archived_at"], json!(null));
    luis.post(&messages, json!({"body": "de nuevo"})).await;
}

#[tokio::test]
async fn a_thread_of_an_archived_room_is_archived_and_keeps_what_was_typed() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let (id, _) = room(&ana, "obras", "public").await;
    let message = ana.post(&format!("/rooms/{id}/messages"), json!({"body": "cemento"})).await;
    let thread = format!("/messages/{}/thread", message["id"]);
    ana.post(&thread, json!({"body": "y arena"})).await;
    let (_, shown) = ana.ok(Method::PATCH, &format!("/rooms/{id}"), Some(archived(true))).await;
    assert_eq!(ana.get(&thread).await["archived_at"], shown["archived_at"]);
    let mut page = server.browser();
    page.login("ana", PASSWORD).await;
    let address = format!("/threads/{}", message["id"]);
    assert_eq!(page.get(&address).await.attribute("#archived-bar", "hidden"), None);
    let kept = page.submit(&address, &[("body", "se conserva")]).await;
    assert_eq!((kept.status.as_u16(), kept.one("#body").as_str()), (409, "se conserva"));
}

#[tokio::test]
async fn owners_and_administrators_archive_rooms_and_it_is_recorded() {
    let server = Server::start().await;
    let admin = server.api("carlos").await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (public, _) = room(&ana, "obras", "public").await;
    let (private, _) = room(&ana, "secreta", "private").await;
    let direct = ana.post("/direct", json!({"name": "luis"})).await["id"].as_i64().expect("an id");
    for (api, room, expected) in [
        (&luis, public, 403),
        (&luis, private, 404),
        (&admin, private, 404),
        (&admin, 1, 409),
        (&luis, 1, 403),
        (&ana, direct, 403),
        (&ana, private, 200),
        (&admin, public, 200),
    ] {
        let path = format!("/rooms/{room}");
        assert_eq!(status(api, Method::PATCH, &path, archived(true)).await, expected, "{room}");
    }
    // An administrator changes nothing else.
    let both = json!({"archived": false, "topic": "x"});
    let path = format!("/rooms/{public}");
    assert_eq!(status(&admin, Method::PATCH, &path, both.clone()).await, 403);
    assert!(admin.get(&path).await["archived_at"].is_string(), "all or nothing");
    assert_eq!(status(&ana, Method::PATCH, &path, both).await, 200);
    assert_eq!(status(&ana, Method::PATCH, &path, archived(false)).await, 200, "again");
    let recorded = admin.get("/audit").await;
    let actions: Vec<&str> = recorded["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter_map(|entry| entry["action"].as_str())
        .collect();
    assert_eq!(actions, ["room.unarchive", "room.archive", "room.archive"]);
}

#[tokio::test]
async fn pages_of_an_archived_room_say_so() {
    let server = Server::start().await;
    let (ana, _luis) = (server.api("ana").await, server.api("luis").await);
    let (id, _) = room(&ana, "obras", "public").await;
    let mut owner = server.browser();
    owner.login("ana", PASSWORD).await;
    let path = format!("/rooms/{id}");
    let before = owner.get(&path).await;
    assert!(before.attribute("#archived-bar", "hidden").is_some());
    assert!(before.attribute("#composer", "hidden").is_none());
    let after = owner.submit(&format!("{path}/archive"), &[("archived", "true")]).await;
    assert_eq!(after.path, path);
    let mut guest = server.browser();
    guest.login("luis", PASSWORD).await;
    let seen = guest.get(&path).await;
    for page in [&after, &seen] {
        assert!(page.attribute("#archived-bar", "hidden").is_none());
        assert!(page.attribute("#composer", "hidden").is_some());
        assert!(page.one("#archived-bar p").starts_with("This room is archived."));
    }
    assert_eq!(after.all("#archived-bar button"), ["Use the room again"]);
    assert!(seen.all("#archived-bar button").is_empty());
    let refused = guest.submit(&format!("{path}/messages"), &[("body", "hola")]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text.contains("hola"), "the text comes back");
}
