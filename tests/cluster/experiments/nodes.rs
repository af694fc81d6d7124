//! C3 to C5: nodes that die, stand still, or lose their connections to the database without a word.

use std::time::Duration;

use super::trial::{for_a_while, longest_delay, longest_wait, report_losses};
use super::{Context, SECOND, Trial};
use crate::faults::{Fault, Line};
use crate::invariants::Run;
use crate::load::Moment;
use crate::processes::Standby;
use crate::random::Random;

const PAUSE: Duration = Duration::from_millis(150);

/// C3: each node in turn is killed and comes back.
pub async fn kills(context: &Context) {
    let mut trial = Trial::start("C3", 3, 1, Standby::None).await;
    trial.load.usual(PAUSE).await;
    for_a_while(1.0).await;
    let mut random = Random::from_seed(context.seed);
    let from = trial.load.ledger.now();
    let count = context.pick(3, 200);
    for number in 0..count {
        let lasts = random.millis(10, 800);
        trial.happen(context, &Fault::Kill(number % 3, lasts)).await;
        for_a_while(0.3).await;
    }
    let to = trial.load.ledger.now();
    let run = trial.finish(context).await;
    report_losses(context, "C3", &format!("{count} kills"), &run);
    let mut report = context.report();
    let waited = longest_wait(&run, (from, to), |_| true);
    report.time("C3", "longest wait of a post, with retries elsewhere", SECOND, waited);
    let delay = longest_delay(&run, (from, to));
    report.time("C3", "longest until all readers have an acknowledged message", 2 * SECOND, delay);
}

/// C4: a node is stopped in the middle of its transactions.
pub async fn pauses(context: &Context) {
    let mut trial = Trial::start("C4", 3, 1, Standby::None).await;
    trial.load.usual(PAUSE).await;
    for _ in 0..4 {
        let room = trial.load.own[0];
        trial.load.post(0, room, Duration::from_millis(5), true);
    }
    // Someone at a healthy node, in the room of the stopped one.
    let room = trial.load.own[0];
    trial.load.post(1, room, PAUSE, false);
    for_a_while(1.5).await;
    let mut times = Vec::new();
    for _ in 0..context.pick(2, 5) {
        let lasts = Duration::from_secs(context.pick(4, 30));
        times.push(trial.happen(context, &Fault::Pause(0, lasts)).await);
        for_a_while(1.0).await;
    }
    let (own, shared) = (trial.load.own.clone(), trial.load.shared);
    let run = trial.finish(context).await;
    let longest = |rooms: &[i64]| {
        let wait = |time: &(Moment, Moment)| {
            longest_wait(&run, *time, |it| {
                it.first != 0 && it.node != 0 && rooms.contains(&it.room)
            })
        };
        times.iter().map(wait).max().unwrap_or_default()
    };
    report_losses(context, "C4", &format!("{} pauses", times.len()), &run);
    let mut report = context.report();
    report.time(
        "C4",
        "longest wait in other rooms",
        Duration::from_millis(300),
        longest(&own[1..]),
    );
    report.time("C4", "longest wait in its rooms", 3 * SECOND, longest(&[own[0], shared]));
}

/// C5: the connections of a node to the database are lost without a word.
pub async fn half_open(context: &Context) {
    let mut trial = Trial::start("C5", 2, 1, Standby::None).await;
    trial.load.usual(PAUSE).await;
    for _ in 0..4 {
        let room = trial.load.own[0];
        trial.load.post(0, room, Duration::from_millis(5), true);
    }
    for_a_while(1.5).await;
    let mut starts = Vec::new();
    for _ in 0..context.pick(1, 5) {
        let fault = Fault::HalfOpen(Line::Database(0));
        starts.push(trial.happen(context, &fault).await.0);
        for_a_while(12.0).await;
    }
    let run = trial.finish(context).await;
    report_losses(context, "C5", &format!("{} times", starts.len()), &run);
    let silence = starts.iter().map(|from| silence(&run, *from)).max().unwrap_or_default();
    let mut report = context.report();
    report.time("C5", "until that node stores again", 6 * SECOND, silence);
    for from in starts {
        let end = from + 12 * SECOND;
        let near =
            run.entries.samples.iter().filter(|it| it.node == 0 && it.to > from && it.from < end);
        let unready: Vec<_> = near.filter(|it| !it.is_ready).collect();
        let text = match (unready.first(), unready.last()) {
            (Some(first), Some(last)) => {
                let [first, last] = [first.from, last.to].map(|it| it.saturating_sub(from));
                format!("not ready from {first:.1?} to {last:.1?} after the loss")
            }
            _ => "ready all the time".to_owned(),
        };
        report.note("C5", &text);
    }
}

/// The longest time without an acknowledgement of node 0 soon after this.
fn silence(run: &Run, from: Moment) -> Duration {
    let mut times: Vec<Moment> = run
        .entries
        .acknowledged
        .iter()
        .filter(|it| it.node == 0 && it.at >= from && it.at <= from + 12 * SECOND)
        .map(|it| it.at)
        .collect();
    times.push(from);
    times.sort();
    times.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().unwrap_or(12 * SECOND)
}
