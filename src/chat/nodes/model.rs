//! A node as it reported itself, and what is wrong among the nodes of an installation.

use std::time::Duration;

use crate::changefeed::model::ProcessId;
use crate::chat::doorbell::BusState;
use crate::kernel::Timestamp;

/// A clock that is wrong by more milliseconds is worth a warning.
const CLOCK_TOLERANCE: u64 = 1_000;
/// A node reports three times as often.
const SILENCE: Duration = Duration::from_secs(30);

/// One of the processes of the installation.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Node {
    pub process: ProcessId,
    pub name: String,
    pub version: String,
    pub started_at: Timestamp,
    pub seen_at: Timestamp,
    pub connections: i64,
    /// Users who are online at this node.
    pub users_online: i64,
    pub bus: BusState,
    /// By how many milliseconds the clock of its machine is behind that of the database.
    pub clock_offset: i64,
}

impl Node {
    /// Whether it should have reported long ago.
    pub fn is_silent(&self, now: Timestamp) -> bool {
        self.seen_at.until(now) > SILENCE
    }
}

/// What administrators should look after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning<'a> {
    /// Nodes run different versions.
    Versions,
    /// The clock of the node's machine is wrong.
    Clock(&'a Node),
    /// The node cannot reach the bus.
    BusAway(&'a Node),
    /// The node did not report for some time, and has not said that it ends.
    Silent(&'a Node),
}

/// What is wrong now, the most general first. Of a silent node only that counts.
pub fn warnings(nodes: &[Node], now: Timestamp) -> Vec<Warning<'_>> {
    let (silent, present): (Vec<_>, Vec<_>) = nodes.iter().partition(|node| node.is_silent(now));
    let versions = present.windows(2).any(|pair| pair[0].version != pair[1].version);
    let clocks = present.iter().filter(|node| node.clock_offset.unsigned_abs() > CLOCK_TOLERANCE);
    let away = present.iter().filter(|node| node.bus == BusState::Away);
    versions
        .then_some(Warning::Versions)
        .into_iter()
        .chain(clocks.map(|node| Warning::Clock(node)))
        .chain(away.map(|node| Warning::BusAway(node)))
        .chain(silent.iter().map(|node| Warning::Silent(node)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn node(name: &str) -> Node {
        Node {
            process: ProcessId(1),
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            started_at: Timestamp(0),
            seen_at: NOW,
            connections: 0,
            users_online: 0,
            bus: BusState::Connected,
            clock_offset: 0,
        }
    }

    #[test]
    fn nodes_that_are_well_give_no_warning() {
        let nodes = [
            node("one"),
            Node { clock_offset: -1_000, bus: BusState::Off, ..node("two") },
            Node { seen_at: NOW.minus(SILENCE), ..node("three") },
        ];
        assert_eq!(warnings(&nodes, NOW), []);
        assert_eq!(warnings(&nodes[..1], NOW.minus(SILENCE)), [], "a clock that was set back");
    }

    #[test]
    fn each_fault_is_named_with_its_node() {
        let nodes = [
            node("one"),
            Node { version: "1.1.0".to_owned(), ..node("two") },
            Node { clock_offset: -1_001, ..node("three") },
            Node { clock_offset: i64::MIN, ..node("four") },
            Node { bus: BusState::Away, ..node("five") },
            Node { seen_at: Timestamp(NOW.0 - 30_001), ..node("six") },
        ];
        let expected = [
            Warning::Versions,
            Warning::Clock(&nodes[2]),
            Warning::Clock(&nodes[3]),
            Warning::BusAway(&nodes[4]),
            Warning::Silent(&nodes[5]),
        ];
        assert_eq!(warnings(&nodes, NOW), expected);
    }

    #[test]
    fn of_a_silent_node_only_that_counts() {
        let silent = Node {
            seen_at: Timestamp(0),
            version: "0.9.0".to_owned(),
            clock_offset: 5_000,
            bus: BusState::Away,
            ..node("two")
        };
        let nodes = [node("one"), silent];
        assert_eq!(warnings(&nodes, NOW), [Warning::Silent(&nodes[1])]);
    }
}
