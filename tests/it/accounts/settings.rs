//! The settings page of a user.

use reqwest::StatusCode;
use serde_json::json;

use crate::support::{Browser, Live, PASSWORD, Server};

const NEW_PASSWORD: &str = "otra-grapa-73-distinta";

#[tokio::test]
async fn new_display_name_is_published_to_all_users() {
    let server = Server::start().await;
    let (mut ana, luis) = (server.browser_as("ana").await, server.api("luis").await);
    let mut live = luis.live().await;
    live.until("present").await;
    let page = ana.submit("/settings/name", &[("display_name", "Ana Ortega")]).await;
    assert_eq!(page.one("#status"), "Saved.");
    let received = live.until("user").await;
    let (name, display_name) = (&received["user"]["name"], &received["user"]["display_name"]);
    assert_eq!((name, display_name), (&json!("ana"), &json!("Ana Ortega")));
    assert_eq!(ana.say("hola").await.all("article[data-seq] .message__author"), ["Ana Ortega"]);
    for bad in ["", "a\u{202e}b", &"ñ".repeat(65)] {
        let page = ana.submit("/settings/name", &[("display_name", bad)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad:?}");
        assert_eq!(page.all("#display_name-note").len(), 1);
    }
}

#[tokio::test]
async fn new_password_needs_the_old_one_and_ends_other_sessions() {
    let server = Server::start().await;
    let mut here = server.browser_as("ana").await;
    let mut elsewhere = server.browser();
    elsewhere.login("ana", PASSWORD).await;
    let program = server.api("ana").await;
    let mut live = program.live().await;
    live.until("present").await;
    let fields = |old, new, again| {
        [("current_password", old), ("password", new), ("password_confirmation", again)]
    };
    for (old, new, again, note) in [
        ("wrong-password", NEW_PASSWORD, NEW_PASSWORD, "#current_password-note"),
        (PASSWORD, "password1", "password1", "#password-note"),
        (PASSWORD, NEW_PASSWORD, "another-one-88", "#password_confirmation-note"),
        (PASSWORD, "short", "another-one-88", "#password-note"),
        (PASSWORD, "short", "another-one-88", "#password_confirmation-note"),
    ] {
        let page = here.submit("/settings/password", &fields(old, new, again)).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.all(&format!("{note}.field__note--error")).len() == 1, "{note}");
    }
    assert_eq!(elsewhere.get("/rooms/1").await.path, "/rooms/1");
    here.submit("/settings/password", &fields(PASSWORD, NEW_PASSWORD, NEW_PASSWORD)).await;
    assert_eq!(here.get("/rooms/1").await.path, "/rooms/1");
    assert!(elsewhere.get("/rooms/1").await.path.starts_with("/login"));
    assert_eq!(live.closed().await, 4401);
    let refused = server.browser().login("ana", PASSWORD).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(server.browser().login("ana", NEW_PASSWORD).await.path, "/rooms/1");
}

#[tokio::test]
async fn new_address_needs_the_password_and_must_be_unused() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    server.browser_as("luis").await;
    for (email, password, status) in [
        ("nueva@example.test", "wrong-password", 422),
        ("luis@example.test", PASSWORD, 422),
        ("no address", PASSWORD, 422),
        ("Nueva@example.test", PASSWORD, 200),
    ] {
        let fields = [("email", email), ("current_password", password)];
        let page = ana.submit("/settings/email", &fields).await;
        assert_eq!(page.status.as_u16(), status, "{email} {password}");
    }
    assert_eq!(server.browser().login("nueva@example.test", PASSWORD).await.path, "/rooms/1");
}

#[tokio::test]
async fn session_list_shows_browser_name_and_user_agent() {
    const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let signed_in = Browser::plain()
        .post(server.url("/login"))
        .header("user-agent", AGENT)
        .form(&[("login", "ana"), ("password", PASSWORD)])
        .send()
        .await
        .expect("an answer");
    assert_eq!(signed_in.status(), StatusCode::SEE_OTHER);
    for (path, called) in
        [("/settings", "Firefox on Linux"), ("/settings?lang=es", "Firefox en Linux")]
    {
        let page = ana.get(path).await;
        assert_eq!(page.one(".session__agent[title]"), called);
        assert_eq!(page.attribute(".session__agent[title]", "title").as_deref(), Some(AGENT));
    }
}

#[tokio::test]
async fn user_lists_sessions_and_ends_other_ones() {
    let server = Server::start().await;
    let mut here = server.browser_as("ana").await;
    let (mut one, mut two) = (server.browser(), server.browser());
    one.login("ana", PASSWORD).await;
    two.login("ana", PASSWORD).await;
    let page = here.get("/settings").await;
    assert_eq!(page.all(".session__agent").len(), 3);
    let session = page.attribute("button[name=session]", "value").expect("another session");
    let mut luis = server.browser_as("luis").await;
    let foreign = luis.submit("/settings/sessions", &[("session", &session)]).await;
    assert_eq!(
        foreign.status,
        StatusCode::NOT_FOUND,
        "sessions and tokens of others are not found"
    );
    here.submit("/settings/sessions", &[("session", &session)]).await;
    assert_eq!(here.get("/settings").await.all(".session__agent").len(), 2);
    here.submit("/settings/sessions", &[]).await;
    assert_eq!(here.get("/settings").await.all(".session__agent").len(), 1);
    for browser in [&mut one, &mut two] {
        assert!(browser.get("/rooms/1").await.path.starts_with("/login"));
    }
    assert_eq!(luis.get("/rooms/1").await.path, "/rooms/1");
}

#[tokio::test]
async fn token_is_created_shown_once_and_revoked() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    let made = ana
        .submit("/settings/tokens", &[("label", "weather bot"), ("current_password", PASSWORD)])
        .await;
    assert_eq!(made.headers["cache-control"], "no-store");
    let secret = made.one("#programs .copy-box");
    let me = async || {
        let request = Browser::plain().get(server.url("/api/v1/me")).bearer_auth(&secret);
        request.send().await.expect("an answer").status()
    };
    assert_eq!(me().await, StatusCode::OK);
    let url = server.url("/api/v1/live").replace("http", "ws");
    let mut live =
        Live::open(&url, "patio.v1", &[("authorization", &format!("Bearer {secret}"))]).await;
    live.until("ready").await;
    let page = ana.get("/settings").await;
    assert_eq!(page.one(".token__label"), "weather bot");
    assert!(!page.text.contains(&secret), "it is shown once");
    let token = page.attribute("button[name=token]", "value").expect("a button");
    let foreign = luis.submit("/settings/tokens/revoke", &[("token", &token)]).await;
    assert_eq!(
        foreign.status,
        StatusCode::NOT_FOUND,
        "sessions and tokens of others are not found"
    );
    assert_eq!(me().await, StatusCode::OK);
    let page = ana.submit("/settings/tokens/revoke", &[("token", &token)]).await;
    assert!(page.all(".token__label").is_empty());
    assert_eq!(live.closed().await, 4401);
    assert_eq!(me().await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn too_long_token_label_gets_a_field_error() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let long = "ñ".repeat(65);
    let page = ana.submit("/settings/tokens", &[("label", &long)]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(page.attribute("#label", "value"), Some(long));
    assert_eq!(page.all("#label-note").len(), 1);
    ana.language = "es";
    let label = "ñ".repeat(64);
    let fields = [("label", label.as_str()), ("current_password", PASSWORD)];
    let page = ana.submit("/settings/tokens", &fields).await;
    assert_eq!(page.all("#programs .copy-box").len(), 1);
    assert_eq!(page.one("#programs h2"), "Programas");
}

#[tokio::test]
async fn language_and_theme_are_stored_in_cookies() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    ana.submit("/settings/look", &[("language", "es"), ("theme", "dark")]).await;
    let page = ana.get("/settings").await;
    assert_eq!(page.attribute("html", "lang").as_deref(), Some("es"));
    assert_eq!(page.attribute("html", "data-theme").as_deref(), Some("dark"));
    ana.submit("/settings/look", &[("language", "es"), ("theme", "system")]).await;
    assert_eq!(ana.get("/settings").await.attribute("html", "data-theme"), None);

    for (field, attribute, other, usual) in [
        ("density", "data-density", "compact", "comfortable"),
        ("keys", "data-letter-keys", "off", "on"),
    ] {
        ana.submit("/settings/look", &[(field, other)]).await;
        assert_eq!(ana.get("/rooms/1").await.attribute("html", attribute).as_deref(), Some(other));
        ana.submit("/settings/look", &[(field, "nonsense")]).await;
        let page = ana.get("/settings").await;
        assert_eq!(page.attribute("html", attribute).as_deref(), Some(other), "it stays");
        let chosen = format!("input[name={field}][checked]");
        assert_eq!(page.attribute(&chosen, "value").as_deref(), Some(other));
        ana.submit("/settings/look", &[(field, usual)]).await;
        assert_eq!(ana.get("/rooms/1").await.attribute("html", attribute), None);
    }
}
