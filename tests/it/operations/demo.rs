//! `patio demo`, as someone who tries Patio uses it.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Browser, within};

/// With settings in the environment that the demo must ignore.
fn patio(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patio"));
    command.arg("demo").env_clear().env("TMPDIR", folder).current_dir(folder);
    command.env("DATA_DIR", folder.join("kept")).env("DATABASE_URL", "sqlite:kept.db");
    command
}

struct Demo {
    process: Child,
    url: String,
    password: String,
}

impl Demo {
    /// Starts the demo and reads from its output how to sign in.
    fn start(folder: &Path, port: Option<u16>) -> Self {
        let mut command = patio(folder);
        command.envs(port.map(|port| ("PORT", port.to_string())));
        let mut process = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let output = BufReader::new(process.stdout.take().expect("text"));
        let mut lines: Vec<String> = Vec::new();
        for line in output.lines().map_while(Result::ok) {
            let last = line.contains("Ctrl+C");
            lines.push(line.trim().to_owned());
            if last {
                break;
            }
        }
        let output = lines.join("\n");
        let url = output.split_whitespace().find(|word| word.starts_with("http")).expect("a URL");
        let after = lines.iter().position(|line| line.ends_with("password is")).expect("one");
        assert!(output.contains("carlos") && output.contains("luis"), "{output}");
        Self { url: url.to_owned(), password: lines[after + 2].clone(), process }
    }

    async fn sign_in(&self, name: &str) -> Browser {
        let mut browser = Browser::new(self.url.clone());
        let page = browser.login(name, &self.password).await;
        assert_eq!(page.path, "/rooms/1", "{name} is in the lobby");
        browser
    }

    fn stop(&mut self) {
        let pid = Pid::from_child(&self.process);
        kill_process(pid, Signal::TERM).expect("a signal");
        assert!(self.process.wait().expect("an end").success());
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Already ended if the test passed.
        drop(self.process.kill());
    }
}

fn content(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a directory");
    entries.map(|entry| entry.expect("one").file_name().to_string_lossy().into_owned()).collect()
}

#[tokio::test]
async fn demo_has_rooms_and_messages_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a directory");
    let mut demo = Demo::start(folder.path(), Some(free_port()));
    let [left] = &content(folder.path())[..] else { panic!("one directory") };
    assert!(left.starts_with("patio-demo-"), "{left}");

    for name in ["carlos", "luis"] {
        let mut browser = demo.sign_in(name).await;
        let lobby = browser.get("/rooms/1").await;
        let rooms = lobby.all(".sidebar .room");
        assert!(rooms.len() >= 10, "{name} has rooms and direct messages: {rooms:?}");
        let unread = lobby.all(".sidebar .badge:not([hidden])").len();
        assert!(unread >= 3, "{name} has something to read: {unread}");
        assert!(lobby.all("#online .member").len() >= 5, "others are there");
        let output = lobby.messages().join("\n");
        assert!(output.contains("mañana cortan el agua") && output.contains("no water tomorrow"));
        assert!(lobby.all(".day-divider").len() > 2, "over some days");
    }
    demo.stop();
    assert_eq!(content(folder.path()), Vec::<String>::new());
}

#[tokio::test]
async fn demo_users_write_on_their_own_and_answer_the_visitor() {
    let folder = tempfile::tempdir().expect("a directory");
    let demo = Demo::start(folder.path(), Some(free_port()));
    let mut luis = demo.sign_in("luis").await;
    let mut live = luis.live().await;
    let opened = live.open_room(1, None).await;
    let last_seq = opened[0]["last_seq"].as_i64().expect("a number");
    luis.say("¿Hay alguien?").await;
    // The visitor's own message, one of the script, and two replies. Reactions in between send the same
    // messages again.
    for n in 1..=4 {
        let new = format!("data-seq=\"{}\"", last_seq + n);
        let arrives = async {
            while !live.until("message").await["html"].as_str().expect("HTML").contains(&new) {}
        };
        within("the next message arrives", arrives).await;
    }
    let page = luis.get("/rooms/1").await;
    assert!(page.all(".message__author").iter().all(|name| name.contains(' ')), "full names");
    let output = page.messages();
    let output: Vec<&str> = output.iter().rev().take(4).map(String::as_str).collect();
    for words in ["¿Hay alguien?", "Just checked", "Hello there!", "un plato más"] {
        assert!(output.iter().any(|text| text.contains(words)), "{words} in {output:?}");
    }
}

#[tokio::test]
async fn default_port_may_be_in_use_but_a_given_one_may_not() {
    // This fails if another process has the port, and then the port is taken as well.
    let usual = TcpListener::bind("127.0.0.1:3000");
    let folder = tempfile::tempdir().expect("a directory");
    let mut demo = Demo::start(folder.path(), None);
    assert!(!demo.url.ends_with(":3000"), "{}", demo.url);
    demo.sign_in("carlos").await;
    let port = demo.url.rsplit(':').next().expect("a port").to_owned();
    let named = patio(folder.path()).args(["--port", &port]).output().expect("it runs");
    assert_eq!(named.status.code(), Some(1));
    let error = String::from_utf8(named.stderr).expect("text");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.contains(&port), "{error}");
    demo.stop();
    drop(usual);
    assert_eq!(content(folder.path()), Vec::<String>::new());
}

#[test]
fn only_a_flag_exposes_the_demo_and_a_warning_is_shown() {
    for (flag, others, warned) in
        [(None, false, false), (Some("127.0.0.2"), true, false), (Some("0.0.0.0"), true, true)]
    {
        let folder = tempfile::tempdir().expect("a directory");
        let port = free_port();
        let mut command = patio(folder.path());
        // The demo does not need a folder for temporary files either.
        std::fs::create_dir(folder.path().join("kept")).expect("made");
        command.env("TMPDIR", folder.path().join("none")).env("LISTEN", "127.0.0.2");
        command.args(["--port", &port.to_string()]);
        command.args(flag.map(|flag| format!("--listen={flag}")));
        let mut process =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let output = BufReader::new(process.stdout.take().expect("text"));
        assert!(output.lines().map_while(Result::ok).any(|line| line.contains("Ctrl+C")));
        assert_eq!(TcpStream::connect(("127.0.0.2", port)).is_ok(), others, "{flag:?}");
        assert_eq!(TcpStream::connect(("127.0.0.1", port)).is_ok(), flag != Some("127.0.0.2"));
        kill_process(Pid::from_child(&process), Signal::TERM).expect("a signal");
        let ended = process.wait_with_output().expect("an end");
        let warnings = String::from_utf8(ended.stderr).expect("text");
        assert_eq!(warnings.contains("anyone who can reach"), warned, "{flag:?}: {warnings}");
        assert_eq!(content(&folder.path().join("kept")), Vec::<String>::new());
    }
}

fn free_port() -> u16 {
    let probe = TcpListener::bind("127.0.0.1:0").expect("a port");
    probe.local_addr().expect("an address").port()
}
