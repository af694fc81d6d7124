//! Registering, signing in and out, sessions and tokens.

mod administration;
mod avatars;
mod credentials;
mod erasure;
mod names;
mod password_guessing;
mod settings;
mod users;

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{Api, Browser, PASSWORD, Server};

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn who_registers_is_in_the_lobby_and_the_first_is_administrator() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let luis = server.api("luis").await;
    assert_eq!(ana.get("/me").await["role"], "admin");
    let expected = json!({
        "id": 2, "name": "luis", "display_name": "luis", "bot": false, "role": "member", "online": false,
    });
    assert_eq!(luis.get("/me").await, expected);
    let rooms = luis.get("/rooms").await;
    let lobby = json!({
        "id": 1, "name": "lobby", "topic": "", "visibility": "public", "lobby": true,
        "owner_id": null, "code": null, "last_seq": 0, "last_read_seq": 0, "unread": 0, "mentions": 0, "rev": 0,
        "members": 2, "online": 0,
    });
    assert_eq!(rooms, json!({"items": [lobby]}));
    assert_eq!(luis.get("/users").await["items"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_taken_name_or_address_is_refused_in_every_disguise() {
    let server = Server::start().await;
    let ana = server.api("scope").await;
    for (name, email, field) in [
        ("scope", "other@example.test", "name"),
        ("SCOPE", "other@example.test", "name"),
        ("ѕсоре", "other@example.test", "name"), // Cyrillic
        ("other", "Scope@Example.test", "email"),
    ] {
        let account = json!({"name": name, "email": email, "password": PASSWORD});
        let refused = ana.refused(Method::POST, "/users", Some(account)).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{name}");
        assert!(refused.body["errors"][field][0].is_string(), "{name}: {refused:?}");
    }
    let account = json!({"name": "other", "email": "other@example.test", "password": PASSWORD});
    ana.post("/users", account).await;
}

#[tokio::test]
async fn each_field_that_is_wrong_has_its_own_complaint_in_the_readers_language() {
    let server = Server::start().await;
    let mut nobody = Api::stranger(server.url("/api/v1"));
    let account = json!({"name": "a", "email": "a", "password": "short"});
    let refused = nobody.refused(Method::POST, "/users", Some(account.clone())).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields: Vec<_> = refused.body["errors"].as_object().expect("errors").keys().collect();
    assert_eq!(fields, ["email", "name", "password"]);
    nobody.language = "es-MX,es;q=0.9";
    let refused = nobody.refused(Method::POST, "/users", Some(account)).await;
    assert_eq!(refused.body["errors"]["email"][0], "Esto no es una dirección de correo.");
    let guessable = json!({"name": "ana", "email": "ana@x.org", "password": "password1"});
    let refused = nobody.refused(Method::POST, "/users", Some(guessable)).await;
    assert!(refused.body["errors"]["password"][0].is_string());
}

#[tokio::test]
async fn the_form_comes_back_filled_in_with_the_passwords_empty() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let fields = [
        ("name", "ana"),
        ("email", "ana@example.test"),
        ("password", PASSWORD),
        ("password_confirmation", "otra-distinta-99"),
    ];
    let page = browser.submit("/register", &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    let value = |name: &str| page.attribute(&format!("input[name={name}]"), "value");
    assert_eq!(value("name").as_deref(), Some("ana"));
    assert_eq!(value("email").as_deref(), Some("ana@example.test"));
    assert_eq!(value("password").as_deref(), Some(""));
    assert_eq!(value("password_confirmation").as_deref(), Some(""));
    assert_eq!(page.one("#password_confirmation-note"), "The passwords do not match.");
    let described = page.attribute("#password_confirmation", "aria-describedby");
    assert_eq!(described.as_deref(), Some("password_confirmation-note"));
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_registration_is_told_in_one_round_and_then_its_strength() {
    let server = Server::start().await;
    server.person("ana").await;
    let mut browser = server.browser();
    for (name, email, password, again, wrong) in [
        (
            "e",
            "ana@example.test",
            "short",
            "x",
            ["name", "email", "password", "password_confirmation"].as_slice(),
        ),
        // Judging a password is slow: it is for forms that are sound otherwise.
        ("eva", "eva@x.org", "password1", "password2", &["password_confirmation"]),
        ("ANA", "eva@x.org", "password1", "password1", &["name"]),
        ("eva", "bad", "password1", "password1", &["email"]),
        ("eva", "eva@x.org", PASSWORD, "x", &["password_confirmation"]),
        ("eva", "eva@x.org", "password1", "password1", &["password"]),
    ] {
        let fields = [
            ("name", name),
            ("email", email),
            ("password", password),
            ("password_confirmation", again),
        ];
        let page = browser.submit("/register", &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        let told: Vec<_> = ["name", "email", "password", "password_confirmation"]
            .into_iter()
            .filter(|field| !page.all(&format!("#{field}-note.field__note--error")).is_empty())
            .collect();
        assert_eq!(told, wrong, "{name} {email} {password} {again}");
    }
    let nobody = Api::stranger(server.url("/api/v1"));
    let account = json!({"name": "ana", "email": "eva@x.org", "password": "password1"});
    let refused = nobody.refused(Method::POST, "/users", Some(account)).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let fields: Vec<_> = refused.body["errors"].as_object().expect("errors").keys().collect();
    assert_eq!(fields, ["name"]);
}

#[tokio::test]
async fn whether_a_name_or_an_address_can_be_had_is_told_before_the_form_is_sent() {
    let server = Server::start().await;
    server.person("ana").await;
    let mut browser = server.browser();
    for (query, field, complaint) in [
        ("name=eva", "name", None),
        ("name=ANA", "name", Some("This name, or one that looks like it, is taken.")),
        (
            "name=two+words",
            "name",
            Some("Only letters, digits, “.”, “_” and “-”, starting with a letter or digit."),
        ),
        ("name=admin", "name", Some("This name is reserved.")),
        ("email=eva@example.test", "email", None),
        ("email=ANA@example.test", "email", Some("There is already an account with this address.")),
        ("email=a@b@c", "email", Some("This is not an email address.")),
    ] {
        let answer = browser.get(&format!("/register/available?{query}")).await;
        let told: serde_json::Value = serde_json::from_str(&answer.text).expect("JSON");
        assert_eq!(told, json!({"field": field, "complaint": complaint}), "{query}");
    }
    browser.language = "es";
    let answer = browser.get("/register/available?name=ana").await;
    assert!(answer.text.contains("Este nombre, o uno que se le parece"), "{}", answer.text);
    for odd in ["", "?name=eva&email=eva@x.org", "?nick=eva"] {
        let answer = browser.get(&format!("/register/available{odd}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{odd}");
    }
}

#[tokio::test]
async fn asking_for_names_has_a_limit_of_its_own() {
    let server = Server::with(&["--rate-limit=on"]).await;
    let mut browser = server.browser();
    for _ in 0..120 {
        assert_eq!(browser.get("/register/available?name=eva").await.status, StatusCode::OK);
    }
    let refused = browser.get("/register/available?name=eva").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(browser.register("eva").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_closed_sign_up_lets_the_first_in_and_nobody_else() {
    let server = Server::with(&["--signup=closed"]).await;
    let ana = server.api("ana").await;
    let account = json!({"name": "luis", "email": "luis@x.org", "password": PASSWORD});
    let refused = ana.refused(Method::POST, "/users", Some(account)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let mut browser = server.browser();
    assert_eq!(browser.register("luis").await.status, StatusCode::FORBIDDEN);
    assert!(browser.get("/register").await.all("form").is_empty());
    for name in ["ana", "luis"] {
        let asked = browser.get(&format!("/register/available?name={name}")).await;
        assert_eq!(asked.status, StatusCode::FORBIDDEN, "{name}");
    }
    let fields = [("name", "ana"), ("password", PASSWORD)];
    assert_eq!(browser.submit("/register", &fields).await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.login("ana", PASSWORD).await.path, "/rooms/1");
}

#[tokio::test]
async fn one_signs_in_by_name_in_any_case_or_by_address() {
    let server = Server::start().await;
    server.person("José").await;
    for login in ["José", "JOSÉ", " josé ", "José@Example.test"] {
        let page = server.browser().login(login, PASSWORD).await;
        assert_eq!((page.status, page.path.as_str()), (StatusCode::OK, "/rooms/1"), "{login}");
    }
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_are_answered_alike() {
    let server = Server::start().await;
    server.person("ana").await;
    let mut answers = Vec::new();
    for (login, password) in [("ana", "wrong-password-1"), ("eva", PASSWORD), ("ana", "x")] {
        let page = server.browser().login(login, password).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(page.attribute("input[name=login]", "value").as_deref(), Some(login));
        assert_eq!(page.attribute("input[name=password]", "value").as_deref(), Some(""));
        answers.push(page.text.replace(&format!("value=\"{login}\""), ""));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    let nobody = Api::stranger(server.url("/api/v1"));
    for login in ["ana", "eva"] {
        let wrong = json!({"login": login, "password": "wrong-password-1", "label": ""});
        let refused = nobody.refused(Method::POST, "/tokens", Some(wrong)).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn signing_in_gives_a_new_session_and_ends_the_one_before() {
    let server = Server::start().await;
    let mut ana = server.person("ana").await;
    let before = ana.cookie().to_owned();
    ana.login("ana", PASSWORD).await;
    assert_ne!(ana.cookie(), before);
    let room = server.url("/rooms/1");
    let with = async |cookie: &str| {
        let request = Browser::plain().get(&room).header("cookie", cookie);
        request.send().await.expect("an answer").status()
    };
    assert_eq!(with(ana.cookie()).await, StatusCode::OK);
    assert_eq!(with(&before).await, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn signing_out_ends_the_session_for_good() {
    let server = Server::start().await;
    let mut ana = server.person("ana").await;
    let cookie = ana.cookie().to_owned();
    assert_eq!(ana.submit("/logout", &[]).await.path, "/login");
    assert_eq!(ana.get("/rooms/1").await.path, "/login?next=%2Frooms%2F1");
    let request = Browser::plain().get(server.url("/rooms/1")).header("cookie", cookie);
    assert_eq!(request.send().await.expect("an answer").status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_session_lives_30_days_after_its_last_use() {
    let server = Server::start().await;
    let mut ana = server.person("ana").await;
    for _ in 0..3 {
        server.advance(DAY * 29);
        assert_eq!(ana.get("/rooms/1").await.path, "/rooms/1");
    }
    server.advance(DAY * 30);
    assert_eq!(ana.get("/rooms/1").await.path, "/login?next=%2Frooms%2F1");
}

#[tokio::test]
async fn after_signing_in_one_goes_where_one_wanted_to_unless_that_is_elsewhere() {
    let server = Server::start().await;
    server.person("ana").await;
    for (next, path) in [
        ("/rooms/1?before=5", "/rooms/1?before=5"),
        ("//evil.example", "/rooms/1"),
        ("https://evil.example/", "/rooms/1"),
        ("/\\evil.example", "/rooms/1"),
    ] {
        let fields = [("login", "ana"), ("password", PASSWORD), ("next", next)];
        assert_eq!(server.browser().submit("/login", &fields).await.path, path, "{next}");
    }
}

#[tokio::test]
async fn a_revoked_token_opens_nothing() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    ana.get("/me").await;
    ana.ok(Method::DELETE, "/tokens/current", None).await;
    for (method, path) in [(Method::GET, "/me"), (Method::DELETE, "/tokens/current")] {
        assert_eq!(ana.refused(method, path, None).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn sign_in_and_sign_up_are_throttled_by_address() {
    let server = Server::with(&["--rate-limit=on"]).await;
    let nobody = Api::stranger(server.url("/api/v1"));
    for (path, tries) in [("/tokens", 20), ("/users", 40)] {
        for _ in 0..tries {
            let status = nobody.refused(Method::POST, path, Some(json!({}))).await.status;
            assert_ne!(status, StatusCode::TOO_MANY_REQUESTS, "{path}");
        }
        let refused = nobody.refused(Method::POST, path, Some(json!({}))).await;
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{path}");
        let wait: u64 = refused.retry_after.expect("a time").parse().expect("seconds");
        assert!((1..=60).contains(&wait), "{wait}");
    }
    let page = server.browser().login("ana", PASSWORD).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(page.headers.contains_key("retry-after"));
}
