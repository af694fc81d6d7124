//! The tus protocol, its limits, and uploads in one request.

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use super::{Tus, begin_request, header, id, post, url};
use crate::support::{Api, Server, Storage, eventually};

#[tokio::test]
async fn a_file_arrives_in_parts_and_is_read_as_it_was_sent() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    let bytes: Vec<u8> = (0..700_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let path = tus.begin("números.bin", bytes.len()).await;
    assert!(path.starts_with("/api/v1/uploads/"), "{path}");
    let mut offset = 0;
    for part in bytes.chunks(300_000) {
        let answer = tus.append(&path, offset, part).await;
        offset += part.len();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        assert_eq!(header(&answer, "upload-offset"), Some(offset.to_string()));
        assert_eq!(header(&answer, "tus-resumable").as_deref(), Some("1.0.0"));
        let state = tus.head(&path).await;
        assert_eq!(state.status(), StatusCode::OK);
        assert_eq!(header(&state, "upload-offset"), Some(offset.to_string()));
        assert_eq!(header(&state, "upload-length").as_deref(), Some("700000"));
        assert_eq!(header(&state, "cache-control").as_deref(), Some("no-store"));
        assert!(header(&state, "upload-metadata").expect("names").starts_with("filename "));
    }
    // The last request may be sent again.
    let again = tus.append(&path, offset, b"").await;
    assert_eq!(again.status(), StatusCode::NO_CONTENT);
    let message = post(&ana, "", &[&id(&path)]).await;
    assert_eq!(message["attachments"][0]["name"], "números.bin");
    let read = tus.get(&url(&message, 0), &[]).await;
    assert_eq!(read.bytes().await.expect("a body"), bytes);
}

#[tokio::test]
async fn requests_that_do_not_follow_the_protocol_change_nothing() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    let path = tus.begin("a.txt", 6).await;
    let uploads = "/api/v1/uploads";
    for (length, status) in [("", 400), ("-1", 400), ("x", 400), ("104857601", 413), ("6", 201)] {
        let headers = [("upload-length", length)];
        let answer = tus.send(Method::POST, uploads, &headers, Vec::new()).await;
        assert_eq!(answer.status().as_u16(), status, "{length}");
    }
    let version = reqwest::Client::new().post(server.url(uploads)).bearer_auth(&tus.token);
    let version = version.header("tus-resumable", "0.2.2").header("upload-length", "1");
    let version = version.send().await.expect("an answer");
    assert_eq!(version.status(), StatusCode::PRECONDITION_FAILED);
    assert_eq!(header(&version, "tus-version").as_deref(), Some("1.0.0"));
    for (offset, bytes, status) in
        [(1, "abc", StatusCode::CONFLICT), (0, "abcdefg", StatusCode::PAYLOAD_TOO_LARGE)]
    {
        let path = tus.begin("b.txt", 6).await;
        assert_eq!(tus.append(&path, offset, bytes.as_bytes()).await.status(), status);
    }
    let other_type = [("upload-offset", "0"), ("content-type", "text/plain")];
    let other = tus.send(Method::PATCH, &path, &other_type, b"abc".to_vec()).await;
    assert_eq!(other.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(tus.append(&path, 0, b"abc").await.status(), StatusCode::NO_CONTENT);
    assert_eq!(tus.append(&path, 0, b"abc").await.status(), StatusCode::CONFLICT);
    assert_eq!(tus.append(&path, 3, b"def").await.status(), StatusCode::NO_CONTENT);
    let options = tus.send(Method::OPTIONS, uploads, &[], Vec::new()).await;
    assert_eq!(options.status(), StatusCode::NO_CONTENT);
    assert_eq!(header(&options, "tus-extension").as_deref(), Some("creation,termination"));
    assert_eq!(header(&options, "tus-max-size").as_deref(), Some("104857600"));
}

#[tokio::test]
async fn an_upload_belongs_to_the_user_who_began_it() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (hers, his) = (Tus::new(&server, &ana), Tus::new(&server, &luis));
    let path = hers.begin("a.txt", 3).await;
    let unknown = "/api/v1/uploads/AAAAAAAAAAAAAAAAAAAAAA";
    for path in [path.as_str(), unknown, "/api/v1/uploads/1"] {
        assert_eq!(his.head(path).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(his.append(path, 0, b"abc").await.status(), StatusCode::NOT_FOUND);
        let cancelled = his.send(Method::DELETE, path, &[], Vec::new()).await;
        assert_eq!(cancelled.status(), StatusCode::NOT_FOUND);
    }
    assert_eq!(hers.append(&path, 0, b"abc").await.status(), StatusCode::NO_CONTENT);
    // As a file, too; and both refusals are the same.
    let mut refusals = Vec::new();
    for file in [id(&path), id(unknown)] {
        let message = json!({"body": "", "files": [file]});
        let refused = luis.refused(Method::POST, "/rooms/1/messages", Some(message)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        refusals.push(refused.body);
    }
    assert_eq!(refusals[0], refusals[1]);
    post(&ana, "", &[&id(&path)]).await;
}

#[tokio::test]
async fn a_cancelled_upload_is_gone_and_so_is_a_file_that_was_not_posted() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    for sent in ["", "ab", "abc"] {
        let path = tus.begin("a.txt", 3).await;
        tus.append(&path, 0, sent.as_bytes()).await;
        let cancelled = tus.send(Method::DELETE, &path, &[], Vec::new()).await;
        assert_eq!(cancelled.status(), StatusCode::NO_CONTENT, "{sent}");
        assert_eq!(tus.head(&path).await.status(), StatusCode::NOT_FOUND);
    }
    let uploads = std::fs::read_dir(server.data().join("uploads")).expect("a folder");
    assert_eq!(uploads.count(), 0);
    let path = tus.begin("a.txt", 3).await;
    tus.append(&path, 0, b"abc").await;
    post(&ana, "", &[&id(&path)]).await;
    let cancelled = tus.send(Method::DELETE, &path, &[], Vec::new()).await;
    assert_eq!(cancelled.status(), StatusCode::NOT_FOUND, "it is the message's now");
}

#[tokio::test]
async fn announced_bytes_count_against_the_quota() {
    let server = Server::with(&["--upload-quota=1000", "--max-upload=700"]).await;
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    let path = tus.begin("a.txt", 600).await;
    let refused = tus.try_begin("b.txt", 500).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let text = refused.text().await.expect("a body");
    assert!(text.contains("1000 B"), "{text}");
    let large = tus.try_begin("b.txt", 701).await;
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let text = large.text().await.expect("a body");
    assert!(text.contains("Files may have up to 700 B."), "{text}");
    let luis = server.api("luis").await;
    assert_eq!(Tus::new(&server, &luis).try_begin("b.txt", 600).await.status(), 201);
    tus.send(Method::DELETE, &path, &[], Vec::new()).await;
    tus.upload("b.txt", &[7; 500]).await;
    assert_eq!(tus.try_begin("c.txt", 501).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let whole = ana.upload("/files", &[], ("file", &[8; 501])).await;
    assert_eq!(whole.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(tus.try_begin("c.txt", 500).await.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn only_so_many_files_wait_for_their_message() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    let mut ids = Vec::new();
    for _ in 0..50 {
        ids.push(tus.upload("a.txt", b"").await);
    }
    assert_eq!(tus.try_begin("a.txt", 1).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    post(&ana, "", &[&ids[0]]).await;
    assert_eq!(tus.try_begin("a.txt", 1).await.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn new_files_have_a_rate() {
    let server = Server::with(&["--rate-limit=on"]).await;
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    let mut refused = None;
    for _ in 0..101 {
        let answer = tus.try_begin("a.txt", 3).await;
        if let Some(path) = header(&answer, "location") {
            tus.send(Method::DELETE, &path, &[], Vec::new()).await;
        } else {
            refused = Some(answer);
        }
    }
    let refused = refused.expect("a refusal");
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(header(&refused, "retry-after").is_some());
    let luis = server.api("luis").await;
    assert_eq!(Tus::new(&server, &luis).try_begin("a.txt", 3).await.status(), 201);
}

#[tokio::test]
async fn a_file_is_uploaded_in_one_request() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let answer = ana.upload("/files", &[("alt", "A cat.")], ("file", b"miau")).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    let file: serde_json::Value = answer.json().await.expect("JSON");
    assert_eq!((&file["size"], &file["alt"]), (&json!(4), &json!("A cat.")));
    assert_eq!(
        (&file["kind"], &file["type"]),
        (&json!("file"), &json!("application/octet-stream"))
    );
    let message = post(&ana, "look", &[file["id"].as_str().expect("an id")]).await;
    assert_eq!(message["attachments"][0]["alt"], "A cat.");
    let none = ana.upload("/files", &[], ("other", b"miau")).await;
    assert_eq!(none.status(), StatusCode::BAD_REQUEST);
    let uploads = std::fs::read_dir(server.data().join("uploads")).expect("a folder");
    assert_eq!(uploads.count(), 0);
}

#[tokio::test]
async fn an_upload_survives_a_restart_at_every_byte() {
    let mut server = Server::start().await;
    let ana = server.api("ana").await;
    let mut path = String::new();
    for offset in 0..4 {
        let (tus, ana) = (Tus::new(&server, &ana), ana.through(&server));
        if offset == 0 {
            path = tus.begin("a.txt", 3).await;
        }
        let state = tus.head(&path).await;
        assert_eq!(header(&state, "upload-offset"), Some(offset.to_string()));
        if offset == 3 {
            let message = post(&ana, "", &[&id(&path)]).await;
            let read = tus.get(&url(&message, 0), &[]).await;
            assert_eq!(read.text().await.expect("a body"), "abc");
            break;
        }
        let byte = &b"abc"[offset..=offset];
        assert_eq!(tus.append(&path, offset, byte).await.status(), StatusCode::NO_CONTENT);
        server = server.restart().await;
    }
}

#[tokio::test]
async fn what_had_arrived_becomes_a_file_when_the_server_starts_again() {
    let mut server = Server::start().await;
    let ana = server.api("ana").await;
    let path = Tus::new(&server, &ana).begin("a.txt", 3).await;
    server.stop().await;
    // As if the process had ended between the last byte and the file.
    std::fs::write(server.data().join("uploads").join(id(&path)), b"abc").expect("written");
    let server = server.second().await;
    let tus = Tus::new(&server, &ana);
    // Also a request for the last byte, sent again.
    let again = tus.append(&path, 3, b"").await;
    assert!([StatusCode::NO_CONTENT, StatusCode::LOCKED].contains(&again.status()));
    assert_eq!(header(&tus.head(&path).await, "upload-offset").as_deref(), Some("3"));
    post(&ana.through(&server), "", &[&id(&path)]).await;
}

#[tokio::test]
async fn the_description_of_a_file_can_be_changed_until_it_is_posted() {
    let server = Server::start().await;
    let mut page = server.browser_as("ana").await;
    let ana: Api = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    let file = tus.upload("a.txt", b"abc").await;
    let describe = format!("/uploads/{file}/alt");
    assert_eq!(page.submit(&describe, &[("alt", "A cat.")]).await.status, StatusCode::NO_CONTENT);
    let message = post(&ana, "", &[&file]).await;
    assert_eq!(message["attachments"][0]["alt"], "A cat.");
    assert_eq!(page.submit(&describe, &[("alt", "A dog.")]).await.status, StatusCode::NOT_FOUND);
    let mut luis = server.browser_as("luis").await;
    let other = tus.upload("a.txt", b"abc").await;
    let refused = luis.submit(&format!("/uploads/{other}/alt"), &[("alt", "x")]).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_description_that_comes_before_the_last_byte_is_kept() {
    if Storage::is_on_postgres() && Storage::bucket().is_some() {
        // There the beginning of a request is not seen: it arrives with a whole piece.
        return;
    }
    let server = Server::start().await;
    let mut page = server.browser_as("ana").await;
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    let path = tus.begin("a.bin", 300_001).await;
    let mut request = begin_request(&server, &tus, &path, 0, &vec![7; 300_000]).await;
    let has = async |least: usize| {
        let offset = header(&tus.head(&path).await, "upload-offset");
        offset.is_some_and(|offset| offset.parse::<usize>().expect("a number") >= least)
    };
    eventually("the request is read", async || has(1).await).await;
    let describe = format!("/uploads/{}/alt", id(&path));
    assert_eq!(page.submit(&describe, &[("alt", "A cat.")]).await.status, StatusCode::NO_CONTENT);
    request.write_all(&[7]).await.expect("sent");
    eventually("all has arrived", async || has(300_001).await).await;
    let message = post(&ana, "", &[&id(&path)]).await;
    assert_eq!(message["attachments"][0]["alt"], "A cat.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_arrive_together_do_not_exceed_the_quota_of_the_installation() {
    for is_form in [true, false] {
        let server = Server::with(&["--storage-quota=1000"]).await;
        let mut senders = Vec::new();
        for name in ["ana", "luis", "eva", "tom", "mia", "leo"] {
            senders.push(server.api(name).await);
        }
        let send = async |(number, api): (u8, &Api)| {
            let answer = if is_form {
                api.upload("/files", &[], ("file", &[number; 300])).await
            } else {
                Tus::new(&server, api).try_begin("a.bin", 300).await
            };
            answer.status().as_u16()
        };
        let mut answers = join_all((0..).zip(&senders).map(send)).await;
        answers.sort_unstable();
        assert_eq!(answers, [201, 201, 201, 422, 422, 422], "forms: {is_form}");
    }
}
