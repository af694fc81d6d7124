//! Behaviour that only `PostgreSQL` has. On `SQLite` each test returns immediately.

use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::future::join_all;
use patio::db::{Db, PostgresConnection};
use patio::kernel::ServiceError;
use reqwest::{Method, StatusCode};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _};

use crate::support::{Cluster, Process, Server, Storage, eventually, numbers, within};

pub(super) async fn connection(db: &Db) -> PostgresConnection {
    match db {
        Db::Postgres(pool) => pool.acquire().await.expect("a connection"),
        Db::Sqlite { .. } => panic!("the tests run on PostgreSQL"),
    }
}

/// Waits until this many transactions are blocked by a lock.
pub(super) async fn until_waiting(db: &Db, wanted: i64) {
    let waiting = "select count(*) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
    eventually(waiting, async || numbers(db, waiting).await == [wanted]).await;
}

async fn ready(server: &Server) -> StatusCode {
    reqwest::get(server.url("/ready")).await.expect("an answer").status()
}

#[tokio::test]
async fn lost_database_is_a_503_until_it_returns() {
    if !Storage::is_on_postgres() {
        return;
    }
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let mut eva = server.browser_as("eva").await;
    assert_eq!(ready(&server).await, StatusCode::OK);

    server.storage().set_reachable(false).await;
    assert_eq!(ready(&server).await, StatusCode::SERVICE_UNAVAILABLE);
    let message = json!({"body": "hola", "nonce": "n1"});
    let refused = ana.refused(Method::POST, "/rooms/1/messages", Some(message.clone())).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.retry_after.is_some(), "{refused:?}");
    assert_eq!(eva.get("/rooms/1").await.status, StatusCode::SERVICE_UNAVAILABLE);
    let up = reqwest::get(server.url("/up")).await.expect("an answer");
    assert_eq!(up.status(), StatusCode::OK, "the process is well");

    server.storage().set_reachable(true).await;
    eventually("it is ready", async || ready(&server).await == StatusCode::OK).await;
    assert_eq!(ana.post("/rooms/1/messages", message).await["seq"], 1);
    assert_eq!(eva.get("/rooms/1").await.messages(), ["hola"]);
}

#[tokio::test]
async fn retries_over_breaking_connections_are_stored_once() {
    if !Storage::is_on_postgres() {
        return;
    }
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let refusals = AtomicU32::new(0);
    // Write until a few posts were refused, and repeat each until it is stored.
    let write = async |author: u32| {
        let mut written = 0;
        while refusals.load(Ordering::Relaxed) < 3 {
            let nonce = format!("{author}-{written}");
            let message = json!({"body": nonce, "nonce": nonce});
            loop {
                let path = "/rooms/1/messages";
                match ana.send(Method::POST, path, Some(message.clone())).await.status().as_u16() {
                    200 | 201 => break,
                    503 => refusals.fetch_add(1, Ordering::Relaxed),
                    other => panic!("{other}"),
                };
            }
            written += 1;
        }
        written
    };
    let breaks = async {
        while refusals.load(Ordering::Relaxed) < 3 {
            server.storage().end_connections().await;
        }
    };
    let load = async { tokio::join!(join_all((0..4).map(write)), breaks) };
    let (written, ()) = within("three posts are refused", load).await;
    let db = server.storage().open().await;
    let seqs =
        numbers(&db, "select room_seq_key & 4294967295 from messages order by room_seq_key").await;
    assert_eq!(seqs, (1..=written.into_iter().sum()).collect::<Vec<_>>());
    db.close().await;
}

#[tokio::test]
async fn post_aborted_by_a_deadlock_is_retried_and_stored() {
    if !Storage::is_on_postgres() {
        return;
    }
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let db = server.storage().open().await;
    let mut other = connection(&db).await;
    let mut other = other.begin().await.expect("a transaction");
    // A transaction that locks in the wrong order and has a longer deadlock timeout, so that PostgreSQL
    // aborts Patio's transaction and not this one.
    sqlx::raw_sql("set local deadlock_timeout = '1h'; select 1 from memberships for update")
        .execute(&mut *other)
        .await
        .expect("locked");
    let post = ana.send(Method::POST, "/rooms/1/messages", Some(json!({"body": "hola"})));
    let collide = async {
        until_waiting(&db, 1).await;
        let room = sqlx::raw_sql("update rooms set rev = rev").execute(&mut *other).await;
        room.expect("the other transaction was aborted");
        other.commit().await.expect("done");
    };
    let (posted, ()) = tokio::join!(post, collide);
    assert_eq!(posted.status(), StatusCode::CREATED);
    db.close().await;
}

/// Another process in the middle of a transaction, which is paused or cut off from the database.
#[tokio::test]
async fn locks_of_a_paused_process_end_before_others_give_up() {
    if !Storage::is_on_postgres() {
        return;
    }
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let db = server.storage().open().await;
    let mut paused = connection(&db).await;
    sqlx::raw_sql("begin; select 1 from rooms for update")
        .execute(&mut *paused)
        .await
        .expect("locked");
    assert_eq!(ana.say("hola").await["seq"], 1);
    drop(paused);
    db.close().await;
}

/// As after a fail-over, or when a router forgets connections: neither side hears that they are lost.
#[tokio::test]
async fn lost_connections_are_given_up_and_replaced() {
    if !Storage::is_on_postgres() {
        return;
    }
    let (storage, network) = Storage::new().await.behind_network().await;
    let server = Server::on_storage(storage).await;
    let ana = server.api("ana").await;
    assert_eq!(ana.say("before").await["seq"], 1);
    assert_eq!(ready(&server).await, StatusCode::OK);
    network.lose_connections();
    let message = json!({"body": "after", "nonce": "n1"});
    let post = async || {
        let sent = ana.send(Method::POST, "/rooms/1/messages", Some(message.clone())).await;
        match sent.status() {
            StatusCode::CREATED => true,
            StatusCode::SERVICE_UNAVAILABLE => false,
            other => panic!("{other}"),
        }
    };
    let unready = async || ready(&server).await == StatusCode::SERVICE_UNAVAILABLE;
    tokio::join!(eventually("it is stored", post), eventually("it is not ready", unready));
    eventually("it is ready", async || ready(&server).await == StatusCode::OK).await;
    assert_eq!(ana.say("later").await["seq"], 3);
}

/// An address that leads to a standby for a moment, as during a fail-over.
#[tokio::test]
async fn connections_that_cannot_write_are_not_kept() {
    if !Storage::is_on_postgres() {
        return;
    }
    let server = Server::start().await;
    let ana = server.api("ana").await;
    server.storage().set_read_only(true).await;
    server.storage().end_connections().await;
    for _ in 0..3 {
        let message = Some(json!({"body": "refused"}));
        let refused = ana.refused(Method::POST, "/rooms/1/messages", message).await;
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(ready(&server).await, StatusCode::SERVICE_UNAVAILABLE);
    }
    server.storage().set_read_only(false).await;
    eventually("it is ready", async || ready(&server).await == StatusCode::OK).await;
    let posts = join_all((0..20).map(|_| ana.say("stored"))).await;
    assert_eq!(posts.len(), 20);
}

#[tokio::test]
async fn one_of_two_racing_sign_ups_becomes_administrator() {
    if !Storage::is_on_postgres() {
        return;
    }
    let server = Server::start().await;
    let db = server.storage().open().await;
    let mut other = connection(&db).await;
    let mut other = other.begin().await.expect("a transaction");
    sqlx::raw_sql("select 1 from rooms for update").execute(&mut *other).await.expect("locked");
    let meet = async {
        until_waiting(&db, 2).await;
        other.commit().await.expect("done");
    };
    let (ana, luis, ()) = tokio::join!(server.api("ana"), server.api("luis"), meet);
    let roles = [ana.get("/me").await["role"].clone(), luis.get("/me").await["role"].clone()];
    assert_eq!(roles.iter().filter(|role| *role == "admin").count(), 1, "{roles:?}");
    db.close().await;
}

#[tokio::test]
async fn url_cannot_turn_off_synchronous_commit_or_timeouts() {
    if !Storage::is_on_postgres() {
        return;
    }
    let storage = Storage::new().await;
    for (wanted, expected) in [("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")] {
        let parameters = format!("&options=-c%20synchronous_commit%3D{wanted}");
        let db = storage.try_open(&parameters).await.expect("a database");
        for (setting, value) in [
            ("show synchronous_commit", expected),
            ("show transaction_isolation", "read committed"),
            ("show statement_timeout", "10s"),
            ("show lock_timeout", "4s"),
            ("show idle_in_transaction_session_timeout", "2s"),
        ] {
            let found: String = sqlx::query_scalar(setting)
                .fetch_one(&mut *connection(&db).await)
                .await
                .expect("one");
            assert_eq!(found, value, "{setting}");
        }
        db.close().await;
    }
}

#[tokio::test]
async fn unusable_database_is_reported_in_one_line() {
    if !Storage::is_on_postgres() {
        return;
    }
    let error_line = async |storage: &Storage, parameters: &str| {
        let error = storage.try_open(parameters).await.err().expect("a refusal");
        let text = format!("{error:#}");
        assert_eq!(text.lines().count(), 1, "{text}");
        text
    };
    let latin = Storage::empty("encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'").await;
    let text = error_line(&latin, "").await;
    assert!(text.contains("LATIN1") && text.contains("UTF8"), "{text}");
    let plain = Storage::new().await;
    let text = error_line(&plain, "&sslmode=require").await;
    assert!(text.contains("TLS"), "{text}");
    let text = error_line(&plain, "&dbname=nowhere").await;
    assert!(text.contains("nowhere"), "{text}");
    let db = plain.try_open("&sslmode=disable").await.expect("a database");
    db.close().await;
}

#[tokio::test]
async fn transient_database_errors_are_never_final() {
    if !Storage::is_on_postgres() {
        return;
    }
    let storage = Storage::new().await;
    let db = storage.open().await;
    for (expected, codes) in [
        ("busy", &["55P03", "57014", "55006", "53000", "53200", "53400", "25P03", "25P04"][..]),
        ("busy", &["08000", "08003", "08006", "57P01", "57P02", "57P03", "57P04", "57P05"]),
        ("busy", &["53300", "55000", "3D000", "40001", "40P01"]),
        ("not stored", &["53100", "25006"]),
        ("our fault", &["42P01", "22012", "23502", "XX000"]),
    ] {
        for code in codes {
            let raise = format!("do $$ begin raise exception using errcode = '{code}'; end $$");
            let error =
                sqlx::raw_sql(AssertSqlSafe(raise)).execute(&mut *connection(&db).await).await;
            let kind = match ServiceError::from(error.expect_err("raised")) {
                ServiceError::Unavailable { .. } => "busy",
                ServiceError::StorageFull { .. } => "not stored",
                ServiceError::Internal(_) => "our fault",
            };
            assert_eq!(kind, expected, "{code}");
        }
    }
}

#[tokio::test]
async fn server_waits_for_a_database_that_starts_later() {
    if !Storage::is_on_postgres() {
        return;
    }
    let mut cluster = Cluster::new().await;
    cluster.kill();
    let (data, url) = (tempfile::tempdir().expect("a directory"), cluster.url());
    let path = data.path().to_owned();
    let starting =
        std::thread::spawn(move || Process::start(&path, &[("DATABASE_URL", url.into())]));
    cluster.until_open().await;
    let process = starting.join().expect("it opens");
    assert_eq!(process.api("ana").await.say("hola").await["seq"], 1);
}
