//! Pictures that people put in place of their initials.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use reqwest::StatusCode;

use crate::support::Server;

fn photo() -> Vec<u8> {
    let picture = RgbImage::from_pixel(640, 480, Rgb([20, 120, 90]));
    let mut file = Cursor::new(Vec::new());
    DynamicImage::from(picture).write_to(&mut file, ImageFormat::Png).expect("a file");
    file.into_inner()
}

#[tokio::test]
async fn a_picture_stands_in_place_of_the_initials_until_it_is_taken_away() {
    let server = Server::start().await;
    let (mut ana, luis) = (server.person("ana").await, server.person("luis").await);
    let mut live = luis.live().await;
    live.until("present").await;
    ana.say("hola").await;
    let page = ana.upload("/settings/picture", "picture", photo()).await;
    assert_eq!(page.one("[role=status]"), "Saved.");
    let told = live.until("user").await;
    let source = page.attribute(".picture .av__photo", "src").expect("a picture");
    assert_eq!(source, format!("/avatars/{}", told["photo"].as_str().expect("a name")));
    let room = ana.get("/rooms/1").await;
    assert_eq!(room.attribute(".msg .av__photo", "src").as_ref(), Some(&source));
    let shown = ana.get(&source).await;
    assert_eq!(shown.headers["content-type"], "image/jpeg");
    assert!(shown.headers["cache-control"].to_str().expect("text").contains("immutable"));
    assert!(server.browser().get(&source).await.path.starts_with("/login"));
    let page = ana.upload("/settings/picture", "remove", Vec::new()).await;
    assert_eq!(page.all(".picture .av__photo").len(), 0);
    assert_eq!(ana.get(&source).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_no_picture_is_refused_and_the_old_one_stays() {
    let server = Server::start().await;
    let mut ana = server.person("ana").await;
    ana.upload("/settings/picture", "picture", photo()).await;
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec();
    for file in [Vec::new(), svg, photo()[..200].to_vec()] {
        let page = ana.upload("/settings/picture", "picture", file).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(page.all("#picture-note.field__note--bad").len(), 1);
        assert_eq!(page.all(".picture .av__photo").len(), 1);
    }
    let page = ana.upload("/settings/picture", "picture", vec![0; 13 * 1024 * 1024]).await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
}
