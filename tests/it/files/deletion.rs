//! Files of deleted messages: gone at once, and their bytes a day later.

use std::time::Duration;

use patio::chat::files::Files;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{Tus, header, id, post, url};
use crate::support::{Server, execute, numbers};

async fn prune(server: &Server) {
    server.state().service::<Files>().prune().await.expect("pruned");
}

#[tokio::test]
async fn the_files_of_a_deleted_message_are_gone_at_once_and_their_bytes_a_day_later() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    let (one, same, two) = (
        tus.upload("a.txt", b"one").await,
        tus.upload("b.txt", b"one").await,
        tus.upload("c.txt", b"two").await,
    );
    let first = post(&ana, "", &[&one, &two]).await;
    let second = post(&ana, "", &[&same]).await;
    assert_eq!(server.storage().contents().await, 2, "the same bytes are stored once");
    ana.ok(Method::DELETE, &format!("/messages/{}", first["id"]), None).await;
    assert_eq!(tus.get(&url(&first, 0), &[]).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(ana.get(&format!("/messages/{}", first["id"])).await["attachments"], json!([]));
    assert_eq!(numbers(&server.storage().open().await, "select count(*) from files").await, [1]);
    prune(&server).await;
    assert_eq!(server.storage().contents().await, 2, "a backup may still copy them");
    server.advance(Duration::from_hours(25));
    prune(&server).await;
    assert_eq!(server.storage().contents().await, 1);
    let read = tus.get(&url(&second, 0), &[]).await;
    assert_eq!(read.text().await.expect("a body"), "one", "another message has the same bytes");
}

#[tokio::test]
async fn bytes_that_are_used_again_within_the_day_stay() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    let message = post(&ana, "", &[&tus.upload("a.txt", b"one").await]).await;
    ana.ok(Method::DELETE, &format!("/messages/{}", message["id"]), None).await;
    server.advance(Duration::from_hours(25));
    let again = post(&ana, "", &[&tus.upload("a.txt", b"one").await]).await;
    prune(&server).await;
    assert_eq!(tus.get(&url(&again, 0), &[]).await.text().await.expect("a body"), "one");
}

#[tokio::test]
async fn bytes_that_are_just_being_deleted_are_stored_again_afterwards() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    let message = post(&ana, "", &[&tus.upload("a.txt", b"one").await]).await;
    ana.ok(Method::DELETE, &format!("/messages/{}", message["id"]), None).await;
    // As a process that is deleting them notes it.
    let db = server.storage().open().await;
    let deleting = "update contents set deleting_since = unused_since";
    execute(&db, deleting, deleting).await;
    let path = tus.begin("a.txt", 3).await;
    assert_eq!(tus.append(&path, 0, b"one").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    // That process ended.
    server.advance(Duration::from_mins(3));
    assert_eq!(header(&tus.head(&path).await, "upload-offset").as_deref(), Some("3"));
    let again = post(&ana, "", &[&id(&path)]).await;
    server.advance(Duration::from_hours(25));
    prune(&server).await;
    assert_eq!(tus.get(&url(&again, 0), &[]).await.text().await.expect("a body"), "one");
}

#[tokio::test]
async fn any_number_of_contents_is_deleted_in_one_run() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    for message in 0..15_u8 {
        let mut files = Vec::new();
        for file in 0..10_u8 {
            files.push(tus.upload("a.txt", &[message, file]).await);
        }
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let message = post(&ana, "", &files).await;
        ana.ok(Method::DELETE, &format!("/messages/{}", message["id"]), None).await;
    }
    assert_eq!(server.storage().contents().await, 150);
    server.advance(Duration::from_hours(25));
    prune(&server).await;
    assert_eq!(server.storage().contents().await, 0);
    assert_eq!(numbers(&server.storage().open().await, "select count(*) from contents").await, [0]);
}

#[tokio::test]
async fn uploads_and_files_that_are_not_posted_expire() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    let (untouched, started) = (tus.begin("a.txt", 3).await, tus.begin("a.txt", 3).await);
    tus.append(&started, 0, b"a").await;
    let file = tus.upload("a.txt", b"one").await;
    let posted = post(&ana, "", &[&tus.upload("a.txt", b"two").await]).await;
    server.advance(Duration::from_hours(2));
    prune(&server).await;
    assert_eq!(tus.head(&untouched).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(tus.head(&started).await.status(), StatusCode::OK);
    server.advance(Duration::from_hours(23));
    prune(&server).await;
    assert_eq!(tus.head(&started).await.status(), StatusCode::NOT_FOUND);
    let late = json!({"body": "", "files": [file]});
    assert_eq!(ana.refused(Method::POST, "/rooms/1/messages", Some(late)).await.status, 422);
    server.advance(Duration::from_hours(25));
    prune(&server).await;
    assert_eq!(server.storage().contents().await, 1);
    assert_eq!(tus.get(&url(&posted, 0), &[]).await.status(), StatusCode::OK);
    assert_eq!(std::fs::read_dir(server.data().join("uploads")).expect("a folder").count(), 0);
    assert_eq!(id(&started).len(), 22);
}
