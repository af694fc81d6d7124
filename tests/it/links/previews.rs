//! Previews of the pages that messages link to.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Api, Internet, PASSWORD, Server, Site, bombs, eventually, numbers, png};

const HEAD: &str = "<title>Qué sembrar &amp; cuándo</title>
    <meta property='og:description' content='A calendar for gardens.'>
    <meta property='og:site_name' content='Semillas'><meta property='og:image' content='/lemons.png'>";

/// A site with a page that has a picture, at an address of plain HTTP behind the link.
fn garden(internet: &Internet) -> Site {
    let site = internet.site("semillas.example");
    site.page("/otono", HEAD);
    site.put("/lemons.png", "image/png", png(640, 320));
    site
}

fn link(path: &str) -> String {
    format!("http://semillas.example{path}")
}

async fn message(user: &Api, id: &Value) -> Value {
    user.get(&format!("/messages/{id}")).await
}

/// Waits until a message has this many previews.
async fn with_previews(user: &Api, id: &Value, count: usize) -> Value {
    eventually("previews", async || {
        message(user, id).await["previews"].as_array().expect("previews").len() == count
    })
    .await;
    message(user, id).await
}

/// Waits until no job waits for another server.
async fn no_job_is_left(server: &Server) {
    let db = server.storage().open().await;
    eventually("jobs", async || {
        numbers(&db, "select count(*) from jobs where kind = 'preview-links'").await == [0]
    })
    .await;
}

#[tokio::test]
async fn preview_arrives_live_and_stays_with_the_message() {
    let internet = Internet::default();
    let site = garden(&internet);
    let server = Server::on_internet(&internet, &[]).await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let mut live = luis.live().await;
    live.open_room(1, Some(0)).await;
    let address = link("/otono#ajos");
    let said = ana.say(&format!("look: {address}")).await;
    assert_eq!(said["previews"], json!([]), "posting waits for no other server");
    live.until("message").await;
    let frame = live.until("message").await;
    let expected = json!([{
        "n": 0, "url": address, "title": "Qué sembrar & cuándo", "text": "A calendar for gardens.",
        "site": "Semillas", "image_url": frame["message"]["previews"][0]["image_url"],
    }]);
    assert_eq!((&frame["message"]["previews"], &frame["rev"]), (&expected, &json!(2)));
    let history = luis.get("/rooms/1/messages?since_rev=1").await;
    assert_eq!(history["items"][0]["previews"], expected, "catch-up has it");
    assert_eq!(site.paths(), ["/otono", "/lemons.png"]);
    let mut browser = server.browser_as("eva").await;
    let page = browser.get("/rooms/1").await;
    assert_eq!(page.one(".link-preview__title"), "Qué sembrar & cuándo");
    assert_eq!(page.attribute(".link-preview__title", "href").as_deref(), Some(address.as_str()));
    assert_eq!(page.attribute(".link-preview__thumb", "width").as_deref(), Some("480"));
    assert_eq!(page.attribute(".link-preview__thumb", "height").as_deref(), Some("240"));
    assert_eq!(page.attribute(".link-preview__thumb", "src"), image_of(&frame["message"]));
    let remove = page.attribute(".link-preview__remove", "href");
    assert_eq!(remove, Some(format!("/messages/{}#previews", said["id"])));
    let style = browser.get("/mentions/ana.css").await.text;
    assert!(style.contains("[href=\"/people/ana\"]) .link-preview__remove"), "{style}");
}

fn image_of(message: &Value) -> Option<String> {
    message["previews"][0]["image_url"].as_str().map(ToOwned::to_owned)
}

#[tokio::test]
async fn site_learns_nothing_about_the_user_or_the_installation() {
    let internet = Internet::default();
    let site = garden(&internet);
    let server = Server::on_internet(&internet, &[]).await;
    let mut browser = server.browser_as("ana").await;
    browser.say(&link("/otono?x=1")).await;
    site.page("/otono?x=1", HEAD);
    browser.say(&link("/otono")).await;
    let ana = server.api("ana").await;
    let last = ana.get("/rooms/1/messages").await["items"][1]["id"].clone();
    with_previews(&ana, &last, 1).await;
    let head = |path: &str, accept: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nuser-agent: Patio\r\naccept: {accept}\r\naccept-encoding: identity\r\n\
             host: semillas.example\r\n\r\n"
        )
    };
    let pictures = "image/jpeg,image/png,image/webp,image/gif";
    let pages = format!("text/html,application/xhtml+xml,{pictures}");
    let heads = site.heads();
    assert!(heads.contains(&head("/otono", &pages)), "{heads:?}");
    assert!(heads.contains(&head("/lemons.png", pictures)), "{heads:?}");
}

#[tokio::test]
async fn picture_is_for_readers_of_the_message() {
    let internet = Internet::default();
    garden(&internet);
    let server = Server::on_internet(&internet, &[]).await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let room = ana.post("/rooms", json!({"name": "garden", "visibility": "private"})).await;
    let path = format!("/rooms/{}/messages", room["id"]);
    let said = ana.post(&path, json!({"body": link("/otono")})).await;
    let shown = with_previews(&ana, &said["id"], 1).await;
    let image = image_of(&shown).expect("a picture");
    let load = async |user: &Api| {
        let request = reqwest::Client::new().get(server.url(&image)).bearer_auth(user.token());
        request.send().await.expect("an answer")
    };
    let answer = load(&ana).await;
    assert_eq!(
        (answer.status(), &answer.headers()["content-type"]),
        (StatusCode::OK, &"image/jpeg".parse().expect("a value"))
    );
    assert_eq!(answer.headers()["cache-control"], "private, no-cache");
    assert!(answer.bytes().await.expect("bytes").starts_with(&[0xff, 0xd8]));
    assert_eq!(load(&luis).await.status(), StatusCode::NOT_FOUND);
    ana.ok(Method::DELETE, &format!("/messages/{}", said["id"]), None).await;
    assert_eq!(load(&ana).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn author_and_moderators_remove_a_preview_for_all() {
    let internet = Internet::default();
    garden(&internet);
    let server = Server::on_internet(&internet, &[]).await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let said = luis.say(&link("/otono")).await;
    let shown = with_previews(&luis, &said["id"], 1).await;
    let path = format!("/messages/{}/previews/0", said["id"]);
    let eva = server.api("eva").await;
    assert_eq!(eva.refused(Method::DELETE, &path, None).await.status, StatusCode::FORBIDDEN);
    let unknown = format!("/messages/{}/previews/1", said["id"]);
    assert_eq!(luis.refused(Method::DELETE, &unknown, None).await.status, StatusCode::NOT_FOUND);
    let mut live = ana.live().await;
    live.open_room(1, Some(2)).await;
    assert_eq!(luis.ok(Method::DELETE, &path, None).await.0, StatusCode::NO_CONTENT);
    let frame = live.until("message").await;
    assert_eq!((&frame["message"]["previews"], &frame["rev"]), (&json!([]), &json!(3)));
    luis.ok(Method::DELETE, &path, None).await;
    assert_eq!(luis.get("/rooms/1").await["rev"], 3, "again changes nothing");
    let image = server.url(&image_of(&shown).expect("a picture"));
    let loaded = reqwest::Client::new().get(image).bearer_auth(luis.token()).send().await;
    assert_eq!(loaded.expect("an answer").status(), StatusCode::NOT_FOUND);
    // It does not come back with an edit.
    let body = json!({"body": format!("again {}", link("/otono"))});
    luis.ok(Method::PATCH, &format!("/messages/{}", said["id"]), Some(body)).await;
    no_job_is_left(&server).await;
    assert_eq!(message(&luis, &said["id"]).await["previews"], json!([]));
    // A moderator does it on the page of the message.
    let other = luis.say(&link("/otono")).await;
    with_previews(&luis, &other["id"], 1).await;
    let mut browser = server.browser();
    browser.login("ana", PASSWORD).await;
    let page = browser.get(&format!("/messages/{}", other["id"])).await;
    assert!(page.one("#previews button").contains("Qué sembrar"), "{}", page.one("#previews"));
    browser.submit(&format!("/messages/{}/previews/0/delete", other["id"]), &[]).await;
    assert_eq!(message(&luis, &other["id"]).await["previews"], json!([]));
    let audit = ana.get("/audit").await["items"].clone();
    assert_eq!(
        (&audit[0]["action"], &audit[1]["action"]),
        (&json!("message.remove_preview"), &json!(null))
    );
}

#[tokio::test]
async fn previews_follow_edits_and_deletion() {
    let internet = Internet::default();
    let site = garden(&internet);
    site.page("/invierno", "<title>Winter</title>");
    let server = Server::on_internet(&internet, &[]).await;
    let ana = server.api("ana").await;
    let said = ana.say(&format!("{} {}", link("/otono"), link("/invierno"))).await;
    let shown = with_previews(&ana, &said["id"], 2).await;
    assert_eq!(
        (&shown["previews"][1]["title"], &shown["previews"][1]["n"]),
        (&json!("Winter"), &json!(1))
    );
    assert_eq!(shown["previews"][1]["image_url"], Value::Null);
    assert_eq!(shown["previews"][1]["site"], "semillas.example");
    let path = format!("/messages/{}", said["id"]);
    let edited = ana.ok(Method::PATCH, &path, Some(json!({"body": link("/invierno")}))).await.1;
    assert_eq!(edited["previews"].as_array().expect("previews").len(), 1, "at once: {edited}");
    no_job_is_left(&server).await;
    assert_eq!(message(&ana, &said["id"]).await["previews"][0]["n"], 0);
    ana.ok(Method::DELETE, &path, None).await;
    assert_eq!(message(&ana, &said["id"]).await["previews"], json!([]));
    let db = server.storage().open().await;
    assert_eq!(numbers(&db, "select count(*) from message_previews").await, [0]);
}

#[tokio::test]
async fn only_links_of_the_message_itself_are_fetched() {
    let internet = Internet::default();
    let site = garden(&internet);
    for n in 1..6 {
        site.page(&format!("/{n}"), &format!("<title>page {n}</title>"));
    }
    let server = Server::on_internet(&internet, &[]).await;
    let ana = server.api("ana").await;
    let db = server.storage().open().await;
    for quiet in [
        "no link",
        "`http://semillas.example/1`",
        "> http://semillas.example/1",
        "a@semillas.example",
    ] {
        ana.say(quiet).await;
        let jobs = "select count(*) from jobs where kind = 'preview-links'";
        assert_eq!(numbers(&db, jobs).await, [0], "{quiet}");
    }
    let many = (1..6).map(|n| link(&format!("/{n}"))).collect::<Vec<_>>().join(" ");
    let said = ana.say(&format!("{} {many}", link("/1"))).await;
    let shown = with_previews(&ana, &said["id"], 3).await;
    let titles: Vec<&Value> =
        shown["previews"].as_array().expect("previews").iter().map(|one| &one["title"]).collect();
    assert_eq!(titles, ["page 1", "page 2", "page 3"]);
}

#[tokio::test]
async fn previews_can_be_switched_off() {
    let internet = Internet::default();
    let site = garden(&internet);
    let server = Server::on_internet(&internet, &["--link-previews=off"]).await;
    let ana = server.api("ana").await;
    ana.say(&link("/otono")).await;
    let db = server.storage().open().await;
    let jobs = "select count(*) from jobs where kind = 'preview-links'";
    assert_eq!(numbers(&db, jobs).await, [0]);
    let server = Server::on_internet(&internet, &[]).await;
    let ana = server.api("ana").await;
    assert_eq!(ana.get("/rooms/1").await["link_previews"], true);
    let room = ana.post("/rooms", json!({"name": "quiet", "visibility": "public"})).await;
    let path = format!("/rooms/{}", room["id"]);
    let off = ana.ok(Method::PATCH, &path, Some(json!({"link_previews": false}))).await.1;
    assert_eq!((&off["link_previews"], &off["name"]), (&json!(false), &json!("quiet")));
    let post = |body: String| json!({"body": body});
    ana.post(&format!("{path}/messages"), post(link("/otono"))).await;
    no_job_is_left(&server).await;
    assert!(site.paths().is_empty(), "{:?}", site.paths());
    // The form of the settings switches them on again.
    let mut browser = server.browser();
    browser.login("ana", PASSWORD).await;
    let fields = [("name", "quiet"), ("topic", ""), ("link_previews", "on")];
    browser.submit(&format!("{path}/settings"), &fields).await;
    assert_eq!(ana.get(&path).await["link_previews"], true);
    let said = ana.post(&format!("{path}/messages"), post(link("/otono"))).await;
    with_previews(&ana, &said["id"], 1).await;
}

#[tokio::test]
async fn what_was_found_is_kept_for_a_week_and_a_failure_for_an_hour() {
    let internet = Internet::default();
    let site = garden(&internet);
    let server = Server::on_internet(&internet, &[]).await;
    let ana = server.api("ana").await;
    let post = async |path: &str, previews: usize| {
        let said = ana.say(&link(path)).await;
        no_job_is_left(&server).await;
        let shown = message(&ana, &said["id"]).await;
        assert_eq!(shown["previews"].as_array().expect("previews").len(), previews, "{shown}");
    };
    let asked = || site.paths().iter().filter(|path| *path != "/lemons.png").count();
    post("/otono", 1).await;
    post("/otono", 1).await;
    post("/otono#ajos", 1).await;
    assert_eq!(asked(), 1);
    server.advance(Duration::from_hours(7 * 24));
    post("/otono", 1).await;
    assert_eq!(asked(), 2);
    post("/later", 0).await;
    site.page("/later", "<title>here now</title>");
    post("/later", 0).await;
    assert_eq!(asked(), 3);
    server.advance(Duration::from_hours(1));
    post("/later", 1).await;
    assert_eq!(asked(), 4);
}

#[tokio::test]
async fn hostile_pages_get_no_preview_or_one_without_picture() {
    let internet = Internet::default();
    let site = garden(&internet);
    site.page(
        "/inside",
        "<title>in</title><meta property=og:image content='http://127.0.0.1/x.png'>",
    );
    site.page("/bomb", "<title>bomb</title><meta property=og:image content=/bomb.webp>");
    site.put("/bomb.webp", "image/webp", bombs::webp(16_000, 16_000));
    site.put("/text", "text/plain", "<title>no</title>");
    site.page("/silent", "<meta name=description content=x>");
    site.put("/legacy", "text/html; charset=iso-8859-1", b"<title>Espa\xf1a</title>".to_vec());
    site.put("/alone.png", "image/png", png(40, 20));
    let server = Server::on_internet(&internet, &[]).await;
    let ana = server.api("ana").await;
    for (path, title, has_image) in [
        ("/inside", Some("in"), false),
        ("/bomb", Some("bomb"), false),
        ("/text", None, false),
        ("/silent", None, false),
        ("/missing", None, false),
        ("/legacy", Some("España"), false),
        ("/alone.png", Some("alone.png"), true),
    ] {
        let said = ana.say(&link(path)).await;
        no_job_is_left(&server).await;
        let shown = message(&ana, &said["id"]).await;
        assert_eq!(shown["previews"][0]["title"].as_str(), title, "{path}");
        assert_eq!(image_of(&shown).is_some(), has_image, "{path}");
    }
    for inside in ["http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://10.0.0.1/"] {
        let said = ana.say(inside).await;
        no_job_is_left(&server).await;
        assert_eq!(message(&ana, &said["id"]).await["previews"], json!([]), "{inside}");
    }
    let connections = internet.connections();
    assert!(
        connections.iter().all(|to| to.ip().to_string().starts_with("93.184.216.")),
        "{connections:?}"
    );
}

#[tokio::test]
async fn user_makes_the_server_fetch_thirty_addresses_a_minute() {
    let internet = Internet::default();
    let site = garden(&internet);
    for n in 0..33 {
        site.page(&format!("/{n}"), "<title>page</title>");
    }
    let server = Server::on_internet(&internet, &["--rate-limit=on"]).await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    for first in (0..33).step_by(3) {
        let links: Vec<String> = (first..first + 3).map(|n| link(&format!("/{n}"))).collect();
        ana.say(&links.join(" ")).await;
        no_job_is_left(&server).await;
    }
    assert_eq!(site.paths().len(), 30);
    // Another user still can, and the same one a minute later.
    let said = luis.say(&link("/31")).await;
    with_previews(&luis, &said["id"], 1).await;
    server.advance(Duration::from_mins(1));
    let said = ana.say(&link("/32")).await;
    with_previews(&ana, &said["id"], 1).await;
}

#[tokio::test]
async fn two_processes_fetch_an_address_once() {
    let internet = Internet::default();
    let site = garden(&internet);
    let server = Server::on_internet(&internet, &[]).await;
    let other = server.second_on(&internet).await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let luis = luis.through(&other);
    let address = link("/otono");
    let (one, two) = tokio::join!(ana.say(&address), luis.say(&address));
    // If one of them finds it claimed, it looks again later.
    eventually("both have it", async || {
        server.advance(Duration::from_secs(1));
        let [one, two] = [message(&ana, &one["id"]).await, message(&luis, &two["id"]).await];
        !(one["previews"] == json!([]) || two["previews"] == json!([]))
    })
    .await;
    assert_eq!(site.paths(), ["/otono", "/lemons.png"]);
}

#[tokio::test]
async fn pictures_that_no_message_shows_are_deleted() {
    let internet = Internet::default();
    garden(&internet);
    let server = Server::on_internet(&internet, &[]).await;
    let ana = server.api("ana").await;
    let one = ana.say(&link("/otono")).await;
    with_previews(&ana, &one["id"], 1).await;
    let two = ana.say(&link("/otono")).await;
    with_previews(&ana, &two["id"], 1).await;
    let db = server.storage().open().await;
    let images = async || numbers(&db, "select count(*) from preview_images").await;
    let previews = server.state().service::<patio::chat::link_previews::LinkPreviews>();
    ana.ok(Method::DELETE, &format!("/messages/{}", one["id"]), None).await;
    server.advance(Duration::from_hours(8 * 24));
    previews.prune().await.expect("pruned");
    assert_eq!(images().await, [1], "the other message shows it");
    ana.ok(Method::DELETE, &format!("/messages/{}", two["id"]), None).await;
    previews.prune().await.expect("pruned");
    assert_eq!(images().await, [0]);
}
