//! No acknowledged message is lost, whatever happens to the process, the disk and the power.
//!
//! `PROOF_ROUNDS` sets the number of rounds for long runs: 200 kills, thousands of power cuts. On
//! `PostgreSQL` (`script/postgres`) the database server is killed too.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use sqlx::Connection;
use tokio::sync::Notify;

use crate::support::{
    Api, Browser, Cluster, Disk, FaultRng, Process, Server, Storage, Syncs, cut_power, eventually,
    within,
};

/// Concurrent senders.
const SENDERS: usize = 64;

#[expect(clippy::disallowed_methods, reason = "how long to test is no setting of the server")]
fn rounds(short: usize) -> usize {
    std::env::var("PROOF_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(short)
}

/// The id and seq of each acknowledged message, by nonce.
type Acknowledged = BTreeMap<String, (i64, i64)>;

/// The result of a send.
#[derive(Debug, PartialEq, Eq)]
enum Sent {
    /// Stored, with this id and seq.
    Acknowledged(i64, i64),
    /// A 503: it is unknown whether it was stored, so it must be sent again.
    Later,
    /// The server is not running.
    NoAnswer,
}

/// Posts as Ana, concurrently if needed. Every message mentions Eva, who reads nothing, so that Eva's
/// mention count must equal the number of messages.
#[derive(Clone)]
struct Poster {
    client: Client,
    token: String,
    eva: String,
}

impl Poster {
    async fn new(server: &Process) -> Self {
        let (ana, eva) = (server.api("ana").await, server.api("eva").await);
        Self { client: Client::new(), token: ana.token().to_owned(), eva: eva.token().to_owned() }
    }

    async fn send(&self, base: &str, nonce: &str) -> Sent {
        let body = json!({"body": format!("@eva {nonce}"), "nonce": nonce});
        let request = self.client.post(format!("{base}/rooms/1/messages"));
        let Ok(response) = request.bearer_auth(&self.token).json(&body).send().await else {
            return Sent::NoAnswer;
        };
        let status = response.status();
        let Ok(text) = response.text().await else { return Sent::NoAnswer };
        if status == StatusCode::SERVICE_UNAVAILABLE {
            return Sent::Later;
        }
        assert!(status.is_success(), "{status}: {text}");
        let message: Value = serde_json::from_str(&text).expect("JSON");
        let number = |field: &str| message[field].as_i64().expect("a number");
        Sent::Acknowledged(number("id"), number("seq"))
    }

    /// Posts, repeats after a 503, and returns id and seq of the acknowledged message; `None` if the server
    /// did not respond.
    async fn post(&self, base: &str, nonce: &str) -> Option<(i64, i64)> {
        let send = async {
            loop {
                match self.send(base, nonce).await {
                    Sent::Acknowledged(id, seq) => return Some((id, seq)),
                    Sent::Later => {}
                    Sent::NoAnswer => return None,
                }
            }
        };
        within("a post is no longer refused with a 503", send).await
    }

    /// Eva's count of unread mentions.
    async fn mentions(&self, base: &str) -> usize {
        let rooms = self.get_as(&self.eva, base, "/rooms").await;
        usize::try_from(rooms["items"][0]["mentions"].as_u64().expect("a count")).expect("small")
    }

    async fn get(&self, base: &str, path: &str) -> Value {
        self.get_as(&self.token, base, path).await
    }

    async fn get_as(&self, token: &str, base: &str, path: &str) -> Value {
        let request = self.client.get(format!("{base}{path}")).bearer_auth(token);
        let text = request.send().await.expect("an answer").text().await.expect("a body");
        serde_json::from_str(&text).expect("JSON")
    }

    /// All messages of the lobby by nonce. Asserts that the seqs have no gaps and the nonces are unique.
    async fn stored(&self, base: &str) -> Acknowledged {
        let (mut found, mut last) = (Acknowledged::new(), 0);
        loop {
            let path = format!("/rooms/1/messages?limit=100&after={last}");
            let page = self.get(base, &path).await;
            let items = page["items"].as_array().unwrap_or_else(|| panic!("{page}"));
            for message in items {
                let seq = message["seq"].as_i64().expect("a seq");
                assert_eq!(seq, last + 1, "no gap");
                last = seq;
                let nonce = message["nonce"].as_str().expect("a nonce").to_owned();
                assert_eq!(message["body"], format!("@eva {nonce}"));
                let position = (message["id"].as_i64().expect("an id"), seq);
                assert_eq!(found.insert(nonce.clone(), position), None, "{nonce} is there twice");
            }
            if page["more"] == false {
                return found;
            }
            assert!(!items.is_empty(), "a page before the last one has messages");
        }
    }
}

async fn check_integrity(data: &Path) {
    let path = format!("sqlite:{}", data.join("patio.db").display());
    let mut database = sqlx::SqliteConnection::connect(&path).await.expect("opened");
    let result: String =
        sqlx::query_scalar("pragma integrity_check").fetch_one(&mut database).await.expect("read");
    assert_eq!(result, "ok");
    // The search index is consistent and has exactly the messages that are not deleted.
    let check = sqlx::query("insert into search (search) values ('integrity-check')");
    check.execute(&mut database).await.expect("a sound index");
    let (messages, found): (i64, i64) = sqlx::query_as(
        "select (select count(*) from messages where deleted_at is null), (select count(*) from search)",
    )
    .fetch_one(&mut database)
    .await
    .expect("counts");
    assert_eq!(messages, found);
    // Every message lies within the times recorded for its id range, so a search by date finds it.
    let strays: i64 = sqlx::query_scalar(
        "select count(*) from messages m left join message_time_ranges e on e.id_range = m.id >> 12
         where e.id_range is null or m.created_at < e.oldest or m.created_at >= e.newest",
    )
    .fetch_one(&mut database)
    .await
    .expect("a count");
    assert_eq!(strays, 0);
    database.close().await.expect("closed");
}

/// Posts with [`SENDERS`] concurrent senders until `on_acknowledged`, which is called for each
/// acknowledged message, returns false or the server no longer responds. Some messages are sent twice.
async fn load(
    poster: &Poster,
    base: &str,
    round: usize,
    on_acknowledged: &(impl Fn(String, (i64, i64)) -> bool + Sync),
) {
    let sender = |sender: usize| async move {
        for number in 0.. {
            let nonce = format!("r{round}-{sender}-{number}");
            let Some(position) = poster.post(base, &nonce).await else { return };
            let go_on = on_acknowledged(nonce.clone(), position);
            if number % 7 == 0 {
                match poster.post(base, &nonce).await {
                    Some(again) => assert_eq!(again, position, "{nonce} was sent twice"),
                    None => return,
                }
            }
            if !go_on {
                return;
            }
        }
    };
    join_all((0..SENDERS).map(sender)).await;
}

/// Asserts that every acknowledged message is stored once, and that repeating a nonce returns the stored
/// message, even if its first send got no response.
async fn check(poster: &Poster, base: &str, round: usize, acknowledged: &Mutex<Acknowledged>) {
    let stored = poster.stored(base).await;
    for (nonce, position) in acknowledged.lock().expect("a lock").iter() {
        assert_eq!(stored.get(nonce), Some(position), "round {round}: {nonce}");
    }
    assert_eq!(poster.mentions(base).await, stored.len(), "round {round}: mentions");
    for (nonce, position) in stored.iter().rev().take(5) {
        assert_eq!(poster.post(base, nonce).await, Some(*position), "{nonce}");
    }
}

/// Kills a server under load, round after round, and returns the last one.
async fn kill_repeatedly(
    start: impl Fn() -> Process,
    rounds: usize,
    acknowledged: &Mutex<Acknowledged>,
) -> (Process, Poster) {
    let mut rng = FaultRng(0x5eed_0001);
    let mut server = start();
    let poster = Poster::new(&server).await;
    for round in 0..rounds {
        let base = server.base();
        // The sender that receives this acknowledgement kills the server.
        let fatal = acknowledged.lock().expect("a lock").len() + 1 + rng.below(400);
        let running = Mutex::new(Some(server));
        load(&poster, &base, round, &|nonce, position| {
            let mut all = acknowledged.lock().expect("a lock");
            all.insert(nonce, position);
            if all.len() >= fatal
                && let Some(server) = running.lock().expect("a lock").take()
            {
                server.kill();
            }
            true
        })
        .await;
        server = start();
        check(&poster, &server.base(), round, acknowledged).await;
        report("patio", round + 1, acknowledged);
    }
    (server, poster)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_server_loses_no_acknowledged_message() {
    let data = tempfile::tempdir().expect("a directory");
    let acknowledged = Mutex::new(Acknowledged::new());
    let start = || Process::start(data.path(), &[]);
    let (server, _) = kill_repeatedly(start, rounds(3), &acknowledged).await;
    server.kill();
    check_integrity(data.path()).await;
}

#[expect(clippy::print_stderr, reason = "the count is what a long run is for")]
fn report(what: &str, rounds: usize, acknowledged: &Mutex<Acknowledged>) {
    let count = acknowledged.lock().expect("a lock").len();
    eprintln!("{what} was killed {rounds} times: {count} messages acknowledged, each stored once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_postgresql_loses_no_acknowledged_message() {
    if !Storage::is_on_postgres() {
        return;
    }
    let mut cluster = Cluster::new().await;
    let url = cluster.url();
    let data = tempfile::tempdir().expect("a directory");
    let start = || Process::start(data.path(), &[("DATABASE_URL", url.clone().into())]);
    let acknowledged = Mutex::new(Acknowledged::new());
    let (some, more) = (rounds(4).div_ceil(2), rounds(4) / 2);
    let (server, poster) = kill_repeatedly(start, some, &acknowledged).await;
    // This time the database is killed and the server keeps running: senders get a 503 and repeat.
    let (base, mut rng) = (server.base(), FaultRng(0x5eed_0003));
    for round in some..some + more {
        let before = acknowledged.lock().expect("a lock").len();
        let fatal = before + 1 + rng.below(400);
        let (killed, kill) = (AtomicBool::new(false), Notify::new());
        let on_acknowledged = |nonce, position| {
            let mut all = acknowledged.lock().expect("a lock");
            all.insert(nonce, position);
            if all.len() >= fatal && !killed.swap(true, Ordering::SeqCst) {
                kill.notify_one();
            }
            all.len() < fatal + 200
        };
        let sending = load(&poster, &base, round, &on_acknowledged);
        let killing = async {
            kill.notified().await;
            cluster.kill();
            cluster.until_open().await;
        };
        tokio::join!(sending, killing);
        check(&poster, &base, round, &acknowledged).await;
        report("PostgreSQL", round + 1 - some, &acknowledged);
    }
    server.kill();
}

/// Starts a server on the files that a power cut left, and returns how many acknowledged messages are
/// missing.
async fn missing(image: tempfile::TempDir, poster: &Poster, expected: &Acknowledged) -> usize {
    check_integrity(image.path()).await;
    let mut server = Server::on_directory(image).await;
    let stored = poster.stored(&server.url("/api/v1")).await;
    server.stop().await;
    expected.iter().filter(|(nonce, position)| stored.get(*nonce) != Some(*position)).count()
}

/// The same for a disk that may have lost anything, even the account and the tables.
async fn missing_in_ruins(image: &Path, expected: &Acknowledged) -> usize {
    let path = format!("sqlite:{}", image.join("patio.db").display());
    let Ok(mut database) = sqlx::SqliteConnection::connect(&path).await else {
        return expected.len();
    };
    let found =
        sqlx::query_scalar("select nonce from idempotency_keys").fetch_all(&mut database).await;
    let stored: std::collections::BTreeSet<String> =
        found.unwrap_or_default().into_iter().collect();
    expected.keys().filter(|nonce| !stored.contains(*nonce)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn power_cut_loses_no_acknowledged_message() {
    let (data, disk) = (tempfile::tempdir().expect("a directory"), Disk::new());
    let server = Process::start(data.path(), &disk.environment());
    let poster = Poster::new(&server).await;
    let ready = disk.written();
    // Record with each acknowledgement how much had been written before it.
    let on_acknowledged = Mutex::new(Vec::new());
    load(&poster, &server.base(), 0, &|nonce, position| {
        let mut all = on_acknowledged.lock().expect("a lock");
        all.push((disk.written(), nonce, position));
        all.len() < 400
    })
    .await;
    server.kill();
    let (events, on_acknowledged) = (disk.log(), on_acknowledged.into_inner().expect("a lock"));
    let first = events.iter().position(|event| event.end > ready).expect("something was written");
    let mut rng = FaultRng(0x5eed_0002);
    let mut lost = BTreeMap::from([(false, 0), (true, 0)]);
    for round in 0..rounds(12) {
        let last = first + rng.below(events.len() - first);
        let expected: Acknowledged = on_acknowledged
            .iter()
            .filter(|(written, ..)| *written <= events[last].end)
            .map(|(_, nonce, position)| (nonce.clone(), *position))
            .collect();
        let image = tempfile::tempdir().expect("a directory");
        // If the disk ignores syncs of the log, messages must be lost; otherwise the test proves nothing.
        if round % 4 == 3 {
            cut_power(&events[..=last], Syncs::Ignored, &mut rng, image.path());
            *lost.entry(true).or_default() += missing_in_ruins(image.path(), &expected).await;
        } else {
            cut_power(&events[..=last], Syncs::Honored, &mut rng, image.path());
            *lost.entry(false).or_default() += missing(image, &poster, &expected).await;
        }
    }
    assert_eq!(lost[&false], 0, "acknowledged and lost");
    assert!(lost[&true] > 0, "no message is lost without syncs: the test proves nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_disk_refuses_posts_and_the_server_recovers() {
    let (data, disk) = (tempfile::tempdir().expect("a directory"), Disk::new());
    let server = Process::start(data.path(), &disk.environment());
    let mut ana = server.api("ana").await;
    let mut luis = Browser::new(server.origin());
    luis.register("luis").await;
    let mut last = ana.say("antes").await["seq"].as_i64().expect("a seq");
    for failure in ["full", "quota", "read-only"] {
        disk.fail(failure);
        for (language, text) in [("en", "disk is full"), ("es", "disco del servidor")] {
            ana.language = language;
            let send = Some(json!({"body": "hola", "nonce": failure}));
            let refused = ana.refused(Method::POST, "/rooms/1/messages", send).await;
            assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{failure}");
            assert_eq!(refused.retry_after.as_deref(), Some("5"), "{failure}");
            assert!(refused.body["detail"].to_string().contains(text), "{failure}: {refused:?}");
        }
        // Concurrent posts form one batch, and none of it is stored.
        let many = (0..20)
            .map(|_| ana.send(Method::POST, "/rooms/1/messages", Some(json!({"body": "muchos"}))));
        for response in join_all(many).await {
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{failure}");
        }
        // Without scripts, the page still shows messages and keeps the text that was typed.
        assert!(!luis.get("/rooms/1").await.messages().is_empty(), "{failure}");
        let page = luis.say("sigue aquí").await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{failure}");
        assert_eq!(page.one("#body"), "sigue aquí", "{failure}");
        assert!(page.one("#composer-error").contains("disk is full"), "{failure}");
        // Other changes are refused in the same way, and reading works.
        let room = Some(json!({"name": format!("sala {failure}"), "visibility": "public"}));
        let refused = ana.refused(Method::POST, "/rooms", room).await;
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{failure}");
        assert_eq!(last_seq(&ana).await, last, "{failure}");
        becomes_ready(&server, StatusCode::SERVICE_UNAVAILABLE).await;
        disk.recover(failure);
        becomes_ready(&server, StatusCode::OK).await;
        let send = json!({"body": "hola", "nonce": failure});
        let posted = ana.post("/rooms/1/messages", send).await;
        assert_eq!(posted["seq"], last + 1, "{failure}: no number was lost");
        last += 1;
    }
    server.kill();
    check_integrity(data.path()).await;
}

/// Waits for `/ready` to return this status: the server notices a change of the disk only at its next
/// check.
async fn becomes_ready(server: &Process, expected: StatusCode) {
    let ready = format!("{}/ready", server.origin());
    let status = async || Browser::plain().get(&ready).send().await.expect("an answer").status();
    eventually("/ready has the expected status", async || status().await == expected).await;
}

async fn last_seq(api: &Api) -> i64 {
    let page = api.get("/rooms/1/messages?limit=1").await;
    page["items"][0]["seq"].as_i64().expect("a seq")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_sync_stops_the_process_without_losing_messages() {
    let (data, disk) = (tempfile::tempdir().expect("a directory"), Disk::new());
    let server = Process::start(data.path(), &disk.environment());
    let poster = Poster::new(&server).await;
    let before = poster.post(&server.base(), "antes").await;
    assert!(before.is_some());
    disk.fail("sync");
    assert_eq!(poster.post(&server.base(), "nunca").await, None, "the message is not acknowledged");
    assert_eq!(server.ended(), Some(1));
    disk.recover("sync");
    let server = Process::start(data.path(), &[]);
    assert_eq!(poster.stored(&server.base()).await.get("antes"), before.as_ref());
    assert!(poster.post(&server.base(), "despues").await.is_some());
    server.kill();
}
