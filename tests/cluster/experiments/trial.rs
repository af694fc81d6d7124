//! A cluster under load, from its start to the check of what it did.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reqwest::Method;
use tokio::time::sleep;

use super::{Context, SECOND};
use crate::faults::Fault;
use crate::figures::quantile;
use crate::invariants::{Run, Stored, broken};
use crate::load::{Acknowledged, Load, Moment};
use crate::processes::{Cluster, Node, Standby, kept_logs};

pub struct Trial {
    pub name: &'static str,
    pub cluster: Cluster,
    pub load: Load,
}

impl Trial {
    pub async fn start(name: &'static str, nodes: usize, nats: usize, standby: Standby) -> Self {
        let cluster = Cluster::start(nodes, nats, standby).await;
        let bases = cluster.nodes.iter().map(Node::base).collect();
        let mut load = Load::new(bases).await;
        load.watch(cluster.nodes.iter().map(Node::direct).collect());
        Self { name, cluster, load }
    }

    pub async fn happen(&mut self, context: &Context, fault: &Fault) -> (Moment, Moment) {
        let (from, to) = Box::pin(fault.happen(&mut self.cluster, &self.load.ledger)).await;
        context.say(&format!(
            "{}: {fault:?} took {:.1} s",
            self.name,
            to.saturating_sub(from).as_secs_f64()
        ));
        (from, to)
    }

    /// Waits until all readers have everything, checks the invariants, and returns what was seen.
    pub async fn finish(self, context: &Context) -> Run {
        self.finish_with(context, |_| {}).await
    }

    pub async fn finish_with(mut self, context: &Context, change: impl FnOnce(&mut Run)) -> Run {
        self.load.settle(20 * SECOND).await;
        let mut run = Box::pin(self.collect()).await;
        change(&mut run);
        let found = broken(&run);
        if !found.is_empty() {
            let folder = kept_logs().join(self.name);
            self.cluster.keep_logs(&folder);
            std::fs::write(folder.join("story"), story(&run)).expect("written");
            let mut report = context.report();
            let prefixed = found.iter().map(|text| format!("{} {text}", self.name));
            // At once, too: the rest may take long.
            report.broken.extend(prefixed.inspect(|text| context.say(text)));
            report.broken.push(format!("{}: logs are in {}", self.name, folder.display()));
        }
        context.say(&format!(
            "{}: {} acknowledged, {} refusals, {} rules broken",
            self.name,
            run.entries.acknowledged.len(),
            run.entries.refusals.len(),
            found.len()
        ));
        run
    }

    async fn collect(&self) -> Run {
        let mut run = Run::default();
        std::mem::swap(&mut run.entries, &mut self.load.ledger.entries());
        let mut database = self.cluster.postgres.connect().await.expect("PostgreSQL");
        let rows: Vec<(i64, i64, i64, i64, String)> = sqlx::query_as(
            "select id, room_seq_key >> 32, room_seq_key & 4294967295, room_rev_key & 4294967295,
                    body
             from messages",
        )
        .fetch_all(&mut database)
        .await
        .expect("messages");
        let stored = |(id, room, seq, rev, body)| Stored { id, room, seq, rev, body };
        run.database = rows.into_iter().map(stored).collect();
        run.owners = self.load.own.iter().copied().zip(0..).collect();
        let rooms: BTreeSet<i64> =
            run.entries.readings.iter().flat_map(|reading| &reading.rooms).copied().collect();
        for node in 0..self.cluster.nodes.len() {
            for room in &rooms {
                let history = self.load.admin.history(node, *room).await;
                run.histories.insert((node, *room), history);
            }
        }
        run
    }

    /// Who is online, as each node says.
    pub async fn online(&self) -> Vec<BTreeSet<i64>> {
        let mut all = Vec::new();
        for node in 0..self.cluster.nodes.len() {
            let answer = self.load.admin.call(node, Method::GET, "/users", None).await;
            let users = answer.map(|(_, users)| users).unwrap_or_default();
            let users = users["items"].as_array().cloned().unwrap_or_default();
            let online = users.iter().filter(|user| user["online"] == true);
            all.push(online.filter_map(|user| user["id"].as_i64()).collect());
        }
        all
    }
}

/// What failed and what was refused, for people who look for the cause.
fn story(run: &Run) -> String {
    let faults = run
        .entries
        .disturbances
        .iter()
        .map(|it| (it.from, format!("{} until {:.3?}", it.what, it.to)));
    let refusals = run.entries.refusals.iter().map(|it| {
        let (status, node) = (it.status, it.node);
        (it.at, format!("node {node} refused with {status:?} after {:.3?}: {}", it.took, it.what))
    });
    let unready = run.entries.samples.iter().filter(|it| !it.is_ready);
    let unready = unready.map(|it| (it.to, format!("node {} is not ready", it.node)));
    let mut lines: Vec<(Moment, String)> = faults.chain(refusals).chain(unready).collect();
    lines.sort();
    let lines = lines.iter().map(|(at, text)| format!("{:8.3} {text}", at.as_secs_f64()));
    lines.collect::<Vec<_>>().join("\n")
}

/// Lets the load run.
pub async fn for_a_while(seconds: f64) {
    sleep(Duration::from_secs_f64(seconds)).await;
}

/// The longest wait of a post that was on its way in this time.
pub fn longest_wait(
    run: &Run,
    (from, to): (Moment, Moment),
    is_meant: impl Fn(&Acknowledged) -> bool,
) -> Duration {
    let all = run.entries.acknowledged.iter();
    let meant = all.filter(|it| it.sent <= to && it.at >= from && is_meant(it));
    meant.map(Acknowledged::wait).max().unwrap_or_default()
}

/// From the sending of each message until it is at each reader of another node.
pub fn latencies(
    run: &Run,
    (from, to): (Moment, Moment),
    is_meant: impl Fn(usize) -> bool,
) -> Vec<Duration> {
    let mut found = Vec::new();
    for reading in run.entries.readings.iter().filter(|reading| is_meant(reading.home)) {
        let mut first: BTreeMap<(i64, i64), Moment> = BTreeMap::new();
        for applied in &reading.applied {
            first.entry((applied.room, applied.seq)).or_insert(applied.at);
        }
        for message in &run.entries.acknowledged {
            let is_near = message.node == reading.home || message.sent < from || message.at > to;
            if let Some(at) = first.get(&(message.room, message.seq)).filter(|_| !is_near) {
                found.push(at.saturating_sub(message.sent));
            }
        }
    }
    found
}

/// The longest time from an acknowledgement until a reader has the message.
pub fn longest_delay(run: &Run, (from, to): (Moment, Moment)) -> Duration {
    let mut longest = Duration::ZERO;
    for reading in &run.entries.readings {
        let mut first: BTreeMap<(i64, i64), Moment> = BTreeMap::new();
        for applied in &reading.applied {
            first.entry((applied.room, applied.seq)).or_insert(applied.at);
        }
        for message in run.entries.acknowledged.iter().filter(|it| it.at >= from && it.at <= to) {
            if let Some(at) = first.get(&(message.room, message.seq)) {
                longest = longest.max(at.saturating_sub(message.at));
            }
        }
    }
    longest
}

/// Reports lost and doubled messages of a run.
pub fn report_losses(context: &Context, name: &str, what: &str, run: &Run) {
    let of = run.entries.acknowledged.len();
    let losses =
        broken(run).iter().filter(|it| it.starts_with("I1") || it.starts_with("I2")).count();
    let what = format!("{what}: messages lost, doubled or in disorder, of {of}");
    context.report().count(name, &what, 0, losses);
}

pub fn report_latency(
    context: &Context,
    name: &str,
    what: &str,
    bounds: [u64; 2],
    all: &[Duration],
) {
    let mut report = context.report();
    let [median, most] = bounds.map(Duration::from_millis);
    report.time(name, &format!("{what}, p50 of {}", all.len()), median, quantile(all, 0.5));
    report.time(name, &format!("{what}, p99"), most, quantile(all, 0.99));
}
