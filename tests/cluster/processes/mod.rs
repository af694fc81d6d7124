//! Everything that runs: `PostgreSQL` with a standby, NATS, the nodes, and the links between them. It knows no messages.

mod link;
mod nats;
mod node;
mod postgres;
#[path = "../../it/support/postgres/programs.rs"]
mod programs;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

pub use link::{Link, Mode, Service};
pub use nats::{Nats, version as nats_version};
pub use node::{Node, another_clock, executable, knows};
pub use postgres::{Postgres, signal};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standby {
    None,
    Async,
    Sync,
}

pub struct Cluster {
    // Nodes end first: without a database they would fill their logs.
    pub nodes: Vec<Node>,
    pub nats: Vec<Nats>,
    pub standby: Option<Postgres>,
    pub postgres: Postgres,
    files: TempDir,
}

impl Cluster {
    /// Starts this many nodes and NATS servers. Without a NATS, or with an executable that does not know it, there are
    /// none.
    pub async fn start(nodes: usize, nats: usize, standby: Standby) -> Self {
        let postgres = Postgres::primary().await;
        let standby = match standby {
            Standby::None => None,
            kind => Some(postgres.standby(kind == Standby::Sync).await),
        };
        let nats = Nats::start(if can_signal() { nats } else { 0 }).await;
        let bus: Vec<Service> = nats.iter().map(Nats::service).collect();
        let files = tempfile::tempdir().expect("a folder");
        let mut cluster = Self { nodes: Vec::new(), nats, standby, postgres, files };
        for number in 0..nodes {
            let files = cluster.files.path().to_owned();
            let mut node = Node::new(number, cluster.postgres.service(), &bus, files).await;
            node.start();
            // The first one makes the tables.
            node.until_ready().await;
            cluster.nodes.push(node);
        }
        cluster
    }

    /// From now on the standby is the server that has the messages.
    pub fn has_failed_over(&mut self) {
        let standby = self.standby.take().expect("a standby");
        self.postgres = standby;
    }

    /// Leads all nodes to a database.
    pub fn lead_to(&self, service: &Service) {
        self.nodes.iter().for_each(|node| node.database.lead_to(service.clone()));
    }

    pub fn keep_logs(&self, folder: &Path) {
        fs::create_dir_all(folder).expect("a folder");
        for node in &self.nodes {
            fs::copy(node.log(), folder.join(format!("node{}.log", node.number))).ok();
        }
    }
}

/// Whether nodes can tell each other over NATS.
pub fn can_signal() -> bool {
    nats_version().is_some() && knows("NATS_URL")
}

/// A port outside the range from which the system takes those of connections: a node that is away for a moment finds
/// its port free.
pub fn free_port() -> u16 {
    loop {
        let random = getrandom::u32().expect("random bytes") % 12_000;
        let port = 20_000 + u16::try_from(random).expect("a port");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Where the logs of a cluster are kept that broke a rule.
pub fn kept_logs() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cluster")
}
