//! Pages in a browser without scripts.

mod large_installation;
mod lists;
mod pending_text;
mod slash_commands;
mod time_zones;

use std::time::Duration;

use reqwest::StatusCode;

use crate::support::{Browser, PASSWORD, Server, eventually};

#[tokio::test]
async fn two_users_exchange_messages() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let mut luis = server.browser_as("luis").await;
    assert_eq!(ana.say("hola a todos").await.messages(), ["hola a todos"]);
    luis.say("buenas").await;
    let page = ana.get("/rooms/1").await;
    assert_eq!(page.messages(), ["hola a todos", "buenas"]);
    assert_eq!(page.all("article[data-seq] .message__author"), ["ana", "luis"]);
    assert_eq!(page.all("article[data-seq] time"), ["10:00 UTC", "10:00 UTC"]);
    assert_eq!(page.all("#online bdi"), ["ana", "luis"]);
}

#[tokio::test]
async fn signed_out_visitor_sees_login_and_first_one_registration() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let page = browser.get("/").await;
    assert_eq!(page.path, "/register");
    assert!(page.text.contains("your account will be the administrator"));
    server.browser_as("ana").await;
    let page = browser.get("/").await;
    assert_eq!(page.path, "/login");
    let page = browser.get("/rooms/1").await;
    assert_eq!(page.path, "/login?next=%2Frooms%2F1");
    assert_eq!(page.attribute("input[name=next]", "value").as_deref(), Some("/rooms/1"));
}

#[tokio::test]
async fn messages_are_grouped_by_author_and_day() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let minutes = |n: u64| Duration::from_secs(60 * n);
    ana.say("uno").await;
    server.advance(minutes(4));
    ana.say("dos").await;
    server.advance(minutes(5));
    ana.say("tres").await;
    server.browser_as("luis").await.say("cuatro").await;
    server.advance(minutes(24 * 60));
    let page = ana.say("cinco").await;
    assert_eq!(page.all(".message--continued[data-seq] .message__body"), ["dos"]);
    assert_eq!(page.all(".day-divider"), ["Saturday 21 November 2026", "Sunday 22 November 2026"]);
}

#[tokio::test]
async fn older_messages_are_linked_page_by_page() {
    let server = Server::start().await;
    let (api, mut ana) = (server.api("bot1").await, server.browser_as("ana").await);
    for n in 1..=120 {
        api.say(&format!("m{n}")).await;
    }
    let mut seen = Vec::new();
    let mut path = "/rooms/1".to_owned();
    for request in 1.. {
        assert!(request < 100, "paging does not end");
        let page = ana.get(&path).await;
        seen.splice(0..0, page.messages());
        assert_eq!(page.all(".newest-link").is_empty(), path == "/rooms/1");
        match page.attribute("#messages > a.history-link", "href") {
            Some(older) => path = older,
            None => break,
        }
        assert!(page.all("#start").is_empty());
    }
    assert_eq!(ana.get(&path).await.all("#start").len(), 1);
    assert_eq!(seen, (1..=120).map(|n| format!("m{n}")).collect::<Vec<_>>());
    let fragment = ana.get("/rooms/1/messages?before=71").await;
    assert_eq!(fragment.messages().len(), 50);
    assert!(!fragment.text.contains("<html"));
}

#[tokio::test]
async fn refused_text_stays_in_the_composer() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let long = "a".repeat(16_001);
    let page = ana.say(&long).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(page.one("textarea[name=body]"), long);
    assert_eq!(page.one("#composer-error"), "A message can have at most 16,000 characters.");
    let page = ana.say(" \n ").await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.messages().is_empty());
    assert_eq!(ana.say(&"a".repeat(16_000)).await.messages().len(), 1);
}

#[tokio::test]
async fn double_click_posts_once_and_back_button_loses_nothing() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let nonce = ana.get("/rooms/1").await.attribute("input[name=nonce]", "value").expect("a nonce");
    let post = async |browser: &mut Browser, body: &str| {
        let fields = [("body", body), ("nonce", nonce.as_str())];
        browser.submit("/rooms/1/messages", &fields).await.messages()
    };
    assert_eq!(post(&mut ana, "uno").await, ["uno"]);
    assert_eq!(post(&mut ana, "uno").await, ["uno"]);
    assert_eq!(post(&mut ana, "dos").await, ["uno", "dos"]);
}

#[tokio::test]
async fn user_without_scripts_is_offline_after_two_minutes() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    server.browser_as("luis").await;
    assert_eq!(ana.get("/rooms/1").await.all("#online bdi"), ["ana", "luis"]);
    server.advance(Duration::from_secs(121));
    // Loading a page makes the reader present. The other user expires at the next sweep.
    let swept = async || !ana.get("/rooms/1").await.all("#offline bdi").is_empty();
    eventually("luis is offline", swept).await;
    let page = ana.get("/rooms/1").await;
    assert_eq!(page.all("#online bdi"), ["ana"]);
    assert_eq!(page.all("#offline bdi"), ["luis"]);
}

#[tokio::test]
async fn pages_use_the_language_of_the_request() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let language = |page: &crate::support::Page| page.attribute("html", "lang");
    ana.language = "es-AR,es;q=0.9,en;q=0.8";
    let page = ana.get("/rooms/1").await;
    assert_eq!(language(&page).as_deref(), Some("es"));
    assert_eq!(page.attribute("button.send-button", "aria-label").as_deref(), Some("Enviar"));
    let page = ana.get("/rooms/1?lang=en").await;
    assert_eq!(language(&page).as_deref(), Some("en"));
    let kept = page.headers.get_all("set-cookie").iter().any(|c| {
        let name = format!("patio_language_{}=en;", server.address.port());
        c.to_str().is_ok_and(|c| c.starts_with(&name) && c.contains("Path=/"))
    });
    assert!(kept, "{:?}", page.headers);
    assert_eq!(
        language(&ana.get("/rooms/1?lang=xx").await).as_deref(),
        Some("en"),
        "the choice stays"
    );
}

#[tokio::test]
async fn not_found_page_links_to_home() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    for path in
        ["/nowhere", "/rooms/2", "/rooms/x", "/rooms/99999999999999999999", "/assets/0/nothing.css"]
    {
        let page = ana.get(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
    }
    let page = ana.get("/rooms/2").await;
    assert_eq!(page.one("h1"), "Nothing here");
    assert_eq!(page.attribute("main a", "href").as_deref(), Some("/"));
    assert_eq!(ana.get("/logout").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(ana.get("/rooms/1?before=x").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn refused_form_links_back_to_its_own_page_only() {
    let server = Server::start().await;
    let ana = server.browser_as("ana").await;
    let back = async |from: &str| {
        let request = Browser::plain()
            .post(server.url("/rooms/1/leave"))
            .header("cookie", ana.cookie())
            .header("origin", server.url(""))
            .header("referer", from);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::CONFLICT);
        let page = answer.text().await.expect("text");
        let (_, link) = page.split_once("btn--primary btn--small\" href=\"").expect("a link");
        link.split_once('"').expect("its end").0.to_owned()
    };
    assert_eq!(back(&server.url("/rooms/1/settings?x=1")).await, "/rooms/1/settings?x=1");
    for elsewhere in ["https://evil.example/", &server.url("//evil.example"), &server.url(""), "x"]
    {
        assert_eq!(back(elsewhere).await, "/", "{elsewhere}");
    }
    assert_eq!(back(&format!("{}.evil.example/", server.url(""))).await, "/");
}

#[tokio::test]
async fn home_is_the_last_visited_room() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    assert_eq!(ana.get("/").await.path, "/rooms/1");
    ana.submit("/rooms", &[("name", "Huerto"), ("visibility", "public")]).await;
    ana.get("/settings").await;
    assert_eq!(ana.get("/").await.path, "/rooms/2");
    ana.get("/rooms/1").await;
    assert_eq!(ana.get("/").await.path, "/rooms/1");
    ana.get("/rooms/2?before=1").await;
    ana.submit("/logout", &[]).await;
    assert_eq!(ana.login("ana", PASSWORD).await.path, "/rooms/2", "also on coming back");
    // Another user in the same browser starts in the lobby.
    assert_eq!(ana.register("luis").await.path, "/rooms/1");
}

#[tokio::test]
async fn home_is_the_lobby_after_leaving_the_last_room() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    ana.submit("/rooms", &[("name", "Secreta"), ("visibility", "private")]).await;
    ana.say("/lobby").await;
    ana.submit("/rooms/2/messages", &[("body", "/invite luis")]).await;
    luis.get("/rooms/2").await;
    assert_eq!(luis.get("/").await.path, "/rooms/2");
    ana.submit("/rooms/2/messages", &[("body", "/kick luis")]).await;
    assert_eq!(luis.get("/").await.path, "/rooms/1");
    // This also applies to a room that the user left but could still read.
    ana.submit("/rooms", &[("name", "Huerto"), ("visibility", "public")]).await;
    assert_eq!(ana.submit("/rooms/3/leave", &[]).await.path, "/rooms/1");
}

#[tokio::test]
async fn cookie_with_an_unknown_room_leads_to_the_lobby() {
    let server = Server::start().await;
    let ana = server.browser_as("ana").await;
    let location = async |room: &str| {
        let port = server.address.port();
        let cookies = format!("{}; patio_room_{port}={room}", ana.cookie());
        let request = Browser::plain().get(server.url("/")).header("cookie", cookies);
        let answer = request.send().await.expect("an answer");
        answer.headers()["location"].to_str().expect("text").to_owned()
    };
    for odd in ["", ".", "1", "1.", "1.99", "1.x", "x.1", "1.-1", "1.99999999999999999999", "2.1"] {
        assert_eq!(location(odd).await, "/rooms/1", "{odd}");
    }
}
