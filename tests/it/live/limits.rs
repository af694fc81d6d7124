//! Limits of live connections: their number, memory, frame sizes and rates.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Api, Live, Process, Raw, Server, eventually, within};

/// 142 KB of HTML out of 16,000 characters.
fn large_body() -> String {
    "http://a/\"".repeat(1_600)
}

/// The error frame and close code of a refused connection.
async fn refusal(live: &mut Live) -> (Value, u16) {
    let error = live.next().await;
    (error, live.closed().await)
}

#[tokio::test]
async fn twenty_first_connection_of_a_user_is_refused() {
    let server = Server::with(&["--rate-limit=on"]).await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let mut open = join_all((0..20).map(|_| ana.live())).await;
    for live in &mut open {
        live.until("ready").await;
    }
    let (error, code) = refusal(&mut ana.live().await).await;
    assert_eq!((&error["type"], &error["status"]), (&json!("error"), &json!(429)));
    assert_eq!((&error["retry_after"], code), (&json!(60), 4429));
    luis.live().await.until("ready").await;
    drop(open.pop());
    // The server notices the closed connection a moment later.
    let accepted = async || ana.live().await.next().await["type"] == "ready";
    eventually("another connection is accepted", accepted).await;
    for live in &mut open {
        live.send(json!({"type": "ping"})).await;
        live.until("pong").await;
    }
}

#[tokio::test]
async fn refusal_of_another_connection_is_localized() {
    let server = Server::with(&["--rate-limit=on"]).await;
    let mut ana = server.browser_as("ana").await;
    ana.language = "es";
    let open = join_all((0..20).map(|_| ana.live())).await;
    let (error, code) = refusal(&mut ana.live().await).await;
    assert!(error["detail"].as_str().expect("a text").starts_with("Hay demasiadas conexiones"));
    assert_eq!(code, 4429);
    drop(open);
}

#[tokio::test]
async fn without_rate_limits_connections_are_not_limited() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    for mut live in join_all((0..40).map(|_| ana.live())).await {
        live.until("ready").await;
    }
}

#[tokio::test]
async fn fragments_and_pings_count_towards_the_rate() {
    let server = Server::with(&["--rate-limit=on"]).await;
    let ana = server.api("ana").await;
    for (what, start_frame, repeated) in [
        ("empty fragments", Raw::frame(0x01, b""), Raw::frame(0x00, b"")),
        ("fragments of one byte", Raw::frame(0x01, b"x"), Raw::frame(0x00, b"x")),
        ("binary fragments", Raw::frame(0x02, b""), Raw::frame(0x00, b"")),
        ("pings between fragments", Raw::frame(0x01, b""), Raw::frame(0x89, b"")),
        ("pings", vec![], Raw::frame(0x89, b"x")),
        ("pongs", vec![], Raw::frame(0x8a, b"")),
        ("bytes", vec![], Raw::frame(0x82, b"")),
    ] {
        let mut raw = Raw::open(server.address, &ana).await;
        assert!(raw.send(&start_frame).await && raw.send(&repeated.repeat(201)).await, "{what}");
        assert_eq!(raw.closed().await, 4429, "{what}");
    }
    let mut live = ana.live().await;
    live.until("present").await;
    for _ in 0..=200 {
        live.send(json!({"type": "ping"})).await;
    }
    let error = live.until("error").await;
    assert_eq!((&error["status"], live.closed().await), (&json!(429), 4429), "{error}");
    assert!(error["retry_after"].as_u64() >= Some(1));
    let mut honest = Raw::open(server.address, &ana).await;
    let ping = br#"{"type":"ping"}"#;
    let fragments = ping.iter().enumerate().map(|(n, byte)| {
        let first = u8::from(n == 0) | if n + 1 == ping.len() { 0x80 } else { 0 };
        Raw::frame(first, &[*byte])
    });
    assert!(honest.send(&fragments.collect::<Vec<_>>().concat()).await);
    let pong = async { while honest.next().await.1 != br#"{"type":"pong"}"# {} };
    within("the pong arrives", pong).await;
}

#[tokio::test]
async fn longest_message_fits_into_a_frame_however_it_is_escaped() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let mut live = ana.live().await;
    for (n, filler) in ["\u{1b}", "\"", "\\", "€", "😀", "a"].into_iter().enumerate() {
        let body = format!("x{}x", filler.repeat(15_998));
        let nonce = format!("n{n}");
        live.send(json!({"type": "post", "room": 1, "body": body, "nonce": nonce})).await;
        assert_eq!(live.until("posted").await["nonce"], json!(nonce));
    }
    // Every character escaped: 6 bytes each (`\uXXXX`). Characters outside the BMP, which would need 12
    // bytes, are not guaranteed to fit.
    let escaped = format!(r#""x{}x""#, r"\u20ac".repeat(15_998));
    live.send_text(&format!(r#"{{"type":"post","room":1,"nonce":"e","body":{escaped}}}"#)).await;
    assert_eq!(live.until("posted").await["nonce"], "e");
    let body = "x".repeat(16_001);
    live.send(json!({"type": "post", "room": 1, "body": body, "nonce": "long"})).await;
    let refused = live.until("error").await;
    assert_eq!((&refused["status"], &refused["nonce"]), (&json!(422), &json!("long")));
    live.send_text(&" ".repeat(128 * 1024 + 1)).await;
    assert_eq!(live.closed().await, 1009);
}

#[tokio::test]
async fn every_refused_post_is_answered_by_its_nonce() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    ana.post("/rooms/1/messages", json!({"body": "x", "nonce": "used"})).await;
    let mut live = ana.live().await;
    for (n, rest, status) in [
        ("n1", r#""room":1,"body":"a\ud800b""#, 400),
        ("n2", r#""room":1,"body":7"#, 400),
        ("n3", r#""room":1"#, 400),
        ("n4", r#""room":"1","body":"x""#, 400),
        ("n5", r#""room":1,"body":"x","reply_to":"y""#, 400),
        ("n6", r#""room":1,"body":"x","body":"y""#, 400),
        ("n7", r#""room":1,"body":"x"]"#, 400),
        ("n8", r#""room":99,"body":"x""#, 404),
        ("n9", r#""room":1,"body":" ""#, 422),
        ("n10", r#""room":1,"body":"x","reply_to":99"#, 422),
        ("with a space", r#""room":1,"body":"x""#, 422),
        ("used", r#""room":1,"body":"y""#, 409),
    ] {
        live.send_text(&format!(r#"{{"type":"post",{rest},"nonce":"{n}"}}"#)).await;
        let error = live.until("error").await;
        assert_eq!((&error["nonce"], &error["status"]), (&json!(n), &json!(status)), "{rest}");
    }
    live.send_text(r#"{"type":"post","room":1,"nonce":"fine","body":"a😀b"}"#).await;
    assert_eq!(live.until("posted").await["nonce"], "fine");
}

/// In MiB.
fn resident(process: &Process) -> i64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id()));
    let status = status.expect("a process");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("its memory");
    line.split_whitespace().nth(1).expect("a number").parse::<i64>().expect("a number") / 1024
}

async fn missing_everything(process: &Process, user: &Api) -> Raw {
    let mut raw = Raw::open(process.address(), user).await;
    let open = br#"{"type":"open","room":1,"since_rev":0}"#;
    assert!(raw.send(&Raw::frame(0x81, open)).await);
    // Read enough to know that the catch-up has started.
    raw.read(16 * 1024).await;
    raw
}

#[tokio::test]
async fn client_that_does_not_read_costs_less_than_one_mebibyte() {
    const READERS: i64 = 60;
    let data = tempfile::tempdir().expect("a directory");
    let process = Process::start(data.path(), &[]);
    let ana = process.api("ana").await;
    for _ in 0..40 {
        ana.say(&large_body()).await;
    }
    let before = resident(&process);
    let readers = join_all((0..READERS).map(|_| missing_everything(&process, &ana))).await;
    let each = (resident(&process) - before) * 1024 / READERS;
    assert!(each < 1024, "{each} KiB each");
    // A client that reads gets everything.
    let mut live = ana.live().await;
    let frames = live.open_room(1, Some(0)).await;
    let revs = frames.iter().filter(|frame| frame["type"] == "message").map(|f| f["rev"].as_i64());
    assert_eq!(revs.collect::<Vec<_>>(), (1..=40).map(Some).collect::<Vec<_>>());
    drop(readers);
}
