//! Favourites and sections of the sidebar.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::{put, room, status, time};
use crate::support::{PASSWORD, Server};

#[tokio::test]
async fn favourites_and_sections_are_personal_and_live() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (garden, _) = room(&ana, "huerto", "public").await;
    let path = format!("/rooms/{garden}");
    let (favourite, section) = (format!("{path}/favourite"), format!("{path}/section"));
    for (method, path) in [(Method::PUT, &favourite), (Method::DELETE, &favourite)] {
        assert_eq!(status(&luis, method, path, json!({})).await, 409, "no member");
    }
    luis.post(&format!("{path}/join"), json!({})).await;
    let (mut live, mut other) = (ana.live().await, luis.live().await);
    live.until("present").await;
    other.until("present").await;
    let at = time(&ana).await;
    server.advance(Duration::from_mins(1));
    for (method, is_favourite) in [(Method::PUT, true), (Method::DELETE, false)] {
        for _ in 0..2 {
            assert_eq!(ana.status(method.clone(), &favourite, None).await.0, 204);
        }
        let found = live.until_now("room").await;
        assert_eq!(found.len(), 1, "once");
        assert_eq!(found[0]["room"]["favourite"], is_favourite);
        assert_eq!(ana.get(&path).await["favourite"], is_favourite);
    }
    put(&ana, &section, json!({"name": "  Jardín  y  sol "})).await;
    assert_eq!(live.until("room").await["room"]["section"], "Jardín y sol");
    for (name, expected) in [("a\nb".to_owned(), 422), ("ñ".repeat(33), 422), ("ñ".repeat(32), 204)]
    {
        assert_eq!(status(&ana, Method::PUT, &section, json!({"name": name})).await, expected);
    }
    put(&ana, &section, json!({"name": ""})).await;
    assert_eq!(ana.get(&path).await["section"], "");
    put(&ana, &section, json!({"name": "Vecinos"})).await;
    assert!(other.until_now("room").await.is_empty(), "luis learns nothing of it");
    assert_eq!(luis.get(&path).await["section"], "");
    // Caught up after `ready`, by ana alone.
    let mut back = ana.live_since(&at).await;
    let mut found = back.until("room").await;
    while found["room"]["id"] != garden {
        found = back.until("room").await;
    }
    assert_eq!(found["room"]["section"], "Vecinos");
    let mut back = luis.live_since(&at).await;
    back.until("present").await;
    // A deleted room that is restored is where it was.
    ana.send(Method::DELETE, &path, None).await;
    ana.send(Method::POST, &format!("{path}/restore"), None).await;
    assert_eq!(ana.get(&path).await["section"], "Vecinos");
}

#[tokio::test]
async fn favourites_reach_the_other_server() {
    let one = Server::start().await;
    let two = one.second().await;
    let ana = one.api("ana").await;
    let mut live = ana.live().await;
    live.until("present").await;
    ana.through(&two).send(Method::PUT, "/rooms/1/favourite", None).await;
    assert_eq!(live.until("room").await["room"]["favourite"], true);
}

#[tokio::test]
async fn sidebar_lists_favourites_then_sections_then_the_rest() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let mut ids = Vec::new();
    for name in ["b", "c", "d", "e", "z"] {
        ids.push(room(&ana, name, "public").await.0);
    }
    let direct = ana.post("/direct", json!({"name": "luis"})).await["id"].clone();
    ana.send(Method::PUT, &format!("/rooms/{}/favourite", ids[4]), None).await;
    ana.send(Method::PUT, &format!("/rooms/{direct}/favourite"), None).await;
    put(&ana, &format!("/rooms/{}/section", ids[0]), json!({"name": "Zona"})).await;
    put(&ana, &format!("/rooms/{}/section", ids[1]), json!({"name": "árbol"})).await;
    // A favourite stays at the top, whatever its section.
    put(&ana, &format!("/rooms/{}/section", ids[4]), json!({"name": "Zona"})).await;
    let archive = json!({"archived": true});
    ana.ok(Method::PATCH, &format!("/rooms/{}", ids[3]), Some(archive)).await;
    drop(luis);
    let mut page = server.browser();
    page.login("ana", PASSWORD).await;
    let shown = page.get("/rooms/1").await;
    let headings = shown.all("#side .room-list:not([hidden]) h2");
    let expected = ["Favourites", "árbol", "Zona", "Rooms", "Direct messages", "Archived rooms"];
    assert_eq!(headings, expected);
    let names = |list: &str| shown.all(&format!("{list} .room__name"));
    assert_eq!(names("#favourites"), ["luis", "z"]);
    assert_eq!(names("[data-section='Zona'] ul"), ["b"]);
    assert_eq!(names("#rooms"), ["lobby", "d"]);
    assert_eq!(names("#direct"), Vec::<String>::new());
    assert_eq!(names("#archived"), ["e"]);
    assert_eq!(shown.all("details:not([open]) h2"), ["Archived rooms"], "it is shut");
    // The star and the section are forms.
    let starred = page.submit("/rooms/1/favourite", &[("favourite", "true")]).await;
    assert_eq!(starred.path, "/rooms/1");
    assert_eq!(starred.attribute("#favourite button", "aria-pressed").as_deref(), Some("true"));
    assert_eq!(starred.all("#favourites .room__name"), ["lobby", "luis", "z"]);
    let path = format!("/rooms/{}/section", ids[2]);
    let long = "x".repeat(33);
    let refused = page.submit(&path, &[("section", &long)]).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.attribute("#section", "value"), Some(long));
    let moved = page.submit(&path, &[("section", "Zona")]).await;
    assert!(moved.path.starts_with(&format!("/rooms/{}/settings", ids[2])), "{}", moved.path);
    assert_eq!(moved.all("[data-section='Zona'] ul .room__name"), ["b", "d"]);
}
