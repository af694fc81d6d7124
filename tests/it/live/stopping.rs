//! A server that stops where others take over: it closes its live connections one after the other, and still answers
//! requests. One that stops alone closes them at once (`shutdown_asks_clients_to_reconnect`).

use futures_util::future::select_all;
use reqwest::StatusCode;

use crate::support::Server;

#[tokio::test]
async fn requests_are_answered_while_connections_are_closed() {
    // Each quarter of a second one of them, so that most are open at the end.
    let mut server = Server::with(&["--drain-timeout=600"]).await;
    let mut ana = server.browser_as("ana").await;
    let api = server.api("ana").await;
    let mut connections = Vec::new();
    for _ in 0..80 {
        let mut live = api.live().await;
        live.until("ready").await;
        connections.push(live);
    }
    let ready = async || reqwest::get(server.url("/ready")).await.expect("an answer");
    assert_eq!(ready().await.status(), StatusCode::OK);
    server.begin_stop();
    let closing = connections.iter_mut().map(|live| Box::pin(live.closed()));
    let (code, closed, _) = select_all(closing).await;
    assert_eq!(code, 1012);
    drop(connections.remove(closed));
    let answer = ready().await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.text().await.expect("a reason"), "stopping\n");
    assert_eq!(api.try_live("").await.err(), Some(503), "a new one goes elsewhere");
    assert_eq!(ana.get("/rooms/1").await.status, StatusCode::OK);
    api.say("hola").await;
    let metrics = reqwest::get(server.url("/metrics")).await.expect("metrics");
    let metrics = metrics.text().await.expect("text");
    let open = metrics.lines().find_map(|line| line.strip_prefix("patio_connections "));
    let open: usize = open.and_then(|open| open.parse().ok()).expect("a number");
    assert!((10..90).contains(&open), "{open} are still open");
    // Once they are gone, nothing is waited for.
    drop(connections);
    server.stop().await;
    assert!(reqwest::get(server.url("/up")).await.is_err());
}
