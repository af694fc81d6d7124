//! Everybody on one page, and the list of where one can go.

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
async fn everybody_is_listed_those_online_first_and_then_by_the_name_one_sees() {
    let server = Server::start().await;
    server.api("zoe").await;
    server.api("mei").await;
    is_named(&mut server.person("bob").await, "Ángel").await;
    let mut ana = server.person("ana").await;
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
async fn somebody_is_found_by_either_name_whatever_its_case_and_accents() {
    let server = Server::start().await;
    server.api("tom").await;
    let mut lucia = server.person("lucia").await;
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
    assert!(page.one("[role=status]").starts_with("Nobody here is called “<b>nobody”."));
    assert_eq!(page.attribute("[role=status] a", "href").as_deref(), Some("/people"));
}

#[tokio::test]
async fn one_can_go_to_ones_rooms_to_public_ones_and_to_everybody_else() {
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
async fn strangers_see_neither_people_nor_where_to_go() {
    let server = Server::start().await;
    server.person("ana").await;
    for path in ["/people", "/switcher"] {
        assert!(server.browser().get(path).await.path.starts_with("/login"), "{path}");
    }
}
