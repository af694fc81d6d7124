//! Creates a database with any number of messages in the order of their posting, with Patio's migrations,
//! HTML and search terms. It is faster than a server because it uses large transactions and does not
//! wait for the disk.

use std::sync::mpsc::{Receiver, sync_channel};

use anyhow::{Context as _, Result};
use patio::chat::search::model::SearchDocument;
use patio::db::Db;
use patio::kernel::ids::RoomKey;
use patio::kernel::{RoomId, Seq, UserId};
use patio::text::render::{self, Markup};
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection, SqliteConnection};

use crate::corpus::{Rng, Texts, Zipf};
use crate::memberships::{self, ROOMS, USERS};

#[derive(clap::Args)]
pub struct Options {
    /// A data directory to create, or the URL of an empty PostgreSQL database.
    #[arg(long)]
    to: String,
    #[arg(long)]
    messages: u64,
}

/// Messages that are generated and written together.
const BATCH: u64 = 10_000;
const MAKERS: u64 = 2;
/// One message in this many mentions a user.
const MENTIONS: usize = 33;
/// The time of the last message, 2026-10-01. The others precede it at intervals of ten seconds.
const LAST: i64 = 1_790_812_800_000;
const EVERY: i64 = 10_000;

struct Row {
    room_seq_key: i64,
    id: i64,
    author: i64,
    body: String,
    html: String,
    at: i64,
    /// The search terms: text for SQLite, or a `tsvector` for PostgreSQL.
    tokens: String,
    mentioned: Option<i64>,
}

struct Made {
    room: i64,
    author: i64,
    entry: SearchDocument,
    html: String,
    tokens: String,
    mentioned: Option<i64>,
}

pub async fn run(options: &Options) -> Result<Value> {
    let config = memberships::config(&options.to)?;
    let url = config.storage.database().cloned();
    std::fs::create_dir_all(&config.storage.data_dir)?;
    let started = std::time::Instant::now();
    Db::open(url.as_ref(), &config.storage.data_dir).await?.close().await;
    let mut sink = if options.to.starts_with("postgres") {
        let (connection, index) = open_postgres(&options.to).await?;
        Sink::Postgres(connection, index)
    } else {
        Sink::Sqlite(open_sqlite(&config.storage.data_dir.join("patio.db")).await?)
    };
    let postgres = matches!(sink, Sink::Postgres(..));
    sink.users().await?;
    let makers: Vec<_> = (0..MAKERS).map(|first| make(first, options.messages, postgres)).collect();
    let mut seqs = vec![0_i64; usize::try_from(ROOMS)?];
    let (mut id, mut bytes, mut html) = (0_i64, 0_usize, 0_usize);
    let total = i64::try_from(options.messages)?;
    for batch in 0..options.messages.div_ceil(BATCH) {
        let maker = &makers[usize::try_from(batch % MAKERS)?];
        let made = maker.recv().context("a maker ended")?;
        let rows: Vec<Row> = made
            .into_iter()
            .map(|made| {
                id += 1;
                let seq = &mut seqs[usize::try_from(made.room).unwrap_or(0)];
                *seq += 1;
                bytes += made.entry.body.len();
                html += made.html.len();
                Row {
                    room_seq_key: RoomKey::of_seq(memberships::room(made.room), Seq(*seq)).get(),
                    id,
                    author: made.author,
                    body: made.entry.body,
                    html: made.html,
                    at: LAST - (total - id) * EVERY,
                    tokens: made.tokens,
                    mentioned: made.mentioned,
                }
            })
            .collect();
        sink.write(&rows, batch % 5 == 4).await?;
        if batch % 50 == 49 {
            eprintln!("{id} messages, {:.0} s", started.elapsed().as_secs_f64());
        }
    }
    sink.finish(&seqs, id).await?;
    Ok(json!({
        "messages": id,
        "seconds": started.elapsed().as_secs_f64(),
        "body_bytes": bytes as f64 / id.max(1) as f64,
        "html_bytes": html as f64 / id.max(1) as f64,
    }))
}

/// Generates every `MAKERS`-th batch in its own thread.
fn make(first: u64, messages: u64, postgres: bool) -> Receiver<Vec<Made>> {
    let (sender, receiver) = sync_channel(2);
    std::thread::spawn(move || {
        let texts = Texts::default();
        let zipf = Zipf::new(usize::try_from(ROOMS).unwrap_or(1));
        for batch in (first..messages.div_ceil(BATCH)).step_by(usize::try_from(MAKERS).unwrap_or(1))
        {
            let numbers = batch * BATCH..((batch + 1) * BATCH).min(messages);
            let made = numbers.map(|number| one(number, &texts, &zipf, postgres)).collect();
            if sender.send(made).is_err() {
                return;
            }
        }
    });
    receiver
}

fn one(number: u64, texts: &Texts, zipf: &Zipf, postgres: bool) -> Made {
    let mut rng = Rng::new(number ^ 0x5eed_0000_0000);
    let room = i64::try_from(zipf.pick(&mut rng)).unwrap_or(0);
    let author = random_member(room, &mut rng);
    let named = (rng.below(MENTIONS) == 0).then(|| random_member(room, &mut rng));
    let body = match named {
        Some(user) => format!("@{} {}", memberships::name(user), texts.body(number)),
        None => texts.body(number),
    };
    let entry = entry(memberships::room(room), memberships::user(author), body);
    let html = render::render(&entry.body, Markup::Plain, |_, _| named.map(memberships::name));
    let html = render::stored(&html, &entry.body).to_owned();
    let tokens = if postgres { entry.vector() } else { entry.text() };
    let mentioned = named.map(|user| memberships::user(user).0);
    Made { room, author: memberships::user(author).0, entry, html, tokens, mentioned }
}

fn random_member(room: i64, rng: &mut Rng) -> i64 {
    loop {
        let user = i64::try_from(rng.below(1_000)).unwrap_or(0) % USERS;
        if memberships::is_in(user, room) {
            return user;
        }
    }
}

pub fn entry(room: RoomId, author: UserId, body: String) -> SearchDocument {
    SearchDocument { room, author, body, link: false }
}

enum Sink {
    Sqlite(SqliteConnection),
    Postgres(PgConnection, String),
}

async fn open_sqlite(path: &std::path::Path) -> Result<SqliteConnection> {
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off)
        .foreign_keys(false)
        .pragma("cache_size", "-1048576")
        .pragma("temp_store", "memory")
        .pragma("locking_mode", "exclusive")
        .connect()
        .await?;
    sqlx::raw_sql("begin").execute(&mut connection).await?;
    Ok(connection)
}

/// Drops the search index and returns its definition. Creating it at the end is faster.
async fn open_postgres(url: &str) -> Result<(PgConnection, String)> {
    let mut connection = url.parse::<PgConnectOptions>()?.connect().await?;
    let index = sqlx::query_scalar("select pg_get_indexdef('search_tokens'::regclass)")
        .fetch_one(&mut connection)
        .await?;
    sqlx::raw_sql(
        "drop index search_tokens; set synchronous_commit = off; set maintenance_work_mem = '1GB'",
    )
    .execute(&mut connection)
    .await?;
    Ok((connection, index))
}

impl Sink {
    async fn run(&mut self, sql: String) -> Result<()> {
        match self {
            Self::Sqlite(it) => sqlx::raw_sql(AssertSqlSafe(sql)).execute(it).await.map(drop)?,
            Self::Postgres(it, _) => {
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(it).await.map(drop)?
            }
        }
        Ok(())
    }

    async fn users(&mut self) -> Result<()> {
        let users: Vec<String> = (0..USERS)
            .map(|n| {
                let (id, role) = (memberships::user(n).0, if n == 0 { "admin" } else { "member" });
                let name = memberships::name(n);
                format!(
                    "({id}, '{name}', '{name}', '{name}', 'Bench {n}', \
                     'bench{n}@example.org', 'none', '{role}', 0, 1)"
                )
            })
            .collect();
        self.run(format!(
            "insert into users (id, name, folded_name, skeleton, display_name, email,
               password_hash, role, bot, created_at) values {}",
            users.join(",")
        ))
        .await?;
        let blob =
            |hash: Vec<u8>| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let postgres = matches!(self, Self::Postgres(..));
        let tokens: Vec<String> = (0..USERS)
            .map(|n| {
                let hash = blob(memberships::token_hash(n));
                let hash = if postgres { format!("'\\x{hash}'") } else { format!("x'{hash}'") };
                format!("({hash}, {}, 'bench', 1)", memberships::user(n).0)
            })
            .collect();
        self.run(format!(
            "insert into tokens (hash, user_id, label, created_at) values {}",
            tokens.join(",")
        ))
        .await
    }

    async fn write(&mut self, rows: &[Row], commit: bool) -> Result<()> {
        match self {
            Self::Sqlite(connection) => {
                write_sqlite(connection, rows).await?;
                if commit {
                    sqlx::raw_sql("commit; begin").execute(connection).await?;
                }
            }
            Self::Postgres(connection, _) => copy(connection, rows).await?,
        }
        Ok(())
    }

    /// Writes rooms, memberships and counters in their state after all messages.
    async fn finish(&mut self, seqs: &[i64], last: i64) -> Result<()> {
        let rooms: Vec<String> = (0_i64..)
            .zip(seqs)
            .map(|(n, seq)| {
                let kind = if memberships::is_private(n) { "private" } else { "public" };
                let code = if n == 0 { "null".to_owned() } else { format!("'{n:012}'") };
                format!(
                    "({}, 'Room {n}', 'room {n}', '{kind}', {}, {code}, {seq}, {seq}, 1)",
                    memberships::room(n).0,
                    i32::from(n == 0)
                )
            })
            .collect();
        self.run(format!(
            "insert into rooms (id, name, folded_name, visibility, lobby, code, last_seq, rev,
               created_at) values {}",
            rooms.join(",")
        ))
        .await?;
        for user in 0..USERS {
            let places: Vec<String> = (0_i64..)
                .zip(seqs)
                .filter(|(room, _)| memberships::is_in(user, *room))
                .map(|(room, seq)| {
                    format!(
                        "({}, {}, {seq}, 1)",
                        memberships::user(user).0,
                        memberships::room(room).0
                    )
                })
                .collect();
            self.run(format!(
                "insert into memberships (user_id, room_id, last_read_seq, joined_at) values {}",
                places.join(",")
            ))
            .await?;
        }
        let assigned = match self {
            Self::Sqlite(_) => format!("update counters set value = {last} where name = 'message'"),
            Self::Postgres(..) => format!("select setval('message_ids', {last})"),
        };
        self.run(assigned).await?;
        self.run(
            "insert into message_time_ranges
             select id >> 12, min(created_at), max(created_at) + 1 from messages group by 1"
                .to_owned(),
        )
        .await?;
        match self {
            Self::Sqlite(connection) => drop(sqlx::raw_sql("commit").execute(connection).await?),
            Self::Postgres(connection, index) => {
                let end =
                    "select setval(pg_get_serial_sequence('users', 'id'), max(id)) from users;
                    select setval(pg_get_serial_sequence('rooms', 'id'), max(id)) from rooms";
                sqlx::raw_sql(AssertSqlSafe(index.clone())).execute(&mut *connection).await?;
                sqlx::raw_sql(end).execute(&mut *connection).await?;
                sqlx::raw_sql("vacuum analyze").execute(&mut *connection).await?;
                sqlx::raw_sql("checkpoint").execute(connection).await?;
            }
        }
        Ok(())
    }
}

async fn write_sqlite(connection: &mut SqliteConnection, rows: &[Row]) -> Result<()> {
    const AT_ONCE: usize = 200;
    let places = |columns: usize, count: usize| {
        vec![format!("({})", vec!["?"; columns].join(",")); count].join(",")
    };
    for rows in rows.chunks(AT_ONCE) {
        let sql = format!(
            "insert into messages (room_seq_key, room_rev_key, id, author_id, kind, body, html, created_at) values {}",
            vec!["(?,?,?,?,'text',?,?,?)"; rows.len()].join(",")
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for row in rows {
            query = query.bind(row.room_seq_key).bind(row.room_seq_key).bind(row.id).bind(row.author);
            query = query.bind(&row.body).bind(&row.html).bind(row.at);
        }
        query.execute(&mut *connection).await?;
        for row in rows {
            let Some(user) = row.mentioned else { continue };
            let insert = sqlx::query("insert into mentions (user_id, room_seq_key) values (?, ?)");
            insert.bind(user).bind(row.room_seq_key).execute(&mut *connection).await?;
        }
        let sql = format!("insert into search (rowid, tokens) values {}", places(2, rows.len()));
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for row in rows {
            query = query.bind(row.id).bind(&row.tokens);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn copy(connection: &mut PgConnection, rows: &[Row]) -> Result<()> {
    let quoted = |text: &str| {
        text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t")
    };
    let (mut messages, mut search, mut mentions) = (String::new(), String::new(), String::new());
    for Row { room_seq_key, id, author, body, html, at, tokens, mentioned } in rows {
        let (body, html, tokens) = (quoted(body), quoted(html), quoted(tokens));
        messages += &format!("{room_seq_key}\t{room_seq_key}\t{id}\t{author}\ttext\t{body}\t{html}\t{at}\n");
        search += &format!("{id}\t{tokens}\n");
        if let Some(user) = mentioned {
            mentions += &format!("{user}\t{room_seq_key}\n");
        }
    }
    for (into, text) in [
        ("messages (room_seq_key, room_rev_key, id, author_id, kind, body, html, created_at)", messages),
        ("search (id, tokens)", search),
        ("mentions (user_id, room_seq_key)", mentions),
    ] {
        let mut copy = connection.copy_in_raw(&format!("copy {into} from stdin")).await?;
        copy.send(text.into_bytes()).await?;
        copy.finish().await?;
    }
    Ok(())
}
