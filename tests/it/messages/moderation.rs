//! Deleting messages of others: rights, the tombstone, and the entry in the audit log.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Api, Browser, Server};

const NONE: Option<Value> = None;

/// Creates a room of `owner` with a message of `author`, and returns the ids of room and message.
async fn message_in(owner: &Api, author: &Api, (name, visibility): (&str, &str)) -> (i64, i64) {
    let room = json!({"name": name, "visibility": visibility});
    let room = owner.post("/rooms", room).await;
    author.post("/join", json!({"code": room["code"]})).await;
    let path = format!("/rooms/{}/messages", room["id"]);
    let message = author.post(&path, json!({"body": "palabras secretas"})).await;
    (room["id"].as_i64().expect("an id"), message["id"].as_i64().expect("an id"))
}

async fn message(reader: &Api, room: i64, id: i64) -> Value {
    let all = reader.get(&format!("/rooms/{room}/messages")).await;
    let items = all["items"].as_array().expect("items");
    items.iter().find(|message| message["id"] == id).expect("it is there").clone()
}

#[tokio::test]
async fn only_author_owner_and_administrators_delete_a_message() {
    let server = Server::start().await;
    let (admin, owner) = (server.api("ana").await, server.api("luis").await);
    let (author, member) = (server.api("eva").await, server.api("olga").await);
    for (name, user, deleted_by) in
        [("one", &author, "author"), ("two", &owner, "moderator"), ("three", &admin, "moderator")]
    {
        let (room, id) = message_in(&owner, &author, (name, "public")).await;
        member.post(&format!("/rooms/{room}/join"), json!({})).await;
        let path = format!("/messages/{id}");
        let refused = member.refused(Method::DELETE, &path, NONE).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        let untouched = message(&author, room, id).await;
        assert_eq!(
            (&untouched["deleted"], &untouched["deleted_by"]),
            (&json!(false), &Value::Null)
        );
        assert_eq!(user.ok(Method::DELETE, &path, NONE).await.0, StatusCode::NO_CONTENT);
        let gone = message(&member, room, id).await;
        assert_eq!((&gone["body"], &gone["html"]), (&json!(""), &json!("")));
        assert_eq!((&gone["deleted"], &gone["deleted_by"]), (&json!(true), &json!(deleted_by)));
        // A second deletion changes nothing, even by another user.
        admin.ok(Method::DELETE, &path, NONE).await;
        assert_eq!(message(&member, room, id).await, gone);
    }
}

#[tokio::test]
async fn administrator_cannot_moderate_unreadable_rooms() {
    let server = Server::start().await;
    let (admin, owner) = (server.api("ana").await, server.api("luis").await);
    let author = server.api("eva").await;
    let (_, id) = message_in(&owner, &author, ("taller", "private")).await;
    let path = format!("/messages/{id}");
    let refused = admin.refused(Method::DELETE, &path, NONE).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    // As a member of the room, the administrator may moderate.
    let code = owner.get("/rooms/2").await["code"].clone();
    admin.post("/join", json!({"code": code})).await;
    admin.ok(Method::DELETE, &path, NONE).await;
    assert_eq!(message(&author, 2, id).await["deleted_by"], "moderator");
}

#[tokio::test]
async fn direct_messages_are_deleted_by_their_author_only() {
    let server = Server::start().await;
    let (admin, luis) = (server.api("ana").await, server.api("luis").await);
    let eva = server.api("eva").await;
    let direct = luis.post("/direct", json!({"name": "ana"})).await["id"].clone();
    let to_admin = luis.post(&format!("/rooms/{direct}/messages"), json!({"body": "hola"})).await;
    let refused =
        admin.refused(Method::DELETE, &format!("/messages/{}", to_admin["id"]), NONE).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let direct = luis.post("/direct", json!({"name": "eva"})).await["id"].clone();
    let to_eva = luis.post(&format!("/rooms/{direct}/messages"), json!({"body": "hola"})).await;
    let path = format!("/messages/{}", to_eva["id"]);
    assert_eq!(admin.refused(Method::DELETE, &path, NONE).await.status, StatusCode::NOT_FOUND);
    assert_eq!(eva.refused(Method::DELETE, &path, NONE).await.status, StatusCode::FORBIDDEN);
    luis.ok(Method::DELETE, &path, NONE).await;
    assert_eq!(admin.get("/audit").await["items"], json!([]), "authors are not recorded");
}

#[tokio::test]
async fn moderators_cannot_edit_messages() {
    let server = Server::start().await;
    let (admin, luis) = (server.api("ana").await, server.api("luis").await);
    let id = luis.say("hola").await["id"].clone();
    let path = format!("/messages/{id}");
    let refused = admin.refused(Method::PATCH, &path, Some(json!({"body": "otra"}))).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    luis.ok(Method::PATCH, &path, Some(json!({"body": "otra"}))).await;
}

#[tokio::test]
async fn deletion_by_a_moderator_is_published_as_such() {
    let server = Server::start().await;
    let (admin, luis) = (server.api("ana").await, server.api("luis").await);
    let mut eva = server.browser_as("eva").await;
    let id = luis.say("palabras secretas").await["id"].clone();
    eva.language = "es";
    let (mut page, mut program) = (eva.live().await, luis.live().await);
    page.open_room(1, None).await;
    program.open_room(1, None).await;
    admin.ok(Method::DELETE, &format!("/messages/{id}"), NONE).await;
    let html = page.until("message").await["html"].as_str().expect("HTML").to_owned();
    assert!(html.contains("Eliminado por moderación") && !html.contains("secretas"), "{html}");
    assert_eq!(program.until("message").await["message"]["deleted_by"], "moderator");
    let search = luis.get("/search?q=secretas").await;
    assert_eq!(search["items"], json!([]));
}

#[tokio::test]
async fn deletion_by_a_moderator_is_audited_without_the_text() {
    let server = Server::start().await;
    let (admin, owner) = (server.api("ana").await, server.api("luis").await);
    let author = server.api("eva").await;
    let (room, id) = message_in(&owner, &author, ("huerto", "public")).await;
    owner.ok(Method::DELETE, &format!("/messages/{id}"), NONE).await;
    let log = admin.get("/audit").await;
    let entry = &log["items"][0];
    assert_eq!(log["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&entry["actor"]["name"], &entry["action"]),
        (&json!("luis"), &json!("message.delete"))
    );
    assert_eq!(entry["subject"], json!({"kind": "message", "id": id, "name": null}));
    let detail = json!({"room_id": room, "room": "huerto", "author_id": 3, "author": "eva"});
    assert_eq!(entry["detail"], detail);
    assert_eq!(entry["at"], "2026-11-21T10:00:00.000Z");
    assert!(!log.to_string().contains("secretas"), "{log}");
    assert_eq!(owner.refused(Method::GET, "/audit", NONE).await.status, StatusCode::FORBIDDEN);
}

/// The number of edit and delete forms on the message's page.
async fn offers(user: &mut Browser, id: i64) -> (usize, usize) {
    let page = user.get(&format!("/messages/{id}")).await;
    let count = |what: &str| page.all(&format!("form[action$='/{what}']")).len();
    (count("edit"), count("delete"))
}

#[tokio::test]
async fn message_page_offers_deletion_to_moderators() {
    let server = Server::start().await;
    let mut admin = server.browser_as("ana").await;
    let (mut luis, mut eva) = (server.browser_as("luis").await, server.browser_as("eva").await);
    luis.say("palabras secretas").await;
    assert_eq!(offers(&mut admin, 1).await, (0, 1));
    assert_eq!(offers(&mut luis, 1).await, (1, 1));
    assert_eq!(offers(&mut eva, 1).await, (0, 0));
    let moderates = "template#acts[data-moderates]";
    assert_eq!(admin.get("/rooms/1").await.all(moderates).len(), 1);
    assert_eq!(eva.get("/rooms/1").await.all(moderates).len(), 0);
    let refused = eva.submit("/messages/1/delete", &[]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let page = admin.submit("/messages/1/delete", &[]).await;
    assert_eq!(page.messages(), ["Removed by a moderator"]);
    assert_eq!(eva.get("/rooms/1").await.messages(), ["Removed by a moderator"]);
    assert_eq!(offers(&mut admin, 1).await, (0, 0));
}
