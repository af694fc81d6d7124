//! Threads: who may read them and reply, who follows them, and what their heads show.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Api, Live, PASSWORD, Server, eventually, numbers};

const NONE: Option<Value> = None;

/// A message in a new room of `owner`, and the room.
async fn head(owner: &Api, visibility: &str) -> (Value, i64) {
    let made = owner.post("/rooms", json!({"name": "huerto", "visibility": visibility})).await;
    let room = made["id"].as_i64().expect("an id");
    let path = format!("/rooms/{room}/messages");
    let message = owner.post(&path, json!({"body": "The arches are up"})).await;
    (message, room)
}

fn thread_path(message: &Value) -> String {
    format!("/messages/{}/thread", message["id"])
}

async fn reply(user: &Api, head: &Value, body: &str) -> Value {
    user.post(&thread_path(head), json!({"body": body})).await
}

async fn status(user: &Api, method: Method, path: &str, body: Value) -> u16 {
    user.send(method, path, Some(body)).await.status().as_u16()
}

/// Posts over a connection, and returns the status.
async fn post_live(user: &Api, room: &Value) -> u64 {
    let mut live = user.live().await;
    let nonce = format!("live-{room}");
    live.send(json!({"type": "post", "room": room, "body": "more", "nonce": nonce})).await;
    loop {
        let frame = live.next().await;
        match frame["type"].as_str() {
            Some("posted") => return 201,
            Some("error") => return frame["status"].as_u64().expect("a status"),
            _ => {}
        }
    }
}

async fn message(user: &Api, id: &Value) -> Value {
    user.get(&format!("/messages/{id}")).await
}

#[tokio::test]
async fn the_first_reply_creates_the_thread_and_the_head_shows_it() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (head, room) = head(&ana, "public").await;
    assert_eq!(head["thread"], Value::Null);
    assert_eq!(status(&ana, Method::GET, &thread_path(&head), json!({})).await, 404);
    let first = reply(&luis, &head, "They look like a door").await;
    let thread = luis.get(&thread_path(&head)).await;
    assert_eq!(thread["visibility"], "thread");
    assert_eq!(thread["parent"], json!({"room_id": room, "message_id": head["id"]}));
    assert_eq!((&thread["name"], &thread["code"]), (&json!(""), &Value::Null));
    assert_eq!((&thread["owner_id"], &thread["members"]), (&Value::Null, &json!(2)));
    assert_eq!((&first["room_id"], &first["seq"]), (&thread["id"], &json!(1)));
    let second = reply(&ana, &head, "A small one").await;
    let shown = message(&luis, &head["id"]).await["thread"].clone();
    assert_eq!((&shown["room_id"], &shown["replies"]), (&thread["id"], &json!(2)));
    assert_eq!(shown["participants"], json!([1, 2]), "the last one first");
    assert_eq!(shown["last_reply_at"], second["created_at"]);
    // The calls for rooms work for it, and lists of rooms do not have it.
    let path = format!("/rooms/{}", thread["id"]);
    let third = luis.post(&format!("{path}/messages"), json!({"body": "With a key"})).await;
    assert_eq!(third["seq"], 3);
    let history = ana.get(&format!("{path}/messages")).await;
    let items = history["items"].as_array().expect("items");
    let seqs: Vec<_> = items.iter().map(|item| item["seq"].as_i64()).collect();
    assert_eq!(seqs, [Some(1), Some(2), Some(3)]);
    let rooms = ana.get("/rooms").await;
    let rooms = rooms["items"].as_array().expect("items");
    assert!(rooms.iter().all(|room| room["visibility"] != "thread"));
    assert_eq!(ana.get("/threads").await["items"][0]["id"], thread["id"]);
}

/// The id of a room with ana, luis and, unless it is a direct message, eva; and a message of ana there.
async fn room_with_message(ana: &Api, luis: &Api, eva: &Api, visibility: &str) -> (Value, Value) {
    let room = if visibility == "direct" {
        ana.post("/direct", json!({"name": "luis"})).await
    } else {
        let made = ana.post("/rooms", json!({"name": "taller", "visibility": visibility})).await;
        for user in [luis, eva] {
            user.post("/join", json!({"code": made["code"]})).await;
        }
        made
    };
    let path = format!("/rooms/{}/messages", room["id"]);
    (room["id"].clone(), ana.post(&path, json!({"body": "hola"})).await)
}

#[tokio::test]
async fn rights_in_a_thread_are_those_in_its_room() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (eva, olga) = (server.api("eva").await, server.api("olga").await);
    for visibility in ["public", "private", "direct"] {
        // ana is in the room, eva was and left or is no part of it, olga never was.
        let (room, message) = room_with_message(&ana, &luis, &eva, visibility).await;
        reply(&luis, &message, "first").await;
        if visibility != "direct" {
            reply(&eva, &message, "second").await;
            let eva_id = eva.get("/me").await["id"].clone();
            let path = format!("/rooms/{room}/members/{eva_id}");
            assert_eq!(status(&ana, Method::DELETE, &path, json!({})).await, 204);
        }
        let thread = ana.get(&thread_path(&message)).await["id"].clone();
        let (reads, writes) = match visibility {
            "public" => ([200, 200], [403, 201]),
            _ => ([404, 404], [404, 404]),
        };
        for (user, read, write, member) in [
            (&ana, 200, 201, true),
            (&luis, 200, 201, true),
            (&eva, reads[0], writes[0], false),
            (&olga, reads[1], writes[1], false),
        ] {
            let name = user.get("/me").await["name"].clone();
            let case = format!("{visibility}, {name}");
            let room = format!("/rooms/{thread}");
            for path in [room.clone(), format!("{room}/messages"), thread_path(&message)] {
                assert_eq!(status(user, Method::GET, &path, json!({})).await, read, "{case}");
            }
            let listed = user.get("/threads").await;
            let listed = listed["items"].as_array().expect("items");
            assert_eq!(listed.iter().any(|one| one["id"] == thread), member, "{case}");
            for path in [format!("{room}/messages"), thread_path(&message)] {
                let body = json!({"body": "more"});
                let found = status(user, Method::POST, &path, body).await;
                assert_eq!(found, write, "{case}: {path}");
            }
            assert_eq!(post_live(user, &thread).await, u64::from(write), "{case}: live");
            let followed = if write == 201 { 200 } else { write };
            let path = format!("{room}/join");
            assert_eq!(status(user, Method::POST, &path, json!({})).await, followed, "{case}");
            // Who may read it learns that a thread has no settings; for others it does not exist.
            let fixed = if read == 200 { 409 } else { 404 };
            for (method, path) in [
                (Method::PATCH, room.clone()),
                (Method::DELETE, room.clone()),
                (Method::POST, format!("{room}/members")),
                (Method::DELETE, format!("{room}/members/1")),
            ] {
                let body = json!({"name": "olga"});
                let found = status(user, method.clone(), &path, body).await;
                assert_eq!(found, fixed, "{case}: {method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn a_member_of_a_private_room_replies_in_a_thread_that_they_do_not_follow() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (eva, olga) = (server.api("eva").await, server.api("olga").await);
    let (room, message) = room_with_message(&ana, &luis, &eva, "private").await;
    reply(&luis, &message, "first").await;
    let thread = ana.get(&thread_path(&message)).await["id"].clone();
    for (user, expected) in [(&eva, 201), (&olga, 404)] {
        assert_eq!(post_live(user, &thread).await, expected);
        assert_eq!(post_live(user, &json!(room)).await, expected);
    }
}

#[tokio::test]
async fn a_reply_has_no_thread_and_a_deleted_message_begins_none() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (head, room) = head(&ana, "public").await;
    let first = reply(&luis, &head, "one").await;
    let body = json!({"body": "nested"});
    assert_eq!(status(&luis, Method::POST, &thread_path(&first), body.clone()).await, 409);
    let path = format!("/rooms/{room}/messages");
    let other = ana.post(&path, json!({"body": "gone soon"})).await;
    for deleted in [&other, &head] {
        ana.ok(Method::DELETE, &format!("/messages/{}", deleted["id"]), NONE).await;
    }
    assert_eq!(status(&luis, Method::POST, &thread_path(&other), body.clone()).await, 409);
    // A thread outlives its head.
    assert_eq!(status(&luis, Method::POST, &thread_path(&head), body).await, 201);
    let shown = message(&ana, &head["id"]).await;
    assert_eq!((&shown["deleted"], &shown["thread"]["replies"]), (&json!(true), &json!(2)));
    assert_eq!(status(&luis, Method::GET, &thread_path(&other), json!({})).await, 404);
}

#[tokio::test]
async fn of_first_replies_at_once_one_creates_the_thread() {
    let server = Server::start().await;
    let (ana, luis, eva) =
        (server.api("ana").await, server.api("luis").await, server.api("eva").await);
    let (head, _) = head(&ana, "public").await;
    let second = server.second().await;
    let there = luis.through(&second);
    let write = async |user: &Api, n: usize| reply(user, &head, &format!("reply {n}")).await;
    let replies = join_all((0..12).map(|n| write(if n % 2 == 0 { &eva } else { &there }, n))).await;
    let thread = &replies[0]["room_id"];
    assert!(replies.iter().all(|reply| reply["room_id"] == *thread), "one thread");
    let mut seqs: Vec<i64> =
        replies.iter().map(|reply| reply["seq"].as_i64().expect("a seq")).collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=12).collect::<Vec<_>>());
    assert_eq!(message(&ana, &head["id"]).await["thread"]["replies"], 12);
}

#[tokio::test]
async fn authors_mentioned_users_and_repliers_follow_and_are_notified() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (eva, olga) = (server.api("eva").await, server.api("olga").await);
    let (head, room) = head(&ana, "public").await;
    eva.post(&format!("/rooms/{room}/join"), json!({})).await;
    let mut live = eva.live().await;
    live.until("present").await;
    // olga is not in the room, so she does not follow.
    let first = reply(&luis, &head, "@eva and @olga, look").await;
    let path = format!("/rooms/{}", first["room_id"]);
    for (user, member, unread, mentions) in
        [(&ana, true, 1, 1), (&luis, true, 0, 0), (&eva, true, 1, 1), (&olga, false, 0, 0)]
    {
        let seen = user.get(&path).await;
        let counts = (seen["unread"].as_i64(), seen["mentions"].as_i64());
        assert_eq!(counts, (Some(unread), Some(mentions)), "{seen}");
        let listed = user.get("/threads").await["items"].as_array().expect("items").len();
        assert_eq!(listed, usize::from(member), "{seen}");
    }
    let frame = live.until("room").await;
    assert_eq!((&frame["room"]["id"], &frame["room"]["unread"]), (&first["room_id"], &json!(1)));
    assert_eq!(frame["room"]["parent"]["message_id"], head["id"]);
    reply(&luis, &head, "And another").await;
    let unread = live.until("unread").await;
    assert_eq!((&unread["room"], &unread["last_seq"]), (&first["room_id"], &json!(2)));
    let mut again = ana.live().await;
    let ready = again.until("ready").await;
    let states = ready["rooms"].as_array().expect("rooms");
    let state = states.iter().find(|state| state["id"] == first["room_id"]).expect("listed");
    assert_eq!((&state["unread"], &state["mentions"]), (&json!(2), &json!(1)));
    assert_eq!(state["parent"], json!({"room_id": room, "message_id": head["id"]}));
    // Who stops following hears of nothing more.
    ana.ok(Method::POST, &format!("{path}/leave"), Some(json!({}))).await;
    reply(&luis, &head, "Third").await;
    assert_eq!(ana.get(&path).await["unread"], 0);
    assert!(ana.get("/threads").await["items"].as_array().expect("items").is_empty());
}

#[tokio::test]
async fn a_head_takes_a_rev_at_most_once_a_second_and_shows_the_last_reply_in_the_end() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (head, room) = head(&ana, "public").await;
    let mut live = ana.live().await;
    live.until("present").await;
    live.open_room(room, None).await;
    for n in 0..10 {
        reply(&luis, &head, &format!("reply {n}")).await;
    }
    let frame = live.until("message").await;
    assert_eq!(frame["message"]["thread"]["replies"], 1, "at once");
    let rev = ana.get(&format!("/rooms/{room}")).await["rev"].as_i64().expect("a rev");
    assert!(rev < 6, "ten replies raised the rev to {rev}");
    server.advance(Duration::from_secs(2));
    loop {
        let frame = live.until("message").await;
        assert_eq!(frame["message"]["id"], head["id"]);
        if frame["message"]["thread"]["replies"] == 10 {
            break;
        }
    }
    // Catching up finds it, too.
    let changes = ana.get(&format!("/rooms/{room}/messages?since_rev=1")).await;
    assert_eq!(changes["items"][0]["thread"]["replies"], 10);
}

#[tokio::test]
async fn losing_the_room_ends_following_and_restoring_it_brings_that_back() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let eva = server.api("eva").await;
    let (head, room) = head(&ana, "private").await;
    let code = ana.get(&format!("/rooms/{room}")).await["code"].clone();
    for user in [&luis, &eva] {
        user.post("/join", json!({"code": code})).await;
        reply(user, &head, "hola").await;
    }
    let thread = ana.get(&thread_path(&head)).await["id"].as_i64().expect("an id");
    let path = format!("/rooms/{thread}");
    let mut left = luis.live().await;
    left.until("present").await;
    left.open_room(thread, None).await;
    luis.ok(Method::POST, &format!("/rooms/{room}/leave"), Some(json!({}))).await;
    loop {
        if left.until("closed").await["room"] == thread {
            break;
        }
    }
    assert_eq!(status(&luis, Method::GET, &path, json!({})).await, 404);
    luis.post("/join", json!({"code": code})).await;
    assert!(luis.get("/threads").await["items"].as_array().expect("items").is_empty());
    assert_eq!(status(&luis, Method::GET, &path, json!({})).await, 200, "but may read it again");

    let mut reading = eva.live().await;
    reading.until("present").await;
    reading.open_room(thread, None).await;
    ana.ok(Method::DELETE, &format!("/rooms/{room}"), NONE).await;
    loop {
        let closed = reading.until("closed").await;
        if closed["room"] == thread {
            assert_eq!(closed["reason"], "deleted");
            break;
        }
    }
    assert_eq!(status(&ana, Method::GET, &path, json!({})).await, 404);
    assert!(ana.get("/threads").await["items"].as_array().expect("items").is_empty());
    assert_eq!(ana.get("/search?q=hola").await["items"], json!([]));
    ana.ok(Method::POST, &format!("/rooms/{room}/restore"), Some(json!({}))).await;
    for user in [&ana, &eva] {
        assert_eq!(user.get("/threads").await["items"][0]["id"], thread);
    }
    reply(&ana, &head, "back again").await;
    loop {
        let frame = reading.until("unread").await;
        if frame["room"] == thread {
            break;
        }
    }
}

#[tokio::test]
async fn purging_a_room_purges_its_threads() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let (head, room) = head(&ana, "public").await;
    let thread = reply(&ana, &head, "palabras enterradas").await["room_id"].clone();
    ana.ok(Method::DELETE, &format!("/rooms/{room}"), NONE).await;
    let db = server.storage().open().await;
    let left = "select count(*) from messages union all select count(*) from threads
                union all select count(*) from thread_authors
                union all select count(*) from deleted_memberships";
    assert_eq!(numbers(&db, left).await, [2, 1, 1, 2]);
    server.advance(Duration::from_hours(24));
    eventually("it is purged", async || numbers(&db, left).await == [0, 0, 0, 0]).await;
    let next = ana.post("/rooms", json!({"name": "next", "visibility": "public"})).await;
    assert_eq!(next["id"].as_i64(), thread.as_i64().map(|id| id + 1), "ids are not reused");
}

#[tokio::test]
async fn a_copy_in_the_room_changes_with_the_reply() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (head, room) = head(&ana, "public").await;
    let sent = json!({"body": "string, @ana", "nonce": "n1", "also_in_room": true});
    let reply = luis.post(&thread_path(&head), sent.clone()).await;
    assert_eq!((&reply["nonce"], &reply["twin_of"]), (&json!("n1"), &Value::Null));
    let path = format!("/rooms/{room}/messages");
    let copy = ana.get(&path).await["items"][1].clone();
    assert_eq!((&copy["body"], &copy["nonce"]), (&reply["body"], &Value::Null));
    assert_eq!((&copy["twin_of"], &copy["html"]), (&reply["id"], &reply["html"]));
    let again = luis.ok(Method::POST, &thread_path(&head), Some(sent)).await;
    assert_eq!((again.0.as_u16(), &again.1["id"]), (200, &reply["id"]));
    assert_eq!(ana.get(&path).await["items"].as_array().expect("items").len(), 2);
    // ana hears of it once.
    assert_eq!(ana.get(&format!("/rooms/{room}")).await["mentions"], 0);
    for (edited, other, body) in [(&reply, &copy, "wire"), (&copy, &reply, "green string")] {
        let path = format!("/messages/{}", edited["id"]);
        let (_, edited) = luis.ok(Method::PATCH, &path, Some(json!({"body": body}))).await;
        assert_eq!(edited["body"], body);
        assert_eq!(message(&ana, &other["id"]).await["body"], body);
    }
    let found = |items: &Value| items["items"].as_array().expect("items").len();
    assert_eq!(found(&ana.get("/search?q=green").await), 1, "the reply, not its copy");
    for same in [&copy, &reply] {
        let path = format!("/messages/{}", same["id"]);
        luis.ok(Method::PATCH, &path, Some(json!({"body": "green string"}))).await;
        assert_eq!(found(&ana.get("/search?q=green").await), 1, "the same text again");
    }
    assert_eq!(found(&ana.get("/search?q=wire").await), 0);
    assert_eq!(found(&ana.get("/search?q=green+in:huerto").await), 1);
    assert_eq!(found(&ana.get("/search?q=green+-in:huerto").await), 0);
    luis.ok(Method::DELETE, &format!("/messages/{}", copy["id"]), NONE).await;
    assert_eq!(message(&ana, &reply["id"]).await["deleted"], true);
    assert_eq!(found(&ana.get("/search?q=green").await), 0);
    let shown = message(&ana, &head["id"]).await["thread"].clone();
    assert_eq!((&shown["replies"], &shown["participants"]), (&json!(0), &json!([])));
    assert_eq!(shown["last_reply_at"], Value::Null);
}

#[tokio::test]
async fn deleting_replies_leaves_the_last_one_that_is_left_in_the_head() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (head, _) = head(&ana, "public").await;
    let first = reply(&luis, &head, "one").await;
    server.advance(Duration::from_secs(5));
    let second = reply(&ana, &head, "two").await;
    let third = reply(&ana, &head, "three").await;
    let delete = async |message: &Value| {
        ana.ok(Method::DELETE, &format!("/messages/{}", message["id"]), NONE).await;
    };
    delete(&second).await;
    let shown = message(&luis, &head["id"]).await["thread"].clone();
    assert_eq!((&shown["replies"], &shown["participants"]), (&json!(2), &json!([1, 2])));
    delete(&third).await;
    let shown = message(&luis, &head["id"]).await["thread"].clone();
    assert_eq!((&shown["replies"], &shown["participants"]), (&json!(1), &json!([2])));
    assert_eq!(shown["last_reply_at"], first["created_at"]);
}

#[tokio::test]
async fn other_processes_learn_who_follows() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (head, room) = head(&ana, "public").await;
    let second = server.second().await;
    let mut there = ana.through(&second).live().await;
    there.until("present").await;
    there.open_room(room, None).await;
    let first = reply(&luis, &head, "hola").await;
    // Two pollers find the message and the membership, in any order.
    let (mut shown, mut followed) = (false, false);
    while !(shown && followed) {
        let frame = there.next().await;
        shown |= frame["message"]["thread"]["replies"] == 1;
        followed |= frame["type"] == "room" && frame["room"]["id"] == first["room_id"];
    }
}

#[tokio::test]
async fn of_many_followed_threads_the_last_active_are_listed() {
    const LISTED: usize = 200;
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (old, room) = head(&ana, "public").await;
    let thread = reply(&luis, &old, "hola").await["room_id"].clone();
    server.advance(Duration::from_secs(2));
    join_all((0..LISTED).map(|n| {
        let (ana, luis) = (&ana, &luis);
        async move {
            let path = format!("/rooms/{room}/messages");
            let head = ana.post(&path, json!({"body": format!("message {n}")})).await;
            reply(luis, &head, "hola").await
        }
    }))
    .await;
    let is_listed = async |live: &mut Live| {
        let ready = live.until("ready").await;
        let states = ready["rooms"].as_array().expect("rooms");
        let threads = states.iter().filter(|state| !state["parent"].is_null());
        assert_eq!(threads.count(), LISTED);
        states.iter().any(|state| state["id"] == thread)
    };
    let second = server.second().await;
    let mut live = [ana.live().await, ana.through(&second).live().await];
    for connection in &mut live {
        assert!(!is_listed(connection).await);
        connection.until("present").await;
    }
    let mut browser = server.browser();
    browser.login("ana", PASSWORD).await;
    let count = browser.get("/rooms/1").await.one("#threads .badge__count");
    assert_eq!(count, LISTED.to_string(), "mentions in the threads that are listed");
    // A reply makes it one of them, also for those who are connected.
    server.advance(Duration::from_secs(2));
    reply(&luis, &old, "hola again").await;
    for connection in &mut live {
        loop {
            let frame = connection.until("room").await;
            if frame["room"]["id"] == thread {
                assert_eq!(frame["room"]["unread"], 2);
                break;
            }
        }
    }
    assert!(is_listed(&mut ana.live().await).await);
    luis.post(&thread_path(&old), json!({"body": "and again"})).await;
    for connection in &mut live {
        let unread = connection.until("unread").await;
        assert_eq!((&unread["room"], &unread["unread"]), (&thread, &json!(3)));
    }
}
