//! A thousand hostile files, each read by a child process as in the server.

use futures_util::future::join_all;
use patio::media::{DOWNLOAD, FileKind, InlineType, InspectError};

use super::inspection::Desk;
use crate::support::samples::{self, hostile};

const SEED: u64 = 15;
const FILES: usize = 1_000;
/// Children at once.
const DESKS: usize = 4;

#[tokio::test]
async fn hostile_files_end_no_server_and_are_shown_only_as_what_the_list_allows() {
    let files = hostile::files(SEED, FILES);
    let outcomes = join_all(files.chunks(FILES / DESKS).map(|files| async move {
        let desk = Desk::new();
        let mut accepted = 0;
        for hostile in files {
            accepted += usize::from(is_accepted(&desk, hostile).await);
        }
        accepted
    }));
    let accepted: usize = outcomes.await.into_iter().sum();
    // Neither is everything refused, nor is nothing.
    assert!((FILES / 10..FILES * 9 / 10).contains(&accepted), "{accepted}");
}

async fn is_accepted(desk: &Desk, hostile: &hostile::Hostile) -> bool {
    let about = &hostile.about;
    let inspected = match desk.inspect(&hostile.file).await {
        Ok(inspected) => inspected,
        Err(InspectError::Damaged | InspectError::TooCostly) => return false,
        Err(error) => panic!("{about}: {error}"),
    };
    if let Some(inline) = InlineType::from_media_type(&inspected.media_type) {
        assert_eq!(inline.kind(), inspected.kind, "{about}");
        if hostile.must_be_clean {
            assert_eq!(samples::found(&desk.cleaned()), [""; 0], "{about}");
        }
    } else {
        assert_eq!((inspected.kind, inspected.media_type.as_str()), (FileKind::File, DOWNLOAD));
        assert!(!inspected.preview, "{about}");
    }
    true
}
