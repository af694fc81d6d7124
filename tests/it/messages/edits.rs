//! Changing messages: edits, deletions and reactions, the rights they need, and who receives them.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Api, Server};

async fn edit(user: &Api, id: &Value, body: &str) -> Value {
    user.ok(Method::PATCH, &format!("/messages/{id}"), Some(json!({"body": body}))).await.1
}

async fn delete(user: &Api, id: &Value) {
    let (status, _) = user.ok(Method::DELETE, &format!("/messages/{id}"), None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
}

async fn react(user: &Api, method: Method, id: &Value, emoji: &str) {
    let (status, _) = user.ok(method, &format!("/messages/{id}/reactions/{emoji}"), None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
}

async fn newest(user: &Api) -> Value {
    user.get("/rooms/1/messages?limit=1").await["items"][0].clone()
}

async fn rev(user: &Api) -> Value {
    user.get("/rooms/1").await["rev"].clone()
}

async fn reactions(user: &Api) -> Vec<(String, Value)> {
    let message = newest(user).await;
    let all = message["reactions"].as_array().expect("reactions").iter();
    all.map(|one| {
        assert_eq!(one["count"], one["users"].as_array().expect("users").len());
        (one["emoji"].as_str().expect("an emoji").to_owned(), one["users"].clone())
    })
    .collect()
}

async fn private_room(user: &Api) -> Value {
    user.post("/rooms", json!({"name": "Taller", "visibility": "private"})).await["id"].clone()
}

#[tokio::test]
async fn edited_message_keeps_its_seq_and_gets_edited_at() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let first = ana.say("antes").await;
    ana.say("otro").await;
    server.advance(Duration::from_mins(5));
    let edited = edit(&ana, &first["id"], "<b>después</b> ").await;
    let mut expected = first.clone();
    expected["body"] = "<b>después</b>".into();
    expected["html"] = "<p>&lt;b&gt;después&lt;/b&gt;</p>".into();
    expected["edited_at"] = "2026-11-21T10:05:00.000Z".into();
    expected["rev"] = 3.into();
    expected["edits"] = 1.into();
    assert_eq!(edited, expected);
    assert_eq!(ana.get("/rooms/1/messages").await["items"][0], expected);
    let room = ana.get("/rooms/1").await;
    assert_eq!((&room["rev"], &room["last_seq"]), (&json!(3), &json!(2)));
}

#[tokio::test]
async fn only_the_author_edits_and_deletes() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let public = ana.say("mío").await["id"].clone();
    let room = private_room(&ana).await;
    let path = format!("/rooms/{room}/messages");
    let private = ana.post(&path, json!({"body": "nuestro"})).await["id"].clone();
    for (id, status) in [
        (&public, StatusCode::FORBIDDEN),
        (&private, StatusCode::NOT_FOUND),
        (&json!(99), StatusCode::NOT_FOUND),
        (&json!(-1), StatusCode::NOT_FOUND),
    ] {
        let path = format!("/messages/{id}");
        let body = Some(json!({"body": "suyo"}));
        assert_eq!(luis.refused(Method::PATCH, &path, body).await.status, status, "{id}");
        assert_eq!(luis.refused(Method::DELETE, &path, None).await.status, status, "{id}");
    }
    let outsider = Api::signed_out(server.url("/api/v1"));
    let refused = outsider.refused(Method::DELETE, &format!("/messages/{public}"), None).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(newest(&ana).await["body"], "mío");
    for id in [&public, &private] {
        assert_eq!(edit(&ana, id, "corregido").await["body"], "corregido");
        delete(&ana, id).await;
    }
}

#[tokio::test]
async fn former_member_of_a_private_room_cannot_edit() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let room = private_room(&ana).await;
    let code = ana.get(&format!("/rooms/{room}")).await["code"].clone();
    luis.post("/join", json!({"code": code})).await;
    let path = format!("/rooms/{room}/messages");
    let id = luis.post(&path, json!({"body": "uno"})).await["id"].clone();
    edit(&luis, &id, "dos").await;
    luis.ok(Method::POST, &format!("/rooms/{room}/leave"), None).await;
    let body = Some(json!({"body": "tres"}));
    let refused = luis.refused(Method::PATCH, &format!("/messages/{id}"), body).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    assert_eq!(ana.get(&path).await["items"][0]["body"], "dos");
}

#[tokio::test]
async fn edits_obey_the_same_limits_as_new_messages() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let id = ana.say("bien").await["id"].clone();
    let path = format!("/messages/{id}");
    for bad in [json!({"body": " "}), json!({}), json!({"body": "a".repeat(16_001)})] {
        let refused = ana.refused(Method::PATCH, &path, Some(bad)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body["errors"]["body"][0].is_string(), "{refused:?}");
    }
    assert_eq!(newest(&ana).await["body"], "bien");
    let longest = "ñ".repeat(16_000);
    assert_eq!(edit(&ana, &id, &longest).await["body"], longest);
}

#[tokio::test]
async fn change_without_effect_uses_no_rev() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let id = ana.say("uno").await["id"].clone();
    assert_eq!(edit(&ana, &id, "uno").await["edited_at"], Value::Null);
    react(&ana, Method::DELETE, &id, "👍").await;
    assert_eq!(rev(&ana).await, 1);
    react(&ana, Method::PUT, &id, "👍").await;
    assert_eq!(rev(&ana).await, 2);
    react(&ana, Method::PUT, &id, "👍").await;
    assert_eq!(rev(&ana).await, 2);
    react(&ana, Method::DELETE, &id, "👍").await;
    react(&ana, Method::DELETE, &id, "👍").await;
    assert_eq!(rev(&ana).await, 3);
    delete(&ana, &id).await;
    delete(&ana, &id).await;
    react(&ana, Method::DELETE, &id, "👍").await;
    assert_eq!(rev(&ana).await, 4);
}

#[tokio::test]
async fn deleted_message_leaves_only_a_tombstone() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let before = ana.say("me arrepiento").await;
    let id = &before["id"];
    react(&luis, Method::PUT, id, "👀").await;
    delete(&ana, id).await;
    let mut expected = before.clone();
    expected["body"] = "".into();
    expected["html"] = "".into();
    expected["deleted"] = true.into();
    expected["deleted_by"] = "author".into();
    expected["rev"] = 3.into();
    assert_eq!(newest(&luis).await, expected);

    let body = Some(json!({"body": "no"}));
    let refused = ana.refused(Method::PATCH, &format!("/messages/{id}"), body).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let path = format!("/messages/{id}/reactions/👍");
    assert_eq!(luis.refused(Method::PUT, &path, None).await.status, StatusCode::CONFLICT);
    assert_eq!(newest(&luis).await, expected);
    assert_eq!(ana.say("sigo").await["seq"], 2, "its place stays taken");
}

#[tokio::test]
async fn deleted_text_is_gone_from_the_database_file() {
    let mut server = Server::start().await;
    let ana = server.api("ana").await;
    let long = |word: &str| format!("{word} {}", word.repeat(1_000));
    let (gone, changed) = (ana.say(&long("jacaranda")).await, ana.say(&long("magnolia")).await);
    ana.say("buganvilla").await;
    delete(&ana, &gone["id"]).await;
    edit(&ana, &changed["id"], &long("azucena")).await;
    let reply = json!({"body": "clavel", "reply_to": changed["id"]});
    ana.post("/rooms/1/messages", reply).await;
    edit(&ana, &changed["id"], "violeta").await;
    ana.ok(Method::PUT, &format!("/messages/{}/pin", changed["id"]), None).await;
    delete(&ana, &changed["id"]).await;
    server.stop().await;
    let Some(file) = server.database_file() else { return };
    let has = |word: &str| file.windows(word.len()).any(|bytes| bytes == word.as_bytes());
    assert!(has("buganvilla") && has("clavel"));
    for word in ["jacaranda", "magnolia", "azucena", "violeta"] {
        assert!(!has(word), "{word}");
    }
}

#[tokio::test]
async fn changes_since_a_rev_come_once_in_current_state() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let one = ana.say("uno").await["id"].clone();
    let two = ana.say("dos").await["id"].clone();
    ana.say("tres").await;
    edit(&ana, &two, "dos, mejor").await;
    edit(&ana, &one, "uno, mejor").await;
    react(&ana, Method::PUT, &two, "👍").await;
    let gone = ana.say("cuatro").await["id"].clone();
    delete(&ana, &gone).await;
    let page = ana.get("/rooms/1/messages?since_rev=3").await;
    let found: Vec<_> = page["items"].as_array().expect("items").iter().collect();
    let row = |n: usize| (&found[n]["rev"], &found[n]["body"], &found[n]["deleted"]);
    assert_eq!(found.len(), 3, "{page}");
    assert_eq!(row(0), (&json!(5), &json!("uno, mejor"), &json!(false)));
    assert_eq!(row(1), (&json!(6), &json!("dos, mejor"), &json!(false)));
    assert_eq!(found[1]["reactions"], json!([{"emoji": "👍", "count": 1, "users": [1]}]));
    assert_eq!(row(2), (&json!(8), &json!(""), &json!(true)));
}

#[tokio::test]
async fn reactions_are_ordered_by_first_use() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let id = ana.say("votad").await["id"].clone();
    react(&luis, Method::PUT, &id, "🎉").await;
    react(&ana, Method::PUT, &id, "👍").await;
    react(&ana, Method::PUT, &id, "🎉").await;
    let both = [("🎉".to_owned(), json!([2, 1])), ("👍".to_owned(), json!([1]))];
    assert_eq!(reactions(&ana).await, both);
    // By every way to read messages.
    let expected = newest(&ana).await;
    for query in ["after=0", "around=1", "since_rev=0", "before=2"] {
        let page = luis.get(&format!("/rooms/1/messages?{query}")).await;
        assert_eq!(page["items"], json!([expected]), "{query}");
    }
    // A user can withdraw only their own reaction.
    react(&ana, Method::DELETE, &id, "🎉").await;
    react(&luis, Method::DELETE, &id, "👍").await;
    assert_eq!(
        reactions(&ana).await,
        [("🎉".to_owned(), json!([2])), ("👍".to_owned(), json!([1]))]
    );
}

#[tokio::test]
async fn reaction_is_exactly_one_emoji() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let id = ana.say("hola").await["id"].clone();
    for bad in ["a", "1", "%23", "👍👍", "👍a", "%20", "%F0%9F"] {
        let path = format!("/messages/{id}/reactions/{bad}");
        for method in [Method::PUT, Method::DELETE] {
            let refused = ana.refused(method, &path, None).await;
            assert!(refused.status.is_client_error(), "{bad}");
            if bad != "%F0%9F" {
                assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
                assert!(refused.body["errors"]["emoji"][0].is_string(), "{refused:?}");
            }
        }
    }
    let good = ["👍🏽", "🇪🇸", "1️⃣", "👩‍👩‍👧", "❤️"];
    for emoji in good {
        react(&ana, Method::PUT, &id, emoji).await;
    }
    react(&ana, Method::PUT, &id, "\u{2764}").await; // the same heart
    let found: Vec<_> = reactions(&ana).await.into_iter().map(|(emoji, _)| emoji).collect();
    assert_eq!(found, good);
}

#[tokio::test]
async fn message_takes_twenty_emoji_and_each_from_every_user() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let id = ana.say("hola").await["id"].clone();
    let animal = |n: u32| char::from_u32(0x1F400 + n).expect("an animal").to_string();
    for n in 0..20 {
        react(&ana, Method::PUT, &id, &animal(n)).await;
    }
    let path = format!("/messages/{id}/reactions/{}", animal(20));
    let refused = luis.refused(Method::PUT, &path, None).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    react(&luis, Method::PUT, &id, &animal(3)).await;
    react(&ana, Method::DELETE, &id, &animal(0)).await;
    react(&luis, Method::PUT, &id, &animal(20)).await;
    assert_eq!(reactions(&ana).await.len(), 20);
}

#[tokio::test]
async fn reacting_needs_the_right_to_post_and_joins_a_public_room() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let room = private_room(&ana).await;
    let hidden = ana.post(&format!("/rooms/{room}/messages"), json!({"body": "a"})).await;
    let path = format!("/messages/{}/reactions/👍", hidden["id"]);
    for method in [Method::PUT, Method::DELETE] {
        assert_eq!(luis.refused(method, &path, None).await.status, StatusCode::NOT_FOUND);
    }
    react(&ana, Method::PUT, &hidden["id"], "👍").await;

    let new = json!({"name": "Huerto", "visibility": "public"});
    let room = ana.post("/rooms", new).await["id"].clone();
    let open = ana.post(&format!("/rooms/{room}/messages"), json!({"body": "a"})).await;
    let members = async || ana.get(&format!("/rooms/{room}")).await["members"].clone();
    react(&luis, Method::DELETE, &open["id"], "👍").await;
    let refused = format!("/messages/{}/reactions/x", open["id"]);
    luis.refused(Method::PUT, &refused, None).await;
    assert_eq!(members().await, 1);
    react(&luis, Method::PUT, &open["id"], "👍").await;
    assert_eq!(members().await, 2);
    // A former member can still withdraw a reaction, and does not rejoin by that.
    luis.ok(Method::POST, &format!("/rooms/{room}/leave"), None).await;
    react(&luis, Method::DELETE, &open["id"], "👍").await;
    assert_eq!(members().await, 1);
}

#[tokio::test]
async fn repeated_send_returns_the_message_in_current_state() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let send = json!({"body": "una vez", "nonce": "n1"});
    let id = ana.post("/rooms/1/messages", send.clone()).await["id"].clone();
    react(&ana, Method::PUT, &id, "👍").await;
    let edited = edit(&ana, &id, "otra cosa").await;
    let (status, mut again) = ana.ok(Method::POST, "/rooms/1/messages", Some(send.clone())).await;
    again.as_object_mut().expect("a message").remove("not_in_room").expect("users");
    assert_eq!((status, &again), (StatusCode::OK, &edited));
    delete(&ana, &id).await;
    let (status, again) = ana.ok(Method::POST, "/rooms/1/messages", Some(send)).await;
    assert_eq!((status, &again["deleted"]), (StatusCode::OK, &json!(true)));
}

#[tokio::test]
async fn clients_with_the_room_open_receive_each_change() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let id = ana.say("antes").await["id"].clone();
    let mut live = luis.live().await;
    live.open_room(1, None).await;
    edit(&ana, &id, "después").await;
    let frame = live.until("message").await;
    assert_eq!((&frame["rev"], &frame["message"]), (&json!(2), &newest(&ana).await));
    react(&ana, Method::PUT, &id, "👍").await;
    let frame = live.until("message").await;
    assert_eq!(frame["message"]["reactions"][0]["users"], json!([1]));
    delete(&ana, &id).await;
    let frame = live.until("message").await;
    assert_eq!((&frame["rev"], &frame["message"]), (&json!(4), &newest(&ana).await));
    assert_eq!(frame["message"]["deleted"], true);
}

#[tokio::test]
async fn concurrent_changes_are_published_in_rev_order() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let id = ana.say("hola").await["id"].clone();
    let mut live = luis.live().await;
    live.open_room(1, None).await;
    let all = (0..60).map(|n| {
        let (ana, id) = (&ana, &id);
        async move {
            match n % 3 {
                0 => drop(ana.say(&format!("m{n}")).await),
                1 => drop(edit(ana, id, &format!("e{n}")).await),
                _ => {
                    let animal = char::from_u32(0x1F400 + n / 3).expect("an animal");
                    react(ana, Method::PUT, id, &animal.to_string()).await;
                }
            }
        }
    });
    futures_util::future::join_all(all).await;
    for expected in 2..=61 {
        assert_eq!(live.until("message").await["rev"], expected);
    }
    assert_eq!(rev(&ana).await, 61);
    assert_eq!(ana.get("/rooms/1").await["last_seq"], 21);
}

#[tokio::test]
async fn catch_up_returns_each_changed_message_once() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let id = ana.say("uno").await["id"].clone();
    let seen = rev(&ana).await.as_i64();
    edit(&ana, &id, "uno, mejor").await;
    react(&ana, Method::PUT, &id, "👍").await;
    let mut live = ana.live().await;
    let frames = live.open_room(1, seen).await;
    let messages: Vec<_> = frames.iter().filter(|frame| frame["type"] == "message").collect();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["message"], newest(&ana).await);
    assert_eq!(frames.last().expect("live")["rev"], 3);
}

#[tokio::test]
async fn edit_does_not_change_unread_counts() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let id = ana.say("uno").await["id"].clone();
    let mut live = luis.live().await;
    live.until("ready").await;
    edit(&ana, &id, "dos").await;
    react(&ana, Method::PUT, &id, "👍").await;
    ana.say("nuevo").await;
    // The first unread frame of the lobby is for the new message.
    assert_eq!(live.until("unread").await["last_seq"], 2);
}
