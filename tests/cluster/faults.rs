//! What can go wrong, as values. A fault begins, lasts, and is over when all nodes are ready again.

use std::collections::BTreeSet;
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::sleep;

use crate::load::{Disturbance, Ledger, Moment};
use crate::processes::{Cluster, Mode, Postgres, signal};
use crate::random::Random;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// As the OOM killer does. It is started again after this time.
    Kill(usize, Duration),
    /// Stopped, as a virtual machine that is moved.
    Pause(usize, Duration),
    /// Asked to stop and started again, as for an update.
    Term(usize),
    /// Its connections to something are closed, and no new ones made.
    Cut(Line, Duration),
    /// Nothing passes, and no side learns why.
    Hole(Line, Duration),
    /// Everything takes longer by the first time.
    Slow(Line, Duration, Duration),
    /// Its connections are lost without a word. New ones pass.
    HalfOpen(Line),
    KillNats(usize, Duration),
    RestartPostgres,
    /// Killed, and started again after this time.
    KillPostgres(Duration),
    /// The primary dies, and the standby takes over. Before, the standby may have missed this time.
    FailOver {
        loses: Option<Duration>,
    },
    /// The address leads to the standby for this time, as in a fail-over that goes wrong.
    ReadOnly(Duration),
    /// Runs with a clock that is wrong by these seconds.
    Skew(usize, i64),
}

/// From a node to something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    Database(usize),
    Bus(usize),
    Clients(usize),
}

/// How long a standby takes over after its primary died.
const PROMOTION: Duration = Duration::from_secs(2);

impl Line {
    fn set(self, cluster: &Cluster, mode: Option<Mode>) {
        let (Self::Database(node) | Self::Bus(node) | Self::Clients(node)) = self;
        let node = &cluster.nodes[node];
        let links = match self {
            Self::Database(_) => std::slice::from_ref(&node.database),
            Self::Bus(_) => &node.bus[..],
            Self::Clients(_) => std::slice::from_ref(&node.clients),
        };
        for link in links {
            match mode {
                Some(Mode::Refuse) => link.cut(),
                Some(mode) => link.set(mode),
                None => link.lose_connections(),
            }
        }
    }
}

impl Fault {
    /// Nodes that cannot serve, and whether `/ready` says so.
    fn effect(&self, nodes: usize) -> (BTreeSet<usize>, bool) {
        match self {
            Self::Kill(node, _) | Self::Pause(node, _) | Self::Term(node) | Self::Skew(node, _) => {
                ([*node].into(), true)
            }
            Self::Cut(line, _) | Self::Hole(line, _) => match line {
                Line::Database(node) => ([*node].into(), true),
                // No one asks `/ready` over that link.
                Line::Clients(node) => ([*node].into(), false),
                Line::Bus(_) => (BTreeSet::new(), false),
            },
            Self::HalfOpen(Line::Bus(_)) | Self::Slow(Line::Bus(_), ..) | Self::KillNats(..) => {
                (BTreeSet::new(), false)
            }
            Self::HalfOpen(Line::Database(node) | Line::Clients(node))
            | Self::Slow(Line::Database(node) | Line::Clients(node), ..) => ([*node].into(), false),
            Self::RestartPostgres => ((0..nodes).collect(), false),
            Self::KillPostgres(_) | Self::FailOver { .. } | Self::ReadOnly(_) => {
                ((0..nodes).collect(), true)
            }
        }
    }

    /// Lets it happen and waits until it is over. Returns when it began and when its cause ended.
    pub async fn happen(&self, cluster: &mut Cluster, ledger: &Ledger) -> (Moment, Moment) {
        let from = ledger.now();
        // Its end is noted later.
        let (sick, is_unready) = self.effect(cluster.nodes.len());
        let what = format!("{self:?}");
        let place = {
            let disturbances = &mut ledger.entries().disturbances;
            disturbances.push(Disturbance { what, from, to: Duration::MAX, sick, is_unready });
            disturbances.len() - 1
        };
        let ended = Box::pin(self.run(cluster, ledger)).await;
        {
            let disturbance = &mut ledger.entries().disturbances[place];
            disturbance.to = ended;
        }
        for node in &mut cluster.nodes {
            node.until_ready().await;
        }
        (from, ended)
    }

    /// Returns when the cause was away.
    async fn run(&self, cluster: &mut Cluster, ledger: &Ledger) -> Moment {
        match *self {
            Self::Kill(node, lasts) => {
                cluster.nodes[node].kill();
                sleep(lasts).await;
                cluster.nodes[node].start();
                cluster.nodes[node].until_ready().await;
            }
            Self::Pause(node, lasts) => {
                cluster.nodes[node].pause();
                sleep(lasts).await;
                cluster.nodes[node].resume();
            }
            Self::Term(node) => restart(cluster, node).await,
            Self::Skew(node, seconds) => {
                cluster.nodes[node].skew(seconds);
                restart(cluster, node).await;
            }
            Self::Cut(line, lasts) => {
                line.set(cluster, Some(Mode::Refuse));
                sleep(lasts).await;
                line.set(cluster, Some(Mode::Pass));
            }
            Self::Hole(line, lasts) => {
                line.set(cluster, Some(Mode::Hole));
                sleep(lasts).await;
                line.set(cluster, Some(Mode::Pass));
            }
            Self::HalfOpen(line) => line.set(cluster, None),
            Self::Slow(line, delay, lasts) => {
                line.set(cluster, Some(Mode::Delay(delay)));
                sleep(lasts).await;
                line.set(cluster, Some(Mode::Pass));
            }
            Self::KillNats(server, lasts) => {
                cluster.nats[server].kill();
                sleep(lasts).await;
                cluster.nats[server].serve().await;
            }
            Self::RestartPostgres => cluster.postgres.restart().await,
            Self::KillPostgres(lasts) => {
                cluster.postgres.kill();
                sleep(lasts).await;
                cluster.postgres.until_open().await;
            }
            Self::ReadOnly(lasts) => read_only(cluster, lasts).await,
            Self::FailOver { loses } => fail_over(cluster, ledger, loses).await,
        }
        ledger.now()
    }

    /// One of those that need no standby, for nodes with this many NATS servers.
    pub fn any(random: &mut Random, nodes: usize, nats: usize) -> Self {
        let node = random.below(nodes);
        let short = random.millis(200, 4000);
        let line = match random.below(if nats > 0 { 3 } else { 2 }) {
            0 => Line::Database(node),
            1 => Line::Clients(node),
            _ => Line::Bus(node),
        };
        match random.below(if nats > 0 { 11 } else { 9 }) {
            0 => Self::Kill(node, short),
            1 => Self::Term(node),
            2 | 3 => Self::Pause(node, random.millis(500, 12_000)),
            4 => Self::Cut(line, random.millis(200, 12_000)),
            5 => Self::Hole(line, random.millis(200, 12_000)),
            6 => Self::HalfOpen(line),
            7 => Self::Slow(line, random.millis(5, 100), short),
            8 if random.below(3) == 0 => Self::KillPostgres(short),
            8 => Self::RestartPostgres,
            _ => Self::KillNats(random.below(nats), random.millis(200, 8000)),
        }
    }
}

async fn restart(cluster: &mut Cluster, node: usize) {
    let node = &mut cluster.nodes[node];
    node.stop().await;
    node.start();
    node.until_ready().await;
}

async fn read_only(cluster: &Cluster, lasts: Duration) {
    let standby = cluster.standby.as_ref().expect("a standby");
    for node in &cluster.nodes {
        node.database.cut();
    }
    cluster.lead_to(&standby.service());
    sleep(lasts).await;
    // What is connected to the standby stays so.
    cluster.lead_to(&cluster.postgres.service());
}

async fn fail_over(cluster: &mut Cluster, ledger: &Ledger, loses: Option<Duration>) {
    let receivers = cluster.standby.as_ref().map(Postgres::receivers).expect("a standby");
    let from = ledger.now();
    if let Some(loses) = loses {
        for receiver in &receivers {
            signal(*receiver, Signal::STOP);
        }
        sleep(loses).await;
    }
    cluster.postgres.kill();
    cluster.nodes.iter().for_each(|node| node.database.cut());
    if loses.is_some() {
        for receiver in &receivers {
            signal(*receiver, Signal::KILL);
        }
        // What was on its way counts, too: before and after, nothing is stored.
        let leeway = Duration::from_millis(300);
        let lost = (from.saturating_sub(leeway), ledger.now() + leeway);
        ledger.entries().excused.push(lost);
    }
    sleep(PROMOTION).await;
    let standby = cluster.standby.as_mut().expect("a standby");
    standby.until_open().await;
    standby.promote();
    let service = standby.service();
    cluster.has_failed_over();
    cluster.lead_to(&service);
}
