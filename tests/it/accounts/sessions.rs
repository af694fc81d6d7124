//! Browser sessions: the cookie, what is stored, and what a session keeps before and after the sign-in.

use std::time::Duration;

use reqwest::StatusCode;

use crate::support::command::{patio, success, text};
use crate::support::{
    Browser, Disk, PASSWORD, Page, Process, Server, Storage, eventually, execute, numbers,
    try_execute,
};

const NEW_PASSWORD: &str = "otra-grapa-73-distinta";
const MINUTE: Duration = Duration::from_mins(1);

/// The `Set-Cookie` headers of a response that concern the session.
fn session_cookies(response: &reqwest::Response) -> Vec<String> {
    let all = response.headers().get_all("set-cookie").iter();
    let all = all.map(|value| value.to_str().expect("text").to_owned());
    all.filter(|cookie| cookie.contains("patio_session")).collect()
}

async fn post(server: &Server, path: &str, headers: &[(&str, &str)]) -> reqwest::Response {
    let fields = [("login", "ana"), ("password", PASSWORD)];
    let request = Browser::plain().post(server.url(path)).form(&fields);
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.send().await.expect("an answer")
}

async fn count(server: &Server, query: &'static str) -> i64 {
    let db = server.storage().open().await;
    let found = numbers(&db, query).await;
    db.close().await;
    found[0]
}

async fn all_sessions(server: &Server) -> i64 {
    count(server, "select count(*) from sessions").await
}

async fn anonymous_sessions(server: &Server) -> i64 {
    count(server, "select count(*) from sessions where user_id is null").await
}

/// Browsers refuse a removal without `Secure` for a name with `__Host-`, and keep the cookie.
#[tokio::test]
async fn removal_of_the_cookie_has_the_attributes_of_the_cookie() {
    let server = Server::start().await;
    server.browser_as("ana").await;
    let port = server.address.port();
    for (proto, name, secure) in [
        ("http", format!("patio_session_{port}"), false),
        ("https", format!("__Host-patio_session_{port}"), true),
    ] {
        let set = session_cookies(&post(&server, "/login", &[("x-forwarded-proto", proto)]).await);
        let pair = set[0].split(';').next().expect("a pair").to_owned();
        let headers = [("x-forwarded-proto", proto), ("cookie", &pair)];
        let removed = session_cookies(&post(&server, "/logout", &headers).await);
        assert_eq!((set.len(), removed.len()), (1, 1), "{set:?} {removed:?}");
        assert!(removed[0].starts_with(&format!("{name}=;")), "{removed:?}");
        assert!(removed[0].contains("Max-Age=0"), "{removed:?}");
        for cookie in [&set[0], &removed[0]] {
            assert!(cookie.starts_with(&format!("{name}=")), "{cookie}");
            assert_eq!(cookie.contains("; Secure"), secure, "{cookie}");
            for part in ["; Path=/;", "; HttpOnly", "; SameSite=Lax"] {
                assert!(format!("{cookie};").contains(part), "{cookie} without {part}");
            }
            assert!(!cookie.contains("Domain"), "{cookie}");
        }
    }
}

#[tokio::test]
async fn sign_in_replaces_the_session_of_the_browser() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let before = ana.cookie().to_owned();
    let mut live = ana.live().await;
    live.until("present").await;
    ana.login("ana", PASSWORD).await;
    assert_ne!(ana.cookie(), before);
    assert_eq!(live.closed().await, 4401);
    let status = async |cookie: &str| {
        let request = Browser::plain().get(server.url("/rooms/1")).header("cookie", cookie);
        request.send().await.expect("an answer").status()
    };
    assert_eq!(status(&before).await, StatusCode::SEE_OTHER);
    assert_eq!(status(ana.cookie()).await, StatusCode::OK);
    assert_eq!(all_sessions(&server).await, 1);
}

/// An id from the attacker must not become the id of a session.
#[tokio::test]
async fn planted_id_is_never_used() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let code = invitation(&mut ana).await;
    let name = ana.cookie().split('=').next().expect("a name").to_owned();
    let planted = format!("{name}=AAAAAAAAAAAAAAAAAAAAAA");
    let invited = Browser::plain().get(server.url(&format!("/join/{code}")));
    let invited = invited.header("cookie", &planted).send().await.expect("an answer");
    let signed_in = post(&server, "/login", &[("cookie", &planted)]).await;
    for response in [invited, signed_in] {
        let set = session_cookies(&response);
        assert_eq!(set.len(), 1);
        assert!(!set[0].starts_with(&planted), "{set:?}");
    }
}

#[tokio::test]
async fn nothing_is_stored_for_a_stranger_who_carries_nothing() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let code = invitation(&mut ana).await;
    let name = ana.cookie().split('=').next().expect("a name").to_owned();
    let ids =
        ["", "x", "AAAAAAAAAAAAAAAAAAAAAA", &"A".repeat(43), "%41", "\"AAAAAAAAAAAAAAAAAAAAAA\""];
    let paths = ["/", "/login", "/register", "/rooms/1", "/nowhere", "/join/x", "/logout"];
    for path in paths {
        for id in ids {
            let cookie = format!("other=1; {name}={id}");
            let client = Browser::plain();
            let method = if path == "/logout" { "POST" } else { "GET" };
            let request = client.request(method.parse().expect("a method"), server.url(path));
            let response = request.header("cookie", cookie).send().await.expect("an answer");
            // The cookie stays, so that a form of an older page is recognized.
            let expected = usize::from(path == "/logout");
            assert_eq!(session_cookies(&response).len(), expected, "{path} {id:?}");
        }
    }
    let changes = count(&server, "select count(*) from changes").await;
    post(&server, "/login", &[("cookie", &format!("{name}=AAAAAAAAAAAAAAAAAAAAAA"))]).await;
    assert_eq!(count(&server, "select count(*) from changes").await, changes, "no revocation");
    assert_eq!(anonymous_sessions(&server).await, 0);
    server.browser().get(&format!("/join/{code}")).await;
    assert_eq!(anonymous_sessions(&server).await, 1);
}

/// A private room's code.
async fn invitation(owner: &mut Browser) -> String {
    let fields = [("name", "Huerto"), ("visibility", "private")];
    let room = owner.submit("/rooms", &fields).await.path;
    let page = owner.get(&format!("{room}/settings")).await;
    let link = page.text.split("/join/").nth(1).expect("a link");
    link.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
}

/// Whether this page shows the invitation.
fn shows(page: &Page, code: &str) -> bool {
    page.path == format!("/join/{code}") && page.text.contains("Huerto")
}

#[tokio::test]
async fn invitation_is_followed_after_any_way_to_sign_in() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let code = invitation(&mut ana).await;
    let code = code.replace('-', "");
    server.browser_as("luis").await;
    let invited = async || {
        let mut browser = server.browser();
        assert_eq!(browser.get(&format!("/join/{code}")).await.path, "/login");
        browser
    };
    let mut new = invited().await;
    // Other pages may be opened in between.
    new.get("/login").await;
    new.get("/register").await;
    assert!(shows(&new.register("eva").await, &code), "after registering");
    assert!(shows(&invited().await.login("luis", PASSWORD).await, &code), "after signing in");
    let mut wrong = invited().await;
    wrong.login("luis", "wrong-password").await;
    assert!(shows(&wrong.login("luis", PASSWORD).await, &code), "after a wrong password");
    ana.submit("/admin/sign-up", &[("signup", "closed")]).await;
    let closed = server.browser().get("/register").await;
    assert!(closed.all("input[name=name]").is_empty(), "registration is closed");
    assert!(shows(&invited().await.login("luis", PASSWORD).await, &code), "registration closed");
    let page = ana.submit("/admin/people/link", &[("user", "2")]).await;
    let link = page.attribute("#link a", "href").expect("a link");
    let (_, link) = link.split_once("/reset/").expect("a reset link");
    let fields = [("password", NEW_PASSWORD), ("password_confirmation", NEW_PASSWORD)];
    let page = invited().await.submit(&format!("/reset/{link}"), &fields).await;
    assert!(shows(&page, &code), "after a password link");
    // It is followed once.
    new.submit("/logout", &[]).await;
    assert_eq!(new.login("eva", PASSWORD).await.path, "/rooms/1");
    assert_eq!(anonymous_sessions(&server).await, 0);
}

#[tokio::test]
async fn invitation_is_kept_for_ten_minutes_by_its_browser_only() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let code = invitation(&mut ana).await.replace('-', "");
    let path = format!("/join/{code}");
    server.browser_as("luis").await;
    let (mut early, mut late, mut other) = (server.browser(), server.browser(), server.browser());
    early.get(&path).await;
    late.get(&path).await;
    server.advance(Duration::from_secs(599));
    assert_eq!(other.login("luis", PASSWORD).await.path, "/rooms/1");
    assert!(shows(&early.login("luis", PASSWORD).await, &code));
    assert_eq!(late.get("/login").await.path, "/login");
    server.advance(Duration::from_secs(2));
    assert_eq!(late.login("luis", PASSWORD).await.path, "/rooms/1");
    let mut again = server.browser();
    again.get(&path).await;
    assert!(shows(&again.login("luis", PASSWORD).await, &code));
}

#[tokio::test]
async fn what_is_no_code_is_kept_in_the_address() {
    let server = Server::start().await;
    server.browser_as("ana").await;
    assert_eq!(server.browser().get("/join/x").await.path, "/login?next=%2Fjoin%2Fx");
    assert_eq!(anonymous_sessions(&server).await, 0);
    // Above the rate, nothing is stored, and the invitation is followed all the same.
    let server = Server::with(&["--rate-limit=on"]).await;
    let mut ana = server.browser_as("ana").await;
    let code = invitation(&mut ana).await.replace('-', "");
    let path = format!("/join/{code}");
    for _ in 0..20 {
        assert_eq!(server.browser().get(&path).await.path, "/login");
    }
    assert_eq!(server.browser().get(&path).await.path, format!("/login?next=%2Fjoin%2F{code}"));
    server.advance(Duration::from_secs(31));
    assert_eq!(server.browser().get(&path).await.path, "/login");
}

#[tokio::test]
async fn an_address_has_twenty_anonymous_sessions_and_the_oldest_ends() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let code = invitation(&mut ana).await.replace('-', "");
    let path = format!("/join/{code}");
    server.browser_as("luis").await;
    let mut browsers: Vec<Browser> = (0..21).map(|_| server.browser()).collect();
    for browser in &mut browsers {
        server.advance(Duration::from_secs(1));
        browser.get(&path).await;
    }
    assert_eq!(anonymous_sessions(&server).await, 20);
    // Another address has its own.
    let elsewhere = Browser::plain().get(server.url(&path)).header("x-forwarded-for", "192.0.2.7");
    assert_eq!(elsewhere.send().await.expect("an answer").status(), StatusCode::SEE_OTHER);
    assert_eq!(anonymous_sessions(&server).await, 21);
    assert_eq!(browsers[0].login("luis", PASSWORD).await.path, "/rooms/1");
    assert!(shows(&browsers[1].login("luis", PASSWORD).await, &code));
}

#[tokio::test]
async fn an_installation_has_a_thousand_anonymous_sessions_and_the_oldest_ends() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let code = invitation(&mut ana).await;
    let db = server.storage().open().await;
    execute(
        &db,
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000)
         insert into sessions (hash, network, created_at, expires_at)
         select randomblob(32), randomblob(32), i, 9000000000000 from n",
        "insert into sessions (hash, network, created_at, expires_at)
         select sha256(i::text::bytea), sha256(i::text::bytea), i, 9000000000000
         from generate_series(1, 1000) i",
    )
    .await;
    server.browser().get(&format!("/join/{code}")).await;
    let oldest = "select min(created_at) from sessions where user_id is null";
    assert_eq!(numbers(&db, oldest).await, [2]);
    db.close().await;
    assert_eq!(anonymous_sessions(&server).await, 1000);
    assert_eq!(all_sessions(&server).await, 1001, "those of users stay");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anonymous_sessions_are_swept_and_never_exported() {
    let mut server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let code = invitation(&mut ana).await;
    server.browser().get(&format!("/join/{code}")).await;
    assert_eq!(ana.get("/settings").await.all(".session__agent").len(), 1);
    let changes = count(&server, "select count(*) from changes").await;
    server.advance(11 * MINUTE);
    let accounts: patio::chat::accounts::Accounts = server.state().service();
    accounts.prune().await.expect("pruned");
    assert_eq!(all_sessions(&server).await, 1);
    assert_eq!(count(&server, "select count(*) from changes").await, changes, "no revocation");
    server.browser().get(&format!("/join/{code}")).await;
    assert_eq!(anonymous_sessions(&server).await, 1);
    server.stop().await;
    let folder = tempfile::tempdir().expect("a directory");
    let export = folder.path().join("export");
    success(&patio(server.storage(), &["export", text(&export), "--full"]));
    let exported = std::fs::read_to_string(export.join("secrets/sessions.jsonl")).expect("text");
    assert_eq!(exported.lines().count(), 1, "{exported}");
}

/// Submits a form that needs the current password, and says whether it was accepted.
async fn changes_address(browser: &mut Browser, email: &str, password: &str) -> bool {
    let fields = [("email", email), ("current_password", password)];
    browser.submit("/settings/email", &fields).await.status == StatusCode::OK
}

/// How many forms ask for the current password, and how many say that it was confirmed.
async fn asking(browser: &mut Browser) -> (usize, usize) {
    let page = browser.get("/settings").await;
    (page.all("input[name=current_password]").len(), page.all("[data-confirmed]").len())
}

#[tokio::test]
async fn confirmed_password_is_not_asked_for_again_within_five_minutes() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let mut elsewhere = server.browser();
    elsewhere.login("ana", PASSWORD).await;
    assert_eq!(asking(&mut ana).await, (3, 0), "signing in is no confirmation");
    assert!(!changes_address(&mut ana, "b@example.test", "").await);
    let token = [("label", "bot"), ("expires_in", ""), ("current_password", PASSWORD)];
    assert_eq!(ana.submit("/settings/tokens", &token).await.status, StatusCode::OK);
    assert_eq!(asking(&mut ana).await, (0, 3));
    assert_eq!(asking(&mut elsewhere).await, (3, 0), "only in the session where it was entered");
    assert!(!changes_address(&mut elsewhere, "b@example.test", "").await);
    assert!(!changes_address(&mut ana, "b@example.test", "wrong-password").await);
    assert!(changes_address(&mut ana, "b@example.test", "").await);
    let token = [("label", "another"), ("expires_in", "")];
    assert_eq!(ana.submit("/settings/tokens", &token).await.status, StatusCode::OK);
    // The new password is confirmed as well, but not for longer.
    server.advance(4 * MINUTE);
    let new = [("password", NEW_PASSWORD), ("password_confirmation", NEW_PASSWORD)];
    assert_eq!(ana.submit("/settings/password", &new).await.status, StatusCode::OK);
    assert!(changes_address(&mut ana, "c@example.test", "").await);
    server.advance(MINUTE);
    assert!(!changes_address(&mut ana, "d@example.test", "").await);
    assert_eq!(asking(&mut ana).await, (3, 0));
    let page = ana.submit("/settings/tokens", &token).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(page.one("#token_password-note"), "Enter your current password.");
    assert!(changes_address(&mut ana, "d@example.test", NEW_PASSWORD).await);
    assert_eq!(asking(&mut ana).await, (0, 3));
    // A new session starts without.
    ana.login("ana", NEW_PASSWORD).await;
    assert_eq!(asking(&mut ana).await, (3, 0));
}

#[tokio::test]
async fn right_password_is_confirmed_even_if_the_change_is_refused() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    server.browser_as("luis").await;
    assert!(!changes_address(&mut ana, "luis@example.test", PASSWORD).await);
    assert_eq!(asking(&mut ana).await, (0, 3));
    // The proof is of one password.
    let db = server.storage().open().await;
    let other = "update users set password_hash = 'other' where id = 1";
    execute(&db, other, other).await;
    db.close().await;
    assert!(!changes_address(&mut ana, "b@example.test", "").await);
}

#[tokio::test]
async fn only_pages_read_the_session() {
    let server = Server::start().await;
    let ana = server.browser_as("ana").await;
    let api = server.api("ana").await;
    let db = server.storage().open().await;
    let asset = {
        let mut browser = server.browser();
        let page = browser.get("/login").await;
        page.attribute("link[rel=stylesheet]", "href").expect("a style sheet")
    };
    let status = async |path: &str, bearer: bool| {
        let request = Browser::plain().get(server.url(path)).header("cookie", ana.cookie());
        let request = if bearer { request.bearer_auth(api.token()) } else { request };
        let response = request.send().await.expect("an answer");
        (response.status().as_u16(), response.text().await.expect("a body"))
    };
    for (statement, page) in [
        ("alter table sessions rename to hidden", 500),
        ("alter table hidden rename to sessions", 200),
    ] {
        try_execute(&db, statement).await.expect("renamed");
        for path in [asset.as_str(), "/up", "/metrics"] {
            assert_eq!(status(path, false).await.0, 200, "{path}");
        }
        assert_eq!(status("/api/v1/me", true).await.0, 200);
        let (found, text) = status("/rooms/1", false).await;
        assert_eq!(found, page);
        assert!(text.contains("<h1"), "a page: {text}");
        let stranger = server.browser().get("/login").await;
        assert_eq!(stranger.status, StatusCode::OK, "without a cookie there is nothing to read");
    }
    db.close().await;
}

/// The library stores the session of an invitation after the handler.
#[tokio::test]
async fn session_that_cannot_be_stored_is_an_error_page() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let code = invitation(&mut ana).await;
    let path = format!("/join/{code}");
    let db = server.storage().open().await;
    execute(
        &db,
        "create trigger refuse before insert on sessions begin select raise(abort, 'refused'); end",
        "create function refuse() returns trigger language plpgsql as
           $$ begin raise 'refused'; end $$;
         create trigger refuse before insert on sessions for each row execute function refuse()",
    )
    .await;
    let mut visitor = server.browser();
    for page in [visitor.get(&path).await, visitor.login("ana", PASSWORD).await] {
        assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(page.all("h1").len(), 1, "{}", page.text);
    }
    execute(&db, "drop trigger refuse", "drop trigger refuse on sessions").await;
    db.close().await;
    assert_eq!(visitor.get(&path).await.path, "/login");
    assert_eq!(visitor.login("ana", PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_disk_is_the_reason_on_the_page() {
    let (data, disk) = (tempfile::tempdir().expect("a directory"), Disk::new());
    let server = Process::start(data.path(), &disk.environment());
    let mut ana = Browser::new(server.origin());
    ana.register("ana").await;
    let code = invitation(&mut ana).await;
    let path = format!("/join/{code}");
    disk.fail("full");
    let mut visitor = Browser::new(server.origin());
    for page in [visitor.get(&path).await, ana.submit("/logout", &[]).await] {
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(page.text.contains("disk is full"), "{}", page.text);
        assert!(page.headers.contains_key("retry-after"));
    }
    disk.recover("full");
    assert_eq!(visitor.get(&path).await.path, "/login");
    assert_eq!(ana.submit("/logout", &[]).await.path, "/login");
}

#[tokio::test]
async fn lost_database_is_a_503() {
    if !Storage::is_on_postgres() {
        return;
    }
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    server.storage().set_reachable(false).await;
    let page = ana.get("/rooms/1").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.headers.contains_key("retry-after"));
    server.storage().set_reachable(true).await;
    let is_back = async || ana.get("/rooms/1").await.status == StatusCode::OK;
    eventually("the database is back", is_back).await;
}

#[tokio::test]
async fn form_on_the_page_of_another_user_is_refused() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let mut tom = server.browser_as("ñandú").await;
    let account = ana.get("/settings").await.attribute("body", "data-account").expect("an account");
    let own = tom.get("/settings").await.attribute("body", "data-account").expect("an account");
    let encoded = own.replace('ñ', "%C3%B1").replace('ú', "%C3%BA");
    for path in ["/settings/name", "/rooms", "/rooms/1/messages", "/logout"] {
        for (sent, is_refused) in [(Some(&account), true), (Some(&encoded), false), (None, false)] {
            let fields = [("display_name", "Ñandú"), ("name", ""), ("body", "hola")];
            let mut request = Browser::plain().post(server.url(path)).form(&fields);
            request = request.header("origin", server.url("")).header("cookie", tom.cookie());
            if let Some(account) = sent {
                request = request.header("patio-account", account);
            }
            let status = request.send().await.expect("an answer").status();
            assert_eq!(status == StatusCode::CONFLICT, is_refused, "{path} {sent:?} {status}");
            if path == "/settings/name" {
                let names = tom.get("/people").await.text.contains("Ñandú");
                assert_eq!(names, !is_refused, "{sent:?}");
            }
        }
    }
}
