//! Two servers on one database: each publishes the changes made through the other, once.

use serde_json::{Value, json};

use crate::support::{Api, Live, PASSWORD, Server};

/// Luis has a live connection to the first server and acts through the second.
struct TwoServers {
    one: Server,
    two: Server,
    ana: Api,
    luis: Api,
    /// Luis's connection to the first server.
    live: Live,
}

async fn two_servers() -> TwoServers {
    let one = Server::start().await;
    let two = one.second().await;
    let ana = one.api("ana").await.through(&two);
    let luis = one.api("luis").await.through(&two);
    let mut live = luis.through(&one).live().await;
    live.until("present").await;
    TwoServers { one, two, ana, luis, live }
}

async fn room(api: &Api, name: &str, visibility: &str) -> (i64, String, String) {
    let made = api.post("/rooms", json!({"name": name, "visibility": visibility})).await;
    let id = made["id"].as_i64().expect("an id");
    (id, format!("/rooms/{id}"), made["code"].as_str().expect("a code").to_owned())
}

/// The next frame of this type about this room.
async fn about(live: &mut Live, kind: &str, id: i64) -> Value {
    loop {
        let frame = live.until(kind).await;
        if frame["room"] == id || frame["room"]["id"] == id {
            return frame;
        }
    }
}

#[tokio::test]
async fn room_creation_rename_and_deletion_reach_the_other_server() {
    let servers = two_servers().await;
    let TwoServers { ana, mut live, .. } = servers;
    let (id, path, _) = room(&ana, "huerto", "public").await;
    assert_eq!(about(&mut live, "room", id).await["room"]["name"], "huerto");
    let (_, renamed) = ana
        .ok(reqwest::Method::PATCH, &path, Some(json!({"name": "jardín", "topic": "sol"})))
        .await;
    assert_eq!(renamed["topic"], "sol");
    let received = about(&mut live, "room", id).await;
    assert_eq!(
        (&received["room"]["name"], &received["room"]["topic"]),
        (&json!("jardín"), &json!("sol"))
    );
}

#[tokio::test]
async fn joining_and_leaving_reach_the_other_server() {
    let servers = two_servers().await;
    let TwoServers { two, ana, mut live, .. } = servers;
    let eva = two.api("eva").await;
    let joined = about(&mut live, "member", 1).await;
    assert_eq!((&joined["user"]["name"], &joined["joined"]), (&json!("eva"), &json!(true)));
    let (id, path, _) = room(&ana, "huerto", "public").await;
    eva.post(&format!("{path}/join"), json!({})).await;
    loop {
        let received = about(&mut live, "member", id).await;
        if received["user"]["name"] == "eva" {
            assert_eq!(received["joined"], true);
            break;
        }
    }
    eva.send(reqwest::Method::POST, &format!("{path}/leave"), None).await;
    let received = about(&mut live, "member", id).await;
    assert_eq!((&received["user"]["name"], &received["joined"]), (&json!("eva"), &json!(false)));
}

#[tokio::test]
async fn own_joining_and_leaving_reach_the_other_server() {
    let servers = two_servers().await;
    let TwoServers { ana, luis, mut live, .. } = servers;
    let (id, path, code) = room(&ana, "secreto", "private").await;
    luis.post("/join", json!({"code": code})).await;
    assert_eq!(about(&mut live, "room", id).await["room"]["name"], "secreto");
    // Messages in the room count as unread from now on.
    ana.post(&format!("{path}/messages"), json!({"body": "hola"})).await;
    assert_eq!(about(&mut live, "unread", id).await["last_seq"], 1);
    luis.send(reqwest::Method::POST, &format!("{path}/leave"), None).await;
    about(&mut live, "closed", id).await;
}

#[tokio::test]
async fn user_removed_on_one_server_receives_nothing_on_the_other() {
    let TwoServers { one, two, ana, luis, mut live } = two_servers().await;
    let (id, path, code) = room(&ana, "secreto", "private").await;
    luis.post("/join", json!({"code": code})).await;
    about(&mut live, "room", id).await;
    live.open_room(id, None).await;
    let mut owner = two.browser();
    owner.login("ana", PASSWORD).await;
    let removed = owner.submit(&format!("{path}/remove"), &[("user", "2")]).await;
    assert!(removed.status.is_success(), "{}", removed.status);
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
async fn display_name_change_reaches_the_other_server() {
    let servers = two_servers().await;
    let TwoServers { two, mut live, .. } = servers;
    let mut ana = two.browser();
    ana.login("ana", PASSWORD).await;
    ana.submit("/settings/name", &[("display_name", "Ana María")]).await;
    assert_eq!(live.until("user").await["user"]["display_name"], "Ana María");
}

#[tokio::test]
async fn read_marker_reaches_the_other_server() {
    let servers = two_servers().await;
    let TwoServers { one, ana, luis, mut live, .. } = servers;
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
    // The server that handled the request publishes it immediately, and not a second time.
    let mut twice = luis.live().await;
    twice.until("present").await;
    ana.say("m4").await;
    luis.send(reqwest::Method::PUT, "/rooms/1/read", Some(json!({"seq": 4}))).await;
    assert_eq!(twice.until("read").await["seq"], 4);
    assert_eq!(live.until("read").await["seq"], 4);
    // When the next read arrives, both servers have polled the change feed again.
    ana.say("m5").await;
    luis.through(&one).send(reqwest::Method::PUT, "/rooms/1/read", Some(json!({"seq": 5}))).await;
    assert_eq!(twice.until("read").await["seq"], 5);
}

#[tokio::test]
async fn direct_message_reaches_the_other_server() {
    let servers = two_servers().await;
    let TwoServers { ana, mut live, .. } = servers;
    let made = ana.post("/direct", json!({"name": "luis"})).await;
    let id = made["id"].as_i64().expect("an id");
    assert_eq!(about(&mut live, "room", id).await["room"]["name"], "ana");
    ana.post(&format!("/rooms/{id}/messages"), json!({"body": "hola"})).await;
    assert_eq!(about(&mut live, "unread", id).await["last_seq"], 1);
}

#[tokio::test]
async fn changes_of_both_servers_arrive_in_order_and_none_is_missing() {
    const ROUNDS: i64 = 8;
    let servers = two_servers().await;
    let TwoServers { one, ana, luis, mut live, .. } = servers;
    live.open_room(1, Some(0)).await;
    let here = luis.through(&one);
    let first = ana.say("the message that changes").await["id"].as_i64().expect("an id");
    let path = format!("/messages/{first}");
    for n in 0..ROUNDS {
        here.say(&format!("stored here {n}")).await;
        let body = json!({"body": format!("changed there {n}")});
        ana.ok(reqwest::Method::PATCH, &path, Some(body)).await;
        ana.say(&format!("stored there {n}")).await;
    }
    let last = 1 + 3 * ROUNDS;
    let mut revs = Vec::new();
    let mut stored = Vec::new();
    while revs.last() != Some(&last) {
        let frame = live.until("message").await;
        revs.extend(frame["rev"].as_i64());
        stored.extend(frame["message"]["seq"].as_i64());
    }
    assert!(revs.is_sorted_by(|a, b| a < b), "{revs:?}");
    stored.sort_unstable();
    stored.dedup();
    assert_eq!(stored, (1..=1 + 2 * ROUNDS).collect::<Vec<_>>(), "every message arrived");
}
