//! Hostile files from the upload to the reader: what is refused, what is stored, and as what it is served.

use futures_util::future::join_all;
use reqwest::{Response, StatusCode};

use super::{Tus, header, id, post, url};
use crate::support::samples::hostile::{self, Hostile};
use crate::support::samples::{self, Sample};
use crate::support::{Api, Process, bombs};

const SEED: u64 = 32;
const FILES: usize = 48;

const INLINE: [&str; 13] = [
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/webp",
    "video/mp4",
    "video/quicktime",
    "video/webm",
    "audio/webm",
    "audio/mpeg",
    "audio/mp4",
    "audio/ogg",
    "audio/wav",
    "audio/flac",
];

/// Names that try to be paths, headers, other types or another direction of text.
const NAMES: [&str; 8] = [
    "photo.jpg",
    "../../etc/passwd",
    "a\r\nContent-Type: text/html\r\n\r\n<script>",
    "photo.jpg.html",
    "\u{202e}gpj.exe",
    "CON",
    "\"; filename=\"x.html",
    "%2e%2e%2fx.svg",
];

struct Started {
    _folder: tempfile::TempDir,
    server: Process,
    ana: Api,
    tus: Tus,
}

async fn start() -> Started {
    let folder = tempfile::tempdir().expect("a directory");
    let server = Process::start(folder.path(), &[]);
    let ana = server.api("ana").await;
    let tus = Tus { origin: server.origin(), token: ana.token().to_owned() };
    Started { _folder: folder, server, ana, tus }
}

/// Uploads a file. Returns its id, or `None` if it is refused as damaged.
async fn upload(tus: &Tus, name: &str, file: &[u8]) -> Option<String> {
    let path = tus.begin(name, file.len()).await;
    if file.is_empty() {
        return Some(id(&path));
    }
    match tus.append(&path, 0, file).await.status() {
        StatusCode::NO_CONTENT => Some(id(&path)),
        StatusCode::UNPROCESSABLE_ENTITY => None,
        status => panic!("{name}: {status}"),
    }
}

/// Checks the headers, and returns whether the file is shown inline.
fn is_inline(answer: &Response, about: &str) -> bool {
    assert_eq!(answer.status(), StatusCode::OK, "{about}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(header(answer, name).as_deref(), Some(value), "{about}");
    }
    let media_type = header(answer, "content-type").expect("a type");
    let disposition = header(answer, "content-disposition").expect("a disposition");
    let is_listed = INLINE.contains(&media_type.as_str());
    assert!(is_listed || media_type == "application/octet-stream", "{about}: {media_type}");
    assert_eq!(disposition.starts_with("inline"), is_listed, "{about}: {disposition}");
    assert_eq!(disposition.starts_with("attachment"), !is_listed, "{about}: {disposition}");
    is_listed
}

#[tokio::test]
async fn hostile_files_are_served_only_as_what_the_list_allows() {
    let Started { ana, tus, .. } = &start().await;
    let (mut refused, mut stored) = (0, 0);
    for (Hostile { about, file, must_be_clean }, name) in
        hostile::files(SEED, FILES).iter().zip(NAMES.iter().cycle())
    {
        let Some(file) = upload(tus, name, file).await else {
            refused += 1;
            continue;
        };
        stored += 1;
        let message = post(ana, "", &[&file]).await;
        let answer = tus.get(&url(&message, 0), &[]).await;
        let is_inline = is_inline(&answer, about);
        let bytes = answer.bytes().await.expect("a body");
        if is_inline && *must_be_clean {
            assert_eq!(samples::found(&bytes), [""; 0], "{about}");
        }
    }
    assert!(refused > 0 && stored > 0, "{refused} refused, {stored} stored");
}

#[tokio::test]
async fn honest_files_are_served_without_metadata() {
    let Started { ana, tus, .. } = &start().await;
    for (name, media_type, file) in &samples::all() as &[Sample] {
        let file = upload(tus, name, file).await.unwrap_or_else(|| panic!("{name} is refused"));
        let message = post(ana, "", &[&file]).await;
        let attachment = &message["attachments"][0];
        assert_eq!(attachment["type"], media_type.unwrap_or("application/octet-stream"), "{name}");
        let answer = tus.get(&url(&message, 0), &[]).await;
        assert_eq!(is_inline(&answer, name), media_type.is_some(), "{name}");
        let bytes = answer.bytes().await.expect("a body");
        assert_eq!(samples::found(&bytes), [""; 0], "{name}");
        assert_eq!(attachment["size"], bytes.len(), "{name}");
        if let Some(preview) = attachment["preview_url"].as_str() {
            let answer = tus.get(preview, &[]).await;
            let media_type = header(&answer, "content-type").expect("a type");
            assert!(matches!(media_type.as_str(), "image/jpeg" | "image/webp"), "{media_type}");
        }
    }
}

#[cfg(target_os = "linux")]
fn highest_memory(server: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).expect("a file");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a line");
    let kib = line.split_whitespace().nth(1).expect("a number");
    kib.parse::<u64>().expect("a number") / 1024
}

/// Small files whose pixels take hundreds of megabytes.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn bombs_at_once_take_no_memory_of_the_server() {
    const AT_ONCE: usize = 30;
    const MOST_MIB: u64 = 32;

    let Started { server, tus, .. } = &start().await;
    let bombs = [
        bombs::Png::new(6_000, 5_000, 8, 6).whole(),
        bombs::webp(5_000, 5_000),
        bombs::jpeg(6_000, 6_000, true, 30),
        bombs::gif((5_000, 5_000), (5_000, 5_000), 100),
    ];
    let before = highest_memory(server);
    let uploads = (0..AT_ONCE).zip(bombs.iter().cycle()).map(|(number, bomb)| async move {
        let path = tus.begin(&format!("{number}.png"), bomb.len()).await;
        tus.append(&path, 0, bomb).await.status()
    });
    for status in join_all(uploads).await {
        // As a file, as damaged, or as too many at once.
        let is_known = [204, 422, 429, 503].contains(&status.as_u16());
        assert!(is_known, "{status}");
    }
    let after = highest_memory(server);
    assert!(after - before <= MOST_MIB, "{before} MiB before, {after} MiB after");
}
