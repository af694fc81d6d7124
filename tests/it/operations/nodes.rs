//! The list of nodes, as a page and in the API. On `PostgreSQL` there are several; with `SQLite` a node knows itself only.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Api, Browser, PASSWORD, Server, Storage, numbers, try_execute};

async fn nodes(api: &Api) -> Vec<Value> {
    api.get("/nodes").await["items"].as_array().expect("nodes").clone()
}

#[tokio::test]
async fn a_node_lists_itself() {
    let server = Server::with(&["--node-name=patio-1"]).await;
    let ana = server.api("ana").await;
    let nodes = nodes(&ana).await;
    let [node] = &nodes[..] else { panic!("one node, not {nodes:?}") };
    assert!(node["connections"].as_i64().expect("a number") >= 1, "this request");
    let bus = if Storage::has_bus() { node["bus"].clone() } else { json!("off") };
    let expected = json!({
        "name": "patio-1",
        "version": env!("CARGO_PKG_VERSION"),
        "started_at": "2026-11-21T10:00:00.000Z",
        "seen_at": "2026-11-21T10:00:00.000Z",
        "connections": node["connections"],
        "bus": bus,
    });
    assert_eq!(node, &expected);
}

#[tokio::test]
async fn only_administrators_see_the_nodes() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    let api = server.api("luis").await;
    assert_eq!(api.refused(Method::GET, "/nodes", None).await.status, StatusCode::FORBIDDEN);
    assert_eq!(luis.get("/admin/machines").await.status, StatusCode::FORBIDDEN);
    assert_eq!(ana.get("/admin/machines").await.status, StatusCode::OK);
}

#[tokio::test]
async fn nodes_on_one_database_are_listed_until_they_end() {
    let one = Server::start().await;
    let ana = one.api("ana").await;
    let mut two = one.second().await;
    let both = [&ana, &ana.through(&two)];
    let expected = if Storage::is_on_postgres() { 2 } else { 1 };
    for api in both {
        assert_eq!(nodes(api).await.len(), expected);
    }
    two.stop().await;
    assert_eq!(nodes(&ana).await.len(), 1);
}

#[tokio::test]
async fn sqlite_writes_nothing_about_nodes() {
    if Storage::is_on_postgres() {
        return;
    }
    let server = Server::start().await;
    let db = server.storage().open().await;
    assert_eq!(numbers(&db, "select count(*) from nodes").await, [0]);
}

/// A node that was seen now with faults, one that has been silent for a minute, and one that was last seen over a day ago.
const OTHERS: &str = "insert into nodes
      (process, name, version, started_at, seen_at, connections, users_online, bus, bus_away_since, clock_offset)
    values
      (1, 'patio-old', '0.0.1', 1795255200000, 1795255200000, 7, 3, 'away', 1795255139999, -2500),
      (2, 'patio-silent', '0.0.1', 1795255100000, 1795255140000, 0, 0, 'off', null, 9000),
      (3, 'patio-gone', '0.0.1', 1795100000000, 1795168799999, 0, 0, 'off', null, 0)";

/// The warnings on the page of machines.
async fn warnings(browser: &mut Browser) -> Vec<String> {
    let page = browser.get("/admin/machines").await;
    let warnings = page.all("#machine-warnings li");
    warnings.iter().map(|text| text.replace(['\u{2068}', '\u{2069}'], "")).collect()
}

#[tokio::test]
async fn the_page_of_machines_warns_in_the_readers_language() {
    if !Storage::is_on_postgres() {
        return;
    }
    let server = Server::with(&["--node-name=patio-new"]).await;
    let mut ana = server.browser_as("ana").await;
    let db = server.storage().open().await;
    try_execute(&db, OTHERS).await.expect("inserted");
    // One that starts deletes what is too old.
    let _two = server.second_with(&["--node-name=patio-two"]).await;
    let [syncs] = numbers(&db, "select (current_setting('fsync') = 'on')::int::bigint").await[..]
    else {
        panic!("a setting")
    };
    for (language, expected) in [
        (
            "en",
            [
                "PostgreSQL does not wait for its disk (fsync is off)",
                "PostgreSQL has no synchronous standby",
                "The machines run different versions. Update them all to the same one.",
                "The clock of patio-old is wrong",
                "patio-new has no NATS_URL",
                "patio-two has no NATS_URL",
                "patio-old cannot reach NATS",
                "patio-silent has not reported since 2026-11-21 09:59",
            ],
        ),
        (
            "es",
            [
                "PostgreSQL no espera a su disco (fsync está en off)",
                "PostgreSQL no tiene réplica síncrona",
                "Las máquinas tienen versiones distintas. Actualízalas todas a la misma.",
                "El reloj de patio-old va mal",
                "patio-new no tiene NATS_URL",
                "patio-two no tiene NATS_URL",
                "patio-old no alcanza NATS",
                "patio-silent no se anuncia desde 2026-11-21 09:59",
            ],
        ),
    ] {
        ana.language = language;
        let expected: Vec<_> = expected
            .into_iter()
            .filter(|text| !(syncs == 1 && text.contains("fsync")))
            .filter(|text| !(Storage::has_bus() && text.contains("NATS_URL")))
            .collect();
        let warnings = warnings(&mut ana).await;
        assert_eq!(warnings.len(), expected.len(), "{warnings:?}");
        for (warning, start) in warnings.iter().zip(expected) {
            assert!(warning.starts_with(start), "{warning}");
        }
    }
    let page = ana.get("/admin/machines").await;
    let names = page.all("#machines tbody th");
    assert!(names.contains(&"patio-new".to_owned()), "{names:?}");
    assert!(!names.contains(&"patio-gone".to_owned()), "{names:?}");
    let row = page.all("#machines tbody tr:has(th bdi) td");
    assert!(row.iter().any(|cell| cell.contains("2 s")), "{row:?}");
    assert_eq!(page.all("#machines-database .item-list__value"), ["ninguna", "1"]);
}

#[tokio::test]
async fn a_single_node_needs_no_standby_and_sqlite_no_advice() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let warnings = warnings(&mut ana).await;
    let may_lose = |text: &String| text.contains("fsync") && Storage::is_on_postgres();
    assert!(warnings.iter().all(may_lose), "{warnings:?}");
    let page = ana.get("/admin/machines").await;
    assert_eq!(page.all("#machines-no-bus"), [""; 0]);
    let facts = page.all("#machines-database li").len();
    assert_eq!(facts, if Storage::is_on_postgres() { 2 } else { 0 });
}

#[tokio::test]
async fn commits_wait_whatever_the_database_says() {
    if !Storage::is_on_postgres() {
        return;
    }
    let one = Server::start().await;
    one.browser_as("ana").await;
    let db = one.storage().open().await;
    let set = "do $$ begin execute format('alter database %I set synchronous_commit = off', current_database()); end $$";
    try_execute(&db, set).await.expect("set");
    let two = one.second().await;
    let mut ana = two.browser();
    ana.login("ana", PASSWORD).await;
    let warnings = warnings(&mut ana).await;
    assert!(warnings.iter().all(|text| !text.contains("synchronous_commit")), "{warnings:?}");
    let settings = "select count(*) from pg_db_role_setting where setdatabase =
        (select oid from pg_database where datname = current_database())";
    assert_eq!(numbers(&db, settings).await, [1]);
}

/// What lists of people say about who is online.
async fn presence_gaps(browser: &mut Browser) -> [Vec<String>; 2] {
    let people = browser.get("/people").await.all("#presence-gap");
    [people, browser.get("/rooms/1/members").await.all("#presence-gap")]
}

#[tokio::test]
async fn lists_of_people_say_that_a_node_without_bus_is_one_of_several() {
    let one = Server::start().await;
    let mut ana = one.browser_as("ana").await;
    assert_eq!(presence_gaps(&mut ana).await, [[""; 0]; 2]);
    let _two = one.second().await;
    // Counts the nodes now.
    let page = ana.get("/admin/machines").await;
    let are_slow = Storage::is_on_postgres() && !Storage::has_bus();
    assert_eq!(page.all("#machines-no-bus").len(), usize::from(are_slow));
    for (language, text) in [
        ("en", "Who is online may be incomplete: this server knows only those who use it."),
        ("es", "Puede faltar alguien en línea: este servidor solo conoce a quienes lo usan."),
    ] {
        ana.language = language;
        let expected = if are_slow { vec![text] } else { Vec::new() };
        assert_eq!(presence_gaps(&mut ana).await, [expected.clone(), expected]);
    }
}

#[tokio::test]
async fn a_bus_that_cannot_be_reached_is_said_to_users_at_once_and_to_administrators_later() {
    if !Storage::is_on_postgres() {
        return;
    }
    let files = tempfile::tempdir().expect("a directory");
    let flags = vec![
        // No one listens there.
        "--nats-url=nats://127.0.0.1:9".to_owned(),
        format!("--storage-url=file://{}?shared=1", files.path().display()),
    ];
    let server = Server::on_storage(Storage::new().await.with_files(flags)).await;
    let mut ana = server.browser_as("ana").await;
    assert_eq!(presence_gaps(&mut ana).await, [[""; 0]; 2], "there are no others");
    let _two = server.second().await;
    // Counts the nodes now.
    ana.get("/admin/machines").await;
    for (language, text) in [
        ("en", "Who is online may be out of date: this server does not reach the others."),
        (
            "es",
            "La lista de quién está en línea puede estar desactualizada: este servidor no alcanza a los demás.",
        ),
    ] {
        ana.language = language;
        assert_eq!(presence_gaps(&mut ana).await, [[text]; 2]);
    }
    let is_warned = async |ana: &mut Browser| {
        warnings(ana).await.iter().filter(|text| text.contains("no alcanza NATS")).count()
    };
    server.advance(Duration::from_mins(1));
    assert_eq!(is_warned(&mut ana).await, 0);
    server.advance(Duration::from_millis(1));
    assert_eq!(is_warned(&mut ana).await, 1);
}

#[tokio::test]
async fn administration_links_to_the_machines_where_there_are_several() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let links = "nav.tabs a[href='/admin/machines']";
    let found = ana.get("/admin").await.all(links).len();
    assert_eq!(found, usize::from(Storage::has_bus()));
    let _two = server.second().await;
    ana.get("/admin/machines").await;
    let found = ana.get("/admin").await.all(links).len();
    let are_several = Storage::is_on_postgres() || Storage::has_bus();
    assert_eq!(found, usize::from(are_several));
}
