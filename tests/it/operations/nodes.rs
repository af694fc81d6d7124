//! The list of nodes, as a page and in the API. On `PostgreSQL` there are several; with `SQLite` a node knows itself only.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Api, Server, Storage, numbers, try_execute};

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
const OTHERS: &str = "insert into nodes values
    (1, 'patio-old', '0.0.1', 1795255200000, 1795255200000, 7, 3, 'away', -2500),
    (2, 'patio-silent', '0.0.1', 1795255100000, 1795255140000, 0, 0, 'off', 9000),
    (3, 'patio-gone', '0.0.1', 1795100000000, 1795168799999, 0, 0, 'off', 0)";

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
    let _two = server.second().await;
    for (language, expected) in [
        (
            "en",
            [
                "The machines run different versions. Update them all to the same one.",
                "The clock of patio-old is wrong",
                "patio-old cannot reach NATS",
                "patio-silent has not reported since 2026-11-21 09:59",
            ],
        ),
        (
            "es",
            [
                "Las máquinas tienen versiones distintas. Actualízalas todas a la misma.",
                "El reloj de patio-old va mal",
                "patio-old no alcanza NATS",
                "patio-silent no se anuncia desde 2026-11-21 09:59",
            ],
        ),
    ] {
        ana.language = language;
        let page = ana.get("/admin/machines").await;
        let warnings: Vec<String> = page
            .all("#machine-warnings li")
            .iter()
            .map(|text| text.replace(['\u{2068}', '\u{2069}'], ""))
            .collect();
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
