//! Uploads where several servers share a storage: on `PostgreSQL`, in a bucket if `script/s3` runs one, else in a
//! directory. Elsewhere there is nothing to test here.

use std::path::PathBuf;
use std::time::Duration;

use patio::chat::files::Files;
use reqwest::{Method, StatusCode};
use tempfile::TempDir;

use super::{Tus, begin_request, header, id, post, url};
use crate::support::{Server, Storage, eventually, numbers};

const PART: usize = 5 * 1024 * 1024;

/// A database, and a storage that other servers may share. The directory is that of the storage.
async fn shared() -> Option<(Storage, TempDir)> {
    if !Storage::is_on_postgres() {
        return None;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let storage = Storage::new().await;
    if Storage::bucket().is_some() {
        return Some((storage, directory));
    }
    let flag = format!("--storage-url=file://{}?shared=1", directory.path().display());
    Some((storage.with_files(vec![flag]), directory))
}

async fn two() -> Option<(Server, Server, TempDir)> {
    let (storage, directory) = shared().await?;
    let one = Server::on_storage(storage).await;
    let other = one.elsewhere().await;
    Some((one, other, directory))
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect()
}

async fn offset(tus: &Tus, path: &str) -> usize {
    let state = tus.head(path).await;
    assert_eq!(state.status(), StatusCode::OK);
    header(&state, "upload-offset").expect("an offset").parse().expect("a number")
}

/// The pieces in the directory; `None` if they are in a bucket.
fn pieces(directory: &TempDir) -> Option<Vec<PathBuf>> {
    if Storage::bucket().is_some() {
        return None;
    }
    let Ok(found) = std::fs::read_dir(directory.path().join("uploads")) else {
        return Some(Vec::new());
    };
    Some(found.map(|entry| entry.expect("an entry").path()).collect())
}

#[tokio::test]
async fn an_upload_goes_on_at_any_server_and_after_a_cut() {
    let Some((one, other, directory)) = two().await else { return };
    let ana = one.api("ana").await;
    let servers = [(&one, Tus::new(&one, &ana)), (&other, Tus::new(&other, &ana))];
    let sent = bytes(2 * PART + 1_300_000);
    let path = servers[0].1.begin("a.bin", sent.len()).await;
    // A large piece, the cut, and then pieces of any size at both in turn.
    let stream = begin_request(&one, &servers[0].1, &path, 0, &sent[..PART + 700_000]).await;
    eventually("a full piece has arrived", async || offset(&servers[1].1, &path).await >= PART)
        .await;
    drop(stream);
    let all = async || offset(&servers[1].1, &path).await == PART + 700_000;
    eventually("what was sent before the cut has arrived", all).await;
    let mut at = PART + 700_000;
    for (number, length) in [1, 900_000, usize::MAX].into_iter().enumerate() {
        let (tus, there) = (&servers[number % 2].1, &servers[(number + 1) % 2].1);
        let end = at.saturating_add(length).min(sent.len());
        let answer = tus.append(&path, at, &sent[at..end]).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{number}");
        assert_eq!(offset(there, &path).await, end);
        let again = there.append(&path, at, &sent[at..end]).await;
        assert_eq!(again.status(), StatusCode::CONFLICT, "these bytes are here");
        at = end;
    }
    let message = post(&ana, "", &[&id(&path)]).await;
    for (_, tus) in &servers {
        assert!(tus.get(&url(&message, 0), &[]).await.bytes().await.expect("a body") == sent);
    }
    assert_eq!(pieces(&directory).unwrap_or_default(), Vec::<PathBuf>::new());
    for server in [&one, &other] {
        let left = std::fs::read_dir(server.data().join("uploads")).expect("a folder");
        assert_eq!(left.count(), 0);
    }
}

#[tokio::test]
async fn of_two_requests_for_the_same_bytes_one_counts() {
    let Some((one, other, _directory)) = two().await else { return };
    let ana = one.api("ana").await;
    let (here, there) = (Tus::new(&one, &ana), Tus::new(&other, &ana));
    let sent = bytes(4_000);
    let path = here.begin("a.bin", sent.len()).await;
    let mut at = 0;
    while at < sent.len() {
        let (short, long) =
            (&sent[at..sent.len().min(at + 300)], &sent[at..sent.len().min(at + 500)]);
        let answers = tokio::join!(here.append(&path, at, short), there.append(&path, at, long));
        let mut statuses = [answers.0.status().as_u16(), answers.1.status().as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 409], "at {at}");
        at = offset(&here, &path).await;
        assert_eq!(offset(&there, &path).await, at);
    }
    let message = post(&ana, "", &[&id(&path)]).await;
    assert!(there.get(&url(&message, 0), &[]).await.bytes().await.expect("a body") == sent);
}

#[tokio::test]
async fn another_server_completes_what_one_could_not() {
    let Some((one, other, directory)) = two().await else { return };
    if Storage::bucket().is_some() {
        return;
    }
    let ana = one.api("ana").await;
    let (here, there) = (Tus::new(&one, &ana), Tus::new(&other, &ana));
    let path = here.begin("a.txt", 6).await;
    assert_eq!(here.append(&path, 0, b"abc").await.status(), StatusCode::NO_CONTENT);
    // No content can be stored, as if the process ended before.
    let contents = directory.path().join("files");
    std::fs::write(&contents, b"in the way").expect("written");
    assert_eq!(here.append(&path, 3, b"def").await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    std::fs::remove_file(contents).expect("removed");
    assert_eq!(offset(&there, &path).await, 6);
    assert_eq!(here.append(&path, 6, b"").await.status(), StatusCode::NO_CONTENT);
    let message = post(&ana, "", &[&id(&path)]).await;
    assert_eq!(here.get(&url(&message, 0), &[]).await.text().await.expect("a body"), "abcdef");
}

#[tokio::test]
async fn an_upload_without_one_of_its_pieces_begins_again() {
    let Some((one, other, directory)) = two().await else { return };
    if Storage::bucket().is_some() {
        return;
    }
    let ana = one.api("ana").await;
    let (here, there) = (Tus::new(&one, &ana), Tus::new(&other, &ana));
    let path = here.begin("a.bin", PART + 6).await;
    let sent = bytes(PART + 6);
    assert_eq!(here.append(&path, 0, &sent[..PART]).await.status(), StatusCode::NO_CONTENT);
    for piece in pieces(&directory).expect("a directory") {
        std::fs::remove_file(piece).expect("removed");
    }
    assert_eq!(there.append(&path, PART, &sent[PART..]).await.status(), StatusCode::CONFLICT);
    assert_eq!(offset(&here, &path).await, 0);
    assert_eq!(there.append(&path, 0, &sent).await.status(), StatusCode::NO_CONTENT);
    let message = post(&ana, "", &[&id(&path)]).await;
    assert!(there.get(&url(&message, 0), &[]).await.bytes().await.expect("a body") == sent);
}

#[tokio::test]
async fn the_pieces_of_an_upload_end_with_it() {
    let Some((one, other, directory)) = two().await else { return };
    let ana = one.api("ana").await;
    let (here, there) = (Tus::new(&one, &ana), Tus::new(&other, &ana));
    let (cancelled, expired) = (here.begin("a.txt", 6).await, here.begin("b.txt", 6).await);
    for path in [&cancelled, &expired] {
        assert_eq!(here.append(path, 0, b"abc").await.status(), StatusCode::NO_CONTENT);
    }
    let count = || pieces(&directory).map(|found| found.len());
    assert_eq!(count().unwrap_or(2), 2);
    let ended = there.send(Method::DELETE, &cancelled, &[], Vec::new()).await;
    assert_eq!(ended.status(), StatusCode::NO_CONTENT);
    assert_eq!(here.append(&cancelled, 3, b"def").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(count().unwrap_or(1), 1);
    // What a process that ended left behind.
    let left = directory.path().join(format!("uploads/{}.{}", id(&cancelled), id(&expired)));
    if count().is_some() {
        std::fs::write(&left, b"abc").expect("written");
    }
    let files = other.state().service::<Files>();
    one.advance(Duration::from_hours(23));
    files.prune().await.expect("pruned");
    assert_eq!(count().unwrap_or(2), 2, "its sender may still come back");
    assert_eq!(offset(&there, &expired).await, 3);
    one.advance(Duration::from_hours(2));
    if count().is_some() {
        let old = std::fs::File::options().append(true).open(&left).expect("opened");
        old.set_modified(std::time::UNIX_EPOCH).expect("made old");
    }
    files.prune().await.expect("pruned");
    assert_eq!(there.head(&expired).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(count().unwrap_or(0), 0);
    let rows = numbers(&one.storage().open().await, "select count(*) from upload_pieces").await;
    assert_eq!(rows, [0]);
}

#[tokio::test]
async fn without_a_data_directory_that_can_be_written_eight_files_arrive_at_a_time() {
    let Some((storage, _directory)) = shared().await else { return };
    std::fs::write(storage.directory().join("uploads"), b"in the way").expect("written");
    let server = Server::on_storage(storage).await;
    let mut waiting = Vec::new();
    for name in ["ana", "luis"] {
        let tus = Tus::new(&server, &server.api(name).await);
        for _ in 0..4 {
            let path = tus.begin("a.bin", 3).await;
            waiting.push(begin_request(&server, &tus, &path, 0, b"a").await);
        }
    }
    let eva = server.api("eva").await;
    let tus = Tus::new(&server, &eva);
    let sent = bytes(PART + 70_000);
    let path = tus.begin("a.bin", sent.len()).await;
    let full = async || tus.append(&path, 0, b"").await.status() == StatusCode::SERVICE_UNAVAILABLE;
    eventually("all places are taken", full).await;
    let refused = tus.append(&path, 0, &sent[..1]).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(&refused, "retry-after").as_deref(), Some("5"));
    drop(waiting);
    let free = async || tus.append(&path, 0, b"").await.status() == StatusCode::NO_CONTENT;
    eventually("a place is free", free).await;
    assert_eq!(tus.append(&path, 0, &sent).await.status(), StatusCode::NO_CONTENT);
    let form = eva.upload("/files", &[], ("file", b"miau")).await;
    assert_eq!(form.status(), StatusCode::CREATED);
    let message = post(&eva, "", &[&id(&path)]).await;
    assert!(tus.get(&url(&message, 0), &[]).await.bytes().await.expect("a body") == sent);
}
