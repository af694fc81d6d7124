//! Searching for files: by kind and by name, under the rules of every search.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::{Tus, post};
use crate::support::samples::{films, pictures, sounds};
use crate::support::{Api, Server, execute};

async fn page(user: &Api, query: &str) -> Value {
    let encoded: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
    user.get(&format!("/search?q={encoded}")).await
}

/// The names of the first files of the messages that a query finds; for a message without files its text.
async fn find(user: &Api, query: &str) -> Vec<String> {
    let found = page(user, query).await;
    let name = |message: &Value| {
        let name = message["attachments"][0]["name"].as_str();
        name.or(message["body"].as_str()).expect("a text").to_owned()
    };
    found["items"].as_array().expect("items").iter().map(name).collect()
}

/// A message for each kind of file, and one without files.
async fn all_kinds(server: &Server, user: &Api) {
    let tus = Tus::new(server, user);
    for (name, bytes) in [
        ("Informe_Año 2026.PDF", b"%PDF-1.7".to_vec()),
        ("foto.jpg", pictures::jpeg(1)),
        ("getUserName.mp4", films::mp4(*b"isom")),
        ("東京タワー.mp3", sounds::mp3()),
    ] {
        let file = tus.upload(name, &bytes).await;
        post(user, "con archivo", &[&file]).await;
        server.advance(Duration::from_hours(24));
    }
    user.say("foto https://example.org").await;
}

#[tokio::test]
async fn files_are_found_by_kind_and_name() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    all_kinds(&server, &ana).await;
    let (pdf, jpg) = ("Informe_Año 2026.PDF", "foto.jpg");
    let (mp4, mp3, text) = ("getUserName.mp4", "東京タワー.mp3", "foto https://example.org");
    for (query, found) in [
        ("has:file", &[mp3, mp4, jpg, pdf][..]),
        ("has:image", &[jpg]),
        ("HAS:Video", &[mp4]),
        ("has:audio", &[mp3]),
        ("has:link", &[text]),
        ("has:file -has:image", &[mp3, mp4, pdf]),
        ("-has:file", &[text]),
        ("has:image has:video", &[]),
        ("has:file archivo", &[mp3, mp4, jpg, pdf]),
        ("has:file nada", &[]),
        // Names, as words are found: without accents and case, the last one unfinished.
        ("filename:informe", &[pdf]),
        ("filename:AÑO", &[pdf]),
        ("filename:ano", &[pdf]),
        ("filename:infor", &[pdf]),
        ("filename:.pdf", &[pdf]),
        ("filename:\"informe año\"", &[pdf]),
        ("filename:\"ano informe\"", &[]),
        ("filename:\"infor\"", &[]),
        ("filename:in", &[]),
        ("filename:informe_año", &[pdf]),
        ("filename:user", &[mp4]),
        ("filename:タワー", &[mp3]),
        ("filename:foto", &[jpg]),
        ("-filename:foto has:file", &[mp3, mp4, pdf]),
        ("filename:foto filename:pdf", &[]),
        // The name of a file is no text of its message.
        ("informe", &[]),
        ("foto", &[text]),
        // With the others.
        ("filename:foto from:ana in:lobby archivo", &[jpg]),
        ("has:file from:luis", &[]),
        ("has:file is:direct", &[]),
        ("has:file on:2026-11-22", &[jpg]),
        ("filename:informe before:2026-11-22", &[pdf]),
        // What is no operator is text.
        ("has:dog", &[]),
        ("filename:", &[]),
    ] {
        assert_eq!(find(&ana, query).await, found, "{query}");
    }
}

#[tokio::test]
async fn files_are_found_in_readable_messages_only_and_never_in_deleted_ones() {
    let server = Server::start().await;
    let (ana, luis) = tokio::join!(server.api("ana"), server.api("luis"));
    let tus = Tus::new(&server, &ana);
    let private = json!({"name": "Taller", "visibility": "private"});
    let private = ana.post("/rooms", private).await["id"].clone();
    let file = tus.upload("plano.png", &pictures::png(1)).await;
    let message = json!({"body": "", "files": [file]});
    ana.post(&format!("/rooms/{private}/messages"), message).await;
    let file = tus.upload("plano.txt", b"one").await;
    let shared = post(&ana, "uno", &[&file]).await;
    for query in ["has:file", "filename:plano"] {
        assert_eq!(find(&ana, query).await, ["plano.txt", "plano.png"], "{query}");
        assert_eq!(find(&luis, query).await, ["plano.txt"], "{query}");
    }
    assert_eq!(find(&luis, "has:image").await, [""; 0]);
    // An edit keeps the files.
    let path = format!("/messages/{}", shared["id"]);
    ana.ok(Method::PATCH, &path, Some(json!({"body": "dos"}))).await;
    assert_eq!(find(&luis, "filename:plano dos").await, ["plano.txt"]);
    assert_eq!(find(&luis, "filename:plano uno").await, [""; 0]);
    let (status, _) = ana.ok(Method::DELETE, &path, None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    for query in ["has:file", "filename:plano"] {
        assert_eq!(find(&luis, query).await, [""; 0], "{query}");
        assert_eq!(find(&ana, query).await, ["plano.png"], "{query}");
    }
}

#[tokio::test]
async fn the_files_of_replies_are_found_once() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let head = ana.say("cabeza").await;
    let file = Tus::new(&server, &ana).upload("plano.txt", b"one").await;
    let reply = json!({"body": "", "files": [file], "also_in_room": true});
    ana.post(&format!("/messages/{}/thread", head["id"]), reply).await;
    assert_eq!(find(&ana, "has:file in:lobby").await, ["plano.txt"]);
    assert_eq!(find(&ana, "filename:plano").await, ["plano.txt"]);
}

/// A request compares at most 4,000 messages with its query. A file is found behind more, so the index leads to it.
#[tokio::test]
async fn the_index_leads_to_files_behind_many_messages() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let file = Tus::new(&server, &ana).upload("informe.pdf", b"%PDF-").await;
    post(&ana, "", &[&file]).await;
    let db = server.storage().open().await;
    for statement in [
        "insert into messages (room_seq_key, room_rev_key, id, author_id, kind, body, html, created_at)
         with recursive n (i) as (select 10 union all select i + 1 from n where i < 5010)
         select 4294967296 + i, 4294967296 + i, i, 1, 'text', 'hola', '', 1 from n",
        "update rooms set last_seq = 5010, rev = 5010 where id = 1",
        "update settings set value = 'other' where name = 'search_words'",
    ] {
        execute(&db, statement, statement).await;
    }
    let sqlite = "update counters set value = 5010 where name = 'message'";
    execute(&db, sqlite, "select setval('message_ids', 5010)").await;
    let server = server.second().await;
    let mut ana = Api::signed_out(server.url("/api/v1"));
    ana.sign_in("ana").await;
    crate::messages::search::until_indexed(&db).await;
    db.close().await;
    for query in ["has:file", "filename:informe", "filename:inf", "filename:informe -hola"] {
        assert_eq!(find(&ana, query).await, ["informe.pdf"], "{query}");
        assert_eq!(page(&ana, query).await["more"], false, "{query}");
    }
    // Without the help of the index, the budget ends before the file.
    assert_eq!(page(&ana, "-hola").await["items"], json!([]));
}

#[tokio::test]
async fn result_pages_show_the_files_of_messages() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let mut page = server.browser_as("luis").await;
    all_kinds(&server, &ana).await;
    let found = page.get("/search?q=has:file").await;
    assert_eq!(found.all(".result").len(), 4);
    assert_eq!(found.all(".result__file .file-name")[0], "東京タワー.mp3");
    assert_eq!(found.all(".result__file .file__kind"), ["MP3", "MP4", "PDF"]);
    let image = found.attribute(".result__file img", "src").expect("a picture");
    assert!(image.starts_with("/files/2/"), "{image}");
    assert_eq!(found.all(".chip--chosen"), ["With a file"]);
    let found = page.get("/search?q=filename:foto").await;
    assert_eq!(found.all(".chip--chosen"), ["File “foto”"]);
    let kinds = found.all("#search-kind .menu-item");
    let all = ["With a file", "With a picture", "With a video", "With audio", "With a link"];
    assert_eq!(kinds[..5], all);
    let link = found.attribute("#search-kind li:nth-child(2) a", "href").expect("a link");
    assert_eq!(page.get(&link).await.all(".result__file .file-name"), ["foto.jpg"]);
}
