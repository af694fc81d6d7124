//! Commands where little can be written, as in a container with a read-only root. Backups are for `SQLite`.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Output};

use crate::support::Process;
use crate::support::command::{complaint, done, text};

const PATIO: &str = env!("CARGO_BIN_EXE_patio");
const USER: u32 = 65532;

/// Everything is read-only but one folder.
const READ_ONLY: &str = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro / && cd / &&
    exec setpriv --reuid 65532 --regid 65532 --clear-groups \"$@\"";

/// Runs it as an ordinary user with a read-only root, or where a test may not do that without a folder for
/// temporary files.
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
fn every_command_needs_nothing_but_its_data_directory() {
    let place = tempfile::tempdir().expect("a directory");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("open");
    let data = place.path().join("data");
    fs::create_dir(&data).expect("made");
    // Without the right to it the test runs as an ordinary user already.
    let _is_given = chown(&data, Some(USER), Some(USER)).is_ok();
    let run = |arguments: &[&str]| done(&confined(&data, arguments, Some(&data)));

    run(&["user", "add", "ana", "ana@example.org"]);
    let streamed = confined(&data, &["backup", "-"], Some(&data));
    assert_eq!(streamed.status.code(), Some(0), "{}", String::from_utf8_lossy(&streamed.stderr));
    let outside = place.path().join("streamed.tar");
    fs::write(&outside, &streamed.stdout).expect("written");
    fs::set_permissions(&outside, fs::Permissions::from_mode(0o644)).expect("open");
    assert!(run(&["verify", text(&outside)]).contains("1 people"));

    let inside = data.join("x.tar");
    run(&["backup", text(&inside)]);
    assert!(done(&confined(&data, &["verify", text(&inside)], None)).contains("1 people"));
    let export = data.join("export");
    run(&["export", "--full", text(&export)]);
    let moved = data.join("moved");
    let import = ["import", "patio", text(&export)];
    assert!(done(&confined(&data, &import, Some(&moved))).contains("1 people"));
    run(&["restore", "--force", text(&outside)]);
    assert!(run(&["user", "list"]).contains("ana"));

    let left = fs::read_dir(&data).expect("a folder").map(|entry| entry.expect("one").file_name());
    let left: Vec<_> = left.filter(|name| text(name.as_ref()).starts_with('.')).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn an_export_goes_into_an_empty_folder_whose_parent_cannot_be_written() {
    let place = tempfile::tempdir().expect("a directory");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("open");
    let all = place.path().join("all");
    fs::create_dir(&all).expect("made");
    let _is_given = chown(&all, Some(USER), Some(USER)).is_ok();
    let data = all.join("data");
    done(&confined(&all, &["user", "add", "ana", "ana@example.org"], Some(&data)));
    let export = all.join("export");
    fs::create_dir(&export).expect("made");
    let _is_given = chown(&export, Some(USER), Some(USER)).is_ok();
    fs::set_permissions(&all, fs::Permissions::from_mode(0o555)).expect("closed");
    done(&confined(&all, &["export", text(&export)], Some(&data)));
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

/// With room for a few bytes in each file: writing fails as on a full disk.
fn without_room(arguments: &[&str], data: &Path) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "sh", PATIO]).args(arguments);
    command.env_clear().env("DATA_DIR", data).output().expect("it runs")
}

#[test]
fn a_failure_of_the_surroundings_is_not_said_of_the_data() {
    let place = tempfile::tempdir().expect("a directory");
    let (data, archive) = (place.path().join("data"), place.path().join("x.tar"));
    let add = ["user", "add", "ana", "ana@example.org"];
    let patio = |arguments: &[&str]| {
        let mut command = Command::new(PATIO);
        command.env_clear().env("DATA_DIR", &data).args(arguments).output().expect("it runs")
    };
    done(&patio(&add));
    done(&patio(&["backup", text(&archive)]));
    let no_room = complaint(&without_room(&["verify", text(&archive)], &data));
    let missing = complaint(&patio(&["verify", "/none/x.tar"]));
    let folder = complaint(&patio(&["verify", text(&data)]));
    for said in [no_room, missing, folder] {
        assert!(said.contains("was not verified"), "{said}");
        for word in ["corrupted", "truncated", "cannot be restored", "not a Patio", "not contain"] {
            assert!(!said.contains(word), "{said}");
        }
    }
    done(&patio(&["verify", text(&archive)]));
    fs::write(place.path().join("half.tar"), &fs::read(&archive).expect("read")[..4096])
        .expect("written");
    let damaged = complaint(&patio(&["verify", text(&place.path().join("half.tar"))]));
    assert!(damaged.contains("cannot be restored"), "{damaged}");
}

#[test]
fn a_start_on_a_full_disk_says_so() {
    let place = tempfile::tempdir().expect("a directory");
    for arguments in [["user", "list"].as_slice(), &["serve", "--port=1", "--log=off"]] {
        let said = complaint(&without_room(arguments, &place.path().join("data")));
        assert!(said.contains("the disk is full or not writable"), "{said}");
    }
}

#[test]
fn what_root_makes_belongs_to_the_owner_of_the_directory() {
    let place = tempfile::tempdir().expect("a directory");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("open");
    let archive = place.path().join("x.tar");
    let export = place.path().join("export");
    let run = |data: &Path, arguments: &[&str]| {
        let mut command = Command::new(PATIO);
        done(&command.env_clear().env("DATA_DIR", data).args(arguments).output().expect("it runs"))
    };
    let own = place.path().join("own");
    run(&own, &["user", "add", "ana", "ana@example.org"]);
    run(&own, &["backup", text(&archive)]);
    run(&own, &["export", "--full", text(&export)]);
    for arguments in [
        ["user", "list"].as_slice(),
        &["restore", text(&archive)],
        &["import", "patio", text(&export)],
    ] {
        let data = place.path().join(arguments[0]);
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
            done(&confined(&data, &["user", "list"], Some(&data)));
            chown(data.join("patio.db"), Some(0), Some(0)).expect("given");
            let said = complaint(&confined(&data, &["user", "list"], Some(&data)));
            assert!(said.contains("patio.db belongs to user 0"), "{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_sign_ups_took_for_a_moment_is_given_back() {
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
    // Each took 19 MiB, twice; one may be on its way back.
    let after = resident();
    assert!(after < before + 64, "{before} MiB before, {after} MiB after");
}
