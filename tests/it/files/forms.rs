//! The composer's form with files, without scripts.

use reqwest::StatusCode;

use crate::support::{Browser, PASSWORD, Page, Server};

/// A form with texts and files.
async fn send(
    browser: &mut Browser,
    path: &str,
    texts: &[(&str, &str)],
    files: &[(&str, &str)],
) -> Page {
    browser.submit_files(path, texts, files).await
}

#[tokio::test]
async fn a_form_posts_its_files() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let files = [("notas.txt", "uno"), ("más.txt", "dos")];
    let page = send(&mut ana, "/rooms/1/messages", &[("body", "mirad")], &files).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.messages(), ["mirad"]);
    assert_eq!(page.all(".attachments .file-name"), ["notas.txt", "más.txt"]);
    let address = page.attribute(".attachments [download]", "href").expect("an address");
    assert_eq!(ana.get(&address).await.text, "uno");
    // A form in which no file was chosen, and one with a file alone.
    let page = send(&mut ana, "/rooms/1/messages", &[("body", "nada")], &[("", "")]).await;
    assert_eq!(page.messages(), ["mirad", "nada"]);
    let page = send(&mut ana, "/rooms/1/messages", &[("body", "")], &[("c.txt", "tres")]).await;
    assert_eq!(page.all(".attachments .file-name").len(), 3);
}

#[tokio::test]
async fn a_form_that_is_sent_twice_posts_once() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let texts = [("body", "mirad"), ("nonce", "n")];
    let files = [("a.txt", "uno"), ("b.txt", "dos")];
    for _ in 0..2 {
        let page = send(&mut ana, "/rooms/1/messages", &texts, &files).await;
        assert_eq!(page.messages(), ["mirad"]);
        assert_eq!(page.all(".attachments .file-name"), ["a.txt", "b.txt"]);
    }
    // Nothing is left of the second one.
    let uploads = std::fs::read_dir(server.data().join("uploads")).expect("a folder");
    assert_eq!(uploads.count(), 0);
    let db = server.storage().open().await;
    let files = crate::support::numbers(&db, "select count(*) from files").await;
    assert_eq!(files, [2]);
    // With other files it is another message: the page came back from the browser's memory.
    let page = send(&mut ana, "/rooms/1/messages", &texts, &[("a.txt", "tres")]).await;
    assert_eq!(page.messages(), ["mirad", "mirad"]);
}

#[tokio::test]
async fn the_files_of_a_refused_form_come_back_with_it() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let long = "x".repeat(16_001);
    let texts = [("body", long.as_str())];
    let page = send(&mut ana, "/rooms/1/messages", &texts, &[("a.txt", "uno")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(page.all(".composer__kept li"), ["a.txt"]);
    let file = page.attribute(".composer__kept input", "value").expect("an id");
    let page = ana.submit("/rooms/1/messages", &[("body", "x"), ("file", &file)]).await;
    assert_eq!(page.all(".attachments .file-name"), ["a.txt"]);
    // A command has no files, and is not carried out.
    let texts = [("body", "/topic nuevo")];
    let page = send(&mut ana, "/rooms/1/messages", &texts, &[("a.txt", "uno")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(page.all(".composer__kept li"), ["a.txt"]);
}

#[tokio::test]
async fn a_form_with_a_file_that_is_too_large_says_what_is_allowed() {
    let server = Server::with(&["--max-upload=2K"]).await;
    let mut ana = server.browser_as("ana").await;
    let (large, largest) = ("x".repeat(2_049), "x".repeat(2_048));
    let texts = [("body", "mirad")];
    ana.language = "es";
    server.browser_as("luis").await;
    for path in ["/rooms/1/messages", "/direct/luis/messages"] {
        let page = send(&mut ana, path, &texts, &[("a.txt", "uno"), ("b.txt", &large)]).await;
        assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(
            page.text.contains("b.txt: Los archivos pueden tener hasta 2 KB."),
            "{}",
            page.text
        );
        assert_eq!(page.all("#body"), ["mirad"], "the text comes back");
    }
    let files = std::fs::read_dir(server.data().join("uploads")).expect("a folder");
    assert_eq!(files.count(), 0);
    let page = send(&mut ana, "/rooms/1/messages", &texts, &[("a.txt", &largest)]).await;
    assert_eq!(page.all(".attachments small"), ["2 KB"]);
}

#[tokio::test]
async fn a_direct_message_and_a_thread_take_files() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    server.browser_as("luis").await;
    let files = [("a.txt", "uno")];
    let page = send(&mut ana, "/direct/luis/messages", &[("body", "")], &files).await;
    assert_eq!(page.all(".attachments .file-name"), ["a.txt"]);
    ana.say("hola").await;
    let head = ana.get("/rooms/1").await.attribute("article.message[data-id]", "data-id");
    let path = format!("/threads/{}", head.expect("a message"));
    let page = send(&mut ana, &path, &[("body", ""), ("also", "true")], &files).await;
    assert_eq!(page.all(".attachments .file-name"), ["a.txt"]);
    assert_eq!(ana.get("/rooms/1").await.all(".attachments .file-name"), ["a.txt"]);
}

#[tokio::test]
async fn the_text_of_a_form_with_files_comes_back_after_the_session_has_ended() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let mut elsewhere = server.browser();
    elsewhere.login("ana", PASSWORD).await;
    let new = "otra-lluvia-de-mayo-7";
    let fields =
        [("current_password", PASSWORD), ("password", new), ("password_confirmation", new)];
    elsewhere.submit("/settings/password", &fields).await;
    for (files, says_so) in [(&[("a.txt", "uno")][..], true), (&[("", "")][..], false)] {
        let texts = [("nonce", "n"), ("body", "mirad")];
        let page = send(&mut ana, "/rooms/1/messages", &texts, files).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED);
        assert_eq!(page.all("textarea"), ["mirad"]);
        assert_eq!(page.text.contains("Choose the files again"), says_so);
    }
}
