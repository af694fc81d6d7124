//! Credentials: every event that revokes credentials, tested on every kind of credential.

use std::time::Duration;

use patio::chat::accounts::model::{BearerSecret, RevocationReason, Role, TokenLabel};
use patio::chat::accounts::{Accounts, LoginSource};
use patio::kernel::UserId;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::command::{patio, success, text};
use crate::support::{Api, Browser, Live, PASSWORD, Page, Server, numbers};

const NEW_PASSWORD: &str = "otra-grapa-73-distinta";

/// Luis, the second user, with several credentials of each kind.
struct Luis {
    /// The session that Luis uses to cause the event, if he causes it himself.
    here: Browser,
    elsewhere: Browser,
    page: Live,
    program: Api,
    socket: Live,
    /// Reset links: one for Luis by an administrator, and one for Eva by Luis, who is an administrator too.
    links: [String; 2],
}

fn link(page: &Page) -> String {
    let link = page.attribute("#link a", "href").expect("a link");
    link.split_once("/reset/").map(|(_, secret)| format!("/reset/{secret}")).expect("a reset link")
}

async fn make_link(admin: &mut Browser, user: &str) -> String {
    let page = admin.submit("/admin/people/link", &[("user", user)]).await;
    assert_eq!(page.headers["cache-control"], "no-store", "a secret is on the page");
    link(&page)
}

async fn opens(server: &Server, link: &str) -> bool {
    let page = server.browser().get(link).await;
    if page.status == StatusCode::OK {
        assert_eq!(page.headers["cache-control"], "no-store", "a secret is in the address");
    }
    page.status == StatusCode::OK
}

async fn is_in(browser: &mut Browser) -> bool {
    browser.get("/rooms/1").await.path == "/rooms/1"
}

async fn is_good(api: &Api) -> bool {
    api.send(Method::GET, "/me", None).await.status() == StatusCode::OK
}

async fn everywhere(server: &Server, ana: &mut Browser) -> Luis {
    let mut here = server.browser_as("luis").await;
    server.browser_as("eva").await;
    ana.submit("/admin/people/role", &[("user", "2"), ("role", "admin")]).await;
    let mut elsewhere = server.browser();
    elsewhere.login("luis", PASSWORD).await;
    let program = server.api("luis").await;
    let mut page = elsewhere.live().await;
    page.until("present").await;
    let mut socket = program.live().await;
    socket.until("present").await;
    let links = [make_link(ana, "2").await, make_link(&mut here, "3").await];
    Luis { here, elsewhere, page, program, socket, links }
}

#[tokio::test]
async fn changing_password_or_address_revokes_other_credentials() {
    for (path, fields) in [
        (
            "/settings/password",
            vec![
                ("current_password", PASSWORD),
                ("password", NEW_PASSWORD),
                ("password_confirmation", NEW_PASSWORD),
            ],
        ),
        ("/settings/email", vec![("current_password", PASSWORD), ("email", "new@example.test")]),
        ("/settings/sessions", vec![]),
    ] {
        let server = Server::start().await;
        let mut ana = server.browser_as("ana").await;
        let mut luis = everywhere(&server, &mut ana).await;
        let hers = make_link(&mut ana, "1").await;
        assert!(opens(&server, &luis.links[0]).await && opens(&server, &luis.links[1]).await);
        luis.here.submit(path, &fields).await;
        assert!(is_in(&mut luis.here).await, "{path}: the one at hand stays");
        assert!(!is_in(&mut luis.elsewhere).await, "{path}");
        assert!(!is_good(&luis.program).await, "{path}");
        assert_eq!((luis.page.closed().await, luis.socket.closed().await), (4401, 4401), "{path}");
        for link in &luis.links {
            assert!(!opens(&server, link).await, "{path}");
        }
        // Credentials of other users stay valid.
        assert!(is_in(&mut ana).await && opens(&server, &hers).await, "{path}");
    }
}

#[tokio::test]
async fn refused_change_revokes_nothing() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let mut luis = everywhere(&server, &mut ana).await;
    for (path, fields) in [
        (
            "/settings/password",
            vec![
                ("current_password", "wrong-password"),
                ("password", NEW_PASSWORD),
                ("password_confirmation", NEW_PASSWORD),
            ],
        ),
        ("/settings/email", vec![("current_password", PASSWORD), ("email", "ana@example.test")]),
        ("/settings/email", vec![("current_password", "wrong"), ("email", "new@example.test")]),
    ] {
        let page = luis.here.submit(path, &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
    }
    assert!(is_in(&mut luis.elsewhere).await && is_good(&luis.program).await);
    assert!(opens(&server, &luis.links[0]).await && opens(&server, &luis.links[1]).await);
    luis.socket.send(json!({"type": "ping"})).await;
    luis.socket.until("pong").await;
}

#[tokio::test]
async fn used_reset_link_revokes_every_credential() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let mut luis = everywhere(&server, &mut ana).await;
    let fields = [("password", NEW_PASSWORD), ("password_confirmation", NEW_PASSWORD)];
    let mut new = server.browser();
    new.submit(&luis.links[0], &fields).await;
    assert!(is_in(&mut new).await);
    assert!(!is_in(&mut luis.here).await && !is_in(&mut luis.elsewhere).await);
    assert!(!is_good(&luis.program).await && !opens(&server, &luis.links[1]).await);
    assert_eq!((luis.page.closed().await, luis.socket.closed().await), (4401, 4401));
}

#[tokio::test]
async fn closing_an_account_revokes_every_credential() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let mut luis = everywhere(&server, &mut ana).await;
    ana.submit("/admin/people/close", &[("user", "2")]).await;
    assert_eq!((luis.page.closed().await, luis.socket.closed().await), (4403, 4403));
    ana.submit("/admin/people/open", &[("user", "2")]).await;
    assert!(!is_in(&mut luis.here).await && !is_in(&mut luis.elsewhere).await);
    assert!(!is_good(&luis.program).await);
    for link in &luis.links {
        assert!(!opens(&server, link).await);
    }
}

#[tokio::test]
async fn role_change_revokes_links_and_reopens_live_connections() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let mut luis = everywhere(&server, &mut ana).await;
    let role = |role| [("user", "2"), ("role", role)];
    // Assigning the same role again changes nothing.
    ana.submit("/admin/people/role", &role("admin")).await;
    assert!(opens(&server, &luis.links[0]).await && opens(&server, &luis.links[1]).await);
    ana.submit("/admin/people/role", &role("member")).await;
    assert!(opens(&server, &luis.links[0]).await, "it lets a member in");
    assert!(!opens(&server, &luis.links[1]).await, "its author is no longer an administrator");
    assert_eq!(luis.here.get("/admin").await.status, StatusCode::FORBIDDEN);
    let page = luis.here.submit("/admin/people/link", &[("user", "3")]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!((luis.page.closed().await, luis.socket.closed().await), (1012, 1012));
    let mut again = luis.program.live().await;
    assert_eq!(again.until("ready").await["me"]["role"], "member");
    let mut eva = server.api("eva").await.live().await;
    eva.until("present").await;
    ana.submit("/admin/people/role", &role("admin")).await;
    assert_eq!(again.closed().await, 1012);
    assert_eq!(eva.until("user").await["user"]["role"], "admin", "others see it");
}

/// The command line runs as another process on the same database.
#[tokio::test]
async fn revocation_by_another_process_closes_connections_here() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let mut luis = everywhere(&server, &mut ana).await;
    let other = server.second().await;
    let mut there = other.browser();
    there.login("ana", PASSWORD).await;
    there.submit("/admin/people/role", &[("user", "2"), ("role", "member")]).await;
    assert_eq!((luis.page.closed().await, luis.socket.closed().await), (1012, 1012));
    let mut again = luis.program.live().await;
    again.until("present").await;
    there.submit("/admin/people/close", &[("user", "2")]).await;
    assert_eq!(again.closed().await, 4403);
}

#[tokio::test]
async fn reset_link_needs_an_administrator_when_it_is_stored() {
    let server = Server::start().await;
    server.api("ana").await;
    let luis = server.api("luis").await;
    let accounts = server.state().service::<Accounts>();
    let operator = accounts.operator();
    assert!(accounts.set_role(&operator, UserId(2), Role::Admin).await.is_ok());
    let me = accounts.by_token(&BearerSecret::new(luis.token())).await.expect("an answer");
    let admin = accounts.admin(&me.expect("luis")).expect("an administrator");
    assert!(accounts.reset_link(&admin, UserId(1)).await.is_ok());
    // As if Luis were demoted between the check of his role and the write.
    assert!(accounts.set_role(&operator, UserId(2), Role::Member).await.is_ok());
    assert!(accounts.reset_link(&admin, UserId(1)).await.is_err());
}

#[tokio::test]
async fn creating_a_token_on_the_page_needs_the_password() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    for (password, made) in [("", 0), ("wrong-password", 0), (PASSWORD, 1)] {
        let fields = [("label", "bot"), ("current_password", password), ("expires_in", "")];
        let page = ana.submit("/settings/tokens", &fields).await;
        assert_eq!(page.status.as_u16(), if made == 1 { 200 } else { 422 }, "{password}");
        assert_eq!(page.all("#programs .copy-box").len(), made, "{password}");
        assert_eq!(
            page.all("#token_password-note.field__note--error").len(),
            1 - made,
            "{password}"
        );
        assert_eq!(page.all(".token__label").len(), made, "{password}");
    }
}

async fn issue(api: &Api, name: &str, more: Value) -> reqwest::Response {
    let mut body = json!({"login": name, "password": PASSWORD, "label": "bot"});
    body.as_object_mut().expect("an object").extend(more.as_object().expect("more").clone());
    api.send(Method::POST, "/tokens", Some(body)).await
}

#[tokio::test]
async fn token_and_its_live_connection_end_at_expiry() {
    let server = Server::start().await;
    let outsider = Api::signed_out(server.url("/api/v1"));
    let endless = server.api("ana").await;
    for bad in [json!(0), json!(-1), json!(315_360_001), json!(i64::MAX), json!("60"), json!(1.5)] {
        let refused = issue(&outsider, "ana", json!({"expires_in": bad})).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
    let issued = issue(&outsider, "ana", json!({"expires_in": 3600})).await;
    let issued: Value = issued.json().await.expect("JSON");
    let short = endless.with_token(issued["token"].as_str().expect("a token"));
    let (mut live, mut stays) = (short.live().await, endless.live().await);
    live.until("present").await;
    stays.until("present").await;
    server.advance(Duration::from_secs(3599));
    assert!(is_good(&short).await);
    server.advance(Duration::from_secs(1));
    assert!(!is_good(&short).await, "immediately, even before the cleanup");
    assert_eq!(live.closed().await, 4401);
    assert_eq!(short.try_live("").await.err(), Some(401));
    assert!(is_good(&endless).await);
    stays.send(json!({"type": "ping"})).await;
    stays.until("pong").await;
}

#[tokio::test]
async fn idle_session_ends_with_its_connection_active_one_stays() {
    let server = Server::start().await;
    let (silent, busy) = (server.browser_as("ana").await, server.browser_as("luis").await);
    let (mut quiet, mut talking) = (silent.live().await, busy.live().await);
    quiet.until("present").await;
    talking.until("present").await;
    for _ in 0..5 {
        server.advance(Duration::from_hours(24 * 7));
        talking.send(json!({"type": "ping"})).await;
        talking.until("pong").await;
    }
    assert_eq!(quiet.closed().await, 4401);
    talking.send(json!({"type": "ping"})).await;
    talking.until("pong").await;
}

#[tokio::test]
async fn twenty_first_token_revokes_the_least_recently_used() {
    let server = Server::start().await;
    let outsider = Api::signed_out(server.url("/api/v1"));
    let mut tokens = vec![server.api("ana").await];
    let luis = server.api("luis").await;
    for _ in 1..20 {
        server.advance(Duration::from_mins(1));
        let issued: Value = issue(&outsider, "ana", json!({})).await.json().await.expect("JSON");
        tokens.push(tokens[0].with_token(issued["token"].as_str().expect("a token")));
    }
    server.advance(Duration::from_hours(2));
    // The first token is used over HTTP, the second only by a live connection.
    assert!(is_good(&tokens[0]).await);
    let mut second = tokens[1].live().await;
    second.until("present").await;
    let mut third = tokens[2].live().await;
    third.until("present").await;
    server.advance(Duration::from_hours(2));
    for token in [&tokens[0]].into_iter().chain(&tokens[3..]) {
        assert!(is_good(token).await);
    }
    second.send(json!({"type": "ping"})).await;
    second.until("pong").await;
    assert_eq!(issue(&outsider, "ana", json!({})).await.status(), StatusCode::CREATED);
    assert_eq!(third.closed().await, 4401, "its live connection ends with it");
    for (n, token) in tokens.iter().enumerate() {
        assert_eq!(is_good(token).await, n != 2, "{n}");
    }
    assert!(is_good(&luis).await, "others have their own");
    let db = server.storage().open().await;
    assert_eq!(numbers(&db, "select count(*) from tokens where user_id = 1").await, [20]);
    db.close().await;
}

#[tokio::test]
async fn last_use_of_a_token_is_listed_and_written_hourly() {
    const USED: &str = "select coalesce(last_used_at, 0) from tokens where user_id = 1";
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let fields = [("label", "bot"), ("current_password", PASSWORD), ("expires_in", "2592000")];
    let made = ana.submit("/settings/tokens", &fields).await;
    assert_eq!(made.one(".token__used"), "never used");
    assert_eq!(made.one(".token__until"), "expires 2026-12-21 10:00 UTC");
    let token = Api::signed_out(server.url("/api/v1")).with_token(&made.one("#programs .copy-box"));
    let db = server.storage().open().await;
    let mut written = Vec::new();
    for minutes in [0, 59, 1, 30, 30] {
        server.advance(Duration::from_mins(minutes));
        assert!(is_good(&token).await);
        written.push(numbers(&db, USED).await[0]);
    }
    db.close().await;
    let minutes: Vec<i64> = written.iter().map(|at| (at - written[0]) / 60_000).collect();
    assert_eq!(minutes, [0, 0, 60, 60, 120]);
    assert_eq!(ana.get("/settings").await.one(".token__used"), "last used 2026-11-21 12:00 UTC");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_export_keeps_token_expiry_and_last_use() {
    let server = Server::start().await;
    let outsider = Api::signed_out(server.url("/api/v1"));
    let ana = server.api("ana").await;
    issue(&outsider, "ana", json!({"expires_in": 3600})).await;
    assert!(is_good(&ana).await);
    let export = tempfile::tempdir().expect("a directory");
    let to = export.path().join("export");
    success(&patio(server.storage(), &["export", text(&to), "--full"]));
    let lines = std::fs::read_to_string(to.join("secrets/tokens.jsonl")).expect("tokens");
    let tokens: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let ends = tokens.iter().filter(|token| token["expires_at"] == "2026-11-21T11:00:00.000Z");
    assert_eq!(ends.count(), 1, "{lines}");
    let used = tokens.iter().filter(|token| token["last_used_at"] == "2026-11-21T10:00:00.000Z");
    assert_eq!(used.count(), 1, "{lines}");
}

/// Login and password change both take time to hash, so they can overlap in either order.
#[tokio::test]
async fn login_racing_a_password_change_opens_no_session() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let accounts = server.state().service::<Accounts>();
    let (label, here) = (TokenLabel::parse("bot").expect("a label"), LoginSource::local());
    let before = accounts.sign_in("ana", PASSWORD, &here).await.expect("signed in");
    assert!(accounts.open_session(&before, "").await.is_ok(), "nothing has changed");
    let fields = [
        ("current_password", PASSWORD),
        ("password", NEW_PASSWORD),
        ("password_confirmation", NEW_PASSWORD),
    ];
    ana.submit("/settings/password", &fields).await;
    assert!(accounts.open_session(&before, "").await.is_err());
    assert!(accounts.issue_token(&before, &label, None).await.is_err());
    let after = accounts.sign_in("ana", NEW_PASSWORD, &here).await.expect("signed in");
    assert!(accounts.issue_token(&after, &label, None).await.is_ok());
    // The same for a closed account.
    accounts.set_role(&accounts.operator(), after.user().id, Role::Admin).await.expect("done");
    server.browser_as("luis").await;
    let luis = accounts.sign_in("luis", PASSWORD, &here).await.expect("signed in");
    accounts.deactivate(&accounts.operator(), luis.user().id, false).await.expect("closed");
    assert!(accounts.open_session(&luis, "").await.is_err());
}

/// A revocation between the check of a token and the subscription to its channel must still close the
/// connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connection_opened_during_token_revocation_is_closed() {
    let server = Server::start().await;
    let mut api = server.api("ana").await;
    for _ in 0..30 {
        api.sign_in("ana").await;
        let revoked = api.send(Method::DELETE, "/tokens/current", None);
        let (opened, revoked) = tokio::join!(api.try_live(""), revoked);
        assert_eq!(revoked.status(), StatusCode::NO_CONTENT);
        match opened {
            Ok(mut live) => assert_eq!(live.closed().await, 4401),
            Err(status) => assert_eq!(status, 401),
        }
    }
    let me = server
        .state()
        .service::<Accounts>()
        .by_token(&BearerSecret::new(api.token()))
        .await
        .expect("an answer");
    assert!(me.is_none());
    // The calls that the handshake makes, in the order of that race.
    api.sign_in("ana").await;
    let accounts = server.state().service::<Accounts>();
    let me =
        accounts.by_token(&BearerSecret::new(api.token())).await.expect("an answer").expect("ana");
    assert_eq!(accounts.revocation_in_use(&me).await.expect("an answer"), None);
    accounts.revoke(me.credential).await.expect("revoked");
    assert_eq!(
        accounts.revocation_in_use(&me).await.expect("an answer"),
        Some(RevocationReason::SignedOut)
    );
}
