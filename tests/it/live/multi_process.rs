//! Two servers on one database: what people do through one is told by the other, once.

use serde_json::{Value, json};

use crate::support::{Api, Live, PASSWORD, Server};

/// Somebody whose connection is at one server, and who acts through the other.
struct Both {
    one: Server,
    two: Server,
    ana: Api,
    luis: Api,
    /// Of luis, at the first server; he acts through the second.
    live: Live,
}

async fn both() -> Both {
    let one = Server::start().await;
    let two = one.beside().await;
    let ana = one.api("ana").await.through(&two);
    let luis = one.api("luis").await.through(&two);
    let mut live = luis.through(&one).live().await;
    live.until("present").await;
    Both { one, two, ana, luis, live }
}

async fn room(api: &Api, name: &str, visibility: &str) -> (i64, String, String) {
    let made = api.post("/rooms", json!({"name": name, "visibility": visibility})).await;
    let id = made["id"].as_i64().expect("an id");
    (id, format!("/rooms/{id}"), made["code"].as_str().expect("a code").to_owned())
}

/// The next frame of a type that speaks of a room.
async fn about(live: &mut Live, kind: &str, id: i64) -> Value {
    loop {
        let frame = live.until(kind).await;
        if frame["room"] == id || frame["room"]["id"] == id {
            return frame;
        }
    }
}

#[tokio::test]
async fn a_new_room_its_names_and_its_end_are_told_by_the_other_server() {
    let house = both().await;
    let Both { ana, mut live, .. } = house;
    let (id, path, _) = room(&ana, "huerto", "public").await;
    assert_eq!(about(&mut live, "room", id).await["room"]["name"], "huerto");
    let (_, renamed) = ana
        .ok(reqwest::Method::PATCH, &path, Some(json!({"name": "jardín", "topic": "sol"})))
        .await;
    assert_eq!(renamed["topic"], "sol");
    let told = about(&mut live, "room", id).await;
    assert_eq!((&told["room"]["name"], &told["room"]["topic"]), (&json!("jardín"), &json!("sol")));
}

#[tokio::test]
async fn who_comes_and_who_goes_is_told_by_the_other_server() {
    let house = both().await;
    let Both { two, ana, mut live, .. } = house;
    let eva = two.api("eva").await;
    let came = about(&mut live, "member", 1).await;
    assert_eq!((&came["user"]["name"], &came["joined"]), (&json!("eva"), &json!(true)));
    let (id, path, _) = room(&ana, "huerto", "public").await;
    eva.post(&format!("{path}/join"), json!({})).await;
    loop {
        let told = about(&mut live, "member", id).await;
        if told["user"]["name"] == "eva" {
            assert_eq!(told["joined"], true);
            break;
        }
    }
    eva.send(reqwest::Method::POST, &format!("{path}/leave"), None).await;
    let told = about(&mut live, "member", id).await;
    assert_eq!((&told["user"]["name"], &told["joined"]), (&json!("eva"), &json!(false)));
}

#[tokio::test]
async fn one_hears_of_ones_own_joining_and_leaving_through_the_other_server() {
    let house = both().await;
    let Both { ana, luis, mut live, .. } = house;
    let (id, path, code) = room(&ana, "secreto", "private").await;
    luis.post("/join", json!({"code": code})).await;
    assert_eq!(about(&mut live, "room", id).await["room"]["name"], "secreto");
    // From now on what is said there counts as unread here.
    ana.post(&format!("{path}/messages"), json!({"body": "hola"})).await;
    assert_eq!(about(&mut live, "unread", id).await["last_seq"], 1);
    luis.send(reqwest::Method::POST, &format!("{path}/leave"), None).await;
    about(&mut live, "closed", id).await;
}

#[tokio::test]
async fn whoever_was_shown_the_door_through_one_server_hears_no_more_at_the_other() {
    let Both { one, two, ana, luis, mut live } = both().await;
    let (id, path, code) = room(&ana, "secreto", "private").await;
    luis.post("/join", json!({"code": code})).await;
    about(&mut live, "room", id).await;
    live.open_room(id, None).await;
    let mut owner = two.browser();
    owner.login("ana", PASSWORD).await;
    let put_out = owner.submit(&format!("{path}/remove"), &[("user", "2")]).await;
    assert!(put_out.status.is_success(), "{}", put_out.status);
    about(&mut live, "closed", id).await;
    ana.through(&one).post(&format!("{path}/messages"), json!({"body": "a solas"})).await;
    live.send(json!({"type": "ping"})).await;
    loop {
        let frame = live.next().await;
        assert_ne!(frame["type"], "message");
        assert!(frame["type"] != "unread" || frame["room"] != id, "{frame}");
        if frame["type"] == "pong" {
            break;
        }
    }
}

#[tokio::test]
async fn a_new_name_is_told_by_the_other_server() {
    let house = both().await;
    let Both { two, mut live, .. } = house;
    let mut ana = two.browser();
    ana.login("ana", PASSWORD).await;
    ana.submit("/settings/name", &[("display_name", "Ana María")]).await;
    assert_eq!(live.until("user").await["user"]["display_name"], "Ana María");
}

#[tokio::test]
async fn what_one_has_read_through_one_server_is_read_at_the_other() {
    let house = both().await;
    let Both { one, ana, luis, mut live, .. } = house;
    for n in 1..=3 {
        ana.say(&format!("m{n}")).await;
    }
    for seq in [1, 3] {
        luis.send(reqwest::Method::PUT, "/rooms/1/read", Some(json!({"seq": seq}))).await;
        assert_eq!(
            live.until("read").await,
            json!({"type": "read", "room": 1, "seq": seq, "unread": 3 - seq, "mentions": 0})
        );
    }
    // At its own server it is told at once, and not once more.
    let mut twice = luis.live().await;
    twice.until("present").await;
    ana.say("m4").await;
    luis.send(reqwest::Method::PUT, "/rooms/1/read", Some(json!({"seq": 4}))).await;
    assert_eq!(twice.until("read").await["seq"], 4);
    assert_eq!(live.until("read").await["seq"], 4);
    // By the next read both have looked again.
    ana.say("m5").await;
    luis.through(&one).send(reqwest::Method::PUT, "/rooms/1/read", Some(json!({"seq": 5}))).await;
    assert_eq!(twice.until("read").await["seq"], 5);
}

#[tokio::test]
async fn a_conversation_begun_through_one_server_is_there_at_the_other() {
    let house = both().await;
    let Both { ana, mut live, .. } = house;
    let made = ana.post("/direct", json!({"name": "luis"})).await;
    let id = made["id"].as_i64().expect("an id");
    assert_eq!(about(&mut live, "room", id).await["room"]["name"], "ana");
    ana.post(&format!("/rooms/{id}/messages"), json!({"body": "hola"})).await;
    assert_eq!(about(&mut live, "unread", id).await["last_seq"], 1);
}
