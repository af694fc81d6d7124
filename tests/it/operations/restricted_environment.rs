//! Commands in a restricted environment, such as a container with a read-only root or a full disk.
//! Backups exist for `SQLite` only.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Output};

use crate::support::Process;
use crate::support::command::{failure, success, text};

const PATIO: &str = env!("CARGO_BIN_EXE_patio");
const USER: u32 = 65532;

/// Mounts everything read-only except one folder.
const READ_ONLY: &str = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro / && cd / &&
    exec setpriv --reuid 65532 --regid 65532 --clear-groups \"$@\"";

/// Runs a command as an unprivileged user with a read-only root. If the test has no right to do that, the
/// command runs without a folder for temporary files instead.
fn confined(writable: &Path, arguments: &[&str], data: Option<&Path>) -> Output {
    let mut command = if can_confine(writable) {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", READ_ONLY, text(writable), PATIO]);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    } else {
        let mut command = Command::new(PATIO);
        command.env_clear().env("TMPDIR", writable.join("none"));
        command
    };
    command.args(arguments).envs(data.map(|data| ("DATA_DIR", data)));
    command.output().expect("it runs")
}

fn can_confine(writable: &Path) -> bool {
    let mut probe = Command::new("unshare");
    probe.args(["--mount", "sh", "-c", READ_ONLY, text(writable), PATIO, "--version"]);
    probe.output().is_ok_and(|output| output.status.success())
}

#[test]
fn commands_write_only_to_their_data_directory() {
    let folder = tempfile::tempdir().expect("a directory");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("open");
    let data = folder.path().join("data");
    fs::create_dir(&data).expect("made");
    // Fails if the test is not run by root. Then it runs as an unprivileged user already.
    let _is_given = chown(&data, Some(USER), Some(USER)).is_ok();
    let run = |arguments: &[&str]| success(&confined(&data, arguments, Some(&data)));

    run(&["user", "add", "ana", "ana@example.org"]);
    let streamed = confined(&data, &["backup", "-"], Some(&data));
    assert_eq!(streamed.status.code(), Some(0), "{}", String::from_utf8_lossy(&streamed.stderr));
    let outside = folder.path().join("streamed.tar");
    fs::write(&outside, &streamed.stdout).expect("written");
    fs::set_permissions(&outside, fs::Permissions::from_mode(0o644)).expect("open");
    assert!(run(&["verify", text(&outside)]).contains("1 users"));

    let inside = data.join("x.tar");
    run(&["backup", text(&inside)]);
    assert!(success(&confined(&data, &["verify", text(&inside)], None)).contains("1 users"));
    let export = data.join("export");
    run(&["export", "--full", text(&export)]);
    let moved = data.join("moved");
    let import = ["import", "patio", text(&export)];
    assert!(success(&confined(&data, &import, Some(&moved))).contains("1 users"));
    run(&["restore", "--force", text(&outside)]);
    assert!(run(&["user", "list"]).contains("ana"));

    let left = fs::read_dir(&data).expect("a folder").map(|entry| entry.expect("one").file_name());
    let left: Vec<_> = left.filter(|name| text(name.as_ref()).starts_with('.')).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn export_works_in_an_empty_folder_with_read_only_parent() {
    let folder = tempfile::tempdir().expect("a directory");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("open");
    let all = folder.path().join("all");
    fs::create_dir(&all).expect("made");
    let _is_given = chown(&all, Some(USER), Some(USER)).is_ok();
    let data = all.join("data");
    success(&confined(&all, &["user", "add", "ana", "ana@example.org"], Some(&data)));
    let export = all.join("export");
    fs::create_dir(&export).expect("made");
    let _is_given = chown(&export, Some(USER), Some(USER)).is_ok();
    fs::set_permissions(&all, fs::Permissions::from_mode(0o555)).expect("closed");
    success(&confined(&all, &["export", text(&export)], Some(&data)));
    fs::set_permissions(&all, fs::Permissions::from_mode(0o755)).expect("open");
    for name in ["export.json", "index.html", "people.jsonl"] {
        assert!(export.join(name).is_file(), "{name}");
    }
    assert!(
        !fs::read_dir(&export)
            .expect("a folder")
            .any(|entry| { text(entry.expect("one").file_name().as_ref()).starts_with('.') })
    );
}

/// Limits the size of each file, so that writing fails as on a full disk.
fn without_room(arguments: &[&str], data: &Path) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "sh", PATIO]).args(arguments);
    command.env_clear().env("DATA_DIR", data).output().expect("it runs")
}

#[test]
fn environment_errors_are_not_reported_as_corrupted_data() {
    let folder = tempfile::tempdir().expect("a directory");
    let (data, archive) = (folder.path().join("data"), folder.path().join("x.tar"));
    let add = ["user", "add", "ana", "ana@example.org"];
    let patio = |arguments: &[&str]| {
        let mut command = Command::new(PATIO);
        command.env_clear().env("DATA_DIR", &data).args(arguments).output().expect("it runs")
    };
    success(&patio(&add));
    success(&patio(&["backup", text(&archive)]));
    let no_room = failure(&without_room(&["verify", text(&archive)], &data));
    let missing = failure(&patio(&["verify", "/none/x.tar"]));
    let not_a_file = failure(&patio(&["verify", text(&data)]));
    for error in [no_room, missing, not_a_file] {
        assert!(error.contains("was not verified"), "{error}");
        for word in ["damaged", "cut off", "cannot be restored", "no backup", "no database"] {
            assert!(!error.contains(word), "{error}");
        }
    }
    success(&patio(&["verify", text(&archive)]));
    fs::write(folder.path().join("half.tar"), &fs::read(&archive).expect("read")[..4096])
        .expect("written");
    let corrupted = failure(&patio(&["verify", text(&folder.path().join("half.tar"))]));
    assert!(corrupted.contains("cannot be restored"), "{corrupted}");
}

#[test]
fn start_on_a_full_disk_reports_it() {
    let folder = tempfile::tempdir().expect("a directory");
    for arguments in [["user", "list"].as_slice(), &["serve", "--port=1", "--log=off"]] {
        let error = failure(&without_room(arguments, &folder.path().join("data")));
        assert!(error.contains("the disk is full or not writable"), "{error}");
    }
}

#[test]
fn files_made_by_root_belong_to_the_directory_owner() {
    let folder = tempfile::tempdir().expect("a directory");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("open");
    let archive = folder.path().join("x.tar");
    let export = folder.path().join("export");
    let run = |data: &Path, arguments: &[&str]| {
        let mut command = Command::new(PATIO);
        success(
            &command.env_clear().env("DATA_DIR", data).args(arguments).output().expect("it runs"),
        )
    };
    let own = folder.path().join("own");
    run(&own, &["user", "add", "ana", "ana@example.org"]);
    run(&own, &["backup", text(&archive)]);
    run(&own, &["export", "--full", text(&export)]);
    for arguments in [
        ["user", "list"].as_slice(),
        &["restore", text(&archive)],
        &["import", "patio", text(&export)],
    ] {
        let data = folder.path().join(arguments[0]);
        fs::create_dir(&data).expect("made");
        if chown(&data, Some(USER), Some(USER)).is_err() {
            return;
        }
        run(&data, arguments);
        for entry in fs::read_dir(&data).expect("a folder") {
            let entry = entry.expect("one");
            let owner = entry.metadata().expect("there").uid();
            assert_eq!(owner, USER, "{arguments:?}: {}", entry.path().display());
        }
        if can_confine(&data) {
            success(&confined(&data, &["user", "list"], Some(&data)));
            chown(data.join("patio.db"), Some(0), Some(0)).expect("given");
            let error = failure(&confined(&data, &["user", "list"], Some(&data)));
            assert!(error.contains("patio.db belongs to user 0"), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_used_by_sign_ups_is_released() {
    let data = tempfile::tempdir().expect("a directory");
    let server = Process::start(data.path(), &[("RATE_LIMIT", "off".into())]);
    let resident = || {
        let status = fs::read_to_string(format!("/proc/{}/status", server.id())).expect("a status");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("KiB") / 1024
    };
    let before = resident();
    let names: Vec<String> = (0..16).map(|n| format!("person{n}")).collect();
    futures_util::future::join_all(names.iter().map(|name| server.api(name))).await;
    // Each hash took 19 MiB, two at a time; one may not be released yet.
    let after = resident();
    assert!(after < before + 64, "{before} MiB before, {after} MiB after");
}
