//! The port: bound once, served until told to stop.
//!
//! An accept loop of our own, since a public server has to give up on those who connect and then
//! say nothing, say it a byte at a time, or do not read what they asked for.

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

/// What to wait for when the system has no file left for a connection, not even the spare one.
const OUT_OF_FILES: Duration = Duration::from_millis(50);
/// Somebody who uses up the files must not fill the log as well.
const COMPLAIN_EVERY: Duration = Duration::from_mins(1);
const BACKLOG: i32 = 4096;

/// The port to take where the wanted one is not allowed: some containers forbid 80.
pub fn stand_in(port: u16) -> Option<u16> {
    (port == 80).then_some(8080)
}

/// # Errors
/// When neither the address nor what may stand in for it can be bound.
pub fn bind(address: &Address) -> io::Result<TcpListener> {
    let wanted = SocketAddr::new(address.listen, address.port);
    listen(wanted).or_else(|error| match (error.kind(), wanted.ip(), stand_in(wanted.port())) {
        (ErrorKind::PermissionDenied, ip, Some(port)) => {
            tracing::warn!(port, "port {} is not allowed here", wanted.port());
            listen(SocketAddr::new(ip, port))
        }
        // "Everywhere", on a machine without IPv6.
        (kind, IpAddr::V6(ip), _) if ip.is_unspecified() && kind != ErrorKind::AddrInUse => {
            listen(SocketAddr::from((Ipv4Addr::UNSPECIFIED, wanted.port())))
        }
        _ => Err(error),
    })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // A restart may take over the port from connections that still say goodbye.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    bound_unsent(&socket);
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Connections have this from the socket that accepts them: the system keeps no more than this for a
/// reader who takes nothing, instead of megabytes, and tells sooner that one takes something.
#[cfg(any(target_os = "android", target_os = "linux"))]
fn bound_unsent(socket: &Socket) {
    if let Err(error) = socket.set_tcp_notsent_lowat(UNSENT) {
        tracing::debug!(%error, "the system keeps as much unsent as it likes");
    }
}

#[cfg(not(any(target_os = "android", target_os = "linux")))]
fn bound_unsent(_: &Socket) {}

/// Serves until the lifecycle is told to stop. What is under way may end: the lifecycle waits.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    lifecycle: &Lifecycle,
    trusted_proxies: &Networks,
) {
    let stopping = lifecycle.stopping();
    let capacity = Capacity::of_process(trusted_proxies);
    let door = Door { router, lifecycle, capacity, refusals: Refusals::default() };
    let mut spare = SpareFile::open();
    let mut complained: Option<Instant> = None;
    while let Some(accepted) = stopping.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => door.let_in(stream, peer),
            Err(error) if is_out_of_files(&error) && spare.give() => {
                if let Some(Ok((stream, _))) = listener.accept().now_or_never() {
                    door.turn_away(stream, Full::Files);
                }
            }
            Err(error) => {
                if complained.is_none_or(|at| at.elapsed() > COMPLAIN_EVERY) {
                    tracing::warn!(%error, "a connection could not be accepted");
                    complained = Some(Instant::now());
                }
                tokio::time::sleep(OUT_OF_FILES).await;
            }
        }
        spare.take_back();
    }
    // Those who connected before the port closes have been told that they are connected.
    while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
        door.let_in(stream, peer);
    }
}

fn is_out_of_files(error: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::MFILE, Errno::NFILE]
        .iter()
        .any(|errno| Some(errno.raw_os_error()) == error.raw_os_error())
}

/// Where every connection comes in.
struct Door<'a> {
    router: Router,
    lifecycle: &'a Lifecycle,
    capacity: Capacity,
    refusals: Refusals,
}

impl Door<'_> {
    fn let_in(&self, stream: TcpStream, peer: SocketAddr) {
        let place = match self.capacity.admit(self.lifecycle.connections(), peer.ip()) {
            Ok(place) => place,
            Err(full) => return self.turn_away(stream, full),
        };
        // Small frames go out at once: waiting for more (Nagle) would delay each by up to 40 ms.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
        let (router, capacity) = (self.router.clone(), self.capacity.clone());
        let stopping = self.lifecycle.stopping();
        self.lifecycle.spawn_connection(async move {
            connection::serve(stream, peer, router, capacity, stopping).await;
            drop(place);
        });
    }

    fn turn_away(&self, stream: TcpStream, full: Full) {
        let turn = self.refusals.turn();
        self.lifecycle.spawn_connection(refusal::refuse(stream, full, turn));
    }
}
