//! The log, and what must not appear in it at any level.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use patio::db::Db;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Api, Browser, Live, PASSWORD, TIMEOUT, execute};

const NEW_PASSWORD: &str = "otra-grapa-73-distinta";

/// A server that logs at the most verbose level, and its output.
struct VerboseServer {
    child: Child,
    lines: Receiver<String>,
    origin: String,
}

impl VerboseServer {
    fn start(data: &std::path::Path, filter: &str) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let mut child = Command::new(env!("CARGO_BIN_EXE_patio"))
            .env_clear()
            .env("DATA_DIR", data)
            .env("PORT", port.to_string())
            .env("LISTEN", "127.0.0.1")
            .env("LOG", filter)
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let log = BufReader::new(child.stderr.take().expect("a log")).lines();
        let (log_lines, lines) = channel();
        let reading = log.map_while(Result::ok).map(move |line| log_lines.send(line));
        drop(std::thread::spawn(move || reading.take_while(Result::is_ok).for_each(drop)));
        while !lines.recv_timeout(TIMEOUT).expect("a line").contains("Patio is running") {}
        Self { child, lines, origin: format!("http://127.0.0.1:{port}") }
    }

    /// Returns the next line, which is JSON, that `fits`.
    fn next(&self, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.lines.recv_timeout(TIMEOUT).expect("a line that fits");
            let line = serde_json::from_str(&line).expect("JSON");
            if fits(&line) {
                return line;
            }
        }
    }

    /// Stops the server and returns all lines that it logged.
    fn log_lines(&mut self) -> Vec<String> {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
        self.lines.iter().collect()
    }
}

impl Drop for VerboseServer {
    fn drop(&mut self) {
        // It may have exited already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn log_contains_no_secret_at_any_level() {
    for filter in ["trace", "tower_http=trace,hyper=trace,sqlx=trace,patio=trace"] {
        let data = tempfile::tempdir().expect("a directory");
        let mut server = VerboseServer::start(data.path(), filter);
        let base = format!("{}/api/v1", server.origin);
        let mut ana = Browser::new(server.origin.clone());
        ana.register("ana").await;
        let luis = Api::with_account(base.clone(), "luis").await;
        let page = ana.submit("/admin/people/link", &[("user", "2")]).await;
        let link = page.attribute("#link a", "href").expect("a link");
        let (_, link) = link.split_once("/reset/").expect("a reset link");
        let mut visitor = Browser::new(server.origin.clone());
        assert_eq!(visitor.get(&format!("/reset/{link}")).await.status, 200);
        let room = luis.post("/rooms", json!({"name": "shed", "visibility": "private"})).await;
        let code = room["code"].as_str().expect("a code").to_owned();
        ana.get(&format!("/join/{code}")).await;
        luis.post(&format!("/rooms/{}/messages", room["id"]), json!({"body": "palabra-privada"}))
            .await;
        luis.get("/search?q=palabra-privada").await;
        let url = format!("{}/live", base.replace("http", "ws"));
        let token = format!("Bearer {}", luis.token());
        Live::open(&url, "patio.v1", &[("authorization", &token)]).await.until("present").await;
        let wrong = [("login", "luis"), ("password", "no-es-esta-77")];
        visitor.submit("/login", &wrong).await;
        let fields = [("password", NEW_PASSWORD), ("password_confirmation", NEW_PASSWORD)];
        visitor.submit(&format!("/reset/{link}"), &fields).await;
        luis.send(Method::GET, "/nowhere?token=x", None).await;
        let cookies = [ana.cookie().to_owned(), visitor.cookie().to_owned()];
        let sessions = cookies.iter().filter_map(|cookie| cookie.split_once('='));
        let (link, token) = (link.to_owned(), luis.token().to_owned());
        let secrets =
            [PASSWORD, NEW_PASSWORD, "no-es-esta-77", &link, &token, &code, "palabra-privada"];
        let secrets = secrets.into_iter().chain(sessions.map(|(_, value)| value));
        let secrets: Vec<&str> = secrets.chain(["ana@example.test", "luis@example.test"]).collect();
        for line in server.log_lines() {
            for secret in &secrets {
                assert!(!line.contains(secret), "{filter}: {secret} is in {line}");
            }
        }
    }
}

fn is_access(line: &Value) -> bool {
    line["target"] == "patio::access"
}

#[tokio::test]
async fn each_request_is_logged_with_its_route() {
    let data = tempfile::tempdir().expect("a directory");
    let server = VerboseServer::start(data.path(), "info");
    let base = format!("{}/api/v1", server.origin);
    let mut visitor = Browser::new(server.origin.clone());
    visitor.get("/up").await;
    visitor.get("/reset/a-secret?lang=es").await;
    visitor.get("/nowhere/a-secret").await;
    let ana = Api::with_account(base.clone(), "ana").await;
    ana.get("/rooms/1/messages?limit=5").await;
    let url = format!("{}/live", base.replace("http", "ws"));
    let token = format!("Bearer {}", ana.token());
    drop(Live::open(&url, "patio.v1", &[("authorization", &token)]).await);
    let expected = [
        ("GET", json!("/reset/{link}"), 404),
        ("GET", Value::Null, 404),
        ("POST", json!("/api/v1/users"), 201),
        ("POST", json!("/api/v1/tokens"), 201),
        ("GET", json!("/api/v1/rooms/{id}/messages"), 200),
        ("GET", json!("/api/v1/live"), 101),
    ];
    let mut ids = BTreeSet::new();
    let mut last = Value::Null;
    for (method, route, status) in expected {
        last = server.next(is_access);
        let span = &last["span"];
        assert_eq!((&span["method"], &span["route"]), (&json!(method), &route), "{last}");
        assert_eq!(
            (&last["status"], &span["client.address"]),
            (&json!(status), &json!("127.0.0.1"))
        );
        assert!(last["ms"].as_f64().is_some_and(|ms| ms > 0.0), "{last}");
        assert!(ids.insert(span["id"].to_string()), "{last}");
    }
    let closed = server.next(is_access);
    assert_eq!(closed["message"], "connection closed");
    assert_eq!(closed["span"], last["span"], "the request that opened it");
    assert!(closed["seconds"].is_u64(), "{closed}");
}

/// Anyone could fill the log with cookies that are malformed or stale.
#[tokio::test]
async fn session_library_logs_nothing_and_a_page_reads_its_session_once() {
    let data = tempfile::tempdir().expect("a directory");
    let filter = "trace,tower_sessions=trace,tower_sessions_core=trace";
    let mut server = VerboseServer::start(data.path(), filter);
    let mut ana = Browser::new(server.origin.clone());
    // Two pages with the session: the way to the lobby.
    ana.register("ana").await;
    for _ in 0..3 {
        ana.get("/people").await;
    }
    let name = ana.cookie().split('=').next().expect("a name").to_owned();
    for id in ["malformed", "AAAAAAAAAAAAAAAAAAAAAA"] {
        let request = Browser::plain().get(format!("{}/people", server.origin));
        let request = request.header("cookie", format!("{name}={id}"));
        assert_eq!(request.send().await.expect("an answer").status(), 303);
    }
    let lines = server.log_lines();
    let with = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
    assert_eq!(with("tower_sessions"), 0, "{lines:?}");
    assert!(with("request finished") >= 8, "{lines:?}");
    // One more for the well-formed id.
    assert_eq!(with("from sessions s left join users"), 6, "{lines:?}");
    assert_eq!(with("update sessions"), 0, "{lines:?}");
}

#[tokio::test]
async fn access_log_can_be_off_and_errors_still_name_their_request() {
    let data = tempfile::tempdir().expect("a directory");
    let mut server = VerboseServer::start(data.path(), "info,patio::access=off");
    let ana = Api::with_account(format!("{}/api/v1", server.origin), "ana").await;
    let db = Db::open(None, data.path()).await.expect("a database");
    let refuse_all = "create trigger no_message before insert on messages
                      begin select raise(abort, 'no'); end";
    execute(&db, refuse_all, "").await;
    db.close().await;
    let post = Some(json!({"body": "hola"}));
    let problem = ana.refused(Method::POST, "/rooms/1/messages", post).await;
    let lines = server.log_lines();
    let lines: Vec<Value> =
        lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(!lines.iter().any(is_access), "{lines:?}");
    let failure = lines.iter().find(|line| line["message"] == "a request failed").expect("a line");
    assert_eq!(failure["span"]["route"], "/api/v1/rooms/{id}/messages");
    let id = failure["error.id"].as_str().expect("an id");
    assert_eq!(problem.body["instance"], format!("urn:patio:error:{id}"));
}

#[tokio::test]
async fn job_runs_in_a_span_of_its_kind() {
    let data = tempfile::tempdir().expect("a directory");
    let server = VerboseServer::start(data.path(), "info,patio::jobs=debug");
    let mut ana = Browser::new(server.origin.clone());
    ana.register("ana").await;
    Api::with_account(format!("{}/api/v1", server.origin), "luis").await;
    ana.submit("/admin/people/close", &[("user", "2"), ("erase", "1")]).await;
    for message in ["started", "finished"] {
        let line = server.next(|line| line["span"]["kind"] == "erase-messages");
        assert_eq!(line["message"], message);
        assert!(line["span"]["id"].is_i64(), "{line}");
    }
}
