//! Commands in the composer, by the form and so without scripts.

use reqwest::StatusCode;

use crate::support::{Browser, Page, Server};

async fn type_in(browser: &mut Browser, room: &str, text: &str) -> Page {
    browser.submit(&format!("{room}/messages"), &[("body", text)]).await
}

#[tokio::test]
async fn rooms_are_made_and_joined_in_both_spellings() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.person("ana").await, server.person("luis").await);
    for (make, join) in [("/create Sala uno", "/join sala UNO"), ("#cR Sala dos", "#gR Sala dos")] {
        let made = ana.say(make).await;
        assert!(made.path.starts_with("/rooms/") && made.path != "/rooms/1", "{}", made.path);
        assert!(made.one("h1").starts_with("Sala"));
        assert_eq!(luis.say(join).await.path, made.path);
        assert_eq!(type_in(&mut luis, &made.path, "#eR").await.path, "/rooms/1");
    }
    let again = ana.say("/create Sala UNO").await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(again.all("#answer p"), ["There is a room with this name."]);
}

#[tokio::test]
async fn a_room_that_is_not_there_is_answered_with_the_nearest_one_may_see() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.person("ana").await, server.person("luis").await);
    ana.say("/create Sistemas").await;
    ana.submit("/rooms", &[("name", "Sistema secreto"), ("visibility", "private")]).await;
    let page = luis.say("#gR Sistmas").await;
    assert_eq!(
        (page.status, page.path.as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "/rooms/1/messages")
    );
    let answer = page.all("#answer p");
    assert!(answer[1].contains("Sistemas") && !answer[1].contains("secreto"), "{answer:?}");
    assert_eq!(page.one("textarea[name=body]"), "#gR Sistmas", "what was typed is kept");
    assert!(page.messages().is_empty());
}

#[tokio::test]
async fn a_private_message_makes_the_conversation_and_goes_there() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.person("ana").await, server.person("luis").await);
    let page = ana.say("#/private luis hola qué tal").await;
    assert_eq!(
        (page.one("h1").as_str(), page.messages()),
        ("luis", vec!["hola qué tal".to_owned()])
    );
    assert_eq!(luis.get("/direct/ana").await.messages(), ["hola qué tal"]);
    let badge = luis.get("/rooms/1").await.all("#direct .badge__count");
    assert_eq!(badge, ["0"], "it was read just now");
    type_in(&mut ana, &page.path, "¿sigues ahí?").await;
    let lobby = luis.get("/rooms/1").await;
    assert_eq!(lobby.all("#direct .badge__count"), ["1"]);
    assert!(lobby.one("title").starts_with("(1) "));
    for (text, answer) in [("/private lius hola", "luis"), ("/msg luis", "Write something")] {
        let page = ana.say(text).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
        assert!(page.all("#answer p").join(" ").contains(answer), "{text}");
    }
}

#[tokio::test]
async fn an_owner_sets_the_topic_invites_and_removes_and_nobody_else_does() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.person("ana").await, server.person("luis").await);
    let made = ana.submit("/rooms", &[("name", "Secreta"), ("visibility", "private")]).await;
    assert_eq!(luis.get(&made.path).await.status, StatusCode::NOT_FOUND);
    type_in(&mut ana, &made.path, "/invite luis").await;
    assert_eq!(luis.get(&made.path).await.status, StatusCode::OK);
    for refused in ["/topic mío", "/kick ana"] {
        let page = type_in(&mut luis, &made.path, refused).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
    }
    type_in(&mut ana, &made.path, "/topic riego y siembra").await;
    assert_eq!(luis.get(&made.path).await.one(".bar__topic"), "riego y siembra");
    type_in(&mut ana, &made.path, "/kick luis").await;
    assert_eq!(luis.get(&made.path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_no_command_is_said_and_what_is_unknown_is_not() {
    let server = Server::start().await;
    let mut ana = server.person("ana").await;
    for text in ["#huerto está precioso", "//create es una orden", "a /create b"] {
        ana.say(text).await;
    }
    let page = ana.say("/me saluda").await;
    let said = ["#huerto está precioso", "/create es una orden", "a /create b", "saluda"];
    assert_eq!(page.messages(), said);
    assert_eq!(page.all(".msg--action .msg__body"), ["saluda"]);
    let unknown = ana.say("/craete x").await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unknown.all("#answer p").join(" ").contains("/create"));
    assert_eq!(ana.get("/rooms/1").await.messages().len(), 4);
    // Programs mean what they say.
    server.api("bot1").await.say("/create x").await;
    assert_eq!(ana.get("/rooms/1").await.messages().last().map(String::as_str), Some("/create x"));
}

#[tokio::test]
async fn lists_are_for_the_one_who_asked_and_exit_signs_out() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.person("ana").await, server.person("luis").await);
    ana.say("/create Huerto").await;
    for spelling in ["/rooms", "#lR", "#IR"] {
        let page = luis.say(spelling).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.all("#answer p").iter().any(|line| line.contains("#Huerto")), "{spelling}");
    }
    for spelling in ["/users", "#show users"] {
        let lines = luis.say(spelling).await.all("#answer p");
        assert_eq!(lines, ["ana (@ana) · Online", "luis (@luis) · Online"], "{spelling}");
    }
    assert_eq!(luis.say("/help").await.all("#answer p").len(), 13);
    assert!(ana.get("/rooms/1").await.messages().is_empty());
    assert_eq!(luis.say("/leave").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(luis.say("#exit").await.path, "/login");
    assert_eq!(luis.get("/rooms/1").await.path, "/login?next=%2Frooms%2F1");
}
