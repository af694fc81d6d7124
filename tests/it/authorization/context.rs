//! The roles that send each request, and a room with a message to send it about.

use std::collections::BTreeMap;

use patio::chat::accounts::model::{TokenLabel, VerifiedPassword};
use patio::chat::accounts::{Accounts, LoginSource};
use patio::kernel::Random;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{Api, Browser, PASSWORD, Server};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    SignedOut,
    NonMember,
    /// Was a member and has been removed.
    Removed,
    /// The author of the message.
    Member,
    Owner,
    AdminInside,
    AdminOutside,
    /// Has credentials of an account that was closed since.
    Closed,
}

/// In the order of the columns of the tables.
pub const ROLES: [Role; 8] = [
    Role::SignedOut,
    Role::NonMember,
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
            Self::SignedOut => "signedout",
            Self::NonMember => "nonmember",
            Self::Removed => "removed",
            Self::Member => "member",
            Self::Owner => "owner",
            Self::AdminInside => "inside",
            Self::AdminOutside => "outside",
            Self::Closed => "closed",
        }
    }
}

pub struct TestContext {
    pub server: Server,
    client: Client,
    passwords: BTreeMap<Role, VerifiedPassword>,
    /// The name of the session cookie.
    cookie: String,
    /// The session of [`Role::Closed`], opened before its account was closed.
    closed_session: String,
    /// One token for each role: an account has a limited number, so they are reused.
    tokens: BTreeMap<Role, String>,
}

/// A room, a message in it, and its room code.
pub struct Scene {
    pub room: i64,
    message: i64,
    code: String,
    /// A file of the message; may be empty.
    file: String,
}

impl TestContext {
    pub async fn new() -> Self {
        let server = Server::start().await;
        // The first user is the administrator and has none of the roles.
        let mut first = server.browser_as("carlos").await;
        let (mut passwords, local) = (BTreeMap::new(), LoginSource::local());
        for role in ROLES.into_iter().skip(1) {
            server.browser_as(role.name()).await;
            let accounts: Accounts = server.state().service();
            let signed_in = accounts.sign_in(role.name(), PASSWORD, &local);
            let verified = signed_in.await.expect("signed in");
            let user = verified.user().id.to_string();
            if matches!(role, Role::AdminInside | Role::AdminOutside) {
                first.submit("/admin/people/role", &[("user", &user), ("role", "admin")]).await;
            }
            passwords.insert(role, verified);
        }
        let cookie = first.cookie().split_once('=').expect("a pair").0.to_owned();
        let (client, closed_session, tokens) = (Browser::plain(), String::new(), BTreeMap::new());
        let mut context = Self { server, client, passwords, cookie, closed_session, tokens };
        for role in ROLES.into_iter().skip(1) {
            let token = context.new_token(role).await;
            context.tokens.insert(role, token);
        }
        context.closed_session = context.session(Role::Closed).await;
        let closed = context.passwords[&Role::Closed].user().id.to_string();
        first.submit("/admin/people/close", &[("user", &closed)]).await;
        context
    }

    /// A new session, so that a request may revoke it without affecting others.
    async fn session(&self, role: Role) -> String {
        match self.passwords.get(&role) {
            None => String::new(),
            Some(_) if role == Role::Closed && !self.closed_session.is_empty() => {
                self.closed_session.clone()
            }
            Some(passwords) => {
                let opened =
                    self.server.state().service::<Accounts>().open_session(passwords, "test").await;
                opened.expect("a session").expose_secret().to_owned()
            }
        }
    }

    async fn new_token(&self, role: Role) -> String {
        let label = TokenLabel::parse("test").expect("a label");
        let accounts: Accounts = self.server.state().service();
        let issued = accounts.issue_token(&self.passwords[&role], &label, None);
        issued.await.expect("a token").expose_secret().to_owned()
    }

    pub fn token(&self, role: Role) -> String {
        self.tokens.get(&role).cloned().unwrap_or_default()
    }

    /// Creates a room of this kind, also deleted ones (`deleted-…`). `-` is no room, `lobby` the existing one.
    pub async fn scene(&self, kind: &str) -> Scene {
        self.scene_with(kind, String::new()).await
    }

    /// The same, with a message that has a file.
    pub async fn scene_with_file(&self, kind: &str, bytes: &[u8]) -> Scene {
        let member = Api::signed_out(self.server.url("/api/v1"));
        let member = member.with_token(&self.token(Role::Member));
        let file = member.upload("/files", &[], ("file", bytes)).await;
        let file: Value = file.json().await.expect("JSON");
        self.scene_with(kind, file["id"].as_str().expect("an id").to_owned()).await
    }

    async fn scene_with(&self, kind: &str, file: String) -> Scene {
        let owner = self.token(Role::Owner);
        let call = async |token: &str, path: &str, body: Value| {
            let url = self.server.url(&format!("/api/v1{path}"));
            let sent = self.client.post(url).bearer_auth(token).json(&body).send().await;
            let answer = sent.expect("an answer");
            assert!(answer.status().is_success(), "{path}: {}", answer.status());
            answer.json::<Value>().await.unwrap_or_default()
        };
        let made = match kind {
            "-" => return Scene { room: 0, message: 0, code: String::new(), file },
            "lobby" => json!({"id": 1}),
            "direct" => call(&owner, "/direct", json!({"name": "member"})).await,
            kind => {
                let visibility = kind.trim_start_matches("deleted-");
                let name = self.server.state().service::<Random>().token().replace(['-', '_'], "x");
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
            let removed = self.passwords[&Role::Removed].user().id;
            let path = format!("/api/v1/rooms/{room}/members/{removed}");
            let removed =
                self.client.delete(self.server.url(&path)).bearer_auth(&owner).send().await;
            assert_eq!(removed.expect("an answer").status(), 204, "the member was removed");
        }
        let path = format!("/rooms/{room}/messages");
        let member = self.token(Role::Member);
        let message = {
            let files: Vec<&str> =
                [file.as_str()].into_iter().filter(|id| !id.is_empty()).collect();
            call(&member, &path, json!({"body": "hola", "files": files})).await
        };
        let thread = format!("/messages/{}/thread", message["id"]);
        call(&member, &thread, json!({"body": "hola también"})).await;
        // A removal may renew the room code.
        let state = self.client.get(self.server.url(&format!("/api/v1/rooms/{room}")));
        let state = state.bearer_auth(&owner).send().await.expect("an answer");
        let state: Value = state.json().await.expect("JSON");
        let code = state["code"].as_str().unwrap_or_default().to_owned();
        if kind.starts_with("deleted-") {
            let gone = self.client.delete(self.server.url(&format!("/api/v1/rooms/{room}")));
            let gone = gone.bearer_auth(&owner).send().await.expect("an answer");
            assert_eq!(gone.status(), 204, "deleted");
        }
        Scene { room, message: message["id"].as_i64().expect("an id"), code, file }
    }

    /// The status of the response, or `login` for a redirect to the login form.
    pub async fn ask(&self, scene: &Scene, role: Role, method: &Method, path: &str) -> String {
        let request = self.request(scene, method, path);
        let request = if path.starts_with("/api/v1") {
            let spent = path.ends_with("/tokens/current") && self.passwords.contains_key(&role);
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
        let of_message =
            ["/messages/{id}", "/threads/{id}", "/files/{id}"].iter().any(|one| path.contains(one));
        let id = if of_message { scene.message } else { scene.room };
        let member = self.passwords[&Role::Member].user().id.to_string();
        let is_user = path.contains("/users/{id}") || path.contains("/people/{id}");
        let filled = path
            .replace("{id}", &if is_user { member.clone() } else { id.to_string() })
            .replace("{user_id}", &member)
            .replace("{code}", &scene.code)
            .replace("{emoji}", "👍")
            .replace("{n}", "0")
            .replace("/direct/{name}", "/direct/carlos")
            .replace("/people/{name}", "/people/carlos")
            .replace("/emoji/{name}", "/emoji/none")
            .replace("/{file}/{name}", &format!("/{}/hola.txt", scene.file))
            .replace("/{file}/preview", &format!("/{}/preview", scene.file))
            .replace("{file}", "member.css")
            .replace("{number}", "1")
            .replace(['{', '}', '*'], "");
        let query = if path == "/rooms/{id}/messages" { "?before=2" } else { "" };
        let url = self.server.url(&format!("{filled}{query}"));
        let request = self.client.request(method.clone(), url);
        if *method == Method::GET {
            return request;
        }
        if path.starts_with("/api/v1") {
            return request.json(&json(path, method, scene));
        }
        request.form(&self.form(path, scene))
    }

    /// Fields with which a form succeeds if the role has the right. Password fields are left out: those forms
    /// end with a 422, so that the accounts stay unchanged.
    fn form(&self, path: &str, scene: &Scene) -> Vec<(&'static str, String)> {
        let id = |role: Role| self.passwords[&role].user().id.to_string();
        let unique = self.server.state().service::<Random>().token().replace(['-', '_'], "x");
        match path {
            "/rooms" => vec![("name", unique), ("visibility", "public".to_owned())],
            "/rooms/{id}/messages" | "/direct/{name}/messages" | "/messages/{id}/edit" => {
                vec![("body", "adios".to_owned())]
            }
            "/threads/{id}" => vec![("body", "adios".to_owned())],
            "/threads/{id}/follow" => vec![("follow", "true".to_owned())],
            "/messages/{id}/saved" => vec![("saved", "true".to_owned())],
            "/rooms/{id}/draft" => vec![("body", String::new())],
            "/rooms/{id}/favourite" => vec![("favourite", "true".to_owned())],
            "/rooms/{id}/section" => vec![("section", "Jardín".to_owned())],
            "/rooms/{id}/archive" => vec![("archived", "true".to_owned())],
            "/messages/{id}/reactions" => vec![("emoji", "👍".to_owned())],
            "/rooms/{id}/settings" | "/admin/rooms/{id}/name" => vec![("name", unique)],
            "/rooms/{id}/owner" | "/rooms/{id}/remove" => vec![("user", id(Role::Member))],
            "/join" => vec![("code", scene.code.clone())],
            "/rooms/{id}/members" => vec![("name", "nonmember".to_owned())],
            "/settings/name" => vec![("display_name", unique)],
            "/admin/sign-up" => vec![("signup", "open".to_owned())],
            "/admin/people" => {
                vec![("name", unique.clone()), ("email", format!("{unique}@example.test"))]
            }
            "/admin/people/role" => vec![("user", "1".to_owned()), ("role", "admin".to_owned())],
            "/admin/people/link" | "/admin/people/open" => vec![("user", id(Role::NonMember))],
            "/admin/people/close" | "/admin/people/erase" => vec![("user", id(Role::Closed))],
            // An unknown session: without the field, all other sessions and tokens would be revoked.
            "/settings/sessions" => vec![("session", "0".to_owned())],
            "/settings/time-zone" => vec![("time_zone", "Europe/Madrid".to_owned())],
            "/live" => vec![("room", scene.room.to_string()), ("since_rev", "0".to_owned())],
            "/admin/jobs/again" | "/admin/jobs/drop" => vec![("job", "1".to_owned())],
            _ => Vec::new(),
        }
    }
}

/// The JSON body of a call, like [`TestContext::form`] for forms.
fn json(path: &str, method: &Method, scene: &Scene) -> Value {
    match (method.as_str(), path.trim_start_matches("/api/v1")) {
        ("POST", "/rooms") => json!({"name": scene.room.to_string(), "visibility": "private"}),
        ("PATCH", "/rooms/{id}") => json!({"topic": "peas"}),
        ("POST", "/rooms/{id}/messages" | "/messages/{id}/thread")
        | ("PATCH", "/messages/{id}") => json!({"body": "adios"}),
        ("POST", "/join") => json!({"code": scene.code}),
        ("POST", "/direct") => json!({"name": "carlos"}),
        ("PUT", "/rooms/{id}/read") => json!({"seq": 1}),
        ("PUT", "/rooms/{id}/draft") => json!({"body": "un borrador"}),
        ("PUT", "/rooms/{id}/section") => json!({"name": "Jardín"}),
        ("POST", "/rooms/{id}/members") => json!({"name": "nonmember"}),
        ("PATCH", "/me") => json!({"time_zone": "Europe/Madrid"}),
        _ => json!({}),
    }
}
