//! Custom emoji, and who reacted with what.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Api, Server, png};

async fn reaction(api: &Api, method: Method, emoji: &str) -> StatusCode {
    api.status(method, &format!("/messages/1/reactions/{emoji}"), None).await.0
}

/// Asks for an image with a token.
async fn image(server: &Server, api: &Api, address: &str) -> reqwest::Response {
    let request = reqwest::Client::new().get(server.url(address)).bearer_auth(api.token());
    request.send().await.expect("an answer")
}

#[tokio::test]
async fn administrators_add_an_emoji_that_all_users_react_with_until_it_is_deleted() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let mut live = luis.live().await;
    live.until("present").await;
    assert_eq!(luis.get("/emoji").await, json!({"items": []}));
    let address = ana.add_emoji("party-parrot").await;
    live.until("emoji").await;
    let entry = json!({"name": "party-parrot", "url": address});
    assert_eq!(luis.get("/emoji").await, json!({"items": [entry]}));

    let shown = image(&server, &luis, &address).await;
    assert_eq!(shown.headers()["content-type"], "image/png");
    assert!(shown.headers()["cache-control"].to_str().expect("text").contains("immutable"));
    let bytes = shown.bytes().await.expect("bytes");
    let picture = image::load_from_memory(&bytes).expect("a picture");
    assert_eq!((picture.width(), picture.height()), (40, 20), "a small picture keeps its size");
    assert_eq!(picture.to_rgba8().get_pixel(1, 0).0[3], 0, "and its transparent pixels");

    let message = ana.say("votes? :party-parrot:").await;
    let shown = format!("<img class=\"emoji\" src=\"{address}\" alt=\":party-parrot:\">");
    assert_eq!(message["html"], format!("<p>votes? {shown}</p>"));
    assert_eq!(message["body"], "votes? :party-parrot:");
    // A message from before stays as it is, and both after the deletion.
    let before = luis.say("@ana :late:").await;
    ana.add_emoji("late").await;
    live.until("emoji").await;
    assert_eq!(luis.get(&format!("/messages/{}", before["id"])).await["html"], before["html"]);
    let after = luis.say("@ana :late:").await;
    assert!(
        after["html"].as_str().expect("HTML").contains("/direct/ana")
            && after["html"] != before["html"]
    );
    ana.ok(Method::DELETE, "/emoji/late", None).await;
    live.until("emoji").await;
    assert_eq!(reaction(&luis, Method::PUT, ":party-parrot:").await, StatusCode::NO_CONTENT);
    assert_eq!(reaction(&luis, Method::PUT, ":unknown:").await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(reaction(&luis, Method::PUT, ":tada:").await, StatusCode::NO_CONTENT);
    let reacted = luis.get("/messages/1").await;
    let emoji: Vec<&Value> = reacted["reactions"].as_array().expect("reactions").iter().collect();
    assert_eq!((&emoji[0]["emoji"], &emoji[1]["emoji"]), (&json!(":party-parrot:"), &json!("🎉")));

    ana.ok(Method::DELETE, "/emoji/party-parrot", None).await;
    live.until("emoji").await;
    assert_eq!(luis.get("/emoji").await, json!({"items": []}));
    let gone = image(&server, &luis, &address).await;
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
    assert!(gone.text().await.expect("text").contains(">:party-parrot:<"), "its name, as an image");
    assert_eq!(
        reaction(&ana, Method::PUT, ":party-parrot:").await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(reaction(&luis, Method::DELETE, ":party-parrot:").await, StatusCode::NO_CONTENT);
    let audit = ana.get("/audit").await;
    let actions: Vec<_> = audit["items"].as_array().expect("items").iter().collect();
    let seen = actions.iter().map(|one| (one["action"].as_str(), one["subject"]["name"].as_str()));
    let expected = [
        ("emoji.delete", "party-parrot"),
        ("emoji.delete", "late"),
        ("emoji.add", "late"),
        ("emoji.add", "party-parrot"),
    ];
    let expected = expected.map(|(action, name)| (Some(action), Some(name)));
    assert_eq!(seen.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn names_and_images_that_cannot_be_used_are_refused() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    ana.add_emoji("taken").await;
    let picture = png(300, 100);
    let large = vec![0; 13 * 1024 * 1024];
    for (name, file, status) in [
        ("taken", &picture, 409),
        ("tada", &picture, 422),
        ("A", &picture, 422),
        ("", &picture, 422),
        ("other", &b"<svg/>".to_vec(), 422),
        ("other", &Vec::new(), 422),
        ("other", &large, 413),
        ("other", &picture, 201),
    ] {
        let answer = ana.upload("/emoji", &[("name", name)], ("image", file)).await;
        assert_eq!(answer.status().as_u16(), status, "{name}");
    }
    let unknown =
        ana.upload("/emoji", &[("name", "third"), ("size", "9")], ("image", &picture)).await;
    assert_eq!(unknown.status(), StatusCode::BAD_REQUEST);
    let refused = luis.upload("/emoji", &[("name", "third")], ("image", &picture)).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let refused = luis.refused(Method::DELETE, "/emoji/other", None).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let missing = ana.refused(Method::DELETE, "/emoji/missing", None).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let names = luis.get("/emoji").await;
    assert_eq!(
        (&names["items"][0]["name"], &names["items"][1]["name"]),
        (&json!("other"), &json!("taken"))
    );
}

#[tokio::test]
async fn every_server_and_every_client_that_comes_back_knows_the_emoji() {
    let one = Server::start().await;
    let two = one.second().await;
    let (ana, luis) = (one.api("ana").await, one.api("luis").await);
    let mut here = luis.live().await;
    let mut there = luis.through(&two).live().await;
    let at = here.until("ready").await["at"].as_str().expect("a time").to_owned();
    for live in [&mut here, &mut there] {
        live.until("present").await;
    }
    ana.add_emoji("crab-rave").await;
    for live in [&mut here, &mut there] {
        live.until("emoji").await;
    }
    let list = luis.through(&two).get("/emoji").await;
    assert_eq!(list["items"][0]["name"], "crab-rave");
    let mut back = luis.live_since(&at).await;
    back.until("ready").await;
    back.until("emoji").await;
}

#[tokio::test]
async fn pages_add_and_delete_emoji_and_list_who_reacted() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let mut luis = server.browser_as("luis").await;
    let page = ana.upload("/admin/emoji", "image", png(10, 10)).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "without a name");
    server.api("ana").await.add_emoji("crab-rave").await;
    let page = ana.get("/admin/emoji").await;
    assert_eq!(page.one("#custom-emoji strong"), ":crab-rave:");

    ana.say("votes?").await;
    for browser in [&mut ana, &mut luis] {
        browser.submit("/messages/1/reactions", &[("emoji", ":crab-rave:")]).await;
    }
    luis.submit("/messages/1/reactions", &[("emoji", "🎉")]).await;
    let room = luis.get("/rooms/1").await;
    assert_eq!(room.attribute(".reaction img", "src").as_deref(), Some("/emoji/crab-rave"));
    let names = |page: &crate::support::Page| page.all(".reactors bdi");
    assert_eq!(names(&ana.get("/messages/1").await), ["You, luis", "luis"]);
    luis.language = "es";
    assert_eq!(names(&luis.get("/messages/1/reactions").await), ["Tú, ana", "Tú"]);

    let page = ana.submit("/admin/emoji/crab-rave/delete", &[]).await;
    assert_eq!((page.status, page.all("#custom-emoji li").len()), (StatusCode::OK, 0));
}
