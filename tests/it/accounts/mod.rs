//! Registering, signing in and out, sessions and tokens.

mod administration;
mod avatars;
mod credentials;
mod erasure;
mod names;
mod password_guessing;
mod profiles;
mod sessions;
mod settings;
mod users;

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{Api, Browser, PASSWORD, Server};

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn first_user_is_administrator_and_all_start_in_the_lobby() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let luis = server.api("luis").await;
    assert_eq!(ana.get("/me").await["role"], "admin");
    let expected = json!({
        "id": 2, "name": "luis", "display_name": "luis", "bot": false, "role": "member", "online": false,
        "about": "", "status": null,
    });
    assert_eq!(luis.get("/me").await, expected);
    let rooms = luis.get("/rooms").await;
    let lobby = json!({
        "id": 1, "name": "lobby", "topic": "", "visibility": "public", "lobby": true,
        "owner_id": null, "code": null, "last_seq": 0, "last_read_seq": 0, "unread": 0, "mentions": 0, "rev": 0,
        "members": 2, "online": 0, "archived_at": null, "wide_mentions_restricted": false, "link_previews": true,
        "favourite": false, "section": "", "parent": null,
    });
    assert_eq!(rooms, json!({"items": [lobby]}));
    assert_eq!(luis.get("/users").await["items"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn lookalikes_of_a_taken_name_or_address_are_refused() {
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
async fn each_invalid_field_gets_a_localized_error() {
    let server = Server::start().await;
    let mut client = Api::signed_out(server.url("/api/v1"));
    let account = json!({"name": "a", "email": "a", "password": "short"});
    let refused = client.refused(Method::POST, "/users", Some(account.clone())).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields: Vec<_> = refused.body["errors"].as_object().expect("errors").keys().collect();
    assert_eq!(fields, ["email", "name", "password"]);
    client.language = "es-MX,es;q=0.9";
    let refused = client.refused(Method::POST, "/users", Some(account)).await;
    assert_eq!(refused.body["errors"]["email"][0], "Esto no es una dirección de correo.");
    let guessable = json!({"name": "ana", "email": "ana@x.org", "password": "password1"});
    let refused = client.refused(Method::POST, "/users", Some(guessable)).await;
    assert!(refused.body["errors"]["password"][0].is_string());
}

#[tokio::test]
async fn refused_form_keeps_all_fields_but_passwords() {
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
async fn all_field_errors_come_at_once_password_strength_comes_last() {
    let server = Server::start().await;
    server.browser_as("ana").await;
    let mut browser = server.browser();
    for (name, email, password, again, wrong) in [
        (
            "e",
            "ana@example.test",
            "short",
            "x",
            ["name", "email", "password", "password_confirmation"].as_slice(),
        ),
        // Checking the strength of a password is slow, so it happens only if all other fields are valid.
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
        let found: Vec<_> = ["name", "email", "password", "password_confirmation"]
            .into_iter()
            .filter(|field| !page.all(&format!("#{field}-note.field__note--error")).is_empty())
            .collect();
        assert_eq!(found, wrong, "{name} {email} {password} {again}");
    }
    let client = Api::signed_out(server.url("/api/v1"));
    let account = json!({"name": "ana", "email": "eva@x.org", "password": "password1"});
    let refused = client.refused(Method::POST, "/users", Some(account)).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let fields: Vec<_> = refused.body["errors"].as_object().expect("errors").keys().collect();
    assert_eq!(fields, ["name"]);
}

#[tokio::test]
async fn availability_of_name_and_address_can_be_checked() {
    let server = Server::start().await;
    server.browser_as("ana").await;
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
        let found: serde_json::Value = serde_json::from_str(&answer.text).expect("JSON");
        assert_eq!(found, json!({"field": field, "complaint": complaint}), "{query}");
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
async fn registration_form_gets_the_field_that_is_being_typed() {
    let server = Server::start().await;
    server.api("ana").await;
    let mut browser = server.browser();
    for (query, says, class, invalid) in [
        ("name=eva", "\u{2713} Available", "field__note--success", false),
        ("name=ANA", "This name, or one that looks like it, is taken.", "field__note--error", true),
        ("name=%20e", "2 to 32 letters", "field__note", false),
        ("email=a@b", "", "field__note", false),
        ("email=a@b@c.org", "This is not an email address.", "field__note--error", true),
        ("email=a@b.org", "\u{2713} Available", "field__note--success", false),
    ] {
        let (field, _) = query.split_once('=').expect("a field");
        let address = format!("/register/available?{query}");
        let answer = browser.ask(&address).await;
        assert_eq!(answer.headers["vary"], "HX-Request", "{query}");
        let note = answer.one(&format!("#{field}-field #{field}-note.{class}"));
        assert!(note.contains(says), "{query}: {note}");
        assert_eq!(!answer.all("input[aria-invalid]").is_empty(), invalid, "{query}");
    }
    let typed = browser.ask("/register/available?name=%22%3Eeva").await;
    assert_eq!(typed.attribute("#name", "value").as_deref(), Some("\">eva"));
}

#[tokio::test]
async fn availability_checks_have_their_own_rate_limit() {
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
async fn closed_sign_up_admits_only_the_first_user() {
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
async fn login_accepts_name_in_any_case_or_email_address() {
    let server = Server::start().await;
    server.browser_as("José").await;
    for login in ["José", "JOSÉ", " josé ", "José@Example.test"] {
        let page = server.browser().login(login, PASSWORD).await;
        assert_eq!((page.status, page.path.as_str()), (StatusCode::OK, "/rooms/1"), "{login}");
    }
}

#[tokio::test]
async fn wrong_name_and_wrong_password_get_the_same_response() {
    let server = Server::start().await;
    server.browser_as("ana").await;
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
    let client = Api::signed_out(server.url("/api/v1"));
    for login in ["ana", "eva"] {
        let wrong = json!({"login": login, "password": "wrong-password-1", "label": ""});
        let refused = client.refused(Method::POST, "/tokens", Some(wrong)).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn signing_in_replaces_the_session() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
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
async fn signing_out_ends_the_session_permanently() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let cookie = ana.cookie().to_owned();
    assert_eq!(ana.submit("/logout", &[]).await.path, "/login");
    assert_eq!(ana.get("/rooms/1").await.path, "/login?next=%2Frooms%2F1");
    let request = Browser::plain().get(server.url("/rooms/1")).header("cookie", cookie);
    assert_eq!(request.send().await.expect("an answer").status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn session_expires_30_days_after_last_use() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    for _ in 0..3 {
        server.advance(DAY * 29);
        assert_eq!(ana.get("/rooms/1").await.path, "/rooms/1");
    }
    server.advance(DAY * 30);
    assert_eq!(ana.get("/rooms/1").await.path, "/login?next=%2Frooms%2F1");
}

#[tokio::test]
async fn login_redirects_to_the_requested_page_on_this_site_only() {
    let server = Server::start().await;
    server.browser_as("ana").await;
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
async fn revoked_token_is_refused_everywhere() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    ana.get("/me").await;
    ana.ok(Method::DELETE, "/tokens/current", None).await;
    for (method, path) in [(Method::GET, "/me"), (Method::DELETE, "/tokens/current")] {
        assert_eq!(ana.refused(method, path, None).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn sign_in_and_sign_up_are_rate_limited_by_ip_address() {
    let server = Server::with(&["--rate-limit=on"]).await;
    let client = Api::signed_out(server.url("/api/v1"));
    for (path, tries) in [("/tokens", 20), ("/users", 40)] {
        for _ in 0..tries {
            let status = client.refused(Method::POST, path, Some(json!({}))).await.status;
            assert_ne!(status, StatusCode::TOO_MANY_REQUESTS, "{path}");
        }
        let refused = client.refused(Method::POST, path, Some(json!({}))).await;
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{path}");
        let wait: u64 = refused.retry_after.expect("a time").parse().expect("seconds");
        assert!((1..=60).contains(&wait), "{wait}");
    }
    let page = server.browser().login("ana", PASSWORD).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(page.headers.contains_key("retry-after"));
}
