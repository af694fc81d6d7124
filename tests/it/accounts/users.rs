//! The page of all users, and the quick switcher's list of destinations.

use reqwest::StatusCode;
use serde_json::json;

use crate::support::{Browser, Page, Server};

fn names(page: &Page) -> Vec<String> {
    page.all(".person bdi")
}

async fn is_named(browser: &mut Browser, name: &str) {
    browser.submit("/settings/name", &[("display_name", name)]).await;
}

#[tokio::test]
async fn users_are_listed_online_first_then_by_display_name() {
    let server = Server::start().await;
    server.api("zoe").await;
    server.api("mei").await;
    is_named(&mut server.browser_as("bob").await, "Ángel").await;
    let mut ana = server.browser_as("ana").await;
    let page = ana.get("/people").await;
    assert_eq!(page.all(".people-list h2"), ["Online · 2", "Offline · 2"]);
    assert_eq!(names(&page), ["ana", "Ángel", "mei", "zoe"]);
    assert_eq!(page.all(".person__handle"), ["@ana", "@bob", "@mei", "@zoe"]);
    assert_eq!(page.all(".person .presence--off").len(), 2);
    assert_eq!(page.all(".person__role"), ["Administrator"]); // zoe, the first
    assert_eq!(page.attribute("a.person[href$=mei]", "href").as_deref(), Some("/direct/mei"));
    ana.language = "es";
    assert_eq!(
        ana.get("/people").await.all(".people-list h2"),
        ["En línea · 2", "Sin conexión · 2"]
    );
}

#[tokio::test]
async fn users_are_found_by_either_name_ignoring_case_and_accents() {
    let server = Server::start().await;
    server.api("tom").await;
    let mut lucia = server.browser_as("lucia").await;
    is_named(&mut lucia, "Lucía Muñoz").await;
    for sought in ["lucía", "LUCIA", "munoz", "@lucia", " uñ "] {
        let query =
            form_urlencoded::Serializer::new(String::new()).append_pair("q", sought).finish();
        let page = lucia.get(&format!("/people?{query}")).await;
        assert_eq!(names(&page), ["Lucía Muñoz"], "{sought}");
        assert_eq!(page.attribute("#q", "value").as_deref(), Some(sought.trim()), "{sought}");
    }
    assert_eq!(names(&lucia.get("/people?q=").await).len(), 2);
    let page = lucia.get("/people?q=%3Cb%3Enobody").await;
    assert_eq!((page.status, names(&page)), (StatusCode::OK, vec![]));
    assert!(page.one(".empty-state p[dir=auto]").starts_with("Nobody here is called “<b>nobody”."));
    assert_eq!(page.attribute(".empty-state a", "href").as_deref(), Some("/people"));
}

#[tokio::test]
async fn switcher_lists_own_and_public_rooms_and_all_users() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    server.api("mei").await;
    let room = async |api: &crate::support::Api, name: &str, visibility: &str| {
        api.post("/rooms", json!({"name": name, "visibility": visibility})).await;
    };
    room(&luis, "Abierta", "public").await; // 2
    room(&luis, "Secreta", "private").await; // 3
    room(&ana, "Huerto", "private").await; // 4
    ana.post("/direct", json!({"name": "luis"})).await; // 5
    let mut browser = server.browser();
    browser.login("ana", crate::support::PASSWORD).await;
    let list = browser.get("/switcher").await;
    assert!(!list.text.contains("<html"));
    let shown: Vec<_> = (1..=5)
        .map(|n| list.attribute(&format!("#target{n}"), "data-path").expect("a target"))
        .collect();
    assert_eq!(shown, ["/rooms/1", "/rooms/4", "/rooms/5", "/rooms/2", "/direct/mei"]);
    assert_eq!(list.all("[role=option]").len(), shown.len(), "nothing else");
    assert_eq!(list.all("bdi"), ["lobby", "Huerto", "luis", "Abierta", "mei"]);
    assert_eq!(list.all("small"), ["@luis", "not joined", "@mei"]);
}

#[tokio::test]
async fn signed_out_requests_get_neither_users_nor_rooms() {
    let server = Server::start().await;
    server.browser_as("ana").await;
    for path in ["/people", "/switcher"] {
        assert!(server.browser().get(path).await.path.starts_with("/login"), "{path}");
    }
}
