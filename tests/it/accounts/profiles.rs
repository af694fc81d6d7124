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
