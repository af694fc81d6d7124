//! The storage of one test: its own directory and its own database, which is a file in the directory or
//! a database on the `PostgreSQL` server that `PATIO_TEST_DATABASE` names (see `script/postgres`).

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use patio::chat::files::storage::Storage as Files;
use patio::config::DatabaseUrl;
use patio::db::Db;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::LossyNetwork;

pub struct Storage {
    directory: TempDir,
    /// The name of the database on the `PostgreSQL` server.
    database: Option<String>,
    /// The database of another storage, which also deletes it.
    shared_database: Option<String>,
    /// The flags that put files elsewhere: on the server that `script/s3` runs, in tests on it.
    files: Vec<String>,
}

/// The secret of the server that `script/s3` runs.
pub const BUCKET_SECRET: &str = "lighthouse-tea-41";

/// A saved state of a database.
pub enum Snapshot {
    Database(String),
    File(Vec<u8>),
}

/// The `PostgreSQL` server, if the tests run on one.
static SERVER: LazyLock<Option<PgConnectOptions>> = LazyLock::new(|| {
    let url = std::env::var_os("PATIO_TEST_DATABASE")?;
    Some(url.to_str().expect("text").parse().expect("a URL"))
});

/// The name of an empty, migrated database, created once and copied for each test. It uses the collation
/// of a language, as most servers do, so that a test fails if a result depends on the collation.
async fn template() -> &'static str {
    static MADE: OnceCell<String> = OnceCell::const_new();
    let make = async || {
        let name = format!("patio_{}_template", std::process::id());
        let rules = "template template0 encoding 'UTF8' locale_provider icu icu_locale 'es'";
        administer(format!("create database {name} {rules}")).await;
        open(&name).await.close().await;
        name
    };
    MADE.get_or_init(make).await
}

/// Databases of finished tests. `drop` cannot be async, so the next test deletes them.
static ENDED: Mutex<Vec<String>> = Mutex::new(Vec::new());

async fn administer(statement: String) {
    let server = SERVER.as_ref().expect("a server");
    let mut connection = PgConnection::connect_with(server).await.expect("a connection");
    let done = sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&mut connection).await;
    done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    connection.close().await.expect("closed");
}

async fn open(name: &str) -> Db {
    let url = url_of(name).parse::<DatabaseUrl>().expect("a URL");
    Db::open(Some(&url), "".as_ref()).await.expect("a database")
}

fn url_of(name: &str) -> String {
    let server = SERVER.as_ref().expect("a server").clone();
    server.database(name).to_url_lossy().to_string()
}

impl Storage {
    pub fn is_on_postgres() -> bool {
        SERVER.is_some()
    }

    pub async fn new() -> Self {
        let template = if Self::is_on_postgres() { template().await } else { "" };
        Self::with(&format!("template {template}")).await
    }

    /// Storage in the directory of an earlier server, on `SQLite`.
    pub fn in_directory(directory: TempDir) -> Self {
        Self { directory, database: None, shared_database: None, files: Vec::new() }
    }

    /// The same database and files with another directory.
    pub fn with_directory(&self, directory: TempDir) -> Self {
        let shared_database = Some(self.database_url());
        Self { directory, database: None, shared_database, files: self.files.clone() }
    }

    /// The URL of a new place on the S3 server that the tests run on.
    pub fn bucket() -> Option<String> {
        let url = std::env::var_os("PATIO_TEST_S3")?.into_string().expect("text");
        let random = u64::from_le_bytes(patio::kernel::Random::system().bytes());
        Some(url.replace("/tests?", &format!("/tests/{random}?")))
    }

    /// The flags that put files in a bucket.
    pub fn bucket_flags(url: &str, secret: &str) -> Vec<String> {
        let secret = format!("--aws-secret-access-key={secret}");
        vec![format!("--storage-url={url}"), "--aws-access-key-id=patio".to_owned(), secret]
    }

    /// The flags that connect several Patios over the NATS server that the tests run on, if they do. They need files
    /// that all reach.
    fn bus_flags(directory: &TempDir, name: &str) -> Vec<String> {
        let Some(url) = std::env::var_os("PATIO_TEST_NATS") else { return Vec::new() };
        let url = url.into_string().expect("text");
        let files = directory.path().join("shared");
        std::fs::create_dir(&files).expect("a directory");
        vec![
            format!("--nats-url={url}"),
            format!("--nats-prefix={name}"),
            format!("--storage-url=file://{}?shared=1", files.display()),
        ]
    }

    /// The first part of the subjects of this installation.
    pub fn bus_prefix(&self) -> &str {
        self.database.as_deref().expect("a database on a server")
    }

    /// Whether several Patios of a test are connected.
    pub fn has_bus() -> bool {
        Self::is_on_postgres() && std::env::var_os("PATIO_TEST_NATS").is_some()
    }

    /// The same storage with files elsewhere.
    pub fn with_files(mut self, flags: Vec<String>) -> Self {
        self.files = flags;
        self
    }

    /// Storage without tables. On `PostgreSQL`, `how` is appended to `create database`.
    pub async fn empty(how: &str) -> Self {
        Self::with(&format!("template template0 {how}")).await
    }

    async fn with(how: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let directory = tempfile::tempdir().expect("a directory");
        let files = Self::bucket().map(|url| Self::bucket_flags(&url, BUCKET_SECRET));
        let (shared_database, files) = (None, files.unwrap_or_default());
        if SERVER.is_none() {
            return Self { directory, database: None, shared_database, files };
        }
        let ended = std::mem::take(&mut *ENDED.lock().unwrap_or_else(PoisonError::into_inner));
        for name in ended {
            administer(format!("drop database {name} with (force)")).await;
        }
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("patio_{}_{number}", std::process::id());
        administer(format!("create database {name} {how}")).await;
        let files = if files.is_empty() { Self::bus_flags(&directory, &name) } else { files };
        Self { directory, database: Some(name), shared_database, files }
    }

    pub fn url(&self) -> Option<String> {
        self.database.as_deref().map(url_of)
    }

    /// The bytes of the `SQLite` file; `None` on `PostgreSQL`.
    pub fn database_file(&self) -> Option<Vec<u8>> {
        std::fs::read(self.directory.path().join("patio.db")).ok()
    }

    pub fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// The flags that start a server on this storage.
    pub fn flags(&self) -> Vec<String> {
        let directory = self.directory.path().to_str().expect("a path");
        let directory = format!("--data-dir={directory}");
        // Always given, because the environment may name another database.
        let database = format!("--database-url={}", self.database_url());
        let mut flags = vec![directory, database];
        flags.extend(self.files.iter().cloned());
        flags
    }

    fn database_url(&self) -> String {
        let file = || format!("sqlite:{}", self.directory.path().join("patio.db").display());
        self.shared_database.clone().or_else(|| self.url()).unwrap_or_else(file)
    }

    /// The contents of files in storage.
    pub async fn contents(&self) -> usize {
        let flags = self.flags();
        let flags = std::iter::once("patio").chain(flags.iter().map(String::as_str));
        let config = super::parse(flags);
        let client = patio::outgoing::HttpClient::new();
        let files = Files::configured(&config.storage.files, self.directory.path(), &client);
        let (files, mut count) = (files.expect("a storage"), 0);
        for folder in 0..=u8::MAX {
            count += files.in_folder(folder).await.expect("a list").len();
        }
        count
    }

    /// Opens the database, also while a server uses it.
    pub async fn open(&self) -> Db {
        self.try_open("").await.expect("a database")
    }

    /// Opens the database with more parameters at the end of its URL.
    pub async fn try_open(&self, parameters: &str) -> anyhow::Result<Db> {
        let url = self.url().map(|url| format!("{url}{parameters}").parse::<DatabaseUrl>());
        let url = url.transpose().expect("a URL");
        Db::open(url.as_ref(), self.directory.path()).await
    }

    /// Refuses new connections to the database and closes existing ones, or allows them again.
    pub async fn set_reachable(&self, reachable: bool) {
        let name = self.database.as_ref().expect("on PostgreSQL");
        administer(format!("alter database {name} allow_connections {reachable}")).await;
        if !reachable {
            self.end_connections().await;
        }
    }

    /// The same storage with the database behind a network.
    pub async fn behind_network(mut self) -> (Self, LossyNetwork) {
        let server = SERVER.as_ref().expect("a server");
        let folder = server.get_socket().expect("a socket");
        let network =
            LossyNetwork::before(folder.join(format!(".s.PGSQL.{}", server.get_port()))).await;
        let name = self.database.as_ref().expect("on PostgreSQL");
        let (user, port) = (server.get_username(), network.port);
        self.shared_database =
            Some(format!("postgres://{user}@127.0.0.1:{port}/{name}?sslmode=disable"));
        (self, network)
    }

    /// Makes the database refuse to write, as a standby does, or allows it again. For new connections.
    pub async fn set_read_only(&self, read_only: bool) {
        let name = self.database.as_ref().expect("on PostgreSQL");
        administer(format!(
            "alter database {name} set default_transaction_read_only = {read_only}"
        ))
        .await;
    }

    /// Saves the state of the database, as a dump or a copy of the file does. It must not be in use.
    pub async fn snapshot(&self) -> Snapshot {
        match &self.database {
            Some(name) => {
                administer(format!("drop database if exists {name}_saved")).await;
                administer(format!("create database {name}_saved template {name}")).await;
                Snapshot::Database(format!("{name}_saved"))
            }
            None => Snapshot::File(self.database_file().expect("a file")),
        }
    }

    /// Replaces the database by a saved state.
    pub async fn restore(&self, saved: &Snapshot) {
        match saved {
            Snapshot::Database(saved) => {
                let name = self.database.as_ref().expect("on PostgreSQL");
                administer(format!("drop database {name} with (force)")).await;
                administer(format!("create database {name} template {saved}")).await;
                administer(format!("drop database {saved}")).await;
            }
            Snapshot::File(bytes) => {
                let file = self.directory.path().join("patio.db");
                std::fs::write(file, bytes).expect("written");
            }
        }
    }

    pub async fn end_connections(&self) {
        let name = self.database.as_ref().expect("on PostgreSQL");
        let others = format!("from pg_stat_activity where datname = '{name}'");
        administer(format!("select pg_terminate_backend(pid, 5000) {others}")).await;
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        let ended = self.database.take();
        ENDED.lock().unwrap_or_else(PoisonError::into_inner).extend(ended);
    }
}

/// Runs SQL that differs between the engines.
pub async fn execute(db: &Db, sqlite: &'static str, postgres: &'static str) {
    match db {
        Db::Sqlite { write, .. } => drop(
            sqlx::raw_sql(sqlite)
                .execute(&mut *write.acquire().await.expect("one"))
                .await
                .expect("done"),
        ),
        Db::Postgres(pool) => {
            let mut connection = pool.acquire().await.expect("one");
            sqlx::raw_sql(postgres).execute(&mut *connection).await.expect("done");
        }
    }
}

/// Runs a statement that the database may refuse.
pub async fn try_execute(db: &Db, statement: &'static str) -> Result<(), sqlx::Error> {
    match db {
        Db::Sqlite { write, .. } => {
            sqlx::raw_sql(statement).execute(&mut *write.acquire().await?).await?;
        }
        Db::Postgres(pool) => {
            sqlx::raw_sql(statement).execute(&mut *pool.acquire().await?).await?;
        }
    }
    Ok(())
}

/// The numbers that a query returns.
pub async fn numbers(db: &Db, query: &'static str) -> Vec<i64> {
    match db {
        Db::Sqlite { write, .. } => {
            sqlx::query_scalar(query).fetch_all(&mut *write.acquire().await.expect("one")).await
        }
        Db::Postgres(pool) => {
            sqlx::query_scalar(query).fetch_all(&mut *pool.acquire().await.expect("one")).await
        }
    }
    .expect("numbers")
}
