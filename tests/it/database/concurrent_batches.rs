//! Batches of several servers at the same time, on `PostgreSQL`: which of them wait for each other, and that nothing goes
//! wrong if they do. On `SQLite`, which has one writer, each test returns immediately.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use patio::db::{Db, PostgresConnection};
use patio::kernel::ServiceError;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::postgres::{connection, until_waiting};
use crate::support::{Api, Server, Storage, eventually, numbers};

/// Two servers on one database with the rooms 1, 2 and 3, in each of which is a message.
struct Servers {
    one: Server,
    two: Server,
    /// Ana at the first server.
    ana: Api,
    /// Luis at the second one.
    luis: Api,
    /// The messages, by room.
    messages: [i64; 3],
    db: Db,
}

async fn servers() -> Option<Servers> {
    if !Storage::is_on_postgres() {
        return None;
    }
    let one = Server::start().await;
    let two = one.second().await;
    let (ana, luis) = (one.api("ana").await, two.api("luis").await);
    let mut messages = [0; 3];
    for (place, message) in messages.iter_mut().enumerate() {
        if place > 0 {
            let name = format!("Sala {place}");
            ana.post("/rooms", json!({"name": name, "visibility": "public"})).await;
        }
        *message = post(&ana, place + 1, "hola").await;
        post(&luis, place + 1, "hola").await;
    }
    let db = one.storage().open().await;
    Some(Servers { one, two, ana, luis, messages, db })
}

/// Sends a request, again while the server is busy: on a slow machine a batch may wait for longer than it may.
async fn send(api: &Api, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
    let mut accepted = None;
    eventually("an answer", async || {
        let answer = api.send(method.clone(), path, body.clone()).await;
        let status = answer.status();
        if status != StatusCode::SERVICE_UNAVAILABLE {
            accepted = Some((status, answer.json().await.unwrap_or_default()));
        }
        accepted.is_some()
    })
    .await;
    accepted.expect("an answer")
}

/// Posts, and returns the id.
async fn post(api: &Api, room: usize, body: &str) -> i64 {
    let (path, body) = (format!("/rooms/{room}/messages"), json!({"body": body}));
    send(api, Method::POST, &path, Some(body)).await.1["id"].as_i64().expect("an id")
}

async fn post_with_nonce(api: &Api, room: usize, nonce: &str) -> (StatusCode, Value) {
    let message = json!({"body": "hola", "nonce": nonce});
    send(api, Method::POST, &format!("/rooms/{room}/messages"), Some(message)).await
}

async fn react(api: &Api, message: i64) {
    let path = format!("/messages/{message}/reactions/👍");
    assert!(send(api, Method::PUT, &path, None).await.0.is_success());
}

/// Another transaction that holds locks.
pub(super) async fn holding(db: &Db, locks: &'static str) -> PostgresConnection {
    let mut other = connection(db).await;
    for statement in ["begin; set local idle_in_transaction_session_timeout = 0", locks] {
        sqlx::raw_sql(statement).execute(&mut *other).await.expect("locked");
    }
    other
}

pub(super) async fn release(mut other: PostgresConnection) {
    sqlx::raw_sql("commit").execute(&mut *other).await.expect("released");
}

/// Waits until this many writes wait for the writer of a server.
async fn until_queued(server: &Server, wanted: u32) {
    let line = format!("patio_write_queue_depth {wanted}");
    eventually(&line, async || {
        let text = reqwest::get(server.url("/metrics")).await.expect("an answer").text().await;
        text.expect("text").lines().any(|found| found == line)
    })
    .await;
}

#[tokio::test]
async fn batch_waits_only_for_batches_in_its_rooms_and_takes_its_ids_afterwards() {
    let Some(servers) = servers().await else { return };
    let Servers { ana, luis, db, .. } = &servers;
    let other = holding(db, "select 1 from rooms where id = 1 for update").await;
    let elsewhere = async {
        until_waiting(db, 1).await;
        let there = post(luis, 2, "en otra sala").await;
        release(other).await;
        there
    };
    let (here, there) = tokio::join!(post(ana, 1, "en esta"), elsewhere);
    assert!(here > there, "in a room ids rise with seq: {here} and {there}");
    db.close().await;
}

/// Whose process stands still in the middle of storing holds up its own rooms, and no others of any process.
#[tokio::test]
async fn writes_to_a_room_that_stays_locked_wait_alone_and_stay_in_order() {
    let Some(servers) = servers().await else { return };
    let Servers { one, ana, db, .. } = &servers;
    let (eva, tom) = (one.api("eva").await, one.api("tom").await);
    post(&eva, 2, "dentro").await;
    let other = holding(db, "select 1 from rooms where id = 1 for update").await;
    let say = async |api: &Api, body: &str| {
        let answer = api.send(Method::POST, "/rooms/1/messages", Some(json!({"body": body}))).await;
        assert_eq!(answer.status(), StatusCode::CREATED, "{body}");
    };
    let elsewhere = async {
        until_waiting(db, 1).await;
        post(&eva, 2, "en otra sala").await;
        let later = async {
            until_queued(one, 1).await;
            post(&eva, 2, "y otra vez").await;
            release(other).await;
        };
        tokio::join!(say(&tom, "después"), later);
    };
    tokio::join!(say(ana, "antes"), elsewhere);
    let bodies: Vec<String> = sqlx::query_scalar(
        "select body from messages where room_seq_key >> 32 = 1 and body <> 'hola' order by id",
    )
    .fetch_all(&mut *connection(db).await)
    .await
    .expect("the messages");
    assert_eq!(bodies, ["antes", "después"]);
    db.close().await;
}

/// Of two batches that change the same rooms in another order, none may hold what the other one waits for.
#[tokio::test]
async fn batches_lock_rooms_in_ascending_order_whatever_the_order_of_their_writes() {
    let Some(servers) = servers().await else { return };
    let Servers { one, two, ana, luis, messages: [first, second, _], db } = &servers;
    let eva = two.api("eva").await;
    // While it waits for the third room, the first server gathers a batch of what waits for the others.
    let third = holding(db, "select 1 from rooms where id = 3 for update").await;
    let middle = holding(db, "select 1 from rooms where id = 2 for update").await;
    let lowest = holding(db, "select 1 from rooms where id = 1 for update").await;
    let gather = async {
        until_waiting(db, 1).await;
        let reactions = async {
            until_queued(one, 1).await;
            react(ana, *first).await;
        };
        let free = async {
            until_queued(one, 2).await;
            release(third).await;
            release(middle).await;
            // The batch waits for the first room, and holds no other.
            until_waiting(db, 1).await;
            react(luis, *second).await;
            let backwards = async { tokio::join!(react(&eva, *second), react(&eva, *first)) };
            tokio::join!(backwards, release(lowest));
        };
        tokio::join!(react(ana, *second), reactions, free)
    };
    tokio::join!(post(ana, 3, "espera"), gather);
    let reactions = numbers(db, "select count(*) from reactions").await;
    assert_eq!(reactions, [5]);
    servers.db.close().await;
}

#[tokio::test]
async fn changes_of_two_servers_in_the_same_rooms_are_all_stored() {
    let Some(servers) = servers().await else { return };
    let Servers { ana, luis, messages, db, .. } = &servers;
    let changes = (0..60_usize).map(async |n| {
        let (api, mine) = if n % 2 == 0 { (ana, messages) } else { (luis, messages) };
        let room = (n * 7 + n / 3) % 3;
        match n % 5 {
            0 => react(api, mine[room]).await,
            1 | 2 => {
                post(api, room + 1, &format!("mensaje {n}")).await;
            }
            _ => {
                let text = json!({"body": format!("corregido {n}")});
                let path = format!("/messages/{}", mine[room]);
                assert!(send(ana, Method::PATCH, &path, Some(text)).await.0.is_success());
            }
        }
    });
    join_all(changes).await;
    // Each room has its numbers without gaps, and ids that rise with them.
    let gaps = numbers(
        db,
        "select count(*) from rooms r
         where last_seq <> (select count(*) from messages where room_seq_key >> 32 = r.id)",
    );
    assert_eq!(gaps.await, [0]);
    let backwards = numbers(
        db,
        "select count(*) from messages m join messages n on n.room_seq_key = m.room_seq_key + 1
         where n.id <= m.id",
    );
    assert_eq!(backwards.await, [0]);
    assert_eq!(numbers(db, "select count(*) from messages").await, [6 + 24]);
    db.close().await;
}

/// A client that tries again elsewhere while its first attempt hangs.
#[tokio::test]
async fn nonce_at_two_servers_at_once_is_stored_once() {
    let Some(servers) = servers().await else { return };
    let Servers { two, ana, db, .. } = &servers;
    let there = ana.through(two);
    for n in 0..200 {
        let nonce = format!("n{n}");
        let (here, there) =
            tokio::join!(post_with_nonce(ana, 1, &nonce), post_with_nonce(&there, 1, &nonce));
        let mut statuses = [here.0, there.0];
        statuses.sort_unstable();
        assert_eq!(statuses, [StatusCode::OK, StatusCode::CREATED], "{nonce}");
        assert_eq!(here.1["id"], there.1["id"], "{nonce}");
    }
    assert_eq!(numbers(db, "select last_seq from rooms where id = 1").await, [202]);
    db.close().await;
}

/// The second batch has seen no message with its nonce, because the first one was not committed yet.
#[tokio::test]
async fn nonce_of_an_unfinished_batch_is_found_after_its_commit() {
    let Some(servers) = servers().await else { return };
    let Servers { two, ana, db, .. } = &servers;
    let there = ana.through(two);
    for (nonce, room, expected) in [("n1", 1, StatusCode::OK), ("n2", 2, StatusCode::CONFLICT)] {
        // The batch deletes the draft after it has stored the nonce.
        let draft = json!({"body": "hola", "nonce": nonce});
        ana.ok(Method::PUT, "/rooms/1/draft", Some(draft)).await;
        let other = holding(db, "select 1 from drafts for update").await;
        let again = async {
            until_waiting(db, 1).await;
            let finish = async {
                until_waiting(db, 2).await;
                release(other).await;
            };
            tokio::join!(post_with_nonce(&there, room, nonce), finish).0
        };
        let (first, (status, second)) = tokio::join!(post_with_nonce(ana, 1, nonce), again);
        assert_eq!((first.0, status), (StatusCode::CREATED, expected), "{second}");
        assert!(status != StatusCode::OK || first.1["id"] == second["id"]);
        assert!(ana.get("/drafts").await["items"].as_array().is_some_and(Vec::is_empty));
    }
    db.close().await;
}

/// A row that all batches write would make them wait for each other.
#[tokio::test]
async fn times_of_an_id_range_are_written_once_an_hour() {
    let Some(servers) = servers().await else { return };
    let Servers { one, ana, db, .. } = &servers;
    let ranges = "select 1 from message_time_ranges for update";
    let other = holding(db, ranges).await;
    post(ana, 1, "en la misma hora").await;
    one.advance(Duration::from_hours(1));
    let next = async {
        until_waiting(db, 1).await;
        release(other).await;
    };
    tokio::join!(post(ana, 1, "en la siguiente"), next);
    let strays =
        "select count(*) from messages m left join message_time_ranges r on r.id_range = m.id >> 12
         where r.id_range is null or m.created_at < r.oldest or m.created_at >= r.newest";
    assert_eq!(numbers(db, strays).await, [0]);
    db.close().await;
}

/// The poll has passed the id of a message when that is committed.
#[tokio::test]
async fn message_that_is_committed_after_a_later_id_reaches_the_other_server() {
    let Some(servers) = servers().await else { return };
    let Servers { one, two, ana, luis, db, .. } = &servers;
    let mut live = luis.through(one).live().await;
    live.open_room(1, None).await;
    live.open_room(2, None).await;
    let there = ana.through(two);
    there.ok(Method::PUT, "/rooms/1/draft", Some(json!({"body": "x", "nonce": "late"}))).await;
    let other = holding(db, "select 1 from drafts for update").await;
    let third = one.second().await;
    let later = async {
        until_waiting(db, 1).await;
        post(&luis.through(&third), 2, "antes").await;
        assert_eq!(live.until("message").await["room"], 2);
        release(other).await;
    };
    let (late, ()) = tokio::join!(post_with_nonce(&there, 1, "late"), later);
    assert_eq!(late.0, StatusCode::CREATED);
    assert_eq!(live.until("message").await["message"]["id"], late.1["id"]);
    db.close().await;
}

/// The same while no other transaction begins or ends, which `PostgreSQL` counts by those that have ended.
#[tokio::test]
async fn message_whose_transaction_runs_alone_while_others_poll_reaches_them() {
    let Some(servers) = servers().await else { return };
    let Servers { ana, luis, db, .. } = &servers;
    let mut live = luis.live().await;
    live.open_room(1, None).await;
    // Without a number of its own, unlike one that locks rows.
    let other = holding(db, "lock table drafts in share mode").await;
    let polled = async {
        until_waiting(db, 1).await;
        until_polled(db, 3).await;
        release(other).await;
        live.until("message").await
    };
    let (late, received) = tokio::join!(post_with_nonce(ana, 1, "late"), polled);
    assert_eq!(late.0, StatusCode::CREATED);
    assert_eq!(received["message"]["id"], late.1["id"]);
    db.close().await;
}

/// Waits until the servers have looked for new messages in this many different seconds.
async fn until_polled(db: &Db, wanted: usize) {
    let mut seconds = BTreeSet::new();
    let started = "select cast(floor(extract(epoch from query_start)) as bigint) from pg_stat_activity
                   where datname = current_database()
                     and (query like 'select last_value from message_ids%' or query like 'select id, rev, last_seq%')";
    eventually("the servers have polled", async || {
        seconds.extend(numbers(db, started).await);
        seconds.len() >= wanted
    })
    .await;
}

/// A server that starts finds the id of a message that is not committed yet.
#[tokio::test]
async fn message_that_is_committed_after_a_server_started_reaches_it() {
    let Some(servers) = servers().await else { return };
    let Servers { one, ana, luis, db, .. } = &servers;
    ana.ok(Method::PUT, "/rooms/1/draft", Some(json!({"body": "x", "nonce": "late"}))).await;
    let other = holding(db, "select 1 from drafts for update").await;
    let started = async {
        until_waiting(db, 1).await;
        let third = one.second().await;
        let mut live = luis.through(&third).live().await;
        live.open_room(1, None).await;
        release(other).await;
        live.until("message").await
    };
    let (late, received) = tokio::join!(post_with_nonce(ana, 1, "late"), started);
    assert_eq!(late.0, StatusCode::CREATED);
    assert_eq!(received["message"]["id"], late.1["id"]);
    db.close().await;
}

/// A batch of messages moves the markers of its authors: while it waits for some of them, it holds others.
#[tokio::test]
async fn read_marks_that_are_stored_together_wait_for_no_row() {
    let Some(servers) = servers().await else { return };
    let Servers { ana, luis, db, .. } = &servers;
    let mut live = luis.live().await;
    for room in 1..=3 {
        live.open_room(room, None).await;
        post(ana, usize::try_from(room).expect("a room"), "hola").await;
    }
    let mine = "select 1 from memberships m join users u on u.id = m.user_id
                where u.name = 'luis' and room_id = 2 for update of m";
    let other = holding(db, mine).await;
    for room in [2, 1, 3] {
        live.send(json!({"type": "read", "room": room, "seq": 3})).await;
    }
    let mut moved = [live.until("read").await, live.until("read").await];
    moved.sort_by_key(|read| read["room"].as_i64());
    assert_eq!([&moved[0]["room"], &moved[1]["room"]], [1, 3]);
    release(other).await;
    assert_eq!(live.until("read").await["room"], 2);
    servers.db.close().await;
}

/// Each round trip is waited for while the rooms are locked.
#[tokio::test]
async fn batch_of_posts_takes_six_round_trips() {
    if !Storage::is_on_postgres() {
        return;
    }
    let (storage, network) = Storage::new().await.behind_network().await;
    let server = Server::on_storage(storage).await;
    let ana = server.api("ana").await;
    let luis = server.api("luis").await;
    let first = ana.say("hola").await["id"].clone();
    luis.say("hola").await;
    network.trips.take();
    for number in 0..40 {
        let room = "/rooms/1/messages";
        let nonce = |name: &str| format!("{name}{number}");
        let draft = json!({"body": "hola", "nonce": nonce("ana")});
        ana.ok(Method::PUT, "/rooms/1/draft", Some(draft)).await;
        network.trips.take();
        let text = "hola @luis @room";
        let reply = json!({"body": text, "reply_to": first, "nonce": nonce("ana")});
        let plain = json!({"body": "hola", "nonce": nonce("luis")});
        tokio::join!(ana.post(room, reply), luis.post(room, plain));
        let trips = network.trips.take();
        assert_eq!(trips.iter().max(), Some(&6), "{trips:?}");
    }
}

/// They would store messages without locking rooms. Their senders try again, at the process that replaces them.
#[tokio::test]
async fn earlier_versions_that_still_run_cannot_store_messages() {
    if !Storage::is_on_postgres() {
        return;
    }
    let db = Storage::new().await.open().await;
    let take = "update counters set value = value + 1 where name = 'message' returning value";
    let refused = sqlx::raw_sql(take).execute(&mut *connection(&db).await).await;
    let error = ServiceError::from(refused.expect_err("a refusal"));
    assert!(matches!(error, ServiceError::Unavailable { .. }), "{error:?}");
    db.close().await;
}
