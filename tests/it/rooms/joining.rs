//! Every way into a room, and what a removal, an empty room or a repeated send makes of it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::command::{done, patio, text};
use crate::support::{Api, Browser, Live, PASSWORD, Server, Storage};

/// A room with its owner ana, its member bert, and ex, who was a member until ana removed them.
struct House {
    server: Server,
    ana: Api,
    bert: Api,
    ex: Api,
    /// Of ex, who had the room open.
    live: Live,
    browser: Browser,
    id: Value,
    path: String,
    /// As it was when ex was a member.
    old: Value,
    message: Value,
    /// What ex said there while they were in it.
    own: Value,
}

impl House {
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
        let own = ex.post(&format!("{path}/messages"), json!({"body": "adios"})).await;
        let mut live = ex.live().await;
        live.until("present").await;
        live.open_room(room["id"].as_i64().expect("an id"), None).await;
        let mut owner = server.browser();
        owner.login("ana", PASSWORD).await;
        let kick = [("body", "/kick ex")];
        assert_eq!(owner.submit(&format!("{path}/messages"), &kick).await.status, StatusCode::OK);
        let mut browser = server.browser();
        browser.login("ex", PASSWORD).await;
        let (id, old) = (room["id"].clone(), room["code"].clone());
        let (message, own) = (message["id"].clone(), own["id"].clone());
        Self { server, ana, bert, ex, live, browser, id, path, old, message, own }
    }

    async fn code(&self) -> Value {
        self.ana.get(&self.path).await["code"].clone()
    }

    /// Tries every door, and says what came of each.
    async fn try_all(&mut self) -> Vec<(String, u16)> {
        let (path, new) = (self.path.clone(), self.code().await);
        let mut tried = Vec::new();
        for (method, path, body) in [
            (Method::POST, format!("{path}/join"), json!({})),
            (Method::POST, format!("{path}/messages"), json!({"body": "otra vez"})),
            (Method::PUT, format!("/messages/{}/reactions/👍", self.message), json!({})),
            (Method::PATCH, format!("/messages/{}", self.own), json!({"body": "otra vez"})),
            (Method::POST, "/join".to_owned(), json!({"code": self.old})),
            (Method::POST, "/join".to_owned(), json!({"code": new})),
        ] {
            let answer = self.ex.send(method.clone(), &path, Some(body.clone())).await;
            tried.push((format!("{method} {path} {body}"), answer.status().as_u16()));
        }
        let (old, new) = (self.old.as_str().expect("a code"), new.as_str().expect("a code"));
        for (path, field, value) in [
            (format!("{path}/join"), "", ""),
            (format!("{path}/messages"), "body", "otra vez"),
            (format!("{path}/messages"), "body", "/me vuelve"),
            (format!("/messages/{}/reactions", self.message), "emoji", "👍"),
            (format!("/messages/{}/edit", self.own), "body", "de nuevo"),
            ("/rooms/1/messages".to_owned(), "body", "/join Huerto"),
            ("/rooms/1/messages".to_owned(), "body", &format!("#gR {new}")),
            ("/join".to_owned(), "code", "huerto"),
            ("/join".to_owned(), "code", new),
            ("/join".to_owned(), "code", old),
            (format!("/join/{new}"), "", ""),
            (format!("/join/{old}"), "", ""),
        ] {
            let page = self.browser.submit(&path, &[(field, value)]).await;
            if value == "otra vez" && page.status == 403 {
                assert_eq!(page.one("textarea[name=body]"), value, "what was typed is kept");
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

    async fn is_out(&self) {
        assert_eq!(self.ana.get(&self.path).await["members"], 2);
        let said = self.ana.get(&format!("{}/messages", self.path)).await;
        let bodies: Vec<_> = said["items"].as_array().expect("items").iter().collect();
        assert_eq!(bodies.len(), 2, "{said}");
        assert_eq!((&bodies[0]["body"], &bodies[1]["body"]), (&json!("hola"), &json!("adios")));
        assert_eq!(said["items"][0]["reactions"], json!([]));
    }
}

#[tokio::test]
async fn who_was_removed_comes_back_by_no_door() {
    for visibility in ["public", "private"] {
        let mut house = House::with(visibility).await;
        let closed = house.live.until("closed").await;
        assert_eq!(closed, json!({"type": "closed", "room": house.id, "reason": "removed"}));
        let (old, new) = (house.old.clone(), house.code().await);
        let has = |door: &str, code: &Value| door.contains(code.as_str().expect("a code"));
        for (door, status) in house.try_all().await {
            // Who may see the room, or knows its code, learns why; nobody else learns that it is there.
            let sees = visibility == "public" && !has(&door, &old) || has(&door, &new);
            let right = if sees { [403].as_slice() } else { &[404, 422] };
            assert!(right.contains(&status), "{visibility}: {door}: {status}");
        }
        house.is_out().await;
        // The page of a public room says why.
        let page = house.browser.get(&house.path.clone()).await;
        if visibility == "public" {
            assert!(page.one(".join-bar").contains("You were removed"), "{}", page.text);
            let join = format!("{}/join", house.path);
            let refused = house.ex.refused(Method::POST, &join, None).await;
            assert!(refused.body["detail"].as_str().expect("text").contains("invite you again"));
        } else {
            assert_eq!(page.status, StatusCode::NOT_FOUND);
        }
    }
}

#[tokio::test]
async fn nobody_sees_who_was_removed_type_and_everybody_does_once_they_are_back() {
    let mut house = House::with("public").await;
    house.live.until("closed").await;
    let room = house.id.as_i64().expect("an id");
    let mut ana = house.ana.live().await;
    ana.until("present").await;
    ana.open_room(room, None).await;
    let typing = json!({"type": "typing", "room": room});
    // On the connection that was there, and on one that comes later.
    let mut later = house.ex.live().await;
    later.until("present").await;
    for live in [&mut house.live, &mut later] {
        live.open_room(room, None).await;
        live.send(typing.clone()).await;
        live.send(json!({"type": "ping"})).await;
        live.until("pong").await;
    }
    let invited = json!({"name": "ex"});
    house.bert.post(&format!("{}/members", house.path), invited).await;
    house.live.until("room").await;
    house.live.send(typing).await;
    let first = ana.until("typing").await;
    assert_eq!(first["user"]["name"], "ex");
    house.live.send(json!({"type": "ping"})).await;
    house.live.until("pong").await;
    ana.send(json!({"type": "ping"})).await;
    assert_ne!(ana.next().await["type"], "typing", "only the last one was shown");
}

#[tokio::test]
async fn a_member_invites_back_who_was_removed() {
    for visibility in ["public", "private"] {
        let mut house = House::with(visibility).await;
        house.live.until("closed").await;
        let mut bert = house.server.browser();
        bert.login("bert", PASSWORD).await;
        let invite = [("body", "/invite ex")];
        let invited = bert.submit(&format!("{}/messages", house.path), &invite).await;
        assert_eq!(invited.status, StatusCode::OK);
        loop {
            let told = house.live.until("room").await["room"].clone();
            if told["id"] == house.id && told["code"].is_string() {
                break;
            }
        }
        house.ex.post(&format!("{}/messages", house.path), json!({"body": "de vuelta"})).await;
        // From now on they are a member like others: who leaves by themselves comes back.
        house.ex.ok(Method::POST, &format!("{}/leave", house.path), None).await;
        house.ex.post("/join", json!({"code": house.code().await})).await;
    }
}

#[tokio::test]
async fn who_was_removed_cannot_invite_themselves() {
    let mut house = House::with("public").await;
    let post = format!("{}/messages", house.path);
    for command in ["/invite ex", "/invite @ex"] {
        let page = house.browser.submit(&post, &[("body", command)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{command}");
    }
    house.is_out().await;
}

#[tokio::test]
async fn a_removal_renews_the_code() {
    for visibility in ["public", "private"] {
        let house = House::with(visibility).await;
        let new = house.code().await;
        assert_ne!(new, house.old);
        let recorded = house.ana.get("/audit").await["items"][0].clone();
        assert_eq!(
            (&recorded["action"], &recorded["subject"]["name"]),
            (&json!("member.remove"), &json!("ex"))
        );
        let eva = house.server.api("eva").await;
        let refused = eva.refused(Method::POST, "/join", Some(json!({"code": house.old}))).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "the old code is known outside");
        eva.post("/join", json!({"code": new})).await;
    }
}

#[tokio::test]
async fn who_was_removed_hears_nothing_more_of_a_private_room_not_even_their_name() {
    let mut house = House::with("private").await;
    house.live.until("closed").await;
    house.ana.post(&format!("{}/messages", house.path), json!({"body": "@ex adiós"})).await;
    house.live.send(json!({"type": "open", "room": house.id, "since_rev": 0})).await;
    assert_eq!(house.live.until("error").await["status"], 404);
    house.live.send(json!({"type": "ping"})).await;
    loop {
        let frame = house.live.next().await;
        assert!(
            !["unread", "message", "room"].contains(&frame["type"].as_str().unwrap()),
            "{frame}"
        );
        if frame["type"] == "pong" {
            break;
        }
    }
    // Nor does who was away meanwhile.
    let mut again = house.ex.live_since("2026-11-21T09:59:00Z").await;
    let ready = again.until("ready").await;
    assert_eq!(ready["rooms"].as_array().map(Vec::len), Some(1), "{ready}");
    let closed = again.until("closed").await;
    assert_eq!((&closed["room"], &closed["reason"]), (&house.id, &json!("removed")));
    assert_eq!(house.ex.get("/search?q=adiós").await["items"], json!([]));
}

#[tokio::test]
async fn who_leaves_by_themselves_hears_so_and_comes_back() {
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
async fn a_room_that_everybody_left_lets_nobody_in_by_its_code_and_is_nobodys() {
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
            // Everybody may read it and talk in it; nobody takes it over.
            assert_eq!(joined.status(), StatusCode::OK);
            assert_eq!(eva.get(&path).await["owner_id"], Value::Null);
        }
    }
}

#[tokio::test]
async fn a_room_whose_members_have_all_closed_their_accounts_is_left_too() {
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
async fn nobody_removes_themselves() {
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

/// What is refused, or was sent before, makes nobody a member.
#[tokio::test]
async fn only_what_is_stored_makes_a_member() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let mut browser = server.browser();
    browser.login("luis", PASSWORD).await;
    let room = ana.post("/rooms", json!({"name": "Huerto", "visibility": "public"})).await;
    let path = format!("/rooms/{}", room["id"]);
    let post = format!("{path}/messages");
    let said = ana.post(&post, json!({"body": "hola"})).await["id"].clone();
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
        let path = format!("/messages/{said}/reactions/{emoji}");
        assert_eq!(luis.send(Method::PUT, &path, None).await.status(), 422, "{emoji}");
    }
    for text in ["", "/help", "/rooms", "/users", "/topic x", "/kick ana", "/invite luis", "/xyz"] {
        browser.submit(&post, &[("body", text)]).await;
    }
    browser.submit(&format!("/messages/{said}/reactions"), &[("emoji", "a")]).await;
    for frame in [json!({"body": ""}), json!({"body": long}), json!({"body": "x", "nonce": "ñ"})] {
        let mut frame = frame;
        (frame["type"], frame["room"]) = (json!("post"), room["id"].clone());
        live.send(frame).await;
        live.until("error").await;
    }
    assert_eq!(members().await, 1);

    // What is stored does, once, and the others are told.
    let mut seen = ana.live().await;
    seen.until("present").await;
    let first = luis.post(&post, json!({"body": "aquí", "nonce": "n-1"})).await;
    assert_eq!(members().await, 2);
    let joined = seen.until("member").await;
    assert_eq!((&joined["user"]["name"], &joined["joined"]), (&json!("luis"), &json!(true)));
    assert_eq!(luis.get(&path).await["last_read_seq"], first["seq"], "who writes has read");
    let reaction = format!("/messages/{said}/reactions/👍");
    luis.ok(Method::PUT, &reaction, None).await;

    // The same again after leaving is known, and changes nothing.
    luis.ok(Method::POST, &format!("{path}/leave"), None).await;
    let (status, again) =
        luis.ok(Method::POST, &post, Some(json!({"body": "aquí", "nonce": "n-1"}))).await;
    assert_eq!((status, &again["id"]), (StatusCode::OK, &first["id"]));
    live.send(json!({"type": "post", "room": room["id"], "body": "aquí", "nonce": "n-1"})).await;
    assert_eq!(live.until("posted").await["id"], first["id"]);
    browser.submit(&post, &[("body", "aquí"), ("nonce", "n-1")]).await;
    luis.ok(Method::PUT, &reaction, None).await;
    assert_eq!(members().await, 1);

    // Reacting joins as posting does.
    luis.ok(Method::PUT, &format!("/messages/{said}/reactions/🎉"), None).await;
    assert_eq!(members().await, 2);
}

#[tokio::test]
async fn several_posts_at_once_make_one_member() {
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
async fn a_removal_through_another_process_closes_the_room_here() {
    let house = House::with("public").await;
    let other = house.server.beside().await;
    let invited = house.bert.through(&other);
    let mut bert = other.browser();
    bert.login("bert", PASSWORD).await;
    bert.submit(&format!("{}/messages", house.path), &[("body", "/invite ex")]).await;
    invited.get(&house.path).await;
    let mut live = house.ex.live().await;
    live.until("present").await;
    let mut ana = other.browser();
    ana.login("ana", PASSWORD).await;
    ana.submit(&format!("{}/remove", house.path), &[("user", "3")]).await;
    assert_eq!(live.until("closed").await["reason"], "removed");
    let refused = house.ex.refused(Method::POST, &format!("{}/join", house.path), None).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_carries_removals() {
    let mut house = House::with("public").await;
    let folder = tempfile::tempdir().expect("a directory");
    let export = folder.path().join("export");
    done(&patio(house.server.storage(), &["export", text(&export), "--full"]));
    let new = Storage::new().await;
    done(&patio(&new, &["import", "patio", text(&export)]));
    let there = Server::kept_in(new).await;
    let (ex, bert) = (house.ex.through(&there), house.bert.through(&there));
    let join = format!("{}/join", house.path);
    assert_eq!(ex.refused(Method::POST, &join, None).await.status, StatusCode::FORBIDDEN);
    bert.post(&format!("{}/messages", house.path), json!({"body": "sigo aquí"})).await;
    house.live.until("closed").await;
}

#[tokio::test]
async fn a_code_opens_its_room_in_whatever_dress_it_comes() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let mut browser = server.browser();
    browser.login("luis", PASSWORD).await;
    let room = ana.post("/rooms", json!({"name": "Junta", "visibility": "private"})).await;
    let (path, code) = (format!("/rooms/{}", room["id"]), room["code"].as_str().expect("a code"));
    let page = server.url(&format!("/join/{code}"));
    let dressed = [
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
    for text in dressed {
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
