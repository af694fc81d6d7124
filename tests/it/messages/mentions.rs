//! Mentions: detection, counts, notifications and style.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Api, Live, Server, within};

/// Three users in the lobby.
async fn three_users(server: &Server) -> (Api, Api, Api) {
    (server.api("ana").await, server.api("luis").await, server.api("eva").await)
}

async fn mentions(api: &Api) -> Value {
    api.get("/rooms").await["items"][0]["mentions"].clone()
}

fn unread(last_seq: i64, mentions: i64) -> Value {
    json!({"type": "unread", "room": 1, "last_seq": last_seq, "mentions": mentions})
}

/// The next `unread` frame, without its `unread` field.
async fn next_unread(live: &mut Live) -> Value {
    let mut frame = live.until("unread").await;
    frame.as_object_mut().expect("an object").remove("unread");
    frame
}

/// Skips frames until an `unread` frame has these counts.
async fn until_unread(live: &mut Live, expected: &Value) {
    within("the counts arrive", async { while next_unread(live).await != *expected {} }).await;
}

/// Asserts that no frame of this type comes before the pong to a ping.
async fn assert_no_frame(live: &mut Live, kind: &str) {
    live.send(json!({"type": "ping"})).await;
    loop {
        let frame = live.next().await;
        assert_ne!(frame["type"], kind, "{frame}");
        if frame["type"] == "pong" {
            return;
        }
    }
}

#[tokio::test]
async fn at_name_is_a_mention_only_if_the_user_exists() {
    let server = Server::start().await;
    let (ana, ..) = three_users(&server).await;
    let message = ana.say("@Luis, @nobody and mail@eva: who waters? Ask @EVA.").await;
    assert_eq!(
        message["html"],
        "<p><a class=\"mention\" href=\"/direct/luis\">@Luis</a>, @nobody and mail@eva: \
         who waters? Ask <a class=\"mention\" href=\"/direct/eva\">@EVA</a>.</p>"
    );
    let edited = json!({"body": "@ana after all"});
    let (_, after_edit) =
        ana.ok(Method::PATCH, &format!("/messages/{}", message["id"]), Some(edited)).await;
    let html = after_edit["html"].as_str().expect("html");
    assert!(html.contains("/direct/ana") && !html.contains("/direct/luis"), "{html}");
}

#[tokio::test]
async fn mention_counts_for_its_user_until_read() {
    let server = Server::start().await;
    let (ana, luis, eva) = three_users(&server).await;
    for body in ["@luis 1", "nothing", "@luis and once more @luis", "@eva, not @ana"] {
        ana.say(body).await;
    }
    let counts = (mentions(&luis).await, mentions(&eva).await, mentions(&ana).await);
    assert_eq!(counts, (json!(2), json!(1), json!(0)));
    let ready = luis.live().await.next().await;
    assert_eq!(ready["rooms"][0]["mentions"], 2);
    luis.ok(Method::PUT, "/rooms/1/read", Some(json!({"seq": 1}))).await;
    assert_eq!(mentions(&luis).await, 1);
    luis.ok(Method::PUT, "/rooms/1/read", Some(json!({"seq": 4}))).await;
    assert_eq!((mentions(&luis).await, mentions(&eva).await), (json!(0), json!(1)));
}

#[tokio::test]
async fn unread_frames_carry_each_users_mention_count() {
    let server = Server::start().await;
    let (ana, luis, eva) = three_users(&server).await;
    let (mut to_luis, mut to_eva) = (luis.live().await, eva.live().await);
    to_luis.until("present").await;
    to_eva.until("present").await;
    ana.say("hola @luis").await;
    assert_eq!(next_unread(&mut to_luis).await, unread(1, 1));
    assert_eq!(next_unread(&mut to_eva).await, unread(1, 0));
    // A message without a mention does not change the count.
    ana.say("que llueve").await;
    assert_eq!(next_unread(&mut to_luis).await, unread(2, 1));
    assert_eq!(next_unread(&mut to_eva).await, unread(2, 0));
    ana.say("¡@luis!").await;
    assert_eq!(next_unread(&mut to_luis).await, unread(3, 2));
}

#[tokio::test]
async fn new_connection_gets_the_mention_count_with_each_message() {
    let server = Server::start().await;
    let (ana, luis, _) = three_users(&server).await;
    ana.say("hola @luis").await;
    let mut live = luis.live().await;
    live.until("present").await;
    ana.say("que llueve").await;
    assert_eq!(next_unread(&mut live).await, unread(2, 1));
}

#[tokio::test]
async fn client_with_the_room_open_gets_no_count() {
    let server = Server::start().await;
    let (ana, luis, _) = three_users(&server).await;
    let mut live = luis.live().await;
    live.open_room(1, None).await;
    let message = ana.say("hola @luis").await;
    assert_eq!(live.until("message").await["message"], message);
    let edited = Some(json!({"body": "hola"}));
    ana.ok(Method::PATCH, &format!("/messages/{}", message["id"]), edited).await;
    assert_no_frame(&mut live, "unread").await;
}

#[tokio::test]
async fn reading_updates_the_count_on_other_connections() {
    let server = Server::start().await;
    let (ana, luis, _) = three_users(&server).await;
    let (mut one, mut two) = (luis.live().await, luis.live().await);
    two.until("present").await;
    ana.say("@luis 1").await;
    ana.say("@luis 2").await;
    until_unread(&mut two, &unread(2, 2)).await;
    one.send(json!({"type": "read", "room": 1, "seq": 1})).await;
    let read = json!({"type": "read", "room": 1, "seq": 1, "unread": 1, "mentions": 1});
    assert_eq!(two.until("read").await, read);
    ana.say("3").await;
    assert_eq!(next_unread(&mut two).await, unread(3, 1));
    // Writing marks the room as read.
    luis.say("@luis says @luis").await;
    let read = json!({"type": "read", "room": 1, "seq": 4, "unread": 0, "mentions": 0});
    assert_eq!(two.until("read").await, read);
    assert_eq!(mentions(&luis).await, 0);
    ana.say("5").await;
    until_unread(&mut two, &unread(5, 0)).await;
}

#[tokio::test]
async fn edits_and_deletions_update_mention_counts() {
    let server = Server::start().await;
    let (ana, luis, eva) = three_users(&server).await;
    let (mut to_luis, mut to_eva) = (luis.live().await, eva.live().await);
    to_luis.until("present").await;
    to_eva.until("present").await;
    let id = ana.say("@luis?").await["id"].clone();
    assert_eq!(next_unread(&mut to_luis).await, unread(1, 1));
    assert_eq!(next_unread(&mut to_eva).await, unread(1, 0));
    let message = format!("/messages/{id}");
    ana.ok(Method::PATCH, &message, Some(json!({"body": "no, @eva?"}))).await;
    assert_eq!(next_unread(&mut to_luis).await, unread(1, 0));
    assert_eq!(next_unread(&mut to_eva).await, unread(1, 1));
    ana.ok(Method::DELETE, &message, None).await;
    assert_eq!(next_unread(&mut to_eva).await, unread(1, 0));
    assert_eq!((mentions(&luis).await, mentions(&eva).await), (json!(0), json!(0)));
}

#[tokio::test]
async fn mention_outside_ones_rooms_notifies_no_one() {
    let server = Server::start().await;
    let (ana, luis, _) = three_users(&server).await;
    let room = ana.post("/rooms", json!({"name": "huerto", "visibility": "public"})).await;
    let (path, id) = (format!("/rooms/{}", room["id"]), room["id"].clone());
    let mut live = luis.live().await;
    live.until("present").await;
    let messages = format!("{path}/messages");
    let say = |body: &str| ana.post(&messages, json!({"body": body}));
    say("@luis, come in").await;
    luis.post(&format!("{path}/join"), json!({})).await;
    assert_eq!(luis.get(&path).await["mentions"], 0, "joining marks the room as read");
    say("@luis, there you are").await;
    let next_unread = next_unread(&mut live).await;
    assert_eq!((&next_unread["room"], &next_unread["mentions"]), (&id, &json!(1)));
    luis.send(Method::POST, &format!("{path}/leave"), None).await;
    say("@luis, gone?").await;
    live.until("room").await;
    assert_no_frame(&mut live, "unread").await;
    assert_eq!(luis.get(&path).await["mentions"], 0);
}

#[tokio::test]
async fn closed_account_cannot_be_mentioned() {
    let server = Server::start().await;
    let mut admin = server.browser_as("ana").await;
    let (ana, ..) = three_users(&server).await;
    let before = ana.say("@luis").await;
    admin.submit("/admin/people/close", &[("user", "2"), ("", "")]).await;
    let after = ana.say("@luis and @eva").await;
    let html = |message: &Value| message["html"].as_str().expect("html").to_owned();
    assert!(html(&before).contains("/direct/luis"));
    assert!(!html(&after).contains("/direct/luis") && html(&after).contains("/direct/eva"));
}

#[tokio::test]
async fn mentions_through_another_server_count_here() {
    let one = Server::start().await;
    let two = one.second().await;
    let (ana, luis, eva) = three_users(&one).await;
    let (mut to_luis, mut to_eva) = (luis.live().await, eva.live().await);
    to_luis.until("present").await;
    to_eva.until("present").await;
    let ana = ana.through(&two);
    let id = ana.say("@luis").await["id"].clone();
    assert_eq!(next_unread(&mut to_luis).await, unread(1, 1));
    assert_eq!(next_unread(&mut to_eva).await, unread(1, 0));
    let edited = json!({"body": "@eva"});
    ana.ok(Method::PATCH, &format!("/messages/{id}"), Some(edited)).await;
    assert_eq!(next_unread(&mut to_luis).await, unread(1, 0));
    assert_eq!(next_unread(&mut to_eva).await, unread(1, 1));
    eva.through(&two).ok(Method::PUT, "/rooms/1/read", Some(json!({"seq": 1}))).await;
    assert_eq!(to_eva.until("read").await["mentions"], 0);
    ana.say("2").await;
    assert_eq!(next_unread(&mut to_eva).await, unread(2, 0));
}

#[tokio::test]
async fn repeated_send_does_not_mention_twice() {
    let server = Server::start().await;
    let (ana, luis, _) = three_users(&server).await;
    let draft = json!({"body": "@luis", "nonce": "n1"});
    let first = ana.post("/rooms/1/messages", draft.clone()).await;
    assert_eq!(ana.post("/rooms/1/messages", draft).await, first);
    assert_eq!(mentions(&luis).await, 1);
}

#[tokio::test]
async fn mention_style_applies_to_names_only() {
    let server = Server::start().await;
    let get = |name: &str| reqwest::get(server.url(&format!("/mentions/{name}")));
    for name in ["ana", "Jos%C3%A9", "j.r-s_2"] {
        let style = get(&format!("{name}.css")).await.expect("an answer");
        assert_eq!(style.status(), 200, "{name}");
        assert_eq!(style.headers()["content-type"], "text/css; charset=utf-8");
        assert_eq!(style.headers()["x-content-type-options"], "nosniff");
        assert!(style.headers()["cache-control"].to_str().expect("text").starts_with("public"));
        let text = style.text().await.expect("a body");
        let plain = name.replace("%C3%A9", "é");
        assert!(text.contains(&format!("[href=\"/direct/{plain}\"]")), "{text}");
    }
    for name in
        ["ana", "a%22%5D%7B%7D*%7Bcolor:red.css", "a%0Ab.css", ".css", "all.css", "%5C22.css"]
    {
        assert_eq!(get(name).await.expect("an answer").status(), 404, "{name}");
    }
    let mut ana = server.browser_as("ana").await;
    // On each page: a room may take its place without a page load.
    for path in ["/rooms/1", "/settings"] {
        assert_eq!(ana.get(path).await.all("link[href='/mentions/ana.css']").len(), 1, "{path}");
    }
}
