//! The client against real servers: hostile names, redirects, heads and bodies. Each refusal stands beside a request
//! that is allowed.

mod network;

use std::io::Write as _;

use axum::http::Request;
use bytes::Bytes;
use object_store::client::{HttpErrorKind, HttpService as _};
use url::Url;

use self::network::{Internet, answer};
use super::{FetchError, HttpClient, Refusal, Response, StoreConnector};
use crate::limits::outgoing::{HEAD_BYTES, REDIRECTS};

const MOST: usize = 1024;

async fn fetch(client: &HttpClient, url: &str) -> Result<Response, FetchError> {
    client.fetch(&Url::parse(url).expect(url), "text/html", MOST).await
}

async fn text(client: &HttpClient, url: &str) -> Result<String, FetchError> {
    let bytes = fetch(client, url).await?.bytes().await?;
    Ok(String::from_utf8(bytes).expect("text"))
}

/// A site at 93.184.216.34 that answers everything with its path.
fn internet() -> Internet {
    let mut internet = Internet::default();
    internet.host("site.example", &["93.184.216.34"]);
    internet.server("93.184.216.34", |head, stream| {
        let path = head.split(' ').nth(1).unwrap_or_default();
        answer(stream, "200 OK", path.as_bytes())
    });
    internet
}

/// Addresses that lead into a private network, however they are written.
const NOT_PUBLIC: [&str; 26] = [
    "http://127.0.0.1:80/",
    "http://127.0.0.1/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://017700000001/",
    "http://127.1/",
    "http://①②⑦.⓪.⓪.①/",
    "http://0/",
    "http://[::]/",
    "http://localhost/",
    "http://localhost./",
    "http://169.254.169.254/latest",
    "http://100.64.0.1/",
    "http://10.0.0.1/",
    "http://192.168.0.1/",
    "http://172.16.0.1/",
    "http://[fe80::1]/",
    "http://[fc00::1]/",
    "http://[2002:7f00:1::]/",
    "http://[64:ff9b::7f00:1]/",
    "http://inside.example/",
    "https://inside.example/",
    "http://inside6.example/",
    "http://mixed.example/",
];

/// Names of the private addresses above.
fn name_private(internet: &mut Internet) {
    for name in ["localhost", "localhost."] {
        internet.host(name, &["127.0.0.1 ::1"]);
    }
    internet.host("inside.example", &["10.0.0.7"]);
    internet.host("inside6.example", &["fd00::7"]);
    internet.host("mixed.example", &["93.184.216.34 127.0.0.1"]);
}

#[tokio::test]
async fn a_private_address_is_refused_without_a_connection() {
    let mut internet = internet();
    name_private(&mut internet);
    internet.host("both.example", &["93.184.216.34 2606:4700::1111"]);
    let (client, traffic) = internet.start();
    for url in NOT_PUBLIC {
        let result = fetch(&client, url).await;
        assert!(
            matches!(result, Err(FetchError::Refused(Refusal::NotPublic))),
            "{url}: {result:?}"
        );
        assert_eq!(traffic.take(), [], "{url}");
    }
    for url in ["http://site.example/a", "http://93.184.216.34/a", "http://both.example/a#b"] {
        assert_eq!(text(&client, url).await.expect(url), "/a");
        assert_eq!(traffic.take(), ["93.184.216.34:80".parse().expect("an address")], "{url}");
    }
}

#[tokio::test]
async fn only_the_web_is_asked_and_nothing_is_signed_in() {
    let (client, traffic) = internet().start();
    for (url, refusal) in [
        ("ftp://site.example/", Refusal::Scheme),
        ("file:///etc/passwd", Refusal::Scheme),
        ("http://1.1.1.1:22/", Refusal::Port),
        ("http://site.example:8080/", Refusal::Port),
        ("http://user:pw@site.example/", Refusal::Credentials),
        ("http://user:pw@127.0.0.1/", Refusal::Credentials),
    ] {
        let result = fetch(&client, url).await;
        let refused = matches!(&result, Err(FetchError::Refused(found)) if *found == refusal);
        assert!(refused, "{url}: {result:?}");
        assert_eq!(traffic.take(), [], "{url}");
    }
    assert_eq!(text(&client, "http://site.example:80/").await.expect("a page"), "/");
    assert_eq!(text(&client, "http://site.example:443/").await.expect("a page"), "/");
}

#[tokio::test]
async fn every_redirect_is_checked() {
    let mut internet = internet();
    name_private(&mut internet);
    internet.host("away.example", &["93.184.216.35"]);
    internet.server("93.184.216.35", |head, stream| {
        let to = head.split(' ').nth(1).and_then(|path| path.strip_prefix("/?"));
        let to = percent_encoding::percent_decode_str(to.unwrap_or_default()).decode_utf8_lossy();
        answer(stream, &format!("302 Found\r\nLocation: {to}"), b"")
    });
    let (client, traffic) = internet.start();
    let to = |target: &str| {
        let target: String = form_urlencoded::byte_serialize(target.as_bytes()).collect();
        format!("http://away.example/?{target}")
    };
    let first = "93.184.216.35:80".parse().expect("an address");
    // A header has no other letters; the rest of the table is ASCII.
    for target in NOT_PUBLIC.into_iter().filter(|target| target.is_ascii()) {
        let result = fetch(&client, &to(target)).await;
        let refused = matches!(result, Err(FetchError::Refused(Refusal::NotPublic)));
        assert!(refused, "{target}: {result:?}");
        assert_eq!(traffic.take(), [first], "{target}");
    }
    for (target, refusal) in [
        ("ftp://site.example/", Refusal::Scheme),
        ("javascript:alert(1)", Refusal::Scheme),
        ("http://site.example:22/", Refusal::Port),
        ("http://a:b@site.example/", Refusal::Credentials),
    ] {
        let result = fetch(&client, &to(target)).await;
        let refused = matches!(&result, Err(FetchError::Refused(found)) if *found == refusal);
        assert!(refused, "{target}: {result:?}");
        assert_eq!(traffic.take(), [first], "{target}");
    }
    let response = fetch(&client, &to("http://site.example/there")).await.expect("a page");
    assert_eq!(response.url().as_str(), "http://site.example/there");
    assert_eq!(response.bytes().await.expect("a body"), b"/there");
    assert_eq!(traffic.take().len(), 2);
}

#[tokio::test]
async fn redirects_come_to_an_end() {
    let mut internet = Internet::default();
    internet.host("loop.example", &["93.184.216.34"]);
    internet.server("93.184.216.34", |head, stream| {
        // `/3` leads to `/2` and so on, `/loop` to itself.
        let path = head.split(' ').nth(1).unwrap_or_default();
        match path.trim_start_matches('/').parse::<usize>() {
            Ok(0) => answer(stream, "200 OK", b"done"),
            Ok(left) => answer(stream, &format!("307 X\r\nLocation: {}", left - 1), b""),
            Err(_) if path == "/lost" => answer(stream, "302 Found", b""),
            Err(_) => answer(stream, &format!("301 X\r\nLocation: {path}"), b""),
        }
    });
    let (client, traffic) = internet.start();
    assert_eq!(text(&client, "http://loop.example/3").await.expect("a page"), "done");
    assert_eq!(traffic.take().len(), 4);
    for url in ["http://loop.example/4", "http://loop.example/loop"] {
        let result = fetch(&client, url).await;
        assert!(matches!(result, Err(FetchError::TooManyRedirects)), "{url}: {result:?}");
        assert_eq!(traffic.take().len(), 1 + REDIRECTS, "{url}");
    }
    let result = fetch(&client, "http://loop.example/lost").await;
    assert!(matches!(result, Err(FetchError::BadRedirect)), "{result:?}");
}

#[tokio::test]
async fn a_name_is_resolved_once_for_a_connection() {
    let mut internet = internet();
    // A second question would get the private address: DNS rebinding.
    internet.host("rebind.example", &["93.184.216.34", "127.0.0.1"]);
    let (client, traffic) = internet.start();
    assert_eq!(text(&client, "http://rebind.example/").await.expect("a page"), "/");
    assert_eq!(traffic.take(), ["93.184.216.34:80".parse().expect("an address")]);
    // The next request asks again: no connection is kept, and the new address is refused.
    let result = fetch(&client, "http://rebind.example/").await;
    assert!(matches!(result, Err(FetchError::Refused(Refusal::NotPublic))), "{result:?}");
    assert_eq!(traffic.take(), []);
    let result = fetch(&client, "http://unknown.example/").await;
    assert!(matches!(result, Err(FetchError::Unreachable(_))), "{result:?}");
}

#[tokio::test]
async fn an_endless_response_is_cut_off() {
    let mut internet = Internet::default();
    internet.server("93.184.216.34", |head, stream| {
        let path = head.split(' ').nth(1).unwrap_or_default();
        let bytes = |text: &str| text.rsplit('/').next().and_then(|number| number.parse().ok());
        match path.split('/').nth(1).unwrap_or_default() {
            "body" => answer(stream, "200 OK", &vec![b'x'; bytes(path).unwrap_or(0)]),
            "head" => {
                let long = "y".repeat(bytes(path).unwrap_or(0));
                answer(stream, &format!("200 OK\r\nX-Long: {long}"), b"")
            }
            "endless-body" => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
                loop {
                    stream.write_all(b"4\r\nabcd\r\n")?;
                }
            }
            _ => {
                stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
                loop {
                    stream.write_all(b"X-A: b\r\n")?;
                }
            }
        }
    });
    let (client, _) = internet.start();
    let site = |path: &str| format!("http://93.184.216.34/{path}");
    let body = text(&client, &site(&format!("body/{MOST}"))).await;
    assert_eq!(body.expect("a body").len(), MOST);
    for path in [format!("body/{}", MOST + 1), "endless-body".to_owned()] {
        let result = text(&client, &site(&path)).await;
        assert!(matches!(result, Err(FetchError::TooLarge)), "{path}: {result:?}");
    }
    let head = fetch(&client, &site(&format!("head/{}", HEAD_BYTES - 1024))).await;
    assert!(head.is_ok());
    let result = fetch(&client, &site(&format!("head/{HEAD_BYTES}"))).await;
    assert!(matches!(result, Err(FetchError::TooLarge)), "{result:?}");
    let result = fetch(&client, &site("endless-head")).await;
    assert!(matches!(result, Err(FetchError::TooLarge)), "{result:?}");
}

#[tokio::test]
async fn a_compressed_response_is_refused() {
    let mut internet = Internet::default();
    internet.server("93.184.216.34", |head, stream| {
        let encoding = head.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
        answer(stream, &format!("200 OK\r\nContent-Encoding: {encoding}"), b"small")
    });
    let (client, _) = internet.start();
    for encoding in ["gzip", "br", "zstd", "identity,gzip"] {
        let result = fetch(&client, &format!("http://93.184.216.34/{encoding}")).await;
        assert!(matches!(result, Err(FetchError::Compressed)), "{encoding}: {result:?}");
    }
    assert_eq!(text(&client, "http://93.184.216.34/identity").await.expect("a body"), "small");
}

/// The clock stands still until the server has said all that it will say.
#[tokio::test(start_paused = true)]
async fn silence_ends_at_the_deadline() {
    for silent_after in
        ["", "HTTP/1.1 200 OK\r\nContent-", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"]
    {
        let mut internet = Internet::default();
        let (said, wait) = std::sync::mpsc::channel();
        let (hold, held) = std::sync::mpsc::channel::<()>();
        internet.server("93.184.216.34", move |_, stream| {
            stream.write_all(silent_after.as_bytes())?;
            said.send(()).expect("a test");
            // Keeps the connection open.
            held.recv().ok();
            Ok(())
        });
        let (client, _) = internet.start();
        // While this waits, the paused clock does not advance.
        let server = tokio::task::spawn_blocking(move || wait.recv().expect("a request"));
        let (result, server) = tokio::join!(text(&client, "http://93.184.216.34/"), server);
        server.expect("a server");
        assert!(matches!(result, Err(FetchError::Late)), "{silent_after}: {result:?}");
        drop(hold);
    }
}

/// The same for the operator's storage service, whose answers may be long but not silent.
#[tokio::test(start_paused = true)]
async fn a_storage_service_that_is_silent_is_given_up() {
    for silent_after in
        ["", "HTTP/1.1 200 OK\r\nContent-", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"]
    {
        let mut internet = Internet::default();
        let (said, wait) = std::sync::mpsc::channel();
        let (hold, held) = std::sync::mpsc::channel::<()>();
        internet.server("93.184.216.34", move |_, stream| {
            stream.write_all(silent_after.as_bytes())?;
            said.send(()).expect("a test");
            held.recv().ok();
            Ok(())
        });
        let (client, _) = internet.start();
        let server = tokio::task::spawn_blocking(move || wait.recv().expect("a request"));
        let request = Request::get("http://93.184.216.34/bucket/x").body(Bytes::new().into());
        let service = StoreConnector(client);
        let answer =
            async { service.call(request.expect("a request")).await?.into_body().bytes().await };
        let (result, server) = tokio::join!(answer, server);
        server.expect("a server");
        let kind = result.map_err(|error| error.kind());
        assert_eq!(kind, Err(HttpErrorKind::Timeout), "{silent_after}");
        drop(hold);
    }
}

#[tokio::test]
async fn a_stranger_learns_nothing_but_the_address_that_was_asked() {
    let mut internet = Internet::default();
    internet.host("spy.example", &["93.184.216.34"]);
    let requests = internet.server("93.184.216.34", |head, stream| {
        if head.contains("/first") {
            answer(stream, "302 Found\r\nSet-Cookie: a=b\r\nLocation: /second?x=1#y", b"")
        } else {
            answer(stream, "200 OK", b"seen")
        }
    });
    let (client, _) = internet.start();
    assert_eq!(text(&client, "http://spy.example/first#part").await.expect("a page"), "seen");
    let head = |path| {
        format!(
            "GET {path} HTTP/1.1\r\nuser-agent: Patio\r\naccept: text/html\r\naccept-encoding: identity\r\n\
             host: spy.example\r\n\r\n"
        )
    };
    assert_eq!(requests.next(), head("/first"));
    assert_eq!(requests.next(), head("/second?x=1"));
}

#[tokio::test]
async fn an_operators_address_may_be_private_and_redirects_are_left_to_the_caller() {
    use axum::http::{Request, StatusCode};
    use http_body_util::{BodyExt as _, Full};

    let mut internet = Internet::default();
    internet.host("storage.internal", &["10.0.0.7"]);
    internet.server("10.0.0.7", |_, stream| answer(stream, "307 X\r\nLocation: /there", b""));
    let (client, traffic) = internet.start();
    let body = || Full::from("bytes").map_err(|never| match never {}).boxed_unsync();
    let request =
        Request::put("http://storage.internal:9000/bucket").body(body()).expect("a request");
    let response = client.send_to_operator(request).await.expect("a response");
    assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(traffic.take(), ["10.0.0.7:9000".parse().expect("an address")]);
    // The same address is no way for a stranger.
    let result = fetch(&client, "http://storage.internal/bucket").await;
    assert!(matches!(result, Err(FetchError::Refused(Refusal::NotPublic))), "{result:?}");
    assert_eq!(traffic.take(), []);
}
