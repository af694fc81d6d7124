//! Many connections at once: the limit of open files and the size of responses.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::{Method, StatusCode};

use crate::support::{Api, PASSWORD, Process, Server, eventually};

/// Sends a request and returns everything that comes until the connection ends.
fn request(server: &Process, request: &str) -> String {
    let mut stream = connect(server);
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an orderly end");
    answer
}

fn connect(server: &Process) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", server.port())).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("bounded");
    stream
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
}

#[test]
fn open_file_limit_is_raised_to_the_hard_limit() {
    let data = tempfile::tempdir().expect("a directory");
    let server = Process::start_under("ulimit -S -n 256 && ulimit -H -n 700", data.path());
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.id())).expect("limits");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("a line");
    let numbers: Vec<_> =
        line.split_whitespace().filter_map(|word| word.parse::<u32>().ok()).collect();
    assert_eq!(numbers, [700, 700], "{line}");
}

#[test]
fn full_server_reports_it_and_answers_health_checks() {
    let data = tempfile::tempdir().expect("a directory");
    let server = Process::start_under("ulimit -n 300", data.path());
    // Silent, in the middle of a request head, idle: more connections than the server can hold.
    let held: Vec<TcpStream> = (0..320)
        .map(|number| {
            let mut stream = connect(&server);
            let bytes: &[u8] = match number % 3 {
                0 => b"",
                1 => b"GET / HTTP/1.1\r\n",
                _ => b"GET /up HTTP/1.1\r\nhost: localhost\r\n\r\n",
            };
            // The server may have closed it already for lack of descriptors.
            stream.write_all(bytes).ok();
            stream
        })
        .collect();
    for _ in 0..3 {
        let up = request(&server, &get("/up"));
        assert!(up.starts_with("HTTP/1.1 200 ") && up.ends_with("ok\n"), "{up}");
        let full = request(&server, &get("/register"));
        assert!(full.starts_with("HTTP/1.1 503 ") && full.contains("retry-after: "), "{full}");
    }
    drop(held);
    // The server needs a moment to close them, and no event tells when it is done.
    let freed =
        (0..1_000).any(|_| request(&server, &get("/register")).starts_with("HTTP/1.1 200 "));
    assert!(freed);
}

/// The most expensive messages to read: each is nine times as long in HTML.
async fn much_to_read(api: &Api) {
    let body = vec!["http://a/"; 1_600].join("\"");
    let body: String = body.chars().take(16_000).collect();
    for _ in 0..40 {
        api.say(&body).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn response_size_is_bounded_and_states_that_more_exist() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    much_to_read(&ana).await;
    for i in 0..100 {
        ana.say(&format!("short {i}")).await;
    }
    let mut found = Vec::new();
    loop {
        let after = found.last().copied().unwrap_or(0);
        let page = ana.get(&format!("/rooms/1/messages?limit=100&after={after}")).await;
        let length = page.to_string().len();
        let items = page["items"].as_array().expect("items");
        found.extend(items.iter().map(|item| item["seq"].as_i64().expect("a number")));
        assert!(!items.is_empty() && (length < 1024 * 1024 || items.len() == 1), "{length}");
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(found, (1..=140).collect::<Vec<i64>>(), "none is left out, none comes twice");
    let newest = ana.get("/rooms/1/messages?limit=100").await;
    assert_eq!(newest["items"].as_array().expect("items").len(), 100, "short ones all fit");
    let mut browser = server.browser();
    browser.login("ana", PASSWORD).await;
    for query in ["before=41", "after=0"] {
        let page = browser.get(&format!("/rooms/1/messages?{query}")).await;
        let count = page.all("article[data-seq]").len();
        assert!((1..40).contains(&count) && page.text.len() < 2 * 1024 * 1024, "{query}: {count}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn client_that_reads_no_responses_does_not_block_others() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    much_to_read(&ana).await;
    let path = "/rooms/1/messages?limit=100";
    let status = async |api: &Api| api.send(Method::GET, path, None).await.status();
    let mut unread = Vec::new();
    while status(&ana).await == StatusCode::OK {
        assert!(unread.len() < 200, "it never ends");
        let mut stream = TcpStream::connect(server.address).expect("connected");
        let request = format!(
            "GET /api/v1{path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n",
            ana.token()
        );
        stream.write_all(request.as_bytes()).expect("sent");
        // After the first byte, the response is complete in the server's memory.
        stream.read_exact(&mut [0]).expect("a byte");
        unread.push(stream);
    }
    let refused = ana.refused(Method::GET, path, None).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.retry_after.is_some());
    assert!(unread.len() > 3, "{} are few", unread.len());
    // Small responses, changes and the requests of other users still work.
    assert_eq!(ana.say("hola").await["body"], "hola");
    assert_eq!(status(&luis).await, StatusCode::OK);
    drop(unread);
    eventually("memory is free again", async || status(&ana).await == StatusCode::OK).await;
}
