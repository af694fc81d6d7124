//! Formats of messages: how they are chosen, stored, searched and carried to another installation.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Api, Server};

const MARKED: &str = "**hola** `x`";

async fn post(api: &Api, format: &str, nonce: &str) -> (StatusCode, Value) {
    let body = json!({"body": MARKED, "format": format, "nonce": nonce});
    let answer = api.send(Method::POST, "/rooms/1/messages", Some(body)).await;
    (answer.status(), answer.json().await.expect("JSON"))
}

#[tokio::test]
async fn format_decides_how_a_message_is_shown_and_is_markdown_if_left_out() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let markdown = ana.say(MARKED).await;
    assert_eq!(markdown["html"], "<p><strong>hola</strong> <code>x</code></p>");
    assert_eq!((&markdown["markup"], &markdown["body"]), (&json!(1), &json!(MARKED)));
    let (_, plain) = post(&ana, "plain", "n1").await;
    assert_eq!((&plain["markup"], &plain["html"]), (&json!(0), &json!(format!("<p>{MARKED}</p>"))));
    assert_eq!(post(&ana, "bold", "n2").await.0, StatusCode::UNPROCESSABLE_ENTITY);
    // The same nonce with another format is another message.
    assert_eq!(post(&ana, "plain", "n1").await.0, StatusCode::OK);
    assert_eq!(post(&ana, "markdown", "n1").await.0, StatusCode::CONFLICT);

    let mut live = ana.live().await;
    live.open_room(1, None).await;
    let frame =
        json!({"type": "post", "room": 1, "body": MARKED, "format": "plain", "nonce": "n3"});
    live.send(frame).await;
    assert_eq!(live.until("message").await["message"]["markup"], 0);
    live.send(json!({"type": "post", "room": 1, "body": MARKED, "nonce": "n4"})).await;
    assert_eq!(live.until("message").await["message"]["markup"], 1);
    live.send(json!({"type": "post", "room": 1, "body": MARKED, "format": "x", "nonce": "n5"}))
        .await;
    assert_eq!(live.until("error").await["status"], 422);
}

#[tokio::test]
async fn edit_changes_a_message_only_if_text_or_format_differ() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let (_, posted) = post(&ana, "plain", "n1").await;
    let path = format!("/messages/{}", posted["id"]);
    let plain = ana.get(&path).await;
    let edit = async |body: Value| ana.ok(Method::PATCH, &path, Some(body)).await.1;
    assert_eq!(edit(json!({"body": MARKED})).await, plain, "the same text");
    assert_eq!(edit(json!({"body": MARKED, "format": "plain"})).await, plain);
    let marked = edit(json!({"body": MARKED, "format": "markdown"})).await;
    assert_eq!((&marked["markup"], &marked["rev"]), (&json!(1), &json!(2)));
    let other = edit(json!({"body": "_x_"})).await;
    assert_eq!((&other["markup"], &other["html"]), (&json!(1), &json!("<p><em>x</em></p>")));
    let plain = edit(json!({"body": "_x_", "format": "plain"})).await;
    assert_eq!((&plain["markup"], &plain["html"]), (&json!(0), &json!("<p>_x_</p>")));
}

#[tokio::test]
async fn name_in_a_quote_is_a_link_and_no_mention_and_in_code_it_is_text() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let mentions = async || luis.get("/rooms").await["items"][0]["mentions"].clone();
    let quoted = ana.say("> @luis: yes\nno, `@luis`").await;
    assert_eq!(quoted["html"].as_str().expect("html").matches("/direct/luis").count(), 1);
    assert_eq!(mentions().await, 0);
    ana.say("**@luis**: yes").await;
    assert_eq!(mentions().await, 1);
}

#[tokio::test]
async fn preview_is_what_the_message_will_be_and_posts_nothing() {
    let server = Server::start().await;
    let mut browser = server.browser_as("ana").await;
    let body = "**hola** @ana";
    let preview = browser.submit("/preview", &[("body", body)]).await;
    let page = browser.submit("/rooms/1/messages", &[("body", body), ("preview", "true")]).await;
    assert_eq!(page.one("#preview strong"), "hola");
    assert_eq!(page.one("#body"), body, "the text stays in the composer");
    assert_eq!(page.messages(), [""; 0]);
    let posted = server.api("luis").await.say(body).await;
    assert_eq!(preview.text, posted["html"].as_str().expect("html"));
    let refused = browser.submit("/preview", &[("body", " ")]).await;
    assert_eq!(refused.status, 422);
}

#[tokio::test]
async fn search_finds_words_inside_marks_and_shows_text() {
    let server = Server::start().await;
    let mut browser = server.browser_as("ana").await;
    let ana = server.api("ana").await;
    ana.say("the **hose** is in `the_shed`, [see](https://x.org/plan)").await;
    for (sought, hit) in [("hose", "hose"), ("the_shed", "the_shed")] {
        let page = browser.get(&format!("/search?q={sought}")).await;
        assert_eq!(page.all("mark"), [hit], "{sought}");
        let text = page.one(".result__text");
        assert!(text.contains("the hose is in the_shed, see"), "{text}");
    }
}
