//! The API of members, single messages, single users and the own account.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Api, Server};

async fn make(api: &Api, visibility: &str) -> String {
    let room = json!({"name": "Huerto", "visibility": visibility});
    format!("/rooms/{}", api.post("/rooms", room).await["id"])
}

async fn status(api: &Api, method: Method, path: &str, body: Option<Value>) -> u16 {
    api.send(method, path, body).await.status().as_u16()
}

fn names(list: &Value) -> Vec<&str> {
    list["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|one| one["name"].as_str().expect("a name"))
        .collect()
}

#[tokio::test]
async fn members_are_listed_by_id_page_by_page() {
    let server = Server::start().await;
    let users = [
        server.api("ana").await,
        server.api("zoe").await,
        server.api("bert").await,
        server.api("carla").await,
    ];
    let path = format!("{}/members", make(&users[1], "public").await);
    for name in ["carla", "bert", "ana"] {
        let invited = users[1].post(&path, json!({"name": name})).await;
        assert_eq!(invited["name"], name);
    }
    let all = users[0].get(&path).await;
    assert_eq!((names(&all), &all["more"]), (vec!["ana", "zoe", "bert", "carla"], &json!(false)));
    assert!(all["items"][0]["online"].is_boolean());
    let mut found = Vec::new();
    let mut after = 0;
    for request in 1.. {
        assert!(request < 10, "paging does not end");
        let page = users[3].get(&format!("{path}?limit=3&after={after}")).await;
        found.extend(names(&page).into_iter().map(str::to_owned));
        after =
            page["items"].as_array().and_then(|items| items.last()?["id"].as_i64()).expect("an id");
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(found, ["ana", "zoe", "bert", "carla"]);
    for after in [-1, i64::MIN, i64::MAX] {
        let page = users[0].get(&format!("{path}?after={after}")).await;
        assert_eq!(page["items"].as_array().map(Vec::len), Some(if after < 0 { 4 } else { 0 }));
    }
    for wrong in ["limit=0", "limit=101", "limit=x", "after=x"] {
        let refused = status(&users[0], Method::GET, &format!("{path}?{wrong}"), None).await;
        assert!([400, 422].contains(&refused), "{wrong}: {refused}");
    }
}

#[tokio::test]
async fn only_members_invite() {
    let server = Server::start().await;
    let (ana, bert, eva) =
        (server.api("ana").await, server.api("bert").await, server.api("eva").await);
    for (visibility, outside) in [("public", 403), ("private", 404)] {
        let path = format!("{}/members", make(&bert, visibility).await);
        let invite = |name: &str| Some(json!({"name": name}));
        assert_eq!(status(&eva, Method::POST, &path, invite("eva")).await, outside, "{visibility}");
        assert_eq!(
            status(&ana, Method::POST, &path, invite("ana")).await,
            outside,
            "an administrator"
        );
        assert_eq!(status(&bert, Method::POST, &path, invite("nobody")).await, 404);
        assert_eq!(status(&bert, Method::POST, &path, invite("EVA")).await, 200);
        assert_eq!(status(&bert, Method::POST, &path, invite("eva")).await, 200, "again");
        assert_eq!(status(&eva, Method::POST, &path, invite("ana")).await, 200, "any member");
        let room = bert.get(path.trim_end_matches("/members")).await;
        assert_eq!(room["members"], 3);
        bert.ok(Method::PATCH, path.trim_end_matches("/members"), Some(json!({"name": "Otro"})))
            .await;
    }
    let direct = ana.post("/direct", json!({"name": "eva"})).await;
    let path = format!("/rooms/{}/members", direct["id"]);
    assert_eq!(status(&ana, Method::POST, &path, Some(json!({"name": "bert"}))).await, 409);
}

#[tokio::test]
async fn owner_and_reading_administrators_remove_members() {
    let server = Server::start().await;
    let (ana, bert, eva, luis) = (
        server.api("ana").await,
        server.api("bert").await,
        server.api("eva").await,
        server.api("luis").await,
    );
    let delete = async |api: &Api, path: &str| status(api, Method::DELETE, path, None).await;
    for (visibility, status_for_others, admin) in [("public", 403, 204), ("private", 404, 404)] {
        let room = make(&bert, visibility).await;
        let path = format!("{room}/members");
        bert.post(&path, json!({"name": "eva"})).await;
        let them = format!("{path}/3");
        assert_eq!(delete(&luis, &them).await, status_for_others, "{visibility}: not a member");
        assert_eq!(delete(&eva, &format!("{path}/2")).await, 403, "a member");
        assert_eq!(delete(&eva, &them).await, 403, "nor themselves");
        assert_eq!(delete(&bert, &format!("{path}/2")).await, 409, "the owner themselves");
        for unknown in ["4", "99", "-1", "x", "9007199254740993"] {
            assert_eq!(delete(&bert, &format!("{path}/{unknown}")).await, 404, "{unknown}");
        }
        assert_eq!(delete(&ana, &them).await, admin, "{visibility}: an administrator outside");
        if visibility == "private" {
            bert.post(&path, json!({"name": "ana"})).await;
            assert_eq!(delete(&ana, &them).await, 204, "an administrator inside");
        }
        assert_eq!(delete(&bert, &them).await, 204, "again changes nothing");
        let back = status(&eva, Method::POST, &format!("{room}/join"), None).await;
        assert_eq!(back, status_for_others, "{visibility}");
        bert.post(&path, json!({"name": "eva"})).await;
        assert_eq!(delete(&bert, &them).await, 204);
        bert.ok(Method::PATCH, &room, Some(json!({"name": "Otro"}))).await;
    }
    assert_eq!(
        delete(&ana, "/rooms/1/members/3").await,
        409,
        "no one can be removed from the lobby"
    );
    let direct = bert.post("/direct", json!({"name": "ana"})).await;
    let path = format!("/rooms/{}/members/2", direct["id"]);
    assert_eq!(delete(&ana, &path).await, 403, "a direct message keeps both members");
}

#[tokio::test]
async fn only_room_readers_get_a_single_message() {
    let server = Server::start().await;
    let (ana, bert, eva) =
        (server.api("ana").await, server.api("bert").await, server.api("eva").await);
    let room = make(&bert, "private").await;
    let message = bert.post(&format!("{room}/messages"), json!({"body": "secreto"})).await;
    let path = format!("/messages/{}", message["id"]);
    let found = bert.get(&path).await;
    assert_eq!((&found["id"], &found["body"]), (&message["id"], &message["body"]));
    for outside in [&ana, &eva] {
        let refused = outside.refused(Method::GET, &path, None).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND);
    }
    let open = bert.say("hola").await;
    assert_eq!(eva.get(&format!("/messages/{}", open["id"])).await["body"], open["body"]);
    bert.ok(Method::DELETE, &path, None).await;
    let deleted = bert.get(&path).await;
    assert_eq!((&deleted["deleted"], &deleted["body"]), (&json!(true), &json!("")));
    for nothing in ["0", "-1", "99", "9223372036854775807", "x"] {
        assert_eq!(status(&bert, Method::GET, &format!("/messages/{nothing}"), None).await, 404);
    }
}

#[tokio::test]
async fn user_is_visible_to_all_until_the_account_is_closed() {
    let server = Server::start().await;
    let (ana, bert) = (server.api("ana").await, server.api("bert").await);
    let all = ana.get("/users").await;
    assert_eq!(ana.get("/users/2").await, all["items"][1]);
    for unknown in ["0", "-1", "99", "9223372036854775807", "x"] {
        let path = format!("/users/{unknown}");
        assert_eq!(status(&bert, Method::GET, &path, None).await, 404, "{unknown}");
    }
    let mut admin = server.browser();
    admin.login("ana", crate::support::PASSWORD).await;
    admin.submit("/admin/people/close", &[("user", "2")]).await;
    assert_eq!(status(&ana, Method::GET, "/users/2", None).await, 404);
}

#[tokio::test]
async fn display_name_change_is_published_to_all_users() {
    let server = Server::start().await;
    let (ana, bert) = (server.api("ana").await, server.api("bert").await);
    let mut live = ana.live().await;
    live.until("present").await;
    let (_, me) = bert.ok(Method::PATCH, "/me", Some(json!({"display_name": " Bertolt  "}))).await;
    assert_eq!((&me["name"], &me["display_name"]), (&json!("bert"), &json!("Bertolt")));
    assert_eq!(live.until("user").await["user"]["display_name"], "Bertolt");
    for (nothing, right) in [(json!({}), 200), (json!({"display_name": null}), 200)] {
        assert_eq!(status(&bert, Method::PATCH, "/me", Some(nothing)).await, right);
    }
    let long = "x".repeat(65);
    for bad in ["", " ", "\u{200b}", "a\nb", &long] {
        let refused = bert.refused(Method::PATCH, "/me", Some(json!({"display_name": bad}))).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad:?}");
        assert!(refused.body["errors"]["display_name"][0].is_string());
    }
    assert_eq!(ana.get("/users/2").await["display_name"], "Bertolt");
}
