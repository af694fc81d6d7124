//! A person who calls the JSON API of any node.

use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};

const PASSWORD: &str = "correcto-caballo-42-grapa";

/// How long a client waits before it tries another node.
pub const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Clone)]
pub struct Person {
    pub id: i64,
    pub name: String,
    pub token: String,
    http: Client,
    bases: Vec<String>,
}

impl Person {
    /// Creates an account and signs in.
    pub async fn new(bases: &[String], name: &str) -> Self {
        let http = Client::builder().timeout(PATIENCE).build().expect("a client");
        let (token, bases) = (String::new(), bases.to_vec());
        let mut person = Self { id: 0, name: name.to_owned(), token, http, bases };
        let email = format!("{name}@example.test");
        let account = json!({"name": name, "email": email, "password": PASSWORD});
        person.must(Method::POST, "/users", Some(account)).await;
        person.sign_in().await;
        person
    }

    pub async fn sign_in(&mut self) {
        let login = json!({"login": self.name, "password": PASSWORD, "label": "cluster"});
        let issued = self.must(Method::POST, "/tokens", Some(login)).await;
        issued["token"].as_str().expect("a token").clone_into(&mut self.token);
        self.id = issued["user"]["id"].as_i64().expect("an id");
    }

    pub fn nodes(&self) -> usize {
        self.bases.len()
    }

    /// The address of the live connection at a node.
    pub fn live(&self, node: usize) -> String {
        format!("{}/api/v1/live", self.bases[node].replace("http", "ws"))
    }

    pub async fn call(
        &self,
        node: usize,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Result<(u16, Value)> {
        let mut request = self.http.request(method, format!("{}/api/v1{path}", self.bases[node]));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    /// Asks one node after the other until one succeeds.
    pub async fn must(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let mut last = None;
        for attempt in 0..20 * self.nodes() {
            match self.call(attempt % self.nodes(), method.clone(), path, body.clone()).await {
                Ok((status, answer)) if status < 300 => return answer,
                other => last = Some(other),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{path}: {last:?}")
    }

    /// The whole history of a room as this node shows it.
    pub async fn history(&self, node: usize, room: i64) -> super::Screen {
        let mut found = super::Screen::new();
        let mut after = 0;
        loop {
            let path = format!("/rooms/{room}/messages?after={after}&limit=100");
            let (status, page) =
                self.call(node, Method::GET, &path, None).await.expect("an answer");
            assert_eq!(status, 200, "{path}: {page}");
            for message in page["items"].as_array().expect("items") {
                let number = |field: &str| message[field].as_i64().expect("a number");
                let body = message["body"].as_str().expect("text").to_owned();
                found.insert(number("seq"), (number("rev"), body));
                after = number("seq");
            }
            if page["more"] != true {
                return found;
            }
        }
    }
}
