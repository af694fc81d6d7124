//! HTTP connections over in-memory pipes, with a paused clock.

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

/// The capacity of the pipe between client and server, in bytes.
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

/// Serves one connection while `client` uses it.
async fn serve_until<T>(
    stopping: &CancellationToken,
    client: impl AsyncFnOnce(DuplexStream) -> T,
) -> T {
    let (near, far) = duplex(PIPE);
    let peer = SocketAddr::from(([192, 0, 2, 1], 4711));
    let capacity = Capacity::of_process(&"none".parse().expect("networks"));
    let serving = connection::serve(near, peer, router(), capacity, stopping.clone());
    tokio::join!(serving, client(far)).1
}

async fn serve<T>(client: impl AsyncFnOnce(DuplexStream) -> T) -> T {
    serve_until(&CancellationToken::new(), client).await
}

async fn send(stream: &mut DuplexStream, text: &str) {
    stream.write_all(text.as_bytes()).await.expect("sent");
}

fn request(line: &str) -> String {
    format!("{line} HTTP/1.1\r\nhost: x\r\n\r\n")
}

/// Reads the head and body of the next response.
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
    let start = Instant::now();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.expect("an end");
    start.elapsed()
}

fn seconds(time: Duration) -> u64 {
    time.as_secs()
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_complete_head_closes_after_30_seconds() {
    for first in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: x\r\n"] {
        let waited = serve(async |mut stream| {
            send(&mut stream, first).await;
            until_closed(&mut stream).await
        });
        assert_eq!(seconds(waited.await), 30, "{first:?}");
    }
    // More bytes do not extend the deadline of a head.
    let took = serve(async |mut stream| {
        let start = Instant::now();
        while stream.write_all(b"G").await.is_ok() {
            sleep(Duration::from_secs(7)).await;
        }
        start.elapsed()
    });
    assert!(seconds(took.await) < 40);
}

#[tokio::test(start_paused = true)]
async fn a_kept_alive_connection_idles_longer_than_any_proxy_keeps_it() {
    let idled = serve(async |mut stream| {
        for _ in 0..3 {
            send(&mut stream, &request("GET /")).await;
            assert_eq!(answer(&mut stream).await.1, "here");
            sleep(Duration::from_mins(10)).await;
        }
        send(&mut stream, &request("GET /")).await;
        assert_eq!(answer(&mut stream).await.1, "here");
        until_closed(&mut stream).await
    });
    assert_eq!(seconds(idled.await), 660);
    let head = serve(async |mut stream| {
        send(&mut stream, &(request("GET /") + "GET / HT")).await;
        assert_eq!(answer(&mut stream).await.1, "here");
        until_closed(&mut stream).await
    });
    assert_eq!(
        seconds(head.await),
        30,
        "a head that arrived with the previous request has started"
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_nothing_is_disconnected() {
    for pipelined in [1, 120] {
        let waited = serve(async |mut stream| {
            let requests = request("GET /large").repeat(pipelined);
            // The server stops reading requests until its response is read.
            let start = Instant::now();
            drop(stream.write_all(requests.as_bytes()).await);
            loop {
                sleep(Duration::from_secs(1)).await;
                if stream.write_all(b"\n").await.is_err() {
                    return start.elapsed();
                }
            }
        });
        assert!(seconds(waited.await) <= 30, "{pipelined}");
    }
}

/// Sends pipelined requests for large responses, reads one pipe's content per `every`, and returns how many bytes
/// were read until the connection closed, and after which time.
async fn read_slowly(answers: usize, every: Duration) -> (usize, Duration) {
    serve(async |mut stream| {
        let last = "GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        send(&mut stream, &(request("GET /large").repeat(answers - 1) + last)).await;
        let start = Instant::now();
        let mut read = 0;
        let mut buffer = [0; PIPE];
        loop {
            sleep(every).await;
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return (read, start.elapsed()),
                Ok(more) => read += more,
            }
        }
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_almost_nothing_is_disconnected() {
    for answers in [1, 100] {
        for every in [24, 10, 2] {
            let (read, took) = read_slowly(answers, Duration::from_secs(every)).await;
            assert!(read < LARGE / 4 && seconds(took) <= 100, "{answers} {every}: {read} {took:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_but_steady_reader_receives_everything() {
    for answers in [1, 5] {
        let (read, took) = read_slowly(answers, Duration::from_millis(900)).await;
        assert!(read > answers * LARGE, "{read}");
        assert!(seconds(took) > 200 * answers as u64, "it was slow: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_during_the_shutdown_is_answered_as_the_last_one() {
    let stopping = CancellationToken::new();
    let waited = serve_until(&stopping, async |mut stream| {
        send(&mut stream, &request("GET /")).await;
        let (head, _) = answer(&mut stream).await;
        assert!(!head.contains("connection: close"), "{head}");
        stopping.cancel();
        sleep(Duration::from_millis(500)).await;
        send(&mut stream, &request("GET /")).await;
        let (head, body) = answer(&mut stream).await;
        assert_eq!(body, "here");
        assert!(head.contains("connection: close"), "{head}");
        until_closed(&mut stream).await
    });
    assert_eq!(seconds(waited.await), 0);
    let waited = serve_until(&stopping, async |mut stream| until_closed(&mut stream).await);
    assert_eq!(seconds(waited.await), 1, "no request is on its way");
}

#[tokio::test(start_paused = true)]
async fn after_an_early_response_the_connection_is_usable_or_closes_explicitly() {
    let refused = "POST /refused HTTP/1.1\r\nhost: x\r\n";
    // The body arrives late.
    serve(async |mut stream| {
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
        send(&mut stream, &request("GET /")).await;
        assert_eq!(answer(&mut stream).await.1, "here");
    })
    .await;
    // The body never arrives, is too large to be discarded, or waits for 100 Continue.
    for rest in [
        "content-length: 2000\r\n\r\nx",
        "content-length: 99000000\r\n\r\nx",
        "transfer-encoding: chunked\r\n\r\n2\r\nxx",
        "content-length: 2000\r\nexpect: 100-continue\r\n\r\n",
    ] {
        serve(async |mut stream| {
            send(&mut stream, &format!("{refused}{rest}")).await;
            let (head, _) = answer(&mut stream).await;
            assert!(head.contains("401") && head.contains("connection: close"), "{rest}: {head}");
            // Later bytes are read, so that no reset discards the response.
            drop(stream.write_all(&[b'x'; 3 * PIPE]).await);
            assert!(seconds(until_closed(&mut stream).await) <= 5, "{rest}");
        })
        .await;
    }
    serve(async |mut stream| {
        send(&mut stream, "POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nfour").await;
        assert_eq!(answer(&mut stream).await.1, "4");
        send(&mut stream, &request("GET /")).await;
        assert_eq!(answer(&mut stream).await.1, "here");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_body_is_408_and_a_missing_response_is_503() {
    let slow = "POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nfo";
    for (requests, status) in [(slow.to_owned(), "408"), (request("GET /slow"), "503")] {
        serve(async |mut stream| {
            send(&mut stream, &requests).await;
            let (head, _) = answer(&mut stream).await;
            assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{head}");
            assert_eq!(head.contains("connection: close"), status == "408", "{head}");
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn every_part_of_a_head_is_limited() {
    let long = "a".repeat(40 * 1024);
    let lines = |name: &str| format!("{name}: {}\r\n", "b".repeat(1000)).repeat(40);
    for (head, status) in [
        (format!("GET /{long} HTTP/1.1\r\nhost: x\r\n\r\n"), ""),
        (format!("GET / HTTP/1.1\r\nhost: x\r\nx: {long}\r\n\r\n"), "431"),
        (format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", lines("x")), "431"),
        (format!("GET / HTTP/1.1\r\nhost: x\r\ncookie: {}\r\n\r\n", "a".repeat(8000)), "200"),
    ] {
        let response = serve(async |mut stream| {
            // The server may refuse the head before it is complete.
            drop(stream.write_all(head.as_bytes()).await);
            let mut response = vec![0; 12];
            stream.read_exact(&mut response).await.expect("an answer");
            String::from_utf8(response).expect("text")
        });
        let response = response.await;
        assert!(response.contains(status) && response.starts_with("HTTP/1.1 "), "{response}");
        assert!(
            !status.is_empty() || response.contains("414") || response.contains("431"),
            "{response}"
        );
    }
    let chunked = "POST /read HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    for part in [format!("1;{long}\r\nx\r\n"), format!("1\r\nx\r\n0\r\nx: {long}\r\n\r\n")] {
        let response = serve(async |mut stream| {
            send(&mut stream, chunked).await;
            drop(stream.write_all(part.as_bytes()).await);
            let mut response = Vec::new();
            drop(stream.read_to_end(&mut response).await);
            String::from_utf8(response).expect("text")
        });
        let response = response.await;
        assert!(response.is_empty() || response.contains(" 400 "), "{response}");
    }
}
