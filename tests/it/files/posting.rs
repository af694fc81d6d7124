//! Messages with files: stored once, with all of their files or not at all.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{Tus, post, url};
use crate::support::Server;

#[tokio::test]
async fn a_message_shows_its_files_to_api_pages_and_live_connections() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let mut luis = server.browser_as("luis").await;
    let mut program = server.api("eva").await.live().await;
    program.until("present").await;
    program.send(json!({"type": "open", "room": 1, "since_rev": 0})).await;
    program.until("live").await;
    let mut page = luis.live().await;
    page.until("present").await;
    page.send(json!({"type": "open", "room": 1, "since_rev": 0})).await;
    page.until("live").await;
    let tus = Tus::new(&server, &ana);
    let files = [tus.upload("b.txt", b"two").await, tus.upload("a.txt", b"one").await];
    let message = post(&ana, "", &[&files[0], &files[1]]).await;
    assert_eq!(message["body"], "");
    let attachment = &message["attachments"][0];
    assert_eq!(attachment["name"], "b.txt");
    assert_eq!(attachment["size"], 3);
    assert_eq!(attachment["kind"], "file");
    assert_eq!(attachment["preview_url"], json!(null));
    assert_eq!(url(&message, 0), format!("/files/{}/{}/b.txt", message["id"], files[0]));
    let frame = program.until("message").await;
    assert_eq!(frame["message"]["attachments"], message["attachments"]);
    let frame = page.until("message").await;
    let html = frame["html"].as_str().expect("HTML");
    assert!(html.contains("b.txt") && html.contains(&url(&message, 1)), "{html}");
    let read = ana.get(&format!("/messages/{}", message["id"])).await;
    assert_eq!(read["attachments"], message["attachments"]);
    let history = ana.get("/rooms/1/messages").await;
    assert_eq!(history["items"][0]["attachments"], message["attachments"]);
    let room = luis.get("/rooms/1").await;
    assert_eq!(room.all(".attachments .file-name"), ["b.txt", "a.txt"]);
    let plain = ana.say("hola").await;
    assert_eq!(plain["attachments"], json!([]));
    let answer = json!({"body": "good", "reply_to": message["id"]});
    let answer = ana.post("/rooms/1/messages", answer).await;
    assert_eq!(answer["quote"]["excerpt"], "b.txt, a.txt");
}

#[tokio::test]
async fn a_repeated_post_returns_the_first_message_and_other_files_are_a_conflict() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    let (one, two) = (tus.upload("a.txt", b"one").await, tus.upload("a.txt", b"one").await);
    let message = |files: &[&str]| json!({"body": "", "nonce": "n", "files": files});
    let path = "/rooms/1/messages";
    let (status, first) = ana.ok(Method::POST, path, Some(message(&[&one]))).await;
    assert_eq!(status, StatusCode::CREATED);
    let (status, again) = ana.ok(Method::POST, path, Some(message(&[&one]))).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&again["id"], &again["attachments"]), (&first["id"], &first["attachments"]));
    for other in [vec![], vec![two.as_str()], vec![one.as_str(), two.as_str()]] {
        let mut refused = message(&other);
        refused["body"] = json!("x");
        let refused = ana.refused(Method::POST, path, Some(refused)).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{other:?}");
    }
    let refused = ana.refused(Method::POST, path, Some(message(&[&two]))).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    // Another message cannot have the file, and the other file is still there.
    let stolen = json!({"body": "", "files": [one]});
    let refused = ana.refused(Method::POST, path, Some(stolen)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    post(&ana, "", &[&two]).await;
}

#[tokio::test]
async fn of_two_messages_that_name_a_file_at_once_one_gets_it() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    for _ in 0..5 {
        let file = tus.upload("a.txt", b"one").await;
        let body = json!({"body": "x", "files": [file]});
        let post = || ana.send(Method::POST, "/rooms/1/messages", Some(body.clone()));
        let (one, two) = tokio::join!(post(), post());
        let mut statuses = [one.status().as_u16(), two.status().as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 422]);
    }
}

#[tokio::test]
async fn files_that_cannot_be_posted_refuse_the_whole_message() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let eva = server.api("eva").await;
    let room = ana.post("/rooms", json!({"name": "jardín", "visibility": "public"})).await;
    let path = format!("/rooms/{}/messages", room["id"]);
    let tus = Tus::new(&server, &eva);
    let file = tus.upload("a.txt", b"one").await;
    let many: Vec<String> = (0..11).map(|n| format!("AAAAAAAAAAAAAAAAAAAA{n:02}")).collect();
    for files in [
        json!(["AAAAAAAAAAAAAAAAAAAAAA"]),
        json!([file, "AAAAAAAAAAAAAAAAAAAAAA"]),
        json!([file, file]),
        json!(["../etc"]),
        json!(many),
    ] {
        let message = json!({"body": "hola", "files": files});
        let refused = eva.refused(Method::POST, &path, Some(message)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{files}");
        assert!(refused.body["errors"]["files"].is_array());
    }
    let none = json!({"body": " ", "files": []});
    assert_eq!(eva.refused(Method::POST, &path, Some(none)).await.status, 422);
    // A refused message makes no member.
    let members = ana.get(&format!("/rooms/{}/members", room["id"])).await;
    assert_eq!(members["items"].as_array().expect("members").len(), 1);
    eva.post(&path, json!({"body": "", "files": [file]})).await;
}

#[tokio::test]
async fn a_live_post_has_files() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let file = Tus::new(&server, &ana).upload("a.txt", b"one").await;
    let mut live = ana.live().await;
    live.until("present").await;
    let post = json!({"type": "post", "room": 1, "body": "", "nonce": "n", "files": [file]});
    live.send(post.clone()).await;
    let posted = live.until("posted").await;
    live.send(post).await;
    assert_eq!(live.until("posted").await["id"], posted["id"]);
    let message = ana.get(&format!("/messages/{}", posted["id"])).await;
    assert_eq!(message["attachments"][0]["name"], "a.txt");
    live.send(json!({"type": "post", "room": 1, "body": "", "nonce": "m", "files": ["x"]})).await;
    assert_eq!(live.until("error").await["status"], 422);
}

#[tokio::test]
async fn an_edit_keeps_the_files_and_may_leave_no_text() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let file = Tus::new(&server, &ana).upload("a.txt", b"one").await;
    let message = post(&ana, "look", &[&file]).await;
    let path = format!("/messages/{}", message["id"]);
    let (_, edited) = ana.ok(Method::PATCH, &path, Some(json!({"body": ""}))).await;
    assert_eq!((&edited["body"], &edited["edits"]), (&json!(""), &json!(1)));
    assert_eq!(edited["attachments"], message["attachments"]);
    let plain = ana.say("hola").await;
    let path = format!("/messages/{}", plain["id"]);
    let refused = ana.refused(Method::PATCH, &path, Some(json!({"body": ""}))).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_copy_of_a_reply_has_the_files_of_the_reply() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    let head = ana.say("hola").await;
    let file = tus.upload("a.txt", b"one").await;
    let path = format!("/messages/{}/thread", head["id"]);
    let body = json!({"body": "", "files": [file], "also_in_room": true});
    let reply = ana.post(&path, body).await;
    let room = ana.get("/rooms/1/messages").await;
    let copy = room["items"].as_array().expect("messages").last().expect("a copy").clone();
    assert_eq!(copy["twin_of"], reply["id"]);
    assert_eq!(copy["attachments"], reply["attachments"]);
    assert_eq!(tus.get(&url(&copy, 0), &[]).await.status(), StatusCode::OK);
    ana.ok(Method::DELETE, &format!("/messages/{}", copy["id"]), None).await;
    assert_eq!(tus.get(&url(&reply, 0), &[]).await.status(), StatusCode::NOT_FOUND);
}
