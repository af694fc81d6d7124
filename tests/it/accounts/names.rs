//! Names: visible, distinguishable from each other, and sorted.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Api, Browser, Server};

/// Submits a new display name and returns the status: a redirect if accepted, the form again if not.
async fn rename(browser: &mut Browser, name: &str) -> StatusCode {
    browser.submit("/settings/name", &[("display_name", name)]).await.status
}

async fn shown(api: &Api) -> String {
    api.get("/me").await["display_name"].as_str().expect("a name").to_owned()
}

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().expect("items");
    items.iter().map(|item| item["name"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn lookalike_of_another_users_name_is_refused() {
    let server = Server::start().await;
    let (mut ana, mut bert) = (server.browser_as("ana").await, server.browser_as("bert").await);
    assert_eq!(rename(&mut ana, "Ana Ortega").await, StatusCode::OK);
    for alike in [
        "ana",
        "Ana",
        "@ana",
        "ana.",
        "аnа",
        "a\u{200b}na",
        "ana ortega",
        "Ana\u{a0} Ortega",
        "ANA ORTEGA!",
        "Anа Ortega",
        "admin",
        "Administrator",
        "ana ✔",
        "ana ™",
        "ᴀɴᴀ",
        "anaʰ",
        "anaꞏ",
        "ana (admin)",
        "Ana Ortega 🌱",
        "Admin ✓",
        "Patio Support",
    ] {
        assert_eq!(rename(&mut bert, alike).await, StatusCode::UNPROCESSABLE_ENTITY, "{alike:?}");
    }
    for own in ["Bert", "BERT", "Ana Ortiz", "Bert 🌱", "Bert"] {
        assert_eq!(rename(&mut bert, own).await, StatusCode::OK, "{own}");
    }
    // A display name that Ana gave up is free again; her handle never is.
    assert_eq!(rename(&mut ana, "A. Ortega").await, StatusCode::OK);
    assert_eq!(rename(&mut bert, "Ana Ortega").await, StatusCode::OK);
    assert_eq!(rename(&mut bert, "ana").await, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn handle_cannot_equal_another_users_display_name() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    assert_eq!(rename(&mut ana, "Lucia").await, StatusCode::OK);
    let outsider = Api::signed_out(server.url("/api/v1"));
    let account = |name: &str| {
        let email = format!("{}@example.test", name.len());
        json!({"name": name, "email": email, "password": "lighthouse-tea-41"})
    };
    for alike in ["lucia", "LUCIA", "luciа"] {
        let refused = outsider.send(Method::POST, "/users", Some(account(alike))).await;
        assert!(refused.status().is_client_error(), "{alike}");
    }
    for bad in ["ana.", "ana-", "bert_", "support"] {
        let refused = outsider.refused(Method::POST, "/users", Some(account(bad))).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
    outsider.post("/users", account("luciano")).await;
}

#[tokio::test]
async fn invisible_text_is_not_a_name_or_a_message() {
    let server = Server::start().await;
    let (mut browser, ana) = (server.browser_as("ana").await, server.api("ana").await);
    for blank in ["\u{200b}", "\u{3164}", "\u{2800}", "\u{e0041}", "\u{ad}\u{2060}", "\u{301}"] {
        assert_eq!(
            rename(&mut browser, blank).await,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{blank:?}"
        );
        for (path, body) in [
            ("/rooms/1/messages", json!({"body": blank})),
            ("/rooms", json!({"name": blank, "visibility": "public"})),
            ("/rooms", json!({"name": blank, "visibility": "private"})),
        ] {
            let refused = ana.refused(Method::POST, path, Some(body)).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {blank:?}");
        }
    }
    assert_eq!(shown(&ana).await, "ana");
    let message = ana.say("hola").await;
    let path = format!("/messages/{}", message["id"]);
    let edit = ana.refused(Method::PATCH, &path, Some(json!({"body": "\u{3164}"}))).await;
    assert_eq!(edit.status, StatusCode::UNPROCESSABLE_ENTITY);
    ana.say("👩\u{200d}👧").await;
    assert_eq!(rename(&mut browser, "👩\u{200d}👧").await, StatusCode::OK);
}

#[tokio::test]
async fn names_with_too_many_combining_marks_are_refused() {
    let server = Server::start().await;
    let mut browser = server.browser_as("ana").await;
    let heap = format!("z{}", "\u{301}\u{302}".repeat(20));
    assert_eq!(rename(&mut browser, &heap).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(rename(&mut browser, "Nguyễn Thị Ngọc").await, StatusCode::OK);
    let ana = server.api("ana").await;
    let room = json!({"name": heap, "visibility": "public"});
    let refused = ana.refused(Method::POST, "/rooms", Some(room)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    ana.post("/rooms", json!({"name": "בְּרֵאשִׁית", "visibility": "public"})).await;
}

#[tokio::test]
async fn lookalike_public_room_names_are_refused() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let make = async |name: &str, visibility: &str| {
        let room = json!({"name": name, "visibility": visibility});
        ana.send(Method::POST, "/rooms", Some(room)).await.status().as_u16()
    };
    assert_eq!(make("a b", "public").await, 201);
    for alike in [
        "lоbby",
        "l\u{200b}obby",
        "LOBBY",
        "lobby.",
        "|obby",
        "a  b",
        "a\u{2003}b",
        "A B",
        "а b",
        "a\u{3164}b",
    ] {
        assert_eq!(make(alike, "public").await, 409, "{alike:?}");
        assert_eq!(make(alike, "private").await, 201, "{alike:?}: a private room is in no list");
    }
    let room = ana.post("/rooms", json!({"name": "Garden", "visibility": "public"})).await;
    let path = format!("/rooms/{}", room["id"]);
    let refused = ana.refused(Method::PATCH, &path, Some(json!({"name": "lоbby"}))).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    ana.ok(Method::PATCH, &path, Some(json!({"name": "GARDEN"}))).await;
    assert_eq!(make("garden", "public").await, 409);
    ana.ok(Method::PATCH, &path, Some(json!({"name": "Orchard"}))).await;
    assert_eq!(make("garden", "public").await, 201);
}

#[tokio::test]
async fn lists_are_sorted_by_display_name() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    for name in ["Zumba", "Ángel", "Mesa", "Ñandúes", "Room 14", "Room 9", "Øre", "Äpfel"] {
        ana.post("/rooms", json!({"name": name, "visibility": "public"})).await;
    }
    assert_eq!(
        names(&ana.get("/rooms").await),
        ["lobby", "Ángel", "Äpfel", "Mesa", "Ñandúes", "Øre", "Room 9", "Room 14", "Zumba"]
    );
    for (handle, shown) in [("xaver", "Ángela"), ("yara", "Ñoño"), ("abel", "Zoe")] {
        assert_eq!(rename(&mut server.browser_as(handle).await, shown).await, StatusCode::OK);
    }
    assert_eq!(names(&ana.get("/users").await), ["ana", "xaver", "yara", "abel"]);
}
