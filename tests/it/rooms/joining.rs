//! Joining: every endpoint that adds a member, after a removal, in an empty room, and by repeated sends.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::command::{patio, success, text};
use crate::support::{Api, Browser, Live, PASSWORD, Server, Storage};

/// A room with its owner ana, its member bert, and ex, a former member whom ana has removed.
struct TestContext {
    server: Server,
    ana: Api,
    bert: Api,
    ex: Api,
    /// The connection of ex, who had the room open.
    live: Live,
    browser: Browser,
    id: Value,
    path: String,
    /// The room code from before the removal.
    old_code: Value,
    message: Value,
    /// A message that ex wrote as a member.
    own_message: Value,
}

impl TestContext {
    async fn with(visibility: &str) -> Self {
        let server = Server::start().await;
        let (ana, bert, ex) =
            (server.api("ana").await, server.api("bert").await, server.api("ex").await);
        let room = json!({"name": "Huerto", "visibility": visibility});
        let room = ana.post("/rooms", room).await;
        let path = format!("/rooms/{}", room["id"]);
        for guest in [&bert, &ex] {
            guest.post("/join", json!({"code": room["code"]})).await;
        }
        let message = ana.post(&format!("{path}/messages"), json!({"body": "hola"})).await;
        let own_message = ex.post(&format!("{path}/messages"), json!({"body": "adios"})).await;
        let mut live = ex.live().await;
        live.until("present").await;
        live.open_room(room["id"].as_i64().expect("an id"), None).await;
        let mut owner = server.browser();
        owner.login("ana", PASSWORD).await;
        let kick = [("body", "/kick ex")];
        assert_eq!(owner.submit(&format!("{path}/messages"), &kick).await.status, StatusCode::OK);
        let mut browser = server.browser();
        browser.login("ex", PASSWORD).await;
        let (id, old_code) = (room["id"].clone(), room["code"].clone());
        let (message, own_message) = (message["id"].clone(), own_message["id"].clone());
        Self { server, ana, bert, ex, live, browser, id, path, old_code, message, own_message }
    }

    async fn code(&self) -> Value {
        self.ana.get(&self.path).await["code"].clone()
    }

    /// Tries to rejoin by every endpoint, and returns the status of each.
    async fn try_every_endpoint(&mut self) -> Vec<(String, u16)> {
        let (path, new) = (self.path.clone(), self.code().await);
        let mut tried = Vec::new();
        for (method, path, body) in [
            (Method::POST, format!("{path}/join"), json!({})),
            (Method::POST, format!("{path}/messages"), json!({"body": "otra vez"})),
            (Method::PUT, format!("/messages/{}/reactions/👍", self.message), json!({})),
            (Method::PATCH, format!("/messages/{}", self.own_message), json!({"body": "otra vez"})),
            (Method::POST, "/join".to_owned(), json!({"code": self.old_code})),
            (Method::POST, "/join".to_owned(), json!({"code": new})),
        ] {
            let answer = self.ex.send(method.clone(), &path, Some(body.clone())).await;
            tried.push((format!("{method} {path} {body}"), answer.status().as_u16()));
        }
        let (old_code, new) =
            (self.old_code.as_str().expect("a code"), new.as_str().expect("a code"));
        for (path, field, value) in [
            (format!("{path}/join"), "", ""),
            (format!("{path}/messages"), "body", "otra vez"),
            (format!("{path}/messages"), "body", "/me vuelve"),
            (format!("/messages/{}/reactions", self.message), "emoji", "👍"),
            (format!("/messages/{}/edit", self.own_message), "body", "de nuevo"),
            ("/rooms/1/messages".to_owned(), "body", "/join Huerto"),
            ("/rooms/1/messages".to_owned(), "body", &format!("#gR {new}")),
            ("/join".to_owned(), "code", "huerto"),
            ("/join".to_owned(), "code", new),
            ("/join".to_owned(), "code", old_code),
            (format!("/join/{new}"), "", ""),
            (format!("/join/{old_code}"), "", ""),
        ] {
            let page = self.browser.submit(&path, &[(field, value)]).await;
            if value == "otra vez" && page.status == 403 {
                assert_eq!(page.one("textarea[name=body]"), value, "the text is kept");
            }
            tried.push((format!("page {path} {value}"), page.status.as_u16()));
        }
        let page = self.browser.get(&format!("/join/{new}")).await;
        tried.push((format!("page GET /join/{new}"), page.status.as_u16()));
        self.live.send(json!({"type": "post", "room": self.id, "body": "vivo"})).await;
        let refused = self.live.until("error").await["status"].as_u64().expect("a status");
        tried.push(("live post".to_owned(), u16::try_from(refused).expect("small")));
        tried
    }

    async fn assert_removed(&self) {
        assert_eq!(self.ana.get(&self.path).await["members"], 2);
        let message = self.ana.get(&format!("{}/messages", self.path)).await;
        let bodies: Vec<_> = message["items"].as_array().expect("items").iter().collect();
        assert_eq!(bodies.len(), 2, "{message}");
        assert_eq!((&bodies[0]["body"], &bodies[1]["body"]), (&json!("hola"), &json!("adios")));
        assert_eq!(message["items"][0]["reactions"], json!([]));
    }
}

#[tokio::test]
async fn removed_user_cannot_rejoin_by_any_endpoint() {
    for visibility in ["public", "private"] {
        let mut context = TestContext::with(visibility).await;
        let closed = context.live.until("closed").await;
        assert_eq!(closed, json!({"type": "closed", "room": context.id, "reason": "removed"}));
        let (old_code, new) = (context.old_code.clone(), context.code().await);
        let has = |endpoint: &str, code: &Value| endpoint.contains(code.as_str().expect("a code"));
        for (endpoint, status) in context.try_every_endpoint().await {
            // A user who may see the room or knows its code gets the reason (403). Others must not learn that the
            // room exists.
            let sees = visibility == "public" && !has(&endpoint, &old_code) || has(&endpoint, &new);
            let right = if sees { [403].as_slice() } else { &[404, 422] };
            assert!(right.contains(&status), "{visibility}: {endpoint}: {status}");
        }
        context.assert_removed().await;
        // The page of a public room states the reason.
        let page = context.browser.get(&context.path.clone()).await;
        if visibility == "public" {
            assert!(page.one(".join-bar").contains("You were removed"), "{}", page.text);
            let join = format!("{}/join", context.path);
            let refused = context.ex.refused(Method::POST, &join, None).await;
            assert!(refused.body["detail"].as_str().expect("text").contains("invite you again"));
        } else {
            assert_eq!(page.status, StatusCode::NOT_FOUND);
        }
    }
}

#[tokio::test]
async fn removed_user_is_not_seen_typing_until_invited_back() {
    let mut context = TestContext::with("public").await;
    context.live.until("closed").await;
    let room = context.id.as_i64().expect("an id");
    let mut ana = context.ana.live().await;
    ana.until("present").await;
    ana.open_room(room, None).await;
    let typing = json!({"type": "typing", "room": room});
    // On the existing connection and on a new one.
    let mut later = context.ex.live().await;
    later.until("present").await;
    for live in [&mut context.live, &mut later] {
        live.open_room(room, None).await;
        live.send(typing.clone()).await;
        live.send(json!({"type": "ping"})).await;
        live.until("pong").await;
    }
    let invited = json!({"name": "ex"});
    context.bert.post(&format!("{}/members", context.path), invited).await;
    context.live.until("room").await;
    context.live.send(typing).await;
    let first = ana.until("typing").await;
    assert_eq!(first["user"]["name"], "ex");
    context.live.send(json!({"type": "ping"})).await;
    context.live.until("pong").await;
    ana.send(json!({"type": "ping"})).await;
    assert_ne!(ana.next().await["type"], "typing", "only the last typing frame was shown");
}

#[tokio::test]
async fn member_can_invite_back_a_removed_user() {
    for visibility in ["public", "private"] {
        let mut context = TestContext::with(visibility).await;
        context.live.until("closed").await;
        let mut bert = context.server.browser();
        bert.login("bert", PASSWORD).await;
        let invite = [("body", "/invite ex")];
        let invited = bert.submit(&format!("{}/messages", context.path), &invite).await;
        assert_eq!(invited.status, StatusCode::OK);
        loop {
            let received = context.live.until("room").await["room"].clone();
            if received["id"] == context.id && received["code"].is_string() {
                break;
            }
        }
        context.ex.post(&format!("{}/messages", context.path), json!({"body": "de vuelta"})).await;
        // From now on ex is an ordinary member, who can leave and rejoin.
        context.ex.ok(Method::POST, &format!("{}/leave", context.path), None).await;
        context.ex.post("/join", json!({"code": context.code().await})).await;
    }
}

#[tokio::test]
async fn removed_user_cannot_invite_themselves() {
    let mut context = TestContext::with("public").await;
    let post = format!("{}/messages", context.path);
    for command in ["/invite ex", "/invite @ex"] {
        let page = context.browser.submit(&post, &[("body", command)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{command}");
    }
    context.assert_removed().await;
}

#[tokio::test]
async fn removal_renews_the_room_code() {
    for visibility in ["public", "private"] {
        let context = TestContext::with(visibility).await;
        let new = context.code().await;
        assert_ne!(new, context.old_code);
        let recorded = context.ana.get("/audit").await["items"][0].clone();
        assert_eq!(
            (&recorded["action"], &recorded["subject"]["name"]),
            (&json!("member.remove"), &json!("ex"))
        );
        let eva = context.server.api("eva").await;
        let refused =
            eva.refused(Method::POST, "/join", Some(json!({"code": context.old_code}))).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "the old code is known outside");
        eva.post("/join", json!({"code": new})).await;
    }
}

#[tokio::test]
async fn removed_user_receives_nothing_of_a_private_room() {
    let mut context = TestContext::with("private").await;
    context.live.until("closed").await;
    context.ana.post(&format!("{}/messages", context.path), json!({"body": "@ex adiós"})).await;
    context.live.send(json!({"type": "open", "room": context.id, "since_rev": 0})).await;
    assert_eq!(context.live.until("error").await["status"], 404);
    context.live.send(json!({"type": "ping"})).await;
    loop {
        let frame = context.live.next().await;
        assert!(
            !["unread", "message", "room"].contains(&frame["type"].as_str().unwrap()),
            "{frame}"
        );
        if frame["type"] == "pong" {
            break;
        }
    }
    // A connection that was away receives nothing either.
    let mut again = context.ex.live_since("2026-11-21T09:59:00Z").await;
    let ready = again.until("ready").await;
    assert_eq!(ready["rooms"].as_array().map(Vec::len), Some(1), "{ready}");
    let closed = again.until("closed").await;
    assert_eq!((&closed["room"], &closed["reason"]), (&context.id, &json!("removed")));
    assert_eq!(context.ex.get("/search?q=adiós").await["items"], json!([]));
}

#[tokio::test]
async fn user_who_leaves_gets_closed_and_can_rejoin() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    for visibility in ["public", "private"] {
        let room = json!({"name": visibility, "visibility": visibility});
        let room = ana.post("/rooms", room).await;
        let path = format!("/rooms/{}", room["id"]);
        luis.post("/join", json!({"code": room["code"]})).await;
        let mut live = luis.live().await;
        live.until("present").await;
        luis.ok(Method::POST, &format!("{path}/leave"), None).await;
        if visibility == "private" {
            assert_eq!(live.until("closed").await["reason"], "left");
        }
        assert_eq!(ana.get(&path).await["code"], room["code"], "the code stays");
        luis.post("/join", json!({"code": room["code"]})).await;
        assert_eq!(ana.get(&path).await["members"], 2);
    }
}

#[tokio::test]
async fn empty_room_has_no_owner_and_its_code_is_invalid() {
    let server = Server::start().await;
    let (ana, luis, eva) =
        (server.api("ana").await, server.api("luis").await, server.api("eva").await);
    for visibility in ["private", "public"] {
        let room = json!({"name": visibility, "visibility": visibility});
        let room = luis.post("/rooms", room).await;
        let path = format!("/rooms/{}", room["id"]);
        luis.post(&format!("{path}/messages"), json!({"body": "secreto"})).await;
        luis.ok(Method::POST, &format!("{path}/leave"), None).await;
        for api in [&eva, &luis, &ana] {
            let code = json!({"code": room["code"]});
            let refused = api.refused(Method::POST, "/join", Some(code)).await;
            assert_eq!(refused.status, StatusCode::NOT_FOUND, "{visibility}");
        }
        let joined = eva.send(Method::POST, &format!("{path}/join"), None).await;
        if visibility == "private" {
            assert_eq!(joined.status(), StatusCode::NOT_FOUND);
        } else {
            // Everyone may read and write there, but no one becomes its owner.
            assert_eq!(joined.status(), StatusCode::OK);
            assert_eq!(eva.get(&path).await["owner_id"], Value::Null);
        }
    }
}

#[tokio::test]
async fn room_with_only_closed_accounts_counts_as_empty() {
    let server = Server::start().await;
    let (_ana, luis, eva) =
        (server.api("ana").await, server.api("luis").await, server.api("eva").await);
    let room = luis.post("/rooms", json!({"name": "x", "visibility": "private"})).await;
    let mut admin = server.browser();
    admin.login("ana", PASSWORD).await;
    let closed = admin.submit("/admin/people/close", &[("user", "2")]).await;
    assert_eq!(closed.status, StatusCode::OK, "{}", closed.text);
    let code = json!({"code": room["code"]});
    let refused = eva.refused(Method::POST, "/join", Some(code)).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn users_cannot_remove_themselves() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let mut owner = server.browser();
    owner.login("ana", PASSWORD).await;
    for (name, alone) in [("uno", true), ("dos", false)] {
        let room = ana.post("/rooms", json!({"name": name, "visibility": "private"})).await;
        let path = format!("/rooms/{}", room["id"]);
        if !alone {
            luis.post("/join", json!({"code": room["code"]})).await;
        }
        for command in ["/kick ana", "/kick @ana", "/KICK  ANA "] {
            let page = owner.submit(&format!("{path}/messages"), &[("body", command)]).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{command}");
            assert!(page.all("#answer p").join(" ").contains("/leave"), "{command}");
        }
        let page = owner.submit(&format!("{path}/remove"), &[("user", "1")]).await;
        assert_eq!(page.status, StatusCode::CONFLICT);
        assert!(page.text.contains("/leave"));
        assert_eq!(ana.get(&path).await["owner_id"], 1);
    }
}

/// A refused or repeated message adds no member.
#[tokio::test]
async fn only_a_stored_message_adds_a_member() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let mut browser = server.browser();
    browser.login("luis", PASSWORD).await;
    let room = ana.post("/rooms", json!({"name": "Huerto", "visibility": "public"})).await;
    let path = format!("/rooms/{}", room["id"]);
    let post = format!("{path}/messages");
    let message = ana.post(&post, json!({"body": "hola"})).await["id"].clone();
    let members = async || ana.get(&path).await["members"].clone();
    let mut live = luis.live().await;
    live.until("present").await;

    let long = "x".repeat(16_001);
    for body in [
        json!({"body": ""}),
        json!({"body": " \n"}),
        json!({"body": long}),
        json!({"body": "x", "nonce": ""}),
        json!({"body": "x", "nonce": "ñ"}),
        json!({"body": "x", "reply_to": 999}),
        json!({"bodies": "x", "reply_to": "y"}),
    ] {
        let refused = luis.send(Method::POST, &post, Some(body.clone())).await;
        assert!(refused.status().is_client_error(), "{body}");
    }
    for emoji in ["a", "👍👍"] {
        let path = format!("/messages/{message}/reactions/{emoji}");
        assert_eq!(luis.send(Method::PUT, &path, None).await.status(), 422, "{emoji}");
    }
    for text in ["", "/help", "/rooms", "/users", "/topic x", "/kick ana", "/invite luis", "/xyz"] {
        browser.submit(&post, &[("body", text)]).await;
    }
    browser.submit(&format!("/messages/{message}/reactions"), &[("emoji", "a")]).await;
    for frame in [json!({"body": ""}), json!({"body": long}), json!({"body": "x", "nonce": "ñ"})] {
        let mut frame = frame;
        (frame["type"], frame["room"]) = (json!("post"), room["id"].clone());
        live.send(frame).await;
        live.until("error").await;
    }
    assert_eq!(members().await, 1);

    // A stored message adds the member once and notifies the others.
    let mut seen = ana.live().await;
    seen.until("present").await;
    let first = luis.post(&post, json!({"body": "aquí", "nonce": "n-1"})).await;
    assert_eq!(members().await, 2);
    let joined = seen.until("member").await;
    assert_eq!((&joined["user"]["name"], &joined["joined"]), (&json!("luis"), &json!(true)));
    assert_eq!(luis.get(&path).await["last_read_seq"], first["seq"], "writing marks as read");
    let reaction = format!("/messages/{message}/reactions/👍");
    luis.ok(Method::PUT, &reaction, None).await;

    // A repeated send after leaving is recognized and changes nothing.
    luis.ok(Method::POST, &format!("{path}/leave"), None).await;
    let (status, again) =
        luis.ok(Method::POST, &post, Some(json!({"body": "aquí", "nonce": "n-1"}))).await;
    assert_eq!((status, &again["id"]), (StatusCode::OK, &first["id"]));
    live.send(json!({"type": "post", "room": room["id"], "body": "aquí", "nonce": "n-1"})).await;
    assert_eq!(live.until("posted").await["id"], first["id"]);
    browser.submit(&post, &[("body", "aquí"), ("nonce", "n-1")]).await;
    luis.ok(Method::PUT, &reaction, None).await;
    assert_eq!(members().await, 1);

    // A new reaction joins the room, as a post does.
    luis.ok(Method::PUT, &format!("/messages/{message}/reactions/🎉"), None).await;
    assert_eq!(members().await, 2);
}

#[tokio::test]
async fn concurrent_posts_add_one_membership() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let room = ana.post("/rooms", json!({"name": "Huerto", "visibility": "public"})).await;
    let mut live = luis.live().await;
    live.until("present").await;
    for n in 0..20 {
        let nonce = format!("n-{n}");
        let post = json!({"type": "post", "room": room["id"], "body": "x", "nonce": nonce});
        live.send(post).await;
    }
    for _ in 0..20 {
        live.until("posted").await;
    }
    let room = luis.get(&format!("/rooms/{}", room["id"])).await;
    assert_eq!((&room["members"], &room["last_read_seq"]), (&json!(2), &json!(20)));
}

#[tokio::test]
async fn removal_by_another_process_closes_the_room_here() {
    let context = TestContext::with("public").await;
    let other = context.server.second().await;
    let invited = context.bert.through(&other);
    let mut bert = other.browser();
    bert.login("bert", PASSWORD).await;
    bert.submit(&format!("{}/messages", context.path), &[("body", "/invite ex")]).await;
    invited.get(&context.path).await;
    let mut live = context.ex.live().await;
    live.until("present").await;
    let mut ana = other.browser();
    ana.login("ana", PASSWORD).await;
    ana.submit(&format!("{}/remove", context.path), &[("user", "3")]).await;
    assert_eq!(live.until("closed").await["reason"], "removed");
    let refused = context.ex.refused(Method::POST, &format!("{}/join", context.path), None).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn export_contains_removals() {
    let mut context = TestContext::with("public").await;
    let folder = tempfile::tempdir().expect("a directory");
    let export = folder.path().join("export");
    success(&patio(context.server.storage(), &["export", text(&export), "--full"]));
    let new = Storage::new().await;
    success(&patio(&new, &["import", "patio", text(&export)]));
    let there = Server::on_storage(new).await;
    let (ex, bert) = (context.ex.through(&there), context.bert.through(&there));
    let join = format!("{}/join", context.path);
    assert_eq!(ex.refused(Method::POST, &join, None).await.status, StatusCode::FORBIDDEN);
    bert.post(&format!("{}/messages", context.path), json!({"body": "sigo aquí"})).await;
    context.live.until("closed").await;
}

#[tokio::test]
async fn room_code_is_accepted_in_any_notation() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let mut browser = server.browser();
    browser.login("luis", PASSWORD).await;
    let room = ana.post("/rooms", json!({"name": "Junta", "visibility": "private"})).await;
    let (path, code) = (format!("/rooms/{}", room["id"]), room["code"].as_str().expect("a code"));
    let page = server.url(&format!("/join/{code}"));
    let notations = [
        code.to_lowercase(),
        page.clone(),
        format!("{page}?from=mail."),
        page.trim_start_matches("http://").to_owned(),
        format!("join/{code}"),
        format!("\u{201c}{code}\u{201d}."),
        code.replace('-', "\u{2013}"),
        code.replace('-', "\u{200b} "),
        format!("See you at {page}!"),
    ];
    for text in notations {
        luis.post("/join", json!({"code": text})).await;
        luis.ok(Method::POST, &format!("{path}/leave"), None).await;
        assert_eq!(browser.submit("/join", &[("code", &text)]).await.path, path, "{text:?}");
        luis.ok(Method::POST, &format!("{path}/leave"), None).await;
        for command in ["/join", "#gR"] {
            assert_eq!(browser.say(&format!("{command} {text}")).await.path, path, "{text:?}");
            luis.ok(Method::POST, &format!("{path}/leave"), None).await;
        }
    }
}
