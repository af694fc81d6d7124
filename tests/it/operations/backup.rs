//! Backups: made under writes, verified and restored, and refused if anything in them is wrong. They
//! exist for `SQLite` only; on `PostgreSQL` each test returns immediately.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::Connection;
use sqlx::sqlite::SqliteConnectOptions;
use tar::{EntryType, Header};
use tempfile::TempDir;

use crate::support::command::{failure, patio, success, text};
use crate::support::{Api, Process, Server, Storage};

/// All messages of a room, read over the API.
async fn history(api: &Api, room: i64) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    loop {
        let after = found.last().map_or(0, |message| message["seq"].as_i64().expect("a number"));
        let path = format!("/rooms/{room}/messages?limit=100&after={after}");
        let page = api.get(&path).await["items"].as_array().expect("messages").clone();
        if page.is_empty() {
            return found;
        }
        assert!(page[0]["seq"].as_i64() > Some(after), "each page starts after the last one");
        found.extend(page);
    }
}

/// A server with a few messages, and a backup of it.
async fn backed_up() -> (Server, Api, TempDir, std::path::PathBuf) {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    for n in 1..=3 {
        ana.say(&format!("number {n}")).await;
    }
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("patio.tar");
    success(&patio(server.data(), &["backup", text(&file)]));
    (server, ana, folder, file)
}

/// All files in a folder except the lock file.
fn listing(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    let name = |entry: &fs::DirEntry| entry.file_name().into_string().expect("text");
    let files = entries.filter(|entry| entry.file_name() != "patio.lock" && entry.path().is_file());
    files.map(|entry| (name(&entry), fs::read(entry.path()).expect("a file"))).collect()
}

async fn epoch(data: &Path) -> String {
    use sqlx::ConnectOptions;
    let options = SqliteConnectOptions::new().filename(data.join("patio.db"));
    let mut connection = options.connect().await.expect("a database");
    let epoch = sqlx::query_scalar("select value from settings where name = 'epoch'")
        .fetch_one(&mut connection)
        .await
        .expect("an epoch");
    connection.close().await.expect("closed");
    epoch
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backup_under_writes_is_a_consistent_snapshot() {
    if Storage::is_on_postgres() {
        return;
    }
    let server = Server::start().await;
    let ana = server.api("ana").await;
    for n in 0..20 {
        ana.say(&format!("before {n}")).await;
    }
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("patio.tar");
    let (data, target) = (server.data().to_owned(), file.clone());
    let finished = Cell::new(false);
    let posting = async {
        let mut posted = 20;
        while !finished.get() {
            ana.say(&format!("during {posted}")).await;
            posted += 1;
        }
        posted
    };
    let making = async {
        let made =
            tokio::task::spawn_blocking(move || patio(data.as_path(), &["backup", text(&target)]));
        let made = made.await.expect("it ran");
        finished.set(true);
        made
    };
    let (posted, made) = tokio::join!(posting, making);
    assert!(success(&made).contains("1 users, 1 rooms"), "{made:?}");
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing is left over");
    let proved = success(&patio(folder.path(), &["verify", text(&file)]));
    assert!(proved.contains("It can be restored"), "{proved}");

    let before = epoch(server.data()).await;
    let mut other = Server::start().await;
    other.stop().await;
    success(&patio(other.data(), &["restore", "--force", text(&file)]));
    assert_ne!(epoch(other.data()).await, before);
    let other = other.restart().await;
    // The sessions in the backup are valid again.
    let ana_there = ana.through(&other);
    let (all, kept) = (history(&ana, 1).await, history(&ana_there, 1).await);
    assert_eq!(all.len(), posted);
    assert!((20..=posted).contains(&kept.len()), "{} of {posted}", kept.len());
    assert_eq!(kept, all.iter().take(kept.len()).cloned().collect::<Vec<_>>());
    let next = ana_there.say("after").await;
    assert_eq!(next["seq"], kept.len() + 1);
}

#[tokio::test]
async fn backup_has_the_files_of_messages() {
    // Where the files are elsewhere, `files/moving.rs` tests it.
    if Storage::is_on_postgres() || Storage::bucket().is_some() {
        return;
    }
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let file = ana.upload("/files", &[], ("file", b"hola")).await;
    let file: Value = file.json().await.expect("JSON");
    let message = json!({"body": "", "files": [file["id"]]});
    let message = ana.post("/rooms/1/messages", message).await;
    let folder = tempfile::tempdir().expect("a directory");
    let (archive, data) = (folder.path().join("patio.tar"), folder.path().join("data"));
    success(&patio(server.data(), &["backup", text(&archive)]));
    success(&patio(data.as_path(), &["restore", text(&archive)]));
    let restored = Process::start(&data, &[]);
    let ana = restored.api("ana").await;
    let url = message["attachments"][0]["url"].as_str().expect("an address");
    let read = reqwest::Client::new().get(format!("{}{url}", restored.origin()));
    let read = read.bearer_auth(ana.token()).send().await.expect("an answer");
    assert_eq!(read.text().await.expect("a body"), "hola");
    // Without its content it is no backup.
    let contents: Vec<_> = fs::read_dir(server.data().join("files")).expect("a folder").collect();
    fs::remove_dir_all(contents[0].as_ref().expect("an entry").path()).expect("removed");
    failure(&patio(server.data(), &["backup", "--force", text(&archive)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restore_can_revoke_all_sessions() {
    if Storage::is_on_postgres() {
        return;
    }
    let (_server, ana, _folder, file) = backed_up().await;
    let mut other = Server::start().await;
    other.stop().await;
    success(&patio(other.data(), &["restore", "--force", "--logout-all", text(&file)]));
    let other = other.restart().await;
    let mut there = ana.through(&other);
    assert_eq!(there.refused(Method::GET, "/rooms", None).await.status, 401);
    there.sign_in("ana").await;
    assert_eq!(history(&there, 1).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn existing_file_is_replaced_only_with_force() {
    if Storage::is_on_postgres() {
        return;
    }
    let (server, _ana, folder, file) = backed_up().await;
    fs::write(&file, "mine").expect("written");
    let refused = failure(&patio(server.data(), &["backup", text(&file)]));
    assert!(refused.contains("--force"), "{refused}");
    assert_eq!(fs::read(&file).expect("a file"), b"mine");
    success(&patio(server.data(), &["backup", "--force", text(&file)]));
    success(&patio(folder.path(), &["verify", text(&file)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backup_can_be_written_to_standard_output() {
    if Storage::is_on_postgres() {
        return;
    }
    let (server, _ana, folder, _file) = backed_up().await;
    let streamed = patio(server.data(), &["backup", "-"]);
    let file = folder.path().join("streamed.tar");
    fs::write(&file, &streamed.stdout).expect("written");
    let proved = success(&patio(folder.path(), &["verify", text(&file)]));
    assert!(proved.contains("3 messages"), "{proved}");
}

#[test]
fn backup_of_an_empty_directory_fails() {
    let folder = tempfile::tempdir().expect("a directory");
    let data = folder.path().join("none");
    let refused = failure(&patio(data.as_path(), &["backup", "x.tar"]));
    assert!(refused.contains("there is no database"), "{refused}");
    assert!(!data.exists());
}

#[test]
fn on_postgresql_backup_names_the_tool_to_use_instead() {
    let folder = tempfile::tempdir().expect("a directory");
    let (file, elsewhere) =
        (folder.path().join("x.tar"), "--database-url=postgres://x@127.0.0.1:1/x");
    let refused = failure(&patio(folder.path(), &["backup", text(&file), elsewhere]));
    assert!(refused.contains("pg_dump") && refused.contains("export --full"), "{refused}");
    assert!(!file.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restore_refuses_used_directories_and_full_ones_need_force() {
    if Storage::is_on_postgres() {
        return;
    }
    let (mut server, _ana, _folder, file) = backed_up().await;
    for arguments in [["restore", text(&file)].as_slice(), &["restore", "--force", text(&file)]] {
        let refused = failure(&patio(server.data(), arguments));
        assert!(refused.contains("is in use"), "{refused}");
    }
    server.stop().await;
    let before = listing(server.data());
    let refused = failure(&patio(server.data(), &["restore", text(&file)]));
    assert!(refused.contains("is not empty"), "{refused}");
    assert_eq!(listing(server.data()), before);
    fs::write(server.data().join("notes.txt"), "mine").expect("written");
    success(&patio(server.data(), &["restore", "--force", text(&file)]));
    let after = listing(server.data());
    assert_eq!(after.keys().collect::<Vec<_>>(), ["notes.txt", "patio.db"]);

    let folder = tempfile::tempdir().expect("a directory");
    let fresh = folder.path().join("new");
    success(&patio(fresh.as_path(), &["restore", text(&file)]));
    assert_eq!(listing(&fresh).keys().collect::<Vec<_>>(), ["patio.db"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_refuses_to_start_after_an_incomplete_restore() {
    if Storage::is_on_postgres() {
        return;
    }
    let (mut server, _ana, _folder, file) = backed_up().await;
    server.stop().await;
    fs::create_dir(server.data().join(".replaced")).expect("made");
    let refused = failure(&patio(server.data(), &["user", "list"]));
    assert!(refused.contains("was interrupted"), "{refused}");
    success(&patio(server.data(), &["restore", "--force", text(&file)]));
    success(&patio(server.data(), &["user", "list"]));
}

/// The entries of an archive.
struct Parts {
    manifest: Value,
    entries: Vec<(String, EntryType, Vec<u8>)>,
}

impl Parts {
    fn of(archive: &[u8]) -> Self {
        let mut read = tar::Archive::new(archive);
        let mut files = Vec::new();
        for entry in read.entries().expect("entries") {
            let mut entry = entry.expect("an entry");
            let name = text(&entry.path().expect("a path")).to_owned();
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut content).expect("content");
            files.push((name, EntryType::Regular, content));
        }
        let manifest = serde_json::from_slice(&files.remove(0).2).expect("JSON");
        Self { manifest, entries: files }
    }

    fn written(&self) -> Vec<u8> {
        let manifest = serde_json::to_vec(&self.manifest).expect("JSON");
        let first = ("manifest.json".to_owned(), EntryType::Regular, manifest);
        let mut builder = tar::Builder::new(Vec::new());
        for (name, kind, content) in std::iter::once(&first).chain(&self.entries) {
            let mut header = Header::new_gnu();
            // Written directly, because `set_path` refuses the unsafe paths that these tests need.
            let entry_name = &mut header.as_old_mut().name;
            entry_name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(content.len() as u64);
            header.set_cksum();
            builder.append(&header, content.as_slice()).expect("written");
        }
        builder.into_inner().expect("written")
    }

    /// The same archive with another database and a manifest that matches it.
    async fn with_database(mut self, change: &'static str) -> Self {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("x.db");
        fs::write(&path, &self.entries[0].2).expect("written");
        let mut connection = sqlx::SqliteConnection::connect(text(&path)).await.expect("opened");
        sqlx::raw_sql(change).execute(&mut connection).await.expect("changed");
        connection.close().await.expect("closed");
        self.entries[0].2 = fs::read(&path).expect("read");
        self.sign();
        self
    }

    fn sign(&mut self) {
        let (name, _, content) = &self.entries[0];
        let hash = Sha256::digest(content)
            .iter()
            .fold(String::new(), |hash, byte| hash + &format!("{byte:02x}"));
        self.manifest["entries"][0] = json!({"path": name, "bytes": content.len(), "sha256": hash});
    }
}

type Wrong = Vec<(&'static str, Vec<u8>)>;

fn with(sound: &[u8], change: impl FnOnce(&mut Parts)) -> Vec<u8> {
    let mut parts = Parts::of(sound);
    change(&mut parts);
    parts.written()
}

/// Corrupted or foreign archives, each with a part of the expected error.
fn corrupted(sound: &[u8]) -> Wrong {
    let mut flipped = sound.to_vec();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let mut foreign = tar::Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_size(2);
    foreign.append_data(&mut header, "notes.txt", b"hi".as_slice()).expect("written");
    let newer = json!({"format": 2, "patio": "9.9", "files": []});
    vec![
        ("not a Patio backup", Vec::new()),
        ("not a Patio backup", b"not a tar at all".repeat(100)),
        ("not a Patio backup", foreign.into_inner().expect("written")),
        ("truncated", sound[..middle].to_vec()),
        ("truncated", sound[..4096].to_vec()),
        ("truncated", with(sound, |parts| parts.entries.clear())),
        ("SHA-256 is wrong", flipped),
        ("newer Patio (9.9)", with(sound, |parts| parts.manifest = newer)),
        (
            "created by Patio 9.9: it was migrated by a newer Patio",
            with(sound, |parts| {
                parts.manifest["patio"] = json!("9.9");
                parts.manifest["migrations"] = json!([20, 999]);
            }),
        ),
        (
            "before the first release",
            with(sound, |parts| parts.manifest["migrations"] = json!([1, 2])),
        ),
        ("manifest is corrupted", with(sound, |parts| parts.manifest = json!({"format": 1}))),
    ]
}

/// Archives with invalid entries.
fn with_invalid_entries(sound: &[u8]) -> Wrong {
    let named = |name: &str| {
        with(sound, |parts| {
            name.clone_into(&mut parts.entries[0].0);
            parts.sign();
        })
    };
    let more = ("uploads/x".to_owned(), EntryType::Regular, b"x".to_vec());
    let one = json!(1);
    let astray = |parts: &mut Parts| "../patio.db".clone_into(&mut parts.entries[0].0);
    vec![
        ("more than its manifest", with(sound, |parts| parts.entries.push(more))),
        ("a path that no backup has", named("../patio.db")),
        ("a path that no backup has", named("/tmp/patio.db")),
        ("unexpected entry before", with(sound, astray)),
        ("not a regular file", with(sound, |parts| parts.entries[0].1 = EntryType::Symlink)),
        ("not a regular file", with(sound, |parts| parts.entries[0].1 = EntryType::GNUSparse)),
        (
            "shorter than its manifest says",
            with(sound, |parts| parts.manifest["entries"][0]["bytes"] = json!(1_u64 << 50)),
        ),
        (
            "differs from the manifest",
            with(sound, |parts| parts.manifest["entries"][0]["bytes"] = one),
        ),
        (
            "twice",
            with(sound, |parts| {
                let entry = parts.manifest["entries"][0].clone();
                parts.manifest["entries"] = json!([entry, entry]);
                parts.entries[0].2 = parts.entries[0].2.repeat(2);
            }),
        ),
    ]
}

/// Marks the database as one of another program.
const FOREIGN: &str =
    "pragma foreign_keys = off; pragma writable_schema = on; delete from sqlite_schema;
    pragma writable_schema = reset; vacuum; create table recipes (id integer primary key)";

async fn with_object(sound: &[u8], statement: &'static str) -> Vec<u8> {
    Parts::of(sound).with_database(statement).await.written()
}

/// Archives in which only the database is invalid.
async fn with_invalid_database(sound: &[u8]) -> Wrong {
    let gap =
        "update messages set room_seq_key = room_seq_key + 1 where room_seq_key = (1 << 32) + 3";
    let late = "update rooms set rev = 2 where id = 1";
    let orphaned = "pragma foreign_keys = off; delete from users";
    let mut orphans = Parts::of(sound).with_database(orphaned).await;
    orphans.manifest["rows"]["users"] = json!(0);
    let mut foreign = Parts::of(sound).with_database(FOREIGN).await;
    foreign.manifest["rows"] = json!({"recipes": 0});
    vec![
        ("Patio database", foreign.written()),
        (
            "row counts",
            with(sound, |parts| parts.manifest["rows"] = json!({"_sqlx_migrations": 1})),
        ),
        (
            "does not contain a database",
            with(sound, |parts| {
                parts.entries[0].2 = b"no database".repeat(1000);
                parts.sign();
            }),
        ),
        ("not numbered 1, 2, 3", Parts::of(sound).with_database(gap).await.written()),
        ("changes after its rev", Parts::of(sound).with_database(late).await.written()),
        ("refer to rows that do not exist", orphans.written()),
        (
            "no Patio has the trigger evil",
            with_object(
                sound,
                "create trigger evil after insert on messages begin delete from users; end",
            )
            .await,
        ),
        (
            "no Patio has the trigger audit_is_not_updated",
            with_object(
                sound,
                "drop trigger audit_is_not_updated; create trigger audit_is_not_updated
                 before update on audit begin delete from audit; end",
            )
            .await,
        ),
        (
            "no Patio has the view evil",
            with_object(sound, "create view evil as select password from users").await,
        ),
        ("no Patio has the table evil", with_object(sound, "create table evil (x)").await),
        (
            "no Patio has the index evil",
            with_object(sound, "create index evil on users (id)").await,
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_backup_is_refused_and_nothing_is_changed() {
    if Storage::is_on_postgres() {
        return;
    }
    let (mut server, _ana, folder, file) = backed_up().await;
    server.stop().await;
    let sound = fs::read(&file).expect("an archive");
    assert_eq!(Parts::of(&Parts::of(&sound).written()).manifest, Parts::of(&sound).manifest);
    let rewritten = folder.path().join("rewritten.tar");
    fs::write(&rewritten, Parts::of(&sound).written()).expect("written");
    success(&patio(folder.path(), &["verify", text(&rewritten)]));

    let before = listing(server.data());
    let wrong =
        [corrupted(&sound), with_invalid_entries(&sound), with_invalid_database(&sound).await]
            .concat();
    for (word, archive) in wrong {
        fs::write(&rewritten, archive).expect("written");
        for arguments in [["verify"].as_slice(), &["restore", "--force"]] {
            let arguments = [arguments, &[text(&rewritten)]].concat();
            let refused = failure(&patio(server.data(), &arguments));
            assert!(refused.contains(word), "{word}: {refused}");
            assert_eq!(listing(server.data()), before, "{word}");
        }
    }
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn html_planted_in_a_backup_is_never_shown() {
    if Storage::is_on_postgres() {
        return;
    }
    let server = Server::start().await;
    let (ana, _luis) = (server.api("ana").await, server.api("luis").await);
    ana.say("plain").await;
    ana.say("for @luis: https://example.org & <b> and **bold**").await;
    let plain = json!({"body": "**not bold**", "format": "plain"});
    ana.post("/rooms/1/messages", plain).await;
    let removed = ana.say("regretted").await;
    ana.ok(Method::DELETE, &format!("/messages/{}", removed["id"]), None).await;
    let before = history(&ana, 1).await;
    let (folder, mut server) = (tempfile::tempdir().expect("a directory"), server);
    let file = folder.path().join("patio.tar");
    success(&patio(server.data(), &["backup", text(&file)]));
    server.stop().await;
    let evil = "update messages set html = '<p><script>alert(1)</script></p>'";
    let parts = Parts::of(&fs::read(&file).expect("an archive")).with_database(evil).await;
    fs::write(&file, parts.written()).expect("written");
    success(&patio(server.data(), &["restore", "--force", text(&file)]));
    let server = server.restart().await;
    assert_eq!(history(&ana.through(&server), 1).await, before);
}
