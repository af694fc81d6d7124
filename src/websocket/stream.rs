//! What carries the bytes: a TCP connection, or anything else that reads and writes (TLS, a pipe
//! in memory). Written to by whoever holds the line's lock, waited for by its task alone.

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

/// What the system may keep for a reader that is behind, in bytes (Linux takes twice as much).
/// Without a bound it grows to megabytes for each of them, in memory that no process shows.
const SEND_BUFFER: usize = 64 * 1024;

/// Reads and writes, of whatever kind.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

pub enum Stream {
    Tcp(TcpStream),
    Other(Mutex<Box<dyn Duplex>>),
}

impl Stream {
    /// A plain TCP connection.
    pub fn tcp(stream: TcpStream) -> Self {
        if let Err(error) = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER) {
            tracing::debug!(%error, "a connection keeps the send buffer it has");
        }
        Self::Tcp(stream)
    }

    /// Anything else.
    pub fn other(stream: impl Duplex + 'static) -> Self {
        Self::Other(Mutex::new(Box::new(stream)))
    }

    /// Writes as much as is taken at once.
    ///
    /// # Errors
    /// [`ErrorKind::WouldBlock`] when that is nothing.
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            // Tokio is not asked whether there is room: a socket that is full says so itself.
            Self::Tcp(stream) => SockRef::from(stream).send(bytes),
            // Nobody is woken: what is left is left to the line's task, which asks for itself. Nor does
            // it count against what the caller's task may do in one go: used up, that would look
            // as if nobody read here.
            Self::Other(_) => {
                let write = pin!(unconstrained(poll_fn(|cx| self.poll_write(cx, bytes))));
                match write.poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(written) => written,
                    Poll::Pending => Err(ErrorKind::WouldBlock.into()),
                }
            }
        }
    }

    /// Writes as much as is taken, and wakes the task when more would be.
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

    /// Hands on what a layer in between still keeps, as TLS does.
    pub(super) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(_) => Poll::Ready(Ok(())),
            Self::Other(stream) => Pin::new(&mut *lock(stream)).poll_flush(cx),
        }
    }

    /// Reads what is there, and wakes the task when something comes. Nothing is the end.
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

    /// Says that nothing more will be written; what is on its way still arrives.
    pub(super) fn poll_finish(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => Poll::Ready(SockRef::from(stream).shutdown(Shutdown::Write)),
            Self::Other(stream) => Pin::new(&mut *lock(stream)).poll_shutdown(cx),
        }
    }

    /// Ends it now. What is on its way is thrown away, by the system too: without that it would
    /// keep the bytes of somebody who does not read for minutes.
    pub(super) fn cut(&self) {
        if let Self::Tcp(stream) = self {
            let socket = SockRef::from(stream);
            let cut = socket.set_linger(Some(Duration::ZERO));
            if let Err(error) = cut.and_then(|()| socket.shutdown(Shutdown::Both)) {
                tracing::debug!(%error, "a connection was gone before it was cut");
            }
        }
    }
}

fn lock(stream: &Mutex<Box<dyn Duplex>>) -> MutexGuard<'_, Box<dyn Duplex>> {
    stream.lock().unwrap_or_else(PoisonError::into_inner)
}
