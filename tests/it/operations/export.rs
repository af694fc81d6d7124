//! Exports: their content, and that an export and an import change nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use patio::export::records::TABLES;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Connection;
use tempfile::TempDir;

use crate::support::command::{Target, failure, patio, success, text};
use crate::support::{Api, PASSWORD, Server, Storage, numbers};

/// All files below a folder except the manifest, which contains the time of the export.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name != "export.json") {
                let name = text(path.strip_prefix(folder).expect("inside")).to_owned();
                let bytes = fs::read(&path).expect("a file");
                found.insert(name, String::from_utf8_lossy(&bytes).into_owned());
            }
        }
    }
    found
}

/// Users, rooms of every kind, messages that contain markup, an avatar and a reset link.
async fn lived_in() -> (Server, Api) {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let luis = server.api("luis").await;
    let status = json!({"emoji": "🌙", "text": "away", "until": "2027-01-01T00:00:00Z"});
    ana.ok(Method::PATCH, "/me", Some(json!({"about": "peas\nbeans", "status": status}))).await;
    ana.add_emoji("party-parrot").await;
    ana.say("hello <script>alert(1)</script> & \"you\"").await;
    let question =
        luis.say("@Ana:\ntwo lines for @luis, and a link: https://example.org/?a=1&b=2").await;
    let reply = json!({"body": "> @luis: two lines\nan **answer** :party-parrot:", "reply_to": question["id"], "nonce": "n-1"});
    ana.post("/rooms/1/messages", reply).await;
    let changed = luis.say("with a mistake").await["id"].clone();
    let path = format!("/messages/{changed}");
    luis.ok(Method::PATCH, &path, Some(json!({"body": "without"}))).await;
    ana.ok(Method::PUT, &format!("{path}/reactions/👍"), None).await;
    ana.ok(Method::PUT, &format!("{path}/pin"), None).await;
    luis.ok(Method::PUT, &format!("{path}/reactions/:party-parrot:"), None).await;
    let regretted = luis.say("regretted words").await["id"].clone();
    luis.ok(Method::DELETE, &format!("/messages/{regretted}"), None).await;
    let secret = json!({"name": "<b>Garden</b>", "topic": "peas & beans", "visibility": "private"});
    let secret = ana.post("/rooms", secret).await;
    ana.post(&format!("/rooms/{}/messages", secret["id"]), json!({"body": "only us"})).await;
    let direct = ana.post("/direct", json!({"name": "luis"})).await;
    ana.post(&format!("/rooms/{}/messages", direct["id"]), json!({"body": "psst"})).await;
    server.api("ida").await;
    let group = ana.post("/direct", json!({"names": ["luis", "ida"]})).await;
    ana.post(&format!("/rooms/{}/messages", group["id"]), json!({"body": "three of us"})).await;
    server.browser().login("ana", PASSWORD).await;
    success(&patio(server.storage(), &["user", "reset-password", "luis"]));
    (server, ana)
}

fn exported(
    target: &(impl Target + ?Sized),
    folder: &TempDir,
    name: &str,
    flags: &[&str],
) -> PathBuf {
    let path = folder.path().join(name);
    success(&patio(target, &[["export", text(&path)].as_slice(), flags].concat()));
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exporting_an_import_gives_the_same_export() {
    let (server, ana) = lived_in().await;
    let folder = tempfile::tempdir().expect("a directory");
    for flags in [[].as_slice(), &["--full"]] {
        let name = format!("first{}", flags.len());
        let first = exported(server.storage(), &folder, &name, flags);
        let new = Storage::new().await;
        let output = success(&patio(&new, &["import", "patio", text(&first)]));
        assert!(output.contains("3 users, 4 rooms, 8 messages"), "{output}");
        assert_eq!(output.contains("reset-password"), flags.is_empty(), "{output}");
        let again = exported(&new, &folder, &format!("again{}", flags.len()), flags);
        let (first, again) = (files(&first), files(&again));
        assert_eq!(first.keys().collect::<Vec<_>>(), again.keys().collect::<Vec<_>>());
        for (name, content) in &first {
            // The index pages contain the time of the export.
            if name != "index.html" {
                assert_eq!(Some(content), again.get(name), "{name}");
            }
        }
    }
    // A full export also restores all credentials, and the next message gets the next seq and rev.
    let other = Storage::new().await;
    success(&patio(&other, &["import", "patio", text(&folder.path().join("first1"))]));
    let other = Server::on_storage(other).await;
    let mut there = ana.through(&other);
    let path = "/rooms/1/messages";
    assert_eq!(there.get(path).await["items"], ana.get(path).await["items"]);
    let (next, here) = (there.say("after").await, ana.say("after").await);
    assert_eq!(
        // Each start skips ids, so that two histories never share an id.
        (&next["seq"], &next["rev"]),
        (&here["seq"], &here["rev"])
    );
    there.sign_in("luis").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_notes_are_exported_and_imported() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let notes = ana.post("/direct", json!({"name": "ana"})).await;
    let path = format!("/rooms/{}/messages", notes["id"]);
    ana.post(&path, json!({"body": "buy seeds"})).await;
    let folder = tempfile::tempdir().expect("a directory");
    let first = exported(server.storage(), &folder, "first", &["--full"]);
    let new = Storage::new().await;
    success(&patio(&new, &["import", "patio", text(&first)]));
    let other = Server::on_storage(new).await;
    assert_eq!(ana.through(&other).get(&path).await["items"], ana.get(&path).await["items"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_are_only_in_a_full_export() {
    use std::os::unix::fs::PermissionsExt;
    let (server, _ana) = lived_in().await;
    let folder = tempfile::tempdir().expect("a directory");
    let plain = exported(server.storage(), &folder, "plain", &[]);
    let full = folder.path().join("full");
    let output = patio(server.storage(), &["export", text(&full), "--full"]);
    success(&output);
    assert!(String::from_utf8_lossy(&output.stderr).contains("act as any user"));
    let is_emoji = |name: &String| name.starts_with("emoji/party-parrot.");
    let (emoji, names): (Vec<_>, Vec<_>) = files(&plain).into_keys().partition(is_emoji);
    assert_eq!(emoji.len(), 1);
    assert_eq!(
        names,
        [
            "audit.jsonl",
            "contents.jsonl",
            "edits.jsonl",
            "emoji.jsonl",
            "files.jsonl",
            "index.html",
            "memberships.jsonl",
            "mentions.jsonl",
            "messages.jsonl",
            "people.jsonl",
            "reactions.jsonl",
            "removals.jsonl",
            "rooms.jsonl",
            "rooms/1-1.html",
            "rooms/2-1.html",
            "rooms/3-1.html",
            "rooms/4-1.html",
            "saved.jsonl",
            "settings.jsonl",
            "style.css",
            "threads.jsonl"
        ]
    );
    let (plain, full_files) = (files(&plain), files(&full));
    let mut secrets = 0;
    for (name, content) in full_files.iter().filter(|(name, _)| name.starts_with("secrets/")) {
        let mode = fs::metadata(full.join(name)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
        for line in content.lines() {
            let line: Value = serde_json::from_str(line).expect("JSON");
            let field = ["hash", "code", "body", "nonce"]
                .into_iter()
                .find_map(|field| line[field].as_str());
            let secret = field.expect("a secret");
            secrets += 1;
            for (name, content) in &plain {
                assert!(!content.contains(secret), "{secret} is in {name}");
            }
        }
    }
    assert!(secrets >= 8, "{secrets}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exported_pages_show_messages_and_run_no_markup() {
    let (server, ana) = lived_in().await;
    let eva = server.api("eva").await;
    eva.ok(Method::PATCH, "/me", Some(json!({"display_name": "Eva <i>"}))).await;
    for body in ["<i>peas</i>", "gone"] {
        let original = eva.say(body).await["id"].clone();
        let reply = json!({"body": "on that", "reply_to": original});
        ana.post("/rooms/1/messages", reply).await;
        if body == "gone" {
            eva.ok(Method::DELETE, &format!("/messages/{original}"), None).await;
        }
    }
    let folder = tempfile::tempdir().expect("a directory");
    let english = files(&exported(server.storage(), &folder, "en", &[]));
    let (lobby, index) = (&english["rooms/1-1.html"], &english["index.html"]);
    assert!(lobby.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{lobby}");
    assert!(!lobby.contains("<script"), "{lobby}");
    assert!(lobby.contains("href=\"https://example.org/?a=1&amp;b=2\""), "{lobby}");
    assert!(!index.contains("<b>Garden"), "{index}");
    assert!(lobby.contains("In reply to <a href=\"1-1.html#m2\"><bdi>luis</bdi></a>:"), "{lobby}");
    assert!(lobby.contains("<bdi>Eva &#60;i&#62;</bdi></a>:"), "{lobby}");
    assert!(lobby.contains("<span dir=\"auto\">&#60;i&#62;peas&#60;/i&#62;</span>"), "{lobby}");
    assert!(lobby.contains("The message was deleted"), "{lobby}");
    assert!(!lobby.contains("src=\"/"), "images are files of the export: {lobby}");
    let (_, image) = lobby.split_once("<img class=\"emoji\" src=\"../").expect("an image");
    let (file, rest) = image.split_once('"').expect("the end of an address");
    assert_eq!(file.rsplit('.').next(), Some("png"), "{file}");
    assert!(rest.starts_with(" alt=\":party-parrot:\">"), "{image}");
    assert!(english[file].contains("PNG"), "{file}");
    assert!(index.contains("ana – luis") && index.contains("Rooms"), "{index}");
    let style = &english["style.css"];
    assert!(style.contains("white-space: pre-wrap"), "spaces are shown as typed");
    assert!(lobby.contains("edited") && lobby.contains("This message was deleted."), "{lobby}");
    assert!(!english.values().any(|content| content.contains("regretted")));
    let spanish = files(&exported(server.storage(), &folder, "es", &["--language=es"]));
    assert!(spanish["index.html"].contains("<html lang=\"es\">"));
    assert!(spanish["index.html"].contains("Salas"), "{}", spanish["index.html"]);
    // Both pages show the same instant: 09:00 in one time zone is 18:00 in the other.
    let times = |pages: &BTreeMap<String, String>| {
        let (_, shown) = pages["rooms/1-1.html"].split_once("<time datetime=").expect("a time");
        shown.split(['>', '<']).nth(1).expect("the text").to_owned()
    };
    let tokyo = files(&exported(server.storage(), &folder, "jp", &["--time-zone=Asia/Tokyo"]));
    assert!(english["index.html"].contains("times are in UTC"), "{index}");
    assert!(tokyo["index.html"].contains("times are in Asia/Tokyo"), "{}", tokyo["index.html"]);
    let at = |text: &str| jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M", text).expect("a time");
    assert_eq!(at(&times(&english)) + jiff::Span::new().hours(9), at(&times(&tokyo)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn export_refuses_a_folder_that_is_not_empty() {
    let (server, _ana) = lived_in().await;
    let folder = tempfile::tempdir().expect("a directory");
    let target = folder.path().join("x");
    fs::create_dir(&target).expect("made");
    exported(server.storage(), &folder, "x", &[]);
    let refused = failure(&patio(server.storage(), &["export", text(&target)]));
    assert!(refused.contains("not an empty folder"), "{refused}");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing is left over");
}

/// Invalid exports: the file, the line to change, its new text, and a part of the expected error.
const WRONG: [(&str, usize, &str, &str); 15] = [
    ("people.jsonl", 2, "{\"id\":", "people.jsonl:2: not a JSON object"),
    ("people.jsonl", 1, "{\"id\":1}", "people.jsonl:1: missing field `name`"),
    ("settings.jsonl", 1, "{\"name\":\"epoch\",\"value\":\"x\"}", "settings.jsonl:1: epoch"),
    (
        "reactions.jsonl",
        1,
        "{\"message_id\":1,\"user_id\":\"1\",\"emoji\":\"x\"}",
        ":1: user_id: invalid type: string \"1\"",
    ),
    (
        "memberships.jsonl",
        1,
        "{\"user_id\":null}",
        "memberships.jsonl:1: user_id: invalid type: null",
    ),
    ("reactions.jsonl", 1, "@rev=4294967296", "reactions.jsonl:1: rev is too large"),
    ("memberships.jsonl", 2, "@user_id=99", "memberships.jsonl:2: it violates a constraint"),
    ("memberships.jsonl", 1, "@extra=1", "memberships.jsonl:1: extra: unknown field"),
    ("mentions.jsonl", 1, "@user_id=99", "mentions.jsonl:1: it violates a constraint"),
    ("messages.jsonl", 2, "@mentions=\"ana <b>\"", "messages.jsonl:2: name"),
    ("people.jsonl", 2, "@name=\"ana\"", "people.jsonl:2: it violates a constraint"),
    ("people.jsonl", 2, "@name=\"../etc\"", "people.jsonl:2: name:"),
    ("people.jsonl", 2, "@avatar=\"../x\"", "people.jsonl:2: avatar is not the name"),
    ("messages.jsonl", 3, "@seq=99", "not numbered 1, 2, 3"),
    (
        "messages.jsonl",
        1,
        "@created_at=\"yesterday\"",
        "messages.jsonl:1: created_at: must be a time",
    ),
];

/// The line with another value in one field.
fn changed(line: &str, change: &str) -> String {
    match change.strip_prefix('@').and_then(|change| change.split_once('=')) {
        None => change.to_owned(),
        Some((field, value)) => {
            let mut object: Value = serde_json::from_str(line).expect("JSON");
            object[field] = serde_json::from_str(value).expect("JSON");
            object.to_string()
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_line_is_named_and_nothing_is_imported() {
    let (server, ana) = lived_in().await;
    let folder = tempfile::tempdir().expect("a directory");
    let new = Storage::new().await;
    let export = exported(server.storage(), &folder, "x", &[]);
    for (file, number, change, output) in WRONG {
        let path = export.join(file);
        let sound = fs::read_to_string(&path).expect("a file");
        let mut lines: Vec<String> = sound.lines().map(str::to_owned).collect();
        lines.resize(lines.len().max(number), String::new());
        lines[number - 1] = changed(&lines[number - 1], change);
        fs::write(&path, lines.join("\n") + "\n").expect("written");
        let refused = failure(&patio(&new, &["import", "patio", text(&export)]));
        assert!(refused.contains(output), "{output}: {refused}");
        fs::write(&path, sound).expect("written");
    }
    let messages = export.join("messages.jsonl");
    let sound = fs::read_to_string(&messages).expect("a file");
    let truncated = sound.lines().next().expect("a line");
    fs::write(&messages, format!("{truncated}\n")).expect("written");
    let refused = failure(&patio(&new, &["import", "patio", text(&export)]));
    assert!(refused.contains("incomplete"), "{refused}");
    fs::write(&messages, sound).expect("written");
    // After all these attempts the database is still empty.
    success(&patio(&new, &["import", "patio", text(&export)]));
    let refused = failure(&patio(&new, &["import", "patio", text(&export)]));
    assert!(refused.contains("already"), "{refused}");
    let refused = failure(&patio(server.storage(), &["import", "patio", text(&export)]));
    assert!(refused.contains("is in use"), "{refused}");
    ana.ok(Method::GET, "/rooms", None).await;
}

/// Earlier builds exported removals from deleted rooms, but not these rooms.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removal_from_a_room_that_is_not_exported_is_left_out() {
    let (server, _ana) = lived_in().await;
    let folder = tempfile::tempdir().expect("a directory");
    let export = exported(server.storage(), &folder, "x", &[]);
    let removal = json!({"room_id": 99, "user_id": 1, "removed_at": "2026-01-01T00:00:00.000Z"});
    fs::write(export.join("removals.jsonl"), format!("{removal}\n")).expect("written");
    let manifest = export.join("export.json");
    let text_of = fs::read_to_string(&manifest).expect("a file");
    let mut counted: Value = serde_json::from_str(&text_of).expect("JSON");
    counted["lines"]["removals.jsonl"] = json!(1);
    fs::write(&manifest, counted.to_string()).expect("written");
    let new = Storage::new().await;
    success(&patio(&new, &["import", "patio", text(&export)]));
    assert_eq!(numbers(&new.open().await, "select count(*) from removals").await, [0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_newer_or_incomplete_export_is_refused() {
    let (server, _ana) = lived_in().await;
    let folder = tempfile::tempdir().expect("a directory");
    let export = exported(server.storage(), &folder, "x", &[]);
    let manifest = export.join("export.json");
    let sound = fs::read_to_string(&manifest).expect("a file");
    let with = |field: &str, value: Value| {
        let mut changed: Value = serde_json::from_str(&sound).expect("JSON");
        changed[field] = value;
        changed.to_string()
    };
    let new = Storage::new().await;
    let import = |path: &Path| patio(&new, &["import", "patio", text(path)]);
    let foreign = folder.path().join("foreign");
    fs::create_dir(&foreign).expect("made");
    fs::write(foreign.join("channels.json"), "[]").expect("written");
    for nothing in [foreign, folder.path().join("nowhere"), manifest.clone()] {
        let refused = failure(&import(&nothing));
        assert!(refused.contains("not a Patio export"), "{refused}");
    }
    for (text, output) in [
        (with("format", json!(99)), "newer Patio"),
        (with("format", json!("x")), "is corrupted"),
        (with("lines", json!({"../people.jsonl": 1})), "which no export has"),
        (sound.replace('}', ""), "is corrupted"),
        (String::new(), "is corrupted"),
    ] {
        fs::write(&manifest, text).expect("written");
        let refused = failure(&import(&export));
        assert!(refused.contains(output), "{output}: {refused}");
    }
    fs::write(&manifest, &sound).expect("written");
    let (there, away) = (export.join("rooms.jsonl"), export.join("away"));
    fs::rename(&there, &away).expect("moved");
    let refused = failure(&import(&export));
    assert!(refused.contains("rooms.jsonl"), "{refused}");
    fs::rename(&away, &there).expect("moved");
    success(&import(&export));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn export_without_mentions_is_accepted() {
    let (server, _ana) = lived_in().await;
    let folder = tempfile::tempdir().expect("a directory");
    let export = exported(server.storage(), &folder, "x", &[]);
    let manifest = export.join("export.json");
    let mut first: Value =
        serde_json::from_str(&fs::read_to_string(&manifest).expect("a file")).expect("JSON");
    first["format"] = json!(1);
    first["lines"].as_object_mut().expect("lines").remove("mentions.jsonl").expect("one of them");
    fs::write(&manifest, first.to_string()).expect("written");
    let messages = export.join("messages.jsonl");
    let mut without = String::new();
    for line in fs::read_to_string(&messages).expect("a file").lines() {
        let mut message: Value = serde_json::from_str(line).expect("JSON");
        message.as_object_mut().expect("an object").remove("mentions").expect("a field");
        without += &message.to_string();
        without.push('\n');
    }
    fs::write(&messages, without).expect("written");
    let new = Storage::new().await;
    success(&patio(&new, &["import", "patio", text(&export)]));
    let output = Server::on_storage(new).await.api("eva").await.get("/rooms/1/messages").await;
    assert!(output["items"][1]["html"].as_str().expect("html").starts_with("<p>@Ana:<br>two"));
}

/// Made by commit 1f4086d, with names that would be refused today: lookalikes, invisible ones, `in`. All
/// users can sign in and keep their names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn oldest_export_format_is_still_accepted() {
    let first = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/export-format-2");
    let (new, folder) = (Storage::new().await, tempfile::tempdir().expect("a directory"));
    let output = success(&patio(&new, &["import", "patio", text(&first)]));
    assert!(output.contains("8 users, 10 rooms, 19 messages"), "{output}");
    let now = exported(&new, &folder, "now", &["--full"]);
    for kind in ["people", "rooms", "messages", "memberships", "mentions", "reactions"] {
        let lines = |folder: &Path| fs::read_to_string(folder.join(format!("{kind}.jsonl")));
        let (then, now) = (lines(&first).expect("lines"), lines(&now).expect("lines"));
        assert_eq!(then.lines().count(), now.lines().count(), "{kind}");
        for (then, now) in then.lines().zip(now.lines()) {
            let parsed = |line| serde_json::from_str::<Value>(line).expect("JSON");
            let (then, now) = (parsed(then), parsed(now));
            for (field, value) in then.as_object().expect("an object") {
                assert_eq!(Some(value), now.get(field), "{kind} {field}: {then}");
            }
        }
    }
    let server = Server::on_storage(new).await;
    for name in ["ana", "luis", "zoe", "ana.", "MARTA", "日本太郎", "in", "x-1"] {
        let mut browser = server.browser();
        assert_eq!(browser.login(name, "lighthouse-tea-41").await.path, "/rooms/1", "{name}");
        assert_eq!(browser.get("/people").await.all(".person__name").len(), 8, "{name}");
    }
}

/// Made by the build before each kind of record had a type of its own, and then by hand only a bot and a user
/// agent. Names, order and format of the fields never change; new fields follow the known ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn export_of_format_3_keeps_every_field() {
    let first = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/export-format-3");
    let (new, folder) = (Storage::new().await, tempfile::tempdir().expect("a directory"));
    let output = success(&patio(&new, &["import", "patio", text(&first)]));
    assert!(output.contains("4 users, 5 rooms, 12 messages"), "{output}");
    let now = exported(&new, &folder, "now", &["--full"]);
    let manifest = |folder: &Path| -> Value {
        let text = fs::read_to_string(folder.join("export.json")).expect("a file");
        serde_json::from_str(&text).expect("JSON")
    };
    assert_eq!(manifest(&first)["last_message_id"], manifest(&now)["last_message_id"]);
    let (first, now) = (files(&first), files(&now));
    let is_record = |name: &&String| Path::new(name).extension().is_some_and(|e| e == "jsonl");
    let records = now.keys().filter(is_record);
    assert_eq!(records.count(), TABLES.len(), "a file for each kind of record");
    for (name, content) in &first {
        assert!(!content.is_empty(), "{name} has no record");
        let now = now.get(name).expect("a file");
        assert_eq!(content.lines().count(), now.lines().count(), "{name}");
        for (then, now) in content.lines().zip(now.lines()) {
            let known = then.strip_suffix('}').unwrap_or(then);
            assert!(now.starts_with(known), "{name}: {now}");
        }
    }
}

/// Columns that no export contains, because an import computes them or they mean nothing in another
/// installation.
const LEFT_OUT: [&str; 25] = [
    "attempts",
    "changes",
    "confusable_names",
    "counters",
    "locks",
    "deleted_memberships",
    "deleted_rooms",
    "erasures",
    "jobs",
    "known_devices",
    // A cache, and what messages show of it.
    "link_previews",
    "message_previews",
    "preview_images",
    "message_time_ranges",
    "_sqlx_migrations",
    "search",
    "search_data",
    "search_idx",
    "search_docsize",
    "search_config",
    // Computed from the messages.
    "thread_authors",
    // What has not been sent.
    "uploads",
    "upload_pieces",
    // Which processes run.
    "nodes",
    // What a check of this storage found.
    "storage_checks",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn export_has_every_column_of_every_table() {
    if Storage::is_on_postgres() {
        return;
    }
    let server = Server::start().await;
    let path = server.data().join("patio.db");
    let mut database = sqlx::SqliteConnection::connect(text(&path)).await.expect("opened");
    let columns: Vec<(String, String)> = sqlx::query_as(
        "select t.name, c.name from sqlite_schema t, pragma_table_info(t.name) c
         where t.type = 'table' and t.name not like 'sqlite%'",
    )
    .fetch_all(&mut database)
    .await
    .expect("columns");
    assert!(columns.len() > 50, "{}", columns.len());
    let written: Vec<(&str, Vec<&str>)> = TABLES
        .iter()
        .map(|table| {
            let words = table.insert.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
            let table = if words[0] == "insert" { words[2] } else { words[1] };
            (table, words)
        })
        .chain([("avatars", vec!["name", "image"])])
        .collect();
    // When and through which process a user has read matters only to running processes, and what lists
    // are sorted and filtered by is computed from the names.
    let now = |column: &str| ["read_at", "read_by", "sort_key", "filter_text"].contains(&column);
    let wanted = columns.iter().filter(|(table, _)| !LEFT_OUT.contains(&table.as_str()));
    // Neither anonymous sessions are exported nor the data of others.
    // What a head shows of its thread is computed from the messages.
    let never = |table: &str, column: &str| match table {
        "sessions" => ["data", "network"].contains(&column),
        "messages" => ["thread_id", "previews", "files"].contains(&column),
        "contents" => ["unused_since", "deleting_since", "missing_since"].contains(&column),
        "threads" => ["replies", "last_reply_at", "announced_at", "head_stale"].contains(&column),
        _ => false,
    };
    let wanted = wanted.filter(|(table, column)| !never(table, column));
    for (table, column) in wanted.filter(|(_, column)| !now(column)) {
        let known = written.iter().any(|(t, words)| t == table && words.contains(&column.as_str()));
        assert!(known, "{table}.{column} is not exported");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn threads_move_with_their_heads_followers_and_copies() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let head = ana.say("the arches are up").await["id"].clone();
    let thread = format!("/messages/{head}/thread");
    luis.post(&thread, json!({"body": "string, @ana", "also_in_room": true})).await;
    ana.post(&thread, json!({"body": "the green one"})).await;
    let folder = tempfile::tempdir().expect("a directory");
    let first = exported(server.storage(), &folder, "first", &["--full"]);
    let new = Storage::new().await;
    success(&patio(&new, &["import", "patio", text(&first)]));
    let again = exported(&new, &folder, "again", &["--full"]);
    assert_eq!(files(&first)["threads.jsonl"], files(&again)["threads.jsonl"]);
    assert!(files(&first)["rooms/1-1.html"].contains("2-1.html"), "the head leads to its thread");
    let after = Server::on_storage(new).await;
    let there = luis.through(&after);
    for path in ["/rooms/1/messages", "/rooms/2/messages", &thread, "/threads"] {
        assert_eq!(luis.get(path).await, there.get(path).await, "{path}");
    }
}

/// A message with two files, one of which the copy of a reply has, too.
async fn with_files(server: &Server) -> Api {
    let ana = server.api("ana").await;
    let file = async |bytes: &'static [u8]| -> Value {
        let sent = ana.upload("/files", &[("alt", "what it shows")], ("file", bytes)).await;
        sent.json::<Value>().await.expect("JSON")["id"].clone()
    };
    let message = json!({"body": "", "files": [file(b"hola").await, file(b"adios").await]});
    let head = ana.post("/rooms/1/messages", message).await["id"].clone();
    let reply = json!({"body": "", "files": [file(b"hola").await], "also_in_room": true});
    ana.post(&format!("/messages/{head}/thread"), reply).await;
    // Nothing is left of what is deleted or was never posted.
    let regretted = json!({"body": "", "files": [file(b"regretted").await]});
    let regretted = ana.post("/rooms/1/messages", regretted).await["id"].clone();
    ana.ok(Method::DELETE, &format!("/messages/{regretted}"), None).await;
    file(b"waiting").await;
    ana
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_move_with_their_messages() {
    let server = Server::start().await;
    let ana = with_files(&server).await;
    let folder = tempfile::tempdir().expect("a directory");
    let first = exported(server.storage(), &folder, "first", &["--full"]);
    let written = files(&first);
    let contents = written.iter().filter(|(name, _)| name.starts_with("files/"));
    let mut contents: Vec<_> = contents.map(|(_, bytes)| bytes.as_str()).collect();
    contents.sort_unstable();
    assert_eq!(contents, ["adios", "hola"]);
    let page = &written["rooms/1-1.html"];
    assert_eq!(page.matches("href=\"../files/").count(), 3, "{page}");
    let new = Storage::new().await;
    success(&patio(&new, &["import", "patio", text(&first)]));
    let again = exported(&new, &folder, "again", &["--full"]);
    assert_eq!(written["files.jsonl"], files(&again)["files.jsonl"]);
    let after = Server::on_storage(new).await;
    let there = ana.through(&after);
    let messages = there.get("/rooms/1/messages").await;
    assert_eq!(ana.get("/rooms/1/messages").await, messages);
    let listed = there.get("/rooms/1/files").await;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(3));
    assert_eq!(ana.get("/rooms/1/files").await, listed);
    let mut read = Vec::new();
    for message in messages["items"].as_array().expect("messages") {
        for file in message["attachments"].as_array().expect("files") {
            let address = after.url(file["url"].as_str().expect("an address"));
            let request = reqwest::Client::new().get(address).bearer_auth(there.token());
            read.push(request.send().await.expect("an answer").text().await.expect("text"));
        }
    }
    assert_eq!(read, ["hola", "adios", "hola"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn export_with_other_contents_than_it_lists_is_refused() {
    let server = Server::start().await;
    with_files(&server).await;
    let folder = tempfile::tempdir().expect("a directory");
    let export = exported(server.storage(), &folder, "export", &["--full"]);
    let content = fs::read_dir(export.join("files")).expect("a folder").next();
    let content = content.expect("a file").expect("an entry").path();
    let bytes = fs::read(&content).expect("a file");
    let new = Storage::new().await;
    let refuse = |error: &str| {
        let refused = failure(&patio(&new, &["import", "patio", text(&export)]));
        assert!(refused.contains(error), "{refused}");
    };
    fs::write(&content, b"HOLA").expect("changed");
    refuse("other bytes");
    fs::remove_file(&content).expect("removed");
    refuse("No such file");
    let elsewhere = folder.path().join("elsewhere");
    fs::write(&elsewhere, &bytes).expect("written");
    std::os::unix::fs::symlink(&elsewhere, &content).expect("linked");
    refuse("symbolic links");
    fs::remove_file(&content).expect("removed");
    fs::write(&content, &bytes).expect("as it was");
    success(&patio(&new, &["import", "patio", text(&export)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn export_moves_everything_between_engines_and_back() {
    let (server, _ana) = lived_in().await;
    let folder = tempfile::tempdir().expect("a directory");
    let here = exported(server.storage(), &folder, "here", &["--full"]);
    // A bare directory means SQLite, whichever engine the tests run on.
    let elsewhere = folder.path().join("data");
    success(&patio(elsewhere.as_path(), &["import", "patio", text(&here)]));
    let there = exported(elsewhere.as_path(), &folder, "there", &["--full"]);
    let back = Storage::new().await;
    success(&patio(&back, &["import", "patio", text(&there)]));
    let again = exported(&back, &folder, "again", &["--full"]);
    let lines = |folder: &Path| {
        let mut found = files(folder);
        found.retain(|name, _| Path::new(name).extension().is_some_and(|e| e == "jsonl"));
        found
    };
    assert_eq!(lines(&here), lines(&there));
    assert_eq!(lines(&here), lines(&again));
    let after = Server::on_storage(back).await;
    let eva = after.api("eva").await;
    let room = eva.post("/rooms", json!({"name": "new", "visibility": "public"})).await;
    assert_eq!(room["id"], 5, "ids continue after the imported ones");
    let found = |days: &'static str| eva.get(days);
    let dated = found("/search?q=after:2026-11-21%20from:ana").await;
    assert_ne!(dated["items"], json!([]), "the times of the messages are known");
    assert_eq!(found("/search?q=before:2026-11-21%20from:ana").await["items"], json!([]));
}
