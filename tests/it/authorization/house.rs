//! Who asks, and a room with a message in it to ask about.

use std::collections::BTreeMap;

use patio::chat::accounts::LoginSource;
use patio::chat::accounts::model::{TokenLabel, VerifiedPassword};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{Browser, PASSWORD, Server};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    SignedOut,
    Stranger,
    /// Was in the room, and was shown the door.
    Removed,
    /// Wrote the message.
    Member,
    Owner,
    AdminInside,
    AdminOutside,
    /// Signed in once, and has a closed account now.
    Closed,
}

/// In the order of the tables' columns.
pub const ROLES: [Role; 8] = [
    Role::SignedOut,
    Role::Stranger,
    Role::Removed,
    Role::Member,
    Role::Owner,
    Role::AdminInside,
    Role::AdminOutside,
    Role::Closed,
];

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::SignedOut => "nobody",
            Self::Stranger => "stranger",
            Self::Removed => "removed",
            Self::Member => "member",
            Self::Owner => "owner",
            Self::AdminInside => "inside",
            Self::AdminOutside => "outside",
            Self::Closed => "closed",
        }
    }
}

pub struct House {
    pub server: Server,
    client: Client,
    proven: BTreeMap<Role, VerifiedPassword>,
    /// The name of the cookie that signs in.
    cookie: String,
    /// The session of the one whose account is closed now.
    dead: String,
    /// One for each, since an account has few.
    tokens: BTreeMap<Role, String>,
}

/// A room, the message in it, and the code that opens it.
pub struct Scene {
    pub room: i64,
    message: i64,
    code: String,
}

impl House {
    pub async fn new() -> Self {
        let server = Server::start().await;
        // The first one administers, and does so beside all others.
        let mut first = server.person("carlos").await;
        let (mut proven, here) = (BTreeMap::new(), LoginSource::local());
        for role in ROLES.into_iter().skip(1) {
            server.person(role.name()).await;
            let signed_in = server.site().accounts.sign_in(role.name(), PASSWORD, &here);
            let who = signed_in.await.expect("signed in");
            let user = who.person().id.to_string();
            if matches!(role, Role::AdminInside | Role::AdminOutside) {
                first.submit("/admin/people/role", &[("user", &user), ("role", "admin")]).await;
            }
            proven.insert(role, who);
        }
        let cookie = first.cookie().split_once('=').expect("a pair").0.to_owned();
        let (client, dead, tokens) = (Browser::plain(), String::new(), BTreeMap::new());
        let mut house = Self { server, client, proven, cookie, dead, tokens };
        for role in ROLES.into_iter().skip(1) {
            let token = house.new_token(role).await;
            house.tokens.insert(role, token);
        }
        house.dead = house.session(Role::Closed).await;
        let closed = house.proven[&Role::Closed].person().id.to_string();
        first.submit("/admin/people/close", &[("user", &closed)]).await;
        house
    }

    /// Signed in once more: what a request ends is no loss.
    async fn session(&self, role: Role) -> String {
        match self.proven.get(&role) {
            None => String::new(),
            Some(_) if role == Role::Closed && !self.dead.is_empty() => self.dead.clone(),
            Some(proven) => {
                let opened = self.server.site().accounts.open_session(proven, "test").await;
                opened.expect("a session").expose_secret().to_owned()
            }
        }
    }

    async fn new_token(&self, role: Role) -> String {
        let label = TokenLabel::parse("test").expect("a label");
        let issued = self.server.site().accounts.issue_token(&self.proven[&role], &label, None);
        issued.await.expect("a token").expose_secret().to_owned()
    }

    pub fn token(&self, role: Role) -> String {
        self.tokens.get(&role).cloned().unwrap_or_default()
    }

    /// A new room of a kind, or a deleted one; none for what is not about a room, and `lobby` for the
    /// one there is.
    pub async fn scene(&self, kind: &str) -> Scene {
        let owner = self.token(Role::Owner);
        let call = async |token: &str, path: &str, body: Value| {
            let url = self.server.url(&format!("/api/v1{path}"));
            let sent = self.client.post(url).bearer_auth(token).json(&body).send().await;
            let answer = sent.expect("an answer");
            assert!(answer.status().is_success(), "{path}: {}", answer.status());
            answer.json::<Value>().await.unwrap_or_default()
        };
        let made = match kind {
            "-" => return Scene { room: 0, message: 0, code: String::new() },
            "lobby" => json!({"id": 1}),
            "direct" => call(&owner, "/direct", json!({"name": "member"})).await,
            kind => {
                let visibility = kind.trim_start_matches("deleted-");
                let name = self.server.site().random.token().replace(['-', '_'], "x");
                call(&owner, "/rooms", json!({"name": name, "visibility": visibility})).await
            }
        };
        let room = made["id"].as_i64().expect("a room");
        let code = made["code"].as_str().unwrap_or_default().to_owned();
        if !matches!(kind, "lobby" | "direct") {
            for role in [Role::Member, Role::Removed, Role::AdminInside] {
                let token = self.token(role);
                if code.is_empty() {
                    call(&token, &format!("/rooms/{room}/join"), json!({})).await;
                } else {
                    call(&token, "/join", json!({"code": code})).await;
                }
            }
            let removed = self.proven[&Role::Removed].person().id;
            let path = format!("/api/v1/rooms/{room}/members/{removed}");
            let shown = self.client.delete(self.server.url(&path)).bearer_auth(&owner).send().await;
            assert_eq!(shown.expect("an answer").status(), 204, "shown the door");
        }
        let path = format!("/rooms/{room}/messages");
        let said = call(&self.token(Role::Member), &path, json!({"body": "hola"})).await;
        // Showing somebody the door may give the room another code.
        let now = self.client.get(self.server.url(&format!("/api/v1/rooms/{room}")));
        let now = now.bearer_auth(&owner).send().await.expect("an answer");
        let now: Value = now.json().await.expect("JSON");
        let code = now["code"].as_str().unwrap_or_default().to_owned();
        if kind.starts_with("deleted-") {
            let gone = self.client.delete(self.server.url(&format!("/api/v1/rooms/{room}")));
            let gone = gone.bearer_auth(&owner).send().await.expect("an answer");
            assert_eq!(gone.status(), 204, "deleted");
        }
        Scene { room, message: said["id"].as_i64().expect("an id"), code }
    }

    /// The status of the answer; `login` for a page that sends to the sign-in form.
    pub async fn ask(&self, scene: &Scene, role: Role, method: &Method, path: &str) -> String {
        let request = self.request(scene, method, path);
        let request = if path.starts_with("/api/v1") {
            let spent = path.ends_with("/tokens/current") && self.proven.contains_key(&role);
            let token = match role {
                Role::Closed => self.token(role),
                _ if spent => self.new_token(role).await,
                _ => self.token(role),
            };
            match token {
                token if token.is_empty() => request,
                token => request.bearer_auth(token),
            }
        } else {
            request.header("cookie", format!("{}={}", self.cookie, self.session(role).await))
        };
        let answer = request.send().await.expect("an answer");
        let to = answer.headers().get("location").and_then(|to| to.to_str().ok());
        match to {
            Some(to) if to.starts_with("/login") && path != "/logout" => "login".to_owned(),
            _ => answer.status().as_u16().to_string(),
        }
    }

    fn request(&self, scene: &Scene, method: &Method, path: &str) -> RequestBuilder {
        let id = if path.contains("/messages/{id}") { scene.message } else { scene.room };
        let member = self.proven[&Role::Member].person().id.to_string();
        let person = path.contains("/users/{id}") || path.contains("/people/{id}");
        let filled = path
            .replace("{id}", &if person { member.clone() } else { id.to_string() })
            .replace("{user_id}", &member)
            .replace("{code}", &scene.code)
            .replace("{emoji}", "👍")
            .replace("/direct/{name}", "/direct/carlos")
            .replace("{file}", "member.css")
            .replace(['{', '}', '*'], "");
        let asked = if path == "/rooms/{id}/messages" { "?before=2" } else { "" };
        let url = self.server.url(&format!("{filled}{asked}"));
        let request = self.client.request(method.clone(), url);
        if *method == Method::GET {
            return request;
        }
        if path.starts_with("/api/v1") {
            return request.json(&json(path, method, scene));
        }
        request.form(&self.form(path, scene))
    }

    /// Fields that let a form through where the right is there. Of those about passwords nothing fits, so
    /// that they end at the form (422) and the account stays what it is.
    fn form(&self, path: &str, scene: &Scene) -> Vec<(&'static str, String)> {
        let id = |role: Role| self.proven[&role].person().id.to_string();
        let unique = self.server.site().random.token().replace(['-', '_'], "x");
        match path {
            "/rooms" => vec![("name", unique), ("visibility", "public".to_owned())],
            "/rooms/{id}/messages" | "/direct/{name}/messages" | "/messages/{id}/edit" => {
                vec![("body", "adios".to_owned())]
            }
            "/messages/{id}/reactions" => vec![("emoji", "👍".to_owned())],
            "/rooms/{id}/settings" | "/admin/rooms/{id}/name" => vec![("name", unique)],
            "/rooms/{id}/owner" | "/rooms/{id}/remove" => vec![("user", id(Role::Member))],
            "/join" => vec![("code", scene.code.clone())],
            "/settings/name" => vec![("display_name", unique)],
            "/admin/sign-up" => vec![("signup", "open".to_owned())],
            "/admin/people" => {
                vec![("name", unique.clone()), ("email", format!("{unique}@example.test"))]
            }
            "/admin/people/role" => vec![("user", "1".to_owned()), ("role", "admin".to_owned())],
            "/admin/people/link" | "/admin/people/open" => vec![("user", id(Role::Stranger))],
            "/admin/people/close" | "/admin/people/erase" => vec![("user", id(Role::Closed))],
            // Of none there is: without one all others end, the tokens too.
            "/settings/sessions" => vec![("session", "0".to_owned())],
            "/settings/time-zone" => vec![("time_zone", "Europe/Madrid".to_owned())],
            "/live" => vec![("room", scene.room.to_string()), ("since_rev", "0".to_owned())],
            "/admin/jobs/again" | "/admin/jobs/drop" => vec![("job", "1".to_owned())],
            _ => Vec::new(),
        }
    }
}

/// The same for calls.
fn json(path: &str, method: &Method, scene: &Scene) -> Value {
    match (method.as_str(), path.trim_start_matches("/api/v1")) {
        ("POST", "/rooms") => json!({"name": scene.room.to_string(), "visibility": "private"}),
        ("PATCH", "/rooms/{id}") => json!({"topic": "peas"}),
        ("POST", "/rooms/{id}/messages") | ("PATCH", "/messages/{id}") => json!({"body": "adios"}),
        ("POST", "/join") => json!({"code": scene.code}),
        ("POST", "/direct") => json!({"name": "carlos"}),
        ("PUT", "/rooms/{id}/read") => json!({"seq": 1}),
        ("POST", "/rooms/{id}/members") => json!({"name": "stranger"}),
        ("PATCH", "/me") => json!({"time_zone": "Europe/Madrid"}),
        _ => json!({}),
    }
}
