//! A client of the JSON API.

use std::io::Cursor;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Live, PASSWORD, Server};

pub struct Api {
    base: String,
    token: Option<String>,
    pub language: &'static str,
}

/// A response that must be a problem document (RFC 9457).
#[derive(Debug)]
pub struct Problem {
    pub status: StatusCode,
    pub body: Value,
    pub retry_after: Option<String>,
}

/// A picture with transparent pixels.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let color = |x: u32, y: u32| {
        image::Rgba([200, 40, 40, if (x + y).is_multiple_of(2) { 255 } else { 0 }])
    };
    let mut file = Cursor::new(Vec::new());
    let picture = image::RgbaImage::from_fn(width, height, color);
    picture.write_to(&mut file, image::ImageFormat::Png).expect("a file");
    file.into_inner()
}

impl Api {
    /// A client without an account or token.
    pub fn signed_out(base: String) -> Self {
        Self { base, token: None, language: "en" }
    }

    pub async fn with_account(base: String, name: &str) -> Self {
        let mut api = Self::signed_out(base);
        let email = format!("{name}@example.test");
        let account = json!({"name": name, "email": email, "password": PASSWORD});
        // Ignore the result: the account may exist already.
        api.send(Method::POST, "/users", Some(account)).await;
        api.sign_in(name).await;
        api
    }

    pub async fn sign_in(&mut self, name: &str) {
        let login = json!({"login": name, "password": PASSWORD, "label": "test"});
        let issued = self.post("/tokens", login).await;
        self.token = Some(issued["token"].as_str().expect("a token").to_owned());
    }

    /// The same user, with requests to another server.
    pub fn through(&self, server: &Server) -> Self {
        let base = server.url("/api/v1");
        Self { base, token: self.token.clone(), language: self.language }
    }

    /// A client with another token for the same server.
    pub fn with_token(&self, token: &str) -> Self {
        Self { base: self.base.clone(), token: Some(token.to_owned()), language: self.language }
    }

    pub fn token(&self) -> &str {
        self.token.as_deref().expect("signed in")
    }

    pub async fn get(&self, path: &str) -> Value {
        self.ok(Method::GET, path, None).await.1
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.ok(Method::POST, path, Some(body)).await.1
    }

    /// Posts in the lobby. Returns the message alone.
    pub async fn say(&self, body: &str) -> Value {
        let mut posted = self.post("/rooms/1/messages", json!({"body": body})).await;
        posted.as_object_mut().expect("a message").remove("not_in_room").expect("users");
        posted
    }

    /// The status, which may be an error, and `Retry-After` if present.
    pub async fn status(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Option<String>) {
        let response = self.send(method, path, body).await;
        let retry_after = response.headers().get("retry-after");
        let retry_after =
            retry_after.map(|retry_after| retry_after.to_str().expect("text").to_owned());
        (response.status(), retry_after)
    }

    /// The status and body of a response that must be a success.
    pub async fn ok(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let response = self.send(method, path, body).await;
        let status = response.status();
        let text = response.text().await.expect("a body");
        assert!(status.is_success(), "{path}: {status} {text}");
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    pub async fn refused(&self, method: Method, path: &str, body: Option<Value>) -> Problem {
        let response = self.send(method, path, body).await;
        let status = response.status();
        let header =
            |name| response.headers().get(name).map(|v| v.to_str().expect("text").to_owned());
        let content_type = header("content-type");
        let retry_after = header("retry-after");
        let text = response.text().await.expect("a body");
        assert_eq!(
            content_type.as_deref(),
            Some("application/problem+json"),
            "{path}: {status} {text}"
        );
        let body: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(body["status"], status.as_u16(), "{path}");
        assert!(body["title"].is_string() && body["detail"].is_string(), "{path}: {text}");
        Problem { status, body, retry_after }
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> reqwest::Response {
        let request = reqwest::Client::new()
            .request(method, format!("{}{path}", self.base))
            .header("accept-language", self.language);
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        request.send().await.expect("an answer")
    }

    /// Sends a form with texts and a file.
    pub async fn upload(
        &self,
        path: &str,
        texts: &[(&str, &str)],
        (field, file): (&str, &[u8]),
    ) -> reqwest::Response {
        const BOUNDARY: &str = "----boundary";
        let part = |name: &str, more: &str| {
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n")
        };
        let mut body = Vec::new();
        for (name, text) in texts {
            body.extend(format!("{}{text}\r\n", part(name, "")).into_bytes());
        }
        body.extend(part(field, "; filename=\"file\"").into_bytes());
        body.extend(file);
        body.extend(format!("\r\n--{BOUNDARY}--\r\n").into_bytes());
        reqwest::Client::new()
            .post(format!("{}{path}", self.base))
            .bearer_auth(self.token())
            .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
            .body(body)
            .send()
            .await
            .expect("an answer")
    }

    /// Adds a custom emoji and returns the address of its image.
    pub async fn add_emoji(&self, name: &str) -> String {
        let response = self.upload("/emoji", &[("name", name)], ("image", &png(40, 20))).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        let added: Value = response.json().await.expect("JSON");
        added["url"].as_str().expect("an address").to_owned()
    }

    pub async fn live(&self) -> Live {
        self.try_live("").await.expect("a handshake")
    }

    /// Reconnects and asks for the changes since this time.
    pub async fn live_since(&self, since: &str) -> Live {
        self.try_live(&format!("?since={since}")).await.expect("a handshake")
    }

    pub async fn try_live(&self, query: &str) -> Result<Live, u16> {
        let url = format!("{}/live{query}", self.base.replace("http", "ws"));
        let token = format!("Bearer {}", self.token());
        Live::try_open(&url, "patio.v1", &[("authorization", &token)]).await
    }
}
