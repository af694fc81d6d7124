//! The executable as its operator uses it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use crate::support::{PASSWORD, Server};

fn patio() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patio"));
    command.env_clear();
    command
}

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    patio().args(arguments).envs(environment.iter().copied()).output().expect("it runs")
}

fn stderr_of(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

#[test]
fn invalid_setting_is_reported_in_one_line() {
    for (name, value, allowed) in [
        ("PORT", "0", "a number from 1 to 65535"),
        ("PORT", "http", "a number from 1 to 65535"),
        ("LISTEN", "everywhere", "an IP address"),
        ("SIGNUP", "maybe", "open, closed"),
        ("BASE_URL", "chat.example.org", "https://"),
        ("TRUSTED_PROXIES", "all", "networks"),
        ("DATABASE_URL", "mysql://x", "sqlite:"),
        ("SITE_NAME", " ", "1 to 64 characters"),
        ("RATE_LIMIT", "1", "on, off"),
        ("LOG_FORMAT", "xml", "text, json"),
        ("STORAGE_URL", "ftp://files", "s3://BUCKET/PREFIX"),
        ("DRAIN_TIMEOUT", "10s", "a number of seconds from 0 to 600"),
    ] {
        let output = run(&["serve"], &[(name, value)]);
        let text = stderr_of(&output);
        assert_eq!(output.status.code(), Some(2), "{name}: {text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains(&format!("{name}={value} ")) && text.contains(allowed), "{text}");
    }
}

#[test]
fn database_password_is_never_shown() {
    let refused = "postgres://ana:hunter2@db/patio?sslmode=maybe";
    let nowhere = "postgres://ana:hunter2@127.0.0.1:1/patio?sslmode=disable";
    // A server would wait for the database.
    let list: &[&str] = &["user", "list"];
    for (arguments, url, code, expected) in [
        (&[][..], refused, 2, "DATABASE_URL=postgres://… is not allowed; allowed: sqlite:PATH"),
        (list, nowhere, 1, "cannot open the database patio at 127.0.0.1:1"),
    ] {
        let data = tempfile::tempdir().expect("a directory");
        let path = data.path().to_str().expect("a path");
        let output = run(arguments, &[("DATABASE_URL", url), ("DATA_DIR", path), ("LOG", "off")]);
        let text = stderr_of(&output);
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains(expected) && !text.contains("hunter2"), "{text}");
    }
    let help = run(&["--help"], &[("DATABASE_URL", nowhere)]);
    let text = String::from_utf8(help.stdout).expect("text");
    assert!(text.contains("DATABASE_URL") && !text.contains("hunter2"), "{text}");
}

#[test]
fn wrong_place_for_files_is_reported_in_one_line_and_its_keys_never_are() {
    let data = tempfile::tempdir().expect("a directory");
    let path = data.path().join("data");
    let fixed = [("DATA_DIR", path.to_str().expect("a path")), ("AWS_ACCESS_KEY_ID", "key")];
    let secret = ("AWS_SECRET_ACCESS_KEY", "hunter2");
    let bucket = ("STORAGE_URL", "s3://files");
    for (settings, expected) in [
        (vec![bucket], "needs AWS_SECRET_ACCESS_KEY (or AWS_SECRET_ACCESS_KEY_FILE)"),
        (vec![bucket, secret, ("AWS_ENDPOINT_URL", "x")], "AWS_ENDPOINT_URL=x is not allowed"),
        (vec![("STORAGE_URL", "s3://key:hunter2@files")], "STORAGE_URL=s3://… is not allowed"),
        (vec![("STORAGE_URL", "s3://files?secret=hunter2")], "STORAGE_URL=s3://… is not allowed"),
        (vec![bucket, ("AWS_SECRET_ACCESS_KEY", "hunter2 x")], "visible ASCII"),
        (vec![bucket, ("AWS_SECRET_ACCESS_KEY_FILE", "/nowhere")], "a readable file"),
        (vec![("STORAGE_URL", "file:///nowhere/at/all")], "the place that STORAGE_URL names"),
    ] {
        for command in ["serve", "import patio x"] {
            let arguments: Vec<&str> = command.split(' ').collect();
            let output = run(&arguments, &[&fixed[..], &settings].concat());
            let text = stderr_of(&output);
            assert_eq!(output.status.code(), Some(2), "{command}: {text}");
            assert_eq!(text.lines().count(), 1, "{text}");
            assert!(text.contains(expected) && !text.contains("hunter2"), "{command}: {text}");
        }
    }
}

#[test]
fn database_url_can_come_from_a_file() {
    let data = tempfile::tempdir().expect("a directory");
    let file = data.path().join("url");
    let file = file.to_str().expect("a path");
    let path = data.path().to_str().expect("a path");
    let start = |more: &[(&str, &str)]| {
        let all = [("DATABASE_URL_FILE", file), ("DATA_DIR", path), ("LOG", "off"), ("PORT", "1")];
        run(&[], &[&all, more].concat())
    };
    let missing = start(&[]);
    assert_eq!(missing.status.code(), Some(2), "{}", stderr_of(&missing));
    assert!(stderr_of(&missing).contains("a readable file"), "{}", stderr_of(&missing));

    std::fs::write(file, "mysql://ana:hunter2@db/patio").expect("written");
    let wrong = start(&[]);
    let text = stderr_of(&wrong);
    assert_eq!((wrong.status.code(), text.lines().count()), (Some(2), 1), "{text}");
    assert!(
        text.contains("a file that contains sqlite:PATH") && !text.contains("hunter2"),
        "{text}"
    );

    std::fs::write(file, " sqlite:/nowhere/at/all.db\n").expect("written");
    let taken = start(&[]);
    assert_eq!(taken.status.code(), Some(1), "{}", stderr_of(&taken));
    assert!(stderr_of(&taken).contains("/nowhere/at/all.db"), "{}", stderr_of(&taken));

    let both = start(&[("DATABASE_URL", "sqlite:/nowhere/else.db")]);
    assert_eq!(both.status.code(), Some(2), "{}", stderr_of(&both));
}

#[test]
fn empty_variable_counts_as_unset() {
    let output = run(&["healthcheck"], &[("PORT", ""), ("LISTEN", "")]);
    assert!(stderr_of(&output).contains("127.0.0.1:3000"), "{}", stderr_of(&output));
    let output = run(&["serve"], &[("BASE_URL", ""), ("SIGNUP", "maybe")]);
    assert!(stderr_of(&output).starts_with("patio: SIGNUP=maybe"), "{}", stderr_of(&output));
}

#[test]
fn unknown_argument_is_a_usage_error_and_help_is_complete() {
    for arguments in [["dance"].as_slice(), &["--dance"], &["serve", "--dance"]] {
        let output = run(arguments, &[]);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(stderr_of(&output).lines().count(), 1);
    }
    let help = run(&["--help"], &[]);
    assert_eq!(help.status.code(), Some(0));
    let text = String::from_utf8(help.stdout).expect("text");
    for word in [
        "serve",
        "demo",
        "healthcheck",
        "PORT",
        "DATA_DIR",
        "BASE_URL",
        "TRUSTED_PROXIES",
        "SIGNUP",
        "LOG",
        "user",
    ] {
        assert!(text.contains(word), "{word} in {text}");
    }
}

#[test]
fn unusable_setting_is_one_line_and_exit_code_1() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let path = file.path().to_str().expect("a path");
    let output = run(&[], &[("DATA_DIR", path), ("PORT", "1"), ("LOG", "off")]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr_of(&output));
    assert_eq!(stderr_of(&output).lines().count(), 1, "{}", stderr_of(&output));
}

#[test]
fn healthcheck_succeeds_only_while_the_server_runs() {
    let data = tempfile::tempdir().expect("a directory");
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("one")
        .port();
    let port = port.to_string();
    let environment = [("PORT", port.as_str()), ("LISTEN", "127.0.0.1"), ("LOG_FORMAT", "json")];
    assert_eq!(run(&["healthcheck"], &environment).status.code(), Some(1));
    let mut server = patio()
        .envs(environment)
        .env("DATA_DIR", data.path())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let log = BufReader::new(server.stderr.take().expect("a log"));
    let open = log.lines().map_while(Result::ok).find(|line| line.contains("Patio is running"));
    let open: serde_json::Value = serde_json::from_str(&open.expect("a line")).expect("JSON");
    assert_eq!(open["level"], "INFO");
    let healthy = run(&["healthcheck"], &environment);
    server.kill().expect("killed");
    server.wait().expect("ended");
    assert_eq!(healthy.status.code(), Some(0), "{}", stderr_of(&healthy));
}

/// Runs `patio user` while a server runs on the same directory. The command blocks this thread, so the
/// server needs another one.
fn user(server: &Server, arguments: &[&str]) -> Output {
    let flags = server.storage().flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let base = ("BASE_URL", "https://chat.example.org");
    run(&[["user"].as_slice(), arguments, &flags].concat(), &[base])
}

fn printed(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", stderr_of(output));
    String::from_utf8(output.stdout.clone()).expect("text")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_add_list_and_promote_users() {
    let server = Server::with(&["--signup=closed"]).await;
    let link = printed(&user(&server, &["add", "ana", "ana@example.test"]));
    assert!(link.starts_with("https://chat.example.org/reset/"), "{link}");
    printed(&user(&server, &["add", "luis", "luis@example.test", "--admin"]));
    printed(&user(&server, &["demote", "ANA"]));
    let list = printed(&user(&server, &["list"]));
    let rows: Vec<Vec<&str>> = list.lines().map(|row| row.split_whitespace().collect()).collect();
    assert_eq!(rows[0][..3], ["ana", "member", "ana@example.test"]);
    assert_eq!(rows[1][..3], ["luis", "admin", "luis@example.test"]);
    for (arguments, text) in [
        (["add", "ana", "other@example.test"].as_slice(), "This name, or one that looks like it"),
        (&["add", "eva", "no address"], "email"),
        (&["promote", "nobody"], "there is no user nobody"),
        (&["demote", "luis"], "there must be an administrator"),
        (&["deactivate", "luis"], "there must be an administrator"),
    ] {
        let output = user(&server, arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert_eq!(stderr_of(&output).lines().count(), 1, "{}", stderr_of(&output));
        assert!(stderr_of(&output).contains(text), "{}", stderr_of(&output));
    }
    let path = link.trim().strip_prefix("https://chat.example.org").expect("a link");
    let fields = [("password", PASSWORD), ("password_confirmation", PASSWORD)];
    assert_eq!(server.browser().submit(path, &fields).await.path, "/rooms/1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn account_closed_by_command_loses_access_to_running_server() {
    let server = Server::start().await;
    server.browser_as("ana").await;
    let luis = server.api("luis").await;
    let mut live = luis.live().await;
    live.until("present").await;
    printed(&user(&server, &["deactivate", "luis"]));
    assert_eq!(live.closed().await, 4403);
    let refused = server.browser().login("luis", PASSWORD).await;
    assert_eq!(refused.status, 422);
    printed(&user(&server, &["reactivate", "luis"]));
    let mut browser = server.browser();
    assert_eq!(browser.login("luis", PASSWORD).await.path, "/rooms/1");
    let link = printed(&user(&server, &["reset-password", "luis"]));
    let path = link.trim().strip_prefix("https://chat.example.org").expect("a link");
    assert_eq!(server.browser().get(path).await.status, 200);
}
