//! Drafts on all devices of a user.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{put, room, status, time};
use crate::support::{Api, PASSWORD, Server, numbers};

async fn drafts(api: &Api) -> Vec<Value> {
    api.get("/drafts").await["items"].as_array().expect("items").clone()
}

async fn bodies(api: &Api) -> Vec<String> {
    let body = |draft: &Value| draft["body"].as_str().expect("a body").to_owned();
    let mut bodies: Vec<String> = drafts(api).await.iter().map(body).collect();
    bodies.sort();
    bodies
}

#[tokio::test]
async fn newest_draft_of_a_room_wins_on_all_connections_of_its_author() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let mut others = luis.live().await;
    others.until("present").await;
    let mut live = ana.live().await;
    live.until("present").await;
    let message = ana.say("hola").await["id"].clone();
    put(&ana, "/rooms/1/draft", json!({"body": "un", "nonce": "n-1"})).await;
    let first = live.until("draft").await;
    assert_eq!((&first["room"], &first["body"]), (&json!(1), &json!("un")));
    assert_eq!((&first["reply_to"], &first["nonce"]), (&json!(null), &json!("n-1")));
    put(&ana, "/rooms/1/draft", json!({"body": "  dos\n", "reply_to": message})).await;
    let second = live.until("draft").await;
    assert_eq!((&second["body"], &second["reply_to"]), (&json!("  dos\n"), &message));
    assert_eq!(second["nonce"], "n-1", "a draft without a nonce keeps its own");
    let all = drafts(&ana).await;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0]["room_id"], 1);
    assert_eq!(all[0]["updated_at"], "2026-11-21T10:00:00.000Z");
    // The same again changes nothing.
    put(&ana, "/rooms/1/draft", json!({"body": "  dos\n", "reply_to": message})).await;
    assert!(live.until_now("draft").await.is_empty());
    put(&ana, "/rooms/1/draft", json!({"body": " \n "})).await;
    let gone = live.until("draft").await;
    assert_eq!((&gone["body"], &gone["reply_to"]), (&json!(""), &json!(null)));
    assert!(drafts(&ana).await.is_empty());
    assert!(others.until_now("draft").await.is_empty(), "drafts are their author's");
    assert!(drafts(&luis).await.is_empty());
}

#[tokio::test]
async fn storing_a_message_deletes_the_draft_with_its_nonce_whichever_way_it_came() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let mut live = ana.live().await;
    live.until("present").await;
    let mut page = server.browser();
    page.login("ana", PASSWORD).await;
    for way in ["api", "live", "form"] {
        put(&ana, "/rooms/1/draft", json!({"body": "buenos", "nonce": way})).await;
        assert_eq!(live.until("draft").await["body"], "buenos", "{way}");
        let text = json!({"body": "buenos días", "nonce": way});
        match way {
            "api" => drop(ana.post("/rooms/1/messages", text).await),
            "live" => {
                live.send(json!({"type": "post", "room": 1, "body": "buenos días", "nonce": way}))
                    .await;
            }
            _ => {
                let fields = [("body", "buenos días"), ("nonce", way)];
                page.submit("/rooms/1/messages", &fields).await;
            }
        }
        let gone = live.until("draft").await;
        assert_eq!((&gone["body"], &gone["nonce"]), (&json!(""), &json!(way)), "{way}");
        assert!(drafts(&ana).await.is_empty(), "{way}");
        // A request that was on its way, and later ones with the nonce, are ignored.
        put(&ana, "/rooms/1/draft", json!({"body": "buenos d", "nonce": way})).await;
        assert!(drafts(&ana).await.is_empty(), "{way}: its nonce was used");
    }
    assert!(live.until_now("draft").await.is_empty());
}

#[tokio::test]
async fn only_a_stored_message_deletes_a_draft_and_only_its_own() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (garden, _) = room(&ana, "huerto", "public").await;
    let draft = json!({"body": "texto", "nonce": "n"});
    let path = |room: i64| format!("/rooms/{room}/draft");
    put(&ana, &path(1), draft.clone()).await;
    put(&luis, &path(1), draft.clone()).await;
    put(&ana, &path(garden), json!({"body": "otra", "nonce": "m"})).await;
    let post =
        async |api: &Api, body: Value| status(api, Method::POST, "/rooms/1/messages", body).await;
    for (refused, expected) in [
        (json!({"body": "", "nonce": "n"}), 422),
        (json!({"body": "texto", "nonce": "n", "reply_to": 99}), 422),
    ] {
        assert_eq!(post(&ana, refused).await, expected);
        assert_eq!(bodies(&ana).await, ["otra", "texto"]);
    }
    assert_eq!(post(&ana, json!({"body": "texto", "nonce": "else"})).await, 201);
    assert_eq!(bodies(&ana).await, ["otra", "texto"], "another nonce");
    assert_eq!(post(&ana, json!({"body": "texto", "nonce": "n"})).await, 201);
    assert_eq!(bodies(&ana).await, ["otra"]);
    assert_eq!(bodies(&luis).await, ["texto"], "a nonce is its author's");
}

/// A reply in a thread is posted to the message, its draft belongs to the thread.
#[tokio::test]
async fn a_reply_in_a_thread_deletes_the_draft_of_the_thread() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let head = ana.say("hola").await["id"].clone();
    let path = format!("/messages/{head}/thread");
    let thread = ana.post(&path, json!({"body": "uno"})).await["room_id"].clone();
    for also_in_room in [false, true] {
        let nonce = format!("n-{also_in_room}");
        let draft = json!({"body": "dos", "nonce": nonce});
        put(&ana, &format!("/rooms/{thread}/draft"), draft).await;
        assert_eq!(bodies(&ana).await, ["dos"]);
        let reply = json!({"body": "dos", "nonce": nonce, "also_in_room": also_in_room});
        ana.post(&path, reply).await;
        assert!(bodies(&ana).await.is_empty());
    }
}

#[tokio::test]
async fn a_draft_is_bounded_and_hidden_with_its_room() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let longest = "ñ".repeat(64_000);
    put(&ana, "/rooms/1/draft", json!({"body": longest})).await;
    assert_eq!(bodies(&ana).await, std::slice::from_ref(&longest));
    let longer = json!({"body": format!("{longest}x")});
    assert_eq!(status(&ana, Method::PUT, "/rooms/1/draft", longer).await, 422);
    for (body, expected) in
        [(json!({"body": "x", "nonce": "ñ"}), 422), (json!({"body": 1}), 422), (json!({}), 422)]
    {
        assert_eq!(status(&ana, Method::PUT, "/rooms/1/draft", body).await, expected);
    }
    // 128,000 bytes each: sixteen of them are below 2 MiB.
    for n in 2..=16 {
        let (id, _) = room(&ana, &format!("r{n}"), "public").await;
        put(&ana, &format!("/rooms/{id}/draft"), json!({"body": longest})).await;
    }
    let (last, _) = room(&ana, "last", "public").await;
    let path = format!("/rooms/{last}/draft");
    assert_eq!(status(&ana, Method::PUT, &path, json!({"body": longest})).await, 409);
    put(&ana, &path, json!({"body": "short"})).await;

    let (secret, code) = room(&ana, "secreta", "private").await;
    let path = format!("/rooms/{secret}/draft");
    assert_eq!(status(&luis, Method::PUT, &path, json!({"body": "x"})).await, 404);
    luis.post("/join", json!({"code": code})).await;
    put(&luis, &path, json!({"body": "entre nosotros"})).await;
    assert_eq!(bodies(&luis).await, ["entre nosotros"]);
    luis.send(Method::POST, &format!("/rooms/{secret}/leave"), None).await;
    assert!(bodies(&luis).await.is_empty());
    let code = ana.get(&format!("/rooms/{secret}")).await["code"].clone();
    luis.post("/join", json!({"code": code})).await;
    assert_eq!(bodies(&luis).await, ["entre nosotros"], "it is there again");
}

#[tokio::test]
async fn drafts_of_lost_rooms_give_way_when_there_is_no_space() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let longest = "ñ".repeat(64_000);
    let mut rooms = Vec::new();
    for n in 1..=16 {
        let (id, code) = room(&ana, &format!("r{n}"), "private").await;
        luis.post("/join", json!({"code": code})).await;
        put(&luis, &format!("/rooms/{id}/draft"), json!({"body": longest})).await;
        rooms.push(id);
    }
    let full = json!({"body": longest});
    assert_eq!(status(&luis, Method::PUT, "/rooms/1/draft", full.clone()).await, 409);
    let leave = async |id: i64| {
        luis.send(Method::POST, &format!("/rooms/{id}/leave"), None).await;
    };
    leave(rooms[0]).await;
    put(&luis, "/rooms/1/draft", json!({"body": "short"})).await;
    let db = server.storage().open().await;
    let stored = async || numbers(&db, "select count(*) from drafts").await;
    assert_eq!(stored().await, [17], "there is space for it");
    put(&luis, "/rooms/1/draft", full).await;
    assert_eq!(stored().await, [16]);
    assert_eq!(bodies(&luis).await.len(), 16);
}

#[tokio::test]
async fn missed_drafts_come_after_ready_in_their_current_state() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (garden, _) = room(&ana, "huerto", "public").await;
    server.advance(Duration::from_mins(1));
    let at = time(&ana).await;
    server.advance(Duration::from_mins(1));
    put(&luis, "/rooms/1/draft", json!({"body": "de luis"})).await;
    put(&ana, "/rooms/1/draft", json!({"body": "uno"})).await;
    put(&ana, "/rooms/1/draft", json!({"body": "dos"})).await;
    let path = format!("/rooms/{garden}/draft");
    put(&ana, &path, json!({"body": "x"})).await;
    put(&ana, &path, json!({"body": ""})).await;
    luis.post(&format!("/rooms/{garden}/join"), json!({})).await;
    let mut live = ana.live_since(&at).await;
    let (mut found, mut joined) = (Vec::new(), false);
    loop {
        let frame = live.next().await;
        match frame["type"].as_str() {
            Some("draft") => found.push((frame["room"].clone(), frame["body"].clone())),
            Some("member") => joined = true,
            Some("present") => break,
            _ => {}
        }
    }
    assert_eq!(found, [(json!(1), json!("dos")), (json!(garden), json!(""))]);
    assert!(joined, "a draft hides no other change");
    // Long drafts are named only.
    put(&ana, "/rooms/1/draft", json!({"body": "x".repeat(40_000)})).await;
    assert_eq!(live.until("draft").await["body"], json!(null));
}

#[tokio::test]
async fn drafts_reach_the_other_server() {
    let one = Server::start().await;
    let two = one.second().await;
    let ana = one.api("ana").await;
    let mut live = ana.live().await;
    live.until("present").await;
    let there = ana.through(&two);
    put(&there, "/rooms/1/draft", json!({"body": "allí", "nonce": "n"})).await;
    assert_eq!(live.until("draft").await["body"], "allí");
    there.post("/rooms/1/messages", json!({"body": "allí", "nonce": "n"})).await;
    assert_eq!(live.until("draft").await["body"], "");
}

#[tokio::test]
async fn drafts_page_continues_and_discards_without_scripts() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let mut page = server.browser();
    page.login("ana", PASSWORD).await;
    assert_eq!(page.get("/drafts").await.all(".empty-state h2"), ["No drafts"]);
    put(&ana, "/rooms/1/draft", json!({"body": "\n sin <b>enviar</b>", "nonce": "n"})).await;
    let list = page.get("/drafts").await;
    assert_eq!(list.one(".result__author"), "lobby");
    assert_eq!(list.one(".result__text"), "sin <b>enviar</b>");
    assert_eq!(list.attribute(".result__link", "href").as_deref(), Some("/rooms/1"));
    // The composer goes on with it.
    let composer = page.get("/rooms/1").await;
    assert_eq!(composer.attribute("#composer [name=nonce]", "value").as_deref(), Some("n"));
    assert!(composer.text.contains("\n\n sin &#60;b&#62;enviar"), "{}", composer.text);
    let discarded = page.submit("/rooms/1/draft", &[("body", "")]).await;
    assert_eq!(discarded.one("#status"), "The draft is deleted.");
    assert!(discarded.all(".result").is_empty() && drafts(&ana).await.is_empty());
    let kept = discarded.attribute("#undo", "action").expect("a form");
    let nonce = discarded.attribute("#undo [name=nonce]", "value").expect("a nonce");
    let undone = page.submit(&kept, &[("body", "\n sin <b>enviar</b>"), ("nonce", &nonce)]).await;
    assert_eq!(undone.path, "/drafts");
    assert_eq!(bodies(&ana).await, ["\n sin <b>enviar</b>"]);
    // A page that belongs to another user stores nothing here.
    let foreign = page.put("/rooms/1/draft", &[("body", "ajeno"), ("author", "99")]).await;
    assert_eq!((foreign.status.as_u16(), bodies(&ana).await.len()), (200, 1));
    assert_eq!(bodies(&ana).await, ["\n sin <b>enviar</b>"]);
    // Sent from the form, it is no draft any more.
    page.submit("/rooms/1/messages", &[("body", "enviado"), ("nonce", "n")]).await;
    assert!(drafts(&ana).await.is_empty());
}

#[tokio::test]
async fn draft_of_a_thread_is_listed_with_its_room_and_continues_without_scripts() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let mut page = server.browser();
    page.login("ana", PASSWORD).await;
    let direct = ana.post("/direct", json!({"name": "luis"})).await["id"].clone();
    for (room, name) in [(json!(1), "Thread in lobby"), (direct, "Thread")] {
        let path = format!("/rooms/{room}/messages");
        let head = ana.post(&path, json!({"body": "hola"})).await["id"].clone();
        let reply = luis.post(&format!("/messages/{head}/thread"), json!({"body": "uno"})).await;
        let thread = &reply["room_id"];
        let draft = json!({"body": "dos", "nonce": name.replace(' ', "-")});
        put(&ana, &format!("/rooms/{thread}/draft"), draft).await;
        let list = page.get("/drafts").await;
        assert_eq!(list.one(".result__author"), name);
        let address = list.attribute(".result__link", "href").expect("a link");
        assert_eq!(address, format!("/threads/{head}"));
        let thread_page = page.get(&address).await;
        let nonce = thread_page.attribute("#composer [name=nonce]", "value").expect("a nonce");
        assert!(thread_page.one("#body").ends_with("dos"), "{}", thread_page.text);
        page.submit(&address, &[("body", "dos"), ("nonce", &nonce)]).await;
        assert!(drafts(&ana).await.is_empty());
    }
}
