//! The public address: which hosts and origins are accepted, and how cookies depend on them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{Browser, Live, PASSWORD, Server};

const PUBLIC: &str = "--base-url=https://chat.example.org";

struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

async fn send(server: &Server, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let method: Method = method.parse().expect("a method");
    let mut request = Browser::plain().request(method, server.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, text: response.text().await.expect("text") }
}

#[tokio::test]
async fn pages_are_served_at_the_public_address_only() {
    let server = Server::with(&[PUBLIC]).await;
    for own in ["chat.example.org", "Chat.Example.Org", "chat.example.org:443", "chat.example.org."]
    {
        let page = send(&server, "GET", "/register", &[("host", own)]).await;
        assert_eq!(page.status, 200, "{own}");
    }
    let hidden = [("host", "127.0.0.1:3000"), ("x-forwarded-proto", "https")];
    assert_eq!(send(&server, "GET", "/register", &hidden).await.status, 200, "a proxy of ours");
    for other in [
        &[("host", "evil.example")][..],
        &[("host", "nas:3000")],
        &[("host", "chat.example.org.evil.example")],
        &[("host", "chat.example.org@evil.example")],
        &[("host", "evil.example/")],
        &[("host", "chat.example.org:8443")],
        &[("host", "chat.example.org"), ("x-forwarded-host", "evil.example")],
        &[("host", "evil.example"), ("x-forwarded-proto", "https")],
        &[("host", "chat.example.org"), ("x-forwarded-proto", "http")],
    ] {
        for (method, path) in
            [("GET", "/login"), ("GET", "/"), ("POST", "/login"), ("POST", "/register")]
        {
            let page = send(&server, method, path, other).await;
            assert_eq!(page.status, 421, "{path} {other:?}");
            assert!(page.text.contains("href=\"https://chat.example.org/\""), "{}", page.text);
        }
        for (path, status) in [("/up", 200), ("/ready", 200), ("/api/v1/openapi.json", 200)] {
            assert_eq!(send(&server, "GET", path, other).await.status, status, "{path} {other:?}");
        }
    }
    let spanish = [("host", "evil.example"), ("accept-language", "es")];
    let page = send(&server, "GET", "/login", &spanish).await;
    assert!(page.text.contains("Entrar en https://chat.example.org"), "{}", page.text);
}

#[tokio::test]
async fn token_requests_may_use_any_host_name() {
    let server = Server::with(&[PUBLIC]).await;
    let api = server.api("ana").await;
    let token = format!("Bearer {}", api.token());
    let headers = [("host", "patio.internal:3000"), ("authorization", &token)];
    assert_eq!(send(&server, "GET", "/api/v1/me", &headers).await.status, 200);
    let from_a_page = [headers[0], headers[1], ("origin", "http://patio.internal:3000")];
    assert_eq!(send(&server, "POST", "/api/v1/rooms", &from_a_page).await.status, 403);
}

#[tokio::test]
async fn without_public_address_any_host_name_is_served() {
    let server = Server::start().await;
    for host in ["nas:3000", "chat.example.org", "192.168.1.7"] {
        let page = send(&server, "GET", "/register", &[("host", host)]).await;
        assert_eq!(page.status, 200, "{host}");
    }
}

#[tokio::test]
async fn request_with_several_hosts_is_refused() {
    let server = Server::start().await;
    let ask = |hosts: &str| {
        let mut stream = TcpStream::connect(server.address).expect("connected");
        let request = format!("GET /up HTTP/1.1\r\n{hosts}connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        stream
    };
    let (two, one) = (ask("host: a\r\nhost: b\r\n"), ask("host: a\r\n"));
    for (mut stream, status) in [(two, "400"), (one, "200")] {
        let read = tokio::task::spawn_blocking(move || {
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("an end");
            answer
        });
        let answer = read.await.expect("read");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
}

#[tokio::test]
async fn live_connection_checks_origin_like_forms_do() {
    let server = Server::start().await;
    let ana = server.browser_as("ana").await;
    let url = server.url("/api/v1/live").replace("http", "ws");
    let own = server.url("");
    let upper = own.to_uppercase().replace("HTTP", "http");
    let cookie = ana.cookie();
    for (headers, status) in [
        (&[("origin", own.as_str())][..], None),
        (&[("origin", upper.as_str())], None),
        (&[("origin", own.as_str()), ("sec-fetch-site", "same-origin")], None),
        (&[("origin", own.as_str()), ("sec-fetch-site", "cross-site")], Some(403)),
        (&[("origin", "http://evil.example")], Some(403)),
        (&[("origin", "null")], Some(403)),
        (&[], Some(403)),
    ] {
        let all = [&[("cookie", cookie)], headers].concat();
        let opened = Live::try_open(&url, "patio-html.v1", &all).await;
        assert_eq!(opened.err(), status, "{headers:?}");
    }
}

#[tokio::test]
async fn unknown_origin_is_refused_and_logged_for_the_operator() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    assert!(ana.get("/admin").await.all("#unclear").is_empty());
    let unclear = [
        ("host", "chat.test"),
        ("x-forwarded-proto", "https"),
        ("origin", "https://chat.test:8443"),
    ];
    let refused = send(&server, "POST", "/logout", &unclear).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("BASE_URL"), "{}", refused.text);
    let notice = ana.get("/admin").await.one("#unclear");
    assert!(notice.contains("https://chat.test:8443") && notice.contains("chat.test"), "{notice}");
    // `Sec-Fetch-Site`, which browsers send over HTTPS, settles it.
    let vouched = [&unclear[..], &[("sec-fetch-site", "same-origin")]].concat();
    assert_eq!(send(&server, "POST", "/logout", &vouched).await.status, 303);
}

#[tokio::test]
async fn two_installations_on_one_host_keep_separate_sessions() {
    let servers = [Server::start().await, Server::start().await];
    let mut cookies = Vec::new();
    for server in &servers {
        server.browser_as("ana").await;
        let form = [("login", "ana"), ("password", PASSWORD)];
        let request = Browser::plain().post(server.url("/login")).form(&form);
        let response = request.send().await.expect("an answer");
        let expected = format!("patio_session_{}=", server.address.port());
        let all = response.headers().get_all("set-cookie").iter();
        let mut all = all.map(|cookie| cookie.to_str().expect("text"));
        let cookie = all.find(|cookie| cookie.starts_with(&expected)).expect("the session's");
        cookies.push(cookie.split(';').next().expect("a pair").to_owned());
    }
    // Browsers do not separate cookies by port, so both installations receive all of them.
    let sent = cookies.join("; ");
    for server in &servers {
        assert_eq!(send(server, "GET", "/rooms/1", &[("cookie", &sent)]).await.status, 200);
        let out = send(server, "POST", "/logout", &[("cookie", &sent)]).await;
        assert_eq!(out.headers["clear-site-data"], "\"cache\"");
    }
}

#[tokio::test]
async fn browser_without_cookies_sees_why_login_failed() {
    let server = Server::start().await;
    server.browser_as("ana").await;
    let login = server.url("/login");
    let first = send(&server, "GET", "/login", &[]).await;
    let probe = first.headers["set-cookie"].to_str().expect("text").split(';').next().expect("one");
    assert!(!first.text.contains("role=\"alert\""));
    let back = send(&server, "GET", "/login?next=/rooms/1", &[("referer", &login)]).await;
    assert!(back.text.contains("role=\"alert\"") && back.text.contains(&server.url("")));
    let kept = send(&server, "GET", "/login", &[("referer", &login), ("cookie", probe)]).await;
    assert!(!kept.text.contains("role=\"alert\""), "this browser keeps cookies");
}

#[tokio::test]
async fn private_responses_are_never_cached() {
    let server = Server::start().await;
    let cached = async |host: &str, proto: &str| {
        let headers = [("host", host), ("x-forwarded-proto", proto)];
        let page = send(&server, "GET", "/register", &headers).await;
        page.headers["cache-control"].to_str().expect("text").to_owned()
    };
    assert_eq!(cached("chat.example.org", "https").await, "private, no-cache");
    assert_eq!(cached("localhost:3000", "http").await, "private, no-cache");
    assert_eq!(cached("nas:3000", "http").await, "private, no-store");
}

#[tokio::test]
async fn responses_use_a_compression_the_client_accepts() {
    let server = Server::start().await;
    let page = send(&server, "GET", "/register", &[]).await;
    let style = page.text.split('"').find(|text| text.ends_with("app.css")).expect("a style sheet");
    for (accepted, on_page, on_asset) in [
        ("gzip, deflate, br, zstd", Some("gzip"), Some("br")),
        ("br", None, Some("br")),
        ("zstd", None, None),
        ("br;q=0, gzip", Some("gzip"), Some("gzip")),
        ("gzip;q=0, br;q=0.1", None, Some("br")),
        ("*;q=0", None, None),
        ("identity", None, None),
    ] {
        for (path, expected) in [("/register", on_page), (style, on_asset)] {
            let request =
                Browser::plain().get(server.url(path)).header("accept-encoding", accepted);
            let response = request.send().await.expect("an answer");
            let coding = response.headers().get("content-encoding");
            let coding = coding.map(|coding| coding.to_str().expect("text"));
            assert_eq!(coding, expected, "{path} {accepted}");
            assert_eq!(response.status(), StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn longest_message_fits_every_endpoint_in_every_script() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let api = server.api("luis").await;
    for character in ["x", "й", "編", "😀"] {
        let longest = character.repeat(16_000);
        let page = ana.say(&longest).await;
        assert_eq!(page.status, 200, "{character}");
        let posted = api.say(&longest).await;
        let edited = format!("/messages/{}", posted["id"]);
        api.ok(Method::PATCH, &edited, Some(json!({"body": character.repeat(15_999)}))).await;
        // As a JSON encoder writes it that escapes all characters outside ASCII.
        let units: Vec<_> = longest.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        let request = Browser::plain().post(server.url("/api/v1/rooms/1/messages"));
        let request = request.bearer_auth(api.token()).header("content-type", "application/json");
        let escaped = request.body(format!("{{\"body\": \"{}\"}}", units.concat()));
        assert_eq!(escaped.send().await.expect("an answer").status(), 201, "{character}");
        let too_long = ana.say(&character.repeat(16_001)).await;
        assert_eq!(too_long.status, 422, "{character}");
        assert_eq!(too_long.one("#body").chars().count(), 16_001, "it is kept");
    }
    let large = "x".repeat(300 * 1024);
    assert_eq!(ana.say(&large).await.status, 413);
    assert_eq!(ana.submit("/rooms", &[("name", large.as_str())]).await.status, 413);
    let most = "x".repeat(65 * 1024);
    assert_eq!(ana.submit("/rooms", &[("name", most.as_str())]).await.status, 413, "as before");
}
