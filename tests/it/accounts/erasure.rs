//! Closing an account, with or without erasing the user's messages.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::command::{patio, success};
use crate::support::{Api, Browser, Server, eventually, numbers};

const LUIS: &str = "2";
const LEFT: &str = "select count(*) from messages where author_id = 2 and deleted_at is null";

async fn bodies(user: &Api, room: &Value) -> Vec<String> {
    let all = user.get(&format!("/rooms/{room}/messages?limit=100")).await;
    let items = all["items"].as_array().expect("items");
    items.iter().map(|message| message["body"].as_str().expect("text").to_owned()).collect()
}

/// Waits until the list of accounts shows this state for luis.
async fn until_erased(ana: &mut Browser, expected: &str) {
    let state = async || ana.get("/admin").await.all(".erasure") == [expected];
    eventually(expected, state).await;
}

#[tokio::test]
async fn closing_an_account_needs_a_confirmation_page() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    luis.submit("/settings/name", &[("display_name", "Luis B.")]).await;
    let list = ana.get("/admin").await;
    assert_eq!(list.all("form[action='/admin/people/close']").len(), 0);
    let confirmation = list.attribute("a[href$='/close']", "href").expect("a link");
    assert_eq!(confirmation, "/admin/people/2/close");
    let page = ana.get(&confirmation).await;
    assert_eq!(page.one("#close button"), "Close account of Luis B.");
    assert_eq!(
        page.attribute("#close button", "class").as_deref(),
        Some("btn btn--danger btn--small")
    );
    assert_eq!(luis.get("/rooms/1").await.status, StatusCode::OK, "nothing has happened yet");
    for (user, path, status) in
        [(&mut luis, confirmation.as_str(), 403), (&mut ana, "/admin/people/9/close", 404)]
    {
        assert_eq!(user.get(path).await.status.as_u16(), status);
    }
    let page = ana.submit("/admin/people/close", &[("user", LUIS)]).await;
    assert!(page.one("#status").contains("Luis B."));
    assert_eq!(luis.get("/rooms/1").await.path, "/login?next=%2Frooms%2F1");
    assert_eq!(page.all("form[action='/admin/people/open']").len(), 1, "the way back");
    ana.submit("/admin/people/open", &[("user", LUIS)]).await;
    luis.login("luis", crate::support::PASSWORD).await;
    assert_eq!(luis.get("/rooms/1").await.status, StatusCode::OK);
    let log = server.api("ana").await.get("/audit").await;
    let actions: Vec<_> =
        log["items"].as_array().expect("items").iter().map(|e| &e["action"]).collect();
    assert_eq!(actions, ["user.reopen", "user.close"]);
}

#[tokio::test]
async fn erasure_deletes_all_messages_of_one_user_only() {
    let server = Server::start().await;
    let (mut ana, admin) = (server.browser_as("ana").await, server.api("ana").await);
    let (luis, eva) = (server.api("luis").await, server.api("eva").await);
    let private = luis.post("/rooms", json!({"name": "taller", "visibility": "private"})).await;
    eva.post("/join", json!({"code": private["code"]})).await;
    let direct = luis.post("/direct", json!({"name": "eva"})).await;
    let rooms = [json!(1), private["id"].clone(), direct["id"].clone()];
    for room in &rooms {
        let path = format!("/rooms/{room}/messages");
        for _ in 0..60 {
            luis.post(&path, json!({"body": "basura"})).await;
        }
        eva.post(&path, json!({"body": "@luis bueno"})).await;
        luis.post(&path, json!({"body": "más basura"})).await;
    }
    let deleted = luis.say("ya no").await["id"].clone();
    luis.ok(Method::DELETE, &format!("/messages/{deleted}"), None).await;
    let mut live = eva.live().await;
    live.open_room(1, None).await;
    ana.submit("/admin/people/close", &[("user", LUIS), ("erase", "1")]).await;
    let gone = live.until("message").await;
    assert_eq!(gone["message"]["deleted_by"], "moderator", "clients see each deletion");
    until_erased(&mut ana, "183 messages deleted").await;
    for room in &rooms {
        let left: Vec<String> =
            bodies(&eva, room).await.into_iter().filter(|b| !b.is_empty()).collect();
        assert_eq!(left, ["@luis bueno"], "room {room}");
    }
    let author = eva.get("/rooms/1/messages?after=62&limit=1").await;
    assert_eq!(author["items"][0]["deleted_by"], "author", "who deleted it first did");
    assert_eq!(eva.get("/search?q=basura").await["items"], json!([]));
    let log = admin.get("/audit").await;
    let actions: Vec<_> =
        log["items"].as_array().expect("items").iter().map(|e| &e["action"]).collect();
    assert_eq!(actions, ["user.erase_messages", "user.close"], "once for all of it");
}

#[tokio::test]
async fn closing_keeps_messages_and_erasure_can_follow_later() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let (luis, eva) = (server.api("luis").await, server.api("eva").await);
    luis.say("hola").await;
    let early = ana.submit("/admin/people/erase", &[("user", LUIS)]).await;
    assert_eq!(early.status, StatusCode::CONFLICT, "messages of an open account cannot be erased");
    ana.submit("/admin/people/close", &[("user", LUIS)]).await;
    assert_eq!(bodies(&eva, &json!(1)).await, ["hola"]);
    let page = ana.get("/admin/people/2/close").await;
    assert_eq!(page.one("#close button"), "Delete everything luis wrote");
    ana.submit("/admin/people/erase", &[("user", LUIS)]).await;
    until_erased(&mut ana, "1 message deleted").await;
    assert_eq!(bodies(&eva, &json!(1)).await, [""]);
    // Messages written after the account was reopened must not be erased.
    ana.submit("/admin/people/open", &[("user", LUIS)]).await;
    server.api("luis").await.say("de vuelta").await;
    assert_eq!(bodies(&eva, &json!(1)).await, ["", "de vuelta"]);
}

#[tokio::test]
async fn large_erasure_resumes_after_a_restart() {
    let server = Server::start().await;
    server.browser_as("ana").await;
    let luis = server.api("luis").await;
    for n in 0..30 {
        luis.say(&format!("basura {n}")).await;
    }
    let db = server.storage().open().await;
    // As if the job had been interrupted, with the progress that it had recorded.
    let half = "insert into erasures (user_id, requested_at, newest, before, deleted)
                values (2, 0, 30, 16, 15)";
    crate::support::try_execute(&db, half).await.expect("recorded");
    let job =
        "insert into jobs (kind, subject, due_at, created_at) values ('erase-messages', '2', 0, 0)";
    crate::support::try_execute(&db, job).await.expect("added");
    let server = server.restart().await;
    let db = server.storage().open().await;
    let jobs = "select count(*) from jobs where kind = 'erase-messages'";
    eventually("the job is done", async || numbers(&db, jobs).await == [0]).await;
    assert_eq!(numbers(&db, LEFT).await, [15], "it does not begin again");
    assert_eq!(
        numbers(&db, "select deleted from erasures where finished_at is not null").await,
        [30]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn erasure_can_be_started_from_the_command_line() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let luis = server.api("luis").await;
    luis.say("basura").await;
    success(&patio(server.storage(), &["user", "deactivate", "luis", "--delete-messages"]));
    // The command line uses the real clock, not the clock of the test's server.
    let db = server.storage().open().await;
    crate::support::try_execute(&db, "update jobs set due_at = 0").await.expect("due");
    until_erased(&mut ana, "1 message deleted").await;
}
