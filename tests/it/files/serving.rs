//! Files as browsers and programs read them: headers, parts, and who may.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{Tus, header, post, url};
use crate::support::{Server, png};

const SAFE: [(&str, &str); 4] = [
    ("x-content-type-options", "nosniff"),
    ("content-security-policy", "sandbox; default-src 'none'"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "private, no-cache"),
];

#[tokio::test]
async fn every_answer_about_a_file_has_the_same_protection() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    let page = b"<script>alert(1)</script>".repeat(40);
    let file = tus.upload("x\"\r\ny.html", &page).await;
    let message = post(&ana, "", &[&file]).await;
    let address = url(&message, 0);
    let whole = tus.get(&address, &[("accept-encoding", "gzip, br")]).await;
    let tag = header(&whole, "etag").expect("a tag");
    for (headers, status, body) in [
        (vec![], 200, Some(page.clone())),
        (vec![("range", "bytes=0-7")], 206, Some(b"<script>".to_vec())),
        (vec![("range", "bytes=-9")], 206, Some(b"</script>".to_vec())),
        (vec![("range", "bytes=0-1,5-6")], 200, Some(page.clone())),
        (vec![("range", "bytes=0-7"), ("if-range", &tag)], 206, Some(b"<script>".to_vec())),
        (vec![("range", "bytes=0-7"), ("if-range", "\"other\"")], 200, Some(page.clone())),
        (vec![("range", "bytes=1000-")], 416, None),
        (vec![("if-none-match", &tag)], 304, None),
    ] {
        let answer = tus.get(&address, &headers).await;
        assert_eq!(answer.status().as_u16(), status, "{headers:?}");
        for (name, value) in SAFE {
            assert_eq!(header(&answer, name).as_deref(), Some(value), "{status} {name}");
        }
        let disposition = header(&answer, "content-disposition").expect("a disposition");
        assert!(disposition.starts_with("attachment; filename=\"x_y.html\""), "{disposition}");
        assert_eq!(header(&answer, "content-encoding"), None);
        assert_eq!(header(&answer, "accept-ranges").as_deref(), Some("bytes"));
        assert_eq!(header(&answer, "etag"), Some(tag.clone()));
        if let Some(body) = body {
            let length = header(&answer, "content-length");
            assert_eq!(length, Some(body.len().to_string()));
            assert_eq!(
                header(&answer, "content-type").as_deref(),
                Some("application/octet-stream")
            );
            assert_eq!(answer.bytes().await.expect("a body"), body, "{headers:?}");
        }
    }
    let missing = tus.get(&address, &[("range", "bytes=1000-")]).await;
    assert_eq!(header(&missing, "content-range").as_deref(), Some("bytes */1000"));
    let head = tus.head(&address).await;
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(header(&head, "content-length").as_deref(), Some("1000"));
}

#[tokio::test]
async fn only_listed_types_are_shown_where_they_stand() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec();
    for (name, bytes, media_type, shown) in [
        ("a.txt", png(40, 20), "image/png", "inline"),
        ("a.png", svg, "application/octet-stream", "attachment"),
        ("a.png", b"%PDF-1.7".to_vec(), "application/octet-stream", "attachment"),
    ] {
        let file = tus.upload(name, &bytes).await;
        let message = post(&ana, "", &[&file]).await;
        let answer = tus.get(&url(&message, 0), &[]).await;
        assert_eq!(header(&answer, "content-type").as_deref(), Some(media_type));
        let disposition = header(&answer, "content-disposition").expect("a disposition");
        assert!(disposition.starts_with(shown), "{disposition}");
        assert_eq!(message["attachments"][0]["type"], media_type);
    }
}

#[tokio::test]
async fn who_may_not_read_the_message_may_not_read_its_files() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let mut page = server.browser_as("eva").await;
    let room = ana.post("/rooms", json!({"name": "a", "visibility": "private"})).await;
    let room = room["id"].as_i64().expect("an id");
    for name in ["luis", "eva"] {
        ana.post(&format!("/rooms/{room}/members"), json!({"name": name})).await;
    }
    let (hers, his) = (Tus::new(&server, &ana), Tus::new(&server, &luis));
    let file = hers.upload("a.txt", b"one").await;
    let path = format!("/rooms/{room}/messages");
    let message = ana.post(&path, json!({"body": "", "files": [file]})).await;
    let address = url(&message, 0);
    let ids = (luis.get("/me").await["id"].clone(), 0);
    assert_eq!(his.get(&address, &[]).await.text().await.expect("a body"), "one");
    assert_eq!(page.get(&address).await.text, "one", "with a session");
    let strange = format!("/files/{}/{file}/x", luis.say("hola").await["id"]);
    assert_eq!(his.get(&strange, &[]).await.status(), StatusCode::NOT_FOUND, "another message");
    ana.ok(Method::DELETE, &format!("/rooms/{room}/members/{}", ids.0), None).await;
    assert_eq!(his.get(&address, &[]).await.status(), StatusCode::NOT_FOUND);
    page.submit(&format!("/rooms/{room}/leave"), &[]).await;
    assert_eq!(page.get(&address).await.status, StatusCode::NOT_FOUND);
    assert_eq!(hers.get(&address, &[]).await.status(), StatusCode::OK);
    assert!(server.browser().get(&address).await.path.starts_with("/login"));
    // The token ends, and with it the right.
    ana.ok(Method::DELETE, "/tokens/current", None).await;
    assert_ne!(hers.get(&address, &[]).await.status(), StatusCode::OK);
}
