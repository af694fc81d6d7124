//! Connections in memory, on a clock that waits for nobody.

use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::capacity::Capacity;
use super::connection;
use crate::http::listener::timeout;

/// As much as the system keeps between the two ends.
const PIPE: usize = 4 * 1024;
const LARGE: usize = 1024 * 1024;

fn router() -> Router {
    Router::new()
        .route("/", get(async || "here"))
        .route("/large", get(async || "x".repeat(LARGE)))
        .route("/refused", post(async || StatusCode::UNAUTHORIZED))
        .route("/read", post(async |body: Bytes| body.len().to_string()))
        .route("/slow", get(pending::<()>))
        .layer(from_fn(timeout::keep))
}

/// Serves one connection while somebody talks on it.
async fn talk<T>(stopping: &CancellationToken, talking: impl AsyncFnOnce(DuplexStream) -> T) -> T {
    let (near, far) = duplex(PIPE);
    let peer = SocketAddr::from(([192, 0, 2, 1], 4711));
    let capacity = Capacity::of_process(&"none".parse().expect("networks"));
    let serving = connection::serve(near, peer, router(), capacity, stopping.clone());
    tokio::join!(serving, talking(far)).1
}

async fn with<T>(talking: impl AsyncFnOnce(DuplexStream) -> T) -> T {
    talk(&CancellationToken::new(), talking).await
}

async fn send(stream: &mut DuplexStream, text: &str) {
    stream.write_all(text.as_bytes()).await.expect("sent");
}

fn asking(what: &str) -> String {
    format!("{what} HTTP/1.1\r\nhost: x\r\n\r\n")
}

/// The head of the next answer, and its body, whose length it names.
async fn answer(stream: &mut DuplexStream) -> (String, String) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("an answer"));
    }
    let head = String::from_utf8(head).expect("text");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.expect("a length").parse().expect("a number")];
    stream.read_exact(&mut body).await.expect("a body");
    (head, String::from_utf8(body).expect("text"))
}

async fn until_closed(stream: &mut DuplexStream) -> Duration {
    let began = Instant::now();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.expect("an end");
    began.elapsed()
}

fn seconds(time: Duration) -> u64 {
    time.as_secs()
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_says_nothing_or_half_a_head_is_let_go_after_half_a_minute() {
    for first in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: x\r\n"] {
        let waited = with(async |mut stream| {
            send(&mut stream, first).await;
            until_closed(&mut stream).await
        });
        assert_eq!(seconds(waited.await), 30, "{first:?}");
    }
    // A byte now and then makes a head no longer.
    let took = with(async |mut stream| {
        let began = Instant::now();
        while stream.write_all(b"G").await.is_ok() {
            sleep(Duration::from_secs(7)).await;
        }
        began.elapsed()
    });
    assert!(seconds(took.await) < 40);
}

#[tokio::test(start_paused = true)]
async fn a_kept_connection_idles_for_longer_than_any_proxy_keeps_it() {
    let idled = with(async |mut stream| {
        for _ in 0..3 {
            send(&mut stream, &asking("GET /")).await;
            assert_eq!(answer(&mut stream).await.1, "here");
            sleep(Duration::from_mins(10)).await;
        }
        send(&mut stream, &asking("GET /")).await;
        assert_eq!(answer(&mut stream).await.1, "here");
        until_closed(&mut stream).await
    });
    assert_eq!(seconds(idled.await), 660);
    let head = with(async |mut stream| {
        send(&mut stream, &(asking("GET /") + "GET / HT")).await;
        assert_eq!(answer(&mut stream).await.1, "here");
        until_closed(&mut stream).await
    });
    assert_eq!(seconds(head.await), 30, "a head that came with the request before has begun");
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_which_nothing_is_taken_is_given_up() {
    for pipelined in [1, 120] {
        let waited = with(async |mut stream| {
            let asked = asking("GET /large").repeat(pipelined);
            // More than the other end takes: it waits for its answer to be read.
            let began = Instant::now();
            drop(stream.write_all(asked.as_bytes()).await);
            loop {
                sleep(Duration::from_secs(1)).await;
                if stream.write_all(b"\n").await.is_err() {
                    return began.elapsed();
                }
            }
        });
        assert!(seconds(waited.await) <= 30, "{pipelined}");
    }
}

/// Asks for so many large answers at once, reads as much as fits into the pipe in each `every`, and
/// answers how much came until the end, and when that was.
async fn read_slowly(answers: usize, every: Duration) -> (usize, Duration) {
    with(async |mut stream| {
        let last = "GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        send(&mut stream, &(asking("GET /large").repeat(answers - 1) + last)).await;
        let (began, mut read, mut some) = (Instant::now(), 0, [0; PIPE]);
        loop {
            sleep(every).await;
            match stream.read(&mut some).await {
                Ok(0) | Err(_) => return (read, began.elapsed()),
                Ok(more) => read += more,
            }
        }
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn who_reads_next_to_nothing_is_given_up_however_often_and_whatever_it_asks_for() {
    for answers in [1, 100] {
        for every in [24, 10, 2] {
            let (read, took) = read_slowly(answers, Duration::from_secs(every)).await;
            assert!(read < LARGE / 4 && seconds(took) <= 100, "{answers} {every}: {read} {took:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_but_steady_reader_gets_all_however_much_that_is() {
    for answers in [1, 5] {
        let (read, took) = read_slowly(answers, Duration::from_millis(900)).await;
        assert!(read > answers * LARGE, "{read}");
        assert!(seconds(took) > 200 * answers as u64, "it was slow: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_comes_while_the_server_stops_is_answered_and_is_the_last() {
    let stopping = CancellationToken::new();
    let waited = talk(&stopping, async |mut stream| {
        send(&mut stream, &asking("GET /")).await;
        let (head, _) = answer(&mut stream).await;
        assert!(!head.contains("connection: close"), "{head}");
        stopping.cancel();
        sleep(Duration::from_millis(500)).await;
        send(&mut stream, &asking("GET /")).await;
        let (head, body) = answer(&mut stream).await;
        assert_eq!(body, "here");
        assert!(head.contains("connection: close"), "{head}");
        until_closed(&mut stream).await
    });
    assert_eq!(seconds(waited.await), 0);
    let waited = talk(&stopping, async |mut stream| until_closed(&mut stream).await);
    assert_eq!(seconds(waited.await), 1, "nothing is on its way");
}

#[tokio::test(start_paused = true)]
async fn a_connection_with_an_answer_before_its_body_is_usable_or_says_that_it_ends() {
    let refused = "POST /refused HTTP/1.1\r\nhost: x\r\n";
    // The body comes later, but comes.
    with(async |mut stream| {
        for _ in 0..150 {
            send(&mut stream, &format!("{refused}content-length: 2000\r\n\r\n")).await;
            sleep(Duration::from_millis(20)).await;
            send(&mut stream, &"x".repeat(2000)).await;
            let (head, _) = answer(&mut stream).await;
            assert!(head.contains("401") && !head.contains("connection: close"), "{head}");
            send(&mut stream, &format!("{refused}transfer-encoding: chunked\r\n\r\n2\r\nxx")).await;
            sleep(Duration::from_millis(20)).await;
            send(&mut stream, "\r\n0\r\n\r\n").await;
            let (head, _) = answer(&mut stream).await;
            assert!(head.contains("401") && !head.contains("connection: close"), "{head}");
        }
        send(&mut stream, &asking("GET /")).await;
        assert_eq!(answer(&mut stream).await.1, "here");
    })
    .await;
    // It never comes, is too large to be read away, or waits for leave.
    for rest in [
        "content-length: 2000\r\n\r\nx",
        "content-length: 99000000\r\n\r\nx",
        "transfer-encoding: chunked\r\n\r\n2\r\nxx",
        "content-length: 2000\r\nexpect: 100-continue\r\n\r\n",
    ] {
        with(async |mut stream| {
            send(&mut stream, &format!("{refused}{rest}")).await;
            let (head, _) = answer(&mut stream).await;
            assert!(head.contains("401") && head.contains("connection: close"), "{rest}: {head}");
            // What still comes is taken, so that no reset throws the answer away.
            drop(stream.write_all(&[b'x'; 3 * PIPE]).await);
            assert!(seconds(until_closed(&mut stream).await) <= 5, "{rest}");
        })
        .await;
    }
    with(async |mut stream| {
        send(&mut stream, "POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nfour").await;
        assert_eq!(answer(&mut stream).await.1, "4");
        send(&mut stream, &asking("GET /")).await;
        assert_eq!(answer(&mut stream).await.1, "here");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_the_clients_fault_and_an_answer_that_does_not_is_ours() {
    let slow = "POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nfo";
    for (asked, status) in [(slow.to_owned(), "408"), (asking("GET /slow"), "503")] {
        with(async |mut stream| {
            send(&mut stream, &asked).await;
            let (head, _) = answer(&mut stream).await;
            assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{head}");
            assert_eq!(head.contains("connection: close"), status == "408", "{head}");
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_has_a_bound_in_each_of_its_parts() {
    let long = "a".repeat(40 * 1024);
    let lines = |name: &str| format!("{name}: {}\r\n", "b".repeat(1000)).repeat(40);
    for (head, status) in [
        (format!("GET /{long} HTTP/1.1\r\nhost: x\r\n\r\n"), ""),
        (format!("GET / HTTP/1.1\r\nhost: x\r\nx: {long}\r\n\r\n"), "431"),
        (format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", lines("x")), "431"),
        (format!("GET / HTTP/1.1\r\nhost: x\r\ncookie: {}\r\n\r\n", "a".repeat(8000)), "200"),
    ] {
        let said = with(async |mut stream| {
            // It may be refused before all of it is there.
            drop(stream.write_all(head.as_bytes()).await);
            let mut said = vec![0; 12];
            stream.read_exact(&mut said).await.expect("an answer");
            String::from_utf8(said).expect("text")
        });
        let said = said.await;
        assert!(said.contains(status) && said.starts_with("HTTP/1.1 "), "{said}");
        assert!(!status.is_empty() || said.contains("414") || said.contains("431"), "{said}");
    }
    let chunked = "POST /read HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    for part in [format!("1;{long}\r\nx\r\n"), format!("1\r\nx\r\n0\r\nx: {long}\r\n\r\n")] {
        let said = with(async |mut stream| {
            send(&mut stream, chunked).await;
            drop(stream.write_all(part.as_bytes()).await);
            let mut said = Vec::new();
            drop(stream.read_to_end(&mut said).await);
            String::from_utf8(said).expect("text")
        });
        let said = said.await;
        assert!(said.is_empty() || said.contains(" 400 "), "{said}");
    }
}
