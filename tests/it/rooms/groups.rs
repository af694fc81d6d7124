//! Groups: one room for each set of three to twenty users, which keeps its members.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Api, Live, Server, within};

async fn group(api: &Api, names: &[&str]) -> Value {
    api.post("/direct", json!({"names": names})).await
}

async fn status(api: &Api, method: Method, path: &str, body: Option<Value>) -> StatusCode {
    api.send(method, path, body).await.status()
}

/// Skips frames until the name of a room is this one.
async fn until_called(live: &mut Live, name: &str) {
    let called = async { while live.until("room").await["room"]["name"] != name {} };
    within("the room is called so", called).await;
}

#[tokio::test]
async fn each_set_of_users_has_one_group_called_after_the_others() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let (eva, zoe) = (server.api("eva").await, server.api("zoe").await);
    let mut live = luis.live().await;
    live.until("present").await;
    let room = group(&ana, &["zoe", "Luis"]).await;
    let expected = (json!("luis, zoe"), json!("group"), Value::Null, Value::Null, json!(3));
    let shape = |room: &Value| {
        let field = |name: &str| room[name].clone();
        (field("name"), field("visibility"), field("owner_id"), field("code"), field("members"))
    };
    assert_eq!(shape(&room), expected);
    assert_eq!(live.until("room").await["room"]["name"], "ana, zoe");
    assert_eq!(group(&luis, &["ana", "zoe", "ana", "luis"]).await["id"], room["id"]);
    assert_ne!(group(&ana, &["luis", "zoe", "eva"]).await["id"], room["id"]);
    assert_ne!(ana.post("/direct", json!({"name": "luis"})).await["id"], room["id"]);

    // It counts as unread like a direct message, and only its members know of it.
    let path = format!("/rooms/{}", room["id"]);
    ana.post(&format!("{path}/messages"), json!({"body": "los tres"})).await;
    assert_eq!(zoe.get(&path).await["unread"], 1);
    assert_eq!(luis.get("/search?q=tres").await["items"][0]["body"], "los tres");
    assert_eq!(luis.get("/search?q=tres%20is:direct").await["items"][0]["body"], "los tres");
    assert_eq!(eva.get("/search?q=tres").await["items"], json!([]));
    for request in [Method::GET, Method::POST] {
        let path = if request == Method::GET { path.clone() } else { format!("{path}/join") };
        assert_eq!(status(&eva, request, &path, None).await, StatusCode::NOT_FOUND);
    }

    // A member is called something else: here at once, and for clients that come back.
    let mut to_zoe = zoe.live().await;
    let since = to_zoe.until("ready").await["at"].as_str().expect("a time").to_owned();
    to_zoe.until("present").await;
    ana.ok(Method::PATCH, "/me", Some(json!({"display_name": "Ana María"}))).await;
    until_called(&mut to_zoe, "Ana María, luis").await;
    until_called(&mut zoe.live_since(&since).await, "Ana María, luis").await;
}

#[tokio::test]
async fn members_of_a_group_never_change() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    server.api("eva").await;
    server.api("zoe").await;
    let path = format!("/rooms/{}", group(&luis, &["ana", "eva"]).await["id"]);
    let invite = Some(json!({"name": "zoe"}));
    for (method, path, body, expected) in [
        (Method::POST, format!("{path}/members"), invite, StatusCode::CONFLICT),
        (Method::POST, format!("{path}/leave"), None, StatusCode::CONFLICT),
        (Method::DELETE, path.clone(), None, StatusCode::CONFLICT),
        (Method::DELETE, format!("{path}/members/1"), None, StatusCode::FORBIDDEN),
        (Method::PATCH, path.clone(), Some(json!({"name": "x"})), StatusCode::FORBIDDEN),
    ] {
        for (api, name) in [(&ana, "an administrator"), (&luis, "a member")] {
            let found = status(api, method.clone(), &path, body.clone()).await;
            assert_eq!(found, expected, "{method} {path} {name}");
        }
    }
    assert_eq!(ana.get(&path).await["members"], 3);
}

#[tokio::test]
async fn group_has_2_to_19_others() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let names: Vec<String> = (0..20).map(|n| format!("user{n}")).collect();
    for name in &names {
        let email = format!("{name}@example.test");
        let account = json!({"name": name, "email": email, "password": crate::support::PASSWORD});
        ana.post("/users", account).await;
    }
    for (body, expected) in [
        (json!({"names": []}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"names": ["user0"]}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"names": ["user0", "ana"]}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"names": ["user0", "USER0"]}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"names": names}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"name": "user0", "names": ["user1", "user2"]}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"names": ["user0", "somebody"]}), StatusCode::NOT_FOUND),
        (json!({"names": ["user0", "user1"]}), StatusCode::OK),
        (json!({"names": names[..19]}), StatusCode::OK),
    ] {
        assert_eq!(
            status(&ana, Method::POST, "/direct", Some(body.clone())).await,
            expected,
            "{body}"
        );
    }
    let rooms = ana.get("/rooms").await;
    assert_eq!(rooms["items"].as_array().map(Vec::len), Some(3), "refused ones are not made");
}

#[tokio::test]
async fn page_opens_a_group_by_names() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    for name in ["luis", "eva"] {
        server.api(name).await;
    }
    assert_eq!(ana.get("/direct").await.all("form [name=names]").len(), 1);
    for (names, status) in
        [("luis", 422), ("luis, nadie", 422), ("", 422), ("@luis, EVA", 200), ("luis eva,ana", 200)]
    {
        let page = ana.submit("/direct", &[("names", names)]).await;
        assert_eq!(page.status.as_u16(), status, "{names}");
        if status == 422 {
            assert_eq!(page.attribute("#names", "value").as_deref(), Some(names));
            assert!(!page.all("#names-note.field__note--error").is_empty());
        } else {
            assert_eq!(page.one("#room-h"), "eva, luis");
            assert_eq!(page.one("#direct .room__name"), "eva, luis");
            assert!(page.all(".page-header a[href$='/settings']").is_empty());
        }
    }
}
