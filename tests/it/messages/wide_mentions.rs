//! Mentions of many members at once, and of users outside the room.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Api, PASSWORD, Server, execute, numbers};

async fn room(api: &Api, visibility: &str) -> String {
    let room = json!({"name": "Huerto", "visibility": visibility});
    format!("/rooms/{}", api.post("/rooms", room).await["id"])
}

async fn post(api: &Api, room: &str, body: &str) -> Value {
    api.post(&format!("{room}/messages"), json!({"body": body})).await
}

async fn mentions(api: &Api, room: &str) -> Value {
    api.get(room).await["mentions"].clone()
}

#[tokio::test]
async fn author_learns_of_mentioned_users_outside_the_room() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let eva = server.api("eva").await;
    for visibility in ["public", "private"] {
        let huerto = room(&ana, visibility).await;
        ana.post(&format!("{huerto}/members"), json!({"name": "luis"})).await;
        let posted = post(&ana, &huerto, "@luis @eva @eva @ana @nadie `@eva`").await;
        let outside = posted["not_in_room"].as_array().expect("users").clone();
        assert_eq!(outside.len(), 1, "{visibility}: {posted}");
        assert_eq!((&outside[0]["name"], &outside[0]["about"]), (&json!("eva"), &json!("")));
        assert_eq!(post(&luis, &huerto, "hola").await["not_in_room"], json!([]));

        let mut live = luis.live().await;
        live.until("present").await;
        let id = huerto.trim_start_matches("/rooms/").parse::<i64>().expect("an id");
        live.send(json!({"type": "post", "room": id, "body": "¿@eva?", "nonce": visibility})).await;
        let acknowledged = live.until("posted").await;
        assert_eq!(acknowledged["not_in_room"][0]["name"], "eva", "{acknowledged}");
        // After the invitation the next one counts.
        luis.post(&format!("{huerto}/members"), json!({"name": "eva"})).await;
        assert_eq!(post(&ana, &huerto, "@eva").await["not_in_room"], json!([]));
        assert_eq!(mentions(&eva, &huerto).await, 1, "{visibility}");
        ana.ok(Method::DELETE, &huerto, None).await;
    }
    let direct = format!("/rooms/{}", ana.post("/direct", json!({"name": "luis"})).await["id"]);
    assert_eq!(post(&ana, &direct, "@eva").await["not_in_room"][0]["name"], "eva");
    assert_eq!(
        ana.post("/rooms/1/messages", json!({"body": "@eva"})).await["not_in_room"],
        json!([])
    );
}

#[tokio::test]
async fn room_mentions_all_members_and_here_those_online() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (eva, zoe) = (server.api("eva").await, server.api("zoe").await);
    let huerto = room(&ana, "private").await;
    for name in ["luis", "eva"] {
        ana.post(&format!("{huerto}/members"), json!({"name": name})).await;
    }
    let mut live = luis.live().await;
    live.until("present").await;
    let mut counts = [0, 0, 0];
    // Who is mentioned: luis (online), eva (offline), ana (the author).
    for (body, new) in [
        ("¡@room!", [1, 1, 0]),
        ("@here, ¿quién riega?", [1, 0, 0]),
        ("@Room @HERE @luis", [1, 1, 0]),
        ("@rooms @here.es @roomies correo@room", [0, 0, 0]),
        ("hola", [0, 0, 0]),
    ] {
        let message = post(&ana, &huerto, body).await;
        for (count, new) in counts.iter_mut().zip(new) {
            *count += new;
        }
        let found = [
            mentions(&luis, &huerto).await,
            mentions(&eva, &huerto).await,
            mentions(&ana, &huerto).await,
        ];
        assert_eq!(found, counts.map(|count| json!(count)), "{body}");
        let marked = message["html"].as_str().expect("html").contains("mention--wide");
        assert_eq!(marked, new != [0, 0, 0], "{body}: {message}");
        assert_eq!(message["not_in_room"], json!([]));
    }
    let frame = live.until("unread").await;
    assert_eq!(frame["mentions"], 1, "{frame}");
    // Neither another room nor a later member is concerned.
    assert_eq!(zoe.get("/rooms/1").await["mentions"], 0);
    ana.post(&format!("{huerto}/members"), json!({"name": "zoe"})).await;
    assert_eq!(mentions(&zoe, &huerto).await, 0);
}

#[tokio::test]
async fn edit_keeps_whom_a_mention_of_those_online_reached() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let eva = server.api("eva").await;
    let mut live = luis.live().await;
    live.until("present").await;
    let message = ana.say("@here, regad").await;
    drop(live);
    let path = format!("/messages/{}", message["id"]);
    server.advance(std::time::Duration::from_mins(1));
    ana.ok(Method::PATCH, &path, Some(json!({"body": "@here, regad hoy"}))).await;
    assert_eq!(
        (mentions(&luis, "/rooms/1").await, mentions(&eva, "/rooms/1").await),
        (json!(1), json!(0))
    );
    ana.ok(Method::PATCH, &path, Some(json!({"body": "@room, regad hoy"}))).await;
    assert_eq!(
        (mentions(&luis, "/rooms/1").await, mentions(&eva, "/rooms/1").await),
        (json!(1), json!(1))
    );
    ana.ok(Method::DELETE, &path, None).await;
    assert_eq!(
        (mentions(&luis, "/rooms/1").await, mentions(&eva, "/rooms/1").await),
        (json!(0), json!(0))
    );
}

#[tokio::test]
async fn owner_restricts_who_mentions_the_room() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let eva = server.api("eva").await;
    let huerto = room(&luis, "public").await;
    for api in [&ana, &eva] {
        api.post(&format!("{huerto}/join"), json!({})).await;
    }
    let restrict = |on: bool| Some(json!({"wide_mentions_restricted": on}));
    let refused = eva.refused(Method::PATCH, &huerto, restrict(true)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let (_, changed) = luis.ok(Method::PATCH, &huerto, restrict(true)).await;
    assert_eq!(
        (&changed["wide_mentions_restricted"], &changed["name"]),
        (&json!(true), &json!("Huerto"))
    );
    // ana is an administrator, luis the owner.
    for (api, name, reached) in [(&eva, "eva", false), (&ana, "ana", true), (&luis, "luis", true)] {
        let html = post(api, &huerto, "@room").await["html"].to_string();
        assert_eq!(html.contains("mention--wide"), reached, "{name}: {html}");
        assert!(post(api, &huerto, "@here").await["html"].to_string().contains("mention--wide"));
    }
    luis.ok(Method::PATCH, &huerto, restrict(false)).await;
    assert!(post(&eva, &huerto, "@room").await["html"].to_string().contains("mention--wide"));
}

#[tokio::test]
async fn mentions_of_many_members_have_a_rate_of_their_own() {
    let server = Server::with(&["--rate-limit=on"]).await;
    let ana = server.api("ana").await;
    for n in 0..20 {
        post(&ana, "/rooms/1", &format!("@here {n}")).await;
    }
    let path = "/rooms/1/messages";
    for body in ["@room", "@here"] {
        let refused = ana.refused(Method::POST, path, Some(json!({"body": body}))).await;
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{body}");
        assert!(refused.retry_after.is_some());
    }
    post(&ana, "/rooms/1", "@luis").await;
    server.advance(std::time::Duration::from_secs(15));
    post(&ana, "/rooms/1", "@room").await;
}

#[tokio::test]
async fn page_asks_before_it_mentions_many_and_offers_to_invite() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    for n in 0..21 {
        let email = format!("vecina{n}@example.test");
        let account = json!({"name": format!("vecina{n}"), "email": email, "password": PASSWORD});
        Api::signed_out(server.url("/api/v1")).post("/users", account).await;
    }
    let asked = ana.submit("/rooms/1/messages", &[("body", "@room riego"), ("nonce", "n-1")]).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(asked.one("#answer > p:first-child"), "This notifies 21 people.");
    assert_eq!(asked.one("#body"), "@room riego");
    let button = asked.attribute("#answer button", "name");
    assert_eq!(button.as_deref(), Some("confirmed"));
    let fields = [("body", "@room riego"), ("nonce", "n-1"), ("confirmed", "true")];
    let sent = ana.submit("/rooms/1/messages", &fields).await;
    assert_eq!((sent.status, sent.all("#messages .message").len()), (StatusCode::OK, 1));
    // No one is online, so `@here` asks nothing.
    let sent = ana.submit("/rooms/1/messages", &[("body", "@here"), ("nonce", "n-2")]).await;
    assert_eq!((sent.path.as_str(), sent.all("#messages .message").len()), ("/rooms/1", 2));

    let api = server.api("ana").await;
    let huerto = room(&api, "private").await;
    let sent = ana.submit(&format!("{huerto}/messages"), &[("body", "¿@vecina3?")]).await;
    assert_eq!(sent.status, StatusCode::OK);
    assert_eq!(sent.one("#answer > p"), "Not in this room, so not notified: vecina3");
    let invited = ana.submit(&format!("{huerto}/members"), &[("name", "vecina3")]).await;
    assert_eq!(invited.one("#answer > p"), "vecina3 is in this room now.");
    assert_eq!(api.get(&huerto).await["members"], 2);
}

#[tokio::test]
async fn mention_of_thousands_is_stored_for_each_of_them() {
    const USERS: &str = "
        insert into users (name, folded_name, skeleton, display_name, email, password_hash, role, created_at)
        with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000)
        select 'v' || i, 'v' || i, 'v' || i, 'v' || i, 'v' || i, '', 'member', 0 from n;
        insert into memberships (user_id, room_id, last_read_seq, joined_at)
        select id, 1, 0, 0 from users where id > 1";
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let db = server.storage().open().await;
    execute(&db, USERS, USERS).await;
    ana.say("@room").await;
    assert_eq!(numbers(&db, "select count(*) from mentions").await, [3000]);
}

#[tokio::test]
async fn edit_writes_only_the_mentions_that_change() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (eva, zoe) = (server.api("eva").await, server.api("zoe").await);
    let huerto = room(&ana, "private").await;
    for name in ["luis", "eva"] {
        ana.post(&format!("{huerto}/members"), json!({"name": name})).await;
    }
    let message = post(&ana, &huerto, "@room").await;
    let db = server.storage().open().await;
    execute(
        &db,
        "alter table mentions add column kept integer not null default 0;
         update mentions set kept = 1",
        "alter table mentions add column kept bigint not null default 0;
         update mentions set kept = 1",
    )
    .await;
    let kept = async || numbers(&db, "select count(*) from mentions where kept = 1").await;
    let path = format!("/messages/{}", message["id"]);
    let edit = async |body: &str| ana.ok(Method::PATCH, &path, Some(json!({"body": body}))).await;
    edit("@room, at six").await;
    assert_eq!(kept().await, [2]);
    ana.post(&format!("{huerto}/members"), json!({"name": "zoe"})).await;
    edit("@eva @zoe, at six").await;
    assert_eq!(kept().await, [1]);
    for (user, expected) in [(&luis, 0), (&eva, 1), (&zoe, 0)] {
        assert_eq!(mentions(user, &huerto).await, expected);
    }
    let all = "select user_id from mentions order by user_id";
    assert_eq!(numbers(&db, all).await, [3, 4], "zoe joined after the message and is mentioned");
}
