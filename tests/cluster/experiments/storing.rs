//! C15 and C16: many rooms, and one nonce that arrives at two nodes at once.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::time::sleep;

use super::trial::for_a_while;
use super::{Context, Trial};
use crate::figures::quantile;
use crate::load::{Acknowledged, Moment, Person};
use crate::processes::Standby;

/// C15: what a post takes with few and with 200,000 rooms.
pub async fn many_rooms(context: &Context) {
    let mut trial = Trial::start("C15", 2, 1, Standby::None).await;
    trial.load.usual(Duration::from_millis(200)).await;
    let mut times = Vec::new();
    for rooms in [100, 200_000] {
        let mut database = trial.cluster.postgres.connect().await.expect("PostgreSQL");
        sqlx::query(
            "insert into rooms (name, folded_name, visibility, created_at)
             select 'room ' || n, 'room ' || n, 'private', 0 from generate_series(1, $1) n",
        )
        .bind(rooms)
        .execute(&mut database)
        .await
        .expect("rooms");
        sqlx::query("vacuum analyze").execute(&mut database).await.expect("analyzed");
        for_a_while(5.0).await;
        let from = trial.load.ledger.now();
        for_a_while(context.pick(5.0, 30.0)).await;
        times.push((from, trial.load.ledger.now()));
    }
    let run = trial.finish(context).await;
    let slowest = |(from, to): (Moment, Moment)| {
        let posts = run.entries.acknowledged.iter().filter(|it| it.sent >= from && it.at <= to);
        let waits: Vec<Duration> = posts.map(Acknowledged::wait).collect();
        (quantile(&waits, 0.99), waits.len())
    };
    let ((few, _), (many, count)) = (slowest(times[0]), slowest(times[1]));
    let what =
        format!("p99 of {count} posts with 200,000 rooms, {many:.1?}, to 100 rooms, {few:.1?}");
    context.report().ratio("C15", &what, 1.2, many.as_secs_f64() / few.as_secs_f64());
}

/// C16: a client that retries elsewhere while its first attempt is on its way.
pub async fn nonces(context: &Context) {
    let trial = Trial::start("C16", 2, 1, Standby::None).await;
    let (room, author) = (trial.load.shared, trial.load.authors[0].clone());
    let count = context.pick(100, 10_000);
    let mut different = 0;
    for number in 0..count {
        let ((first, second), other) = tokio::join!(
            async { tokio::join!(post(&author, 0, room, number), post(&author, 1, room, number)) },
            // Other rooms and authors, so that batches differ.
            post(&trial.load.authors[1], 1, trial.load.own[1], number),
        );
        different += usize::from(first != second || other == first);
    }
    let run = trial.finish(context).await;
    let what = format!("different messages for {count} nonces at two nodes at once");
    context.report().count("C16", &what, 0, different);
    let stored = run.database.iter().filter(|stored| stored.room == room).count();
    context.report().count("C16", "messages stored for them", count, stored);
}

/// Posts until it is stored. Returns the id.
async fn post(author: &Person, node: usize, room: i64, number: usize) -> i64 {
    let message = json!({"body": format!("twice {number}"), "nonce": format!("{room}-{number}")});
    let path = format!("/rooms/{room}/messages");
    loop {
        match author.call(node, Method::POST, &path, Some(message.clone())).await {
            Ok((200 | 201, stored)) => return stored["id"].as_i64().expect("an id"),
            Ok((503, _)) | Err(_) => sleep(Duration::from_millis(20)).await,
            Ok(other) => panic!("{other:?}"),
        }
    }
}
