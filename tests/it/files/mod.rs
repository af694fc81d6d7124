//! Files: how they arrive, how they are posted, and who may read them.

mod checking;
mod deletion;
mod finding;
mod forms;
mod hostile;
mod kills;
mod moving;
mod posters;
mod posting;
mod s3;
mod serving;
mod several;
mod uploads;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::{Api, Server};

/// A client of the tus protocol, with the token of a user.
struct Tus {
    origin: String,
    token: String,
}

impl Tus {
    fn new(server: &Server, user: &Api) -> Self {
        Self { origin: server.url(""), token: user.token().to_owned() }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Response {
        let client = crate::support::Browser::plain();
        let mut request = client.request(method, format!("{}{path}", self.origin));
        request = request.bearer_auth(&self.token).header("tus-resumable", "1.0.0").body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.expect("an answer")
    }

    /// Begins an upload and returns its path.
    async fn begin(&self, name: &str, length: usize) -> String {
        let answer = self.try_begin(name, length).await;
        assert_eq!(answer.status(), StatusCode::CREATED);
        header(&answer, "location").expect("a location")
    }

    async fn try_begin(&self, name: &str, length: usize) -> Response {
        let metadata = format!("filename {}", STANDARD.encode(name));
        let headers = [("upload-length", &*length.to_string()), ("upload-metadata", &*metadata)];
        self.send(Method::POST, "/api/v1/uploads", &headers, Vec::new()).await
    }

    async fn append(&self, path: &str, offset: usize, bytes: &[u8]) -> Response {
        let headers = [
            ("upload-offset", &*offset.to_string()),
            ("content-type", "application/offset+octet-stream"),
        ];
        self.send(Method::PATCH, path, &headers, bytes.to_vec()).await
    }

    /// Uploads a file and returns its id.
    async fn upload(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.begin(name, bytes.len()).await;
        if !bytes.is_empty() {
            assert_eq!(self.append(&path, 0, bytes).await.status(), StatusCode::NO_CONTENT);
        }
        id(&path)
    }

    async fn head(&self, path: &str) -> Response {
        self.send(Method::HEAD, path, &[], Vec::new()).await
    }

    /// Reads a path of the server.
    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        self.send(Method::GET, path, headers, Vec::new()).await
    }
}

/// Begins to send bytes and leaves out the last one.
async fn begin_request(
    server: &Server,
    tus: &Tus,
    path: &str,
    at: usize,
    sent: &[u8],
) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.expect("a connection");
    let head = format!(
        "PATCH {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nTus-Resumable: 1.0.0\r\n\
         Upload-Offset: {at}\r\nContent-Type: application/offset+octet-stream\r\n\
         Content-Length: {}\r\n\r\n",
        server.address,
        tus.token,
        sent.len() + 1,
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream.write_all(sent).await.expect("sent");
    stream
}

fn header(answer: &Response, name: &str) -> Option<String> {
    answer.headers().get(name).map(|value| value.to_str().expect("text").to_owned())
}

/// The last part of the path of an upload.
fn id(path: &str) -> String {
    path.rsplit('/').next().expect("an id").to_owned()
}

/// Posts files in the lobby.
async fn post(user: &Api, body: &str, files: &[&str]) -> Value {
    user.post("/rooms/1/messages", json!({"body": body, "files": files})).await
}

fn url(message: &Value, file: usize) -> String {
    message["attachments"][file]["url"].as_str().expect("an address").to_owned()
}
