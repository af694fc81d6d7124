//! Files move with everything else: between databases, and between the data directory and an S3 server.

use reqwest::StatusCode;

use super::{Tus, post, url};
use crate::support::command::{patio, success, text};
use crate::support::{Api, BUCKET_SECRET, Server, Storage};

/// A message with a file of several parts and a small one.
async fn with_files(server: &Server) -> (Api, serde_json::Value) {
    let ana = server.api("ana").await;
    let tus = Tus::new(server, &ana);
    let large = tus.upload("a.bin", &vec![7; 6_000_000]).await;
    let small = tus.upload("b.txt", b"b").await;
    let message = post(&ana, "", &[&large, &small]).await;
    (ana, message)
}

async fn assert_has_files(server: &Server, ana: &Api, message: &serde_json::Value) {
    let tus = Tus::new(server, ana);
    let large = tus.get(&url(message, 0), &[]).await;
    assert_eq!(large.status(), StatusCode::OK);
    assert!(large.bytes().await.expect("a body") == vec![7; 6_000_000]);
    let small = tus.get(&url(message, 1), &[("range", "bytes=0-0")]).await;
    assert_eq!(small.text().await.expect("a body"), "b");
    assert_eq!(server.storage().contents().await, 2);
}

fn sqlite() -> Storage {
    Storage::in_directory(tempfile::tempdir().expect("a directory"))
}

fn bucket() -> Option<Vec<String>> {
    Some(Storage::bucket_flags(&Storage::bucket()?, BUCKET_SECRET))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_moves_files_to_wherever_they_are_stored() {
    let mut source = Server::on_storage(sqlite()).await;
    let (ana, message) = with_files(&source).await;
    let folder = tempfile::tempdir().expect("a directory");
    let (there, back) = (folder.path().join("there"), folder.path().join("back"));
    success(&patio(source.storage(), &["export", "--full", text(&there)]));
    source.stop().await;
    // On PostgreSQL and S3, if the tests run there.
    let moved = Storage::new().await;
    success(&patio(&moved, &["import", "patio", text(&there)]));
    success(&patio(&moved, &["export", "--full", text(&back)]));
    let moved = Server::on_storage(moved).await;
    assert_has_files(&moved, &ana, &message).await;
    let returned = sqlite();
    success(&patio(&returned, &["import", "patio", text(&back)]));
    assert_has_files(&Server::on_storage(returned).await, &ana, &message).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_restored_wherever_files_are_stored() {
    if Storage::is_on_postgres() {
        return;
    }
    let source = Server::start().await;
    let (ana, message) = with_files(&source).await;
    let folder = tempfile::tempdir().expect("a directory");
    let archive = folder.path().join("patio.tar");
    success(&patio(source.storage(), &["backup", text(&archive)]));
    let elsewhere = tempfile::tempdir().expect("a directory");
    let directory = vec![format!("--storage-url=file://{}", elsewhere.path().display())];
    for files in [Some(Vec::new()), Some(directory), bucket()].into_iter().flatten() {
        let is_inside = files.is_empty();
        let target = sqlite().with_files(files);
        success(&patio(&target, &["restore", text(&archive)]));
        assert_eq!(target.directory().join("files").exists(), is_inside);
        let restored = Server::on_storage(target).await;
        assert_has_files(&restored, &ana, &message).await;
        // Once more over itself.
        let mut restored = restored;
        restored.stop().await;
        success(&patio(restored.storage(), &["restore", "--force", text(&archive)]));
        assert_has_files(&restored.restart().await, &ana, &message).await;
    }
    assert!(elsewhere.path().join("files").exists());
}
