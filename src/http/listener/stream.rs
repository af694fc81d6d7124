//! The stream of a connection. It reports received bytes, and fails if the peer reads too slowly.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::progress::Progress;
use super::read_rate::ReadRate;
use crate::limits::connection::LINGER;

/// A byte stream to a client that can be reset when it is closed.
pub(super) trait ResettableStream: AsyncRead + AsyncWrite + Send + Unpin + 'static {
    /// Makes the kernel discard unsent bytes when the stream is closed.
    fn forget_unsent(&self) {}
}

impl ResettableStream for TcpStream {
    fn forget_unsent(&self) {
        if let Err(error) = SockRef::from(self).set_linger(Some(Duration::ZERO)) {
            tracing::debug!(%error, "could not reset a connection on close");
        }
    }
}

#[cfg(test)]
impl ResettableStream for tokio::io::DuplexStream {}

pub(super) struct Watched<S> {
    stream: S,
    progress: Arc<Progress>,
    /// The peer's reading rate, over the whole connection.
    read_rate: ReadRate,
    linger: Linger,
    lingering: Option<Pin<Box<Sleep>>>,
}

/// Set when a request body was not read to its end. Closing the socket then would reset the connection, and the
/// client could lose the response. So the server first reads and discards bytes for [`LINGER`] (RFC 9112,
/// section 9.6).
#[derive(Clone, Default)]
pub(super) struct Linger(Arc<AtomicBool>);

impl Linger {
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<S: ResettableStream> Watched<S> {
    pub fn new(stream: S, progress: Arc<Progress>, linger: Linger) -> Self {
        Self { stream, progress, read_rate: ReadRate::new(), linger, lingering: None }
    }

    /// Returns the result of a write, or an error if the peer reads too slowly.
    fn watch(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = written {
            self.read_rate.consumed(*written.as_ref().unwrap_or(&0));
            return Poll::Ready(written);
        }
        ready!(self.read_rate.poll_too_slow(cx));
        self.stream.forget_unsent();
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }
}

impl<S: ResettableStream> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let received = buffer.filled().len() - before;
        if received > 0 {
            self.progress.received(received);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: ResettableStream> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper flushes the stream after it has written all its bytes.
        self.progress.flushed();
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        if !self.linger.0.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        let this = &mut *self;
        let time = this.lingering.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        let mut bytes = [0; 4096];
        while time.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// Extracts the TCP connection from hyper's wrapper, with bytes that were read after the request.
pub(super) fn plain_tcp(upgraded: Upgraded) -> Result<(TcpStream, Bytes), Upgraded> {
    let parts = upgraded.downcast::<TokioIo<Watched<TcpStream>>>()?;
    Ok((parts.io.into_inner().stream, parts.read_buf))
}
