//! Rate limits: one rate per user over pages, API and live connections, and limits for requests
//! without authentication.
#![expect(clippy::string_slice, reason = "the indices come from searches in the text")]

use std::fs;
use std::path::Path;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Api, Browser, Server, within};

const TOO_MANY: StatusCode = StatusCode::TOO_MANY_REQUESTS;

async fn throttled() -> Server {
    Server::with(&["--rate-limit=on"]).await
}

/// Sends a call `times` times and returns how many were not answered with a 429.
async fn passed(api: &Api, times: usize, method: Method, path: &str, body: Value) -> usize {
    let mut passed = 0;
    for _ in 0..times {
        let body = Some(body.clone());
        let (status, wait) = api.status(method.clone(), path, body).await;
        if status == TOO_MANY {
            let wait: u64 = wait.expect("a time to wait").parse().expect("seconds");
            assert!((1..=60).contains(&wait), "{path}: {wait}");
        } else {
            passed += 1;
        }
    }
    passed
}

async fn use_up_writes(api: &Api) {
    assert_eq!(passed(api, 201, Method::PUT, "/rooms/1/read", json!({"seq": 0})).await, 200);
}

/// All page routes that change something, read from the sources.
fn forms() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pages");
    let mut found = Vec::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).expect("text");
            for (at, _) in text.match_indices(".route(") {
                let rest = &text[at..];
                let end = rest[7..].find(".route(").map_or(rest.len(), |end| end + 7);
                let route = rest[..end].split('"').nth(1).expect("a path");
                if rest[..end].split('\n').take(6).any(|line| line.contains("post(")) {
                    found.push(route.to_owned());
                }
            }
        }
    }
    assert!(found.len() > 25, "the test sees the routes: {found:?}");
    found
}

fn filled_in(route: &str) -> String {
    let parts = route.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn every_changing_route_has_a_rate_limit() {
    let server = throttled().await;
    let mut ana = server.browser_as("ana").await;
    let api = server.api("ana").await;
    let rooms = async |name: String| {
        let room = json!({"name": name, "visibility": "public"});
        api.status(Method::POST, "/rooms", Some(room)).await.0
    };
    for n in 0..20 {
        assert_eq!(rooms(format!("r{n}")).await, StatusCode::CREATED);
    }
    assert_eq!(rooms("one more".to_owned()).await, TOO_MANY);
    assert_eq!(passed(&api, 21, Method::POST, "/join", json!({"code": "none"})).await, 20);
    // A form with one file, 100 times. What is in it does not matter.
    assert_eq!(passed(&api, 101, Method::POST, "/files", json!({})).await, 100);
    use_up_writes(&api).await;
    for route in forms().iter().filter(|route| *route != "/logout") {
        let page = ana.submit(&filled_in(route), &[("body", "kept"), ("password", "not")]).await;
        assert_eq!(page.status, TOO_MANY, "{route}");
        assert!(page.headers.contains_key("retry-after"), "{route}");
        assert_eq!(page.one("textarea[name=body]"), "kept", "{route}");
        assert!(!page.text.contains("\"not\""), "{route}: passwords are not shown");
    }
    let reference = api.get("/openapi.json").await;
    let mut calls = 0;
    for (route, methods) in reference["paths"].as_object().expect("paths") {
        let methods = methods.as_object().expect("methods").keys();
        let reads = ["get", "head", "options"];
        for method in methods.filter(|method| !reads.contains(&method.as_str()) && method.len() < 8)
        {
            let call = route.strip_prefix("/api/v1").unwrap_or(route);
            if call == "/tokens/current" {
                continue;
            }
            let name: Method = method.to_uppercase().parse().expect("a method");
            let (status, wait) = api.status(name, &filled_in(call), Some(json!({}))).await;
            assert_eq!(status, TOO_MANY, "{method} {route}");
            assert!(wait.is_some(), "{method} {route}");
            calls += 1;
        }
    }
    assert!(calls > 12, "the test sees the calls: {calls}");
    // Reading and signing out still work, and other users have their own rates.
    assert_eq!(ana.get("/rooms/1").await.status, StatusCode::OK);
    assert_eq!(api.get("/me").await["name"], "ana");
    server.api("luis").await.say("hello").await;
    assert_eq!(ana.submit("/logout", &[]).await.path, "/login");
    api.ok(Method::DELETE, "/tokens/current", None).await;
}

#[tokio::test]
async fn pages_api_and_live_connections_share_one_rate_per_user() {
    let server = throttled().await;
    let mut ana = server.browser_as("ana").await;
    let api = server.api("ana").await;
    let mut live = [api.live().await, api.live().await];
    let mut sent = 0;
    for round in 0..40 {
        assert_eq!(ana.say(&format!("page {round}")).await.status, StatusCode::OK);
        api.say(&format!("call {round}")).await;
        for socket in &mut live {
            let body = format!("live {round}");
            socket.send(json!({"type": "post", "room": 1, "body": body})).await;
            socket.until("posted").await;
        }
        sent += 4;
    }
    assert_eq!(passed(&api, 50, Method::PUT, "/rooms/1/read", json!({"seq": 1})).await, 200 - sent);
    // Pages, API and live connections all refuse, each with the time to wait.
    let page = ana.say("too much").await;
    assert_eq!((page.status, page.one("textarea[name=body]").as_str()), (TOO_MANY, "too much"));
    live[1].send(json!({"type": "post", "room": 1, "body": "x", "nonce": "n1"})).await;
    let error = live[1].until("error").await;
    assert_eq!((&error["status"], &error["nonce"]), (&json!(429), &json!("n1")));
    assert_eq!(error["retry_after"], 1);
    // A second later fifty more pass, and the refused post is accepted under its nonce.
    server.advance(std::time::Duration::from_secs(1));
    live[1].send(json!({"type": "post", "room": 1, "body": "x", "nonce": "n1"})).await;
    live[1].until("posted").await;
    assert_eq!(passed(&api, 60, Method::PUT, "/rooms/1/read", json!({"seq": 1})).await, 49);
    // A client that continues to send frames is disconnected; its other connections stay.
    for _ in 0..250 {
        live[0].send_text("{\"type\":\"ping\"}").await;
    }
    assert_eq!(live[0].closed().await, 4429);
    live[1].send(json!({"type": "ping"})).await;
    live[1].until("pong").await;
}

#[tokio::test]
async fn commands_count_as_their_action_and_keep_their_text() {
    let server = throttled().await;
    let mut ana = server.browser_as("ana").await;
    let api = server.api("ana").await;
    for name in ["l0", "l1", "l2", "l3", "l4", "o0", "o1", "o2", "o3", "o4", "m1"] {
        server.api(name).await;
    }
    let direct =
        async |name: &str| api.status(Method::POST, "/direct", Some(json!({"name": name}))).await.0;
    // Pages, calls and commands in turn: 20 new rooms and direct messages in all.
    for n in 0..5 {
        let made =
            ana.submit("/rooms", &[("name", &format!("p{n}")), ("visibility", "public")]).await;
        assert_eq!(made.status, StatusCode::OK);
        assert_eq!(ana.say(&format!("/create c{n}")).await.status, StatusCode::OK);
        assert_eq!(direct(&format!("l{n}")).await, StatusCode::OK);
        assert_eq!(ana.say(&format!("/private o{n} hola")).await.status, StatusCode::OK);
    }
    for text in ["/create another", "/private m1 hola", "#cR another"] {
        let page = ana.say(text).await;
        assert_eq!((page.status, page.one("textarea[name=body]")), (TOO_MANY, text.to_owned()));
        assert!(page.headers.contains_key("retry-after"), "{text}");
    }
    let page = ana.submit("/direct/m1/messages", &[("body", "hola")]).await;
    assert_eq!((page.status, page.one("textarea[name=body]").as_str()), (TOO_MANY, "hola"));
    assert_eq!(direct("m1").await, TOO_MANY);
    // Existing direct messages can be opened and written to without this limit.
    assert_eq!(passed(&api, 30, Method::POST, "/direct", json!({"name": "l1"})).await, 30);
    assert_eq!(ana.say("/private o1 hola").await.status, StatusCode::OK);
    let page = ana.submit("/direct/o1/messages", &[("body", "hola")]).await;
    assert_eq!(page.status, StatusCode::OK);
    // Joins have their own rate, shared by all endpoints.
    for n in 0..20 {
        let text = if n % 2 == 0 { "/join lobby" } else { "#gR lobby" };
        assert_eq!(ana.say(text).await.status, StatusCode::OK, "{n}");
    }
    assert_eq!(ana.say("/join lobby").await.one("textarea[name=body]"), "/join lobby");
    assert_eq!(ana.submit("/rooms/1/join", &[]).await.status, TOO_MANY);
    assert_eq!(passed(&api, 1, Method::POST, "/join", json!({"code": "x"})).await, 0);
    server.advance(std::time::Duration::from_mins(1));
    assert_eq!(ana.say("/create another").await.status, StatusCode::OK);
    assert_eq!(ana.say("/create yet another").await.status, TOO_MANY);
}

#[tokio::test]
async fn refused_room_creation_does_not_count() {
    let server = throttled().await;
    let ana = server.api("ana").await;
    let wrong = json!({"name": "", "visibility": "public"});
    assert_eq!(passed(&ana, 40, Method::POST, "/rooms", wrong).await, 40);
    ana.post("/rooms", json!({"name": "Garden", "visibility": "public"})).await;
}

#[tokio::test]
async fn page_and_api_searches_share_one_rate() {
    let server = throttled().await;
    let mut ana = server.browser_as("ana").await;
    let api = server.api("ana").await;
    for _ in 0..10 {
        assert_eq!(ana.get("/search?q=hola").await.status, StatusCode::OK);
        api.get("/search?q=hola").await;
    }
    let page = ana.get("/search?q=hola").await;
    assert_eq!(page.status, TOO_MANY);
    assert!(page.headers.contains_key("retry-after"));
    assert_eq!(api.status(Method::GET, "/search?q=hola", None).await.0, TOO_MANY);
    assert_eq!(ana.get("/search").await.status, StatusCode::OK, "the page itself is none");
    server.advance(std::time::Duration::from_millis(500));
    assert_eq!(ana.get("/search?q=hola").await.status, StatusCode::OK);
}

#[tokio::test]
async fn user_uploads_one_file_at_a_time_others_are_independent() {
    let server = throttled().await;
    let mut ana = server.browser_as("ana").await;
    let mut luis = server.browser_as("luis").await;
    // An upload that stops in the middle.
    let mut slow = TcpStream::connect(server.address).await.expect("connected");
    let head = format!(
        "POST /settings/picture HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nExpect: 100-continue\r\n\
         Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000\r\n\r\n",
        server.address,
        ana.cookie()
    );
    slow.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = [0; 12];
    slow.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 100", "the file is being read");
    let picture = || b"no picture".to_vec();
    assert_eq!(ana.upload("/settings/picture", "picture", picture()).await.status, TOO_MANY);
    let other = luis.upload("/settings/picture", "picture", picture()).await.status;
    assert_eq!(other, StatusCode::UNPROCESSABLE_ENTITY, "the picture was checked");
    assert_eq!(ana.say("meanwhile").await.status, StatusCode::OK);
    slow.write_all(&[b'x'; 1000]).await.expect("sent");
    let mut rest = Vec::new();
    let response = async {
        while !rest.ends_with(b"</html>\n") && !rest.ends_with(b"</html>") {
            assert_ne!(slow.read_buf(&mut rest).await.expect("an answer"), 0);
        }
    };
    within("the response is complete", response).await;
    let done = ana.upload("/settings/picture", "picture", picture()).await.status;
    assert_eq!(done, StatusCode::UNPROCESSABLE_ENTITY, "the next upload is accepted");
}

#[tokio::test]
async fn without_rate_limits_nothing_is_refused() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    assert_eq!(passed(&ana, 300, Method::PUT, "/rooms/1/read", json!({"seq": 0})).await, 300);
    assert_eq!(passed(&ana, 60, Method::POST, "/join", json!({"code": "none"})).await, 60);
    assert_eq!(passed(&ana, 60, Method::GET, "/search?q=x", Value::Null).await, 60);
}

#[tokio::test]
async fn sign_ups_are_limited_by_address_network_and_in_total() {
    let server = throttled().await;
    let client = Browser::plain();
    let url = server.url("/api/v1/users");
    let passed = async |addresses: Vec<String>| {
        let mut passed = 0;
        for address in addresses {
            let request = client.post(&url).header("x-forwarded-for", address).json(&json!({}));
            let status = request.send().await.expect("an answer").status();
            passed += usize::from(status != TOO_MANY);
        }
        passed
    };
    let one = |n: usize| vec!["203.0.113.7".to_owned(); n];
    assert_eq!(passed(one(60)).await, 40);
    let same_network = (1..=250).map(|n| format!("198.51.100.{n}")).collect();
    assert_eq!(passed(same_network).await, 200, "a /24 has room for five addresses' worth");
    let flood = (0..1_000).map(|n| format!("2001:db8:{n:x}:{n:x}::1")).collect();
    assert_eq!(passed(flood).await, 160, "and all together have some");
    server.advance(std::time::Duration::from_secs(2));
    assert_eq!(passed(one(1)).await, 0, "clients over the limit wait longer");
    assert_eq!(passed(vec!["192.0.2.1".to_owned()]).await, 1);
}
