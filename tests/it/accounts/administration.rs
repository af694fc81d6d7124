//! The administration page, and the links that reset passwords.

use reqwest::StatusCode;
use serde_json::json;

use crate::support::{Browser, PASSWORD, Page, Server, eventually};

const NEW_PASSWORD: &str = "otra-grapa-73-distinta";

/// The path of the reset link, which a page shows only once.
fn link(page: &Page) -> String {
    let link = page.attribute("#link a", "href").expect("a link");
    link.split_once("/reset/").map(|(_, secret)| format!("/reset/{secret}")).expect("a reset link")
}

/// User ids follow the order of registration.
const ANA: &str = "1";
const LUIS: &str = "2";
const EVA: &str = "3";

async fn choose(browser: &mut Browser, link: &str, password: &str, again: &str) -> Page {
    browser.submit(link, &[("password", password), ("password_confirmation", again)]).await
}

#[tokio::test]
async fn only_administrators_see_the_administration_page() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    assert_eq!(ana.get("/admin").await.status, StatusCode::OK);
    assert_eq!(ana.get("/rooms/1").await.all("a[href='/admin']").len(), 1);
    assert_eq!(luis.get("/rooms/1").await.all("a[href='/admin']").len(), 0);
    assert_eq!(luis.get("/admin").await.status, StatusCode::FORBIDDEN);
    for (path, fields) in [
        ("/admin/sign-up", [("signup", "closed"), ("", "")]),
        ("/admin/people", [("name", "eva"), ("email", "eva@example.test")]),
        ("/admin/people/role", [("user", "2"), ("role", "admin")]),
        ("/admin/people/link", [("user", "1"), ("", "")]),
        ("/admin/people/close", [("user", "1"), ("", "")]),
        ("/admin/people/open", [("user", "1"), ("", "")]),
    ] {
        assert_eq!(luis.submit(path, &fields).await.status, StatusCode::FORBIDDEN, "{path}");
        let outsider = server.browser().submit(path, &fields).await;
        assert!(outsider.path.starts_with("/login"), "{path}");
    }
}

#[tokio::test]
async fn administrator_opens_and_closes_sign_up() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    ana.submit("/admin/sign-up", &[("signup", "closed")]).await;
    let page = server.browser().register("luis").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(server.browser().get("/login").await.all("a[href='/register']").len(), 0);
    let page = ana.submit("/admin/sign-up", &[("signup", "open")]).await;
    assert_eq!(page.one("#status"), "Saved.");
    assert_eq!(server.browser().register("luis").await.path, "/rooms/1");
}

#[tokio::test]
async fn sign_up_closed_by_configuration_cannot_be_opened() {
    let server = Server::with(&["--signup=closed"]).await;
    let mut ana = server.browser_as("ana").await;
    assert!(ana.get("/admin").await.text.contains("SIGNUP=closed"));
    ana.submit("/admin/sign-up", &[("signup", "open")]).await;
    assert_eq!(server.browser().register("luis").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn added_user_sets_a_password_by_a_single_use_link() {
    let server = Server::with(&["--signup=closed"]).await;
    let mut ana = server.browser_as("ana").await;
    let added =
        ana.submit("/admin/people", &[("name", "eva"), ("email", "eva@example.test")]).await;
    let link = link(&added);
    let mut eva = server.browser();
    assert_eq!(eva.get(&link).await.status, StatusCode::OK);
    for (password, again, note) in [
        ("password1", "password1", "#password-note"),
        (NEW_PASSWORD, "another-one-88", "#password_confirmation-note"),
        ("short", "short", "#password-note"),
    ] {
        let page = choose(&mut eva, &link, password, again).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{password}");
        assert_eq!(page.all(&format!("{note}.field__note--error")).len(), 1, "{password}");
    }
    let page = choose(&mut eva, &link, NEW_PASSWORD, NEW_PASSWORD).await;
    assert_eq!(page.path, "/rooms/1");
    assert_eq!(server.browser().get(&link).await.status, StatusCode::NOT_FOUND);
    let again = choose(&mut server.browser(), &link, "grapa-42-nueva", "grapa-42-nueva").await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    assert_eq!(server.browser().login("eva", NEW_PASSWORD).await.path, "/rooms/1");
    let taken =
        ana.submit("/admin/people", &[("name", "EVA"), ("email", "eva@example.test")]).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(taken.all(".field__note--error").len(), 2);
}

#[tokio::test]
async fn reset_ends_sessions_and_its_link_expires_or_is_replaced() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    let first = link(&ana.submit("/admin/people/link", &[("user", LUIS)]).await);
    let second = link(&ana.submit("/admin/people/link", &[("user", LUIS)]).await);
    assert_eq!(server.browser().get(&first).await.status, StatusCode::NOT_FOUND);
    assert_eq!(luis.get("/rooms/1").await.path, "/rooms/1");
    choose(&mut server.browser(), &second, NEW_PASSWORD, NEW_PASSWORD).await;
    assert!(luis.get("/rooms/1").await.path.starts_with("/login"));
    assert_eq!(
        server.browser().login("luis", PASSWORD).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let third = link(&ana.submit("/admin/people/link", &[("user", LUIS)]).await);
    server.advance(std::time::Duration::from_hours(71));
    assert_eq!(server.browser().get(&third).await.status, StatusCode::OK);
    server.advance(std::time::Duration::from_hours(2));
    assert_eq!(server.browser().get(&third).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn closed_account_is_signed_out_and_can_be_reopened() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    let program = server.api("eva").await;
    let mut live = program.live().await;
    live.until("present").await;
    for user in [EVA, LUIS] {
        ana.submit("/admin/people/close", &[("user", user)]).await;
    }
    assert_eq!(live.closed().await, 4403);
    assert!(luis.get("/rooms/1").await.path.starts_with("/login"));
    let refused = server.browser().login("luis", PASSWORD).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = ana.get("/admin").await;
    assert_eq!(page.all(".account--closed").len(), 2);
    ana.submit("/admin/people/open", &[("user", LUIS)]).await;
    assert_eq!(server.browser().login("luis", PASSWORD).await.path, "/rooms/1");
}

#[tokio::test]
async fn rooms_of_a_closed_account_pass_to_the_longest_member() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let (luis, eva) = (server.api("luis").await, server.api("eva").await);
    let room = luis.post("/rooms", json!({"name": "huerto", "visibility": "public"})).await;
    let path = format!("/rooms/{}", room["id"]);
    eva.post(&format!("{path}/join"), json!({})).await;
    ana.submit("/admin/people/close", &[("user", LUIS)]).await;
    // A background job does it, within about a second.
    let owner: i64 = EVA.parse().expect("a number");
    eventually("the room passes to eva", async || eva.get(&path).await["owner_id"] == owner).await;
}

#[tokio::test]
async fn last_administrator_cannot_be_demoted() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    let role = |user, role| [("user", user), ("role", role)];
    let alone = ana.submit("/admin/people/role", &role(ANA, "member")).await;
    assert_eq!(alone.status, StatusCode::CONFLICT);
    let closed = ana.submit("/admin/people/close", &[("user", ANA)]).await;
    assert_eq!(closed.status, StatusCode::CONFLICT);
    ana.submit("/admin/people/role", &role(LUIS, "admin")).await;
    assert_eq!(luis.get("/admin").await.status, StatusCode::OK);
    luis.submit("/admin/people/role", &role(ANA, "member")).await;
    assert_eq!(ana.get("/admin").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn unknown_role_or_user_changes_nothing() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    ana.submit("/admin/people/role", &[("user", LUIS), ("role", "admin")]).await;
    for (path, fields, status) in [
        ("/admin/people/role", [("user", LUIS), ("role", "owner")], 422),
        ("/admin/people/role", [("user", "99"), ("role", "member")], 404),
        ("/admin/people/link", [("user", "99"), ("", "")], 404),
        ("/admin/people/close", [("user", "99"), ("", "")], 404),
        ("/admin/people/open", [("user", "99"), ("", "")], 404),
        ("/admin/sign-up", [("signup", "maybe"), ("", "")], 422),
    ] {
        assert_eq!(ana.submit(path, &fields).await.status.as_u16(), status, "{path}");
    }
    assert_eq!(luis.get("/admin").await.status, StatusCode::OK, "still an administrator");
    assert_eq!(server.browser().register("eva").await.path, "/rooms/1", "still open");
}
