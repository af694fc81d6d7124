//! A database of another age: older ones are copied before they are changed, newer ones left alone.

use std::fs;
use std::path::Path;

use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::support::command::{complaint, done, patio};
use crate::support::{Server, Storage};

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

/// A database as the first version had it, with a room.
async fn old(data: &Path) {
    let migrations = tempfile::tempdir().expect("a directory");
    let first = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite/0001_start.sql");
    fs::copy(first, migrations.path().join("0001_start.sql")).expect("copied");
    let migrator = Migrator::new(migrations.path()).await.expect("migrations");
    let mut database = open(&data.join("patio.db")).await;
    migrator.run(&mut database).await.expect("migrated");
    sqlx::query("insert into rooms (name, folded_name, visibility, created_at) values ($1, $1, 'public', 1)")
        .bind("attic")
        .execute(&mut database)
        .await
        .expect("a room");
    database.close().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_is_copied_before_it_is_brought_up_to_date_and_only_then() {
    let data = tempfile::tempdir().expect("a directory");
    old(data.path()).await;
    // Of those that are there only the newest stay.
    for number in ["0000", "0000b", "0001"] {
        let name = format!("patio.db.before-{number}");
        fs::write(data.path().join(name), "old").expect("written");
    }
    done(&patio(data.path(), &["user", "list"]));
    let kept = ["patio.db.before-0000b", "patio.db.before-0001", "patio.db.before-0002"];
    assert_eq!(copies(data.path()), kept);
    let mut copy = open(&data.path().join(kept[2])).await;
    let (versions, rooms): (i64, String) = sqlx::query_as(
        "select (select max(version) from _sqlx_migrations), (select name from rooms)",
    )
    .fetch_one(&mut copy)
    .await
    .expect("what was there");
    assert_eq!((versions, rooms.as_str()), (1, "attic"));
    copy.close().await.expect("closed");
    // Up to date: nothing to copy.
    fs::remove_file(data.path().join(kept[2])).expect("removed");
    done(&patio(data.path(), &["user", "list"]));
    assert_eq!(copies(data.path()), kept[..2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_database_is_not_copied() {
    if Storage::is_on_postgres() {
        return;
    }
    let server = Server::start().await;
    assert_eq!(copies(server.data()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_a_newer_patio_used_is_refused_and_not_touched() {
    if Storage::is_on_postgres() {
        return;
    }
    let mut server = Server::start().await;
    server.stop().await;
    done(&patio(server.data(), &["user", "list"]));
    let path = server.data().join("patio.db");
    let mut database = open(&path).await;
    sqlx::raw_sql(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (9999, 'later', 1, x'00', 0)",
    )
    .execute(&mut database)
    .await
    .expect("changed");
    database.close().await.expect("closed");
    let before = fs::read(&path).expect("a file");
    let refused = complaint(&patio(server.data(), &["user", "list"]));
    assert!(refused.contains("newer Patio") && refused.contains("9999"), "{refused}");
    assert!(fs::read(&path).expect("a file") == before);
}
