//! Live connections: hello, messages, catch-up, requests, and how they end.

mod conformance;
mod epoch;
mod greetings;
mod heads;
mod limits;
mod machines;
mod multi_process;
mod polling;
mod reads;
mod stopping;
mod stress;
mod sync;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Live, Server};

fn of_type<'a>(frames: &'a [Value], kind: &str) -> Vec<&'a Value> {
    frames.iter().filter(|frame| frame["type"] == kind).collect()
}

#[tokio::test]
async fn hello_names_the_user_and_the_state_of_its_rooms() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    ana.say("hola").await;
    let mut live = ana.live().await;
    let ready = live.next().await;
    assert_eq!(ready["type"], "ready");
    assert_eq!((&ready["me"]["name"], &ready["me"]["online"]), (&json!("ana"), &json!(true)));
    assert!(ready["epoch"].as_str().is_some_and(|epoch| !epoch.is_empty()));
    let room =
        json!({"id": 1, "last_seq": 1, "last_read_seq": 1, "rev": 1, "unread": 0, "mentions": 0});
    assert_eq!(ready["rooms"], json!([room]));
    assert_eq!(live.next().await, json!({"type": "present", "users": [1]}));
}

#[tokio::test]
async fn message_reaches_only_clients_with_the_room_open() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (mut open, mut closed) = (luis.live().await, luis.live().await);
    open.open_room(1, None).await;
    let posted = ana.say("en vivo").await;
    let expected = json!({"type": "message", "room": 1, "rev": 1, "message": posted});
    assert_eq!(open.until("message").await, expected);
    closed.send(json!({"type": "ping"})).await;
    loop {
        let frame = closed.next().await;
        assert_ne!(frame["type"], "message");
        if frame["type"] == "pong" {
            break;
        }
    }
}

#[tokio::test]
async fn page_receives_messages_as_html_in_its_language() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    ana.language = "es";
    let mut live = ana.live().await;
    live.open_room(1, None).await;
    let luis = server.api("luis").await;
    let id = luis.say("hola").await["id"].clone();
    live.until("message").await;
    let text = json!({"body": "<b>hola</b>"});
    luis.ok(Method::PATCH, &format!("/messages/{id}"), Some(text)).await;
    let frame = live.until("message").await;
    let html = frame["html"].as_str().expect("html");
    assert!(frame.get("message").is_none());
    assert!(html.contains("&lt;b&gt;hola&lt;/b&gt;") && html.contains("(editado)"), "{html}");
}

#[tokio::test]
async fn catch_up_comes_once_in_order_before_live_messages() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    for n in 1..=130 {
        ana.say(&format!("m{n}")).await;
    }
    let mut live = luis.live().await;
    let frames = live.open_room(1, Some(10)).await;
    assert_eq!(frames[0], json!({"type": "opened", "room": 1, "rev": 130, "last_seq": 130}));
    let revs: Vec<_> = of_type(&frames, "message").iter().map(|f| f["rev"].as_i64()).collect();
    assert_eq!(revs, (11..=130).map(Some).collect::<Vec<_>>());
    assert_eq!(frames.last(), Some(&json!({"type": "live", "room": 1, "rev": 130})));
    ana.say("ahora").await;
    assert_eq!(live.until("message").await["rev"], 131);
}

#[tokio::test]
async fn writes_during_catch_up_are_neither_lost_nor_doubled() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let writing = async {
        for n in 0..80 {
            ana.say(&format!("m{n}")).await;
        }
    };
    let reading = async {
        let mut revs = Vec::new();
        while revs.len() < 80 {
            let mut live = ana.live().await;
            let since = revs.last().copied().unwrap_or(0);
            let frames = live.open_room(1, Some(since)).await;
            revs.extend(of_type(&frames, "message").iter().filter_map(|f| f["rev"].as_i64()));
            if revs.len() < 80 {
                revs.extend(live.until("message").await["rev"].as_i64());
            }
        }
        revs
    };
    let ((), revs) = tokio::join!(writing, reading);
    assert_eq!(revs, (1..=80).collect::<Vec<_>>());
}

#[tokio::test]
async fn post_is_acknowledged_when_stored_and_again_when_repeated() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let mut live = ana.live().await;
    for _ in 0..2 {
        live.send(json!({"type": "post", "room": 1, "body": "hola", "nonce": "n1"})).await;
        let posted = live.until("posted").await;
        let expected = json!({
            "type": "posted", "nonce": "n1", "room": 1, "id": 1, "seq": 1, "rev": 1,
            "not_in_room": [],
        });
        assert_eq!(posted, expected);
    }
    assert_eq!(ana.get("/rooms/1/messages").await["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn pipelined_posts_are_stored_and_answered_in_order() {
    let server = Server::start().await;
    let mut live = server.api("ana").await.live().await;
    for n in 1..=100 {
        let nonce = format!("n{n}");
        live.send(json!({"type": "post", "room": 1, "body": "hola", "nonce": nonce})).await;
    }
    for n in 1..=100 {
        let posted = live.until("posted").await;
        assert_eq!((&posted["nonce"], &posted["seq"]), (&json!(format!("n{n}")), &json!(n)));
    }
}

#[tokio::test]
async fn each_client_catches_up_on_what_it_missed() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    for n in 1..=5 {
        ana.say(&format!("m{n}")).await;
    }
    let revs = async |since: i64| {
        let frames = luis.live().await.open_room(1, Some(since)).await;
        let messages = of_type(&frames, "message");
        messages.iter().filter_map(|frame| frame["rev"].as_i64()).collect::<Vec<_>>()
    };
    assert_eq!(revs(2).await, [3, 4, 5]);
    assert_eq!(revs(2).await, [3, 4, 5]);
    assert_eq!(revs(4).await, [5]);
    ana.say("m6").await;
    assert_eq!(revs(2).await, [3, 4, 5, 6]);
    assert_eq!(revs(2).await, [3, 4, 5, 6]);
}

#[tokio::test]
async fn refused_request_is_an_error_and_keeps_the_connection() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let mut live = ana.live().await;
    live.until("present").await;
    for (frame, status) in [
        ("{not json", 400),
        ("[]", 400),
        ("{}", 400),
        (r#"{"type":"dance"}"#, 400),
        (r#"{"type":"open"}"#, 400),
        (r#"{"type":"open","room":2}"#, 404),
        (r#"{"type":"post","room":2,"body":"x","nonce":"n"}"#, 404),
        (r#"{"type":"post","room":1,"body":" ","nonce":"n"}"#, 422),
        (r#"{"type":"post","room":1,"body":"x","nonce":"ñ"}"#, 422),
    ] {
        live.send_text(frame).await;
        let error = live.until("error").await;
        assert_eq!(error["status"], status, "{frame}");
        assert!(error["detail"].is_string());
        if frame.contains(r#""nonce":"n""#) {
            assert_eq!(error["nonce"], "n", "{frame}");
        }
    }
    live.send(json!({"type": "ping"})).await;
    live.until("pong").await;
}

#[tokio::test]
async fn client_with_a_future_rev_must_reload() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    ana.say("hola").await;
    let mut live = ana.live().await;
    live.send(json!({"type": "open", "room": 1, "since_rev": 2})).await;
    assert_eq!(live.until("resync").await["room"], 1);
    assert_eq!(of_type(&live.open_room(1, Some(1)).await, "message").len(), 0);
}

#[tokio::test]
async fn closed_room_sends_nothing_until_reopened() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let mut live = ana.live().await;
    live.open_room(1, None).await;
    live.send(json!({"type": "close", "room": 1})).await;
    live.send(json!({"type": "ping"})).await;
    live.until("pong").await;
    server.api("luis").await.say("nadie lo oye").await;
    let unread = json!({"type": "unread", "room": 1, "last_seq": 1, "mentions": 0});
    assert_eq!(live.until("unread").await, unread);
    live.send(json!({"type": "ping"})).await;
    assert_eq!(live.next().await["type"], "pong");
    assert_eq!(of_type(&live.open_room(1, Some(0)).await, "message").len(), 1);
}

#[tokio::test]
async fn new_presence_is_published_to_connected_users() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let mut live = ana.live().await;
    live.until("present").await;
    let luis = server.api("luis").await;
    let member = live.until("member").await;
    assert_eq!((&member["user"]["name"], &member["joined"]), (&json!("luis"), &json!(true)));
    let mut there = luis.live().await;
    assert_eq!(
        live.until("presence").await,
        json!({"type": "presence", "user": 2, "online": true})
    );
    assert_eq!(there.until("present").await["users"], json!([1, 2]));
    assert_eq!(ana.get("/rooms").await["items"][0]["online"], 2);
}

#[tokio::test]
async fn sign_out_closes_only_connections_of_that_session() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let mut other = server.api("ana").await.live().await;
    let (mut one, mut two) = (ana.live().await, ana.live().await);
    one.until("present").await;
    two.until("present").await;
    ana.ok(Method::DELETE, "/tokens/current", None).await;
    assert_eq!((one.closed().await, two.closed().await), (4401, 4401));
    other.send(json!({"type": "ping"})).await;
    other.until("pong").await;

    let mut browser = server.browser_as("luis").await;
    let mut page = browser.live().await;
    page.until("present").await;
    browser.submit("/logout", &[]).await;
    assert_eq!(page.closed().await, 4401);
}

#[tokio::test]
async fn only_frames_above_the_limit_close_the_connection() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let ping = r#"{"type":"ping"}"#;
    let frame = |bytes: usize| ping.to_owned() + &" ".repeat(bytes - ping.len());
    let mut live = ana.live().await;
    live.send_text(&frame(128 * 1024)).await;
    live.until("pong").await;
    live.send_text(&frame(128 * 1024 + 1)).await;
    assert_eq!(live.closed().await, 1009);
}

#[tokio::test]
async fn shutdown_asks_clients_to_reconnect() {
    let mut server = Server::start().await;
    let ana = server.api("ana").await;
    let mut live = ana.live().await;
    live.until("present").await;
    let (code, ()) = tokio::join!(live.closed(), server.stop());
    assert_eq!(code, 1012);
}

#[tokio::test]
async fn handshake_needs_a_token_or_a_same_origin_cookie() {
    let server = Server::start().await;
    let ana = server.browser_as("ana").await;
    let url = server.url("/api/v1/live").replace("http", "ws");
    let own = server.url("");
    let opens =
        async |headers: &[(&str, &str)]| Live::try_open(&url, "patio.v1", headers).await.err();
    assert_eq!(opens(&[]).await, Some(401));
    assert_eq!(opens(&[("authorization", "Bearer nonsense")]).await, Some(401));
    assert_eq!(opens(&[("cookie", ana.cookie())]).await, Some(403));
    let evil = ("origin", "https://evil.example");
    assert_eq!(opens(&[("cookie", ana.cookie()), evil]).await, Some(403));
    assert_eq!(opens(&[("cookie", ana.cookie()), ("origin", &own)]).await, None);
    // A signed-out page gets a close code, because a script cannot read the status of a refused handshake.
    let mut gone = Live::open(&url, "patio-html.v1", &[("origin", &own)]).await;
    assert_eq!(gone.closed().await, 4401);
}

#[tokio::test]
async fn two_servers_publish_each_message_once_in_order() {
    let one = Server::start().await;
    let two = Server::second(&one).await;
    let (ana, luis) = (one.api("ana").await, two.api("luis").await);
    let (mut here, mut there) = (ana.live().await, luis.live().await);
    here.open_room(1, None).await;
    there.open_room(1, None).await;
    let first = ana.say("uno").await;
    // Another process stored its message first, so it must be published first, without delay.
    luis.say("dos").await;
    let edit = Some(json!({"body": "uno, corregido"}));
    ana.ok(Method::PATCH, &format!("/messages/{}", first["id"]), edit).await;
    luis.say("tres").await;
    for live in [&mut here, &mut there] {
        let mut last = 0;
        while last < 4 {
            let frame = live.until("message").await;
            let rev = frame["message"]["rev"].as_i64().expect("a rev");
            assert!(rev > last, "{rev} after {last}");
            last = rev;
        }
    }
}

#[tokio::test]
async fn messages_during_hello_are_counted_as_unread() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    // Connections whose hello takes a while.
    for n in 0..100 {
        ana.post("/rooms", json!({"name": format!("r{n}"), "visibility": "public"})).await;
    }
    let one_by_one = || async {
        let mut connections = Vec::new();
        for _ in 0..10 {
            connections.push(luis.live_since("2025-11-21T09:05:00Z").await);
        }
        connections
    };
    for n in 1..=20 {
        let arriving = join_all((0..8).map(|_| one_by_one()));
        let in_the_middle = async {
            drop(join_all((0..5).map(|_| luis.live())).await);
            ana.say("hola").await
        };
        let (_, connections) = tokio::join!(in_the_middle, arriving);
        for mut live in connections.into_iter().flatten() {
            let mut known = live.until("ready").await["rooms"][0]["last_seq"].clone();
            while known != n {
                known = live.until("unread").await["last_seq"].clone();
            }
        }
    }
}
