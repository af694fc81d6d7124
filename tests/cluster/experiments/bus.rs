//! C1, C2, C9 and C10: how fast a message reaches the readers of other nodes, with NATS, without it, and while it fails.

use std::time::Duration;

use super::trial::{for_a_while, latencies, longest_delay, report_latency, report_losses};
use super::{Context, SECOND, Trial};
use crate::faults::{Fault, Line};
use crate::processes::{Link, Standby};

/// An absence of NATS that is no accident.
const LONG: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(150);

/// C1: all is well. C2: no node reaches NATS.
pub async fn latency(context: &Context, name: &'static str) {
    let mut trial = Trial::start(name, 2, 1, Standby::None).await;
    let is_away = name == "C2";
    if is_away {
        for node in &trial.cluster.nodes {
            node.bus.iter().for_each(Link::cut);
        }
    }
    trial.load.usual(Duration::from_millis(200)).await;
    for_a_while(2.0).await;
    let from = trial.load.ledger.now();
    for_a_while(context.pick(5.0, 30.0)).await;
    let to = trial.load.ledger.now();
    let run = trial.finish(context).await;
    let all = latencies(&run, (from, to), |_| true);
    let (what, bounds) = if is_away {
        ("post → reader at another node without NATS", [700, 1200])
    } else {
        ("post → reader at another node", [5, 50])
    };
    report_latency(context, name, what, bounds, &all);
    report_losses(context, name, what, &run);
}

/// C9: NATS dies for a while, alone and as one of three, and the links to it are cut.
pub async fn outages(context: &Context) {
    for (servers, fault) in [
        (1, Fault::KillNats(0, 3 * SECOND)),
        (1, Fault::Cut(Line::Bus(0), 3 * SECOND)),
        (3, Fault::KillNats(0, 3 * SECOND)),
        (1, Fault::KillNats(0, LONG)),
    ] {
        let is_short = servers == 1 && fault != Fault::KillNats(0, LONG);
        if !is_short && context.pick(true, false) {
            continue;
        }
        let mut trial = Trial::start("C9", 2, servers, Standby::None).await;
        trial.load.usual(PAUSE).await;
        for_a_while(2.0).await;
        let (from, to) = trial.happen(context, &fault).await;
        for_a_while(4.0).await;
        let end = trial.load.ledger.now();
        let run = trial.finish(context).await;
        let what = format!("{servers} NATS, {fault:?}");
        report_losses(context, "C9", &what, &run);
        let slowest = longest_delay(&run, (from, to));
        let most = Duration::from_millis(1200);
        context.report().time(
            "C9",
            &format!("{what}: longest until a reader has it"),
            most,
            slowest,
        );
        let after = latencies(&run, (to + 2 * SECOND, end), |_| true);
        report_latency(context, "C9", &format!("{what}: 2 s after"), [5, 50], &after);
    }
}

/// C10: a node stands still while others publish much.
pub async fn stopped_node(context: &Context) {
    let mut trial = Trial::start("C10", 3, 1, Standby::None).await;
    for node in 0..2 {
        for _ in 0..8 {
            let room = trial.load.own[node];
            trial.load.post(node, room, Duration::from_millis(20), true);
        }
        trial.load.read(node).await;
    }
    trial.load.read(2).await;
    for_a_while(2.0).await;
    let from = trial.load.ledger.now();
    for_a_while(8.0).await;
    let (middle, to) = trial.happen(context, &Fault::Pause(2, 10 * SECOND)).await;
    let run = trial.finish(context).await;
    let median = |time| {
        let all = latencies(&run, time, |home| home != 2);
        crate::figures::quantile(&all, 0.5).as_secs_f64()
    };
    report_losses(context, "C10", "a stopped node", &run);
    let seconds = to.saturating_sub(from).as_secs();
    let rate = u64::try_from(run.entries.acknowledged.len()).unwrap_or_default() / seconds.max(1);
    let ratio = median((middle, to)) / median((from, middle));
    let what = format!("latency of the others beside a stopped node, at {rate} posts/s");
    context.report().ratio("C10", &what, 1.2, ratio);
}
