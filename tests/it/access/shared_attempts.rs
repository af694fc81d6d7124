//! Attempts of clients who are not known yet, at two servers on one `PostgreSQL`: both count together. On `SQLite`, where
//! each process counts alone, these tests return immediately.

use std::time::Duration;

use patio::limits;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Browser, PASSWORD, Server, Storage, eventually};

const TOO_MANY: u16 = 429;
const HOME: &str = "203.0.113.7";

/// Two servers on one database, and a client of both.
struct Both {
    servers: [Server; 2],
    client: Client,
}

impl Both {
    async fn start() -> Option<Self> {
        if !Storage::is_on_postgres() {
            return None;
        }
        let one = Server::with(&["--rate-limit=on"]).await;
        let two = one.second_with(&["--rate-limit=on"]).await;
        Some(Self { servers: [one, two], client: Browser::plain() })
    }

    /// The status of the answer to the `n`th request. They go to both servers in turn.
    async fn send(&self, n: usize, call: (Method, &str), body: &Value, from: &str) -> u16 {
        let (method, path) = call;
        let request = self.client.request(method, self.servers[n % 2].url(path));
        let request = request.header("x-forwarded-for", from).json(body);
        request.send().await.expect("an answer").status().as_u16()
    }

    /// How many of these requests are not refused.
    async fn passed(&self, times: usize, call: (Method, &str), body: &Value, from: &str) -> usize {
        let mut passed = 0;
        for n in 0..times {
            let status = self.send(n, call.clone(), body, from).await;
            passed += usize::from(status != TOO_MANY);
        }
        passed
    }
}

#[tokio::test]
async fn wrong_passwords_at_both_servers_count_together() {
    let Some(both) = Both::start().await else { return };
    for (name, at) in [("ana", "192.0.2.1"), ("luis", "192.0.2.2")] {
        let account = json!({
            "name": name, "email": format!("{name}@example.test"), "password": PASSWORD,
        });
        let made = both.send(0, (Method::POST, "/api/v1/users"), &account, at).await;
        assert_eq!(made, StatusCode::CREATED, "{name}");
    }
    let sign_in = (Method::POST, "/api/v1/tokens");
    let typed = |login: &str, password: &str| json!({"login": login, "password": password});
    // Right ones count nowhere.
    assert_eq!(both.passed(30, sign_in.clone(), &typed("ana", PASSWORD), HOME).await, 30);
    assert_eq!(both.passed(25, sign_in.clone(), &typed("ana", "not-it"), HOME).await, 20);
    let right = typed("ana", PASSWORD);
    for n in 0..2 {
        assert_eq!(both.send(n, sign_in.clone(), &right, HOME).await, TOO_MANY);
        // Another address may, and there another name.
        let elsewhere = both.send(n, sign_in.clone(), &right, "192.0.2.1").await;
        assert_eq!(elsewhere, StatusCode::CREATED);
    }
    let luis = typed("luis", PASSWORD);
    assert_eq!(both.send(0, sign_in.clone(), &luis, "192.0.2.2").await, StatusCode::CREATED);
    both.servers[0].advance(Duration::from_secs(15));
    assert_eq!(both.send(1, sign_in.clone(), &typed("ana", "not-it"), HOME).await, 401);
    assert_eq!(both.send(0, sign_in.clone(), &right, HOME).await, TOO_MANY, "one came back");
    both.servers[0].advance(Duration::from_secs(15));
    assert_eq!(both.send(0, sign_in, &right, HOME).await, StatusCode::CREATED);
}

#[tokio::test]
async fn other_attempts_at_both_servers_count_together() {
    let Some(both) = Both::start().await else { return };
    let (invalid, nothing) = (json!({}), Value::Null);
    let sign_up = (Method::POST, "/api/v1/users");
    let available = (Method::GET, "/register/available?name=ana");
    for (call, body, burst, every) in [
        (sign_up, &invalid, 40, limits::address::SIGN_UPS.every),
        (available, &nothing, 120, limits::address::AVAILABILITY.every),
    ] {
        assert_eq!(both.passed(burst + 5, call.clone(), body, HOME).await, burst, "{call:?}");
        assert_eq!(both.passed(2, call.clone(), body, "192.0.2.1").await, 2, "{call:?}");
        both.servers[0].advance(every);
        assert_eq!(both.passed(2, call.clone(), body, HOME).await, 1, "{call:?}");
    }
    // An invitation above the rate is kept in the address of the sign-in page.
    let mut kept = 0;
    for n in 0..25 {
        let request = both.client.get(both.servers[n % 2].url("/join/abcd-efgh-jkmn"));
        let request = request.header("x-forwarded-for", HOME).header("accept", "text/html");
        let answer = request.send().await.expect("an answer");
        kept += usize::from(answer.headers()["location"] == "/login");
    }
    assert_eq!(kept, 20);
}

#[tokio::test]
async fn an_attempt_that_cannot_be_counted_is_a_503() {
    let Some(both) = Both::start().await else { return };
    let available = (Method::GET, "/register/available?name=ana");
    let nothing = Value::Null;
    let storage = both.servers[0].storage();
    assert_eq!(both.send(0, available.clone(), &nothing, HOME).await, 200);
    storage.set_read_only(true).await;
    storage.end_connections().await;
    assert_eq!(both.send(0, available.clone(), &nothing, HOME).await, 503);
    storage.set_read_only(false).await;
    eventually("it is counted again", async || {
        both.send(0, available.clone(), &nothing, HOME).await == 200
    })
    .await;
}
