//! The TCP listener: binds the port and accepts connections until the shutdown.
//!
//! Patio has its own accept loop because a public server must drop clients that connect and send nothing, send
//! one byte at a time, or do not read their responses.

mod capacity;
mod connection;
mod progress;
mod read_rate;
mod refusal;
mod request_body;
mod stream;
#[cfg(test)]
mod tests;
pub mod timeout;

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use axum::Router;
use futures_util::FutureExt as _;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

pub use self::capacity::raise_open_files;
use self::capacity::{Capacity, Full};
use self::refusal::{Refusals, SpareFile};
pub use self::request_body::Upload;
use crate::config::{Address, Networks};
use crate::lifecycle::Lifecycle;
use crate::limits::connection::UNSENT;

/// How long to wait when no file descriptor is left for a connection, not even the spare one.
const OUT_OF_FILES: Duration = Duration::from_millis(50);
/// The minimum time between two warnings: an attacker who uses up the file descriptors must not also fill the
/// log.
const WARN_EVERY: Duration = Duration::from_mins(1);
const BACKLOG: i32 = 4096;

/// Returns the fallback for a port that is not allowed: some containers forbid 80.
pub fn stand_in(port: u16) -> Option<u16> {
    (port == 80).then_some(8080)
}

/// Binds the configured address, or its fallback.
///
/// # Errors
/// If neither can be bound.
pub fn bind(address: &Address) -> io::Result<TcpListener> {
    let configured = SocketAddr::new(address.listen, address.port);
    let port = configured.port();
    listen(configured).or_else(|error| match (error.kind(), configured.ip(), stand_in(port)) {
        (ErrorKind::PermissionDenied, ip, Some(fallback)) => {
            tracing::warn!(
                port = fallback,
                "port {port} is not allowed; listening on the fallback port"
            );
            listen(SocketAddr::new(ip, fallback))
        }
        // All addresses (`::`), on a machine without IPv6.
        (kind, IpAddr::V6(ip), _) if ip.is_unspecified() && kind != ErrorKind::AddrInUse => {
            listen(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))
        }
        _ => Err(error),
    })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // A restarted server can bind the port while old connections are still closing (TIME_WAIT).
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    bound_unsent(&socket);
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Limits the unsent bytes that the kernel buffers per connection. Connections inherit it from the listening
/// socket. Without it, the kernel keeps megabytes for a client that does not read, and the server notices later
/// whether a client reads.
#[cfg(any(target_os = "android", target_os = "linux"))]
fn bound_unsent(socket: &Socket) {
    if let Err(error) = socket.set_tcp_notsent_lowat(UNSENT) {
        tracing::debug!(%error, "could not limit the send buffer of the listener");
    }
}

#[cfg(not(any(target_os = "android", target_os = "linux")))]
fn bound_unsent(_: &Socket) {}

/// Accepts connections until a shutdown refuses them. Open requests may finish: the lifecycle waits for them.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    lifecycle: &Lifecycle,
    trusted_proxies: &Networks,
) {
    let refusing = lifecycle.refusing();
    let capacity = Capacity::of_process(trusted_proxies);
    let acceptor = Acceptor { router, lifecycle, capacity, refusals: Refusals::default() };
    let mut spare = SpareFile::open();
    let mut last_warning: Option<Instant> = None;
    while let Some(accepted) = refusing.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => acceptor.accept(stream, peer),
            // Closes the spare file to accept one connection and refuse it, so that the client receives an
            // answer.
            Err(error) if is_out_of_files(&error) && spare.give() => {
                if let Some(Ok((stream, _))) = listener.accept().now_or_never() {
                    acceptor.refuse(stream, Full::Files);
                }
            }
            Err(error) => {
                if last_warning.is_none_or(|at| at.elapsed() > WARN_EVERY) {
                    tracing::warn!(%error, "could not accept a connection");
                    last_warning = Some(Instant::now());
                }
                tokio::time::sleep(OUT_OF_FILES).await;
            }
        }
        spare.take_back();
    }
    // Connections in the kernel's backlog are already established for their clients: serve them, too.
    while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
        acceptor.accept(stream, peer);
    }
}

fn is_out_of_files(error: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::MFILE, Errno::NFILE]
        .iter()
        .any(|errno| Some(errno.raw_os_error()) == error.raw_os_error())
}

/// Starts the task of each accepted connection.
struct Acceptor<'a> {
    router: Router,
    lifecycle: &'a Lifecycle,
    capacity: Capacity,
    refusals: Refusals,
}

impl Acceptor<'_> {
    fn accept(&self, stream: TcpStream, peer: SocketAddr) {
        let guard = match self.capacity.admit(self.lifecycle.connections(), peer.ip()) {
            Ok(guard) => guard,
            Err(full) => return self.refuse(stream, full),
        };
        // Sends small frames immediately: waiting for more bytes (Nagle) would delay each by up to 40 ms.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "could not set TCP_NODELAY");
        }
        let router = self.router.clone();
        let capacity = self.capacity.clone();
        let refusing = self.lifecycle.refusing();
        self.lifecycle.spawn_connection(async move {
            connection::serve(stream, peer, router, capacity, refusing).await;
            drop(guard);
        });
    }

    fn refuse(&self, stream: TcpStream, full: Full) {
        let turn = self.refusals.turn();
        self.lifecycle.spawn_connection(refusal::refuse(stream, full, turn));
    }
}
