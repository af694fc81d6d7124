//! The baseline for Patio's writer: the same rows and search terms for each message, prepared statements,
//! a pool of connections, and one commit per message. The straightforward implementation.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use patio::kernel::ids::{Rev, RoomKey, Seq};
use patio::text::render::{self, Markup};
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, SqlitePool};

use crate::corpus::Texts;
use crate::ingest::{BODIES, nonce};
use crate::{Load, fill, memberships, used};

#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    load: Load,
    #[arg(long, default_value_t = 8)]
    connections: u32,
}

enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Stores one message with everything that belongs to it in its own transaction. Both engines use the same
/// code except for the start of the transaction and the search index.
macro_rules! store {
    ($pool:expr, $begin:literal, $search:literal, $body:expr, $n:expr, $tokens:ident) => {{
        let (author, room) = (memberships::user($n % 64), memberships::room($n % 50));
        let html = render::render($body, Markup::Markdown, render::no_mentions);
        let mut transaction = $pool.begin_with($begin).await?;
        let (id,): (i64,) = sqlx::query_as(
            "update counters set value = value + 1 where name = 'message' returning value",
        )
        .fetch_one(&mut *transaction)
        .await?;
        let (seq, rev): (i64, i64) = sqlx::query_as(
            "update rooms set last_seq = last_seq + 1, rev = rev + 1 where id = $1
             returning last_seq, rev",
        )
        .bind(room.0)
        .fetch_one(&mut *transaction)
        .await?;
        sqlx::query(
            "insert into messages (room_seq_key, room_rev_key, id, author_id, kind, body, html, markup, created_at)
             values ($1, $2, $3, $4, 'text', $5, $6, 1, $7)",
        )
        .bind(RoomKey::of_seq(room, Seq(seq)).get())
        .bind(RoomKey::of_rev(room, Rev(rev)).get())
        .bind(id)
        .bind(author.0)
        .bind($body)
        .bind(render::stored(&html, $body))
        .bind(1_795_000_000_000_i64)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("insert into idempotency_keys (nonce, author_id, message_id) values ($1, $2, $3)")
            .bind(nonce($n.unsigned_abs()))
            .bind(author.0)
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "update memberships set last_read_seq = $1 where user_id = $2 and room_id = $3",
        )
        .bind(seq)
        .bind(author.0)
        .bind(room.0)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "insert into message_time_ranges (id_range, oldest, newest) values ($1, $2, $2 + 1)
             on conflict (id_range) do update set newest = excluded.newest
             where excluded.newest > message_time_ranges.newest",
        )
        .bind(id >> 12)
        .bind(1_795_000_000_000_i64)
        .execute(&mut *transaction)
        .await?;
        let entry = fill::entry(room, author, $body.to_owned());
        sqlx::query($search).bind(id).bind(entry.$tokens()).execute(&mut *transaction).await?;
        transaction.commit().await?;
    }};
}

impl Pool {
    async fn open(options: &Options) -> Result<Self> {
        let (to, connections) = (&options.load.to, options.connections);
        if to.starts_with("postgres") {
            let options = to.parse::<PgConnectOptions>()?;
            let pool = PgPoolOptions::new().max_connections(connections);
            return Ok(Self::Postgres(pool.connect_with(options).await?));
        }
        let file = SqliteConnectOptions::new()
            .filename(std::path::Path::new(to).join("patio.db"))
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_mins(1));
        let pool = SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_mins(1));
        Ok(Self::Sqlite(pool.connect_with(file).await?))
    }

    async fn store(&self, body: &str, n: i64) -> Result<()> {
        match self {
            Self::Sqlite(pool) => store!(
                pool,
                "begin immediate",
                "insert into search (rowid, tokens) values ($1, $2)",
                body,
                n,
                text
            ),
            Self::Postgres(pool) => store!(
                pool,
                "begin",
                "insert into search (id, tokens) values ($1, $2::tsvector)",
                body,
                n,
                vector
            ),
        }
        Ok(())
    }
}

pub async fn run(options: &Options) -> Result<Value> {
    let pool = Arc::new(Pool::open(options).await?);
    let texts = Texts::default();
    let bodies: Arc<Vec<String>> = Arc::new((0..BODIES).map(|n| texts.body(n)).collect());
    let number = Arc::new(AtomicI64::new(0));
    let (started, before) = (Instant::now(), used());
    let end = started + Duration::from_secs_f64(options.load.seconds);
    let mut tasks = Vec::new();
    for _ in 0..options.load.concurrency {
        let (pool, bodies, number) = (pool.clone(), bodies.clone(), number.clone());
        tasks.push(tokio::spawn(async move {
            let mut stored = 0_u64;
            while Instant::now() < end {
                let n = number.fetch_add(1, Ordering::Relaxed);
                let body = &bodies[usize::try_from(n)? % bodies.len()];
                pool.store(body, n).await?;
                stored += 1;
            }
            Ok::<_, anyhow::Error>(stored)
        }));
    }
    let mut stored = 0;
    for task in tasks {
        stored += task.await??;
    }
    let (seconds, cpu) = (started.elapsed().as_secs_f64(), used() - before);
    Ok(json!({
        "stored": stored,
        "per_second": stored as f64 / seconds,
        "cpu_us": cpu * 1e6 / stored.max(1) as f64,
    }))
}
