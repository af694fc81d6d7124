//! A node as it reported itself, how safe `PostgreSQL` keeps what it acknowledged, and what is wrong with either.

use std::time::Duration;

use crate::changefeed::model::ProcessId;
use crate::chat::doorbell::BusState;
use crate::kernel::Timestamp;

/// A clock that is wrong by more milliseconds is worth a warning.
const CLOCK_TOLERANCE: u64 = 1_000;
/// A node reports three times as often.
const SILENCE: Duration = Duration::from_secs(30);
/// A bus that is away for a shorter time is restarted, or about to be reached.
const BUS_TOLERANCE: Duration = Duration::from_mins(1);

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
    /// `None` unless the bus is away.
    pub bus_away_since: Option<Timestamp>,
    /// By how many milliseconds the clock of its machine is behind that of the database.
    pub clock_offset: i64,
    /// How many milliseconds old its last look into the change feed was. An older version does not say it.
    pub look_age: Option<i64>,
    /// How often, in the last hour, polling found messages that the bus should have brought. An older version does not
    /// say it.
    pub repaired: Option<i64>,
}

impl Node {
    /// Whether it should have reported long ago.
    pub fn is_silent(&self, now: Timestamp) -> bool {
        self.seen_at.until(now) > SILENCE
    }

    fn lacks_bus(&self, now: Timestamp) -> bool {
        self.bus == BusState::Away
            && self.bus_away_since.is_none_or(|since| since.until(now) > BUS_TOLERANCE)
    }
}

/// What `PostgreSQL` does so that nothing is lost that it has committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durability {
    /// Whether it waits until what it writes is on disk.
    pub fsync: bool,
    /// What a commit of Patio waits for: the setting of its connections.
    pub synchronous_commit: String,
    pub standby: Standby,
    /// The timeline of the primary, which grows whenever a standby takes over; `None` if it may not be known.
    pub timeline: Option<i64>,
}

impl Durability {
    /// Whether a commit waits for the disk, and for the synchronous standby if there is one. Patio asks for it, but a
    /// pooler between may hand its statements to connections of others.
    fn waits(&self) -> bool {
        matches!(self.synchronous_commit.as_str(), "on" | "remote_apply")
    }
}

/// Whether a commit waits for a second server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standby {
    /// Patio may not see it.
    Unknown,
    /// No: `synchronous_standby_names` is empty.
    None,
    /// It would, but too few of those are connected: it waits for more.
    Missing,
    Synchronous,
}

/// The standbys that are connected, as far as the role of Patio may see them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Standbys {
    pub connected: i64,
    /// How many of them commits wait for.
    pub synchronous: i64,
    /// How many of them say no more to this role than that they are there.
    pub hidden: i64,
}

impl Standby {
    /// `needed`: how many `synchronous_standby_names` asks for. `standbys`: `None` if the role may see none.
    pub fn new(needed: i64, standbys: Option<Standbys>) -> Self {
        match standbys {
            _ if needed == 0 => Self::None,
            Some(Standbys { synchronous, .. }) if synchronous >= needed => Self::Synchronous,
            Some(Standbys { hidden: 0, .. }) => Self::Missing,
            _ => Self::Unknown,
        }
    }
}

/// What administrators should look after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning<'a> {
    /// `PostgreSQL` does not wait for its disk.
    Fsync,
    /// Commits do not wait as Patio asks; `synchronous_commit` is this.
    Commits(&'a str),
    /// No second server has what was acknowledged.
    NoStandby,
    /// Commits wait for standbys that are not connected.
    StandbyMissing,
    /// Nodes run different versions.
    Versions,
    /// The clock of the node's machine is wrong.
    Clock(&'a Node),
    /// The node has no bus, but others have.
    WithoutBus(&'a Node),
    /// The node has not reached the bus for some time.
    BusAway(&'a Node),
    /// The node did not report for some time, and has not said that it ends.
    Silent(&'a Node),
}

/// What is wrong now, the most general first. Of a silent node only that counts.
pub fn warnings<'a>(
    nodes: &'a [Node],
    durability: Option<&'a Durability>,
    now: Timestamp,
) -> Vec<Warning<'a>> {
    let (silent, present): (Vec<_>, Vec<_>) = nodes.iter().partition(|node| node.is_silent(now));
    let mut found = durability.map_or_else(Vec::new, |known| of_database(known, present.len() > 1));
    let versions = present.windows(2).any(|pair| pair[0].version != pair[1].version);
    found.extend(versions.then_some(Warning::Versions));
    let some_have_bus = present.iter().any(|node| node.bus != BusState::Off);
    let mut add = |is_wrong: &dyn Fn(&Node) -> bool, warning: fn(&'a Node) -> Warning<'a>| {
        found.extend(present.iter().filter(|node| is_wrong(node)).map(|node| warning(node)));
    };
    add(&|node| node.clock_offset.unsigned_abs() > CLOCK_TOLERANCE, Warning::Clock);
    add(&|node| some_have_bus && node.bus == BusState::Off, Warning::WithoutBus);
    add(&|node| node.lacks_bus(now), Warning::BusAway);
    found.extend(silent.into_iter().map(Warning::Silent));
    found
}

fn of_database(known: &Durability, are_several: bool) -> Vec<Warning<'_>> {
    let standby = match known.standby {
        Standby::None => are_several.then_some(Warning::NoStandby),
        Standby::Missing => Some(Warning::StandbyMissing),
        Standby::Unknown | Standby::Synchronous => None,
    };
    let commits = (!known.waits()).then_some(Warning::Commits(&known.synchronous_commit));
    (!known.fsync).then_some(Warning::Fsync).into_iter().chain(commits).chain(standby).collect()
}

/// Whether there are several nodes and none has a bus. That is slower, not wrong.
pub fn all_lack_bus(nodes: &[Node], now: Timestamp) -> bool {
    let present = || nodes.iter().filter(|node| !node.is_silent(now));
    present().count() > 1 && present().all(|node| node.bus == BusState::Off)
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
            bus_away_since: None,
            clock_offset: 0,
            look_age: Some(0),
            repaired: Some(0),
        }
    }

    fn away(name: &str, since: Option<i64>) -> Node {
        let bus_away_since = since.map(Timestamp);
        Node { bus: BusState::Away, bus_away_since, ..node(name) }
    }

    fn safe() -> Durability {
        Durability {
            fsync: true,
            synchronous_commit: "on".to_owned(),
            standby: Standby::Synchronous,
            timeline: Some(1),
        }
    }

    #[test]
    fn nodes_that_are_well_give_no_warning() {
        let nodes = [
            node("one"),
            Node { clock_offset: -1_000, ..node("two") },
            Node { seen_at: NOW.minus(SILENCE), ..node("three") },
            away("four", Some(NOW.minus(BUS_TOLERANCE).0)),
        ];
        assert_eq!(warnings(&nodes, Some(&safe()), NOW), []);
        assert_eq!(
            warnings(&nodes[..1], None, NOW.minus(SILENCE)),
            [],
            "a clock that was set back"
        );
    }

    #[test]
    fn each_fault_is_named_with_its_node() {
        let nodes = [
            node("one"),
            Node { version: "1.1.0".to_owned(), ..node("two") },
            Node { clock_offset: -1_001, ..node("three") },
            Node { clock_offset: i64::MIN, ..node("four") },
            Node { bus: BusState::Off, ..node("five") },
            away("six", Some(NOW.minus(BUS_TOLERANCE).0 - 1)),
            away("seven", None),
            Node { seen_at: Timestamp(NOW.0 - 30_001), ..node("eight") },
        ];
        let expected = [
            Warning::Versions,
            Warning::Clock(&nodes[2]),
            Warning::Clock(&nodes[3]),
            Warning::WithoutBus(&nodes[4]),
            Warning::BusAway(&nodes[5]),
            Warning::BusAway(&nodes[6]),
            Warning::Silent(&nodes[7]),
        ];
        assert_eq!(warnings(&nodes, None, NOW), expected);
    }

    #[test]
    fn of_a_silent_node_only_that_counts() {
        let silent = Node {
            seen_at: Timestamp(0),
            version: "0.9.0".to_owned(),
            clock_offset: 5_000,
            bus: BusState::Off,
            ..node("two")
        };
        let nodes = [node("one"), silent];
        let known = Durability { standby: Standby::None, ..safe() };
        assert_eq!(warnings(&nodes, Some(&known), NOW), [Warning::Silent(&nodes[1])]);
    }

    #[test]
    fn what_the_database_may_lose_is_said_before_what_is_wrong_with_nodes() {
        let nodes = [node("one"), Node { bus: BusState::Off, ..node("two") }];
        let commits =
            |setting: &str| Durability { synchronous_commit: setting.to_owned(), ..safe() };
        let standby = |standby| Durability { standby, ..safe() };
        for (known, warning) in [
            (safe(), None),
            (Durability { timeline: None, ..safe() }, None),
            (Durability { fsync: false, ..safe() }, Some(Warning::Fsync)),
            (commits("remote_apply"), None),
            (commits("remote_write"), Some(Warning::Commits("remote_write"))),
            (commits("local"), Some(Warning::Commits("local"))),
            (commits("off"), Some(Warning::Commits("off"))),
            (standby(Standby::Unknown), None),
            (standby(Standby::Missing), Some(Warning::StandbyMissing)),
            (standby(Standby::None), Some(Warning::NoStandby)),
        ] {
            let expected: Vec<_> =
                warning.into_iter().chain([Warning::WithoutBus(&nodes[1])]).collect();
            assert_eq!(warnings(&nodes, Some(&known), NOW), expected);
        }
        let alone = standby(Standby::None);
        assert_eq!(warnings(&nodes[..1], Some(&alone), NOW), [], "one node needs no standby");
    }

    #[test]
    fn a_standby_is_judged_by_what_may_be_seen() {
        let seen =
            |connected, synchronous, hidden| Some(Standbys { connected, synchronous, hidden });
        for (needed, standbys, expected) in [
            (0, None, Standby::None),
            (0, seen(1, 0, 0), Standby::None),
            (1, None, Standby::Unknown),
            (1, seen(1, 0, 1), Standby::Unknown),
            (1, seen(0, 0, 0), Standby::Missing),
            (1, seen(1, 0, 0), Standby::Missing),
            (1, seen(2, 1, 0), Standby::Synchronous),
            (2, seen(1, 1, 0), Standby::Missing),
            (2, seen(3, 2, 0), Standby::Synchronous),
        ] {
            assert_eq!(Standby::new(needed, standbys), expected, "{needed} {standbys:?}");
        }
    }

    #[test]
    fn several_nodes_without_a_bus_are_only_slower() {
        let without = |name| Node { bus: BusState::Off, ..node(name) };
        let silent = Node { seen_at: Timestamp(0), ..without("three") };
        let nodes = [without("one"), without("two"), silent];
        assert_eq!(warnings(&nodes[..2], None, NOW), []);
        assert!(all_lack_bus(&nodes, NOW));
        assert!(!all_lack_bus(&nodes[1..], NOW), "one is not several");
        assert!(!all_lack_bus(&[without("one"), away("two", None)], NOW));
    }
}
