//! What both engines must do in the same way, above all when several processes write concurrently.

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Api, PASSWORD, Server, Storage, execute, numbers, within};

fn column(page: &Value, name: &str) -> Vec<i64> {
    let items = page["items"].as_array().expect("items");
    items.iter().map(|item| item[name].as_i64().expect("a number")).collect()
}

fn statuses(answers: &[reqwest::Response]) -> Vec<u16> {
    let mut all: Vec<_> = answers.iter().map(|answer| answer.status().as_u16()).collect();
    all.sort_unstable();
    all
}

#[tokio::test]
async fn two_servers_number_messages_without_gaps() {
    let one = Server::start().await;
    let two = one.second().await;
    let ana = one.api("ana").await;
    let elsewhere = ana.through(&two);
    let garden = json!({"name": "Huerto", "visibility": "public"});
    let garden = ana.post("/rooms", garden).await["id"].as_i64().expect("an id");
    let db = one.storage().open().await;

    let posts = (0..80).map(|n| {
        let api = if n % 2 == 0 { &ana } else { &elsewhere };
        let room = if n % 4 < 2 { 1 } else { garden };
        let message = json!({"body": format!("m{n}")});
        let path = format!("/rooms/{room}/messages");
        async move { api.post(&path, message).await }
    });
    // A concurrent reader must see new ids only at the end.
    let looks = async {
        let mut seen = vec![];
        while seen.last().is_none_or(|ids: &Vec<i64>| ids.len() < 80) {
            seen.push(numbers(&db, "select id from messages order by id").await);
        }
        seen
    };
    let (_, seen) =
        within("all posts are stored", async { tokio::join!(join_all(posts), looks) }).await;
    for (earlier, later) in seen.iter().zip(seen.iter().skip(1)) {
        assert_eq!(later.get(..earlier.len()), Some(earlier.as_slice()));
    }
    for room in [1, garden] {
        let page = ana.get(&format!("/rooms/{room}/messages?limit=100")).await;
        assert_eq!(column(&page, "seq"), (1..=40).collect::<Vec<_>>());
        assert_eq!(column(&page, "rev"), (1..=40).collect::<Vec<_>>());
        assert!(column(&page, "id").is_sorted(), "ids go with the order of the room");
    }
    db.close().await;
}

#[tokio::test]
async fn same_nonce_on_two_servers_stores_one_message() {
    let one = Server::start().await;
    let two = one.second().await;
    let ana = one.api("ana").await;
    let elsewhere = ana.through(&two);
    let sends = (0..20).map(|n| {
        let api = if n % 2 == 0 { &ana } else { &elsewhere };
        api.send(Method::POST, "/rooms/1/messages", Some(json!({"body": "una vez", "nonce": "n1"})))
    });
    let statuses = statuses(&join_all(sends).await);
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 19, "{statuses:?}");
    assert_eq!(column(&ana.get("/rooms/1/messages").await, "seq"), [1]);
}

#[tokio::test]
async fn post_refused_by_the_database_does_not_affect_others() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let db = server.storage().open().await;
    execute(
        &db,
        "create trigger no_boom before insert on messages when new.body = 'boom'
         begin select raise(abort, 'no'); end",
        "alter table messages add check (body <> 'boom')",
    )
    .await;
    db.close().await;
    let posts = (0..30).map(|n| {
        let body = if n % 10 == 5 { "boom".to_owned() } else { format!("m{n}") };
        ana.send(Method::POST, "/rooms/1/messages", Some(json!({"body": body})))
    });
    let statuses = statuses(&join_all(posts).await);
    assert_eq!(statuses.iter().filter(|status| **status == 500).count(), 3, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 27, "{statuses:?}");
    let page = ana.get("/rooms/1/messages?limit=100").await;
    assert_eq!(column(&page, "seq"), (1..=27).collect::<Vec<_>>());
}

#[tokio::test]
async fn concurrent_sign_ups_have_one_administrator_unique_names() {
    let one = Server::start().await;
    let two = one.second().await;
    let clients = [&one, &two].map(|server| Api::signed_out(server.url("/api/v1")));
    let names = ["Ana", "aNA", "luis", "LUIS", "eva", "Eva"];
    let registrations = names.iter().enumerate().map(|(n, name)| {
        // The last two also have the same email address.
        let email = if n < 4 { format!("{n}@example.test") } else { "eva@example.test".to_owned() };
        let account = json!({"name": name, "email": email, "password": PASSWORD});
        clients[n % 2].send(Method::POST, "/users", Some(account))
    });
    assert_eq!(statuses(&join_all(registrations).await), [201, 201, 201, 409, 409, 409]);
    let bea = one.api("bea").await;
    let users = bea.get("/users").await;
    let users = users["items"].as_array().expect("items");
    assert_eq!(users.iter().filter(|user| user["role"] == "admin").count(), 1, "{users:?}");
    let rooms = bea.get("/rooms").await;
    assert_eq!(rooms["items"][0]["members"], 4, "all users are in the lobby");
}

#[tokio::test]
async fn concurrent_room_creation_or_rename_keeps_names_unique() {
    let one = Server::start().await;
    let two = one.second().await;
    let ana = one.api("ana").await;
    let elsewhere = ana.through(&two);
    let mut rooms = vec![];
    for n in 0..4 {
        let room = json!({"name": format!("r{n}"), "visibility": "public"});
        rooms.push(ana.post("/rooms", room).await["id"].as_i64().expect("an id"));
    }
    let requests = (0..8).map(|n| {
        let api = if n % 2 == 0 { &ana } else { &elsewhere };
        let name = if n % 3 == 0 { "HUERTO" } else { "huerto" };
        let request = json!({"name": name, "visibility": "public"});
        let rename = rooms.get(n).map(|room| format!("/rooms/{room}"));
        async move {
            match rename {
                Some(path) => api.send(Method::PATCH, &path, Some(request)).await,
                None => api.send(Method::POST, "/rooms", Some(request)).await,
            }
        }
    });
    let statuses = statuses(&join_all(requests).await);
    assert_eq!(statuses.iter().filter(|status| **status < 300).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 7, "{statuses:?}");
    // A room may change the case of its own name.
    let list = ana.get("/rooms").await;
    let list = list["items"].as_array().expect("items");
    let named =
        |room: &&Value| room["name"].as_str().is_some_and(|n| n.eq_ignore_ascii_case("huerto"));
    let id = list.iter().find(named).expect("the one that got it")["id"].clone();
    let path = format!("/rooms/{id}");
    let (_, renamed) = ana.ok(Method::PATCH, &path, Some(json!({"name": "Huerto"}))).await;
    assert_eq!(renamed["name"], "Huerto");
}

#[tokio::test]
async fn direct_message_started_by_both_at_once_is_one_room() {
    let one = Server::start().await;
    let two = one.second().await;
    let ana = one.api("ana").await;
    let luis = one.api("luis").await.through(&two);
    let begin = (0..10).map(|n| {
        let (api, other) = if n % 2 == 0 { (&ana, "luis") } else { (&luis, "ana") };
        async move { api.post("/direct", json!({"name": other})).await["id"].clone() }
    });
    let rooms = join_all(begin).await;
    assert!(rooms.iter().all(|room| room == &rooms[0]), "{rooms:?}");
    // Opening it again uses up no id.
    let next = ana.post("/rooms", json!({"name": "r", "visibility": "private"})).await;
    assert_eq!(next["members"], 1);
    let again = ana.post("/direct", json!({"name": "luis"})).await;
    assert_eq!(again["members"], 2);
}

#[tokio::test]
async fn room_keeps_one_owner_under_concurrent_changes() {
    let one = Server::start().await;
    let two = one.second().await;
    let ana = one.api("ana").await;
    let luis = one.api("luis").await.through(&two);
    let bert = one.api("bert").await;
    for round in 0..10 {
        let room = json!({"name": format!("r{round}"), "visibility": "public"});
        let room = format!("/rooms/{}", ana.post("/rooms", room).await["id"]);
        // A room that was empty for a moment stays without an owner.
        bert.post(&format!("{room}/join"), json!({})).await;
        let (messages, leave, join) =
            (format!("{room}/messages"), format!("{room}/leave"), format!("{room}/join"));
        let body = Some(json!({"body": "hola"}));
        let answers = join_all([
            ana.send(Method::POST, &messages, body.clone()),
            ana.send(Method::POST, &leave, None),
            luis.send(Method::POST, &join, None),
            luis.send(Method::POST, &messages, body.clone()),
            ana.send(Method::POST, &messages, body),
        ]);
        let statuses = statuses(&answers.await);
        assert!(statuses.iter().all(|status| *status < 300), "{statuses:?}");
        let owner = luis.get(&room).await["owner_id"].clone();
        assert!(owner.is_i64(), "round {round}: {owner}");
    }
}

#[tokio::test]
async fn name_order_does_not_depend_on_database_collation() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    // Punctuation, then numbers by value, then letters; accents and case count last.
    let ordered =
        ["_c", "-b", "!a", "🌱", "2", "10", "ábaco", "ñandú", "Nube", "nuez", "zoo", "Обед"];
    for name in ["zoo", "ñandú", "2", "Nube", "_c", "🌱", "ábaco", "Обед", "!a", "nuez", "10", "-b"]
    {
        ana.post("/rooms", json!({"name": name, "visibility": "public"})).await;
    }
    let rooms = ana.get("/rooms").await;
    let rooms = rooms["items"].as_array().expect("items");
    let names: Vec<_> =
        rooms.iter().skip(1).map(|room| room["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ordered);
    for name in ["Zoe", "nube", "ñandu", "José", "jos-e"] {
        server.api(name).await;
    }
    let users = ana.get("/users").await;
    let users = users["items"].as_array().expect("items");
    let names: Vec<_> = users.iter().map(|user| user["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["ana", "jos-e", "José", "ñandu", "nube", "Zoe"]);
}

/// `PostgreSQL` cannot store NUL in a text, so a NUL that reached the database would cause a 500.
#[tokio::test]
async fn nul_characters_are_refused_or_removed_everywhere() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let account = json!({"name": "b\0b", "email": "b\0@x.org", "password": PASSWORD});
    for (path, body, status) in [
        ("/users", account, 422),
        ("/tokens", json!({"login": "a\0na", "password": PASSWORD, "label": "x"}), 401),
        ("/tokens", json!({"login": "ana", "password": PASSWORD, "label": "\0x\0y"}), 422),
        ("/rooms", json!({"name": "a\0b", "visibility": "public"}), 422),
        ("/rooms", json!({"name": "ab", "topic": "a\0b", "visibility": "public"}), 422),
        ("/join", json!({"code": "\0"}), 404),
        ("/direct", json!({"name": "a\0na"}), 404),
        ("/rooms/1/messages", json!({"body": "\0"}), 422),
        ("/rooms/1/messages", json!({"body": "a\0b"}), 201),
        ("/rooms/1/messages", json!({"body": "ab", "nonce": "\0"}), 422),
    ] {
        let answer = ana.send(Method::POST, path, Some(body.clone())).await;
        assert_eq!(answer.status(), status, "{path} {body}");
    }
    let topic = ana.send(Method::PATCH, "/rooms/1", Some(json!({"topic": "a\0b"}))).await;
    assert_eq!(topic.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(ana.get("/rooms/1/messages").await["items"][0]["body"], "ab");

    let mut eva = server.browser_as("eva").await;
    for path in ["/direct/a%00na", "/join/%00", "/rooms/%00", "/rooms?q=%00", "/login?next=%00"] {
        let page = eva.get(path).await;
        assert!(page.status.as_u16() < 500, "{path}: {}", page.status);
    }
    for command in
        ["/join a\0na", "/private a\0na hola", "/invite \0", "/topic a\0b", "/create a\0b"]
    {
        let page = eva.say(command).await;
        assert!(page.status.as_u16() < 500, "{command:?}: {}", page.status);
    }
    let renamed = eva.submit("/settings/name", &[("display_name", "e\0va")]).await;
    assert_eq!(renamed.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut visitor = server.browser();
    let refused = visitor.login("e\0va", PASSWORD).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(visitor.login("eva", PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn out_of_range_numbers_find_nothing() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    ana.say("uno").await;
    for number in [i64::MAX, i64::MIN, 1 << 53, 1 << 31, -1] {
        for path in [format!("/rooms/{number}"), format!("/rooms/{number}/messages")] {
            assert_eq!(ana.refused(Method::GET, &path, None).await.status, 404, "{path}");
        }
        for parameter in ["before", "after", "around", "since_rev"] {
            ana.get(&format!("/rooms/1/messages?{parameter}={number}")).await;
        }
        let reply = json!({"body": "sí", "reply_to": number});
        let refused = ana.refused(Method::POST, "/rooms/1/messages", Some(reply)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{number}");
        let marked = ana.send(Method::PUT, "/rooms/1/read", Some(json!({"seq": number}))).await;
        assert!(marked.status().as_u16() < 500, "{number}: {}", marked.status());
    }
    assert_eq!(ana.get("/rooms/1").await["last_read_seq"], 1);
}

#[tokio::test]
async fn several_processes_can_open_an_empty_database_at_once() {
    if !Storage::is_on_postgres() {
        return; // A SQLite file has one server; see README.
    }
    let storage = Storage::empty("").await;
    let opened = join_all((0..4).map(|_| storage.open())).await;
    let migrated = "select count(*) from _sqlx_migrations where success";
    let counts = join_all(opened.iter().map(|db| numbers(db, migrated))).await;
    assert!(counts[0][0] > 0 && counts.iter().all(|count| count == &counts[0]), "{counts:?}");
    join_all(opened.iter().map(patio::db::Db::close)).await;
}
