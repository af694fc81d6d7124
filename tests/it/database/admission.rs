//! Clients that come back while the database is slow: they wait in line, and others go on posting. On `SQLite`, where no
//! lock holds up who reads, each test returns immediately.

use futures_util::future::join_all;
use patio::db::{Db, PostgresConnection};
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::postgres::{connection, until_waiting};
use crate::support::{Server, Storage};

/// Half of the connections to the database.
const TURNS: usize = 4;

/// Locks a table that a greeting reads, and a post does not.
async fn hold_greetings(db: &Db) -> PostgresConnection {
    let mut other = connection(db).await;
    for statement in [
        "begin; set local idle_in_transaction_session_timeout = 0",
        "lock table deleted_memberships in access exclusive mode",
    ] {
        sqlx::raw_sql(statement).execute(&mut *other).await.expect("locked");
    }
    other
}

#[tokio::test]
async fn clients_wait_for_their_turn_while_others_post() {
    if !Storage::is_on_postgres() {
        return;
    }
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let mut connected = luis.live().await;
    connected.open_room(1, None).await;
    let db = server.storage().open().await;
    let mut other = hold_greetings(&db).await;
    let mut greeted = join_all((0..TURNS).map(|_| ana.live())).await;
    until_waiting(&db, 4).await;
    let post = async {
        for n in 0..20 {
            connected
                .send(json!({"type": "post", "room": 1, "body": format!("mensaje {n}")}))
                .await;
            connected.until("posted").await;
        }
        sqlx::raw_sql("commit").execute(&mut *other).await.expect("released");
    };
    let (last, ()) = tokio::join!(ana.live(), post);
    greeted.push(last);
    for mut live in greeted {
        assert_eq!(live.until("ready").await["rooms"][0]["last_seq"], 20);
    }
    drop(other);
    db.close().await;
}

#[tokio::test]
async fn clients_that_would_wait_too_long_are_refused() {
    if !Storage::is_on_postgres() {
        return;
    }
    let server = Server::start().await;
    let (ana, mut browser) = (server.api("ana").await, server.browser_as("luis").await);
    let db = server.storage().open().await;
    let other = hold_greetings(&db).await;
    let greeted = join_all((0..TURNS).map(|_| ana.live())).await;
    until_waiting(&db, 4).await;
    let poll = browser.submit("/live", &[]);
    let (live, poll) = tokio::join!(ana.send(Method::GET, "/live", None), poll);
    for (status, headers) in [(live.status(), live.headers()), (poll.status, &poll.headers)] {
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(headers["retry-after"], "2");
    }
    let metrics = reqwest::get(server.url("/metrics")).await.expect("an answer");
    let metrics = metrics.text().await.expect("text");
    assert!(metrics.contains("patio_greetings_refused_total 2"), "{metrics}");
    drop((other, greeted));
    let live = ana.send(Method::GET, "/live", None).await;
    assert_eq!(live.status(), StatusCode::BAD_REQUEST, "no WebSocket, but not refused");
    db.close().await;
}
