//! C17: people come and go at three nodes, one of which is killed. All nodes name the same people.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::trial::for_a_while;
use super::{Context, SECOND, Trial};
use crate::background;
use crate::faults::Fault;
use crate::load::{Person, Reader};
use crate::processes::Standby;
use crate::random::Random;

pub async fn churn(context: &Context) {
    let mut trial = Trial::start("C17", 3, 1, Standby::None).await;
    let mut people = Vec::new();
    for number in 0..context.pick(12, 90) {
        let person = Person::new(&trial.load.bases, &format!("walker{number}")).await;
        people.push((person, None::<CancellationToken>));
    }
    let mut random = Random::from_seed(context.seed);
    for _ in 0..context.pick(60, 400) {
        let chosen = random.below(people.len());
        let (person, connection) = &mut people[chosen];
        match connection.take() {
            Some(connected) => connected.cancel(),
            None => *connection = Some(connect(&trial, person, random.below(3))),
        }
        for_a_while(0.05).await;
    }
    // Who left counts for half a minute, everywhere.
    let agreed = Box::pin(until_agreed(&trial, 30 * SECOND)).await;
    context.report().time("C17", "until all nodes agree after churn", 2 * SECOND, agreed);
    trial.happen(context, &Fault::Kill(2, 2 * SECOND)).await;
    let agreed = Box::pin(until_agreed(&trial, 60 * SECOND)).await;
    context.report().time("C17", "until all nodes agree after a kill", 30 * SECOND, agreed);
    // What they agree on must be true.
    for_a_while(35.0).await;
    let connected = people.iter().filter(|(_, connection)| connection.is_some());
    let expected: BTreeSet<i64> = connected.map(|(person, _)| person.id).collect();
    let online = trial.online().await;
    let is_walker = |id: &i64| people.iter().any(|(person, _)| person.id == *id);
    let wrong = online.iter().map(|all| {
        let walkers: BTreeSet<i64> = all.iter().copied().filter(is_walker).collect();
        walkers.symmetric_difference(&expected).count()
    });
    let wrong = wrong.max().unwrap_or_default();
    context.report().count("C17", "people who are shown wrongly 35 s later", 0, wrong);
    trial.finish_with(context, |run| run.online = online).await;
}

fn connect(trial: &Trial, person: &Person, node: usize) -> CancellationToken {
    let stop = CancellationToken::new();
    let reader = Reader::new(person.clone(), Vec::new(), node, trial.load.ledger.clone());
    drop(background(reader.run(stop.clone())));
    stop
}

async fn until_agreed(trial: &Trial, most: Duration) -> Duration {
    let started = trial.load.ledger.now();
    loop {
        let online = trial.online().await;
        let took = trial.load.ledger.now().saturating_sub(started);
        if took > most || online.windows(2).all(|pair| pair[0] == pair[1]) {
            return took;
        }
        for_a_while(0.1).await;
    }
}
