//! A connection between two processes that a test can cut, hold or delay.

use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::background;

/// Where connections lead.
#[derive(Clone)]
pub enum Service {
    Socket(PathBuf),
    Port(u16),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    Pass,
    /// New connections are closed at once.
    Refuse,
    /// New connections are accepted. Nothing is forwarded, over none.
    Hole,
    Delay(Duration),
}

#[derive(Clone)]
struct State {
    mode: Mode,
    service: Service,
    /// Connections with a smaller number are closed.
    closed: u64,
    /// What is sent over connections with a smaller number is lost. They stay open.
    lost: u64,
    /// The number of the next connection.
    next: u64,
}

#[derive(Clone)]
pub struct Link {
    pub port: u16,
    state: watch::Sender<State>,
}

enum Flow {
    Forward(Duration),
    Lose,
    Close,
}

impl Link {
    pub async fn to(service: Service) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = State { mode: Mode::Pass, service, closed: 0, lost: 0, next: 0 };
        let (state, _) = watch::channel(state);
        let link = Self { port, state };
        let serving = link.clone();
        background(async move {
            while let Ok((client, _)) = listener.accept().await {
                client.set_nodelay(true).ok();
                background(serving.clone().join(client));
            }
        });
        link
    }

    pub fn set(&self, mode: Mode) {
        self.state.send_modify(|state| state.mode = mode);
    }

    /// Makes no connection from now on, and closes those that exist.
    pub fn cut(&self) {
        self.state.send_modify(|state| {
            state.mode = Mode::Refuse;
            state.closed = state.next;
        });
    }

    /// Loses what is sent over the connections that exist: neither side learns of it. New ones pass.
    pub fn lose_connections(&self) {
        self.state.send_modify(|state| state.lost = state.next);
    }

    /// Leads new connections elsewhere. Those that exist stay where they are.
    pub fn lead_to(&self, service: Service) {
        self.state.send_modify(|state| {
            state.service = service;
            state.mode = Mode::Pass;
        });
    }

    async fn join(self, client: TcpStream) {
        let mut number = 0;
        self.state.send_modify(|state| {
            number = state.next;
            state.next += 1;
        });
        let mut states = self.state.subscribe();
        if states.borrow().mode == Mode::Refuse
            || matches!(flow(&mut states, number).await, Flow::Close)
        {
            return;
        }
        let service = states.borrow().service.clone();
        let (from_client, to_client) = client.into_split();
        match service {
            Service::Socket(path) => {
                let Ok(server) = UnixStream::connect(path).await else { return };
                let (from_server, to_server) = server.into_split();
                background(pass(from_client, to_server, number, states.clone()));
                pass(from_server, to_client, number, states).await;
            }
            Service::Port(port) => {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                server.set_nodelay(true).ok();
                let (from_server, to_server) = server.into_split();
                background(pass(from_client, to_server, number, states.clone()));
                pass(from_server, to_client, number, states).await;
            }
        }
    }
}

/// What happens to bytes of this connection. Waits while the link is a hole.
async fn flow(states: &mut watch::Receiver<State>, number: u64) -> Flow {
    loop {
        {
            let state = states.borrow_and_update();
            if number < state.closed {
                return Flow::Close;
            }
            if number < state.lost {
                return Flow::Lose;
            }
            match state.mode {
                Mode::Hole => {}
                Mode::Delay(delay) => return Flow::Forward(delay),
                Mode::Pass | Mode::Refuse => return Flow::Forward(Duration::ZERO),
            }
        }
        if states.changed().await.is_err() {
            return Flow::Close;
        }
    }
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    number: u64,
    mut states: watch::Receiver<State>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = tokio::select! {
            changed = states.changed() => {
                if changed.is_err() || matches!(flow(&mut states, number).await, Flow::Close) {
                    return;
                }
                continue;
            }
            read = from.read(&mut buffer) => read.unwrap_or(0),
        };
        match flow(&mut states, number).await {
            Flow::Close => return,
            // The other side never learns of the end.
            Flow::Lose if read == 0 => {
                while states.changed().await.is_ok() {
                    if number < states.borrow().closed {
                        return;
                    }
                }
            }
            Flow::Lose => {}
            Flow::Forward(_) if read == 0 => return,
            Flow::Forward(delay) => {
                if !delay.is_zero() {
                    sleep(delay).await;
                }
                if to.write_all(&buffer[..read]).await.is_err() {
                    return;
                }
            }
        }
    }
}
