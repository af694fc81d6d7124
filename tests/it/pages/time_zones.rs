//! Time zones: days and times are shown and parsed in the reader's time zone.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{Api, Browser, PASSWORD, Server};

#[tokio::test]
async fn search_days_use_the_readers_time_zone() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let mut browser = server.browser();
    browser.login("ana", PASSWORD).await;
    // 19:30 on the 20th in Los Angeles.
    server.advance(Duration::from_mins(17 * 60 + 30));
    ana.say("night").await;
    assert_eq!(find(&ana, "night on:2026-11-22").await, ["night"], "UTC until it is known");
    let zone = async |browser: &mut Browser, fields: &[(&str, &str)]| {
        browser.submit("/settings/time-zone", fields).await.status
    };
    let suggested = ("suggested", "1");
    let pacific = ("time_zone", "America/Los_Angeles");
    assert_eq!(zone(&mut browser, &[pacific, suggested]).await, StatusCode::NO_CONTENT);
    assert_eq!(find(&ana, "night on:2026-11-21").await, ["night"]);
    assert_eq!(find(&ana, "night after:2026-11-22").await, [""; 0]);
    zone(&mut browser, &[("time_zone", "Asia/Tokyo"), suggested]).await;
    assert_eq!(find(&ana, "night on:2026-11-21").await, ["night"], "the known zone stays");
    assert_eq!(zone(&mut browser, &[("time_zone", "Asia/Tokyo")]).await, StatusCode::OK);
    assert_eq!(find(&ana, "night on:2026-11-22").await, ["night"]);
    assert_eq!(
        zone(&mut browser, &[("time_zone", "Nowhere")]).await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

async fn find(api: &Api, query: &str) -> Vec<String> {
    let path = format!("/search?q={}", query.replace(' ', "+"));
    let found = api.get(&path).await;
    let items = found["items"].as_array().expect("items").iter();
    items.map(|item| item["body"].as_str().expect("text").to_owned()).collect()
}

#[tokio::test]
async fn every_page_shows_times_in_the_readers_time_zone() {
    let server = Server::start().await;
    let (ana, _luis) = (server.api("ana").await, server.api("luis").await);
    server.advance(Duration::from_mins(17 * 60 + 30));
    let id = ana.say("night").await["id"].clone();
    let zone = json!({"time_zone": "America/Los_Angeles"});
    assert_eq!(ana.ok(Method::PATCH, "/me", Some(zone)).await.0, StatusCode::OK);
    for (name, day, at) in [
        ("ana", "Saturday 21 November 2026", "19:30"),
        ("luis", "Sunday 22 November 2026", "03:30 UTC"),
    ] {
        let mut browser = server.browser();
        browser.login(name, PASSWORD).await;
        for path in ["/rooms/1", "/rooms/1/messages?before=9"] {
            let page = browser.get(path).await;
            assert_eq!(page.all("article .message__time"), [at], "{name} {path}");
        }
        // No divider of its day stands above it.
        let alone = browser.get(&format!("/messages/{id}")).await;
        assert_eq!(alone.all("article .message__time"), [format!("{day}, {at}")], "{name}");
        assert_eq!(browser.get("/rooms/1").await.all(".day-divider"), [day], "{name}");
        let found = browser.get("/search?q=night").await;
        assert_eq!(found.all(".result__link"), [format!("{day}, {at}")], "{name}");
        let sessions = browser.get("/settings").await;
        assert!(sessions.text.contains(if name == "ana" {
            "2026-11-21 19:30<"
        } else {
            "2026-11-22 03:30 UTC"
        }));
    }
    // The first user is an administrator, so the audit log must use the time zone too.
    let mut browser = server.browser();
    browser.login("ana", PASSWORD).await;
    browser.submit("/admin/sign-up", &[("signup", "closed")]).await;
    let audit = browser.get("/admin/audit").await;
    assert_eq!(audit.all(".audit-log__day"), ["Saturday 21 November 2026"]);
}

#[tokio::test]
async fn invalid_profile_change_changes_nothing() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    for zone in ["Nowhere", "", "../UTC", "Europe/Madrid\u{0}"] {
        let change = json!({"display_name": "Ana Ortega", "time_zone": zone});
        let problem = ana.refused(Method::PATCH, "/me", Some(change)).await;
        assert_eq!(problem.status, StatusCode::UNPROCESSABLE_ENTITY, "{zone:?}");
        assert_eq!(ana.get("/me").await["display_name"], "ana", "{zone:?}");
    }
    let change = json!({"display_name": "Ana Ortega", "time_zone": "europe/madrid"});
    let (_, me) = ana.ok(Method::PATCH, "/me", Some(change)).await;
    assert_eq!(me["display_name"], "Ana Ortega");
    let mut browser = server.browser();
    browser.login("ana", PASSWORD).await;
    let settings = browser.get("/settings").await;
    assert!(settings.text.contains("value=\"Europe/Madrid\""), "as the database writes it");
}
