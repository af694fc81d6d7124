//! Kills the server while files arrive and are posted: nothing acknowledged is lost, no message is without its file, and
//! after the cleanup no file is without its message. `PROOF_ROUNDS=200 cargo test files::kills -- --nocapture` runs more
//! rounds.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use patio::chat::files::Files;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::command::{patio, success};
use crate::support::{Process, Server, Storage, eventually, numbers};

const SENDERS: usize = 8;
/// Rounds after which senders are other users: what they began and do not know of waits for a day.
const USERS_FOR: usize = 20;

#[expect(clippy::disallowed_methods, reason = "how long to test is no setting of the server")]
fn rounds() -> usize {
    std::env::var("PROOF_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5)
}

/// A file on its way to a message.
struct Pending {
    bytes: Vec<u8>,
    nonce: String,
    /// Of the upload, once that is acknowledged.
    path: Option<String>,
    /// Bytes that are acknowledged.
    offset: usize,
}

/// What the server has acknowledged.
struct Posted {
    url: String,
    bytes: Vec<u8>,
}

struct Sender {
    client: Client,
    token: String,
    name: String,
    sent: usize,
    pending: Option<Pending>,
}

/// What a round counts.
#[derive(Default)]
struct Counts {
    acknowledged: AtomicUsize,
    resumed: AtomicUsize,
}

impl Sender {
    async fn new(server: &Process, name: String) -> Self {
        let token = server.api(&name).await.token().to_owned();
        Self { client: Client::new(), token, name, sent: 0, pending: None }
    }

    fn request(&self, method: Method, url: String) -> RequestBuilder {
        let request = self.client.request(method, url).bearer_auth(&self.token);
        request.header("tus-resumable", "1.0.0")
    }

    /// The answer; `None` from a server that was killed.
    async fn send(&self, request: RequestBuilder, counts: &Counts) -> Option<Response> {
        let answer = request.send().await.ok()?;
        assert!(answer.status().is_success(), "{}: {}", self.name, answer.status());
        counts.acknowledged.fetch_add(1, Ordering::Relaxed);
        Some(answer)
    }

    fn next_file(&mut self) -> Pending {
        self.sent += 1;
        let nonce = format!("{}-{}", self.name, self.sent);
        // From one byte to several hundred thousand, all different.
        let length = 1 + (self.sent * 40_503 + self.name.len() * 77_777) % 300_000;
        let bytes = nonce.bytes().cycle().take(length.max(nonce.len())).collect();
        Pending { bytes, nonce, path: None, offset: 0 }
    }

    /// Sends files until the server does not answer.
    async fn run(&mut self, origin: &str, counts: &Counts) -> Vec<Posted> {
        let mut posted = Vec::new();
        loop {
            let mut file = self.pending.take().unwrap_or_else(|| self.next_file());
            let done = self.pass_on(origin, &mut file, counts).await;
            let Some(url) = done else {
                self.pending = Some(file);
                return posted;
            };
            posted.push(Posted { url, bytes: file.bytes });
        }
    }

    async fn pass_on(&self, origin: &str, file: &mut Pending, counts: &Counts) -> Option<String> {
        if let Some(path) = &file.path {
            let answer = self.request(Method::HEAD, format!("{origin}{path}"));
            let answer = self.send(answer, counts).await?;
            let offset = header(&answer, "upload-offset").parse().expect("a number");
            assert!(offset >= file.offset, "{}: {offset} of {}", file.nonce, file.offset);
            file.offset = offset;
            counts.resumed.fetch_add(1, Ordering::Relaxed);
        } else {
            let begin = self.request(Method::POST, format!("{origin}/api/v1/uploads"));
            let begin = begin.header("upload-length", file.bytes.len());
            file.path = Some(header(&self.send(begin, counts).await?, "location"));
        }
        let path = file.path.clone().expect("an upload");
        while file.offset < file.bytes.len() {
            let end = (file.offset + file.bytes.len().div_ceil(3)).min(file.bytes.len());
            let append = self.request(Method::PATCH, format!("{origin}{path}"));
            let append = append.header("upload-offset", file.offset);
            let append = append.header("content-type", "application/offset+octet-stream");
            let append = append.body(file.bytes[file.offset..end].to_vec());
            self.send(append, counts).await?;
            file.offset = end;
        }
        let id = path.rsplit('/').next().expect("an id");
        let message = json!({"body": file.nonce, "nonce": file.nonce, "files": [id]});
        let post = self.request(Method::POST, format!("{origin}/api/v1/rooms/1/messages"));
        let message = self.send(post.json(&message), counts).await?.json::<Value>().await.ok()?;
        Some(message["attachments"][0]["url"].as_str().expect("its file").to_owned())
    }
}

fn header(answer: &Response, name: &str) -> String {
    answer.headers()[name].to_str().expect("text").to_owned()
}

/// All messages of the lobby have their file.
async fn count_messages(server: &Process, token: &str) -> usize {
    let (mut count, mut last) = (0, 0);
    loop {
        let url = format!("{}/rooms/1/messages?limit=100&after={last}", server.base());
        let page = Client::new().get(url).bearer_auth(token).send().await.expect("an answer");
        let page: Value = page.json().await.expect("JSON");
        for message in page["items"].as_array().expect("messages") {
            assert_eq!(message["attachments"].as_array().map(Vec::len), Some(1), "{message}");
            last = message["seq"].as_i64().expect("a seq");
            count += 1;
        }
        if page["more"] == false {
            return count;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "the figures of a long run")]
async fn kills_lose_no_file_and_leave_none_behind() {
    if Storage::is_on_postgres() {
        return;
    }
    let data = tempfile::tempdir().expect("a directory");
    let (counts, mut senders, mut posted) = (Counts::default(), Vec::new(), Vec::new());
    let mut files = 0;
    for round in 0..rounds() {
        let server = Process::start(data.path(), &[]);
        if round % USERS_FOR == 0 {
            let name = |sender| format!("user{round}-{sender}");
            senders = join_all((0..SENDERS).map(|n| Sender::new(&server, name(n)))).await;
        }
        for Posted { url, bytes } in std::mem::take(&mut posted) {
            let read = senders[0].request(Method::GET, format!("{}{url}", server.origin()));
            let read = read.send().await.expect("an answer");
            assert_eq!(read.status(), StatusCode::OK, "{url}");
            assert!(read.bytes().await.expect("a body") == bytes, "{url}");
        }
        let origin = server.origin();
        let until = counts.acknowledged.load(Ordering::Relaxed) + 1 + round * 37 % 61;
        let sending = join_all(senders.iter_mut().map(|sender| sender.run(&origin, &counts)));
        let kill = async {
            eventually("requests are acknowledged", async || {
                counts.acknowledged.load(Ordering::Relaxed) >= until
            })
            .await;
            server.kill();
        };
        let (acknowledged, ()) = tokio::join!(sending, kill);
        posted = acknowledged.into_iter().flatten().collect();
        files += posted.len();
        success(&patio(data.path(), &["verify", "--read-all"]));
    }
    let server = Process::start(data.path(), &[]);
    let messages = count_messages(&server, &senders[0].token).await;
    assert!(messages >= files, "{messages} of {files}");
    server.kill();
    let cleaned = clean(data, messages).await;
    println!(
        "{} kills: {} requests acknowledged, {} uploads resumed, {files} files posted and \
         acknowledged, {messages} messages with their files, {cleaned} left over and deleted",
        rounds(),
        counts.acknowledged.load(Ordering::Relaxed),
        counts.resumed.load(Ordering::Relaxed),
    );
}

/// Lets a long time pass. Then there is exactly one content for each message. Returns how many there were beside them.
async fn clean(data: tempfile::TempDir, messages: usize) -> usize {
    let server = Server::on_directory(data).await;
    let before = server.storage().contents().await;
    let files = server.state().service::<Files>();
    for _ in 0..3 {
        server.advance(Duration::from_hours(400 * 24));
        files.prune().await.expect("pruned");
    }
    assert_eq!(server.storage().contents().await, messages);
    let db = server.storage().open().await;
    for (table, rows) in [
        ("select count(*) from files", messages),
        ("select count(*) from contents", messages),
        ("select count(*) from uploads", 0),
    ] {
        assert_eq!(numbers(&db, table).await, [i64::try_from(rows).expect("a number")], "{table}");
    }
    let left = std::fs::read_dir(server.data().join("uploads")).expect("a folder").count();
    assert_eq!(left, 0);
    before - messages
}
