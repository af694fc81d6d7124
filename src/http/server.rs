//! The port: bound once, served until told to stop.
//!
//! An accept loop of our own, since a public server has to give up on those who connect and then
//! say nothing, or say it a byte at a time.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::config::Address;
use crate::lifecycle::Lifecycle;

/// How long the head of a request may take to arrive, and how long a kept connection may idle.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// What to wait for when the system has no file left for a connection.
const OUT_OF_FILES: Duration = Duration::from_millis(200);
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
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Serves until the lifecycle is told to stop. What is under way may end: the lifecycle waits.
pub async fn serve(listener: TcpListener, router: Router, lifecycle: &Lifecycle) {
    let stopping = lifecycle.stopping();
    while let Some(accepted) = stopping.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => {
                lifecycle.spawn_connection(converse(
                    stream,
                    peer,
                    router.clone(),
                    stopping.clone(),
                ));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(OUT_OF_FILES).await;
            }
        }
    }
}

/// One connection from its first request to its last.
async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    stopping: CancellationToken,
) {
    // Small frames go out at once: waiting for more (Nagle) would delay each by up to 40 ms.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}
