//! Replies quote the message they reply to in its current state, and notify its author.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Api, Server, eventually};

async fn reply(user: &Api, to: &Value, body: &str) -> Value {
    let message = json!({"body": body, "reply_to": to["id"]});
    let mut posted = user.post("/rooms/1/messages", message).await;
    posted.as_object_mut().expect("a message").remove("not_in_room").expect("users");
    posted
}

async fn edit(user: &Api, message: &Value, body: &str) {
    let path = format!("/messages/{}", message["id"]);
    user.ok(Method::PATCH, &path, Some(json!({"body": body}))).await;
}

async fn delete(user: &Api, message: &Value) {
    user.ok(Method::DELETE, &format!("/messages/{}", message["id"]), None).await;
}

async fn mentions(user: &Api) -> Value {
    user.get("/rooms/1").await["mentions"].clone()
}

#[tokio::test]
async fn quote_is_always_the_current_state_of_the_original() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let question = ana.say("Who brings the hose?\nThe long one.").await;
    let answer = reply(&luis, &question, "I do.").await;
    let author = json!({"id": 1, "name": "ana", "display_name": "ana", "bot": false});
    let expected =
        json!({"id": question["id"], "author": author, "excerpt": "Who brings the hose?"});
    assert_eq!(answer["quote"], expected);
    assert_eq!(ana.get("/rooms/1/messages?limit=1").await["items"][0], answer);

    let mut live = ana.live().await;
    live.open_room(1, answer["rev"].as_i64()).await;
    edit(&ana, &question, "Who brings both hoses?").await;
    let frames = [live.until("message").await, live.until("message").await];
    let ids: Vec<&Value> = frames.iter().map(|frame| &frame["message"]["id"]).collect();
    assert_eq!(ids, [&question["id"], &answer["id"]], "the reply follows the edited message");
    assert_eq!(frames[1]["message"]["quote"]["excerpt"], "Who brings both hoses?");
    let missed = ana.get("/rooms/1/messages?since_rev=2").await;
    assert_eq!(missed["items"][1]["quote"]["excerpt"], "Who brings both hoses?", "{missed}");

    delete(&ana, &question).await;
    live.until("message").await;
    let frame = live.until("message").await;
    assert_eq!(frame["message"]["id"], answer["id"]);
    assert_eq!(frame["message"]["quote"], Value::Null);
    assert_eq!(frame["message"]["reply_to"], question["id"]);
    let late = reply(&luis, &question, "Both, then.").await;
    assert_eq!(late["quote"], Value::Null, "a reply to a deleted message quotes nothing");
}

#[tokio::test]
async fn reply_notifies_the_quoted_author_as_a_mention_does() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let question = ana.say("Who?").await;
    let answer = reply(&luis, &question, "Me.").await;
    assert_eq!(mentions(&ana).await, 1);
    edit(&luis, &answer, "Me, perhaps.").await;
    assert_eq!(mentions(&ana).await, 1, "an edit keeps it");
    reply(&luis, &question, "@ana, and you?").await;
    assert_eq!(mentions(&ana).await, 2, "a message counts once");
    reply(&luis, &answer, "No, not me.").await;
    assert_eq!(mentions(&luis).await, 0, "replying to oneself notifies no one");
    delete(&luis, &answer).await;
    assert_eq!(mentions(&ana).await, 1);
}

#[tokio::test]
async fn nonce_belongs_to_one_reply() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let (one, two) = (ana.say("one").await, ana.say("two").await);
    let send = |to: &Value| json!({"body": "yes", "nonce": "n1", "reply_to": to});
    let path = "/rooms/1/messages";
    let first = ana.post(path, send(&one["id"])).await;
    for other in [&two["id"], &Value::Null] {
        let refused = ana.refused(Method::POST, path, Some(send(other))).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{other}");
    }
    let (status, again) = ana.ok(Method::POST, path, Some(send(&one["id"]))).await;
    assert_eq!((status, again), (StatusCode::OK, first));
}

/// The first hundred replies are updated with the message, the others by a job.
#[tokio::test]
async fn every_reply_is_updated_however_many_there_are() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let question = ana.say("before").await;
    for n in 0..103 {
        reply(&ana, &question, &format!("m{n}")).await;
    }
    edit(&ana, &question, "after").await;
    let after = ana.get(&format!("/messages/{}", question["id"])).await["rev"].clone();
    let stale = async || {
        let mut stale = 0;
        for half in ["/rooms/1/messages?limit=100", "/rooms/1/messages?after=1&limit=100"] {
            for message in ana.get(half).await["items"].as_array().expect("items") {
                let is_reply = message["reply_to"] == question["id"];
                assert!(!is_reply || message["quote"]["excerpt"] == "after", "{message}");
                stale += usize::from(is_reply && message["rev"].as_i64() < after.as_i64());
            }
        }
        stale
    };
    eventually("all replies have a new rev", async || stale().await == 0).await;
    let missed = format!("/rooms/1/messages?limit=100&since_rev={after}");
    assert_eq!(ana.get(&missed).await["more"], true, "103 changes follow the edit");
}
