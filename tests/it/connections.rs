//! Many connections at once, as the system sees them: files and their limits.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::Process;

/// Sends a request and answers what comes until the connection ends.
fn ask(server: &Process, request: &str) -> String {
    let mut stream = connect(server);
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an orderly end");
    answer
}

fn connect(server: &Process) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", server.port())).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("bounded");
    stream
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
}

#[test]
fn the_limit_of_open_files_is_raised_as_far_as_the_system_lets_it() {
    let data = tempfile::tempdir().expect("a directory");
    let server = Process::start_under("ulimit -S -n 256 && ulimit -H -n 700", data.path());
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.id())).expect("limits");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("a line");
    let numbers: Vec<_> =
        line.split_whitespace().filter_map(|word| word.parse::<u32>().ok()).collect();
    assert_eq!(numbers, [700, 700], "{line}");
}

#[test]
fn a_server_without_room_says_so_and_still_answers_health_checks() {
    let data = tempfile::tempdir().expect("a directory");
    let server = Process::start_under("ulimit -n 300", data.path());
    // Silent, half a head, idle: more than there is room for.
    let held: Vec<TcpStream> = (0..320)
        .map(|number| {
            let mut stream = connect(&server);
            let said: &[u8] = match number % 3 {
                0 => b"",
                1 => b"GET / HTTP/1.1\r\n",
                _ => b"GET /up HTTP/1.1\r\nhost: localhost\r\n\r\n",
            };
            // Where there is no room it may be closed by now.
            stream.write_all(said).ok();
            stream
        })
        .collect();
    for _ in 0..3 {
        let up = ask(&server, &get("/up"));
        assert!(up.starts_with("HTTP/1.1 200 ") && up.ends_with("ok\n"), "{up}");
        let full = ask(&server, &get("/register"));
        assert!(full.starts_with("HTTP/1.1 503 ") && full.contains("retry-after: "), "{full}");
    }
    drop(held);
    // Closing takes the server a moment, which no event marks for others.
    let freed = (0..1_000).any(|_| ask(&server, &get("/register")).starts_with("HTTP/1.1 200 "));
    assert!(freed);
}
