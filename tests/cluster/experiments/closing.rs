//! C12: someone is removed, signed out, or loses a room, while many messages arrive: with NATS, without it, and at a node
//! that is cut off from the database.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::trial::for_a_while;
use super::{Context, SECOND, Trial};
use crate::faults::{Fault, Line};
use crate::load::{Moment, Person};
use crate::processes::{Link, Standby, can_signal};

#[derive(Clone, Copy, Debug)]
enum End {
    Removal,
    SignOut,
    Deletion,
}

const ENDS: [End; 3] = [End::Removal, End::SignOut, End::Deletion];

pub async fn removals(context: &Context) {
    for (state, bound) in [
        ("NATS up", Duration::from_secs(1)),
        ("NATS away", Duration::from_millis(1200)),
        ("node cut off", Duration::from_secs(15)),
    ] {
        if state == "NATS up" && !can_signal() {
            continue;
        }
        let mut trial = Trial::start("C12", 2, 1, Standby::None).await;
        if state == "NATS away" {
            trial.cluster.nodes.iter().flat_map(|node| &node.bus).for_each(Link::cut);
        }
        for (number, end) in (0..).zip(ENDS) {
            let (reader, room) = Box::pin(prepare(&mut trial, number)).await;
            for_a_while(1.5).await;
            let cut = Fault::Hole(Line::Database(1), 20 * SECOND);
            let took = if state == "node cut off" {
                let entry = reader.1;
                let cluster = &mut trial.cluster;
                let load = &trial.load;
                let (_, took) = tokio::join!(
                    cut.happen(cluster, &load.ledger),
                    Box::pin(async {
                        for_a_while(0.5).await;
                        end_it(load, &reader.0, (entry, room), end).await
                    })
                );
                took
            } else {
                Box::pin(end_it(&trial.load, &reader.0, (reader.1, room), end)).await
            };
            let what = format!("{state}: {end:?} until nothing more is sent");
            context.report().time("C12", &what, bound, took);
        }
        trial.finish(context).await;
    }
}

/// A private room with much to read, and someone who reads it at node 1.
async fn prepare(trial: &mut Trial, number: usize) -> ((Person, usize), i64) {
    let load = &mut trial.load;
    let room = load.room(&format!("private{number}"), "private").await;
    let (id, code) = (room["id"].as_i64().expect("an id"), room["code"].clone());
    let person = Person::new(&load.bases, &format!("leaver{number}")).await;
    for joining in [&person, &load.authors[0]] {
        joining.must(Method::POST, "/join", Some(json!({"code": code}))).await;
    }
    load.post(0, id, Duration::from_millis(30), true);
    let entry = load.read_as(person.clone(), vec![id], 1);
    ((person, entry), id)
}

/// Ends the right to read. Returns how long it took until the reader was sent nothing more and knew it.
async fn end_it(
    load: &crate::load::Load,
    person: &Person,
    (entry, room): (usize, i64),
    end: End,
) -> Duration {
    let (who, path) = match end {
        End::Removal => (&load.admin, format!("/rooms/{room}/members/{}", person.id)),
        End::SignOut => (person, "/tokens/current".to_owned()),
        End::Deletion => (&load.admin, format!("/rooms/{room}")),
    };
    if matches!(end, End::Deletion) {
        load.ledger.entries().deleted.insert(room);
    }
    let answer = who.call(0, Method::DELETE, &path, None).await.expect("an answer");
    assert_eq!(answer.0, 204, "{path}: {}", answer.1);
    let removed = load.ledger.now();
    {
        let reading = &mut load.ledger.entries().readings[entry];
        reading.rooms.remove(&room);
        reading.removed.insert(room, removed);
    }
    let known =
        || -> Option<Moment> { load.ledger.entries().readings[entry].closed.get(&room).copied() };
    while known().is_none() && load.ledger.now() < removed + 25 * SECOND {
        for_a_while(0.01).await;
    }
    for_a_while(1.0).await;
    let last = load.ledger.entries().readings[entry].leaked.last().map(|leaked| leaked.at);
    let end = known().unwrap_or(load.ledger.now()).max(last.unwrap_or_default());
    end.saturating_sub(removed)
}
