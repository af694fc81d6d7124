//! A browser without scripts: it follows redirects, keeps cookies and submits forms.

use std::collections::BTreeMap;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use scraper::{Html, Selector};

use super::{Live, PASSWORD};

pub struct Browser {
    base: String,
    client: reqwest::Client,
    pub language: &'static str,
    cookie: Option<String>,
    /// The cookies for language, theme and others by name, each as `name=value`.
    choices: BTreeMap<String, String>,
}

#[derive(Debug)]
pub struct Page {
    pub status: StatusCode,
    pub path: String,
    pub headers: HeaderMap,
    pub text: String,
}

impl Page {
    /// The texts of all elements that match a selector.
    pub fn all(&self, selector: &str) -> Vec<String> {
        let selector = Selector::parse(selector).expect("a selector");
        let page = Html::parse_document(&self.text);
        let text = |element: scraper::ElementRef<'_>| element.text().collect::<String>();
        page.select(&selector).map(|element| text(element).trim().to_owned()).collect()
    }

    pub fn one(&self, selector: &str) -> String {
        let all = self.all(selector);
        assert_eq!(all.len(), 1, "{selector} in {}", self.text);
        all.into_iter().next().expect("one")
    }

    pub fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        let selector = Selector::parse(selector).expect("a selector");
        let page = Html::parse_document(&self.text);
        page.select(&selector).next()?.attr(name).map(str::to_owned)
    }

    /// The texts of the messages on the page.
    pub fn messages(&self) -> Vec<String> {
        // Without the note that a message was edited.
        let texts = self.all("article.message[data-seq] .message__body").into_iter();
        let without = |text: String| {
            text.split_once(" (edit").map(|(text, _)| text.to_owned()).unwrap_or(text)
        };
        texts.map(without).collect()
    }
}

impl Browser {
    pub fn new(base: String) -> Self {
        let client = reqwest::Client::builder().cookie_store(true).build().expect("a client");
        Self { base, client, language: "en", cookie: None, choices: BTreeMap::new() }
    }

    pub async fn get(&mut self, path: &str) -> Page {
        let request = self.client.get(format!("{}{path}", self.base));
        self.send(request).await
    }

    /// Asks for a part of a page, as its scripts do.
    pub async fn ask(&mut self, path: &str) -> Page {
        let request = self.client.get(format!("{}{path}", self.base));
        self.send(request.header("hx-request", "true")).await
    }

    pub async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let request = self.client.post(format!("{}{path}", self.base)).form(fields);
        self.send(request.header("origin", self.base.clone())).await
    }

    /// Sends the fields of a form as a script does, with PUT.
    pub async fn put(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let request = self.client.put(format!("{}{path}", self.base)).form(fields);
        self.send(request.header("origin", self.base.clone())).await
    }

    /// Submits a form with a file.
    pub async fn upload(&mut self, path: &str, field: &'static str, file: Vec<u8>) -> Page {
        const BOUNDARY: &str = "----boundary";
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{field}\"; \
             filename=\"file\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        );
        let tail = format!("\r\n--{BOUNDARY}--\r\n");
        let body = [head.into_bytes(), file, tail.into_bytes()].concat();
        let request = self
            .client
            .post(format!("{}{path}", self.base))
            .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
            .header("origin", self.base.clone())
            .body(body);
        self.send(request).await
    }

    /// Submits a form with texts and files, each a name with its bytes, in the field `files`.
    pub async fn submit_files(
        &mut self,
        path: &str,
        texts: &[(&str, &str)],
        files: &[(&str, &str)],
    ) -> Page {
        const BOUNDARY: &str = "----boundary";
        let head = |name: &str, more: &str| {
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n")
        };
        let mut body = String::new();
        for (name, text) in texts {
            body.extend([head(name, "").as_str(), text, "\r\n"]);
        }
        for (name, bytes) in files {
            let named = head("files", &format!("; filename=\"{name}\""));
            body.extend([named.as_str(), bytes, "\r\n"]);
        }
        body.extend(["--", BOUNDARY, "--\r\n"]);
        let request = self
            .client
            .post(format!("{}{path}", self.base))
            .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
            .header("origin", self.base.clone())
            .body(body);
        self.send(request).await
    }

    pub async fn register(&mut self, name: &str) -> Page {
        let email = format!("{name}@example.test");
        let fields = [
            ("name", name),
            ("email", &email),
            ("password", PASSWORD),
            ("password_confirmation", PASSWORD),
        ];
        self.submit("/register", &fields).await
    }

    pub async fn login(&mut self, login: &str, password: &str) -> Page {
        self.submit("/login", &[("login", login), ("password", password)]).await
    }

    /// Posts in the lobby.
    pub async fn say(&mut self, body: &str) -> Page {
        self.submit("/rooms/1/messages", &[("body", body)]).await
    }

    /// A client that keeps no cookies and follows no redirects.
    pub fn plain() -> reqwest::Client {
        let none = reqwest::redirect::Policy::none();
        reqwest::Client::builder().redirect(none).build().expect("a client")
    }

    /// The session cookie as `name=value`.
    pub fn cookie(&self) -> &str {
        self.cookie.as_deref().expect("signed in")
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Page {
        let plain = Self::plain();
        let mut request = request.header("accept-language", self.language);
        // Redirects are followed here, because reqwest would hide the cookies of the steps in between.
        for _ in 0..5 {
            let cookies: Vec<&String> = self.cookie.iter().chain(self.choices.values()).collect();
            for cookie in cookies {
                request = request.header("cookie", cookie);
            }
            let response =
                plain.execute(request.build().expect("a request")).await.expect("an answer");
            for value in response.headers().get_all("set-cookie") {
                let value = value.to_str().expect("text");
                let pair = value.split(';').next().expect("a pair").to_owned();
                if pair.starts_with("patio_session") {
                    self.cookie = (!pair.ends_with('=')).then_some(pair);
                } else {
                    let name = pair.split('=').next().expect("a name").to_owned();
                    self.choices.insert(name, pair);
                }
            }
            match response.headers().get("location") {
                Some(to) => {
                    let url = response.url().join(to.to_str().expect("text")).expect("a URL");
                    request = self.client.get(url).header("accept-language", self.language);
                }
                None => return Self::page(response).await,
            }
        }
        panic!("too many redirects");
    }

    async fn page(response: reqwest::Response) -> Page {
        let url = response.url().clone();
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let (status, headers) = (response.status(), response.headers().clone());
        Page { status, path, headers, text: response.text().await.expect("a body") }
    }

    /// The live connection of a page with scripts.
    pub async fn live(&self) -> Live {
        let url = format!("{}/api/v1/live", self.base.replace("http", "ws"));
        let headers =
            [("cookie", self.cookie()), ("origin", &self.base), ("accept-language", self.language)];
        Live::open(&url, "patio-html.v1", &headers).await
    }
}
