//! Deleting rooms: rights, invisibility, restoration, and the purge a day later.

use std::fs;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::command::{patio, success, text};
use crate::support::{Api, Live, PASSWORD, Server, eventually, numbers, try_execute};

const NONE: Option<Value> = None;
const DAY: Duration = Duration::from_hours(24);
const ALMOST_A_DAY: Duration = Duration::from_secs(24 * 60 * 60 - 1);

/// Creates a room of `owner` with one message, and returns its id and code.
async fn room(owner: &Api, name: &str, visibility: &str) -> (i64, String) {
    let made = owner.post("/rooms", json!({"name": name, "visibility": visibility})).await;
    let id = made["id"].as_i64().expect("an id");
    owner.post(&format!("/rooms/{id}/messages"), json!({"body": "palabras enterradas"})).await;
    (id, made["code"].as_str().expect("a code").to_owned())
}

async fn delete(user: &Api, room: i64) {
    let path = format!("/rooms/{room}");
    assert_eq!(user.ok(Method::DELETE, &path, NONE).await.0, StatusCode::NO_CONTENT);
}

async fn restore(user: &Api, room: i64) -> (StatusCode, Value) {
    user.ok(Method::POST, &format!("/rooms/{room}/restore"), NONE).await
}

async fn restored(user: &Api, room: i64) -> StatusCode {
    user.send(Method::POST, &format!("/rooms/{room}/restore"), NONE).await.status()
}

#[tokio::test]
async fn only_owner_and_reading_administrators_delete_a_room() {
    let server = Server::start().await;
    let (admin, owner) = (server.api("ana").await, server.api("luis").await);
    let (member, outsider) = (server.api("eva").await, server.api("olga").await);
    let (public, _) = room(&owner, "huerto", "public").await;
    let (private, code) = room(&owner, "taller", "private").await;
    member.post("/join", json!({"code": code})).await;
    member.post(&format!("/rooms/{public}/join"), json!({})).await;
    let direct = owner.post("/direct", json!({"name": "eva"})).await["id"].as_i64().expect("an id");
    for (user, room, status) in [
        (&member, public, 403),
        (&outsider, public, 403),
        (&member, private, 403),
        (&outsider, private, 404),
        (&admin, private, 404),
        (&admin, direct, 404),
        (&owner, direct, 409),
        (&member, direct, 409),
        (&admin, 1, 409),
        (&owner, 1, 403),
        (&admin, 99, 404),
    ] {
        let refused = user.refused(Method::DELETE, &format!("/rooms/{room}"), NONE).await;
        assert_eq!(refused.status.as_u16(), status, "room {room}: {:?}", refused.body);
    }
    delete(&admin, public).await;
    delete(&owner, private).await;
    // A room can be deleted only once.
    let again = owner.refused(Method::DELETE, &format!("/rooms/{private}"), NONE).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    let log = admin.get("/audit").await;
    let response: Vec<_> = log["items"].as_array().expect("items").iter().collect();
    assert_eq!(response.len(), 2);
    assert_eq!(
        (&response[0]["actor"]["name"], &response[0]["action"]),
        (&json!("luis"), &json!("room.delete"))
    );
    assert_eq!(response[0]["subject"], json!({"kind": "room", "id": private, "name": "taller"}));
    assert_eq!(response[1]["actor"]["name"], "ana");
}

/// Asserts that no call finds the room or its message.
async fn refuses_every_call(user: &Api, room: i64, message: i64, code: &str) {
    let (at, it) = (format!("/rooms/{room}"), format!("/messages/{message}"));
    for (method, path, body) in [
        (Method::GET, at.clone(), json!({})),
        (Method::PATCH, at.clone(), json!({"name": "otra"})),
        (Method::GET, format!("{at}/messages"), json!({})),
        (Method::GET, format!("{at}/messages?since_rev=0"), json!({})),
        (Method::POST, format!("{at}/messages"), json!({"body": "sigo"})),
        (Method::POST, format!("{at}/join"), json!({})),
        (Method::POST, format!("{at}/leave"), json!({})),
        (Method::PUT, format!("{at}/read"), json!({"seq": 1})),
        (Method::POST, "/join".to_owned(), json!({"code": code})),
        (Method::PATCH, it.clone(), json!({"body": "otra"})),
        (Method::DELETE, it.clone(), json!({})),
        (Method::PUT, format!("{it}/reactions/👍"), json!({})),
        (Method::DELETE, format!("{it}/reactions/👍"), json!({})),
    ] {
        let refused = user.refused(method.clone(), &path, Some(body)).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{method} {path}");
    }
}

#[tokio::test]
async fn no_endpoint_finds_a_deleted_room() {
    let server = Server::start().await;
    let (admin, owner) = (server.api("ana").await, server.api("luis").await);
    let member = server.api("eva").await;
    for visibility in ["public", "private"] {
        let (id, code) = room(&owner, "huerto", visibility).await;
        member.post("/join", json!({"code": code})).await;
        let response = member.post(&format!("/rooms/{id}/messages"), json!({"body": "hola"})).await;
        let message = response["id"].as_i64().expect("an id");
        delete(&owner, id).await;
        for user in [&admin, &owner, &member] {
            refuses_every_call(user, id, message, &code).await;
            let rooms = user.get("/rooms").await;
            assert!(!rooms.to_string().contains("huerto"), "{rooms}");
            assert_eq!(user.get("/search?q=enterradas").await["items"], json!([]));
            let mut live = user.live().await;
            let ready = live.until("ready").await;
            let ids: Vec<_> = ready["rooms"].as_array().expect("rooms").iter().collect();
            assert!(ids.iter().all(|room| room["id"] != id), "{ready}");
            live.send(json!({"type": "open", "room": id, "since_rev": 0})).await;
            assert_eq!(live.until("error").await["status"], 404);
            live.send(json!({"type": "post", "room": id, "body": "sigo"})).await;
            assert_eq!(live.until("error").await["status"], 404);
        }
        let mut page = server.browser();
        page.login("eva", PASSWORD).await;
        for path in ["/rooms/1", "/rooms", "/switcher", "/search?q=enterradas"] {
            assert!(!page.get(path).await.text.contains("huerto"), "{path}");
        }
        for path in [
            format!("/rooms/{id}"),
            format!("/rooms/{id}/settings"),
            format!("/rooms/{id}/deleted"),
            format!("/messages/{message}"),
            format!("/join/{code}"),
        ] {
            let found = page.get(&path).await;
            assert!(
                found.status == StatusCode::NOT_FOUND || !found.text.contains("huerto"),
                "{path}"
            );
            assert!(!found.text.contains("enterradas"), "{path}");
        }
        // The lobby is unchanged.
        member.say("todo bien").await;
    }
}

#[tokio::test]
async fn all_who_see_the_room_are_notified_of_its_deletion() {
    let server = Server::start().await;
    let (admin, owner) = (server.api("ana").await, server.api("luis").await);
    let (member, outsider) = (server.api("eva").await, server.api("olga").await);
    let (public, _) = room(&owner, "huerto", "public").await;
    let (private, code) = room(&owner, "taller", "private").await;
    member.post("/join", json!({"code": code})).await;
    let (mut hers, mut others) = (member.live().await, outsider.live().await);
    hers.open_room(public, None).await;
    others.open_room(public, None).await;
    delete(&admin, public).await;
    for live in [&mut hers, &mut others] {
        let closed = live.until("closed").await;
        assert_eq!(closed, json!({"type": "closed", "room": public, "reason": "deleted"}));
    }
    delete(&owner, private).await;
    assert_eq!(hers.until("closed").await["room"], private);
    // A user who could not see the room receives nothing.
    others.send(json!({"type": "ping"})).await;
    while let frame = others.next().await
        && frame["type"] != "pong"
    {
        assert_ne!(frame["type"], "closed", "{frame}");
    }
}

#[tokio::test]
async fn deleter_or_administrator_restores_a_room_within_a_day() {
    let server = Server::start().await;
    let (admin, owner) = (server.api("ana").await, server.api("luis").await);
    let (member, outsider) = (server.api("eva").await, server.api("olga").await);
    for (name, visibility) in [("huerto", "public"), ("taller", "private")] {
        let (id, code) = room(&owner, name, visibility).await;
        member.post("/join", json!({"code": code})).await;
        owner.post(&format!("/rooms/{id}/messages"), json!({"body": "@eva sin leer"})).await;
        let path = format!("/rooms/{id}");
        let before = (owner.get(&path).await, member.get(&path).await);
        assert_eq!(before.1["mentions"], 1);
        delete(&owner, id).await;
        for user in [&member, &outsider] {
            assert_eq!(restored(user, id).await, StatusCode::NOT_FOUND);
        }
        // Its name stays reserved in any case; the name of a private room is not.
        let taken = json!({"name": name.to_uppercase(), "visibility": "public"});
        let made = outsider.send(Method::POST, "/rooms", Some(taken)).await.status();
        let other = outsider.post("/rooms", json!({"name": "x", "visibility": "public"})).await;
        let other = format!("/rooms/{}", other["id"]);
        let renamed = outsider.send(Method::PATCH, &other, Some(json!({"name": name}))).await;
        let expected = if visibility == "public" { 409 } else { 201 };
        assert_eq!(made.as_u16(), expected, "{visibility}");
        assert_eq!(renamed.status().as_u16(), 409, "{visibility}");
        outsider.ok(Method::DELETE, &other, NONE).await;
        restored(&outsider, other.trim_start_matches("/rooms/").parse().expect("an id")).await;
        outsider.ok(Method::PATCH, &other, Some(json!({"name": format!("x {name}")}))).await;
        server.advance(ALMOST_A_DAY);
        let (status, shape) = restore(&owner, id).await;
        assert_eq!((status, &shape["name"]), (StatusCode::OK, &json!(name)));
        assert_eq!((owner.get(&path).await, member.get(&path).await), before);
        let response = member.get(&format!("{path}/messages")).await;
        assert_eq!(response["items"].as_array().map(Vec::len), Some(2));
        assert_eq!(outsider.post("/join", json!({"code": code})).await["id"], id);
        assert_eq!(restored(&owner, id).await, StatusCode::NOT_FOUND, "the room is not deleted");
        // An administrator restores rooms that others deleted, even unreadable ones.
        delete(&owner, id).await;
        let status = if visibility == "public" { 200 } else { 204 };
        assert_eq!(restored(&admin, id).await.as_u16(), status);
        delete(&owner, id).await;
        server.advance(DAY);
        for user in [&admin, &owner] {
            assert_eq!(restored(user, id).await, StatusCode::NOT_FOUND, "too late");
        }
    }
}

#[tokio::test]
async fn after_a_day_messages_are_purged_and_the_id_is_never_reused() {
    let server = Server::start().await;
    let (owner, member) = (server.api("luis").await, server.api("eva").await);
    owner.say("esto queda").await;
    let (id, _) = room(&owner, "huerto", "public").await;
    let path = format!("/rooms/{id}/messages");
    for n in 0..250 {
        let body = json!({"body": format!("@eva efímero {n}"), "nonce": format!("n{n}")});
        let response = owner.post(&path, body).await;
        if n % 50 == 0 {
            let at = format!("/messages/{}/reactions/👍", response["id"]);
            member.ok(Method::PUT, &at, NONE).await;
        }
    }
    delete(&owner, id).await;
    let db = server.storage().open().await;
    let left = "select count(*) from messages union all select count(*) from reactions
                union all select count(*) from mentions union all select count(*) from idempotency_keys
                union all select count(*) from deleted_memberships";
    assert_eq!(numbers(&db, left).await, [252, 5, 250, 250, 2]);
    server.advance(DAY);
    // A background job does it, within about a second.
    eventually("the room is purged", async || numbers(&db, left).await == [1, 0, 0, 0, 0]).await;
    let jobs = "select count(*) from jobs where kind = 'purge-room'";
    eventually("the job is done", async || numbers(&db, jobs).await == [0]).await;
    let next = owner.post("/rooms", json!({"name": "huerto", "visibility": "public"})).await;
    assert_eq!(next["id"], id + 1, "its name is free, but its id is not reused");
    assert_eq!(
        owner.get(&path.replace(&id.to_string(), &(id + 1).to_string())).await["items"],
        json!([])
    );
    assert_eq!(owner.get("/search?q=ef%C3%ADmero").await["items"], json!([]));
    assert_eq!(owner.get("/search?q=queda").await["items"].as_array().map(Vec::len), Some(1));
}

/// Skips frames until one of this type is about this room.
async fn about(live: &mut Live, kind: &str, room: i64) -> Value {
    loop {
        let frame = live.until(kind).await;
        if frame["room"] == room || frame["room"]["id"] == room {
            return frame;
        }
    }
}

#[tokio::test]
async fn restored_room_reaches_members_and_new_connections() {
    let server = Server::start().await;
    let (owner, member) = (server.api("luis").await, server.api("eva").await);
    let (id, code) = room(&owner, "taller", "private").await;
    member.post("/join", json!({"code": code})).await;
    let mut before = member.live().await;
    before.until("present").await;
    delete(&owner, id).await;
    about(&mut before, "closed", id).await;
    let mut during = member.live().await;
    during.until("present").await;
    restore(&owner, id).await;
    for live in [&mut before, &mut during] {
        assert_eq!(about(live, "room", id).await["room"]["name"], "taller");
    }
    owner.post(&format!("/rooms/{id}/messages"), json!({"body": "de vuelta"})).await;
    for live in [&mut before, &mut during] {
        assert_eq!(about(live, "unread", id).await["last_seq"], 2);
    }
}

#[tokio::test]
async fn other_servers_publish_deletion_and_restoration() {
    let one = Server::start().await;
    let two = one.second().await;
    let owner = one.api("luis").await.through(&two);
    let member = one.api("eva").await;
    let (id, code) = room(&owner, "taller", "private").await;
    member.post("/join", json!({"code": code})).await;
    let mut live = member.live().await;
    live.until("present").await;
    for _ in 0..2 {
        delete(&owner, id).await;
        assert_eq!(about(&mut live, "closed", id).await["reason"], "deleted");
        restore(&owner, id).await;
        assert_eq!(about(&mut live, "room", id).await["room"]["name"], "taller");
    }
    owner.post(&format!("/rooms/{id}/messages"), json!({"body": "de vuelta"})).await;
    assert_eq!(about(&mut live, "unread", id).await["last_seq"], 2);
}

#[tokio::test]
async fn catch_up_reports_deletion_to_users_who_saw_the_room() {
    let server = Server::start().await;
    let (owner, member) = (server.api("luis").await, server.api("eva").await);
    let outsider = server.api("olga").await;
    let (id, code) = room(&owner, "taller", "private").await;
    member.post("/join", json!({"code": code})).await;
    server.advance(Duration::from_mins(1));
    let at = member.live().await.until("ready").await["at"].as_str().expect("a time").to_owned();
    server.advance(Duration::from_mins(1));
    delete(&owner, id).await;
    let mut live = member.live_since(&at).await;
    live.until("ready").await;
    assert_eq!(live.next().await, json!({"type": "closed", "room": id, "reason": "deleted"}));
    let mut live = outsider.live_since(&at).await;
    live.until("ready").await;
    assert_eq!(live.next().await["type"], "present");
}

#[tokio::test]
async fn database_refuses_members_owner_or_code_of_a_deleted_room() {
    let server = Server::start().await;
    let owner = server.api("luis").await;
    server.api("eva").await;
    let (id, _) = room(&owner, "huerto", "public").await;
    assert_eq!(id, 2);
    let db = server.storage().open().await;
    let statements = [
        "insert into memberships (user_id, room_id, last_read_seq, joined_at) values (2, 2, 0, 0)",
        "update rooms set owner_id = 2 where id = 2",
        "update rooms set code = 'ABCDEFGHJKMN' where id = 2",
        "update rooms set visibility = 'public' where id = 2",
    ];
    let state = "select count(*) from memberships where room_id = 2
                 union all select count(*) from rooms where id = 2 and owner_id is null
                   and code is null and visibility = 'private'";
    delete(&owner, id).await;
    for statement in statements {
        try_execute(&db, statement).await.expect("it changes nothing");
        assert_eq!(numbers(&db, state).await, [0, 1], "{statement}");
    }
    restore(&owner, id).await;
    for statement in statements {
        try_execute(&db, statement).await.expect("now it does");
    }
    assert_eq!(numbers(&db, state).await, [2, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn export_omits_deleted_rooms_and_keeps_all_others() {
    let server = Server::start().await;
    let (owner, member) = (server.api("luis").await, server.api("eva").await);
    let (id, code) = room(&owner, "huerto", "public").await;
    let removed = server.api("ana").await.post("/join", json!({"code": code})).await;
    assert_eq!(removed["id"], id);
    owner.ok(Method::DELETE, &format!("/rooms/{id}/members/3"), NONE).await;
    // A removal renews the code.
    let code =
        owner.get(&format!("/rooms/{id}")).await["code"].as_str().expect("a code").to_owned();
    member.post("/join", json!({"code": code})).await;
    let body = json!({"body": "@eva enterrada", "nonce": "hundido"});
    let response = owner.post(&format!("/rooms/{id}/messages"), body).await;
    let reaction = format!("/messages/{}/reactions/🪦", response["id"]);
    member.ok(Method::PUT, &reaction, NONE).await;
    owner.post("/rooms/1/messages", json!({"body": "@eva viva", "nonce": "flotante"})).await;
    delete(&owner, id).await;
    let folder = tempfile::tempdir().expect("a directory");
    let export = folder.path().join("x");
    success(&patio(server.storage(), &["export", text(&export), "--full"]));
    let mut all = String::new();
    for part in ["", "secrets", "rooms"] {
        for entry in fs::read_dir(export.join(part)).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
            // The audit log keeps the name.
            if path.is_file() && name != "audit.jsonl" {
                all += &fs::read_to_string(path).expect("text");
            }
        }
    }
    for word in ["enterrada", "hundido", "🪦", "huerto", &code.replace('-', "")] {
        assert!(!all.contains(word), "{word}");
    }
    assert!(all.contains("viva") && all.contains("flotante"));
    let elsewhere = folder.path().join("data");
    success(&patio(elsewhere.as_path(), &["import", "patio", text(&export)]));
}

#[tokio::test]
async fn room_is_deleted_and_restored_without_scripts() {
    let server = Server::start().await;
    server.browser_as("ana").await;
    let (mut luis, mut eva) = (server.browser_as("luis").await, server.browser_as("eva").await);
    luis.submit("/rooms", &[("name", "huerto"), ("topic", ""), ("visibility", "public")]).await;
    eva.submit("/rooms/2/join", &[]).await;
    let button = "form[action='/rooms/2/delete']";
    assert_eq!(luis.get("/rooms/2/settings").await.all(button).len(), 1);
    assert_eq!(eva.get("/rooms/2/settings").await.all(button).len(), 0);
    assert_eq!(eva.submit("/rooms/2/delete", &[]).await.status, StatusCode::FORBIDDEN);
    let page = luis.submit("/rooms/2/delete", &[]).await;
    assert_eq!((page.status, page.path.as_str()), (StatusCode::OK, "/rooms/2/deleted"));
    assert!(page.one(".page__section p:first-child").contains("huerto"));
    assert_eq!(page.one("time"), "Sunday 22 November 2026, 10:00 UTC");
    assert_eq!(eva.get("/rooms/2").await.status, StatusCode::NOT_FOUND);
    assert_eq!(eva.submit("/rooms/2/restore", &[]).await.status, StatusCode::NOT_FOUND);
    // An administrator who left that page finds it again in the list of all rooms.
    assert_eq!(luis.get("/rooms").await.all("#deleted form[action='/rooms/2/restore']").len(), 1);
    assert_eq!(eva.get("/rooms").await.all("#deleted").len(), 0);
    let page = luis.submit("/rooms/2/restore", &[]).await;
    assert_eq!((page.status, page.path.as_str()), (StatusCode::OK, "/rooms/2"));
    assert_eq!(eva.get("/rooms/2").await.status, StatusCode::OK);
}

#[tokio::test]
async fn administrators_manage_all_rooms_but_read_no_private_ones() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    let (admin, owner) = (server.api("ana").await, server.api("luis").await);
    let (public, _) = room(&owner, "huerto", "public").await;
    let (private, _) = room(&owner, "taller", "private").await;
    let direct = owner.post("/direct", json!({"name": "ana"})).await["id"].clone();
    let page = ana.get("/admin/rooms").await;
    let names = page.all("#all-rooms strong");
    assert_eq!(names, ["lobby", "huerto", "taller"]);
    assert_eq!(
        page.all("#all-rooms small"),
        ["1".to_owned(), public.to_string(), private.to_string()]
    );
    assert_eq!(
        page.all("#all-rooms .item-list__meta")[2],
        "1 member · 1 message · owner: luis (@luis)"
    );
    assert!(!page.text.contains("enterradas"));
    assert_eq!(luis.get("/admin/rooms").await.status, StatusCode::FORBIDDEN);
    let at = |id: i64, what: &str| format!("/admin/rooms/{id}/{what}");
    for what in ["name", "delete"] {
        let fields = [("name", "mío")];
        assert_eq!(luis.submit(&at(private, what), &fields).await.status, StatusCode::FORBIDDEN);
        for nothing in [99, direct.as_i64().expect("an id")] {
            assert_eq!(ana.submit(&at(nothing, what), &fields).await.status, StatusCode::NOT_FOUND);
        }
    }
    assert_eq!(ana.submit(&at(1, "delete"), &[]).await.status, StatusCode::CONFLICT);
    // The input comes back with the field error.
    let page = ana.submit(&at(public, "name"), &[("name", "LOBBY")]).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    let field = format!("#name-{public}");
    assert_eq!(page.attribute(&field, "value").as_deref(), Some("LOBBY"));
    assert_eq!(page.one(&format!("{field}-note")), "There is already a room with this name.");
    let page = ana.submit(&at(public, "name"), &[("name", " ")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    ana.submit(&at(private, "name"), &[("name", "sótano")]).await;
    assert_eq!(owner.get(&format!("/rooms/{private}")).await["name"], "sótano");
    assert_eq!(
        admin.refused(Method::GET, &format!("/rooms/{private}"), NONE).await.status,
        StatusCode::NOT_FOUND
    );
    let page = ana.submit(&at(private, "delete"), &[]).await;
    assert_eq!(page.path, format!("/rooms/{private}/deleted"));
    assert_eq!(
        owner.refused(Method::GET, &format!("/rooms/{private}"), NONE).await.status,
        StatusCode::NOT_FOUND
    );
    let page = ana.submit(&format!("/rooms/{private}/restore"), &[]).await;
    assert_eq!(page.path, "/admin/rooms");
    assert_eq!(owner.get(&format!("/rooms/{private}")).await["name"], "sótano");
    let log = admin.get("/audit").await;
    let renamed = &log["items"][2];
    assert_eq!(renamed["detail"], json!({"new_name": "sótano"}));
    assert_eq!(
        (&renamed["action"], &renamed["subject"]["name"]),
        (&json!("room.rename"), &json!("taller"))
    );
    assert_eq!(log["items"].as_array().map(Vec::len), Some(3), "a refused name is not recorded");
}

#[tokio::test]
async fn administration_lists_rooms_in_the_order_of_names() {
    let server = Server::start().await;
    let mut browser = server.browser_as("ana").await;
    let ana = server.api("ana").await;
    for name in ["Zumba", "Room 14", "\u{c1}ngel", "Mesa", "Room 9", "\u{d1}and\u{fa}"] {
        room(&ana, name, "public").await;
    }
    let names = browser.get("/admin/rooms").await.all("#all-rooms strong");
    assert_eq!(names[1..], ["\u{c1}ngel", "Mesa", "\u{d1}and\u{fa}", "Room 9", "Room 14", "Zumba"]);
}
