//! The page of one message, and changing messages without scripts.

use reqwest::StatusCode;

use crate::support::{Browser, PASSWORD, Page, Server};

/// The link on the room page to the page of the newest message.
async fn page_of_newest(user: &mut Browser) -> String {
    let room = user.get("/rooms/1").await;
    let links = room.all("article.message .message__link");
    let last = format!("article.message:nth-of-type({}) .message__link", links.len());
    room.attribute(&last, "href").expect("a link")
}

fn forms(page: &Page) -> (usize, usize, usize) {
    let count = |action: &str| page.all(&format!("form[action$='/{action}']")).len();
    (count("edit"), count("delete"), count("reactions"))
}

#[tokio::test]
async fn message_page_offers_only_permitted_actions() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    ana.say("hola <3").await;
    let path = page_of_newest(&mut luis).await;
    assert_eq!(path, "/messages/1");
    let (hers, his) = (ana.get(&path).await, luis.get(&path).await);
    for page in [&hers, &his] {
        assert_eq!(page.status, 200);
        assert_eq!(page.messages(), ["hola <3"]);
        let back = page.attribute(".page__back a", "href");
        assert_eq!(back.as_deref(), Some("/rooms/1#m1"));
    }
    assert_eq!(forms(&hers), (1, 1, 2));
    assert_eq!(forms(&his), (0, 0, 2));
    assert_eq!(hers.one("form.edit-form textarea"), "hola <3");
}

#[tokio::test]
async fn old_message_links_back_to_its_page_of_history() {
    let server = Server::start().await;
    let api = server.api("ana").await;
    for n in 1..=120 {
        api.say(&format!("m{n}")).await;
    }
    let mut luis = server.browser_as("luis").await;
    let back = luis.get("/messages/30").await.attribute(".page__back a", "href").expect("a link");
    let page = luis.get(&back).await;
    assert!(page.messages().contains(&"m30".to_owned()), "{back}");
}

#[tokio::test]
async fn author_edits_with_a_form_and_all_see_it() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    ana.say("una errata").await;
    let page = ana.submit("/messages/1/edit", &[("body", "sin errata")]).await;
    assert_eq!((page.status.as_u16(), page.path.as_str()), (200, "/messages/1"));
    luis.language = "es";
    let room = luis.get("/rooms/1").await;
    assert_eq!(room.messages(), ["sin errata"]);
    assert_eq!(room.one(".message__edited"), "(editado)");
    let title = room.attribute(".message__edited time", "title").expect("a title");
    assert!(title.contains("10:00 UTC"), "{title}");
}

#[tokio::test]
async fn refused_edit_keeps_its_text_and_states_the_reason() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    ana.say("hola").await;
    let page = ana.submit("/messages/1/edit", &[("body", "  ")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(page.one("#edit-note"), "Write something first.");
    assert_eq!(page.messages(), ["hola"]);
    let long = "a".repeat(16_001);
    let page = ana.submit("/messages/1/edit", &[("body", &long)]).await;
    assert_eq!(page.one("form.edit-form textarea"), long);
    assert_eq!(page.one("#edit-note"), "A message can have at most 16,000 characters.");
}

#[tokio::test]
async fn users_cannot_edit_or_delete_messages_of_others() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    ana.say("mío").await;
    for (action, reason) in [
        ("edit", "Only the author of a message may do this."),
        (
            "delete",
            "Only the author of a message, the owner of its room or an administrator may do this.",
        ),
    ] {
        let page = luis.submit(&format!("/messages/1/{action}"), &[("body", "suyo")]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{action}");
        assert!(page.text.contains(reason), "{}", page.text);
    }
    assert_eq!(luis.get("/rooms/1").await.messages(), ["mío"]);
    ana.submit("/messages/1/delete", &[]).await;
    assert_eq!(luis.get("/rooms/1").await.messages(), ["Message deleted"]);
}

#[tokio::test]
async fn deleted_message_is_a_localized_tombstone_without_forms() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    ana.say("me arrepiento").await;
    luis.submit("/messages/1/reactions", &[("emoji", "👍")]).await;
    let page = ana.submit("/messages/1/delete", &[]).await;
    assert_eq!((page.path.as_str(), forms(&page)), ("/messages/1", (0, 0, 0)));
    luis.language = "es";
    let room = luis.get("/rooms/1").await;
    assert_eq!(room.messages(), ["Mensaje eliminado"]);
    assert!(room.all(".reaction[data-users]").is_empty() && !room.text.contains("arrepiento"));
    let refused = ana.submit("/messages/1/edit", &[("body", "vuelve")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let refused = luis.submit("/messages/1/reactions", &[("emoji", "👍")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text.contains("El mensaje fue eliminado."));
}

#[tokio::test]
async fn same_button_adds_and_removes_a_reaction() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    ana.say("hola").await;
    ana.submit("/messages/1/reactions", &[("emoji", "👍")]).await;
    let page = luis.submit("/messages/1/reactions", &[("emoji", "👍")]).await;
    assert_eq!(page.path, "/messages/1");
    assert_eq!(page.one("article .reaction"), "👍 2");
    assert_eq!(page.attribute("article .reaction", "data-users").as_deref(), Some("1 2"));
    assert_eq!(page.attribute("article .reaction", "aria-label").as_deref(), Some("👍 2 people"));
    let pressed = "form[action] > .reaction[value='👍'][aria-pressed='true']";
    assert_eq!(page.all(pressed).len(), 1);
    // The reactions on the room page are also buttons of a form.
    let action = luis.get("/rooms/1").await.attribute("form.reactions", "action").expect("a form");
    let page = luis.submit(&action, &[("emoji", "👍")]).await;
    assert_eq!(page.attribute("article .reaction", "aria-label").as_deref(), Some("👍 1 person"));
    assert_eq!(page.all(pressed).len(), 0);
}

#[tokio::test]
async fn invalid_emoji_is_refused_with_a_field_error() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    ana.say("hola").await;
    let page = ana.submit("/messages/1/reactions", &[("emoji", "bien")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(page.one("#emoji-note"), "Choose one emoji.");
    assert_eq!(page.attribute("input#emoji", "value").as_deref(), Some("bien"));
    assert_eq!(page.one("form.edit-form textarea"), "hola");
    let page = ana.submit("/messages/1/reactions", &[("emoji", " 🪴 ")]).await;
    assert_eq!(page.one("article .reaction"), "🪴 1");
}

#[tokio::test]
async fn message_page_of_a_private_room_is_for_members_only() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    ana.submit("/rooms", &[("name", "Taller"), ("topic", ""), ("visibility", "private")]).await;
    ana.submit("/rooms/2/messages", &[("body", "secreto")]).await;
    assert_eq!(ana.get("/messages/1").await.messages(), ["secreto"]);
    for path in ["/messages/1", "/messages/2", "/messages/x", "/messages/-1"] {
        assert_eq!(luis.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    for action in ["edit", "delete", "reactions"] {
        let fields = [("body", "x"), ("emoji", "👍")];
        let page = luis.submit(&format!("/messages/1/{action}"), &fields).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{action}");
    }
    let login = server.browser().get("/messages/1").await;
    assert_eq!(login.path, "/login?next=%2Fmessages%2F1");
}

#[tokio::test]
async fn open_pages_receive_changes_in_their_language() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    ana.say("hola").await;
    luis.language = "es";
    let mut live = luis.live().await;
    live.open_room(1, None).await;
    ana.submit("/messages/1/edit", &[("body", "buenas")]).await;
    let html = live.until("message").await["html"].as_str().expect("HTML").to_owned();
    assert!(html.contains("<p>buenas <a") && html.contains("editado"), "{html}");
    ana.submit("/messages/1/reactions", &[("emoji", "👍")]).await;
    let html = live.until("message").await["html"].as_str().expect("HTML").to_owned();
    assert!(html.contains("data-users=\"1\"") && html.contains("👍 1 persona"), "{html}");
    ana.submit("/messages/1/delete", &[]).await;
    let html = live.until("message").await["html"].as_str().expect("HTML").to_owned();
    assert!(html.contains("Mensaje eliminado") && !html.contains("buenas"), "{html}");
}

/// Forms with texts that are sent after the session has ended.
#[tokio::test]
async fn text_sent_after_the_session_ended_is_given_back() {
    let server = Server::start().await;
    let (mut ana, _) = (server.browser_as("ana").await, server.browser_as("luis").await);
    ana.say("hola").await;
    let mut gone = signed_out_elsewhere(&server).await;
    let text = "<b>una hora</b> \"de trabajo\"";
    for (path, next) in [
        ("/rooms/1/messages", "%2Frooms%2F1"),
        ("/direct/luis/messages", "%2Fdirect%2Fluis"),
        ("/messages/1/edit", "%2Fmessages%2F1"),
    ] {
        let fields = [("body", text), ("nonce", "n1"), ("author", "2")];
        let page = gone.submit(path, &fields).await;
        assert_eq!((page.status, page.path.as_str()), (StatusCode::UNAUTHORIZED, path));
        assert_eq!(page.one("textarea[name=body]"), text);
        let form = ["action", "method"].map(|name| page.attribute("form", name));
        assert_eq!(form, [Some(path.to_owned()), Some("post".to_owned())]);
        for (name, value) in [("nonce", "n1"), ("author", "2")] {
            let hidden = format!("input[type=hidden][name={name}]");
            assert_eq!(page.attribute(&hidden, "value").as_deref(), Some(value));
        }
        let login = page.attribute("a[target=_blank]", "href");
        assert_eq!(login, Some(format!("/login?next={next}")));
        // When signed in, the same form succeeds.
        assert_eq!(
            ana.submit(path, &[("body", text), ("nonce", "n1")]).await.status,
            200,
            "{path}"
        );
        // A browser that never had a session here cannot have typed the text on one of our pages.
        assert_eq!(server.browser().submit(path, &fields).await.path, "/login", "{path}");
        // Without a text, the response is only the redirect to the login form.
        assert_eq!(gone.submit(path, &[("body", "  ")]).await.path, "/login");
    }
    assert_eq!(ana.get("/rooms/1").await.messages(), [text, text]);
    assert_eq!(server.browser().submit("/messages/1/delete", &[]).await.path, "/login");
}

/// A browser of luis whose session he revoked from another browser.
async fn signed_out_elsewhere(server: &Server) -> Browser {
    let (mut gone, mut here) = (server.browser(), server.browser());
    for browser in [&mut gone, &mut here] {
        browser.login("luis", PASSWORD).await;
    }
    here.submit("/settings/sessions", &[]).await;
    assert!(gone.get("/rooms/1").await.path.starts_with("/login"));
    gone
}

#[tokio::test]
async fn returned_text_is_not_cached_or_sent_to_other_sites() {
    let server = Server::start().await;
    server.browser_as("luis").await;
    let gone = signed_out_elsewhere(&server).await;
    let post = |origin: String| {
        let request = Browser::plain().post(server.url("/rooms/1/messages"));
        let request = request.header("cookie", gone.cookie());
        request.header("origin", origin).form(&[("body", "hola")]).send()
    };
    let own = post(server.url("")).await.expect("an answer");
    assert_eq!(own.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(own.headers()["cache-control"], "no-store");
    let foreign = post("https://evil.example".to_owned()).await.expect("an answer");
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    assert!(!foreign.text().await.expect("a page").contains("hola"));
}

#[tokio::test]
async fn too_large_form_states_where_its_text_is_kept() {
    let server = Server::start().await;
    let (mut ana, _) = (server.browser_as("ana").await, server.browser_as("luis").await);
    let mut gone = signed_out_elsewhere(&server).await;
    let large = "x".repeat(300 * 1024);
    for (language, words) in [("en", "Use the Back button"), ("es", "Usa el botón Atrás")] {
        ana.language = language;
        gone.language = language;
        for page in [ana.say(&large).await, gone.say(&large).await] {
            assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
            assert!(page.one(".centered-page__card").contains(words), "{language}");
            assert_eq!(page.all(".centered-page__card a").len(), 1, "no link to an empty field");
        }
    }
    let long = ana.say(&"x".repeat(16_001)).await;
    assert_eq!(long.one("textarea#body").len(), 16_001, "what can be read comes back");
}
