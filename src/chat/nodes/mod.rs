//! The nodes of the installation, for administrators to look at: each process writes down every ten seconds that it
//! runs and how it is. With `SQLite` there is one, which is in memory only. No decision of Patio depends on this list.
//!
//! It knows nothing of what nodes tell each other (`doorbell`, `changefeed`), and neither HTTP nor pages.

pub mod model;
mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval_at};

use self::model::{Durability, Node};
use super::accounts::model::Admin;
use super::doorbell::{BusState, Doorbell};
use super::presence::Presence;
use super::sync::LastLook;
use crate::changefeed::model::ProcessId;
use crate::db::Db;
use crate::kernel::{Clock, ServiceError, Timestamp};
use crate::lifecycle::Lifecycle;

/// How often a node writes its row.
const INTERVAL: Duration = Duration::from_secs(10);
/// A node that was not seen for so long does not count as one of several.
const RECENT: Duration = Duration::from_mins(1);

#[derive(Clone)]
pub struct Nodes {
    db: Db,
    clock: Clock,
    doorbell: Doorbell,
    presence: Presence,
    last_look: LastLook,
    lifecycle: Lifecycle,
    identity: Arc<Identity>,
    /// How many nodes were seen lately.
    recent: Arc<AtomicUsize>,
}

/// What the list shows of this process.
pub struct NodesParts {
    pub clock: Clock,
    pub doorbell: Doorbell,
    pub presence: Presence,
    pub last_look: LastLook,
    pub lifecycle: Lifecycle,
    pub process: ProcessId,
    pub name: String,
}

/// Why a process may not know who is online at others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresenceGap {
    /// It knows who was, until the bus went away.
    BusAway,
    /// It has no bus, and is one of several.
    NoBus,
}

/// What stays the same while this process runs.
struct Identity {
    process: ProcessId,
    name: String,
    started_at: Timestamp,
}

impl Nodes {
    /// Writes the row of this process, and starts the task that keeps it current.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn start(db: Db, parts: NodesParts) -> Result<Self, ServiceError> {
        let NodesParts { clock, doorbell, presence, last_look, lifecycle, process, name } = parts;
        let identity = Arc::new(Identity { process, name, started_at: clock.now() });
        let recent = Arc::new(AtomicUsize::new(1));
        let nodes = Self { db, clock, doorbell, presence, last_look, lifecycle, identity, recent };
        if nodes.is_shared() {
            nodes.write().await?;
            let worker = nodes.clone();
            nodes.lifecycle.spawn_worker("nodes", async move { worker.run().await });
        }
        Ok(nodes)
    }

    /// All nodes of the last day, by name.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn list(&self, _: &Admin) -> Result<Vec<Node>, ServiceError> {
        Ok(self.read().await?)
    }

    /// What `PostgreSQL` does so that nothing is lost; `None` with `SQLite`, which Patio itself sets right.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn durability(&self, _: &Admin) -> Result<Option<Durability>, ServiceError> {
        Ok(if self.is_shared() { Some(store::durability(&self.db).await?) } else { None })
    }

    /// Why this process may not know who is online at others; `None` if it knows.
    pub fn presence_gap(&self) -> Option<PresenceGap> {
        match self.doorbell.state() {
            _ if self.count() == 1 => None,
            BusState::Connected => None,
            BusState::Away => Some(PresenceGap::BusAway),
            BusState::Off => Some(PresenceGap::NoBus),
        }
    }

    /// Whether there are several nodes, or may be.
    pub fn are_several(&self) -> bool {
        self.count() > 1 || self.doorbell.state() != BusState::Off
    }

    /// How many nodes were seen lately, this one included.
    pub fn count(&self) -> usize {
        self.recent.load(Ordering::Relaxed)
    }

    /// By how many milliseconds the clock of this machine is behind that of the database.
    pub fn clock_offset(&self) -> i64 {
        self.clock.correction()
    }

    /// Whether other processes may use the database.
    fn is_shared(&self) -> bool {
        matches!(self.db, Db::Postgres(_))
    }

    async fn run(&self) {
        // While it drains it is still listed.
        let refusing = self.lifecycle.refusing();
        let mut interval = interval_at(tokio::time::Instant::now() + INTERVAL, INTERVAL);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while refusing.run_until_cancelled(interval.tick()).await.is_some() {
            if let Err(error) = self.write().await {
                tracing::warn!(%error, "could not write down that this node runs");
            }
        }
        if let Err(error) = store::remove(&self.db, self.identity.process).await {
            tracing::warn!(%error, "could not write down that this node ends");
        }
    }

    async fn write(&self) -> Result<(), sqlx::Error> {
        store::write(&self.db, &self.own()).await?;
        self.read().await.map(drop)
    }

    async fn read(&self) -> Result<Vec<Node>, sqlx::Error> {
        let own = self.own();
        let mut nodes = if self.is_shared() { store::list(&self.db).await? } else { Vec::new() };
        nodes.retain(|node| node.process != own.process);
        let since = own.seen_at.minus(RECENT);
        nodes.push(own);
        nodes.sort_by(|a, b| (&a.name, a.started_at).cmp(&(&b.name, b.started_at)));
        let recent = nodes.iter().filter(|node| node.seen_at >= since).count();
        self.recent.store(recent, Ordering::Relaxed);
        Ok(nodes)
    }

    /// This process as it is now.
    fn own(&self) -> Node {
        let Identity { process, name, started_at } = &*self.identity;
        Node {
            process: *process,
            name: name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: *started_at,
            seen_at: self.clock.now(),
            connections: signed(self.lifecycle.connections()),
            users_online: signed(self.presence.count_here()),
            bus: self.doorbell.state(),
            bus_away_since: self.doorbell.away_since(),
            clock_offset: self.clock_offset(),
            look_age: Some(i64::try_from(self.last_look.age().as_millis()).unwrap_or(i64::MAX)),
            repaired: Some(signed(self.doorbell.repairs().in_last_hour())),
        }
    }
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
