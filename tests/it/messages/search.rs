//! Search: matches, order, rights, and what happens when messages change.

use std::time::Duration;

use patio::db::Db;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestRunner};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Api, PASSWORD, Server, eventually, execute, numbers};

async fn items(user: &Api, query: &str, rest: &str) -> Value {
    let encoded: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
    user.get(&format!("/search?q={encoded}{rest}")).await
}

/// The bodies of the messages that a query finds.
async fn find(user: &Api, query: &str) -> Vec<String> {
    let found = items(user, query, "").await;
    let found = found["items"].as_array().expect("items").iter();
    found.map(|one| one["body"].as_str().expect("a body").to_owned()).collect()
}

/// A message body, queries that find it, and queries that do not.
const CASES: &[(&str, &[&str], &[&str])] = &[
    // Accents and case count only inside quotes, and ñ is an n with a mark.
    (
        "El año pasado en Bogotá",
        &["bogota", "BOGOTÁ", "Bogotá", "ano bogota", "\"Bogotá\"", "\"en bogotá\"", "pasado año"],
        &["\"Bogota\"", "\"ano\"", "bogota lima", "\"Bogotá en\"", "gota"],
    ),
    ("Die Straße nach Köln", &["strasse", "STRASSE", "koln", "\"straße\""], &["\"koln\""]),
    ("İstanbul ve Iğdır, ılık", &["istanbul", "igdir", "ilik", "ISTANBUL"], &["stanbul"]),
    ("Ὀδυσσεύς λόγος", &["ΟΔΥΣΣΕΥΣ", "οδυσσευς", "λογος", "λογοσ"], &["\"λογος\""]),
    ("Съёмка в Москве", &["съемка", "МОСКВЕ", "москв", "\"съёмка\""], &["\"съемка\""]),
    ("مُحَمَّد في القاهرة", &["محمد", "القاهرة"], &["قاهر"]),
    ("שָׁלוֹם עולם", &["שלום", "עולם", "שלום עולם"], &["לום"]),
    ("Łódź smørrebrød", &["lodz", "smorrebrod", "\"łódź\""], &["\"lodz\""]),
    ("ภาษาไทยง่าย", &["ไทย", "ภาษา", "ไทยง่าย"], &["ไทยยาก"]),
    (
        "東京タワーに行く",
        &["東京", "京", "タワー", "ワーに", "東京 行く", "\"京タワ\""],
        &["京東", "東タ"],
    ),
    ("東**京タ**ワーに_行_く", &["東京", "京タワー", "に行く", "\"東京タ\""], &["京東", "東タ"]),
    ("한국어를 배워요", &["한국", "국어", "한국어", "배워"], &["어국"]),
    ("iPhoneを買った", &["iphone", "買った", "iphoneを買"], &["買いた"]),
    ("Mixed 日本 text", &["mixed 日本", "日本 text", "日"], &["本日"]),
    ("#huerto con @luis", &["huerto", "#huerto", "@luis", "#huerto @luis"], &["uerto"]),
    ("ana.soler@example.org", &["ana.soler@example.org", "soler", "example.org"], &["soler.ana"]),
    ("v 10.1.42 y 10.14.2", &["10.1.42", "10.14.2", "10.1", "1.42"], &["10.2", "0.1"]),
    (
        "https://example.org/path/to?x=1#top",
        &["example.org/path", "https://example.org/path/to?x=1#top", "path", "http", "has:link"],
        &["path/example"],
    ),
    ("call foo_bar_baz now", &["foo_bar_baz", "foo_bar", "bar_baz", "foo", "baz"], &["foo_baz"]),
    ("kebab-case-name", &["kebab-case", "case-name", "kebab"], &["kebab-name", "-kebab"]),
    ("getUserName()", &["getUserName", "getusername", "user", "name", "getUser"], &["sername"]),
    ("pagó 1.000.000,50 €", &["1.000.000", "1,000,000", "000,50"], &["1.000.50"]),
    ("fiesta 🎉👍🏽 hoy", &["🎉", "👍", "👍🏿", "fiesta 🎉", "🎉 hoy"], &["👎"]),
    ("don't l’équipe", &["don't", "don’t", "equipe", "l'équipe", "l'equipe"], &["dont"]),
    (
        "the quick brown fox",
        &["qui", "quick bro", "\"quick brown\"", "\"quick bro", "fox quick"],
        &["\"quick fox\"", "\"quick bro\"", "qu", "the -fox", "the -\"brown fox\""],
    ),
    (
        "OR AND NOT NEAR(a b) \"x\" col:y *",
        &["OR", "AND NOT", "NEAR(a b)", "col:y", "*or", "y*"],
        &["or -and"],
    ),
];

#[tokio::test]
async fn messages_are_found_by_their_words() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    for (body, ..) in CASES {
        ana.say(body).await;
    }
    for (body, finding, missing) in CASES {
        for query in *finding {
            let found = find(&ana, query).await;
            assert!(found.iter().any(|found| found == body), "{query} finds {body}: {found:?}");
        }
        for query in *missing {
            let found = find(&ana, query).await;
            assert!(!found.iter().any(|found| found == body), "{query} does not find {body}");
        }
    }
}

#[tokio::test]
async fn query_syntax_in_input_is_treated_as_text() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    ana.say("hola").await;
    let odd =
        "[\"'()*:^{}|&!<>\\\\\\-+%_;~ a]{0,12}|(from:|in:|before:|has:|-|\"|hola| ){0,6}|.{0,40}";
    let mut runner = TestRunner::new(Config::default());
    let text = proptest::string::string_regex(odd).expect("an expression");
    for _ in 0..200 {
        let query = text.new_tree(&mut runner).expect("a text").current();
        assert!(items(&ana, &query, "").await["more"] == false, "{query:?}");
    }
    for nothing in ["", " ", "\"\"", "-", "from:", "\u{e000}", "++"] {
        let found = find(&ana, nothing).await;
        assert!(found.is_empty(), "{nothing:?}: {found:?}");
    }
    let long = "palabra ".repeat(500);
    assert_eq!(find(&ana, &long).await, [""; 0]);
    assert_eq!(
        ana.get("/search").await,
        json!({"items": [], "more": false, "next": null, "complete": true})
    );
}

/// The ids of all results, read in pages of four.
async fn all_pages(user: &Api, query: &str) -> Vec<i64> {
    let (mut seen, mut rest) = (Vec::new(), "&limit=4".to_owned());
    for request in 1.. {
        assert!(request < 10_000, "paging does not end");
        let page = items(user, query, &rest).await;
        let found = page["items"].as_array().expect("items");
        seen.extend(found.iter().map(|one| one["id"].as_i64().expect("an id")));
        if page["more"] == false {
            break;
        }
        assert_eq!(found.len(), 4, "{query}");
        rest = format!("&limit=4&before={}", seen.last().expect("one"));
    }
    assert!(seen.is_sorted_by(|one, next| one > next), "{query}: {seen:?}");
    seen
}

#[tokio::test]
async fn results_are_paged_newest_first_without_gaps() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    for n in 0..30 {
        // The index proposes all of them, and every other one is discarded for its accents.
        ana.say(&format!("{} {n}", if n % 2 == 0 { "Bogotá" } else { "bogota" })).await;
    }
    for (query, expected) in [("bogota", 30), ("\"bogotá\"", 15), ("\"bogota\"", 15)] {
        assert_eq!(all_pages(&ana, query).await.len(), expected, "{query}");
    }
    let refused = ana.refused(Method::GET, "/search?q=a&limit=101", None).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
}

/// A prefix is searched in the newest messages first, then in the index.
#[tokio::test]
async fn prefix_of_a_word_finds_new_and_old_messages() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    for n in 0..6 {
        ana.say(&format!("gatera roja {n}")).await;
    }
    for n in 0..300 {
        ana.say(&format!("perro {n}")).await;
    }
    for n in 0..2 {
        ana.say(&format!("gatito rojo {n}")).await;
    }
    for (query, expected) in
        [("gat", 8), ("gatit", 2), ("gater", 6), ("ro gat", 0), ("roja gat", 6), ("perr", 300)]
    {
        assert_eq!(all_pages(&ana, query).await.len(), expected, "{query}");
        let here = format!("from:ana {query}");
        assert_eq!(all_pages(&ana, &here).await.len(), expected, "{here}");
    }
}

/// Ids as after years of use: the search queries the index for the latest id range before the whole.
#[tokio::test]
async fn newest_results_come_first_across_large_id_gaps() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let db = server.storage().open().await;
    macro_rules! jumps {
        ($($distance:literal)*) => {
            [$([
                concat!("update counters set value = value + ", $distance),
                concat!("select setval('message_ids', last_value + ", $distance, ") from message_ids"),
            ]),*]
        };
    }
    let mut ids = Vec::new();
    let jumps = jumps!(0 1 4_094 4_096 32_768 32_767 262_144 300_000 3_000_000 4_095);
    for (n, [sqlite, postgres]) in jumps.into_iter().enumerate() {
        execute(&db, sqlite, postgres).await;
        let message = ana.say(&format!("número {n} de la serie")).await;
        ana.say(&format!("serie la de {n} número")).await;
        ids.insert(0, message["id"].as_i64().expect("an id"));
        server.advance(Duration::from_hours(24));
    }
    db.close().await;
    for query in [
        "\"de la\"",
        "\"de la serie\"",
        "\"de la ser",
        "serie \"la serie\"",
        "\"número\" \"de la\"",
    ] {
        assert_eq!(all_pages(&ana, query).await, ids, "{query}");
    }
    for query in ["serie", "seri", "numero la", "from:ana", "\"la\" in:lobby", "-nada"] {
        assert_eq!(all_pages(&ana, query).await.len(), 2 * ids.len(), "{query}");
    }
    for n in 0..ids.len() {
        assert_eq!(find(&ana, &format!("\"{n} de la\"")).await.len(), 1, "{n}");
    }
    assert_eq!(find(&ana, "\"serie de\"").await, [""; 0]);
    for (n, id) in ids.iter().rev().enumerate() {
        let (day, next) = (21 + n, 22 + n);
        let during = format!("after:2026-11-{day} before:2026-11-{next:02}");
        let during = during.replace("2026-11-31", "2026-12-01");
        assert_eq!(all_pages(&ana, &format!("\"de la\" {during}")).await, [*id], "{during}");
        assert_eq!(all_pages(&ana, &during).await, [id + 1, *id], "{during}");
        let since = format!("after:2026-11-{day} seri");
        assert_eq!(all_pages(&ana, &since).await.len(), 2 * (ids.len() - n), "{since}");
    }
    for never in ["serie before:2026-11-21", "serie after:2026-12-01"] {
        assert_eq!(find(&ana, never).await, [""; 0], "{never}");
    }
}

/// For a user who can read few rooms, the search scans these rooms instead of the index.
#[tokio::test]
async fn member_of_few_rooms_finds_only_their_messages() {
    let server = Server::start().await;
    let (ana, luis) = tokio::join!(server.api("ana"), server.api("luis"));
    let direct = ana.post("/direct", json!({"name": "luis"})).await["id"].clone();
    let private = json!({"name": "Taller", "visibility": "private"});
    let private = ana.post("/rooms", private).await["id"].clone();
    let db = server.storage().open().await;
    let sqlite = "update counters set value = 1000000 where name = 'message'";
    execute(&db, sqlite, "select setval('message_ids', 1000000)").await;
    db.close().await;
    let mut theirs = Vec::new();
    for n in 0..3 {
        for room in [&direct, &private, &json!(1)] {
            let body = json!({"body": format!("hola {n} en {room}")});
            let message = ana.post(&format!("/rooms/{room}/messages"), body).await;
            if *room != private {
                theirs.insert(0, message["id"].as_i64().expect("an id"));
            }
        }
    }
    for query in ["hola", "hol", "\"en\"", "from:ana", "-nada", "hola from:ana"] {
        assert_eq!(all_pages(&luis, query).await, theirs, "{query}");
        assert_eq!(all_pages(&ana, query).await.len(), 9, "{query}");
    }
    assert_eq!(find(&luis, "hola in:taller").await, [""; 0]);
    luis.ok(Method::POST, "/rooms/1/messages", Some(json!({"body": "me apunto"}))).await;
    assert_eq!(find(&luis, "apunto").await, ["me apunto"]);
}

/// Search obeys the same rule for reading a room as everything else.
#[tokio::test]
async fn search_finds_only_currently_readable_messages() {
    let server = Server::start().await;
    let (ana, luis, eva) = tokio::join!(server.api("ana"), server.api("luis"), server.api("eva"));
    let mut rooms = Vec::new();
    for visibility in ["public", "private"] {
        for stays in ["never", "left", "there"] {
            let name = format!("{visibility} {stays}");
            let room = ana.post("/rooms", json!({"name": name, "visibility": visibility})).await;
            let id = room["id"].clone();
            if stays != "never" {
                luis.post("/join", json!({"code": room["code"]})).await;
            }
            if stays == "left" {
                luis.ok(Method::POST, &format!("/rooms/{id}/leave"), None).await;
            }
            rooms.push(id);
        }
    }
    for other in ["luis", "eva"] {
        rooms.push(ana.post("/direct", json!({"name": other})).await["id"].clone());
    }
    for room in &rooms {
        ana.post(&format!("/rooms/{room}/messages"), json!({"body": "secreto"})).await;
    }
    for user in [&ana, &luis, &eva] {
        let found = items(user, "secreto", "").await;
        let found = found["items"].as_array().expect("items").iter();
        let found: Vec<&Value> = found.map(|one| &one["room_id"]).collect();
        for room in &rooms {
            let status = user.send(Method::GET, &format!("/rooms/{room}"), None).await.status();
            assert_eq!(status == StatusCode::OK, found.contains(&room), "{room} {status}");
        }
    }
    assert_eq!(find(&ana, "secreto").await.len(), rooms.len());
    // Requests without a token are refused.
    let outsider = Api::signed_out(server.url("/api/v1"));
    let refused = outsider.refused(Method::GET, "/search?q=secreto", None).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn edited_message_is_found_by_new_text_deleted_one_never() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let id = ana.say("manzana roja").await["id"].clone();
    let path = format!("/messages/{id}");
    ana.ok(Method::PATCH, &path, Some(json!({"body": "pera roja"}))).await;
    ana.ok(Method::PATCH, &path, Some(json!({"body": "pera roja"}))).await;
    assert_eq!(find(&ana, "manzana").await, [""; 0]);
    assert_eq!(find(&ana, "pera").await, ["pera roja"]);
    ana.ok(Method::PUT, &format!("{path}/reactions/👍"), None).await;
    assert_eq!(find(&ana, "roja").await, ["pera roja"]);
    ana.ok(Method::DELETE, &path, None).await;
    ana.ok(Method::DELETE, &path, None).await;
    assert_eq!(find(&ana, "roja").await, [""; 0]);
    assert_eq!(find(&ana, "from:ana").await, [""; 0]);
}

#[tokio::test]
async fn repeated_send_is_found_once() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    for _ in 0..2 {
        ana.post("/rooms/1/messages", json!({"body": "una vez", "nonce": "n1"})).await;
    }
    assert_eq!(find(&ana, "vez").await, ["una vez"]);
}

#[tokio::test]
async fn operators_narrow_results() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let room = ana.post("/rooms", json!({"name": "El Huerto", "visibility": "public"})).await;
    let direct = ana.post("/direct", json!({"name": "luis"})).await;
    ana.say("hola uno").await;
    luis.say("hola dos https://example.org").await;
    ana.post(&format!("/rooms/{}/messages", room["id"]), json!({"body": "hola tres"})).await;
    ana.post(&format!("/rooms/{}/messages", direct["id"]), json!({"body": "hola cuatro"})).await;
    server.advance(Duration::from_hours(24));
    luis.say("hola cinco").await;
    for (query, found) in [
        ("hola from:luis", &["hola cinco", "hola dos https://example.org"][..]),
        ("from:@LUIS", &["hola cinco", "hola dos https://example.org"]),
        ("from:me hola", &["hola cuatro", "hola tres", "hola uno"]),
        ("from:ME hola", &["hola cuatro", "hola tres", "hola uno"]),
        ("from:nobody hola", &[]),
        ("hola in:\"el huerto\"", &["hola tres"]),
        ("in:lobby hola from:ana", &["hola uno"]),
        ("in:nowhere hola", &[]),
        ("in:luis", &["hola cuatro"]),
        ("is:direct", &["hola cuatro"]),
        ("is:direct from:luis", &[]),
        ("has:link", &["hola dos https://example.org"]),
        ("hola after:2026-11-22", &["hola cinco"]),
        ("before:2026-11-22 from:ana uno", &["hola uno"]),
        ("after:2026-11-22", &["hola cinco"]),
        ("after:2026-11-22 before:2026-11-22", &[]),
        ("-hola", &[]),
        ("hola -uno -dos -tres -cuatro", &["hola cinco"]),
        ("from:ana -\"hola uno\" in:lobby", &[]),
    ] {
        assert_eq!(find(&ana, query).await, found, "{query}");
    }
}

#[tokio::test]
async fn minus_excludes_the_matches_of_an_operator() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let room = ana.post("/rooms", json!({"name": "El huerto", "visibility": "public"})).await;
    let direct = ana.post("/direct", json!({"name": "luis"})).await;
    ana.say("word one").await;
    luis.say("word two https://x.org/a").await;
    server.advance(Duration::from_hours(48));
    ana.post(&format!("/rooms/{}/messages", room["id"]), json!({"body": "word three"})).await;
    luis.post(&format!("/rooms/{}/messages", direct["id"]), json!({"body": "word four"})).await;
    for (query, found) in [
        ("word", vec!["word four", "word three", "word two https://x.org/a", "word one"]),
        ("-from:ana word", vec!["word four", "word two https://x.org/a"]),
        ("word -from:\"ana\"", vec!["word four", "word two https://x.org/a"]),
        ("-from:me", vec!["word four", "word two https://x.org/a"]),
        ("-from:ME", vec!["word four", "word two https://x.org/a"]),
        ("\u{2212}from:me", vec!["word four", "word two https://x.org/a"]),
        ("word -from:ana -from:@luis", vec![]),
        ("word -in:\"El huerto\"", vec!["word four", "word two https://x.org/a", "word one"]),
        ("word -in:lobby", vec!["word four", "word three"]),
        ("word -has:link", vec!["word four", "word three", "word one"]),
        ("word -is:direct", vec!["word three", "word two https://x.org/a", "word one"]),
        ("word -on:2026-11-21", vec!["word four", "word three"]),
        ("word on:2026-11-21", vec!["word two https://x.org/a", "word one"]),
        ("word -after:2026-11-22", vec!["word two https://x.org/a", "word one"]),
        ("word -before:2026-11-22", vec!["word four", "word three"]),
        (
            "word -from:nobody -in:nowhere",
            vec!["word four", "word three", "word two https://x.org/a", "word one"],
        ),
        ("-from:ana -has:link -is:direct", vec![]),
    ] {
        assert_eq!(find(&ana, query).await, found, "{query}");
    }
}

/// An exclusion may read the whole history: a request stops when its budget is used and returns where
/// to continue.
#[tokio::test]
async fn search_stops_at_its_budget_and_can_continue() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    ana.say("alpha alone").await;
    let long = "alpha beta gamma ".repeat(940);
    // 2.3 MiB: more than the budget of one request with two words.
    for _ in 0..150 {
        ana.say(&long).await;
    }
    let first = items(&ana, "alpha -beta", "").await;
    assert_eq!((&first["items"], &first["more"]), (&json!([]), &json!(true)));
    let next = first["next"].as_str().expect("a cursor");
    let second = items(&ana, "alpha -beta", &format!("&cursor={next}")).await;
    assert_eq!(second["items"][0]["body"], "alpha alone");
    assert_eq!((&second["more"], &second["next"]), (&json!(false), &Value::Null));
    assert_eq!(first["complete"], true);
    let refused = ana.refused(Method::GET, "/search?q=a&cursor=nonsense", None).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut page = server.browser();
    page.login("ana", PASSWORD).await;
    let page = page.get("/search?q=alpha+-beta").await;
    assert_eq!(page.all(".empty-state a").len(), 1, "the page leads on");
}

#[tokio::test]
async fn messages_of_closed_accounts_are_found() {
    let server = Server::start().await;
    let (_, luis) = (server.api("ana").await, server.api("luis").await);
    luis.say("me voy").await;
    let mut admin = server.browser();
    admin.login("ana", PASSWORD).await;
    let id = luis.get("/me").await["id"].to_string();
    admin.submit("/admin/people/close", &[("user", &id)]).await;
    let refused = luis.refused(Method::GET, "/me", None).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let ana = server.api("ana").await;
    assert_eq!(find(&ana, "voy from:luis").await, ["me voy"]);
}

/// Waits until the background job has indexed all earlier messages.
pub async fn until_indexed(db: &Db) {
    let unfinished = "select count(*) from settings where name = 'search_below'";
    eventually("all messages are indexed", async || numbers(db, unfinished).await == [0]).await;
}

/// As at the first start of a release that normalizes letters differently.
#[tokio::test]
async fn index_with_other_normalization_is_rebuilt_at_start() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    for body in ["Ŋala uno", "dos"] {
        ana.say(body).await;
    }
    let db = server.storage().open().await;
    let other = "update settings set value = 'other' where name = 'search_words'";
    for statement in [other, "update messages set body = 'Ŋala tres' where body = 'dos'"] {
        execute(&db, statement, statement).await;
    }
    // The extra term makes it a whole word: a prefix would first be searched without the index.
    assert_eq!(find(&ana, "nala -x").await, ["Ŋala uno"]);
    let server = server.second().await;
    let mut ana = Api::signed_out(server.url("/api/v1"));
    ana.sign_in("ana").await;
    until_indexed(&db).await;
    assert_eq!(find(&ana, "ŋala -x").await, ["Ŋala tres", "Ŋala uno"]);
    assert_eq!(find(&ana, "dos").await, [""; 0]);
    db.close().await;
}

/// As at the first start of a release with search, and after an interrupted start.
#[tokio::test]
async fn unindexed_messages_are_indexed_after_the_start() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    for body in ["antes uno", "antes dos", "antes tres"] {
        ana.say(body).await;
    }
    let emptied = "insert into settings (name, value) values ('search_below', '3')";
    for empties in [true, false] {
        let db = server.storage().open().await;
        if empties {
            let sqlite = "insert into search (search) values ('delete-all')";
            execute(&db, sqlite, "delete from search").await;
            assert_eq!(find(&ana, "antes").await, [""; 0]);
        }
        execute(&db, emptied, emptied).await;
        let server = server.second().await;
        let mut ana = Api::signed_out(server.url("/api/v1"));
        ana.sign_in("ana").await;
        until_indexed(&db).await;
        assert_eq!(find(&ana, "antes").await, ["antes dos", "antes uno"]);
        db.close().await;
        // A message that is not indexed yet can be edited.
        let last = ana.get("/rooms/1/messages?limit=1").await["items"][0]["id"].clone();
        ana.ok(Method::PATCH, &format!("/messages/{last}"), Some(json!({"body": "luego"}))).await;
        assert_eq!(find(&ana, "luego").await, ["luego"]);
    }
}

#[tokio::test]
async fn result_page_highlights_matches_and_escapes_markup() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    ana.say("<b>Bogotá</b> & <mark>no</mark>").await;
    let page = ana.get("/search?q=bogota").await;
    assert_eq!(page.all(".result__text"), ["<b>Bogotá</b> & <mark>no</mark>"]);
    assert_eq!(page.all(".result mark"), ["Bogotá"]);
    assert_eq!(page.attribute(".result__link", "href").as_deref(), Some("/rooms/1#m1"));
    assert_eq!(page.attribute("#q", "value").as_deref(), Some("bogota"));
    let page = ana.get("/search?q=%3Cb%3E%22").await;
    assert_eq!(page.attribute("#q", "value").as_deref(), Some("<b>\""));
    let page = ana.get("/search").await;
    assert_eq!(page.all(".search-tips dt").len(), 11);
    assert!(page.all(".chip").is_empty(), "nothing to narrow yet");
    let outsider = server.browser().get("/search?q=bogota").await;
    assert!(outsider.all(".result").is_empty());
}

/// What is chosen is an operator in the query: each chip leads to the search with or without it.
#[tokio::test]
async fn chips_add_and_remove_operators() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let mut tom = server.browser_as("tom").await;
    ana.say("agua").await;
    tom.say("agua https://example.org").await;
    let page = ana.get("/search?q=agua").await;
    assert_eq!(page.all(".chip"), ["From", "Room", "When", "Kind"]);
    assert_eq!(page.all("#search-from .menu-item"), ["Me", "tom"]);
    assert_eq!(page.all("#search-room .menu-item"), ["lobby"]);
    for (menu, index, found) in
        [("search-from", 1, "agua"), ("search-from", 2, "agua https://example.org")]
    {
        let offer = format!("#{menu} li:nth-child({index}) a");
        let link = page.attribute(&offer, "href").expect("a link");
        assert_eq!(ana.get(&link).await.all(".result__text"), [found]);
    }
    let page = ana.get("/search?q=from:me+agua+in:%22lobby%22+-has:link").await;
    let chosen = page.all(".chip--chosen");
    assert_eq!(chosen, ["From me", "lobby", "Not: With a link"]);
    assert_eq!(page.all(".chip:not(.chip--chosen)"), ["When", "Kind"]);
    let without = page.attribute(".chips li:nth-child(2) a", "href");
    assert_eq!(without.as_deref(), Some("/search?q=from%3Ame+agua+-has%3Alink"));
    assert_eq!(page.one(".results__count"), "1 result");
}
