//! Links to messages: a quote for those who may read what the link leads to, and nothing for others.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::command::{patio, success, text};
use crate::support::{PASSWORD, Server};

const SECRET: &str = "the key is under the pot";

#[tokio::test]
async fn linked_message_is_quoted_for_its_readers_only() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let room = ana.post("/rooms", json!({"name": "garden", "visibility": "private"})).await;
    let path = format!("/rooms/{}/messages", room["id"]);
    let secret = ana.post(&path, json!({"body": format!("**{SECRET}**")})).await;
    // Who has the link open, in both protocols.
    let mut program = luis.live().await;
    program.open_room(1, Some(0)).await;
    let mut browser = server.browser_as("eva").await;
    let mut pages = browser.live().await;
    pages.open_room(1, Some(0)).await;
    let link = server.url(&format!("/messages/{}/context", secret["id"]));
    let said = ana.say(&format!("see {link}")).await;
    for live in [&mut program, &mut pages] {
        let frame = live.until("message").await.to_string();
        assert!(frame.contains("/context") && !frame.contains(SECRET), "{frame}");
    }
    let quote = format!("/messages/{}/quote", secret["id"]);
    let page = browser.get(&quote).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    for page in [
        page,
        browser.get("/rooms/1").await,
        browser.get(&format!("/messages/{}", said["id"])).await,
    ] {
        assert!(!page.one("body").contains(SECRET), "{}", page.one("body"));
    }
    let message = luis.get(&format!("/messages/{}", said["id"])).await.to_string();
    assert!(!message.contains(SECRET), "{message}");
    let folder = tempfile::tempdir().expect("a directory");
    let export = folder.path().join("export");
    success(&patio(server.storage(), &["export", text(&export)]));
    let lobby = std::fs::read_to_string(export.join("rooms/1-1.html")).expect("a page");
    assert!(lobby.contains("/context") && !lobby.contains(SECRET), "{lobby}");
    let mut author = server.browser();
    author.login("ana", PASSWORD).await;
    let page = author.get(&quote).await;
    assert_eq!(
        (page.one(".quote__text"), page.one(".quote__author")),
        (SECRET.to_owned(), "ana".to_owned())
    );
    ana.ok(Method::DELETE, &format!("/messages/{}", secret["id"]), None).await;
    assert_eq!(author.get(&quote).await.status, StatusCode::NOT_FOUND);
}
