//! The lists of the files and links of a room.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::{Tus, post};
use crate::support::samples::{films, pictures};
use crate::support::{Api, Internet, Server, eventually};

/// A page of the files of a room: their names, and the message of the last one if more follow.
async fn page(user: &Api, room: &Value, rest: &str) -> (Vec<String>, Option<i64>) {
    let found = user.get(&format!("/rooms/{room}/files{rest}")).await;
    let items = found["items"].as_array().expect("items");
    let last = items.last().and_then(|item| item["message_id"].as_i64());
    let names = items.iter().map(|item| item["name"].as_str().expect("a name").to_owned());
    (names.collect(), last.filter(|_| found["more"] == true))
}

async fn names(user: &Api, room: &Value) -> Vec<String> {
    page(user, room, "").await.0
}

/// Posts new files with these names in one message.
async fn send(tus: &Tus, user: &Api, path: &str, names: &[&str]) -> Value {
    let mut files = Vec::new();
    for name in names {
        files.push(tus.upload(name, name.as_bytes()).await);
    }
    user.post(path, json!({"body": "", "files": files})).await
}

const LOBBY: &str = "/rooms/1/messages";

#[tokio::test]
async fn the_files_of_a_room_are_listed_newest_first_in_pages_of_whole_messages() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    assert_eq!(ana.get("/rooms/1/files").await, json!({"items": [], "more": false}));
    let mut messages = Vec::new();
    for names in [&["1.txt"][..], &["2.txt", "3.txt", "4.txt"], &["5.txt"], &["6.txt", "7.txt"]] {
        messages.push(send(&tus, &ana, LOBBY, names).await);
        ana.say("nada").await;
    }
    let all = ["6.txt", "7.txt", "5.txt", "2.txt", "3.txt", "4.txt", "1.txt"];
    assert_eq!(names(&ana, &json!(1)).await, all);
    let first = &ana.get("/rooms/1/files").await["items"][0];
    let mut expected = messages[3]["attachments"][0].clone();
    expected["message_id"] = messages[3]["id"].clone();
    assert_eq!(first, &expected);
    for (limit, pages) in [
        (1, &[&all[..2], &all[2..3], &all[3..6], &all[6..]][..]),
        (3, &[&all[..3], &all[3..6], &all[6..]]),
        (4, &[&all[..3], &all[3..]]),
        (7, &[&all[..]]),
    ] {
        let mut rest = format!("?limit={limit}");
        for (n, expected) in pages.iter().enumerate() {
            let (found, last) = page(&ana, &json!(1), &rest).await;
            assert_eq!(found, *expected, "{rest}");
            assert_eq!(last.is_some(), n + 1 < pages.len(), "{rest}");
            rest = format!("?limit={limit}&before={}", last.unwrap_or_default());
        }
    }
    for limit in ["0", "101", "x"] {
        let path = format!("/rooms/1/files?limit={limit}");
        let refused = ana.refused(Method::GET, &path, None).await;
        assert!(matches!(refused.status.as_u16(), 400 | 422), "{limit}: {}", refused.status);
    }
    // What is deleted is gone at once.
    ana.ok(Method::DELETE, &format!("/messages/{}", messages[1]["id"]), None).await;
    assert_eq!(names(&ana, &json!(1)).await, ["6.txt", "7.txt", "5.txt", "1.txt"]);
}

#[tokio::test]
async fn a_room_lists_the_files_of_its_threads_and_a_thread_its_own() {
    let server = Server::start().await;
    let (ana, luis) = tokio::join!(server.api("ana"), server.api("luis"));
    let tus = Tus::new(&server, &ana);
    let room = ana.post("/rooms", json!({"name": "Taller", "visibility": "private"})).await;
    let path = format!("/rooms/{}/messages", room["id"]);
    let head = send(&tus, &ana, &path, &["head.txt"]).await;
    let file = tus.upload("reply.txt", b"reply").await;
    let reply = json!({"body": "", "files": [file], "also_in_room": true});
    let reply = ana.post(&format!("/messages/{}/thread", head["id"]), reply).await;
    send(&tus, &ana, LOBBY, &["lobby.txt"]).await;
    assert_eq!(names(&ana, &room["id"]).await, ["reply.txt", "head.txt"]);
    assert_eq!(names(&ana, &reply["room_id"]).await, ["reply.txt"]);
    assert_eq!(names(&ana, &json!(1)).await, ["lobby.txt"]);
    assert_eq!(names(&luis, &json!(1)).await, ["lobby.txt"]);
    for hidden in [&room["id"], &reply["room_id"]] {
        let path = format!("/rooms/{hidden}/files");
        let refused = luis.refused(Method::GET, &path, None).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND);
    }
    let mut page = server.browser();
    page.login("ana", crate::support::PASSWORD).await;
    let page = page.get(&format!("/rooms/{}/files", reply["room_id"])).await;
    assert_eq!(page.all(".shared .file-name"), ["reply.txt", "head.txt"]);
}

#[tokio::test]
async fn pages_show_pictures_as_a_grid_and_other_files_as_rows() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    let mut luis = server.browser_as("luis").await;
    let page = luis.get("/rooms/1/files").await;
    assert_eq!(page.all(".empty-state p").len(), 1);
    let page = luis.get("/rooms/1").await;
    assert_eq!(page.all("#recent-files p")[0], "No files yet. What is sent here will be listed.");
    let picture = tus.upload("foto.png", &pictures::png(1)).await;
    let film = tus.upload("film.mp4", &films::mp4(*b"isom")).await;
    let other = tus.upload("plan.pdf", b"%PDF-1.7").await;
    let message = post(&ana, "", &[&film, &picture, &other]).await;
    let page = luis.get("/rooms/1/files").await;
    let place = format!("/messages/{}/files/1", message["id"]);
    assert_eq!(page.attribute(".thumbs a", "href"), Some(place.clone()));
    assert_eq!(page.attribute(".thumbs img", "alt").as_deref(), Some("foto.png"));
    assert_eq!(page.all(".shared__row .file-name"), ["film.mp4", "plan.pdf"]);
    assert_eq!(page.all(".shared__row .shared__text bdi:not(.file-name)"), ["ana", "ana"]);
    let context = format!("/rooms/1#m{}", message["id"]);
    assert_eq!(page.attribute(".shared__origin", "href"), Some(context.clone()));
    let url = message["attachments"][2]["url"].as_str().map(str::to_owned);
    assert_eq!(page.attribute(".shared__row:nth-child(2) .icon-btn", "href"), url);
    let page = luis.get("/rooms/1").await;
    assert_eq!(page.attribute("#recent-files .thumbs a", "href"), Some(place));
    assert_eq!(page.all("#recent-files .recent-file .file-name"), ["film.mp4", "plan.pdf"]);
    assert_eq!(page.attribute("#recent-files .recent-file", "href"), Some(context));
    assert_eq!(page.attribute("#recent-files .btn", "href").as_deref(), Some("/rooms/1/files"));
    // The panel has the newest six.
    send(&tus, &ana, LOBBY, &["a.txt", "b.txt", "c.txt", "d.txt", "e.txt"]).await;
    let page = luis.get("/rooms/1").await;
    assert_eq!(page.all("#recent-files li").len(), 6);
    for n in 0..60 {
        send(&tus, &ana, LOBBY, &[&format!("{n}.txt")]).await;
    }
    let page = luis.get("/rooms/1/files").await;
    assert_eq!(page.all(".shared__row").len(), 60);
    let older = page.attribute("[rel=next]", "href").expect("older files");
    assert_eq!(luis.get(&older).await.all(".thumbs li, .shared__row").len(), 8);
}

#[tokio::test]
async fn all_links_are_listed_with_the_title_of_their_preview() {
    let internet = Internet::default();
    let site = internet.site("semillas.example");
    site.page(
        "/otono",
        "<title>Qué sembrar</title><meta property='og:site_name' content='Semillas'>",
    );
    let server = Server::on_internet(&internet, &[]).await;
    let ana = server.api("ana").await;
    let mut luis = server.browser_as("luis").await;
    assert_eq!(luis.get("/rooms/1/links").await.all(".empty-state p").len(), 1);
    let first = ana.say("http://semillas.example/otono").await;
    let path = format!("/messages/{}", first["id"]);
    eventually("a preview", async || {
        ana.get(&path).await["previews"].as_array().is_some_and(|all| all.len() == 1)
    })
    .await;
    let twice = "example.org/a https://example.org/b https://example.org/b `https://example.org/c`";
    let second = ana.say(twice).await;
    ana.say("> https://example.org/quoted").await;
    ana.say("mail a@example.org").await;
    let head = ana.say("cabeza").await;
    let reply = json!({"body": "https://example.org/reply"});
    ana.post(&format!("/messages/{}/thread", head["id"]), reply).await;
    let links = async |page: &mut crate::support::Browser| {
        page.get("/rooms/1/links").await.all(".shared__link")
    };
    let all = ["example.org/reply", "example.org/a", "example.org/b", "Qué sembrar"];
    assert_eq!(links(&mut luis).await, all);
    let page = luis.get("/rooms/1/links").await;
    assert_eq!(page.all(".shared__text > small:not(:last-child)"), ["Semillas"]);
    let href = page.attribute("li:last-child .shared__link", "href");
    assert_eq!(href.as_deref(), Some("http://semillas.example/otono"));
    let origin = page.attribute("li:last-child .shared__origin", "href");
    assert_eq!(origin, Some(format!("/rooms/1#m{}", first["id"])));
    // They follow edits and deletions.
    let edit = json!({"body": "https://example.org/new"});
    ana.ok(Method::PATCH, &format!("/messages/{}", second["id"]), Some(edit)).await;
    ana.ok(Method::DELETE, &path, None).await;
    assert_eq!(links(&mut luis).await, ["example.org/reply", "example.org/new"]);
    for n in 0..40 {
        ana.say(&format!("https://example.org/{n}")).await;
    }
    let page = luis.get("/rooms/1/links").await;
    assert_eq!(page.all(".shared__link").len(), 40);
    let older = page.attribute("[rel=next]", "href").expect("older links");
    let older = luis.get(&older).await;
    assert_eq!(older.all(".shared__link"), ["example.org/reply", "example.org/new"]);
}
