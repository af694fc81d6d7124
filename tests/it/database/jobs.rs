//! Jobs: work that follows from a commit is done once, whatever happens to the process, and
//! administrators see the jobs that fail for good.

use std::future::{Ready, pending, ready};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use patio::db::Db;
use patio::jobs::Jobs;
use patio::jobs::model::{Job, JobCounts};
use patio::kernel::{Clock, Random, ServiceError, Timestamp, UserId};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Api, Browser, Server, Storage, eventually, execute, numbers, within};

/// Longer than any retry delay and any lease.
const LATER: Duration = Duration::from_hours(1);

/// Luis owns a room that Eva has joined. Ana, the first user, is the administrator.
struct TestContext {
    server: Server,
    ana: Browser,
    luis: Api,
    eva: Api,
    room: String,
}

const LUIS: &str = "2";
const EVA: i64 = 3;

async fn context() -> TestContext {
    let server = Server::start().await;
    let ana = server.browser_as("ana").await;
    let (luis, eva) = (server.api("luis").await, server.api("eva").await);
    let room = luis.post("/rooms", json!({"name": "huerto", "visibility": "public"})).await;
    let room = format!("/rooms/{}", room["id"]);
    eva.post(&format!("{room}/join"), json!({})).await;
    TestContext { server, ana, luis, eva, room }
}

/// Makes every change of a room's owner fail until [`allow`].
async fn forbid(db: &Db) {
    execute(
        db,
        "create trigger no_owner before update of owner_id on rooms
         begin select raise(abort, 'not now'); end",
        "create function no_owner() returns trigger language plpgsql as
           $$ begin raise exception 'not now'; end $$;
         create trigger no_owner before update of owner_id on rooms
         for each row execute function no_owner()",
    )
    .await;
}

async fn allow(db: &Db) {
    execute(db, "drop trigger no_owner", "drop trigger no_owner on rooms").await;
}

/// Waits until a query returns these numbers.
async fn until(db: &Db, query: &'static str, wanted: &[i64]) {
    eventually(query, async || numbers(db, query).await == wanted).await;
}

const LEFT: &str = "select id from jobs where kind = 'pass-on-rooms'";
const ATTEMPTS: &str = "select attempts from jobs where kind = 'pass-on-rooms' and lease is null";

/// Lets the job fail for the last time: waits for its first attempt and skips the ones in between.
async fn exhaust_attempts(server: &Server, db: &Db) {
    until(db, ATTEMPTS, &[1]).await;
    let all_but_one = "update jobs set attempts = 11 where kind = 'pass-on-rooms'";
    execute(db, all_but_one, all_but_one).await;
    server.advance(LATER);
    until(db, "select count(*) from jobs where dead_at is not null", &[1]).await;
}

#[tokio::test]
async fn failing_job_is_retried_until_it_succeeds() {
    let TestContext { server, mut ana, eva, room, .. } = context().await;
    let db = server.storage().open().await;
    forbid(&db).await;
    ana.submit("/admin/people/close", &[("user", LUIS)]).await;
    until(&db, ATTEMPTS, &[1]).await;
    assert_eq!(eva.get(&room).await["owner_id"].to_string(), LUIS, "not yet");
    server.advance(LATER);
    until(&db, ATTEMPTS, &[2]).await;
    allow(&db).await;
    server.advance(LATER);
    until(&db, LEFT, &[]).await;
    assert_eq!(eva.get(&room).await["owner_id"], EVA);
    let page = ana.get("/admin").await;
    assert_eq!(page.all("#jobs").len(), 0, "no job has failed for good");
    db.close().await;
}

#[tokio::test]
async fn abandoned_job_is_listed_and_can_be_retried_or_dropped() {
    let TestContext { server, mut ana, luis, eva, room } = context().await;
    let db = server.storage().open().await;
    forbid(&db).await;
    ana.submit("/admin/people/close", &[("user", LUIS)]).await;
    exhaust_attempts(&server, &db).await;
    let page = ana.get("/admin").await;
    assert!(page.one("#jobs").contains("closed account 2"), "{}", page.one("#jobs"));
    assert!(page.one("#jobs code").contains("not now"), "{}", page.one("#jobs"));
    assert!(page.one("#jobs").contains("12 attempts"), "{}", page.one("#jobs"));
    ana.language = "es";
    let page = ana.get("/admin").await;
    assert!(page.one("#jobs").contains("12 intentos"), "{}", page.one("#jobs"));
    let metrics = Browser::plain().get(server.url("/metrics")).send().await.expect("an answer");
    let metrics = metrics.text().await.expect("text");
    for line in ["patio_jobs{state=\"dead\"} 1\n", "patio_job_failures_total 2\n"] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    let job = page.attribute("#jobs button", "value").expect("a job");

    // Only administrators may do this, and only for jobs that have failed for good.
    let mut member = server.browser_as("bea").await;
    for path in ["/admin/jobs/again", "/admin/jobs/drop"] {
        let refused = member.submit(path, &[("job", &job)]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
        let unknown = ana.submit(path, &[("job", "999")]).await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND, "{path}");
    }
    // Retry while it still fails, and again when it can succeed.
    ana.submit("/admin/jobs/again", &[("job", &job)]).await;
    until(&db, ATTEMPTS, &[1]).await;
    allow(&db).await;
    server.advance(LATER);
    until(&db, LEFT, &[]).await;
    assert_eq!(eva.get(&room).await["owner_id"], EVA);
    drop(luis);
    db.close().await;
}

#[tokio::test]
async fn dropped_job_is_gone() {
    let TestContext { server, mut ana, eva, room, .. } = context().await;
    let db = server.storage().open().await;
    forbid(&db).await;
    ana.submit("/admin/people/close", &[("user", LUIS)]).await;
    exhaust_attempts(&server, &db).await;
    let job = ana.get("/admin").await.attribute("#jobs button", "value").expect("a job");
    let dropped = ana.submit("/admin/jobs/drop", &[("job", &job)]).await;
    assert_eq!(dropped.status, StatusCode::OK);
    assert_eq!(dropped.all("#jobs").len(), 0);
    assert_eq!(numbers(&db, LEFT).await, [] as [i64; 0]);
    assert_eq!(eva.get(&room).await["owner_id"].to_string(), LUIS);
    db.close().await;
}

#[tokio::test]
async fn account_reopened_in_time_keeps_its_rooms() {
    let TestContext { server, mut ana, eva, room, .. } = context().await;
    let db = server.storage().open().await;
    forbid(&db).await;
    ana.submit("/admin/people/close", &[("user", LUIS)]).await;
    until(&db, ATTEMPTS, &[1]).await;
    ana.submit("/admin/people/open", &[("user", LUIS)]).await;
    allow(&db).await;
    server.advance(LATER);
    until(&db, LEFT, &[]).await;
    assert_eq!(eva.get(&room).await["owner_id"].to_string(), LUIS);
    db.close().await;
}

#[tokio::test]
async fn refused_change_creates_no_job() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let refused = ana.submit("/admin/people/close", &[("user", "1")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "the last administrator");
    let db = server.storage().open().await;
    assert_eq!(numbers(&db, "select id from jobs where kind <> 'tidy'").await, [] as [i64; 0]);
    db.close().await;
}

/// Several job runners on one database, without servers.
struct Processes {
    db: Db,
    now: std::sync::Arc<AtomicI64>,
    all: Vec<Jobs>,
    _storage: Storage,
}

impl Processes {
    async fn new(count: usize) -> Self {
        let storage = Storage::new().await;
        let db = storage.open().await;
        let now = std::sync::Arc::new(AtomicI64::new(1_000_000));
        let reading = now.clone();
        let clock = Clock::from_fn(move || Timestamp(reading.load(Ordering::Relaxed)));
        let process = || Jobs::new(db.clone(), clock.clone(), Random::system());
        let all = std::iter::repeat_with(process).take(count).collect();
        Self { db, now, all, _storage: storage }
    }

    fn advance(&self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).expect("a time");
        self.now.fetch_add(millis, Ordering::Relaxed);
    }

    async fn counts(&self) -> [i64; 3] {
        let JobCounts { waiting, running, dead } = self.all[0].counts().await.expect("read");
        [waiting, running, dead]
    }
}

#[tokio::test]
async fn several_processes_run_each_job_once() {
    let processes = Processes::new(4).await;
    execute(
        &processes.db,
        "with recursive n(n) as (select 1 union all select n + 1 from n where n < 40)
         insert into jobs (kind, subject, due_at, created_at) select 'pass-on-rooms', n, 0, 0 from n",
        "insert into jobs (kind, subject, due_at, created_at)
         select 'pass-on-rooms', n::text, 0, 0 from generate_series(1, 40) n",
    )
    .await;
    assert_eq!(processes.counts().await, [40, 0, 0]);
    let done = Mutex::new(Vec::new());
    let work = |work| {
        let Job::ReassignRooms(UserId(user)) = work else { panic!("{work:?}") };
        done.lock().expect("a lock").push(user);
        ready(Ok(()))
    };
    let (db, work) = (&processes.db, &work);
    let until_all_are_done = processes.all.iter().map(|jobs| async move {
        // A runner may find no job while another one still holds the last of them.
        while numbers(db, "select count(*) from jobs").await != [0] {
            jobs.do_next(work).await.expect("a result");
        }
    });
    within("all jobs are done", join_all(until_all_are_done)).await;
    let mut done = done.into_inner().expect("a lock");
    done.sort_unstable();
    assert_eq!(done, (1..=40).collect::<Vec<_>>());
    processes.db.close().await;
}

async fn one_job(db: &Db, kind: &'static str) {
    let sqlite = match kind {
        "tidy" => "insert into jobs (kind, subject, due_at, created_at) values ('tidy', '', 0, 0)",
        _ => {
            "insert into jobs (kind, subject, due_at, created_at) values ('of-tomorrow', '', 0, 0)"
        }
    };
    execute(db, sqlite, sqlite).await;
}

#[tokio::test]
async fn job_of_a_killed_process_is_taken_over_after_its_lease() {
    let processes = Processes::new(2).await;
    let (one, two) = (&processes.all[0], &processes.all[1]);
    one_job(&processes.db, "tidy").await;
    // A kill in the middle: the work never ends, and dropping the future abandons it.
    let started = tokio::sync::Notify::new();
    tokio::select! {
        done = one.do_next(|_| { started.notify_one(); pending() }) => panic!("{done:?}"),
        () = started.notified() => {}
    }
    let nothing = |work: Job| -> Ready<Result<(), ServiceError>> {
        panic!("{work:?} is leased by another process")
    };
    assert_eq!(processes.counts().await, [0, 1, 0]);
    assert!(!two.do_next(&nothing).await.expect("a result"));
    processes.advance(Duration::from_mins(4));
    assert!(!two.do_next(&nothing).await.expect("a result"));
    processes.advance(Duration::from_mins(2));
    assert!(two.do_next(|_| ready(Ok(()))).await.expect("a result"));
    // This job is periodic and due again an hour later.
    assert_eq!(processes.counts().await, [1, 0, 0]);
    processes.advance(Duration::from_mins(59));
    assert!(!two.do_next(&nothing).await.expect("a result"));
    processes.advance(Duration::from_mins(2));
    assert!(one.do_next(|_| ready(Ok(()))).await.expect("a result"));
    processes.db.close().await;
}

#[tokio::test]
async fn late_process_does_not_undo_the_work_of_another() {
    let processes = Processes::new(2).await;
    let (one, two) = (&processes.all[0], &processes.all[1]);
    one_job(&processes.db, "tidy").await;
    // The lease of the first ends while it still works, and the second takes over.
    let late = |_| async {
        processes.advance(Duration::from_mins(6));
        assert!(two.do_next(|_| ready(Ok(()))).await.expect("a result"));
        Err(ServiceError::internal("too late"))
    };
    assert!(one.do_next(late).await.expect("a result"));
    assert_eq!(numbers(&processes.db, "select attempts from jobs").await, [0]);
    processes.db.close().await;
}

#[tokio::test]
async fn unknown_and_process_killing_jobs_are_abandoned() {
    let processes = Processes::new(1).await;
    let jobs = &processes.all[0];
    one_job(&processes.db, "of-tomorrow").await;
    one_job(&processes.db, "tidy").await;
    for _ in 0..40 {
        let started = tokio::sync::Notify::new();
        tokio::select! {
            _ = jobs.do_next(|_| { started.notify_one(); pending() }) => {}
            () = started.notified() => {}
        }
        processes.advance(LATER);
    }
    assert_eq!(processes.counts().await, [0, 0, 2]);
    let [tried] = numbers(&processes.db, "select max(attempts) from jobs").await[..] else {
        panic!()
    };
    assert!((12..=13).contains(&tried), "{tried}");
    processes.db.close().await;
}

#[tokio::test]
async fn expired_nonces_and_sessions_are_deleted_hourly() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    ana.post("/rooms/1/messages", json!({"body": "hola", "nonce": "n1"})).await;
    let browser = server.browser_as("luis").await;
    let db = server.storage().open().await;
    assert_eq!(numbers(&db, "select count(*) from idempotency_keys").await, [1]);
    assert_eq!(numbers(&db, "select count(*) from sessions").await, [1]);
    server.advance(Duration::from_hours(31 * 24));
    until(&db, "select count(*) from idempotency_keys", &[0]).await;
    until(&db, "select count(*) from sessions", &[0]).await;
    // The nonce is forgotten, so a repeated send stores a new message.
    let again: Value = ana.post("/rooms/1/messages", json!({"body": "hola", "nonce": "n1"})).await;
    assert_eq!(again["seq"], 2);
    drop(browser);
    db.close().await;
}
