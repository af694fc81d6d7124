//! Messages: posting and reading the history.

mod edits;
mod emoji;
mod markdown;
mod mentions;
mod message_page;
mod moderation;
mod pins;
mod replies;
pub mod search;
mod unread;
mod wide_mentions;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::Server;

fn bodies(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("items");
    items.iter().map(|item| item["body"].as_str().expect("a body")).collect()
}

fn seqs(page: &Value) -> Vec<i64> {
    let items = page["items"].as_array().expect("items");
    items.iter().map(|item| item["seq"].as_i64().expect("a seq")).collect()
}

#[tokio::test]
async fn posted_message_has_all_documented_fields() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let mut posted = ana
        .post("/rooms/1/messages", json!({"body": "\n  hola\nhttps://x.org ", "nonce": "n1"}))
        .await;
    let not_in_room = posted.as_object_mut().and_then(|posted| posted.remove("not_in_room"));
    assert_eq!(not_in_room, Some(json!([])), "only the answer to a post has it");
    let read = ana.get("/rooms/1/messages").await;
    assert_eq!(read["items"][0], posted);
    assert_eq!(read["more"], false);
    let link = "<a href=\"https://x.org\" target=\"_blank\" rel=\"noopener noreferrer nofollow ugc\">https://x.org</a>";
    let expected = json!({
        "id": 1, "room_id": 1, "seq": 1, "rev": 1, "kind": "text",
        "author": {"id": 1, "name": "ana", "display_name": "ana", "bot": false},
        "body": "  hola\nhttps://x.org", "html": format!("<p>  hola<br>{link}</p>"),
        "markup": 1,
        "created_at": "2026-11-21T10:00:00.000Z", "edited_at": null, "deleted": false, "deleted_by": null,
        "reply_to": null, "quote": null, "pinned": false, "edits": 0, "reactions": [], "attachments": [],
        "thread": null, "nonce": "n1", "twin_of": null, "previews": [],
    });
    assert_eq!(posted, expected);
}

#[tokio::test]
async fn same_nonce_returns_the_first_message() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let send = json!({"body": "una vez", "nonce": "n1"});
    let (status, first) = ana.ok(Method::POST, "/rooms/1/messages", Some(send.clone())).await;
    assert_eq!(status, StatusCode::CREATED);
    let (status, again) = ana.ok(Method::POST, "/rooms/1/messages", Some(send.clone())).await;
    assert_eq!((status, &again), (StatusCode::OK, &first));
    // Nonces of different users are independent.
    let (status, other) = luis.ok(Method::POST, "/rooms/1/messages", Some(send)).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_ne!(other["id"], first["id"]);
    assert_eq!(seqs(&ana.get("/rooms/1/messages").await), [1, 2]);
}

#[tokio::test]
async fn same_nonce_with_another_body_is_a_conflict() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    ana.post("/rooms/1/messages", json!({"body": "uno", "nonce": "n1"})).await;
    let other = json!({"body": "dos", "nonce": "n1"});
    let refused = ana.refused(Method::POST, "/rooms/1/messages", Some(other)).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(bodies(&ana.get("/rooms/1/messages").await), ["uno"]);
}

#[tokio::test]
async fn concurrent_messages_are_numbered_without_gaps() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let posts = (0..60).map(|n| {
        let message = json!({"body": format!("m{n}"), "nonce": format!("n{}", n % 50)});
        ana.send(Method::POST, "/rooms/1/messages", Some(message))
    });
    let statuses: Vec<u16> =
        futures_util::future::join_all(posts).await.iter().map(|r| r.status().as_u16()).collect();
    // Ten nonces were used twice, with another body.
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 10, "{statuses:?}");
    let page = ana.get("/rooms/1/messages?limit=100").await;
    assert_eq!(seqs(&page), (1..=50).collect::<Vec<_>>());
    let ids: Vec<_> =
        page["items"].as_array().expect("items").iter().map(|m| m["id"].as_i64()).collect();
    assert!(ids.is_sorted(), "{ids:?}");
}

#[tokio::test]
async fn history_is_read_from_any_position_in_both_directions() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    for n in 1..=10 {
        ana.say(&format!("m{n}")).await;
    }
    for (query, found, more) in [
        ("limit=3", vec![8, 9, 10], true),
        ("limit=10", (1..=10).collect(), false),
        ("before=4&limit=2", vec![2, 3], true),
        ("before=4", vec![1, 2, 3], false),
        ("before=1", vec![], false),
        ("after=8", vec![9, 10], false),
        ("after=4&limit=2", vec![5, 6], true),
        ("after=10", vec![], false),
        ("around=5&limit=3", vec![4, 5, 6], true),
        ("around=1&limit=3", vec![1, 2, 3], true),
        ("around=10&limit=3", vec![8, 9, 10], true),
        ("around=5&limit=1", vec![5], true),
        ("around=5", (1..=10).collect(), false),
        ("around=0&limit=3", vec![1, 2, 3], true),
        ("around=-9223372036854775808&limit=3", vec![1, 2, 3], true),
        ("after=-1&limit=2", vec![1, 2], true),
        ("before=-1", vec![], false),
        ("since_rev=8", vec![9, 10], false),
        ("since_rev=0&limit=4", vec![1, 2, 3, 4], true),
        ("since_rev=99", vec![], false),
    ] {
        let page = ana.get(&format!("/rooms/1/messages?{query}")).await;
        assert_eq!((seqs(&page), page["more"].as_bool()), (found, Some(more)), "{query}");
    }
}

#[tokio::test]
async fn page_around_an_unknown_message_shows_no_other_room() {
    let server = Server::start().await;
    let (ana, mallory) = (server.api("ana").await, server.api("mallory").await);
    ana.say("in a room before").await;
    let room = mallory.post("/rooms", json!({"name": "R", "visibility": "public"})).await;
    let path = format!("/rooms/{}/messages", room["id"]);
    for query in ["around=0", "around=-4294967296", "since_rev=-1", "after=-4294967296"] {
        let page = mallory.get(&format!("{path}?{query}")).await;
        assert_eq!(seqs(&page), [0; 0], "{query}");
    }
    mallory.post(&path, json!({"body": "here"})).await;
    assert_eq!(bodies(&mallory.get(&format!("{path}?around=0")).await), ["here"]);
}

#[tokio::test]
async fn invalid_message_is_refused_with_a_field_error() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    for (message, field) in [
        (json!({"body": ""}), "body"),
        (json!({"body": " \n\t "}), "body"),
        (json!({}), "body"),
        (json!({"body": "a".repeat(16_001)}), "body"),
        (json!({"body": "a", "nonce": ""}), "nonce"),
        (json!({"body": "a", "nonce": "ñ"}), "nonce"),
        (json!({"body": "a", "nonce": "x".repeat(65)}), "nonce"),
        (json!({"body": "a", "reply_to": 7}), "reply_to"),
    ] {
        let refused = ana.refused(Method::POST, "/rooms/1/messages", Some(message.clone())).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{message}");
        assert!(refused.body["errors"][field][0].is_string(), "{message}: {refused:?}");
    }
    let longest = json!({"body": "ñ".repeat(16_000), "nonce": "x".repeat(64)});
    let first = ana.post("/rooms/1/messages", longest).await;
    assert_eq!(first["seq"], 1, "the refused ones took no number");
    let reply = ana.post("/rooms/1/messages", json!({"body": "sí", "reply_to": first["id"]})).await;
    assert_eq!(reply["reply_to"], first["id"]);
}

#[tokio::test]
async fn reply_to_a_message_of_another_room_is_refused() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let room = ana.post("/rooms", json!({"name": "Huerto", "visibility": "private"})).await;
    let path = format!("/rooms/{}/messages", room["id"]);
    let hidden = ana.post(&path, json!({"body": "between us"})).await;
    for author in [&ana, &luis] {
        let reply_to = async |id: &Value| {
            let reply = json!({"body": "x", "reply_to": id});
            author.refused(Method::POST, "/rooms/1/messages", Some(reply)).await
        };
        let refused = reply_to(&hidden["id"]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
        assert!(refused.body["errors"]["reply_to"][0].is_string(), "{refused:?}");
        let unknown = reply_to(&json!(1_000_000)).await;
        assert_eq!(refused.body, unknown.body, "it does not show that the message exists");
    }
    assert_eq!(seqs(&ana.get("/rooms/1/messages").await), [0; 0]);
}

#[tokio::test]
async fn invalid_query_is_refused() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    for query in
        ["limit=0", "limit=101", "limit=x", "before=1&after=2", "since_rev=1&around=1", "before=x"]
    {
        let refused = ana.refused(Method::GET, &format!("/rooms/1/messages?{query}"), None).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
    }
    ana.get("/rooms/1/messages?limit=100&before=9007199254740991").await;
    ana.get("/rooms/1/messages?before=-5").await;
}

#[tokio::test]
async fn unknown_room_is_not_found() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    for room in ["2", "0", "-1", "9223372036854775807", "x"] {
        let path = format!("/rooms/{room}/messages");
        assert_eq!(
            ana.refused(Method::GET, &path, None).await.status,
            StatusCode::NOT_FOUND,
            "{room}"
        );
        let post = Some(json!({"body": "hola"}));
        assert_eq!(
            ana.refused(Method::POST, &path, post).await.status,
            StatusCode::NOT_FOUND,
            "{room}"
        );
    }
}

#[tokio::test]
async fn history_survives_a_restart() {
    let server = Server::start().await;
    let mut ana = server.api("ana").await;
    ana.say("antes").await;
    let epoch = ana.send(Method::GET, "/me", None).await.headers()["patio-epoch"].clone();
    let server = server.restart().await;
    ana = server.api("ana2").await;
    assert_eq!(bodies(&ana.get("/rooms/1/messages").await), ["antes"]);
    assert_eq!(ana.say("después").await["seq"], 2);
    assert_eq!(ana.send(Method::GET, "/me", None).await.headers()["patio-epoch"], epoch);
}

#[tokio::test]
async fn writing_and_joining_mark_the_room_as_read() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    ana.say("uno").await;
    ana.say("dos").await;
    let luis = server.api("luis").await;
    let last_read = async |who: &crate::support::Api| {
        let rooms = who.get("/rooms").await;
        let room = &rooms["items"][0];
        (room["last_read_seq"].as_i64(), room["last_seq"].as_i64())
    };
    assert_eq!(last_read(&luis).await, (Some(2), Some(2)));
    ana.say("tres").await;
    assert_eq!(last_read(&luis).await, (Some(2), Some(3)));
    assert_eq!(last_read(&ana).await, (Some(3), Some(3)));
}
