//! The SQL of the list of nodes.

use std::time::Duration;

use super::model::Node;
use crate::changefeed::model::ProcessId;
use crate::chat::doorbell::BusState;
use crate::db::{Db, column_type, execute, fetch_all};
use crate::limits::installation::NODES_LISTED;

/// How long a node is listed that was not seen.
const KEPT: Duration = Duration::from_hours(24);
/// How long it is listed beside one that has its name: most likely that is the same node, started again.
const KEPT_BESIDE_NAMESAKE: Duration = Duration::from_mins(1);

column_type!(ProcessId as i64, |process| process.0, |process| Ok(Self(process)));
column_type!(BusState as String, |state| state.as_str().to_owned(), |text| {
    Self::parse(&text).ok_or_else(|| format!("unknown state of the bus: {text}").into())
});

/// Writes the row of a node, and deletes those of nodes that are gone.
pub(super) async fn write(db: &Db, node: &Node) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    execute!(
        transaction,
        "insert into nodes (process, name, version, started_at, seen_at, connections, users_online, bus, clock_offset)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (process) do update
         set seen_at = excluded.seen_at, connections = excluded.connections,
             users_online = excluded.users_online, bus = excluded.bus, clock_offset = excluded.clock_offset",
        node.process,
        &node.name,
        &node.version,
        node.started_at,
        node.seen_at,
        node.connections,
        node.users_online,
        node.bus,
        node.clock_offset,
    )?;
    execute!(
        transaction,
        "delete from nodes where process <> $1 and (seen_at < $2 or (name = $3 and seen_at < $4))",
        node.process,
        node.seen_at.minus(KEPT),
        &node.name,
        node.seen_at.minus(KEPT_BESIDE_NAMESAKE),
    )?;
    transaction.commit().await
}

/// Removes a node that ends.
pub(super) async fn remove(db: &Db, process: ProcessId) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    execute!(transaction, "delete from nodes where process = $1", process)?;
    transaction.commit().await
}

/// The nodes that were seen last.
pub(super) async fn list(db: &Db) -> Result<Vec<Node>, sqlx::Error> {
    fetch_all!(
        db,
        "select process, name, version, started_at, seen_at, connections, users_online, bus, clock_offset
         from nodes order by seen_at desc limit $1",
        NODES_LISTED,
    )
}
