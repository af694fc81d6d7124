//! C13: the clock of one node is wrong.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use serde_json::json;
use tokio::time::sleep;

use super::trial::{for_a_while, report_losses};
use super::{Context, SECOND, Trial};
use crate::faults::Fault;
use crate::load::Person;
use crate::processes::{Standby, another_clock};

pub async fn skews(context: &Context) {
    if another_clock().is_none() {
        context.report().note("C13", "left out: no libfaketime (apt-get install faketime)");
        return;
    }
    let mut trial = Trial::start("C13", 2, 1, Standby::None).await;
    trial.load.usual(Duration::from_millis(200)).await;
    let person = Person::new(&trial.load.bases, "punctual").await;
    let room = trial.load.shared;
    person.must(Method::POST, &format!("/rooms/{room}/join"), None).await;
    let entry = trial.load.read_as(person.clone(), vec![room], 0);
    for seconds in context.pick(&[-20][..], &[-20, 20, -300, 300]) {
        trial.happen(context, &Fault::Skew(1, *seconds)).await;
        for_a_while(1.0).await;
        let (delay, off) = Box::pin(through_it(&trial, &person, entry)).await;
        let mut report = context.report();
        let what = format!("clock {seconds:+} s: until a read mark made there is known elsewhere");
        report.time("C13", &what, Duration::from_millis(1200), delay);
        let what = format!("clock {seconds:+} s: error of the time of a message");
        report.time("C13", &what, SECOND, off);
    }
    let run = trial.finish(context).await;
    report_losses(context, "C13", "all clocks", &run);
}

/// Posts and reads at the node with the wrong clock. Returns when the other node knew, and how wrong the time was.
async fn through_it(trial: &Trial, person: &Person, entry: usize) -> (Duration, Duration) {
    let (room, ledger) = (trial.load.shared, &trial.load.ledger);
    let post = json!({"body": format!("clock {:?}", ledger.now())});
    let path = format!("/rooms/{room}/messages");
    let answer = trial.load.admin.call(1, Method::POST, &path, Some(post)).await;
    let (status, message) = answer.expect("an answer");
    assert_eq!(status, 201, "{message}");
    let mut database = trial.cluster.postgres.connect().await.expect("PostgreSQL");
    let now: i64 =
        sqlx::query_scalar("select (extract(epoch from clock_timestamp()) * 1000)::bigint")
            .fetch_one(&mut database)
            .await
            .expect("a time");
    let created: Timestamp =
        message["created_at"].as_str().expect("a time").parse().expect("a time");
    let off = Duration::from_millis(created.as_millisecond().abs_diff(now));

    let seq = message["seq"].as_i64().expect("a number");
    let read = Some(json!({"seq": seq}));
    let started = ledger.now();
    let answer = person.call(1, Method::PUT, &format!("/rooms/{room}/read"), read).await;
    assert_eq!(answer.expect("an answer").0, 204);
    let is_known = || ledger.entries().readings[entry].reads.contains(&(room, seq));
    while !is_known() && ledger.now() < started + 20 * SECOND {
        sleep(Duration::from_millis(5)).await;
    }
    (ledger.now().saturating_sub(started), off)
}
