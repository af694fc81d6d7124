//! Databases of other versions: older ones are copied before a migration, newer ones are refused.

use std::fs;
use std::path::Path;

use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection, SqliteConnection};

use crate::support::command::{failure, later_patio, patio, success};
use crate::support::{Server, Storage, execute, numbers};

async fn open(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    options.connect().await.expect("a database")
}

fn copies(data: &Path) -> Vec<String> {
    let entries = fs::read_dir(data).expect("a folder").map(|entry| entry.expect("an entry"));
    let names = entries.map(|entry| entry.file_name().into_string().expect("text"));
    let mut found: Vec<String> = names.filter(|name| name.contains(".before-")).collect();
    found.sort();
    found
}

/// The number of the last migration.
fn newest() -> i64 {
    sqlx::migrate!("migrations/sqlite").iter().map(|it| it.version).max().expect("a migration")
}

/// A database of this version, with a room.
async fn old(data: &Path) {
    success(&patio(data, &["user", "list"]));
    let mut database = open(&data.join("patio.db")).await;
    sqlx::query(
        "insert into rooms (name, folded_name, visibility, created_at)
         values ('attic', 'attic', 'public', 1)",
    )
    .execute(&mut database)
    .await
    .expect("a room");
    database.close().await.expect("closed");
}

/// The newest migration of a database, and the name of its only room besides the lobby.
async fn state(path: &Path) -> (i64, String) {
    let mut database = open(path).await;
    let found = sqlx::query_as(
        "select (select max(version) from _sqlx_migrations),
                (select name from rooms where lobby = 0)",
    )
    .fetch_one(&mut database)
    .await
    .expect("what was there");
    database.close().await.expect("closed");
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn database_is_copied_only_before_a_migration() {
    let data = tempfile::tempdir().expect("a directory");
    old(data.path()).await;
    // Only the newest of the existing copies stay.
    for number in ["0000", "0000b", "0001"] {
        let name = format!("patio.db.before-{number}");
        fs::write(data.path().join(name), "old").expect("written");
    }
    success(&later_patio(data.path(), &["user", "list"]));
    let new = format!("patio.db.before-{:04}", newest() + 1);
    let copies_left = ["patio.db.before-0000b", "patio.db.before-0001", &new];
    assert_eq!(copies(data.path()), copies_left);
    assert_eq!(state(&data.path().join(copies_left[2])).await, (newest(), "attic".to_owned()));
    assert_eq!(state(&data.path().join("patio.db")).await, (newest() + 1, "attic".to_owned()));
    // Already up to date, so nothing is copied.
    fs::remove_file(data.path().join(copies_left[2])).expect("removed");
    success(&later_patio(data.path(), &["user", "list"]));
    assert_eq!(copies(data.path()), copies_left[..2]);
}

/// A user in a database that has only the first migration.
const OF_THE_FIRST: &str = "
    insert into users (name, folded_name, skeleton, display_name, email, password_hash, role,
                       created_at)
    values ('ana', 'ana', 'ana', 'ana', 'ana@example.test', '', 'admin', 1)";

/// Creates the tables of the first migration only.
async fn make_first(storage: &Storage) {
    let first = |migrator: Migrator| {
        let first = migrator.iter().filter(|migration| migration.version == 20).cloned();
        Migrator::with_migrations(first.collect())
    };
    if let Some(url) = storage.url() {
        let mut database = PgConnection::connect(&url).await.expect("a connection");
        let first = first(sqlx::migrate!("migrations/postgres"));
        first.run(&mut database).await.expect("migrated");
        sqlx::raw_sql(OF_THE_FIRST).execute(&mut database).await.expect("a user");
        let session = "insert into sessions (hash, user_id, created_at, expires_at)
                       values (sha256('x'), 1, 1, 9000000000000)";
        sqlx::raw_sql(session).execute(&mut database).await.expect("a session");
        database.close().await.expect("closed");
    } else {
        let mut database = open(&storage.directory().join("patio.db")).await;
        first(sqlx::migrate!("migrations/sqlite")).run(&mut database).await.expect("migrated");
        sqlx::raw_sql(OF_THE_FIRST).execute(&mut database).await.expect("a user");
        let session = "insert into sessions (hash, user_id, created_at, expires_at)
                       values (randomblob(32), 1, 1, 9000000000000)";
        sqlx::raw_sql(session).execute(&mut database).await.expect("a session");
        database.close().await.expect("closed");
    }
}

#[tokio::test]
async fn database_of_the_first_migration_is_upgraded() {
    let storage = Storage::empty("encoding 'UTF8'").await;
    make_first(&storage).await;
    let server = Server::on_storage(storage).await;
    let db = server.storage().open().await;
    assert_eq!(numbers(&db, "select count(*) from users").await, [1]);
    // Earlier sessions had other ids, and end.
    assert_eq!(numbers(&db, "select count(*) from sessions").await, [0]);
    db.close().await;
    let mut luis = server.browser_as("luis").await;
    assert_eq!(luis.get("/rooms/1").await.path, "/rooms/1");
    let folder = server.data();
    let expected = if Storage::is_on_postgres() { vec![] } else { vec!["patio.db.before-0021"] };
    assert_eq!(copies(folder), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_database_is_not_copied() {
    if Storage::is_on_postgres() {
        return;
    }
    let server = Server::start().await;
    assert_eq!(copies(server.data()), Vec::<String>::new());
}

/// A stopped server whose data directory the command line can use.
async fn at_rest() -> Server {
    let mut server = Server::start().await;
    server.stop().await;
    success(&patio(server.data(), &["user", "list"]));
    server
}

/// A stopped server whose database a later version has migrated.
async fn migrated_later() -> Server {
    let mut server = Server::start().await;
    server.stop().await;
    success(&later_patio(server.storage(), &["user", "list"]));
    server
}

/// During a rolling update servers of both versions run, and one of the older may start again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn database_that_a_newer_version_has_migrated_is_used() {
    let server = migrated_later().await;
    success(&patio(server.storage(), &["user", "list"]));
    success(&later_patio(server.storage(), &["user", "list"]));
    success(&patio(server.storage(), &["user", "list"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn database_that_requires_a_newer_version_is_refused_untouched() {
    let server = migrated_later().await;
    let later = newest() + 1;
    let db = server.storage().open().await;
    let oldest = "insert into settings (name, value)
                  select 'oldest_version', cast(max(version) as text) from _sqlx_migrations where true
                  on conflict (name) do update set value = excluded.value";
    execute(&db, oldest, oldest).await;
    db.close().await;
    success(&later_patio(server.storage(), &["user", "list"]));
    let file = server.data().join("patio.db");
    let before = fs::read(&file).ok();
    let refused = failure(&patio(server.storage(), &["user", "list"]));
    assert!(refused.contains("newer Patio") && refused.contains(&later.to_string()), "{refused}");
    assert!(fs::read(&file).ok() == before);
}

/// The files of a data directory, except the lock and the files that `SQLite` creates for reading.
fn contents(data: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(data).expect("a folder").map(|entry| entry.expect("an entry"));
    let passing = ["patio.lock", "patio.db-wal", "patio.db-shm"];
    let copies_left = entries.filter(|e| passing.iter().all(|name| e.file_name() != *name));
    let files = copies_left.filter(|entry| entry.path().is_file());
    let files = files.map(|entry| {
        let name = entry.file_name().into_string().expect("text");
        (name, fs::read(entry.path()).expect("a file"))
    });
    let mut found: Vec<_> = files.collect();
    found.sort();
    found
}

/// Unusable databases, each with a part of the expected error.
async fn wrong(sound: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let folder = tempfile::tempdir().expect("a directory");
    let path = folder.path().join("foreign.db");
    let mut foreign = open(&path).await;
    let recipes = "create table recipes (id integer primary key); create table rooms (x);";
    sqlx::raw_sql(recipes).execute(&mut foreign).await.expect("changed");
    foreign.close().await.expect("closed");
    let mut headless = sound.to_vec();
    headless[..16].fill(0);
    let mut beginning = sound.to_vec();
    beginning[100..4096].fill(0xff);
    vec![
        ("belongs to another program", fs::read(&path).expect("a file")),
        ("corrupted or not an SQLite", b"once upon a time".repeat(1000)),
        ("corrupted or not an SQLite", headless),
        ("corrupted or not an SQLite", beginning),
        ("corrupted or not an SQLite", sound[..sound.len() / 2].to_vec()),
        ("corrupted or not an SQLite", sound[..1000].to_vec()),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn corrupted_or_foreign_database_is_refused_untouched() {
    if Storage::is_on_postgres() {
        return;
    }
    let server = at_rest().await;
    let path = server.data().join("patio.db");
    let sound = fs::read(&path).expect("a file");
    for (expected, bytes) in wrong(&sound).await {
        fs::write(&path, bytes).expect("written");
        let before = contents(server.data());
        for arguments in [["serve"].as_slice(), &["user", "list"]] {
            let refused = failure(&patio(server.data(), arguments));
            assert!(refused.contains(expected), "{expected}: {refused}");
            assert!(contents(server.data()) == before, "{expected}: {arguments:?} touched it");
        }
    }
    fs::write(&path, &sound).expect("written");
    success(&patio(server.data(), &["user", "list"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backup_of_an_older_version_is_restored_and_migrated() {
    let data = tempfile::tempdir().expect("a directory");
    old(data.path()).await;
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("older.tar");
    let file = file.to_str().expect("a path");
    success(&patio(data.path(), &["backup", file]));
    success(&later_patio(data.path(), &["verify", file]));
    let new = folder.path().join("new");
    success(&later_patio(new.as_path(), &["restore", file]));
    assert_eq!(state(&new.join("patio.db")).await, (newest() + 1, "attic".to_owned()));
    // The database that was backed up is unchanged.
    assert_eq!(state(&data.path().join("patio.db")).await, (newest(), "attic".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_file_from_before_the_first_release_is_refused_untouched() {
    let data = tempfile::tempdir().expect("a directory");
    let path = data.path().join("patio.db");
    let mut older = open(&path).await;
    sqlx::raw_sql(
        "create table _sqlx_migrations (version bigint primary key, description text,
           installed_on timestamp, success boolean, checksum blob, execution_time bigint);
         insert into _sqlx_migrations values (18, 'moderation', 0, true, x'00', 0);
         create table meta (name text primary key, value text);
         create table rooms (id integer primary key);
         create table users (id integer primary key)",
    )
    .execute(&mut older)
    .await
    .expect("tables");
    older.close().await.expect("closed");
    let before = fs::read(&path).expect("a file");
    let archive = data.path().join("x.tar");
    let backup = ["backup", archive.to_str().expect("a path")];
    for arguments in [["serve"].as_slice(), &["user", "list"], &backup] {
        let refused = failure(&patio(data.path(), arguments));
        assert!(refused.contains("before the first release"), "{arguments:?}: {refused}");
    }
    assert!(fs::read(&path).expect("a file") == before);
    assert!(!archive.exists());
}

#[tokio::test]
async fn database_from_before_the_first_release_is_refused() {
    let storage = Storage::new().await;
    let db = storage.open().await;
    let older = "update _sqlx_migrations set version = 3 where version = 20";
    execute(&db, older, older).await;
    db.close().await;
    let error = storage.try_open("").await.err().expect("refused");
    let error = format!("{error:#}");
    assert!(error.contains("before the first release") && error.contains("import"), "{error}");
    assert!(!error.contains('\n'), "one line: {error}");
}
