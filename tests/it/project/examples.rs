//! The example programs work against a real server.

use std::process::{Child, Command, Stdio};

use crate::support::Server;

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().expect("it runs until it is killed");
        self.0.wait().expect("an end");
    }
}

fn start(server: &Server, program: &str, token: &str) -> Running {
    let path = format!("{}/examples/{program}", env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(path);
    command.env("PATIO", server.url("")).env("TOKEN", token).env("PAUSE", "0.1");
    Running(command.stdin(Stdio::null()).spawn().expect("bash, curl and python3"))
}

async fn greets_and_answers(program: &str, welcome: &str) {
    let server = Server::start().await;
    let (ana, bot) = (server.api("ana").await, server.api("bot").await);
    let mut live = ana.live().await;
    live.open_room(1, None).await;
    let running = start(&server, program, bot.token());
    let mut next = async || {
        let frame = live.until("message").await;
        frame["message"]["body"].as_str().expect("a body").to_owned()
    };
    assert_eq!(next().await, welcome);
    for text in ["what is that?", "ping"] {
        ana.say(text).await;
        assert_eq!(next().await, text);
    }
    assert_eq!(next().await, "pong", "the bot ignores other messages");
    drop(running);
}

#[tokio::test]
async fn shell_bot_greets_and_answers() {
    greets_and_answers("bot.sh", "Hello from a shell").await;
}

#[tokio::test]
async fn python_bot_greets_and_answers() {
    greets_and_answers("bot.py", "Hello from Python").await;
}
