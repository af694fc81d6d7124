//! What is stored compared with what messages need: by the command, and by the job behind the administrators' page.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use patio::chat::files::Files;
use patio::chat::files::model::{Content, ContentHash};
use reqwest::{Method, StatusCode};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Tus, post};
use crate::support::command::{failure, patio, success};
use crate::support::{Server, Storage, eventually};

/// Stores bytes of which the database does not know.
async fn add_orphan(server: &Server, bytes: &'static [u8]) {
    let hash = ContentHash::of(Sha256::digest(bytes));
    let content = Content { hash, size: bytes.len() as u64 };
    let files = server.state().service::<Files>();
    files.storage().put(&content, bytes).await.expect("stored");
}

/// The file of a content in the data directory.
fn file_of(server: &Server, bytes: &[u8]) -> PathBuf {
    let hash = ContentHash::of(Sha256::digest(bytes));
    let (folder, name) = hash.as_str().split_at(2);
    server.data().join("files").join(folder).join(name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_names_what_is_missing_changed_or_unknown() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    let mut messages = Vec::new();
    for bytes in [b"one", b"two", b"six"] {
        let message = post(&ana, "", &[&tus.upload("a.txt", bytes).await]).await;
        messages.push(message["id"].to_string());
    }
    let verify = |more: &[&str]| patio(server.storage(), &[&["verify"], more].concat());
    let sound = success(&verify(&["--read-all"]));
    let lines: Vec<&str> = sound.lines().collect();
    let nothing = ["missing: 0", "of another size: 0", "changed: 0"];
    assert_eq!(lines[0], "as they should be: 3, 1 KiB");
    assert_eq!(lines[1..4], nothing);
    assert_eq!(lines[4..], ["unknown to the database: 0, 0 KiB"]);
    add_orphan(&server, b"orphan").await;
    let found = success(&verify(&[]));
    assert!(found.contains("unknown to the database: 1, 1 KiB\nThe server deletes"), "{found}");
    if Storage::bucket().is_some() {
        return;
    }
    fs::remove_file(file_of(&server, b"one")).expect("removed");
    fs::write(file_of(&server, b"two"), "longer").expect("written");
    fs::write(file_of(&server, b"six"), "SIX").expect("written");
    let found = verify(&[]);
    let text = String::from_utf8(found.stdout.clone()).expect("text");
    let line =
        |kind: &str, message: usize| format!("{kind}: 1 (in the messages {})\n", messages[message]);
    assert!(text.contains(&line("missing", 0)), "{text}");
    assert!(text.contains(&line("of another size", 1)), "{text}");
    assert!(failure(&found).contains("2 contents of files are not as they should be"));
    let read = verify(&["--read-all"]);
    let text = String::from_utf8(read.stdout.clone()).expect("text");
    assert!(text.contains(&line("changed", 2)), "{text}");
    assert!(failure(&read).contains("3 contents"));
    // Sent again, it is there again.
    tus.upload("a.txt", b"one").await;
    assert!(failure(&verify(&[])).contains("1 contents"));
}

#[tokio::test]
async fn the_job_deletes_what_it_does_not_know_a_day_later() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    post(&ana, "", &[&tus.upload("a.txt", b"one").await]).await;
    add_orphan(&server, b"orphan").await;
    let files = server.state().service::<Files>();
    // It begins the check of the day.
    files.prune().await.expect("pruned");
    let mut browser = server.browser();
    browser.login("ana", crate::support::PASSWORD).await;
    eventually("the check ends", async || {
        browser.get("/admin/storage").await.text.contains("1 content was stored that Patio did not")
    })
    .await;
    server.advance(Duration::from_hours(23));
    files.prune().await.expect("pruned");
    assert_eq!(server.storage().contents().await, 2);
    server.advance(Duration::from_hours(2));
    files.prune().await.expect("pruned");
    assert_eq!(server.storage().contents().await, 1, "what the message needs");
}

#[tokio::test]
async fn the_check_deletes_what_a_process_that_ended_was_writing() {
    if Storage::bucket().is_some() {
        return;
    }
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let message = post(&ana, "", &[&Tus::new(&server, &ana).upload("a.txt", b"one").await]).await;
    let parts = ["1", "2"]
        .map(|number| PathBuf::from(format!("{}#{number}", file_of(&server, b"one").display())));
    for part in &parts {
        fs::write(part, b"o").expect("written");
    }
    let old = fs::File::options().append(true).open(&parts[0]).expect("opened");
    old.set_modified(std::time::UNIX_EPOCH).expect("made old");
    let files = server.state().service::<Files>();
    files.prune().await.expect("pruned");
    eventually("the check ends", async || !parts[0].exists()).await;
    assert!(parts[1].exists(), "it may still be written");
    let read = Tus::new(&server, &ana).get(&super::url(&message, 0), &[]).await;
    assert_eq!(read.text().await.expect("a body"), "one");
}

#[tokio::test]
async fn administrators_see_what_files_take_and_what_is_missing() {
    if Storage::bucket().is_some() {
        return;
    }
    let server = Server::with(&["--storage-quota=1G", "--upload-quota=0"]).await;
    let mut browser = server.browser_as("ana").await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let empty = browser.get("/admin/storage").await;
    assert_eq!(empty.status, StatusCode::OK);
    assert!(empty.text.contains("There was no check yet."));
    let (hers, his) = (Tus::new(&server, &ana), Tus::new(&server, &luis));
    let kept = post(&ana, "", &[&hers.upload("a.txt", b"one").await]).await;
    let direct = luis.post("/direct", json!({"name": "ana"})).await;
    let secret = json!({"body": "", "files": [his.upload("secret.txt", &[1; 4096]).await]});
    luis.post(&format!("/rooms/{}/messages", direct["id"]), secret).await;
    let page = browser.get("/admin/storage").await;
    let rooms = page.all("#storage-rooms li").join("|");
    assert!(
        rooms.contains("Direct messages and groups") && rooms.contains("1 file · 4 KB"),
        "{rooms}"
    );
    assert!(rooms.find("Direct") < rooms.find("3 B"), "the largest first: {rooms}");
    let users = page.all("#storage-users li").join("|");
    assert!(users.contains("(@luis)") && users.find("@luis") < users.find("@ana"), "{users}");
    let facts = page.all("#storage-facts li").join("|");
    assert!(facts.contains("2 contents · 4 KB") && facts.contains("1 GB"), "{facts}");
    let legend = page.all("#storage-facts .usage-legend li").join("|");
    assert!(legend.contains("Other files") && legend.contains("4 KB · 2 contents"), "{legend}");
    assert!(legend.contains("Pictures") && legend.contains("0 B · 0 contents"), "{legend}");
    assert_eq!(page.all("svg.usage-bar path").len(), 2, "what is free, and other files");
    assert_eq!(empty.all("svg.usage-bar path").len(), 1, "what is free");
    assert!(!page.text.contains("secret.txt"));
    fs::remove_file(file_of(&server, b"one")).expect("removed");
    let started = browser.submit("/admin/storage/check", &[]).await;
    assert_eq!(started.path, "/admin/storage");
    eventually("the check ends", async || {
        browser.get("/admin/storage").await.text.contains("1 content is missing")
    })
    .await;
    let link = browser.get("/admin/storage").await.attribute("#unreadable a", "href");
    assert_eq!(link, Some(format!("/messages/{}", kept["id"])));
    browser.submit("/language", &[("language", "es")]).await;
    let mut his = server.browser();
    his.login("luis", crate::support::PASSWORD).await;
    assert_eq!(his.get("/admin/storage").await.status, StatusCode::FORBIDDEN);
    let refused = his.submit("/admin/storage/check", &[]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_files_of_all_users_have_a_limit_together() {
    let server = Server::with(&["--storage-quota=1K"]).await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (hers, his) = (Tus::new(&server, &ana), Tus::new(&server, &luis));
    let file = hers.upload("a.txt", &[1; 600]).await;
    let refused = his.try_begin("b.txt", 500).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().await.expect("a body").contains("up to 1 KB together"));
    let form = luis.upload("/files", &[], ("file", &[2; 500])).await;
    assert_eq!(form.status(), StatusCode::UNPROCESSABLE_ENTITY);
    // What is announced counts.
    let path = his.begin("c.txt", 400).await;
    assert_eq!(his.try_begin("d.txt", 100).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    his.send(Method::DELETE, &path, &[], Vec::new()).await;
    assert_eq!(his.try_begin("d.txt", 100).await.status(), StatusCode::CREATED);
    // So does what was deleted, until its bytes are.
    hers.send(Method::DELETE, &format!("/api/v1/uploads/{file}"), &[], Vec::new()).await;
    assert_eq!(his.try_begin("e.txt", 400).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    server.advance(Duration::from_hours(25));
    server.state().service::<Files>().prune().await.expect("pruned");
    assert_eq!(his.try_begin("e.txt", 400).await.status(), StatusCode::CREATED);
}
