//! The example programs do what they say, against a real server.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::timeout;

use crate::support::Server;

/// Long enough for any machine; reached only when something is broken.
const PATIENCE: Duration = Duration::from_mins(1);

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().expect("it runs until it is ended");
        self.0.wait().expect("an end");
    }
}

fn start(server: &Server, program: &str, token: &str) -> Running {
    let path = format!("{}/examples/{program}", env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(path);
    command.env("PATIO", server.url("")).env("TOKEN", token).env("PAUSE", "0.1");
    Running(command.stdin(Stdio::null()).spawn().expect("bash, curl and python3"))
}

async fn greets_and_answers(program: &str, greeting: &str) {
    let server = Server::start().await;
    let (ana, bot) = (server.api("ana").await, server.api("bot").await);
    let mut live = ana.live().await;
    live.open_room(1, None).await;
    let running = start(&server, program, bot.token());
    let mut next = async || {
        let frame = timeout(PATIENCE, live.until("message")).await.expect("a message");
        frame["message"]["body"].as_str().expect("a body").to_owned()
    };
    assert_eq!(next().await, greeting);
    for text in ["what is that?", "ping"] {
        ana.say(text).await;
        assert_eq!(next().await, text);
    }
    assert_eq!(next().await, "pong", "and nothing to what is no ping");
    drop(running);
}

#[tokio::test]
async fn the_bot_in_shell_greets_and_answers() {
    greets_and_answers("bot.sh", "Hello from a shell").await;
}

#[tokio::test]
async fn the_bot_in_python_greets_and_answers() {
    greets_and_answers("bot.py", "Hello from Python").await;
}
