//! Posters of films: pictures that their senders make, and that are made again like every picture.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{Tus, header, post};
use crate::support::samples::{films, pictures};
use crate::support::{Server, bombs, numbers, png};

async fn put(tus: &Tus, file: &str, picture: Vec<u8>) -> StatusCode {
    let path = format!("/api/v1/uploads/{file}/poster");
    tus.send(Method::PUT, &path, &[], picture).await.status()
}

#[tokio::test]
async fn a_film_shows_the_poster_that_was_sent_for_it_last() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    let film = tus.upload("film.mp4", &films::mp4(*b"isom")).await;
    assert_eq!(put(&tus, &film, png(40, 30)).await, StatusCode::NO_CONTENT);
    assert_eq!(put(&tus, &film, pictures::jpeg(6)).await, StatusCode::NO_CONTENT);
    let db = server.storage().open().await;
    let unused = "select count(*) from contents where unused_since is not null";
    assert_eq!(numbers(&db, unused).await, [1], "the first poster");
    let message = post(&ana, "", &[&film]).await;
    let preview = message["attachments"][0]["preview_url"].as_str().expect("a poster").to_owned();
    let shown = tus.get(&preview, &[]).await;
    assert_eq!(header(&shown, "content-type").as_deref(), Some("image/jpeg"));
    let bytes = shown.bytes().await.expect("a body");
    assert!(crate::support::samples::found(&bytes).is_empty(), "no metadata");
    let mut page = server.browser_as("luis").await;
    let room = page.get("/rooms/1").await;
    assert_eq!(room.attribute(".film video", "poster"), Some(preview.clone()));
    assert_eq!(room.attribute("#recent-files .recent-file img", "src"), Some(preview.clone()));
    // A message does not change behind its readers.
    assert_eq!(put(&tus, &film, png(40, 30)).await, StatusCode::NOT_FOUND);
    ana.ok(Method::DELETE, &format!("/messages/{}", message["id"]), None).await;
    assert_eq!(tus.get(&preview, &[]).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(numbers(&db, unused).await, [3]);
    db.close().await;
}

#[tokio::test]
async fn only_pictures_are_posters_and_only_of_own_films() {
    let server = Server::start().await;
    let (ana, luis) = tokio::join!(server.api("ana"), server.api("luis"));
    let (tus, other) = (Tus::new(&server, &ana), Tus::new(&server, &luis));
    let film = tus.upload("film.mp4", &films::mp4(*b"isom")).await;
    for (picture, status) in [
        (Vec::new(), 422),
        (b"<svg onload=alert(1)>".to_vec(), 422),
        (films::mp4(*b"isom"), 422),
        (bombs::gif((60_000, 60_000), (1, 1), 1), 422),
        (vec![0; 1024 * 1024 + 1], 413),
    ] {
        let length = picture.len();
        assert_eq!(put(&tus, &film, picture).await.as_u16(), status, "{length} bytes");
    }
    assert_eq!(put(&other, &film, png(4, 3)).await, StatusCode::NOT_FOUND);
    let picture = tus.upload("a.png", &pictures::png(1)).await;
    assert_eq!(put(&tus, &picture, png(4, 3)).await, StatusCode::NOT_FOUND);
    let started = tus.begin("film.mp4", 10).await;
    assert_eq!(put(&tus, &super::id(&started), png(4, 3)).await, StatusCode::NOT_FOUND);
    let message = post(&ana, "", &[&film]).await;
    assert_eq!(message["attachments"][0]["preview_url"], json!(null));
    let left = std::fs::read_dir(server.data().join("uploads")).expect("a folder").count();
    assert_eq!(left, 1, "the upload that has started");
}
