//! The page of one message, and changing messages without scripts.

use reqwest::StatusCode;

use crate::support::{Browser, PASSWORD, Page, Server};

/// The address of the newest message's page, as the room's page links to it.
async fn page_of_newest(who: &mut Browser) -> String {
    let room = who.get("/rooms/1").await;
    let links = room.all("article.message .message__link");
    let last = format!("article.message:nth-of-type({}) .message__link", links.len());
    room.attribute(&last, "href").expect("a link")
}

fn forms(page: &Page) -> (usize, usize, usize) {
    let count = |what: &str| page.all(&format!("form[action$='/{what}']")).len();
    (count("edit"), count("delete"), count("reactions"))
}

#[tokio::test]
async fn a_message_links_to_its_page_which_offers_what_its_reader_may_do() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.person("ana").await, server.person("luis").await);
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
async fn a_message_far_up_leads_back_to_the_page_of_history_it_is_on() {
    let server = Server::start().await;
    let api = server.api("ana").await;
    for n in 1..=120 {
        api.say(&format!("m{n}")).await;
    }
    let mut luis = server.person("luis").await;
    let back = luis.get("/messages/30").await.attribute(".page__back a", "href").expect("a link");
    let page = luis.get(&back).await;
    assert!(page.messages().contains(&"m30".to_owned()), "{back}");
}

#[tokio::test]
async fn the_author_edits_with_a_form_and_all_see_it() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.person("ana").await, server.person("luis").await);
    ana.say("una errata").await;
    let page = ana.submit("/messages/1/edit", &[("body", "sin errata")]).await;
    assert_eq!((page.status.as_u16(), page.path.as_str()), (200, "/messages/1"));
    luis.language = "es";
    let room = luis.get("/rooms/1").await;
    assert_eq!(room.messages(), ["sin errata"]);
    assert_eq!(room.one(".message__edited"), "editado");
    let title = room.attribute(".message__edited time", "title").expect("a title");
    assert!(title.contains("10:00 UTC"), "{title}");
}

#[tokio::test]
async fn an_edit_without_text_comes_back_with_what_was_typed_and_why() {
    let server = Server::start().await;
    let mut ana = server.person("ana").await;
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
async fn nobody_edits_or_deletes_what_others_wrote() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.person("ana").await, server.person("luis").await);
    ana.say("mío").await;
    for (what, reason) in [
        ("edit", "Only the author of a message may do this."),
        (
            "delete",
            "Only the author of a message, the owner of its room or an administrator may do this.",
        ),
    ] {
        let page = luis.submit(&format!("/messages/1/{what}"), &[("body", "suyo")]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{what}");
        assert!(page.text.contains(reason), "{}", page.text);
    }
    assert_eq!(luis.get("/rooms/1").await.messages(), ["mío"]);
    ana.submit("/messages/1/delete", &[]).await;
    assert_eq!(luis.get("/rooms/1").await.messages(), ["Message deleted"]);
}

#[tokio::test]
async fn a_deleted_message_leaves_words_in_the_readers_language_and_no_forms() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.person("ana").await, server.person("luis").await);
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
async fn a_reaction_is_given_and_taken_back_with_the_same_button() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.person("ana").await, server.person("luis").await);
    ana.say("hola").await;
    ana.submit("/messages/1/reactions", &[("emoji", "👍")]).await;
    let page = luis.submit("/messages/1/reactions", &[("emoji", "👍")]).await;
    assert_eq!(page.path, "/messages/1");
    assert_eq!(page.one("article .reaction"), "👍 2");
    assert_eq!(page.attribute("article .reaction", "data-users").as_deref(), Some("1 2"));
    assert_eq!(page.attribute("article .reaction", "aria-label").as_deref(), Some("👍 2 people"));
    let pressed = "form[action] > .reaction[value='👍'][aria-pressed='true']";
    assert_eq!(page.all(pressed).len(), 1);
    // The chips of the room's page are buttons of a form too.
    let action = luis.get("/rooms/1").await.attribute("form.reactions", "action").expect("a form");
    let page = luis.submit(&action, &[("emoji", "👍")]).await;
    assert_eq!(page.attribute("article .reaction", "aria-label").as_deref(), Some("👍 1 person"));
    assert_eq!(page.all(pressed).len(), 0);
}

#[tokio::test]
async fn what_is_no_emoji_comes_back_with_its_complaint() {
    let server = Server::start().await;
    let mut ana = server.person("ana").await;
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
async fn a_message_of_a_private_room_has_no_page_for_others() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.person("ana").await, server.person("luis").await);
    ana.submit("/rooms", &[("name", "Taller"), ("topic", ""), ("visibility", "private")]).await;
    ana.submit("/rooms/2/messages", &[("body", "secreto")]).await;
    assert_eq!(ana.get("/messages/1").await.messages(), ["secreto"]);
    for path in ["/messages/1", "/messages/2", "/messages/x", "/messages/-1"] {
        assert_eq!(luis.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    for what in ["edit", "delete", "reactions"] {
        let fields = [("body", "x"), ("emoji", "👍")];
        let page = luis.submit(&format!("/messages/1/{what}"), &fields).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{what}");
    }
    let gate = server.browser().get("/messages/1").await;
    assert_eq!(gate.path, "/login?next=%2Fmessages%2F1");
}

#[tokio::test]
async fn open_pages_get_the_changed_message_in_their_language() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.person("ana").await, server.person("luis").await);
    ana.say("hola").await;
    luis.language = "es";
    let mut live = luis.live().await;
    live.open_room(1, None).await;
    ana.submit("/messages/1/edit", &[("body", "buenas")]).await;
    let html = live.until("message").await["html"].as_str().expect("HTML").to_owned();
    assert!(html.contains("<p>buenas</p>") && html.contains("editado"), "{html}");
    ana.submit("/messages/1/reactions", &[("emoji", "👍")]).await;
    let html = live.until("message").await["html"].as_str().expect("HTML").to_owned();
    assert!(html.contains("data-users=\"1\"") && html.contains("👍 1 persona"), "{html}");
    ana.submit("/messages/1/delete", &[]).await;
    let html = live.until("message").await["html"].as_str().expect("HTML").to_owned();
    assert!(html.contains("Mensaje eliminado") && !html.contains("buenas"), "{html}");
}

/// Texts of people whose session has ended.
#[tokio::test]
async fn what_was_written_comes_back_when_the_session_has_ended() {
    let server = Server::start().await;
    let (mut ana, _) = (server.person("ana").await, server.person("luis").await);
    ana.say("hola").await;
    let mut gone = signed_out_elsewhere(&server).await;
    let text = "<b>una hora</b> \"de trabajo\"";
    for (path, place) in [
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
        let gate = page.attribute("a[target=_blank]", "href");
        assert_eq!(gate, Some(format!("/login?next={place}")));
        // Signed in, the same form does what it says.
        assert_eq!(
            ana.submit(path, &[("body", text), ("nonce", "n1")]).await.status,
            200,
            "{path}"
        );
        // Who never had a session here has no text of a page of ours.
        assert_eq!(server.browser().submit(path, &fields).await.path, "/login", "{path}");
        // Where there is no text, the way to sign in is all there is.
        assert_eq!(gone.submit(path, &[("body", "  ")]).await.path, "/login");
    }
    assert_eq!(ana.get("/rooms/1").await.messages(), [text, text]);
    assert_eq!(server.browser().submit("/messages/1/delete", &[]).await.path, "/login");
}

/// A browser of luis whose session he ended from another one.
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
async fn a_text_that_comes_back_is_kept_by_no_browser_and_given_to_no_other_site() {
    let server = Server::start().await;
    server.person("luis").await;
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
async fn a_form_that_is_too_large_says_where_its_text_still_is() {
    let server = Server::start().await;
    let (mut ana, _) = (server.person("ana").await, server.person("luis").await);
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
