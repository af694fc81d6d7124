//! Saved messages.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{room, status, time};
use crate::support::{Api, PASSWORD, Server};

async fn saved(api: &Api, query: &str) -> (Vec<i64>, bool) {
    let page = api.get(&format!("/saved{query}")).await;
    let id = |message: &Value| message["id"].as_i64().expect("an id");
    let ids = page["items"].as_array().expect("items").iter().map(id).collect();
    (ids, page["more"].as_bool().expect("a flag"))
}

async fn say(api: &Api, room: i64, body: &str) -> i64 {
    let path = format!("/rooms/{room}/messages");
    api.post(&path, json!({"body": body})).await["id"].as_i64().expect("an id")
}

async fn change(api: &Api, method: Method, message: i64) -> u16 {
    status(api, method, &format!("/messages/{message}/saved"), json!({})).await
}

#[tokio::test]
async fn saved_messages_are_listed_last_saved_first_for_their_user_only() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let mut live = ana.live().await;
    live.until("present").await;
    let ids = [say(&luis, 1, "uno").await, say(&luis, 1, "dos").await, say(&ana, 1, "tres").await];
    for id in [ids[1], ids[0], ids[2]] {
        server.advance(Duration::from_secs(1));
        assert_eq!(change(&ana, Method::PUT, id).await, 204);
        let frame = live.until("saved").await;
        assert_eq!((&frame["message"], &frame["saved"]), (&json!(id), &json!(true)));
    }
    assert_eq!(saved(&ana, "").await, (vec![ids[2], ids[0], ids[1]], false));
    assert_eq!(saved(&ana, "?limit=2").await, (vec![ids[2], ids[0]], true));
    assert_eq!(saved(&ana, &format!("?before={}", ids[0])).await, (vec![ids[1]], false));
    assert_eq!(saved(&luis, "").await, (vec![], false));
    assert_eq!(status(&ana, Method::GET, "/saved?limit=0", json!({})).await, 422);
    // Once more changes nothing, and it keeps its place.
    server.advance(Duration::from_secs(1));
    assert_eq!(change(&ana, Method::PUT, ids[1]).await, 204);
    assert_eq!(saved(&ana, "").await.0, [ids[2], ids[0], ids[1]]);
    for _ in 0..2 {
        assert_eq!(change(&ana, Method::DELETE, ids[0]).await, 204);
    }
    let found = live.until_now("saved").await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((&found[0]["message"], &found[0]["saved"]), (&json!(ids[0]), &json!(false)));
    assert_eq!(saved(&ana, "").await.0, [ids[2], ids[1]]);
    let message = ana.get(&format!("/messages/{}", ids[1])).await;
    assert!(message.get("saved").is_none(), "a message is the same for everyone");
}

#[tokio::test]
async fn what_may_not_be_read_any_more_is_not_shown_and_deleted_messages_go() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (secret, code) = room(&ana, "secreta", "private").await;
    let inside = say(&ana, secret, "dentro").await;
    assert_eq!(change(&luis, Method::PUT, inside).await, 404);
    luis.post("/join", json!({"code": code})).await;
    let doomed = say(&ana, secret, "error").await;
    for id in [inside, doomed] {
        assert_eq!(change(&luis, Method::PUT, id).await, 204);
    }
    let mut live = luis.live().await;
    live.until("present").await;
    ana.send(Method::DELETE, &format!("/messages/{doomed}"), None).await;
    let frame = live.until("saved").await;
    assert_eq!((&frame["message"], &frame["saved"]), (&json!(doomed), &json!(false)));
    assert_eq!(saved(&luis, "").await.0, [inside]);
    assert_eq!(change(&luis, Method::PUT, doomed).await, 409);
    luis.send(Method::POST, &format!("/rooms/{secret}/leave"), None).await;
    assert_eq!(saved(&luis, "").await, (vec![], false));
    assert_eq!(change(&luis, Method::DELETE, inside).await, 404);
    let code = ana.get(&format!("/rooms/{secret}")).await["code"].clone();
    luis.post("/join", json!({"code": code})).await;
    assert_eq!(saved(&luis, "").await.0, [inside]);
    ana.send(Method::DELETE, &format!("/rooms/{secret}"), None).await;
    assert_eq!(saved(&luis, "").await.0, Vec::<i64>::new());
    ana.send(Method::POST, &format!("/rooms/{secret}/restore"), None).await;
    assert_eq!(saved(&luis, "").await.0, [inside]);
}

#[tokio::test]
async fn missed_and_remote_changes_of_the_list_arrive() {
    let one = Server::start().await;
    let two = one.second().await;
    let ana = one.api("ana").await;
    let ids = [say(&ana, 1, "uno").await, say(&ana, 1, "dos").await];
    one.advance(Duration::from_mins(1));
    let at = time(&ana).await;
    one.advance(Duration::from_mins(1));
    for id in ids {
        change(&ana, Method::PUT, id).await;
    }
    change(&ana, Method::DELETE, ids[0]).await;
    let mut live = ana.live_since(&at).await;
    for (id, saved) in [(ids[1], true), (ids[0], false)] {
        let frame = live.until("saved").await;
        assert_eq!((&frame["message"], &frame["saved"]), (&json!(id), &json!(saved)));
    }
    live.until("present").await;
    assert_eq!(change(&ana.through(&two), Method::PUT, ids[0]).await, 204);
    assert_eq!(live.until("saved").await["message"], ids[0]);
    ana.through(&two).send(Method::DELETE, &format!("/messages/{}", ids[0]), None).await;
    assert_eq!(live.until("saved").await["saved"], false);
}

#[tokio::test]
async fn saved_page_and_message_page_work_without_scripts() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let id = say(&luis, 1, "la <i>llave</i>").await;
    let mut page = server.browser();
    page.login("ana", PASSWORD).await;
    assert_eq!(page.get("/saved").await.all(".empty-state h2"), ["Nothing saved yet"]);
    let path = format!("/messages/{id}/saved");
    let button = "form[action$='/saved'] button";
    assert_eq!(page.get(&format!("/messages/{id}")).await.one(button), "Save for later");
    let after = page.submit(&path, &[("saved", "true")]).await;
    assert_eq!(after.path, format!("/messages/{id}"));
    assert_eq!(after.one(button), "Remove from saved");
    let list = page.get("/saved").await;
    assert_eq!(list.one(".result__text"), "la <i>llave</i>");
    let link = list.attribute(".result__link", "href").expect("a link");
    assert_eq!(link, format!("/rooms/1#m{id}"));
    assert_eq!(page.get("/rooms/1").await.all(".chunk > .saved-mark"), ["Saved"]);
    let removed = page.submit(&path, &[("saved", "false"), ("list", "true")]).await;
    assert_eq!(removed.one("#status"), "Removed from your saved messages.");
    assert_eq!(removed.attribute("#undo", "action"), Some(path.clone()));
    assert!(page.get("/rooms/1").await.all(".chunk > .saved-mark").is_empty());
    let undone = page.submit(&path, &[("saved", "true"), ("list", "true")]).await;
    assert_eq!((undone.path.as_str(), undone.all(".result").len()), ("/saved", 1));
    assert_eq!(saved(&ana, "").await.0, [id]);
    let thread = format!("/messages/{id}/thread");
    let reply = luis.post(&thread, json!({"body": "**aquí**"})).await["id"].clone();
    ana.ok(Method::PUT, &format!("/messages/{reply}/saved"), None).await;
    let list = page.get("/saved").await;
    assert_eq!(list.all(".result__text")[0], "aquí");
    assert_eq!(list.all(".result__room")[0], "Thread in lobby");
}
