//! C6 to C8: the database restarts, dies, fails over, or comes back with an older state.

use std::time::Duration;

use super::trial::{for_a_while, longest_wait, report_losses};
use super::{Context, SECOND, Trial};
use crate::faults::Fault;
use crate::invariants::Run;
use crate::load::Moment;
use crate::processes::Standby;

const PAUSE: Duration = Duration::from_millis(150);

async fn under_load(name: &'static str, standby: Standby) -> Trial {
    let mut trial = Trial::start(name, 3, 1, standby).await;
    trial.load.usual(PAUSE).await;
    for_a_while(1.5).await;
    trial
}

/// How much longer than its cause the longest wait was.
fn beyond(run: &Run, (from, to): (Moment, Moment)) -> Duration {
    longest_wait(run, (from, to), |_| true).saturating_sub(to.saturating_sub(from))
}

/// C6: a restart, and a kill with some seconds until the start.
pub async fn restarts(context: &Context) {
    let mut trial = under_load("C6", Standby::None).await;
    let restart = trial.happen(context, &Fault::RestartPostgres).await;
    for_a_while(2.0).await;
    let away = Fault::KillPostgres(Duration::from_secs(context.pick(3, 5)));
    let killed = trial.happen(context, &away).await;
    for_a_while(3.0).await;
    let run = trial.finish(context).await;
    report_losses(context, "C6", "a restart and a kill of PostgreSQL", &run);
    let refusals = run.entries.refusals.iter().filter(|it| it.at >= killed.0 && it.at <= killed.1);
    let slowest = refusals.map(|it| it.took).max().unwrap_or_default();
    let mut report = context.report();
    report.time("C6", "longest wait beyond a restart", SECOND, beyond(&run, restart));
    report.time("C6", "longest wait beyond an absence", SECOND, beyond(&run, killed));
    report.time("C6", "slowest refusal while it is away", SECOND, slowest);
}

/// C7: the primary dies, and a synchronous standby takes over.
pub async fn fail_over(context: &Context) {
    let mut trial = under_load("C7", Standby::Sync).await;
    let time = trial.happen(context, &Fault::FailOver { loses: None }).await;
    for_a_while(3.0).await;
    let run = trial.finish(context).await;
    report_losses(context, "C7", "a promotion", &run);
    let mut report = context.report();
    report.time("C7", "longest wait beyond the promotion", SECOND, beyond(&run, time));
    let epochs = run.entries.readings.iter().filter(|reading| reading.epochs.len() > 1).count();
    report.count("C7", "readers that reload although nothing was lost", 0, epochs);
}

/// C7b: the address leads to a standby for a while.
pub async fn read_only(context: &Context) {
    let mut trial = under_load("C7b", Standby::Async).await;
    let (_, to) = trial.happen(context, &Fault::ReadOnly(4 * SECOND)).await;
    for_a_while(context.pick(3.0, 15.0)).await;
    let run = trial.finish(context).await;
    report_losses(context, "C7b", "4 s at a standby", &run);
    let after = run.entries.refusals.iter().map(|it| it.at.saturating_sub(to)).max();
    let what = "last refusal after the primary is back";
    context.report().time("C7b", what, SECOND, after.unwrap_or_default());
}

/// C8: the primary dies, and a standby takes over that lacks the last seconds.
pub async fn lost_tail(context: &Context) {
    let mut trial = under_load("C8", Standby::Async).await;
    let fault = Fault::FailOver { loses: Some(2 * SECOND) };
    let (_, to) = trial.happen(context, &fault).await;
    for_a_while(5.0).await;
    let run = trial.finish(context).await;
    report_losses(context, "C8", "without the lost tail", &run);
    let reloads = run.entries.readings.iter().map(|reading| {
        reading.epochs.get(1..).and_then(<[_]>::last).map(|(at, _)| at.saturating_sub(to))
    });
    let reloads: Vec<Option<Duration>> = reloads.collect();
    let mut report = context.report();
    let missing = reloads.iter().filter(|reload| reload.is_none()).count();
    report.count("C8", "readers that did not reload", 0, missing);
    let last = reloads.into_iter().flatten().max().unwrap_or_default();
    report.time("C8", "until the last reader reloads", 5 * SECOND, last);
    let stored = |body: &str| run.database.iter().any(|stored| stored.body == body);
    let lost = run.entries.acknowledged.iter().filter(|it| !stored(&it.body)).count();
    report.note("C8", &format!("PostgreSQL lost {lost} acknowledged messages"));
}
