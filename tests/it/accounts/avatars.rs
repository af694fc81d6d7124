//! Avatars: upload, decoding and limits.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use reqwest::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::bombs::{self, Png};
use crate::support::{Browser, Server};

fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let picture = RgbImage::from_fn(width, height, |x, y| {
        let shade = |part: u32, whole: u32| u8::try_from(part * 255 / whole).expect("a shade");
        Rgb([20, shade(x, width), shade(y, height)])
    });
    let mut file = Cursor::new(Vec::new());
    DynamicImage::from(picture).write_to(&mut file, format).expect("a file");
    file.into_inner()
}

fn photo() -> Vec<u8> {
    picture(640, 480, ImageFormat::Png)
}

async fn upload(browser: &mut Browser, file: Vec<u8>) -> crate::support::Page {
    browser.upload("/settings/picture", "picture", file).await
}

#[tokio::test]
async fn avatar_replaces_initials_until_removed() {
    let server = Server::start().await;
    let (mut ana, luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    let mut live = luis.live().await;
    live.until("present").await;
    ana.say("hola").await;
    let page = upload(&mut ana, photo()).await;
    assert_eq!(page.one("#status"), "Saved.");
    let received = live.until("user").await;
    let source = page.attribute(".avatar-settings .avatar__photo", "src").expect("a picture");
    assert_eq!(source, format!("/avatars/{}", received["photo"].as_str().expect("a name")));
    let room = ana.get("/rooms/1").await;
    assert_eq!(room.attribute(".message .avatar__photo", "src").as_ref(), Some(&source));
    let shown = ana.get(&source).await;
    assert_eq!(shown.headers["content-type"], "image/jpeg");
    assert!(shown.headers["cache-control"].to_str().expect("text").contains("immutable"));
    assert!(server.browser().get(&source).await.path.starts_with("/login"));
    let page = ana.upload("/settings/picture", "remove", Vec::new()).await;
    assert_eq!(page.all(".avatar-settings .avatar__photo").len(), 0);
    assert_eq!(ana.get(&source).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn invalid_picture_is_refused_and_the_old_one_stays() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    upload(&mut ana, photo()).await;
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec();
    let polyglot = b"GIF89a/*\0\0\0*/=1;alert(1)//<script>".to_vec();
    for file in [Vec::new(), svg, polyglot, photo()[..200].to_vec()] {
        let page = upload(&mut ana, file).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(page.all("#picture-note.field__note--error").len(), 1);
        assert_eq!(page.all(".avatar-settings .avatar__photo").len(), 1);
    }
    let page = upload(&mut ana, vec![0; 13 * 1024 * 1024]).await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn valid_pictures_of_every_format_and_size_are_accepted() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    for file in [
        picture(4000, 3000, ImageFormat::Jpeg),
        picture(1600, 1200, ImageFormat::Png),
        picture(300, 2000, ImageFormat::WebP),
        picture(320, 200, ImageFormat::Gif),
        picture(1, 1, ImageFormat::Png),
        Png::new(800, 600, 16, 6).whole(),
        Png::new(400, 300, 4, 3).interlaced().whole(),
        bombs::jpeg(8064, 6048, false, 1),
        bombs::jpeg(4032, 3024, true, 2),
        bombs::webp(800, 600),
        bombs::animated_webp((400, 300), &[(400, 300), (10, 10)]),
    ] {
        let page = upload(&mut ana, file).await;
        assert_eq!(page.status, StatusCode::OK, "{:?}", page.all("#picture-note"));
        assert_eq!(page.one("#status"), "Saved.");
    }
}

/// Pictures whose header already shows that they are too large, in every format. They are refused
/// before a decoder starts.
fn refused_by_header() -> Vec<Vec<u8>> {
    vec![
        Png::new(1, 20_000_000, 1, 0).whole(),
        Png::new(1, 5_000, 1, 0).whole(),
        Png::new(5_000, 1, 8, 6).whole(),
        Png::new(50_000, 50_000, 1, 0).head(),
        Png::new(50_000, 50_000, 16, 6).interlaced().head(),
        Png::new(u32::MAX >> 1, u32::MAX >> 1, 8, 2).head(),
        Png::new(7_000, 7_000, 8, 6).head(),
        Png::new(7_000, 7_000, 16, 6).head(),
        Png::new(7_000, 7_000, 16, 6).interlaced().head(),
        bombs::gif((65_535, 65_535), (1, 1), 1),
        bombs::gif((8_000, 8_000), (1, 1), 10_000),
        bombs::gif((1, 65_535), (1, 65_535), 1),
        bombs::webp(16_384, 16_384),
        bombs::webp(16_384, 1),
        bombs::animated_webp((1 << 24, 1 << 24), &[(1, 1)]),
        bombs::animated_webp((16_384, 16_384), &[(1, 1), (16_384, 16_384)]),
        bombs::jpeg(65_535, 65_500, false, 1)[..4_000].to_vec(),
        bombs::jpeg(9_000, 9_000, true, 1),
        bombs::jpeg(1, 65_535, false, 1),
    ]
}

/// Pictures with an acceptable header that cost as much to decode as is allowed, or more. Each is
/// either refused or accepted.
fn costly() -> Vec<Vec<u8>> {
    vec![
        Png::new(5_700, 5_800, 8, 6).whole(),
        Png::new(5_700, 5_800, 8, 6).interlaced().whole(),
        Png::new(4_000, 4_100, 16, 6).interlaced().whole(),
        Png::new(7_000, 7_000, 1, 0).interlaced().whole(),
        Png::new(6_500, 6_500, 8, 3).whole(),
        // Claims a size within the limits but has no pixels.
        Png::new(5_700, 5_800, 8, 6).head(),
        bombs::gif((5_700, 5_800), (5_700, 5_800), 10),
        // The frame is larger than the canvas.
        bombs::gif((10, 10), (65_535, 65_535), 1),
        bombs::webp(5_700, 5_800),
        bombs::animated_webp((5_700, 5_800), &[(5_700, 5_800), (1, 1)]),
        bombs::animated_webp((10, 10), &[(16_384, 16_384)]),
        // The outer and the inner size differ.
        bombs::animated_webp((5_000, 5_000), &[(5_000, 5_000)]).repeat(2),
        bombs::jpeg(8_000, 6_000, true, 20_000),
        bombs::jpeg(7_000, 7_000, true, 1),
    ]
}

#[tokio::test]
async fn decompression_bombs_are_refused_and_the_server_survives() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    for (number, file) in refused_by_header().into_iter().enumerate() {
        let page = upload(&mut ana, file).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{number}");
        assert!(page.one("#picture-note").contains("50 megapixels"), "{number}");
    }
    for (number, file) in costly().into_iter().enumerate() {
        let page = upload(&mut ana, file).await;
        let expected = [StatusCode::OK, StatusCode::UNPROCESSABLE_ENTITY];
        assert!(expected.contains(&page.status), "{number}: {}", page.status);
    }
    assert_eq!(upload(&mut ana, photo()).await.status, StatusCode::OK);
}

/// Creates a program that runs instead of the decoder. A child process writes the file, because a
/// program that is still open for writing cannot be executed (`ETXTBSY`), and another thread could
/// inherit our descriptor by forking.
fn program(directory: &Path, script: &str) -> PathBuf {
    let path = directory.join("program");
    let mut shell = Command::new("sh");
    shell.args(["-c", "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$0\" && chmod 700 \"$0\""]);
    assert!(shell.arg(&path).arg(script).status().expect("a shell").success());
    path
}

#[tokio::test]
async fn failing_decoder_only_loses_the_picture() {
    let folder = tempfile::tempdir().expect("a directory");
    for script in [
        "kill -ABRT $$",
        "kill -KILL $$",
        "exit 101",
        "echo not a picture",
        "printf 'GIF89a\\1\\0\\1\\0'",
        &format!("echo $$ > {}/number; while :; do :; done", folder.path().display()),
    ] {
        let server = Server::decoding_with(program(folder.path(), script)).await;
        let mut ana = server.browser_as("ana").await;
        let page = upload(&mut ana, photo()).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{script}");
        assert_eq!(page.all("#picture-note.field__note--error").len(), 1);
    }
    let number = std::fs::read_to_string(folder.path().join("number")).expect("it ran");
    assert!(!Path::new("/proc").join(number.trim()).exists(), "it was ended");
}

#[tokio::test]
async fn decoder_process_gets_no_secrets() {
    let folder = tempfile::tempdir().expect("a directory");
    let seen = folder.path().join("seen");
    let script = format!("/usr/bin/env > {0}; echo \"$@\" >> {0}", seen.display());
    let server = Server::decoding_with(program(folder.path(), &script)).await;
    upload(&mut server.browser_as("ana").await, photo()).await;
    let seen = std::fs::read_to_string(seen).expect("it ran");
    // Variables that a shell sets on its own.
    let own = ["PWD=", "OLDPWD=", "SHLVL=", "_="];
    let given: Vec<&str> =
        seen.lines().filter(|line| !own.iter().any(|own| line.starts_with(own))).collect();
    assert_eq!(given, ["encode-image avatar"]);
}

#[cfg(target_os = "linux")]
#[test]
fn decoder_process_limits_itself_before_it_reads() {
    use patio::limits::picture as limits;

    let mut child = Command::new(env!("CARGO_BIN_EXE_patio"))
        .args(["encode-image", "avatar"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let about = Path::new("/proc").join(child.id().to_string());
    let limit = |name: &str| {
        let all = std::fs::read_to_string(about.join("limits")).expect("limits");
        let line = all.lines().find_map(|line| line.strip_prefix(name)).expect("a limit");
        let two: Vec<String> = line.split_whitespace().take(2).map(str::to_owned).collect();
        two
    };
    let twice = |number: u64| vec![number.to_string(); 2];
    // The last limit that it sets. After that it waits for a picture.
    for _ in 0..1_000_000 {
        if limit("Max open files") == twice(limits::PROCESS_FILES) {
            break;
        }
        std::thread::yield_now();
    }
    for (name, number) in [
        ("Max open files", limits::PROCESS_FILES),
        ("Max address space", limits::PROCESS_BYTES),
        ("Max cpu time", limits::PROCESS_CPU.as_secs()),
        ("Max file size", limits::RESULT_BYTES),
        ("Max core file size", 0),
    ] {
        assert_eq!(limit(name), twice(number), "{name}");
    }
    let first_to_go = std::fs::read_to_string(about.join("oom_score_adj")).expect("a number");
    assert_eq!(first_to_go.trim(), "1000");
    // No picture is sent.
    drop(child.stdin.take());
    assert_eq!(child.wait().expect("ended").code(), Some(3));
}

/// An upload of which only the start was sent.
struct StartedUpload {
    stream: TcpStream,
    rest: Vec<u8>,
}

/// The head of an upload, which waits for `100 Continue` before it sends the body.
async fn announced(server: &Server, cookie: &str, length: usize) -> TcpStream {
    let head = format!(
        "POST /settings/picture HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\nConnection: close\r\n\
         Expect: 100-continue\r\nContent-Type: multipart/form-data; boundary=x\r\n\
         Content-Length: {length}\r\n\r\n",
        server.address,
    );
    let mut stream = TcpStream::connect(server.address).await.expect("a connection");
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream
}

async fn first_line(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    let text = String::from_utf8_lossy(&answer).into_owned();
    text.lines().next().unwrap_or_default().to_owned()
}

impl StartedUpload {
    /// Returns when the upload is in progress: the server asks for the body when it starts to read it.
    async fn new(server: &Server, cookie: &str) -> Self {
        let field = "Content-Disposition: form-data; name=\"picture\"; filename=\"p\"";
        let mut body = format!("--x\r\n{field}\r\n\r\n").into_bytes();
        body.extend(photo());
        body.extend(b"\r\n--x--\r\n");
        let mut stream = announced(server, cookie, body.len()).await;
        let mut asked = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
        stream.read_exact(&mut asked).await.expect("an answer");
        assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
        let rest = body.split_off(200);
        stream.write_all(&body).await.expect("sent");
        Self { stream, rest }
    }

    /// Sends the rest and returns the status line.
    async fn end(mut self) -> String {
        self.stream.write_all(&self.rest).await.expect("sent");
        first_line(&mut self.stream).await
    }
}

/// Tries until the picture is accepted, for a bounded number of attempts.
async fn until_taken(browser: &mut Browser) {
    for _ in 0..1_000 {
        if upload(browser, photo()).await.status == StatusCode::OK {
            return;
        }
    }
    panic!("never taken");
}

#[tokio::test]
async fn user_has_one_upload_at_a_time_others_do_not_wait() {
    let server = Server::start().await;
    let (mut ana, mut luis) = (server.browser_as("ana").await, server.browser_as("luis").await);
    let started = StartedUpload::new(&server, ana.cookie()).await;
    let refused = upload(&mut ana, photo()).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers["retry-after"], "5");
    assert!(refused.text.contains("Another upload of yours"));
    assert_eq!(upload(&mut luis, photo()).await.status, StatusCode::OK);
    assert_eq!(started.end().await, "HTTP/1.1 303 See Other");
    assert_eq!(upload(&mut ana, photo()).await.status, StatusCode::OK);
    // A client that disconnects during its upload frees its slot.
    let started = StartedUpload::new(&server, ana.cookie()).await;
    assert_eq!(upload(&mut ana, photo()).await.status, StatusCode::TOO_MANY_REQUESTS);
    drop(started);
    until_taken(&mut ana).await;
}

#[tokio::test]
async fn concurrent_uploads_are_limited_across_all_users() {
    let server = Server::start().await;
    let mut ana = server.browser_as("ana").await;
    let mut started = Vec::new();
    for number in 0..patio::limits::installation::UPLOADS_AT_ONCE {
        let user = server.browser_as(&format!("person{number}")).await;
        started.push(StartedUpload::new(&server, user.cookie()).await);
    }
    let refused = upload(&mut ana, photo()).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers["retry-after"], "5");
    assert!(refused.text.contains("Too many uploads"));
    let last = started.pop().expect("one");
    assert_eq!(last.end().await, "HTTP/1.1 303 See Other");
    assert_eq!(upload(&mut ana, photo()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn upload_body_is_read_only_after_authentication() {
    let server = Server::start().await;
    // It sends `Expect: 100-continue`, and the server refuses without asking for the body.
    let cookie = format!("patio_session_{}=nobody", server.address.port());
    let mut stream = announced(&server, &cookie, 1_000_000).await;
    assert_eq!(first_line(&mut stream).await, "HTTP/1.1 303 See Other");
    // A multipart field with an endless header.
    let mut ana = server.browser_as("ana").await;
    let head: &'static str = String::leak("a".repeat(3 << 20));
    let page = ana.upload("/settings/picture", head, photo()).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert_eq!(upload(&mut ana, photo()).await.status, StatusCode::OK);
    let left = std::fs::read_dir(server.data()).expect("a directory");
    let names: Vec<_> = left.map(|entry| entry.expect("an entry").file_name()).collect();
    let known = ["patio.lock", "patio.db", "patio.db-wal", "patio.db-shm", "uploads"];
    assert!(names.iter().all(|name| known.iter().any(|known| name == known)), "{names:?}");
}
