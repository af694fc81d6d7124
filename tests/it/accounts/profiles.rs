//! What users say about themselves: the text and the status.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Api, Server};

async fn change(api: &Api, change: Value) -> Value {
    api.ok(Method::PATCH, "/me", Some(change)).await.1
}

#[tokio::test]
async fn profile_changes_field_by_field_and_reaches_all_users() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let mut live = luis.live().await;
    let since = live.until("ready").await["at"].as_str().expect("a time").to_owned();
    live.until("present").await;
    let moon = json!({"emoji": "🌙", "text": "vuelvo el lunes", "until": null});
    let here = json!({"about": "Huerta y pan.\nLlámame.", "status": moon});
    let me = change(&ana, here.clone()).await;
    assert_eq!((&me["about"], &me["status"]), (&here["about"], &here["status"]));
    let frame = live.until("user").await;
    assert_eq!((&frame["user"]["about"], &frame["user"]["status"]), (&here["about"], &moon));

    // What is not named stays, and null ends the status.
    let me = change(&ana, json!({"about": ""})).await;
    assert_eq!((&me["about"], &me["status"]), (&json!(""), &moon));
    let me = change(&ana, json!({"display_name": "Ana"})).await;
    assert_eq!(me["status"], moon);
    let me = change(&ana, json!({"status": null})).await;
    assert_eq!(me["status"], Value::Null);
    change(&ana, json!({"status": {"emoji": "\u{2764}"}})).await;
    let expected = json!({"emoji": "❤️", "text": "", "until": null});
    for path in ["/users", "/rooms/1/members"] {
        assert_eq!(luis.get(path).await["items"][0]["status"], expected, "{path}");
    }
    let mut later = luis.live_since(&since).await;
    assert_eq!(later.until("user").await["user"]["status"], expected);
}

#[tokio::test]
async fn status_is_over_at_its_end_wherever_it_is_read() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let until = "2026-11-21T11:00:00.000Z";
    let train = json!({"emoji": "🚆", "text": "tren", "until": until});
    let me = change(&ana, json!({"status": train})).await;
    assert_eq!(me["status"], train);
    assert_eq!(luis.get("/users/1").await["status"], train);
    let since = luis.live().await.until("ready").await["at"].as_str().expect("a time").to_owned();
    server.advance(Duration::from_hours(1));
    assert_eq!(luis.get("/users/1").await["status"], Value::Null);
    assert_eq!(ana.get("/me").await["status"], Value::Null);
    assert_eq!(ana.live().await.until("ready").await["me"]["status"], Value::Null);
    let caught_up = luis.live_since(&since).await.until("user").await;
    assert_eq!(caught_up["user"]["status"], Value::Null);
}

#[tokio::test]
async fn profiles_that_are_not_allowed_change_nothing() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let wrong_end = |until: &str| json!({"status": {"emoji": "🌙", "until": until}});
    for (wrong, field) in [
        (json!({"about": "a".repeat(501)}), "about"),
        (json!({"about": "a\u{202e}b"}), "about"),
        (json!({"about": "a\0b"}), "about"),
        (json!({"status": {"emoji": "", "text": "x"}}), "status"),
        (json!({"status": {"emoji": "moon"}}), "status"),
        (json!({"status": {"emoji": "🌙", "text": "a\nb"}}), "status"),
        (json!({"status": {"emoji": "🌙", "text": "a".repeat(81)}}), "status"),
        (wrong_end("2026-11-21T10:00:00Z"), "status"),
    ] {
        // The rest of the request is not applied either.
        let mut wrong = wrong;
        wrong["display_name"] = json!("Otra");
        let refused = ana.refused(Method::PATCH, "/me", Some(wrong.clone())).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert!(refused.body["errors"][field][0].is_string(), "{wrong}: {refused:?}");
    }
    let me = ana.get("/me").await;
    assert_eq!((&me["about"], &me["status"]), (&json!(""), &Value::Null));
    assert_eq!(me["display_name"], "ana");
    change(&ana, wrong_end("2026-11-21T10:00:00.001Z")).await;
}

#[tokio::test]
async fn profile_page_shows_who_a_user_is_and_the_settings_change_it() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    let fields = [
        ("about", "Huerta.\nY <b>pan</b>."),
        ("status_emoji", ""),
        ("status_text", "vuelvo pronto"),
        ("status_end", "hour"),
    ];
    assert_eq!(ana.submit("/settings/profile", &fields).await.path, "/settings?saved=1");
    let page = ana.get("/settings").await;
    assert_eq!(page.attribute("#status_emoji", "value").as_deref(), Some("💬"));
    assert_eq!(page.attribute("#status_end [selected]", "value").as_deref(), Some("kept"));
    let zone = [("time_zone", "Asia/Tokyo")];
    ana.submit("/settings/time-zone", &zone).await;

    let page = luis.get("/people/ANA").await;
    assert_eq!((page.status, page.one(".profile__name").as_str()), (StatusCode::OK, "ana"));
    assert!(page.one(".profile__about").contains("Y <b>pan</b>."));
    assert!(page.one(".profile__status").contains("vuelvo pronto"));
    assert!(page.one(".profile__fact").contains("19:00 · 9 h ahead"), "{}", page.text);
    assert_eq!(page.attribute(".profile__actions a", "href").as_deref(), Some("/direct/ana"));
    assert_eq!(page.all(".profile__rooms a").len(), 1);
    assert_eq!(luis.get("/people").await.all(".status-emoji").len(), 1);
    assert_eq!(luis.get("/rooms/1").await.all(".member .status-emoji").len(), 1);
    server.advance(Duration::from_hours(1));
    let page = luis.get("/people/ana").await;
    assert!(page.all(".profile__status").is_empty());
    assert!(luis.get("/people").await.all(".status-emoji").is_empty());

    let own = ana.get("/people/ana").await;
    assert_eq!(own.attribute(".profile__actions a", "href").as_deref(), Some("/settings#profile"));
    assert_eq!(luis.get("/people/nadie").await.status, StatusCode::NOT_FOUND);
    for wrong in [
        ("status_text", "a".repeat(81)),
        ("about", "a".repeat(501)),
        ("status_end", "later".to_owned()),
    ] {
        let fields = [("status_emoji", "🌙"), ("status_end", "never"), (wrong.0, wrong.1.as_str())];
        let refused = ana.submit("/settings/profile", &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.0);
    }
}

#[tokio::test]
async fn commands_set_the_status_and_shrug() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let mut browser = server.browser();
    browser.login("ana", crate::support::PASSWORD).await;
    for (typed, emoji, text) in [
        ("/status :coffee: vuelvo pronto", "☕", "vuelvo pronto"),
        ("/status 🚆 tren", "🚆", "tren"),
        ("/status en casa", "💬", "en casa"),
        ("/away", "🌙", ""),
        ("/away comiendo", "🌙", "comiendo"),
    ] {
        let page = browser.submit("/rooms/1/messages", &[("body", typed)]).await;
        assert_eq!(page.one("#answer"), "Your status is set.", "{typed}");
        let expected = json!({"emoji": emoji, "text": text, "until": null});
        assert_eq!(ana.get("/me").await["status"], expected, "{typed}");
    }
    browser.submit("/rooms/1/messages", &[("body", "/status")]).await;
    assert_eq!(ana.get("/me").await["status"], Value::Null);
    let long = format!("/status {}", "a".repeat(81));
    let refused = browser.submit("/rooms/1/messages", &[("body", &long)]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    for (typed, posted) in
        [("/shrug quién sabe", r"quién sabe ¯\_(ツ)_/¯"), ("/shrug", r"¯\_(ツ)_/¯")]
    {
        let page = browser.submit("/rooms/1/messages", &[("body", typed)]).await;
        assert_eq!(
            page.all("#messages .message__body").last().map(String::as_str),
            Some(posted),
            "{typed}"
        );
    }
}
