//! What was acknowledged is there, whatever happens to the process, the disk and the power.
//!
//! `PROOF_ROUNDS` makes the long runs: 200 kills, thousands of cuts of the power. On `PostgreSQL`
//! (`script/postgres`) its server is killed too.

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
    Api, Browser, Cluster, Dice, Disk, Process, Server, Storage, Syncs, cut_power,
};

/// Who post at once.
const SENDERS: usize = 64;

#[expect(clippy::disallowed_methods, reason = "how long to test is no setting of the server")]
fn rounds(short: usize) -> usize {
    std::env::var("PROOF_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(short)
}

/// What a server said about each nonce that it acknowledged.
type Acknowledged = BTreeMap<String, (i64, i64)>;

/// What came of a send.
#[derive(Debug, PartialEq, Eq)]
enum Sent {
    /// With id and seq.
    Acknowledged(i64, i64),
    /// Whether it was stored is not known: a 503, to be sent again.
    Later,
    /// The server is gone.
    NoAnswer,
}

/// Ana's token, for as many requests at once as one likes. Everything she says mentions Eva, who reads
/// nothing.
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

    /// Posts, again where it is to be sent again, and answers id and seq when it was acknowledged;
    /// `None` when nobody answered.
    async fn post(&self, base: &str, nonce: &str) -> Option<(i64, i64)> {
        loop {
            match self.send(base, nonce).await {
                Sent::Acknowledged(id, seq) => return Some((id, seq)),
                Sent::Later => {}
                Sent::NoAnswer => return None,
            }
        }
    }

    /// How often Eva is mentioned.
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

    /// All messages of the lobby by nonce; their numbers have no gap and no nonce is there twice.
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
                let place = (message["id"].as_i64().expect("an id"), seq);
                assert_eq!(found.insert(nonce.clone(), place), None, "{nonce} is there twice");
            }
            if page["more"] == false {
                return found;
            }
        }
    }
}

async fn check_integrity(data: &Path) {
    let path = format!("sqlite:{}", data.join("patio.db").display());
    let mut database = sqlx::SqliteConnection::connect(&path).await.expect("opened");
    let result: String =
        sqlx::query_scalar("pragma integrity_check").fetch_one(&mut database).await.expect("read");
    assert_eq!(result, "ok");
    // Each message is in the index, which is sound, and nothing else is.
    let check = sqlx::query("insert into search (search) values ('integrity-check')");
    check.execute(&mut database).await.expect("a sound index");
    let (messages, found): (i64, i64) = sqlx::query_as(
        "select (select count(*) from messages where deleted_at is null), (select count(*) from search)",
    )
    .fetch_one(&mut database)
    .await
    .expect("counts");
    assert_eq!(messages, found);
    // And a search by date finds it where it is.
    let strays: i64 = sqlx::query_scalar(
        "select count(*) from messages m left join eras e on e.number = m.id >> 12
         where e.number is null or m.created_at < e.oldest or m.created_at >= e.newest",
    )
    .fetch_one(&mut database)
    .await
    .expect("a count");
    assert_eq!(strays, 0);
    database.close().await.expect("closed");
}

/// Posts with [`SENDERS`] hands until `enough` are acknowledged or nobody answers any more. Some sends
/// go out twice. Calls `heard` with each acknowledgement.
async fn load(
    poster: &Poster,
    base: &str,
    round: usize,
    heard: &(impl Fn(String, (i64, i64)) -> bool + Sync),
) {
    let sender = |sender: usize| async move {
        for number in 0.. {
            let nonce = format!("r{round}-{sender}-{number}");
            let Some(place) = poster.post(base, &nonce).await else { return };
            let go_on = heard(nonce.clone(), place);
            if number % 7 == 0 {
                match poster.post(base, &nonce).await {
                    Some(again) => assert_eq!(again, place, "{nonce} was sent twice"),
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

/// All that was acknowledged so far is there, once; and what was stored without an answer is, sent again,
/// the same message.
async fn check(poster: &Poster, base: &str, round: usize, acknowledged: &Mutex<Acknowledged>) {
    let stored = poster.stored(base).await;
    for (nonce, place) in acknowledged.lock().expect("a lock").iter() {
        assert_eq!(stored.get(nonce), Some(place), "round {round}: {nonce}");
    }
    assert_eq!(poster.mentions(base).await, stored.len(), "round {round}: mentions");
    for (nonce, place) in stored.iter().rev().take(5) {
        assert_eq!(poster.post(base, nonce).await, Some(*place), "{nonce}");
    }
}

/// Kills a server in the middle of it all, round after round, and answers the last one.
async fn kill_again_and_again(
    start: impl Fn() -> Process,
    rounds: usize,
    acknowledged: &Mutex<Acknowledged>,
) -> (Process, Poster) {
    let mut dice = Dice(0x5eed_0001);
    let mut server = start();
    let poster = Poster::new(&server).await;
    for round in 0..rounds {
        let base = server.base();
        // By whoever hears this many acknowledgements.
        let fatal = acknowledged.lock().expect("a lock").len() + 1 + dice.below(400);
        let running = Mutex::new(Some(server));
        load(&poster, &base, round, &|nonce, place| {
            let mut all = acknowledged.lock().expect("a lock");
            all.insert(nonce, place);
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
async fn a_killed_server_has_lost_nothing_that_it_acknowledged() {
    let data = tempfile::tempdir().expect("a directory");
    let acknowledged = Mutex::new(Acknowledged::new());
    let start = || Process::start(data.path(), &[]);
    let (server, _) = kill_again_and_again(start, rounds(3), &acknowledged).await;
    server.kill();
    check_integrity(data.path()).await;
}

#[expect(clippy::print_stderr, reason = "the count is what a long run is for")]
fn report(what: &str, rounds: usize, acknowledged: &Mutex<Acknowledged>) {
    let count = acknowledged.lock().expect("a lock").len();
    eprintln!("{what} was killed {rounds} times: {count} acknowledged so far, each there once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgresql_a_killed_server_and_a_killed_database_lose_nothing_that_was_acknowledged() {
    if !Storage::is_on_postgres() {
        return;
    }
    let mut cluster = Cluster::new().await;
    let url = cluster.url();
    let data = tempfile::tempdir().expect("a directory");
    let start = || Process::start(data.path(), &[("DATABASE_URL", url.clone().into())]);
    let acknowledged = Mutex::new(Acknowledged::new());
    let (some, more) = (rounds(4).div_ceil(2), rounds(4) / 2);
    let (server, poster) = kill_again_and_again(start, some, &acknowledged).await;
    // The database now, while the server goes on: whoever sent gets a 503 and sends again.
    let (base, mut dice) = (server.base(), Dice(0x5eed_0003));
    for round in some..some + more {
        let before = acknowledged.lock().expect("a lock").len();
        let fatal = before + 1 + dice.below(400);
        let (killed, kill) = (AtomicBool::new(false), Notify::new());
        let heard = |nonce, place| {
            let mut all = acknowledged.lock().expect("a lock");
            all.insert(nonce, place);
            if all.len() >= fatal && !killed.swap(true, Ordering::SeqCst) {
                kill.notify_one();
            }
            all.len() < fatal + 200
        };
        let sending = load(&poster, &base, round, &heard);
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

/// Serves what a cut of the power left, and answers how many acknowledged messages are missing.
async fn missing(image: tempfile::TempDir, poster: &Poster, expected: &Acknowledged) -> usize {
    check_integrity(image.path()).await;
    let mut server = Server::on(image).await;
    let stored = poster.stored(&server.url("/api/v1")).await;
    server.stop().await;
    expected.iter().filter(|(nonce, place)| stored.get(*nonce) != Some(*place)).count()
}

/// The same of a disk that may have lost anything, the account and the tables too.
async fn missing_in_ruins(image: &Path, expected: &Acknowledged) -> usize {
    let path = format!("sqlite:{}", image.join("patio.db").display());
    let Ok(mut database) = sqlx::SqliteConnection::connect(&path).await else {
        return expected.len();
    };
    let found = sqlx::query_scalar("select nonce from sends").fetch_all(&mut database).await;
    let stored: std::collections::BTreeSet<String> =
        found.unwrap_or_default().into_iter().collect();
    expected.keys().filter(|nonce| !stored.contains(*nonce)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_of_the_power_takes_nothing_that_was_acknowledged() {
    let (data, disk) = (tempfile::tempdir().expect("a directory"), Disk::new());
    let server = Process::start(data.path(), &disk.environment());
    let poster = Poster::new(&server).await;
    let ready = disk.written();
    // With each acknowledgement, what was written before it.
    let heard = Mutex::new(Vec::new());
    load(&poster, &server.base(), 0, &|nonce, place| {
        let mut all = heard.lock().expect("a lock");
        all.push((disk.written(), nonce, place));
        all.len() < 400
    })
    .await;
    server.kill();
    let (events, heard) = (disk.log(), heard.into_inner().expect("a lock"));
    let first = events.iter().position(|event| event.end > ready).expect("something was written");
    let mut dice = Dice(0x5eed_0002);
    let mut lost = BTreeMap::from([(false, 0), (true, 0)]);
    for round in 0..rounds(12) {
        let last = first + dice.below(events.len() - first);
        let expected: Acknowledged = heard
            .iter()
            .filter(|(written, ..)| *written <= events[last].end)
            .map(|(_, nonce, place)| (nonce.clone(), *place))
            .collect();
        let image = tempfile::tempdir().expect("a directory");
        // The same disk, deaf to syncs of the log, must lose some: else this proves nothing.
        if round % 4 == 3 {
            cut_power(&events[..=last], Syncs::Deaf, &mut dice, image.path());
            *lost.entry(true).or_default() += missing_in_ruins(image.path(), &expected).await;
        } else {
            cut_power(&events[..=last], Syncs::Heard, &mut dice, image.path());
            *lost.entry(false).or_default() += missing(image, &poster, &expected).await;
        }
    }
    assert_eq!(lost[&false], 0, "acknowledged and lost");
    assert!(lost[&true] > 0, "a disk that does not sync loses nothing: the test is blind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_disk_that_takes_nothing_a_sender_is_told_and_all_goes_on_when_it_does_again() {
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
        // Many at once are one batch, and none is stored.
        let many = (0..20)
            .map(|_| ana.send(Method::POST, "/rooms/1/messages", Some(json!({"body": "muchos"}))));
        for response in join_all(many).await {
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{failure}");
        }
        // Without scripts, the new can be read and what was typed stays.
        assert!(!luis.get("/rooms/1").await.messages().is_empty(), "{failure}");
        let page = luis.say("sigue aquí").await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{failure}");
        assert_eq!(page.one("#body"), "sigue aquí", "{failure}");
        assert!(page.one("#composer-error").contains("disk is full"), "{failure}");
        // Other changes are refused alike, and everything can be read.
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

/// Just after it could write it only reads.
async fn becomes_ready(server: &Process, expected: StatusCode) {
    let ready = format!("{}/ready", server.origin());
    while Browser::plain().get(&ready).send().await.expect("an answer").status() != expected {
        tokio::task::yield_now().await;
    }
}

async fn last_seq(api: &Api) -> i64 {
    let page = api.get("/rooms/1/messages?limit=1").await;
    page["items"][0]["seq"].as_i64().expect("a seq")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_that_fails_ends_the_process_and_the_next_start_has_what_was_acknowledged() {
    let (data, disk) = (tempfile::tempdir().expect("a directory"), Disk::new());
    let server = Process::start(data.path(), &disk.environment());
    let poster = Poster::new(&server).await;
    let before = poster.post(&server.base(), "antes").await;
    assert!(before.is_some());
    disk.fail("sync");
    assert_eq!(poster.post(&server.base(), "nunca").await, None, "nobody says that it is stored");
    assert_eq!(server.ended(), Some(1));
    disk.recover("sync");
    let server = Process::start(data.path(), &[]);
    assert_eq!(poster.stored(&server.base()).await.get("antes"), before.as_ref());
    assert!(poster.post(&server.base(), "despues").await.is_some());
    server.kill();
}
