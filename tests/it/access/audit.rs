//! The audit log: what is recorded, who reads it, and that nothing changes it.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Server, command::patio, try_execute};

const LUIS: &str = "2";

fn actions(log: &Value) -> Vec<String> {
    let items = log["items"].as_array().expect("items");
    items.iter().map(|entry| entry["action"].as_str().expect("an action").to_owned()).collect()
}

#[tokio::test]
async fn account_changes_by_administrators_are_recorded_once() {
    let server = Server::start().await;
    let (mut ana, api) = (server.browser_as("ana").await, server.api("ana").await);
    server.browser_as("luis").await;
    let luis_id = [("user", LUIS)];
    let role = |role| [("user", LUIS), ("role", role)];
    // The last administrator can be neither demoted nor closed, so nothing is recorded.
    ana.submit("/admin/people/role", &[("user", "1"), ("role", "member")]).await;
    ana.submit("/admin/people/close", &[("user", "1")]).await;
    for _ in 0..2 {
        ana.submit("/admin/people/role", &role("admin")).await;
    }
    ana.submit("/admin/people/role", &role("member")).await;
    ana.submit("/admin/people/link", &luis_id).await;
    for path in ["/admin/people/close", "/admin/people/open"] {
        ana.submit(path, &luis_id).await;
        ana.submit(path, &luis_id).await;
    }
    for word in ["closed", "open"] {
        ana.submit("/admin/sign-up", &[("signup", word)]).await;
    }
    let log = api.get("/audit").await;
    let expected = [
        "sign_up.open",
        "sign_up.close",
        "user.reopen",
        "user.close",
        "user.reset_link",
        "user.demote",
        "user.promote",
    ];
    assert_eq!(actions(&log), expected);
    for entry in log["items"].as_array().expect("items") {
        assert_eq!(
            entry["actor"],
            json!({"id": 1, "name": "ana", "display_name": "ana", "bot": false})
        );
    }
    let subject = json!({"kind": "user", "id": 2, "name": "luis"});
    assert_eq!(log["items"][2]["subject"], subject);
    assert_eq!(log["items"][0]["subject"], json!({"kind": "settings", "id": null, "name": null}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_are_recorded_without_an_actor() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    server.browser_as("luis").await;
    for words in [["user", "promote", "luis"], ["user", "deactivate", "luis"]] {
        let done = patio(server.storage(), &words);
        assert!(done.status.success(), "{words:?}");
    }
    let log = ana.get("/audit").await;
    assert_eq!(actions(&log), ["user.close", "user.promote"]);
    assert!(log["items"][0]["actor"].is_null() && log["items"][1]["actor"].is_null());
    let mut browser = server.browser();
    browser.login("ana", crate::support::PASSWORD).await;
    let page = browser.get("/admin/audit").await;
    assert_eq!(page.all(".audit-log b"), ["Command line", "Command line"]);
}

#[tokio::test]
async fn only_administrators_read_the_log_in_pages() {
    let server = Server::start().await;
    let (mut ana, api) = (server.browser_as("ana").await, server.api("ana").await);
    let (mut luis, his) = (server.browser_as("luis").await, server.api("luis").await);
    for _ in 0..26 {
        ana.submit("/admin/people/close", &[("user", LUIS)]).await;
        ana.submit("/admin/people/open", &[("user", LUIS)]).await;
    }
    let (mut before, mut ids) = (String::new(), Vec::new());
    for request in 1.. {
        assert!(request < 10, "paging does not end");
        let page = api.get(&format!("/audit?limit=20{before}")).await;
        let items = page["items"].as_array().expect("items");
        ids.extend(items.iter().map(|entry| entry["id"].as_i64().expect("an id")));
        if page["more"] == false {
            break;
        }
        assert_eq!(items.len(), 20);
        before = format!("&before={}", ids.last().expect("one"));
    }
    assert_eq!(ids.len(), 52);
    assert!(ids.is_sorted_by(|one, next| one > next), "{ids:?}");
    let first = ana.get("/admin/audit").await;
    assert_eq!(first.all(".audit-log li").len(), 50);
    let earlier = first.attribute("a[rel=next]", "href").expect("a link");
    let last = ana.get(&earlier).await;
    assert_eq!((last.all(".audit-log li").len(), last.all("a[rel=next]").len()), (2, 0));
    ana.language = "es";
    assert!(ana.get("/admin/audit").await.text.contains("cerró la cuenta de @luis"));
    // Closing the account revoked its sessions.
    let (refused, redirected) =
        (his.refused(reqwest::Method::GET, "/audit", None).await, luis.get("/admin/audit").await);
    assert_eq!(
        (refused.status, redirected.path.as_str()),
        (StatusCode::UNAUTHORIZED, "/login?next=%2Fadmin%2Faudit")
    );
    let his = server.api("luis").await;
    luis.login("luis", crate::support::PASSWORD).await;
    assert_eq!(
        his.refused(reqwest::Method::GET, "/audit", None).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(luis.get("/admin/audit").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn database_refuses_to_change_or_delete_an_entry() {
    let server = Server::start().await;
    let (mut ana, api) = (server.browser_as("ana").await, server.api("ana").await);
    ana.submit("/admin/sign-up", &[("signup", "closed")]).await;
    let db = server.storage().open().await;
    for statement in ["update audit set actor_id = null", "delete from audit"] {
        assert!(try_execute(&db, statement).await.is_err(), "{statement}");
    }
    assert!(try_execute(&db, "update users set display_name = 'Ana'").await.is_ok());
    assert_eq!(actions(&api.get("/audit").await), ["sign_up.close"]);
}
