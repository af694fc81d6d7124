//! Slash commands in the composer, sent by the form and so without scripts.

use reqwest::StatusCode;

use crate::support::{Browser, Page, Server};

async fn type_in(browser: &mut Browser, room: &str, text: &str) -> Page {
    browser.submit(&format!("{room}/messages"), &[("body", text)]).await
}

#[tokio::test]
async fn rooms_are_created_and_joined_in_both_spellings() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    for (make, join) in [("/create Sala uno", "/join sala UNO"), ("#cR Sala dos", "#gR Sala dos")] {
        let made = ana.say(make).await;
        assert!(made.path.starts_with("/rooms/") && made.path != "/rooms/1", "{}", made.path);
        assert!(made.one("h1").starts_with("Sala"));
        assert_eq!(luis.say(join).await.path, made.path);
        assert_eq!(type_in(&mut luis, &made.path, "#eR").await.path, "/rooms/1");
    }
    let again = ana.say("/create Sala UNO").await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(again.all("#answer p"), ["There is already a room with this name."]);
}

#[tokio::test]
async fn user_and_room_names_match_without_accents() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    for name in ["Łukasz", "Søren", "José", "Josè"] {
        server.browser_as(name).await;
    }
    let page = ana.say("/private lukasz hola").await;
    assert_eq!(page.one("h1"), "Łukasz");
    let made = ana.say("/create Łódź sala").await;
    let page = type_in(&mut ana, &made.path, "/invite soren").await;
    assert!(page.all("#answer p")[0].contains("Søren"));
    let page = type_in(&mut ana, &made.path, "/kick soren").await;
    assert!(page.all("#answer p")[0].contains("Søren"));
    let mut luis = server.browser_as("luis").await;
    assert_eq!(luis.say("/join lodz SALA").await.path, made.path);
    // Two users match, so neither is chosen.
    let page = ana.say("/private jose hola").await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(ana.say("/private josé hola").await.one("h1"), "José");
    assert_eq!(ana.say("/private luka hola").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    ana.say("/create Café").await;
    ana.say("/create Cafè").await;
    let page = luis.say("/join cafe").await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn unknown_room_suggests_the_closest_visible_one() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    ana.say("/create Sistemas").await;
    ana.submit("/rooms", &[("name", "Sistema secreto"), ("visibility", "private")]).await;
    let page = luis.say("#gR Sistmas").await;
    assert_eq!(
        (page.status, page.path.as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "/rooms/1/messages")
    );
    let answer = page.all("#answer p");
    assert!(answer[1].contains("Sistemas") && !answer[1].contains("secreto"), "{answer:?}");
    assert_eq!(page.one("textarea[name=body]"), "#gR Sistmas", "the text is kept");
    assert!(page.messages().is_empty());
}

#[tokio::test]
async fn msg_command_creates_and_opens_the_direct_message() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    let page = ana.say("#/private luis hola qué tal").await;
    assert_eq!(
        (page.one("h1").as_str(), page.messages()),
        ("luis", vec!["hola qué tal".to_owned()])
    );
    assert_eq!(luis.get("/direct/ana").await.messages(), ["hola qué tal"]);
    let badge = luis.get("/rooms/1").await.all("#direct .badge__count");
    assert_eq!(badge, ["0"], "the room was just read");
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
async fn only_the_owner_sets_topic_invites_and_removes() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    let made = ana.submit("/rooms", &[("name", "Secreta"), ("visibility", "private")]).await;
    assert_eq!(luis.get(&made.path).await.status, StatusCode::NOT_FOUND);
    type_in(&mut ana, &made.path, "/invite luis").await;
    assert_eq!(luis.get(&made.path).await.status, StatusCode::OK);
    for refused in ["/topic mío", "/kick ana"] {
        let page = type_in(&mut luis, &made.path, refused).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
    }
    type_in(&mut ana, &made.path, "/topic riego y siembra").await;
    assert_eq!(luis.get(&made.path).await.one(".page-header__subtitle"), "riego y siembra");
    type_in(&mut ana, &made.path, "/kick luis").await;
    assert_eq!(luis.get(&made.path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn text_is_posted_but_unknown_commands_are_refused() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    for text in ["#huerto está precioso", "//create es una orden", "a /create b"] {
        ana.say(text).await;
    }
    let page = ana.say("/me saluda").await;
    let expected = ["#huerto está precioso", "/create es una orden", "a /create b", "saluda"];
    assert_eq!(page.messages(), expected);
    assert_eq!(page.all(".message--action .message__body"), ["saluda"]);
    let unknown = ana.say("/craete x").await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unknown.all("#answer p").join(" ").contains("/create"));
    assert_eq!(ana.get("/rooms/1").await.messages().len(), 4);
    // The API posts the text as it is and knows no commands.
    server.api("bot1").await.say("/create x").await;
    assert_eq!(ana.get("/rooms/1").await.messages().last().map(String::as_str), Some("/create x"));
}

#[tokio::test]
async fn lists_go_only_to_the_sender_and_exit_signs_out() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
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
    assert_eq!(luis.say("/help").await.all("#answer p").len(), 18);
    assert!(ana.get("/rooms/1").await.messages().is_empty());
    assert_eq!(luis.say("/leave").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(luis.say("#exit").await.path, "/login");
    assert_eq!(luis.get("/rooms/1").await.path, "/login?next=%2Frooms%2F1");
}

#[tokio::test]
async fn sentence_that_starts_like_a_command_is_kept_not_run() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    let made = ana.submit("/rooms", &[("name", "Secreta"), ("visibility", "private")]).await;
    type_in(&mut ana, &made.path, "/invite luis").await;
    for text in [
        "/leave me alone, please",
        "/LEAVE\nme",
        "/lobby rules",
        "/rooms are full",
        "/users beware",
        "/exit strategy",
        "/help me",
        "#eR x",
        "#lR x",
        "#IR x",
        "#show users all",
        "#exit now",
    ] {
        let page = type_in(&mut luis, &made.path, text).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
        assert_eq!(page.one("textarea[name=body]"), text, "the text is kept");
        assert_eq!(page.one("#answer button[name=literal][form=composer]"), "Post it as text");
        assert_eq!(luis.get(&made.path).await.status, StatusCode::OK, "{text}: still in the room");
    }
    assert!(luis.get(&made.path).await.messages().is_empty());
    let as_text = [("body", "/leave me alone, please"), ("literal", "true")];
    let page = luis.submit(&format!("{}/messages", made.path), &as_text).await;
    assert_eq!(page.messages(), ["/leave me alone, please"]);
    assert_eq!(type_in(&mut luis, &made.path, "/leave").await.path, "/rooms/1");
}

#[tokio::test]
async fn unknown_command_explains_how_to_send_it_as_text() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    for text in ["/etc/hosts is the file", "/1/2 cup", "/* a comment */", "/exit/now", "/craete x"]
    {
        let page = ana.say(text).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
        assert!(page.all("#answer p").join(" ").contains("//"), "{text}");
        assert_eq!(page.one("textarea[name=body]"), text);
        assert_eq!(page.one("#answer button[name=literal]"), "Post it as text");
        let meant = page.all("#answer p").iter().any(|line| line.contains("Did you mean"));
        assert_eq!(meant, text == "/craete x", "{text}");
    }
    let page = ana.submit("/rooms/1/messages", &[("body", "/1/2 cup"), ("literal", "true")]).await;
    assert_eq!(page.messages(), ["/1/2 cup"]);
}

#[tokio::test]
async fn topic_command_without_text_shows_the_topic() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    let expected = |page: &Page| page.all("#answer p").join(" ");
    let none = ana.say("/topic").await;
    assert_eq!(
        (none.status, expected(&none).as_str()),
        (StatusCode::OK, "This room has no topic.")
    );
    ana.say("/topic riego y siembra").await;
    for text in ["/topic", "/topic  ", "/TOPIC", "/topic \u{200b}", "/topic \u{3164}\u{ad}"] {
        for user in [&mut ana, &mut luis] {
            let page = user.say(text).await;
            assert_eq!(page.status, StatusCode::OK, "{text:?}");
            assert!(expected(&page).contains("riego y siembra"), "{text:?}: {}", expected(&page));
        }
    }
    assert_eq!(ana.get("/rooms/1").await.one(".page-header__subtitle"), "riego y siembra");
}

#[tokio::test]
async fn command_posts_its_message_once() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    let spellings = ["/me saluda", "/private luis hola", "/msg luis oye", "#/private luis mira"];
    for (n, text) in spellings.into_iter().enumerate() {
        let nonce = format!("n-{n}");
        for _ in 0..3 {
            let fields = [("body", text), ("nonce", nonce.as_str())];
            assert_eq!(ana.submit("/rooms/1/messages", &fields).await.status, StatusCode::OK);
        }
    }
    assert_eq!(ana.get("/rooms/1").await.messages(), ["saluda"]);
    assert_eq!(luis.get("/direct/ana").await.messages(), ["hola", "oye", "mira"]);
    // The back button brings the old nonce back; with another text it is another message.
    ana.submit("/rooms/1/messages", &[("body", "/me se va"), ("nonce", "n-0")]).await;
    assert_eq!(ana.get("/rooms/1").await.messages(), ["saluda", "se va"]);
}

#[tokio::test]
async fn command_without_a_user_shows_its_usage() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    for (text, usage) in [
        ("/private", "/private PERSON TEXT"),
        ("/msg @", "/private PERSON TEXT"),
        ("#/private", "/private PERSON TEXT"),
        ("/invite", "/invite PERSON"),
        ("/kick \u{200b}", "/kick PERSON"),
    ] {
        let page = ana.say(text).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{text:?}");
        assert!(page.all("#answer p").join(" ").contains(usage), "{text:?}");
    }
}

#[tokio::test]
async fn refused_message_creates_no_direct_message() {
    let server = Server::start().await;
    let (mut ana, _) = (server.browser_as("ana").await, server.browser_as("luis").await);
    for text in [format!("/private luis {}", "x".repeat(16_001)), "/private luis".to_owned()] {
        assert_eq!(ana.say(&text).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert!(ana.get("/rooms/1").await.all("#direct .room").is_empty());
}
