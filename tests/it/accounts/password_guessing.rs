//! Password guessing: which limits a guess counts towards, and that no user is locked out by others.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use patio::limits::passwords::WAITING_UNKNOWN;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::json;
use tokio::sync::Notify;

use crate::support::{Browser, PASSWORD, Process, Server, numbers, within};

const TOO_MANY: StatusCode = StatusCode::TOO_MANY_REQUESTS;
const HOME: &str = "203.0.113.7";

async fn throttled() -> Server {
    Server::with(&["--rate-limit=on"]).await
}

/// Sends logins to pages and API from a given IP address, with only the given cookies.
struct LoginClient<'a> {
    server: &'a Server,
    client: reqwest::Client,
}

impl<'a> LoginClient<'a> {
    fn of(server: &'a Server) -> Self {
        Self { server, client: Browser::plain() }
    }

    async fn register(&self, name: &str, address: &str) {
        let email = format!("{name}@example.test");
        let account = json!({"name": name, "email": email, "password": PASSWORD});
        let request = self.client.post(self.server.url("/api/v1/users")).json(&account);
        let answer = request.header("x-forwarded-for", address).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::CREATED, "{name}");
    }

    async fn form(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        from: (&str, &str),
    ) -> (StatusCode, HeaderMap) {
        let (address, cookies) = from;
        let request = self.client.post(self.server.url(path)).form(fields);
        let request = request.header("x-forwarded-for", address).header("cookie", cookies);
        let answer = request.send().await.expect("an answer");
        (answer.status(), answer.headers().clone())
    }

    async fn login(&self, login: &str, password: &str, address: &str) -> StatusCode {
        self.form("/login", &[("login", login), ("password", password)], (address, "")).await.0
    }

    async fn token(&self, login: &str, password: &str, address: &str) -> StatusCode {
        let body = json!({"login": login, "password": password, "label": "x"});
        let request = self.client.post(self.server.url("/api/v1/tokens")).json(&body);
        let answer = request.header("x-forwarded-for", address).send().await.expect("an answer");
        answer.status()
    }
}

/// The cookies that a response sets, as a `Cookie` header.
fn cookies(headers: &HeaderMap) -> String {
    let all = headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().expect("text"));
    let pairs: Vec<_> = all.filter_map(|cookie| cookie.split(';').next()).collect();
    pairs.join("; ")
}

fn count(answers: &[StatusCode], status: u16) -> usize {
    answers.iter().filter(|answer| answer.as_u16() == status).count()
}

#[tokio::test]
async fn shared_address_signs_in_while_its_guesser_is_blocked() {
    let server = throttled().await;
    let client = LoginClient::of(&server);
    let names: Vec<String> = (0..60).map(|n| format!("person{n}")).collect();
    for (n, name) in names.iter().enumerate() {
        client.register(name, &format!("198.51.{}.1", n + 1)).await;
    }
    let office = "203.0.113.50";
    // The first 30 one after the other, the rest concurrently.
    for name in &names[..30] {
        assert_eq!(client.login(name, PASSWORD, office).await, StatusCode::SEE_OTHER, "{name}");
    }
    let at_once =
        join_all(names[30..].iter().map(|name| client.login(name, PASSWORD, office))).await;
    assert_eq!(count(&at_once, 303), 30, "{at_once:?}");
    let mut wrong = Vec::new();
    for name in &names {
        wrong.push(client.login(name, "not-the-password", office).await);
    }
    assert_eq!((count(&wrong, 422), count(&wrong, 429)), (20, 40));
    let at_once =
        join_all(names.iter().map(|name| client.login(name, "wrong-again", office))).await;
    assert_eq!(count(&at_once, 429), 60);
    server.advance(Duration::from_secs(15));
    assert_eq!(client.login("person1", PASSWORD, office).await, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn guesses_count_by_network_and_account_not_against_owner() {
    for flood in ["one /56", "one /48", "one /24", "everywhere"] {
        let server = throttled().await;
        let client = LoginClient::of(&server);
        client.register("ana", "192.0.2.1").await;
        assert_eq!(client.login("ana", PASSWORD, HOME).await, StatusCode::SEE_OTHER);
        let mut answers = Vec::new();
        for n in 0..150 {
            let (address, name) = match flood {
                "one /56" => (format!("2001:db8:7:{n:x}::1"), format!("somebody{n}")),
                "one /48" => (format!("2001:db8:7:{n:x}00::1"), format!("somebody{n}")),
                "one /24" => (format!("203.0.113.{}", n + 10), format!("somebody{n}")),
                // Handle and email address count as one account.
                _ if n % 3 == 0 => (format!("198.51.{n}.1"), "ANA@example.test".to_owned()),
                _ => (format!("198.51.{n}.1"), "ana".to_owned()),
            };
            answers.push(if n % 2 == 0 {
                client.login(&name, "not-the-password", &address).await
            } else {
                client.token(&name, "not-the-password", &address).await
            });
        }
        let judged = match flood {
            "one /56" => 40,
            "one /48" => 80,
            "one /24" => 100,
            _ => 20,
        };
        assert_eq!(count(&answers, 429), 150 - judged, "{flood}");
        // The owner signs in from her known network by every endpoint, even after a wrong password.
        assert_eq!(client.token("ana", "a-mistake-of-hers", HOME).await, StatusCode::UNAUTHORIZED);
        assert_eq!(client.token("ana", PASSWORD, HOME).await, StatusCode::CREATED, "{flood}");
        assert_eq!(client.login("ANA@example.test", PASSWORD, HOME).await, StatusCode::SEE_OTHER);
        // An unknown client with the right password must wait, as every guesser does.
        if flood == "everywhere" {
            assert_eq!(client.login("Ana", PASSWORD, "198.18.0.1").await, TOO_MANY);
            client.register("luis", "192.0.2.1").await;
            let other = client.login("luis", PASSWORD, "198.18.0.1").await;
            assert_eq!(other, StatusCode::SEE_OTHER, "other accounts are none of this");
        }
    }
}

#[tokio::test]
async fn known_device_stays_known_after_moving_and_signing_out() {
    let server = throttled().await;
    let client = LoginClient::of(&server);
    client.register("ana", "192.0.2.1").await;
    let right = [("login", "ana"), ("password", PASSWORD)];
    let (status, headers) = client.form("/login", &right, (HOME, "")).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let laptop = cookies(&headers);
    let all = headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().expect("text"));
    let device = all.into_iter().find(|cookie| cookie.starts_with("patio_device"));
    let device = device.expect("a cookie of the device");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=31536000"] {
        assert!(device.contains(part), "{device}");
    }
    let (_, headers) = client.form("/logout", &[], (HOME, &laptop)).await;
    assert!(!cookies(&headers).contains("patio_device"), "signing out does not forget it");
    for n in 0..30 {
        client.login("ana", "not-the-password", &format!("198.51.{n}.1")).await;
    }
    let train = "198.18.0.1";
    assert_eq!(client.login("ana", PASSWORD, train).await, TOO_MANY);
    assert_eq!(client.form("/login", &right, (train, &laptop)).await.0, StatusCode::SEE_OTHER);
    // A known device has its own 20 guesses and does not share those of its network.
    let wrong = [("login", "ana"), ("password", "not-the-password")];
    let mut answers = Vec::new();
    for _ in 0..30 {
        answers.push(client.form("/login", &wrong, (train, &laptop)).await.0);
    }
    assert_eq!(count(&answers, 429), 10);
    // A forged cookie is not a known device.
    let port = server.address.port();
    let invented = format!("patio_device_{port}=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    assert_eq!(client.form("/login", &right, ("198.18.9.9", &invented)).await.0, TOO_MANY);
}

#[tokio::test]
async fn every_password_form_counts_guesses_and_keeps_its_input() {
    let wrong = "not-the-password";
    for (path, fields, kept_field) in [
        ("/login", vec![("login", "ana"), ("password", wrong)], "input[name=login]"),
        (
            "/settings/email",
            vec![("email", "ana@new.test"), ("current_password", wrong)],
            "input[name=email]",
        ),
        (
            "/settings/password",
            vec![
                ("current_password", wrong),
                ("password", "otra-frase-larga-77"),
                ("password_confirmation", "otra-frase-larga-77"),
            ],
            "input[name=email]",
        ),
        (
            "/settings/tokens",
            vec![("label", "weather"), ("expires_in", ""), ("current_password", wrong)],
            "input[name=label]",
        ),
        (
            "/reset/not-a-link",
            vec![("password", PASSWORD), ("password_confirmation", PASSWORD)],
            "",
        ),
    ] {
        let server = throttled().await;
        let mut ana = server.browser_as("ana").await;
        if path == "/login" {
            ana.submit("/logout", &[]).await;
        }
        let mut answers = Vec::new();
        let mut last = None;
        for _ in 0..25 {
            let page = ana.submit(path, &fields).await;
            answers.push(page.status);
            last = Some(page);
        }
        assert_eq!(count(&answers, 429), 5, "{path}: {answers:?}");
        let page = last.expect("a page");
        assert!(page.headers.contains_key("retry-after"), "{path}");
        if !kept_field.is_empty() {
            let value = page.attribute(kept_field, "value").expect("the form again");
            let typed = fields.iter().find(|(name, _)| kept_field.contains(name));
            assert_eq!(value, typed.map_or("ana@example.test", |(_, value)| *value), "{path}");
        }
        assert!(!page.text.contains(wrong), "{path}: no page shows a password");
    }
}

#[tokio::test]
async fn flood_of_guessers_leaves_capacity_for_known_devices() {
    let server = throttled().await;
    let client = LoginClient::of(&server);
    client.register("ana", "192.0.2.1").await;
    assert_eq!(client.token("ana", PASSWORD, HOME).await, StatusCode::CREATED);
    let address = |n: usize| format!("2001:db8:{n:x}:{n:x}::1");
    let flood = join_all((0..120).map(|n| {
        let (client, address) = (&client, address(n));
        async move {
            match n % 3 {
                0 => client.login(&format!("nobody{n}"), "not-the-password", &address).await,
                1 => client.token("ana", "not-the-password", &address).await,
                _ => {
                    let email = format!("flood{n}@example.test");
                    let account =
                        json!({"name": format!("flood{n}"), "email": email, "password": PASSWORD});
                    let url = client.server.url("/api/v1/users");
                    let request = client.client.post(url).json(&account);
                    let request = request.header("x-forwarded-for", address);
                    request.send().await.expect("an answer").status()
                }
            }
        }
    }));
    let owner = async {
        let mut answers = Vec::new();
        for n in 0..6 {
            answers.push(match n % 2 {
                0 => client.token("ana", PASSWORD, HOME).await,
                _ => client.login("ana", PASSWORD, HOME).await,
            });
        }
        answers
    };
    let (flood, owner) = tokio::join!(flood, owner);
    assert!(owner.iter().all(|status| [201, 303].contains(&status.as_u16())), "{owner:?}");
    assert!(
        count(&flood, 429) + count(&flood, 503) > 0,
        "the flood was more than there is room for"
    );
}

/// Guesses from more networks at once than the queue has places, each time another name, until `done`.
/// Notifies `full` when a guess finds no place.
async fn fill_the_queue(client: &LoginClient<'_>, full: &Notify, done: &AtomicBool) {
    let checked_at_once = std::thread::available_parallelism().map_or(1, usize::from);
    let guessers = (0..checked_at_once + 2 * WAITING_UNKNOWN).map(|n| async move {
        let address = format!("2001:db8:{n:x}::1");
        for guess in 0.. {
            if done.load(Ordering::Relaxed) {
                break;
            }
            let name = format!("nobody{n}x{guess}");
            let status = client.login(&name, "not-the-password", &address).await;
            if status == StatusCode::SERVICE_UNAVAILABLE {
                full.notify_one();
            }
        }
    });
    join_all(guessers).await;
}

#[tokio::test]
async fn known_device_is_served_while_strangers_fill_the_queue() {
    let server = throttled().await;
    let client = LoginClient::of(&server);
    client.register("ana", "192.0.2.1").await;
    assert_eq!(client.token("ana", PASSWORD, HOME).await, StatusCode::CREATED);
    let (full, done) = (Notify::new(), AtomicBool::new(false));
    let owner = async {
        within("the queue is full", full.notified()).await;
        let mut answers = Vec::new();
        for _ in 0..6 {
            answers.push(client.token("ana", PASSWORD, HOME).await);
        }
        done.store(true, Ordering::Relaxed);
        answers
    };
    let (owner, ()) = tokio::join!(owner, fill_the_queue(&client, &full, &done));
    assert_eq!(count(&owner, 201), 6, "{owner:?}");
}

#[tokio::test]
async fn forged_address_does_not_evade_the_limit() {
    let server = Server::with(&["--rate-limit=on", "--trusted-proxies=192.0.2.1"]).await;
    let client = LoginClient::of(&server);
    for n in 0..20 {
        let address = format!("203.0.113.{n}");
        let answer = client.token(&format!("nobody{n}"), "not-the-password", &address).await;
        assert_eq!(answer, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(client.token("nobody", "not-the-password", "203.0.113.99").await, TOO_MANY);
}

#[tokio::test]
async fn correct_passwords_are_rate_limited_too() {
    let server = throttled().await;
    let client = LoginClient::of(&server);
    client.register("ana", HOME).await;
    let answers = join_all((0..100).map(|_| client.token("ana", PASSWORD, HOME))).await;
    assert_eq!(count(&answers, 201), 60, "{answers:?}");
    assert_eq!(count(&answers, 201) + count(&answers, 429) + count(&answers, 503), 100);
}

#[tokio::test]
async fn known_devices_are_hashed_at_most_fifty_for_a_year() {
    let server = throttled().await;
    let client = LoginClient::of(&server);
    client.register("ana", "192.0.2.1").await;
    for n in 0..60 {
        let address = format!("198.51.{n}.1");
        assert_eq!(client.token("ana", PASSWORD, &address).await, StatusCode::CREATED, "{n}");
        server.advance(Duration::from_secs(2));
    }
    let kept_field =
        numbers(&server.storage().open().await, "select count(*) from known_devices").await;
    assert_eq!(kept_field, [50]);
    for n in 0..30 {
        client.login("ana", "not-the-password", &format!("100.64.{n}.1")).await;
    }
    assert_eq!(client.token("ana", PASSWORD, "198.51.59.1").await, StatusCode::CREATED);
    assert_eq!(client.token("ana", PASSWORD, "198.51.1.1").await, TOO_MANY, "long ago");
    server.advance(Duration::from_hours(24 * 366));
    for n in 0..30 {
        client.login("ana", "not-the-password", &format!("100.64.{n}.1")).await;
    }
    assert_eq!(client.token("ana", PASSWORD, "198.51.59.1").await, TOO_MANY, "a year ago");
    if let Some(file) = server.database_file() {
        for text in ["198.51.59", "192.0.2.1"] {
            assert!(!file.windows(text.len()).any(|part| part == text.as_bytes()), "{text}");
        }
    }
}

#[tokio::test]
async fn failed_logins_are_logged_with_address_but_no_input() {
    let data = tempfile::tempdir().expect("a directory");
    let flags = [("RATE_LIMIT", "on".into()), ("LOG_FORMAT", "text".into())];
    let process = Process::start(data.path(), &flags);
    let url = format!("{}/login", process.origin());
    for _ in 0..22 {
        let fields = [("login", "ana-as-typed"), ("password", "secret-as-typed")];
        let request = Browser::plain().post(&url).form(&fields);
        request.header("x-forwarded-for", HOME).send().await.expect("an answer");
    }
    let log = process.log();
    let lines = |level: &str, what: &str| {
        let fits = |line: &&String| line.contains(level) && line.contains(what);
        log.iter().filter(fits).filter(|line| line.contains(HOME)).count()
    };
    assert_eq!(lines("INFO", "a sign-in failed"), 20, "{log:?}");
    assert_eq!(lines("WARN", "a sign-in was refused"), 2, "{log:?}");
    assert!(!log.iter().any(|line| line.contains("as-typed")), "{log:?}");
}
