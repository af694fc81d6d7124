//! `patio demo`, as somebody who tries Patio meets it.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::Browser;

/// Whatever else the environment says: the demo keeps out of it.
fn patio(place: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patio"));
    command.arg("demo").env_clear().env("TMPDIR", place).current_dir(place);
    command.env("DATA_DIR", place.join("kept")).env("DATABASE_URL", "sqlite:kept.db");
    command
}

struct Demo {
    process: Child,
    url: String,
    password: String,
}

impl Demo {
    /// Starts it and reads how to sign in, as one does.
    fn start(place: &Path, port: Option<u16>) -> Self {
        let mut command = patio(place);
        command.envs(port.map(|port| ("PORT", port.to_string())));
        let mut process = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let said = BufReader::new(process.stdout.take().expect("text"));
        let mut lines: Vec<String> = Vec::new();
        for line in said.lines().map_while(Result::ok) {
            let last = line.contains("Ctrl+C");
            lines.push(line.trim().to_owned());
            if last {
                break;
            }
        }
        let told = lines.join("\n");
        let url = told.split_whitespace().find(|word| word.starts_with("http")).expect("a URL");
        let after = lines.iter().position(|line| line.ends_with("password is")).expect("one");
        assert!(told.contains("carlos") && told.contains("luis"), "{told}");
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
        // Ended already, when all went well.
        drop(self.process.kill());
    }
}

fn content(place: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(place).expect("a directory");
    entries.map(|entry| entry.expect("one").file_name().to_string_lossy().into_owned()).collect()
}

#[tokio::test]
async fn the_demo_is_a_house_full_of_talk_that_is_gone_when_it_stops() {
    let place = tempfile::tempdir().expect("a directory");
    let mut demo = Demo::start(place.path(), Some(free_port()));
    let [left] = &content(place.path())[..] else { panic!("one directory") };
    assert!(left.starts_with("patio-demo-"), "{left}");

    for name in ["carlos", "luis"] {
        let mut browser = demo.sign_in(name).await;
        let lobby = browser.get("/rooms/1").await;
        let rooms = lobby.all(".sidebar .room");
        assert!(rooms.len() >= 10, "{name} has rooms and conversations: {rooms:?}");
        let unread = lobby.all(".sidebar .badge:not([hidden])").len();
        assert!(unread >= 3, "{name} has something to read: {unread}");
        assert!(lobby.all("#online .member").len() >= 5, "others are there");
        let said = lobby.messages().join("\n");
        assert!(said.contains("mañana cortan el agua") && said.contains("no water tomorrow"));
        assert!(lobby.all(".day-divider").len() > 2, "over some days");
    }
    demo.stop();
    assert_eq!(content(place.path()), Vec::<String>::new());
}

#[tokio::test]
async fn the_neighbours_write_by_themselves_and_answer_who_speaks_to_them() {
    let place = tempfile::tempdir().expect("a directory");
    let demo = Demo::start(place.path(), Some(free_port()));
    let mut luis = demo.sign_in("luis").await;
    let mut live = luis.live().await;
    let opened = live.open_room(1, None).await;
    let last_seq = opened[0]["last_seq"].as_i64().expect("a number");
    luis.say("¿Hay alguien?").await;
    // One's own, one out of the script, two answers; reactions in between say nothing new.
    for n in 1..=4 {
        let new = format!("data-seq=\"{}\"", last_seq + n);
        while !live.until("message").await["html"].as_str().expect("HTML").contains(&new) {}
    }
    let page = luis.get("/rooms/1").await;
    assert!(page.all(".message__author").iter().all(|name| name.contains(' ')), "full names");
    let said = page.messages();
    let said: Vec<&str> = said.iter().rev().take(4).map(String::as_str).collect();
    for words in ["¿Hay alguien?", "Just checked", "Hello there!", "un plato más"] {
        assert!(said.iter().any(|text| text.contains(words)), "{words} in {said:?}");
    }
}

#[tokio::test]
async fn the_usual_port_may_be_taken_and_a_named_one_may_not() {
    // Whoever has it: it is taken.
    let usual = TcpListener::bind("127.0.0.1:3000");
    let place = tempfile::tempdir().expect("a directory");
    let mut demo = Demo::start(place.path(), None);
    assert!(!demo.url.ends_with(":3000"), "{}", demo.url);
    demo.sign_in("carlos").await;
    let port = demo.url.rsplit(':').next().expect("a port").to_owned();
    let named = patio(place.path()).args(["--port", &port]).output().expect("it runs");
    assert_eq!(named.status.code(), Some(1));
    let complaint = String::from_utf8(named.stderr).expect("text");
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    assert!(complaint.contains(&port), "{complaint}");
    demo.stop();
    drop(usual);
    assert_eq!(content(place.path()), Vec::<String>::new());
}

#[test]
fn only_its_flag_opens_the_demo_to_others_and_that_is_warned_of() {
    for (flag, others, warned) in
        [(None, false, false), (Some("127.0.0.2"), true, false), (Some("0.0.0.0"), true, true)]
    {
        let place = tempfile::tempdir().expect("a directory");
        let port = free_port();
        let mut command = patio(place.path());
        // Nor does it need a folder for temporary files.
        std::fs::create_dir(place.path().join("kept")).expect("made");
        command.env("TMPDIR", place.path().join("none")).env("LISTEN", "127.0.0.2");
        command.args(["--port", &port.to_string()]);
        command.args(flag.map(|flag| format!("--listen={flag}")));
        let mut process =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let said = BufReader::new(process.stdout.take().expect("text"));
        assert!(said.lines().map_while(Result::ok).any(|line| line.contains("Ctrl+C")));
        assert_eq!(TcpStream::connect(("127.0.0.2", port)).is_ok(), others, "{flag:?}");
        assert_eq!(TcpStream::connect(("127.0.0.1", port)).is_ok(), flag != Some("127.0.0.2"));
        kill_process(Pid::from_child(&process), Signal::TERM).expect("a signal");
        let ended = process.wait_with_output().expect("an end");
        let complaints = String::from_utf8(ended.stderr).expect("text");
        assert_eq!(complaints.contains("anyone who can reach"), warned, "{flag:?}: {complaints}");
        assert_eq!(content(&place.path().join("kept")), Vec::<String>::new());
    }
}

fn free_port() -> u16 {
    let probe = TcpListener::bind("127.0.0.1:0").expect("a port");
    probe.local_addr().expect("an address").port()
}
