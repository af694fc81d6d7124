//! A network between Patio and its database that can lose what is sent, and hold answers back.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::watch;

use super::RoundTrips;
use crate::support::within;

pub struct LossyNetwork {
    pub port: u16,
    /// How often the connections were lost that existed then.
    losses: watch::Sender<u32>,
    hold: watch::Sender<Hold>,
    pub trips: RoundTrips,
}

/// Which answers are held back.
#[derive(Clone, Copy, Default)]
struct Hold {
    /// Those to statements that contain this text.
    text: Option<&'static str>,
    /// Whether one is.
    is_holding: bool,
}

impl LossyNetwork {
    /// Passes connections on to the socket of a `PostgreSQL` server.
    #[expect(clippy::disallowed_methods, reason = "it runs beside its test")]
    pub async fn before(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (losses, seen) = watch::channel(0);
        let hold = watch::Sender::<Hold>::default();
        let all = hold.clone();
        let socket = Arc::new(socket);
        let trips = RoundTrips::default();
        let counted = trips.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let mut seen = seen.clone();
                seen.mark_unchanged();
                let Ok(server) = UnixStream::connect(&*socket).await else { continue };
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let mut trips = counted.of_connection();
                // Whether the answer on this connection is held back.
                let held = Arc::new(AtomicBool::new(false));
                let (hold, is_held) = (all.clone(), held.clone());
                let count = async move |bytes: &[u8]| {
                    let text = hold.borrow().text;
                    if trips.sent(bytes, text) {
                        is_held.store(true, Ordering::SeqCst);
                        hold.send_modify(|hold| hold.is_holding = true);
                    }
                };
                let mut hold = all.subscribe();
                let wait = async move |_: &[u8]| {
                    let is_free = |hold: &Hold| hold.text.is_none() || !held.load(Ordering::SeqCst);
                    hold.wait_for(is_free).await.map(drop).expect("the network");
                    held.store(false, Ordering::SeqCst);
                };
                tokio::spawn(pass(from_client, to_server, seen.clone(), count));
                tokio::spawn(pass(from_server, to_client, seen, wait));
            }
        });
        Self { port, losses, hold, trips }
    }

    /// Holds back answers to statements that contain this text, and returns when there is one.
    pub async fn hold_answer_to(&self, text: &'static str) {
        self.hold.send_replace(Hold { text: Some(text), is_holding: false });
        within(text, self.hold.subscribe().wait_for(|hold| hold.is_holding)).await.expect("open");
    }

    /// Lets the answers through.
    pub fn release(&self) {
        self.hold.send_replace(Hold::default());
    }

    /// Drops from now on what is sent over the connections that exist. They stay open; new ones work.
    pub fn lose_connections(&self) {
        self.losses.send_modify(|count| *count += 1);
    }
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut losses: watch::Receiver<u32>,
    mut sent: impl AsyncFnMut(&[u8]),
) {
    let mut buffer = vec![0; 16 * 1024];
    let mut is_lost = false;
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            Ok(()) = losses.changed(), if !is_lost => {
                is_lost = true;
                continue;
            }
        };
        match read {
            Ok(count) if count > 0 => {
                sent(&buffer[..count]).await;
                if !is_lost && to.write_all(&buffer[..count]).await.is_err() {
                    return;
                }
            }
            // The other side never hears of it.
            _ if is_lost => return std::future::pending().await,
            _ => return,
        }
    }
}
