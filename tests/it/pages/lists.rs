//! Lists by name that are read in pages: every entry once, in order, and only for those who may see it.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::json;

use crate::support::{Browser, Page, Server, execute};

/// Adds members of the lobby, more than two pages, among them many with the same name.
const USERS: &str = "
    with recursive n(n) as (select 1 union all select n + 1 from n where n < 250)
    insert into users (id, name, folded_name, skeleton, display_name, email, password_hash, role,
                       created_at)
    select 1000 + n, 'u' || n, 'u' || n, 'u' || n,
           case n % 6 when 0 then 'María' when 1 then 'Ángel ' || n when 2 then 'María'
                      when 3 then '🌻' when 4 then 'Олег ' || n else 'zoë' end,
           'u' || n || '@example.test', '', 'member', 1
    from n";
const MEMBERS: &str = "
    insert into memberships (user_id, room_id, last_read_seq, joined_at)
    select id, 1, 0, 1 from users where id > 1000";
/// Adds public rooms and a private one.
const ROOMS: &str = "
    with recursive n(n) as (select 1 union all select n + 1 from n where n < 230)
    insert into rooms (id, name, folded_name, visibility, created_at)
    select 1000 + n, case n % 3 when 0 then 'Sala' else 'Ático ' || n end, 'sala ' || n,
           case n when 7 then 'private' else 'public' end, 1
    from n";

/// A server with an administrator, ana, and many other users. Sort keys are made when it starts.
async fn crowded(more: &[&'static str]) -> (Server, Browser) {
    let server = Server::start().await;
    server.api("ana").await;
    let db = server.storage().open().await;
    for statement in [USERS, MEMBERS].iter().chain(more) {
        execute(&db, statement, statement).await;
    }
    drop(db);
    let server = server.restart().await;
    let mut ana = server.browser();
    ana.login("ana", crate::support::PASSWORD).await;
    (server, ana)
}

/// All pages of a list, from the first to the last and back. Returns the entries of each page, and checks that both
/// ways have the same.
async fn pages(browser: &mut Browser, path: &str, entry: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut page = browser.get(path).await;
    assert!(page.attribute("a[rel=prev]", "href").is_none(), "{path} is the first page");
    loop {
        assert!(pages.len() < 20, "paging does not end");
        pages.push(entries(&page, entry));
        match page.attribute(".list-pages a[rel=next]", "href") {
            Some(next) => page = browser.get(&next).await,
            None => break,
        }
    }
    for before in pages.iter().rev().skip(1) {
        let previous = page.attribute("a[rel=prev]", "href").expect("a way back");
        page = browser.get(&previous).await;
        assert_eq!(&entries(&page, entry), before);
    }
    assert!(page.attribute("a[rel=prev]", "href").is_none(), "back at the first page");
    pages
}

fn entries(page: &Page, entry: &str) -> Vec<String> {
    assert_eq!(page.status, StatusCode::OK);
    page.all(entry)
}

/// 251 entries on three pages, each once.
fn assert_complete(pages: &[Vec<String>], count: usize) {
    let lengths: Vec<usize> = pages.iter().map(Vec::len).collect();
    assert_eq!(lengths, [100, 100, count - 200]);
    let all: BTreeSet<&String> = pages.iter().flatten().collect();
    assert_eq!(all.len(), count, "each entry once");
}

#[tokio::test]
async fn every_list_of_users_has_each_of_them_once() {
    let (_server, mut ana) = crowded(&[]).await;
    for (path, entry) in [
        ("/people", ".person__handle"),
        ("/admin", ".account .item-list__meta"),
        ("/rooms/1/settings", ".item-list__text"),
    ] {
        let found = pages(&mut ana, path, entry).await;
        if path == "/rooms/1/settings" {
            // Names only, which are not unique.
            assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 51]);
        } else {
            assert_complete(&found, 251);
        }
    }
    let members = pages(&mut ana, "/rooms/1/members", "#members .member bdi").await;
    let names: Vec<&str> = members.iter().flatten().map(String::as_str).collect();
    assert_eq!(names.len(), 251);
    // Emoji, Latin with accents ignored at first, Cyrillic.
    assert_eq!(names.first(), Some(&"🌻"));
    assert_eq!(names.get(42), Some(&"ana"));
    assert!(names.get(43).is_some_and(|name| name.starts_with("Ángel")));
    assert!(names.last().is_some_and(|name| name.starts_with("Олег")));
    // Those online are not only a colour.
    let online = |page: &Page, row: &str| page.all(&format!("{row} .visually-hidden"));
    for (path, row) in [("/people", ".person"), ("/rooms/1/members", "#members .member")] {
        assert_eq!(online(&ana.get(path).await, row), ["· Online"], "{path}");
    }
    let page = ana.get("/people").await;
    assert_eq!(page.one(".people-list h2"), "251 people · 1 online");
    assert!(ana.get("/rooms/1/members").await.one("main header").contains("251 members"));
}

#[tokio::test]
async fn a_part_of_a_name_finds_users_without_regard_to_case_and_accents() {
    let (_server, mut ana) = crowded(&[]).await;
    for (path, entry) in [
        ("/people", ".person bdi"),
        ("/admin", ".account bdi"),
        ("/rooms/1/settings", ".item-list bdi"),
        ("/rooms/1/members", "#members bdi"),
    ] {
        for (sought, count) in
            [("ANGEL", 42), ("maria", 83), ("@U17", 11), ("ОЛЕГ 4", 3), ("%25", 0), ("_", 0)]
        {
            let page = ana.get(&format!("{path}?q={sought}")).await;
            assert_eq!(entries(&page, entry).len(), count, "{path} {sought}");
            assert_eq!(
                page.all(".empty-state a").len(),
                usize::from(count == 0),
                "{path} {sought}"
            );
            assert!(page.all("a[rel=next]").is_empty());
        }
        // A filter with more than one page.
        let found = pages(&mut ana, &format!("{path}?q=u"), entry).await;
        let counts: Vec<usize> = found.iter().map(Vec::len).collect();
        assert_eq!(counts, [100, 100, 50], "{path}");
        for bad in ["after=x", "after=7-zz", "before=-2a", "after="] {
            let page = ana.get(&format!("{path}?{bad}")).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}?{bad}");
        }
    }
    let by_address = ana.get("/admin?q=u17%40example").await;
    assert_eq!(by_address.all(".account bdi").len(), 1);
}

#[tokio::test]
async fn lists_of_rooms_have_each_room_once_that_the_user_may_see() {
    let (server, mut ana) = crowded(&[ROOMS]).await;
    let seen = pages(&mut ana, "/rooms", ".item-list h2 a").await;
    // 230 rooms and the lobby, without the private one.
    assert_eq!(seen.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 30]);
    assert_eq!(seen.first().and_then(|page| page.first()).map(String::as_str), Some("lobby"));
    let all = pages(&mut ana, "/admin/rooms", "#all-rooms .item-list__text p:first-child").await;
    assert_complete(&all, 231);
    for (path, entry) in [("/rooms", ".item-list h2 a"), ("/admin/rooms", "#all-rooms > li")] {
        let private = usize::from(path == "/admin/rooms");
        assert_eq!(ana.get(&format!("{path}?q=atico+7")).await.all(entry).len(), 7 + private);
        let none = ana.get(&format!("{path}?q=nada")).await;
        assert_eq!((none.all(entry).len(), none.all(".empty-state a").len()), (0, 1));
    }
    // Its member finds the private room, and no other user does.
    let db = server.storage().open().await;
    let join = "insert into memberships (user_id, room_id, last_read_seq, joined_at)
                select id, 1007, 0, 1 from users where name = 'ana'";
    execute(&db, join, join).await;
    assert_eq!(ana.get("/rooms?q=atico+7").await.all(".item-list h2 a").len(), 8);
    let mut luis = server.browser_as("luis").await;
    assert_eq!(luis.get("/rooms?q=atico+7").await.all(".item-list h2 a").len(), 7);
    // A refused name comes back, wherever its room is in the list.
    let refused = ana.submit("/admin/rooms/1200/name", &[("name", "")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.all("#all-rooms > li").len(), 1);
    assert_eq!(refused.all(".field__note--error").len(), 1);
}

#[tokio::test]
async fn room_page_lists_some_members_and_counts_all() {
    let (_server, mut ana) = crowded(&[]).await;
    let page = ana.get("/rooms/1").await;
    assert_eq!((page.all("#online .member").len(), page.one("#online-count").as_str()), (1, "1"));
    assert_eq!(
        (page.all("#offline .member").len(), page.one("#offline-count").as_str()),
        (100, "250")
    );
    assert_eq!(page.one("#member-count"), "251");
    let ids = page.attribute("#people .card", "data-all").expect("ids");
    assert!(ids.ends_with(",1001-1250"), "{ids}");
    // The link leads to all who are not listed.
    let more = page.attribute("#more-members a", "href").expect("a link");
    let listed = page.all("#people .member");
    let mut next = Some(more);
    let mut rest = Vec::new();
    while let Some(path) = next {
        let page = ana.get(&path).await;
        rest.extend(page.all("#members .member"));
        next = page.attribute("a[rel=next]", "href");
    }
    assert_eq!(listed.len() + rest.len(), 251);
    // A small room lists all.
    let id = ana.submit("/rooms", &[("name", "Huerto"), ("visibility", "public")]).await.path;
    let page = ana.get(&id).await;
    assert_eq!(page.attribute("#people .card", "data-all"), None);
    assert!(page.all("#more-members").is_empty());
}

#[tokio::test]
async fn members_are_listed_for_those_who_may_read_the_room() {
    let server = Server::start().await;
    let (ana, luis) = (server.api("ana").await, server.api("luis").await);
    let room = ana.post("/rooms", json!({"name": "Huerto", "visibility": "private"})).await;
    let path = format!("/rooms/{}/members", room["id"]);
    let (mut inside, mut outside) = (server.browser(), server.browser());
    inside.login("ana", crate::support::PASSWORD).await;
    outside.login("luis", crate::support::PASSWORD).await;
    let ids = format!("{path}?users=1,2,99999");
    for path in [&path, &format!("{path}?q=a"), &ids] {
        assert_eq!(inside.get(path).await.all("#members bdi"), ["ana"], "{path}");
        assert_eq!(outside.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    drop(luis);
    for bad in ["x", "1,,2", "1 or 1", &vec!["1"; 101].join(",")] {
        let page = inside.get(&format!("{path}?users={bad}")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
}
