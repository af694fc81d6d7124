//! Files on an S3 server: `script/s3` runs one. Without it there is nothing to test here.

use std::net::SocketAddr;
use std::time::Duration;

use patio::chat::files::Files;
use reqwest::{Method, StatusCode};

use super::{Tus, header, id, post, url};
use crate::support::{BUCKET_SECRET, Proxy, Server, Storage};

/// A server whose files are behind a proxy.
async fn behind_proxy() -> Option<(Server, Proxy)> {
    let bucket = Storage::bucket()?;
    let address = bucket.rsplit("http://").next().expect("an address");
    let proxy = Proxy::before(address.parse::<SocketAddr>().expect("an address"));
    let bucket = bucket.replace(address, &proxy.address.to_string());
    let flags = Storage::bucket_flags(&bucket, BUCKET_SECRET);
    Some((Server::on_storage(Storage::new().await.with_files(flags)).await, proxy))
}

/// Sends what has not arrived, as clients do.
async fn finish(tus: &Tus, path: &str, bytes: &[u8]) {
    let offset = header(&tus.head(path).await, "upload-offset").expect("an offset");
    let offset: usize = offset.parse().expect("a number");
    assert_eq!(offset < bytes.len(), Storage::is_on_postgres(), "what arrived is kept");
    if offset < bytes.len() {
        let answer = tus.append(path, offset, &bytes[offset..]).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }
}

fn bytes(length: u32) -> Vec<u8> {
    (0..length).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect()
}

#[tokio::test]
async fn a_large_file_goes_there_in_parts_and_is_read_in_ranges() {
    if Storage::bucket().is_none() {
        return;
    }
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    let sent = bytes(12_000_000);
    let message = post(&ana, "", &[&tus.upload("a.bin", &sent).await]).await;
    assert!(!server.data().join("files").exists(), "nothing is in the data directory");
    let left = std::fs::read_dir(server.data().join("uploads")).expect("a folder").count();
    assert_eq!(left, 0);
    for (range, part) in [
        ("bytes=0-9", 0..10),
        ("bytes=5242870-5242889", 5_242_870..5_242_890),
        ("bytes=11999990-", 11_999_990..12_000_000),
        ("bytes=-1", 11_999_999..12_000_000),
    ] {
        let read = tus.get(&url(&message, 0), &[("range", range)]).await;
        assert_eq!(read.status(), StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(read.bytes().await.expect("a body"), sent[part], "{range}");
    }
    assert!(tus.get(&url(&message, 0), &[]).await.bytes().await.expect("a body") == sent);
}

#[tokio::test]
async fn two_servers_on_one_database_serve_each_others_files() {
    if Storage::bucket().is_none() {
        return;
    }
    let one = Server::start().await;
    let ana = one.api("ana").await;
    let other = one.elsewhere().await;
    let (here, there) = (Tus::new(&one, &ana), Tus::new(&other, &ana));
    let path = here.begin("a.txt", 6).await;
    assert_eq!(here.append(&path, 0, b"abc").await.status(), StatusCode::NO_CONTENT);
    let offset = async |tus: &Tus| header(&tus.head(&path).await, "upload-offset");
    if !Storage::is_on_postgres() {
        // Of a database in a file there is one server. What arrived at another begins again.
        assert_eq!(offset(&there).await.as_deref(), Some("0"));
        assert_eq!(there.append(&path, 3, b"def").await.status(), StatusCode::CONFLICT);
        assert_eq!(there.append(&path, 0, b"abc").await.status(), StatusCode::NO_CONTENT);
    }
    assert_eq!(there.append(&path, 3, b"def").await.status(), StatusCode::NO_CONTENT);
    assert_eq!(offset(&here).await.as_deref(), Some("6"), "it is a file now");
    assert_eq!(here.append(&path, 3, b"def").await.status(), StatusCode::CONFLICT);
    assert_eq!(here.append(&path, 6, b"").await.status(), StatusCode::NO_CONTENT);
    let message = post(&ana, "", &[&id(&path), &here.upload("b.txt", b"of the first").await]).await;
    for tus in [&here, &there] {
        for (file, text) in [(0, "abcdef"), (1, "of the first")] {
            let read = tus.get(&url(&message, file), &[]).await;
            assert_eq!(read.text().await.expect("a body"), text);
        }
    }
    // What is left of the upload at the first one is deleted there.
    one.state().service::<Files>().prune().await.expect("pruned");
}

#[tokio::test]
async fn nothing_is_lost_while_the_server_is_away() {
    let Some((server, proxy)) = behind_proxy().await else { return };
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    let before = post(&ana, "before", &[&tus.upload("a.txt", b"one").await]).await;
    let deleted = post(&ana, "", &[&tus.upload("b.txt", b"two").await]).await;
    ana.ok(Method::DELETE, &format!("/messages/{}", deleted["id"]), None).await;
    let path = tus.begin("c.txt", 5).await;
    assert_eq!(tus.append(&path, 0, b"th").await.status(), StatusCode::NO_CONTENT);
    proxy.cut();
    let mut answers =
        vec![tus.append(&path, 2, b"ree").await, tus.get(&url(&before, 0), &[]).await];
    if !Storage::is_on_postgres() {
        // All bytes are in the data directory.
        answers.push(tus.head(&path).await);
    }
    for answer in answers {
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(header(&answer, "retry-after").as_deref(), Some("10"));
    }
    let form = ana.upload("/files", &[], ("file", b"four")).await;
    assert_eq!(form.status(), StatusCode::SERVICE_UNAVAILABLE);
    post(&ana, "texts need no storage", &[]).await;
    server.advance(Duration::from_hours(23));
    let files = server.state().service::<Files>();
    files.prune().await.expect("what can be done without it");
    proxy.open();
    finish(&tus, &path, b"three").await;
    let after = post(&ana, "after", &[&id(&path)]).await;
    for (message, text) in [(&before, "one"), (&after, "three")] {
        let read = tus.get(&url(message, 0), &[]).await;
        assert_eq!(read.text().await.expect("a body"), text);
    }
    proxy.cut();
    server.advance(Duration::from_hours(2));
    files.prune().await.expect("what can be done without it");
    proxy.open();
    assert_eq!(tus.upload("b.txt", b"other").await.len(), 22);
    server.advance(Duration::from_hours(1));
    files.prune().await.expect("pruned");
    assert_eq!(server.storage().contents().await, 3, "the deleted one is gone");
}

#[tokio::test]
async fn wrong_keys_are_a_failure_of_the_storage_and_stay_secret() {
    let Some(bucket) = Storage::bucket() else { return };
    let wrong = Storage::bucket_flags(&bucket, "hunter2-hunter2");
    let server = Server::on_storage(Storage::new().await.with_files(wrong)).await;
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    let path = tus.begin("a.txt", 3).await;
    let refused = tus.append(&path, 0, b"one").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    let text = refused.text().await.expect("a body");
    assert!(!text.contains("hunter2") && !text.contains("Signature"), "{text}");
    // As soon as the keys are right, nothing is missing.
    let server = server.restart_with_files(Storage::bucket_flags(&bucket, BUCKET_SECRET)).await;
    let (tus, ana) = (Tus::new(&server, &ana), ana.through(&server));
    finish(&tus, &path, b"one").await;
    post(&ana, "", &[&id(&path)]).await;
}

#[tokio::test]
async fn a_file_is_passed_on_while_the_server_still_sends_it() {
    let Some((server, proxy)) = behind_proxy().await else { return };
    let ana = server.api("ana").await;
    let tus = Tus::new(&server, &ana);
    let sent = bytes(8_000_000);
    let message = post(&ana, "", &[&tus.upload("a.bin", &sent).await]).await;
    proxy.hold_after(2_000_000);
    let mut read = tus.get(&url(&message, 0), &[]).await;
    let mut received = Vec::new();
    while received.len() < 1_500_000 {
        received.extend(read.chunk().await.expect("a part").expect("more"));
    }
    proxy.open();
    while let Some(part) = read.chunk().await.expect("a part") {
        received.extend(part);
    }
    assert!(received == sent);
}
