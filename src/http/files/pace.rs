//! The bytes of a request, as long as they come fast enough: a slow sender would hold a place that others wait for.
//!
//! A sender has a budget for waiting, as a reader of responses has (`listener::read_rate`).

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep};

use crate::limits::file::{READ_STALL, SENT_WITHIN, SLOWEST_SENDER};

pub(super) struct Paced {
    body: BodyDataStream,
    left: Duration,
    /// Since when it waits, and the timer of the remaining budget.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
    until: Instant,
}

impl Paced {
    pub fn new(body: Body) -> Self {
        let until = Instant::now() + SENT_WITHIN;
        Self { body: body.into_data_stream(), left: READ_STALL, waiting: None, until }
    }
}

impl Stream for Paced {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Poll::Ready(next) = Pin::new(&mut self.body).poll_next(cx) {
            if let Some((since, _)) = self.waiting.take() {
                self.left = self.left.saturating_sub(since.elapsed());
            }
            if Instant::now() > self.until {
                return Poll::Ready(Some(Err(ErrorKind::TimedOut.into())));
            }
            if let Some(Ok(bytes)) = &next {
                let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                let earned = Duration::from_secs(1) * length / SLOWEST_SENDER;
                self.left = (self.left + earned).min(READ_STALL);
            }
            return Poll::Ready(next.map(|bytes| bytes.map_err(io::Error::other)));
        }
        let left = self.left;
        let (_, timer) =
            self.waiting.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(left))));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Some(Err(ErrorKind::TimedOut.into())))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt as _, stream};

    use super::*;

    fn parts(length: usize, every: Duration) -> Body {
        Body::from_stream(stream::unfold((), move |()| async move {
            sleep(every).await;
            Some((Ok::<_, io::Error>(vec![0; length]), ()))
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_sender_may_be_slow_but_not_too_slow() {
        let enough = SLOWEST_SENDER as usize;
        let slow = Paced::new(parts(enough, Duration::from_secs(1))).take(200);
        assert!(slow.all(|part| std::future::ready(part.is_ok())).await);
        let mut too_slow = Paced::new(parts(enough / 4, Duration::from_secs(1)));
        let error = loop {
            if let Some(Err(error)) = too_slow.next().await {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let error =
            Paced::new(Body::from_stream(stream::pending::<io::Result<Bytes>>())).next().await;
        assert!(error.is_some_and(|error| error.is_err()), "silence ends");
    }
}
