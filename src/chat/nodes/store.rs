//! The SQL of the list of nodes, and of what `PostgreSQL` says about its own safety.

use std::time::Duration;

use super::model::{Durability, Node, Standby, Standbys};
use crate::changefeed::model::ProcessId;
use crate::chat::doorbell::BusState;
use crate::db::{Db, column_type, execute, fetch_all, fetch_one, fetch_scalar};
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
        "insert into nodes
           (process, name, version, started_at, seen_at, connections, users_online, bus, bus_away_since, clock_offset,
            look_age, repaired)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict (process) do update
         set seen_at = excluded.seen_at, connections = excluded.connections,
             users_online = excluded.users_online, bus = excluded.bus, bus_away_since = excluded.bus_away_since,
             clock_offset = excluded.clock_offset, look_age = excluded.look_age, repaired = excluded.repaired",
        node.process,
        &node.name,
        &node.version,
        node.started_at,
        node.seen_at,
        node.connections,
        node.users_online,
        node.bus,
        node.bus_away_since,
        node.clock_offset,
        node.look_age,
        node.repaired,
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
        "select process, name, version, started_at, seen_at, connections, users_online, bus, bus_away_since,
                clock_offset, look_age, repaired
         from nodes order by seen_at desc limit $1",
        NODES_LISTED,
    )
}

/// What `PostgreSQL` says about its own safety. It cannot be asked of `SQLite`.
pub(super) async fn durability(db: &Db) -> Result<Durability, sqlx::Error> {
    // `FIRST 2 (a, b)`, `ANY 2 (a, b)` and `2 (a, b)` wait for two, `a, b` waits for one.
    let (fsync, synchronous_commit, needed): (bool, String, i64) = fetch_one!(
        db,
        "select current_setting('fsync') = 'on', current_setting('synchronous_commit'),
                case when names = '' then 0
                else coalesce(cast(substring(lower(names) from '^\\s*(?:first|any)?\\s*([0-9]+)\\s*[(]') as bigint), 1) end
         from current_setting('synchronous_standby_names') names",
    )?;
    let standbys: Option<Standbys> = unless_refused(fetch_one!(
        db,
        "select count(*) as connected,
                count(*) filter (where sync_state in ('sync', 'quorum')) as synchronous,
                count(*) filter (where sync_state is null) as hidden
         from pg_stat_replication",
    ))?;
    // The first eight digits of the name of a segment. The control file learns of a new timeline later.
    let timeline: Option<Option<i64>> = unless_refused(fetch_scalar!(
        db,
        "select case when not pg_is_in_recovery()
           then ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint end",
    ))?;
    let standby = Standby::new(needed, standbys);
    Ok(Durability { fsync, synchronous_commit, standby, timeline: timeline.flatten() })
}

/// `None` if the server does not answer this to the role, or at all: some services are only like `PostgreSQL`.
fn unless_refused<T>(answer: Result<T, sqlx::Error>) -> Result<Option<T>, sqlx::Error> {
    match answer {
        Err(sqlx::Error::Database(error)) => {
            tracing::debug!(%error, "PostgreSQL does not say how safe it is");
            Ok(None)
        }
        answer => answer.map(Some),
    }
}
