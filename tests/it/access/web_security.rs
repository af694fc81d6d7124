//! Protection from other sites, from other users and from malformed input.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{Browser, PASSWORD, Server};

/// Every route that changes something: `(method, path)`.
const CHANGES: [(&str, &str); 7] = [
    ("POST", "/login"),
    ("POST", "/register"),
    ("POST", "/logout"),
    ("POST", "/rooms/1/messages"),
    ("POST", "/api/v1/users"),
    ("POST", "/api/v1/tokens"),
    ("DELETE", "/api/v1/tokens/current"),
];

#[tokio::test]
async fn cross_site_changes_are_refused_same_site_ones_accepted() {
    let server = Server::start().await;
    server.browser_as("ana").await;
    let own = server.url("");
    for (method, path) in CHANGES {
        let method: Method = method.parse().expect("a method");
        let send = async |headers: &[(&str, &str)]| {
            let mut request = Browser::plain().request(method.clone(), server.url(path));
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            request.send().await.expect("an answer").status()
        };
        for foreign in [
            [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")].as_slice(),
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site"), ("origin", "https://evil.example")],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
        ] {
            assert_eq!(send(foreign).await, StatusCode::FORBIDDEN, "{path} {foreign:?}");
        }
        for ours in [
            [("sec-fetch-site", "same-origin"), ("origin", own.as_str())].as_slice(),
            &[("sec-fetch-site", "none")],
            &[("origin", own.as_str())],
            &[],
        ] {
            assert_ne!(send(ours).await, StatusCode::FORBIDDEN, "{path} {ours:?}");
        }
    }
}

#[tokio::test]
async fn base_url_is_the_origin_even_if_a_proxy_hides_the_host() {
    let server = Server::with(&["--base-url=https://chat.example.org"]).await;
    let post = async |origin: &str| {
        let request = Browser::plain().post(server.url("/logout")).header("origin", origin);
        let request = request.header("x-forwarded-proto", "https");
        request.send().await.expect("an answer").status()
    };
    assert_eq!(post("https://chat.example.org").await, StatusCode::SEE_OTHER);
    assert_eq!(post("https://evil.example").await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_forwarded_host_counts_only_from_a_trusted_proxy() {
    let fields = [("login", "x"), ("password", "y")];
    for (flags, status) in [
        (vec![], StatusCode::UNPROCESSABLE_ENTITY),
        (vec!["--trusted-proxies=192.0.2.1"], StatusCode::FORBIDDEN),
    ] {
        let server = Server::with(&flags).await;
        let request = Browser::plain().post(server.url("/login")).form(&fields);
        let request = request
            .header("origin", "http://chat.example.org")
            .header("x-forwarded-host", "chat.example.org");
        assert_eq!(request.send().await.expect("an answer").status(), status, "{flags:?}");
    }
}

#[tokio::test]
async fn session_cookie_has_the_strictest_possible_attributes() {
    let server = Server::start().await;
    server.browser_as("ana").await;
    let cookie = async |proto: &str| {
        let fields = [("login", "ana"), ("password", PASSWORD)];
        let request = Browser::plain().post(server.url("/login")).form(&fields);
        let response = request.header("x-forwarded-proto", proto).send().await.expect("an answer");
        let all = response.headers().get_all("set-cookie").iter();
        let mut all = all.map(|cookie| cookie.to_str().expect("text").to_owned());
        all.find(|cookie| cookie.contains("patio_session")).expect("a session")
    };
    let plain = cookie("http").await;
    let port = server.address.port();
    assert!(plain.starts_with(&format!("patio_session_{port}=")), "{plain}");
    assert!(!plain.contains("Secure"), "{plain}");
    let encrypted = cookie("https").await;
    let name = format!("__Host-patio_session_{port}=");
    assert!(encrypted.starts_with(&name), "{encrypted}");
    assert!(encrypted.contains("Secure"), "{encrypted}");
    for cookie in [plain, encrypted] {
        for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
}

#[tokio::test]
async fn every_page_has_security_headers() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    for path in ["/rooms/1", "/nowhere", "/rooms/1/messages?before=1"] {
        let page = ana.get(path).await;
        let header = |name: &str| page.headers[name].to_str().expect("text").to_owned();
        let policy = header("content-security-policy");
        for part in [
            "default-src 'none'",
            "object-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "same-origin");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        assert!(header("permissions-policy").contains("camera=()"));
        assert!(header("cache-control").contains("private"));
    }
    let asset = ana.get("/rooms/1").await.attribute("link[rel=stylesheet]", "href").expect("css");
    let style = ana.get(&asset).await;
    assert_eq!(style.headers["content-type"], "text/css");
    assert!(style.headers["cache-control"].to_str().expect("text").contains("immutable"));
    // Of another release, whose server may be the next to answer.
    let (_, name) = asset.split_once("/css/").expect("a name");
    for other in [format!("/assets/AAAAAAAAAAAA/css/{name}"), format!("{asset}x")] {
        let refused = ana.get(&other).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{other}");
        assert_eq!(refused.headers["cache-control"], "no-store", "{other}");
    }
}

#[tokio::test]
async fn every_page_but_login_needs_authentication() {
    let server = Server::start().await;
    server.browser_as("ana").await;
    let mut browser = server.browser();
    for path in ["/", "/rooms/1", "/rooms/1/messages?before=1"] {
        assert!(browser.get(path).await.path.starts_with("/login"), "{path}");
    }
    let client = Browser::plain();
    for (method, path) in [
        ("GET", "/me"),
        ("GET", "/users"),
        ("GET", "/rooms"),
        ("GET", "/rooms/1/messages"),
        ("POST", "/rooms/1/messages"),
        ("DELETE", "/tokens/current"),
        ("GET", "/live"),
    ] {
        let method: Method = method.parse().expect("a method");
        let request = client.request(method, server.url(&format!("/api/v1{path}")));
        let response = request.json(&json!({"body": "x"})).send().await.expect("an answer");
        // The live endpoint checks the handshake before the credentials.
        let expected = if path == "/live" { 400 } else { 401 };
        assert_eq!(response.status().as_u16(), expected, "{path}");
    }
    for (path, status) in [("/up", 200), ("/ready", 200), ("/login", 200), ("/register", 200)] {
        let response = client.get(server.url(path)).send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn cookie_and_token_are_not_interchangeable() {
    let server = Server::start().await;
    let browser = server.browser_as("ana").await;
    let api = server.api("luis").await;
    let client = Browser::plain();
    let status = async |path: &str, name: &str, value: &str| {
        let request = client.get(server.url(path)).header(name, value);
        request.send().await.expect("an answer").status().as_u16()
    };
    let secret = browser.cookie().split_once('=').expect("a pair").1;
    assert_eq!(status("/api/v1/me", "cookie", browser.cookie()).await, 401);
    assert_eq!(status("/api/v1/me", "authorization", &format!("Bearer {secret}")).await, 401);
    assert_eq!(
        status(
            "/rooms/1",
            "cookie",
            &format!("patio_session_{}={}", server.address.port(), api.token())
        )
        .await,
        303
    );
    assert_eq!(
        status("/api/v1/me", "authorization", &format!("Bearer {}", api.token())).await,
        200
    );
    assert_eq!(status("/rooms/1", "cookie", browser.cookie()).await, 200);
}

#[tokio::test]
async fn malformed_requests_get_a_4xx_status() {
    let server = Server::start().await;
    let browser = server.browser_as("ana").await;
    let api = server.api("luis").await;
    let large = "x".repeat(64 * 1024 + 1);
    let larger = "x".repeat(256 * 1024 + 1);
    for (path, kind, body, status) in [
        ("/api/v1/tokens", "application/json", "{", 400),
        ("/api/v1/tokens", "application/json", "[1]", 422),
        ("/api/v1/tokens", "application/json", r#"{"login": 7}"#, 422),
        ("/api/v1/tokens", "text/plain", "{}", 415),
        ("/api/v1/tokens", "application/json", "\u{0}\u{1}", 400),
        ("/api/v1/tokens", "application/json", large.as_str(), 413),
        ("/login", "application/x-www-form-urlencoded", large.as_str(), 413),
        ("/api/v1/rooms/1/messages", "application/json", larger.as_str(), 413),
        ("/rooms/1/messages", "application/x-www-form-urlencoded", larger.as_str(), 413),
        ("/rooms/1/messages", "application/json", "{}", 415),
        ("/login", "multipart/form-data; boundary=x", "x", 415),
    ] {
        let request = Browser::plain().post(server.url(path)).header("content-type", kind);
        let request = request
            .header("cookie", browser.cookie())
            .bearer_auth(api.token())
            .body(body.to_owned());
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), status, "{path} {kind} {body:.20}");
        let kind = response.headers()["content-type"].to_str().expect("text").to_owned();
        let expected =
            if path.starts_with("/api") { "application/problem+json" } else { "text/html" };
        assert!(kind.starts_with(expected), "{path}: {kind}");
    }
    let get = Browser::plain().get(server.url("/%ff")).send().await.expect("an answer");
    assert_eq!(get.status(), StatusCode::NOT_FOUND);
}
