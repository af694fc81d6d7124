//! The byte stream below a socket: a TCP connection, or any other stream (TLS, an in-memory pipe). Any task
//! that holds the socket's lock may write to it, but only the connection's task waits for it.

use std::future::{Future as _, poll_fn};
use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::pin::{Pin, pin};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::coop::unconstrained;

/// The kernel's send buffer per connection, in bytes (Linux doubles the value). Without this bound it grows
/// to megabytes for each slow reader, in memory that is not attributed to any process.
const SEND_BUFFER: usize = 64 * 1024;

/// A bidirectional byte stream of any kind.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

pub enum Stream {
    Tcp(TcpStream),
    Other(Mutex<Box<dyn Duplex>>),
}

impl Stream {
    /// Wraps a plain TCP connection and bounds its send buffer.
    pub fn tcp(stream: TcpStream) -> Self {
        if let Err(error) = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER) {
            tracing::debug!(%error, "could not resize the send buffer of a connection");
        }
        Self::Tcp(stream)
    }

    /// Wraps any other stream.
    pub fn other(stream: impl Duplex + 'static) -> Self {
        Self::Other(Mutex::new(Box::new(stream)))
    }

    /// Writes as many bytes as the stream takes without waiting.
    ///
    /// # Errors
    /// [`ErrorKind::WouldBlock`] if it takes none.
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            // Bypasses Tokio's readiness check: a full socket returns WouldBlock itself.
            Self::Tcp(stream) => SockRef::from(stream).send(bytes),
            // The waker does nothing: the connection's task polls for the rest itself. `unconstrained`
            // keeps the write out of the caller's cooperative budget: with an exhausted budget, the
            // stream of a fast reader would look full.
            Self::Other(_) => {
                let write = pin!(unconstrained(poll_fn(|cx| self.poll_write(cx, bytes))));
                match write.poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(written) => written,
                    Poll::Pending => Err(ErrorKind::WouldBlock.into()),
                }
            }
        }
    }

    /// Writes as many bytes as the stream takes, and wakes the task when it takes more.
    pub(super) fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => loop {
                ready!(stream.poll_write_ready(cx))?;
                match stream.try_write(bytes) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    written => return Poll::Ready(written),
                }
            },
            Self::Other(stream) => Pin::new(&mut *lock(stream)).poll_write(cx, bytes),
        }
    }

    /// Flushes bytes that a layer in between, such as TLS, still buffers.
    pub(super) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(_) => Poll::Ready(Ok(())),
            Self::Other(stream) => Pin::new(&mut *lock(stream)).poll_flush(cx),
        }
    }

    /// Reads available bytes, or wakes the task when bytes arrive. Zero bytes mean the end of the stream.
    pub(super) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => loop {
                ready!(stream.poll_read_ready(cx))?;
                match stream.try_read(into) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    read => return Poll::Ready(read),
                }
            },
            Self::Other(stream) => {
                let mut buffer = ReadBuf::new(into);
                ready!(Pin::new(&mut *lock(stream)).poll_read(cx, &mut buffer))?;
                Poll::Ready(Ok(buffer.filled().len()))
            }
        }
    }

    /// Shuts down the write side. Bytes that were written before still arrive.
    pub(super) fn poll_finish(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => Poll::Ready(SockRef::from(stream).shutdown(Shutdown::Write)),
            Self::Other(stream) => Pin::new(&mut *lock(stream)).poll_shutdown(cx),
        }
    }

    /// Aborts the connection. A linger time of zero makes the kernel discard the unsent bytes, too: otherwise
    /// it would keep them for minutes if the client does not read.
    pub(super) fn cut(&self) {
        if let Self::Tcp(stream) = self {
            let socket = SockRef::from(stream);
            let cut = socket.set_linger(Some(Duration::ZERO));
            if let Err(error) = cut.and_then(|()| socket.shutdown(Shutdown::Both)) {
                tracing::debug!(%error, "a connection had already closed");
            }
        }
    }
}

fn lock(stream: &Mutex<Box<dyn Duplex>>) -> MutexGuard<'_, Box<dyn Duplex>> {
    stream.lock().unwrap_or_else(PoisonError::into_inner)
}
