//! Rooms: creation, access, changes and notifications.

mod deletion;
mod groups;
mod joining;
mod members;
mod threads;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Api, Server};

async fn make(api: &Api, name: &str, visibility: &str) -> Value {
    api.post("/rooms", json!({"name": name, "visibility": visibility})).await
}

async fn status(api: &Api, method: Method, path: &str, body: Value) -> u16 {
    api.send(method, path, Some(body)).await.status().as_u16()
}

fn names(rooms: &Value) -> Vec<&str> {
    let items = rooms["items"].as_array().expect("items");
    items.iter().map(|room| room["name"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn only_public_rooms_can_be_found_by_everyone() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let open = make(&ana, "Huerto", "public").await;
    let closed = make(&ana, "Secreta", "private").await;
    assert_eq!((&open["owner_id"], &open["members"]), (&json!(1), &json!(1)));
    assert_eq!(open["code"].as_str().map(str::len), Some(14));
    assert_eq!(names(&ana.get("/rooms").await), ["lobby", "Huerto", "Secreta"]);
    let seen = luis.get("/rooms").await;
    assert_eq!(names(&seen), ["lobby", "Huerto"]);
    assert_eq!(seen["items"][1]["code"], Value::Null, "a code is for members");

    let path = format!("/rooms/{}", closed["id"]);
    for (method, path, body) in [
        (Method::GET, path.clone(), json!({})),
        (Method::PATCH, path.clone(), json!({"name": "Mía"})),
        (Method::POST, format!("{path}/join"), json!({})),
        (Method::POST, format!("{path}/leave"), json!({})),
        (Method::PUT, format!("{path}/read"), json!({"seq": 1})),
        (Method::GET, format!("{path}/messages"), json!({})),
        (Method::POST, format!("{path}/messages"), json!({"body": "hola"})),
    ] {
        assert_eq!(status(&luis, method.clone(), &path, body).await, 404, "{method} {path}");
    }
    let mut live = luis.live().await;
    live.send(json!({"type": "open", "room": closed["id"]})).await;
    assert_eq!(live.until("error").await["status"], 404);
}

#[tokio::test]
async fn room_code_works_in_any_notation_until_renewed() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let room = make(&ana, "Secreta", "private").await;
    let code = room["code"].as_str().expect("a code").to_lowercase().replace('-', "");
    let wrong = luis.refused(Method::POST, "/join", Some(json!({"code": "0000-0000-0000"}))).await;
    assert_eq!(wrong.status, StatusCode::NOT_FOUND);
    let joined = luis.post("/join", json!({"code": code})).await;
    assert_eq!((&joined["id"], &joined["code"]), (&room["id"], &room["code"]));
    luis.get(&format!("/rooms/{}/messages", room["id"])).await;

    let mut owner = server.browser();
    owner.login("ana", crate::support::PASSWORD).await;
    owner.submit(&format!("/rooms/{}/code", room["id"]), &[]).await;
    let eva = server.api("eva").await;
    assert_eq!(status(&eva, Method::POST, "/join", json!({"code": code})).await, 404);
    let fresh = ana.get(&format!("/rooms/{}", room["id"])).await["code"].clone();
    assert_eq!(status(&eva, Method::POST, "/join", json!({"code": fresh})).await, 200);
}

#[tokio::test]
async fn name_typed_as_code_joins_or_suggests_visible_rooms() {
    let server = Server::start().await;
    let (ana, _) = (server.api("ana").await, server.api("luis").await);
    let open = make(&ana, "Huerto", "public").await;
    make(&ana, "Huerta", "private").await;
    let mut luis = server.browser();
    luis.login("luis", crate::support::PASSWORD).await;
    for path in ["/join", "/join/Huertu"] {
        let page = if path == "/join" {
            luis.submit(path, &[("code", "Huertu")]).await
        } else {
            luis.get(path).await
        };
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(page.attribute("#code", "value").as_deref(), Some("Huertu"), "{path}");
        let note = page.one("#code-note");
        assert!(note.contains("Huerto?"), "{path}: {note}");
    }
    let joined = luis.submit("/join", &[("code", "huerto")]).await;
    assert_eq!(joined.path, format!("/rooms/{}", open["id"]));
}

#[tokio::test]
async fn only_the_owner_changes_a_room() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let room = make(&luis, "Huerto", "public").await;
    let path = format!("/rooms/{}", room["id"]);
    let change = json!({"name": "Huerta", "topic": "riego y siembra"});
    let refused = ana.refused(Method::PATCH, &path, Some(change.clone())).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "an administrator does not own it either");
    let (_, changed) = luis.ok(Method::PATCH, &path, Some(change)).await;
    assert_eq!(
        (&changed["name"], &changed["topic"]),
        (&json!("Huerta"), &json!("riego y siembra"))
    );
    // The administrator sets the topic of the lobby.
    let topic = json!({"topic": "para todo"});
    assert_eq!(status(&luis, Method::PATCH, "/rooms/1", topic.clone()).await, 403);
    assert_eq!(status(&ana, Method::PATCH, "/rooms/1", topic).await, 200);
}

#[tokio::test]
async fn only_public_room_names_are_unique() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    make(&ana, "Huerto", "public").await;
    for name in ["Huerto", "HUERTO", " huerto ", "Lobby"] {
        let taken = json!({"name": name, "visibility": "public"});
        let refused = ana.refused(Method::POST, "/rooms", Some(taken)).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{name}");
        assert!(refused.body["errors"]["name"][0].is_string());
    }
    make(&ana, "Huerto", "private").await;
    let other = make(&ana, "Otra", "public").await;
    let path = format!("/rooms/{}", other["id"]);
    assert_eq!(status(&ana, Method::PATCH, &path, json!({"name": "huerto"})).await, 409);
    assert_eq!(status(&ana, Method::PATCH, &path, json!({"name": "OTRA"})).await, 200);
    for bad in
        [json!({"name": "", "visibility": "public"}), json!({"name": "x", "visibility": "direct"})]
    {
        assert_eq!(status(&ana, Method::POST, "/rooms", bad).await, 422);
    }
}

#[tokio::test]
async fn room_of_a_leaving_owner_passes_to_the_longest_member() {
    let server = Server::start().await;
    let (ana, luis, eva) =
        (server.api("ana").await, server.api("luis").await, server.api("eva").await);
    let room = make(&ana, "Huerto", "public").await;
    let path = format!("/rooms/{}", room["id"]);
    luis.post(&format!("{path}/join"), json!({})).await;
    server.advance(std::time::Duration::from_secs(1));
    eva.post(&format!("{path}/join"), json!({})).await;
    ana.ok(Method::POST, &format!("{path}/leave"), None).await;
    assert_eq!(eva.get(&path).await["owner_id"], 2);
    luis.ok(Method::POST, &format!("{path}/leave"), None).await;
    eva.ok(Method::POST, &format!("{path}/leave"), None).await;
    assert_eq!(ana.get(&path).await["owner_id"], Value::Null);
    ana.post(&format!("{path}/join"), json!({})).await;
    assert_eq!(ana.get(&path).await["owner_id"], Value::Null, "an empty room has no owner");
    assert_eq!(status(&ana, Method::POST, "/rooms/1/leave", json!({})).await, 409);
}

#[tokio::test]
async fn two_users_share_one_private_direct_message() {
    let server = Server::start().await;
    let (ana, luis, eva) =
        (server.api("ana").await, server.api("luis").await, server.api("eva").await);
    let one = ana.post("/direct", json!({"name": "luis"})).await;
    let other = luis.post("/direct", json!({"name": "ANA"})).await;
    assert_eq!(one["id"], other["id"]);
    assert_eq!((&one["name"], &other["name"]), (&json!("luis"), &json!("ana")));
    assert_eq!(
        (&one["visibility"], &one["owner_id"], &one["members"]),
        (&json!("direct"), &Value::Null, &json!(2))
    );
    let path = format!("/rooms/{}", one["id"]);
    ana.post(&format!("{path}/messages"), json!({"body": "entre tú y yo"})).await;
    assert_eq!(luis.get(&format!("{path}/messages")).await["items"][0]["body"], "entre tú y yo");
    assert_eq!(status(&eva, Method::GET, &format!("{path}/messages"), json!({})).await, 404);
    assert_eq!(names(&eva.get("/rooms").await), ["lobby"]);
    assert_eq!(status(&ana, Method::POST, &format!("{path}/leave"), json!({})).await, 409);
    assert_eq!(status(&ana, Method::POST, "/direct", json!({"name": "nadie"})).await, 404);
}

#[tokio::test]
async fn read_marker_only_advances_and_syncs_to_other_connections() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    for n in 1..=5 {
        ana.say(&format!("m{n}")).await;
    }
    let mut live = luis.live().await;
    live.until("present").await;
    let mark_read = async |seq: i64| {
        luis.ok(Method::PUT, "/rooms/1/read", Some(json!({"seq": seq}))).await;
        luis.get("/rooms/1").await["last_read_seq"].as_i64()
    };
    assert_eq!(mark_read(3).await, Some(3));
    assert_eq!(
        live.until("read").await,
        json!({"type": "read", "room": 1, "seq": 3, "unread": 2, "mentions": 0})
    );
    assert_eq!(mark_read(2).await, Some(3));
    assert_eq!(mark_read(99).await, Some(3), "a read marker cannot pass the last message");
    live.send(json!({"type": "read", "room": 1, "seq": 5})).await;
    assert_eq!(live.until("read").await["seq"], 5);
}

#[tokio::test]
async fn writing_marks_as_read_on_every_connection() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let mut elsewhere = ana.live().await;
    elsewhere.until("present").await;
    ana.say("hola").await;
    assert_eq!(
        elsewhere.next().await,
        json!({"type": "read", "room": 1, "seq": 1, "unread": 0, "mentions": 0})
    );
}

#[tokio::test]
async fn room_changes_are_published_to_those_who_see_the_room() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (mut owner, mut other) = (ana.live().await, luis.live().await);
    owner.until("present").await;
    other.until("present").await;
    let secret = make(&ana, "Secreta", "private").await;
    assert_eq!(owner.until("room").await["room"]["name"], "Secreta");
    let open = make(&ana, "Huerto", "public").await;
    let seen = other.until("room").await;
    assert_eq!((&seen["room"]["name"], &seen["room"]["code"]), (&json!("Huerto"), &Value::Null));

    luis.post("/join", json!({"code": secret["code"]})).await;
    assert_eq!(other.until("room").await["room"]["code"], secret["code"]);
    let member = owner.until("member").await;
    assert_eq!((&member["room"], &member["user"]["name"]), (&secret["id"], &json!("luis")));

    let path = format!("/rooms/{}", open["id"]);
    ana.ok(Method::PATCH, &path, Some(json!({"topic": "riego"}))).await;
    assert_eq!(other.until("room").await["room"]["topic"], "riego");

    // A message in a room that is not open sends an unread count, to members only.
    ana.post(&format!("/rooms/{}/messages", secret["id"]), json!({"body": "psst"})).await;
    let unread = json!({"type": "unread", "room": secret["id"], "last_seq": 1, "mentions": 0});
    assert_eq!(other.until("unread").await, unread);

    let mut page = server.browser();
    page.login("ana", crate::support::PASSWORD).await;
    page.submit(&format!("/rooms/{}/remove", secret["id"]), &[("user", "2")]).await;
    assert_eq!(other.until("closed").await["room"], secret["id"]);
    ana.post(&format!("/rooms/{}/messages", secret["id"]), json!({"body": "solos"})).await;
    other.send(json!({"type": "ping"})).await;
    loop {
        let frame = other.next().await;
        assert!(frame["type"] != "unread" && frame["type"] != "message", "{frame}");
        if frame["type"] == "pong" {
            break;
        }
    }
}
