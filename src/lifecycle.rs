//! Start and shutdown: signals, background tasks, and the order in which they end.
//!
//! All tasks are spawned here. A shutdown has four steps, of which the first three come at once unless others take over
//! or `DRAIN_TIMEOUT` is set: `stopping` (load balancers learn it, live connections are refused), `draining` (live connections are closed, at
//! once or over a time), `refusing` (accept nothing new, close idle connections), and after requests and connections
//! have ended, `closing` (workers finish their current work and end). A process that is killed loses no acknowledged
//! data either, because that is on disk. The orderly shutdown only spares clients errors.

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

/// How long a shutdown may take once nothing is accepted any more. Some platforms kill a process ten seconds after
/// SIGTERM.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(4);
/// How long the last live connections may take that are asked to close.
const LAST_CLOSE: Duration = Duration::from_secs(1);

/// Exits the process immediately, if continuing would do harm. Acknowledged data is on disk.
pub fn abort() -> ! {
    std::process::exit(1)
}

#[derive(Clone, Default)]
pub struct Lifecycle {
    stopping: CancellationToken,
    draining: CancellationToken,
    refusing: CancellationToken,
    closing: CancellationToken,
    connections: TaskTracker,
    live: TaskTracker,
    workers: TaskTracker,
}

impl Lifecycle {
    pub fn new() -> Self {
        Self::default()
    }

    /// Spawns a worker that runs as long as the server. It must end after [`Self::closing`]. Whatever it
    /// logs carries its kind.
    pub fn spawn_worker(
        &self,
        kind: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let span = tracing::info_span!("worker", kind);
        let logged = async move {
            tracing::debug!("started");
            task.await;
            tracing::debug!("finished");
        };
        self.workers.spawn(logged.instrument(span));
    }

    /// Spawns the task of a connection. A shutdown waits for it.
    pub fn spawn_connection(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.connections.spawn(task);
    }

    /// Spawns the task of a live connection. It must end soon after it is asked to.
    pub fn spawn_live_connection(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.live.spawn(task);
    }

    /// Returns the number of open connections.
    pub fn connections(&self) -> usize {
        self.connections.len() + self.live.len()
    }

    /// Cancelled when the shutdown starts. Requests are still answered.
    pub fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Cancelled when live connections must be asked to close.
    pub fn draining(&self) -> CancellationToken {
        self.draining.clone()
    }

    /// Cancelled when the server must not accept new connections.
    pub fn refusing(&self) -> CancellationToken {
        self.refusing.clone()
    }

    /// Cancelled when workers must finish their current work and end.
    pub fn closing(&self) -> CancellationToken {
        self.closing.clone()
    }

    /// Starts the shutdown.
    pub fn stop(&self) {
        self.stopping.cancel();
    }

    /// Starts the shutdown on SIGTERM, SIGINT or SIGHUP (a closed terminal). A second signal exits the process
    /// immediately.
    ///
    /// # Errors
    /// If the signal handlers cannot be installed.
    #[expect(
        clippy::disallowed_methods,
        reason = "not a worker: a shutdown must not wait for signals"
    )]
    pub fn stop_on_signals(&self) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        let stopping = self.stopping.clone();
        drop(tokio::spawn(async move {
            let mut seen = 0;
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                    _ = hang_up.recv() => {}
                }
                seen += 1;
                if seen > 1 {
                    abort();
                }
                tracing::info!("stopping");
                stopping.cancel();
            }
        }));
        Ok(())
    }

    /// Waits for the start of the shutdown and leads it to where nothing is accepted any more. Load balancers have time
    /// to `notice`; then live connections are asked to close `over` a time, while requests are still answered.
    pub async fn drain(&self, notice: impl FnOnce() -> Duration, over: Duration) {
        self.stopping.cancelled().await;
        let notice = notice();
        if !notice.is_zero() {
            tokio::time::sleep(notice).await;
        }
        self.live.close();
        self.draining.cancel();
        if !over.is_zero() {
            tracing::info!(connections = self.live.len(), "closing live connections");
            // The last ones are asked when the time is over.
            let ended = tokio::time::timeout(over + LAST_CLOSE, self.live.wait());
            drop(ended.await);
        }
        self.refusing.cancel();
    }

    /// Waits for connections, then for workers. Tasks that have not ended after `SHUTDOWN_TIMEOUT` are
    /// abandoned.
    pub async fn finish(&self) {
        self.connections.close();
        self.live.close();
        self.workers.close();
        let orderly = async {
            self.connections.wait().await;
            self.live.wait().await;
            self.closing.cancel();
            self.workers.wait().await;
        };
        if tokio::time::timeout(SHUTDOWN_TIMEOUT, orderly).await.is_err() {
            self.closing.cancel();
            tracing::warn!("stopped with connections still open");
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::time::{Instant, advance};

    use super::*;

    const NOTICE: Duration = Duration::from_secs(2);
    const OVER: Duration = Duration::from_secs(10);

    /// Which steps have started: stopping, draining, refusing.
    fn steps(of: &Lifecycle) -> [bool; 3] {
        [&of.stopping, &of.draining, &of.refusing].map(CancellationToken::is_cancelled)
    }

    #[tokio::test(start_paused = true)]
    async fn live_connections_close_before_anything_is_refused() {
        let lifecycle = Lifecycle::new();
        let closed = CancellationToken::new();
        lifecycle.spawn_live_connection(closed.clone().cancelled_owned());
        let mut drain = Box::pin(lifecycle.drain(|| NOTICE, OVER));
        assert!(drain.as_mut().now_or_never().is_none());
        assert_eq!(steps(&lifecycle), [false; 3]);
        lifecycle.stop();
        assert!(drain.as_mut().now_or_never().is_none());
        advance(Duration::from_millis(1_999)).await;
        assert!(drain.as_mut().now_or_never().is_none());
        assert_eq!(steps(&lifecycle), [true, false, false], "the load balancer has time");
        advance(Duration::from_millis(1)).await;
        assert!(drain.as_mut().now_or_never().is_none());
        assert_eq!(steps(&lifecycle), [true, true, false]);
        let since = Instant::now();
        closed.cancel();
        drain.await;
        assert_eq!((steps(&lifecycle), since.elapsed()), ([true; 3], Duration::ZERO), "at once");
    }

    #[tokio::test(start_paused = true)]
    async fn a_live_connection_that_does_not_close_ends_the_wait() {
        let lifecycle = Lifecycle::new();
        lifecycle.spawn_live_connection(std::future::pending());
        lifecycle.stop();
        let since = Instant::now();
        lifecycle.drain(|| Duration::ZERO, OVER).await;
        assert_eq!((steps(&lifecycle), since.elapsed()), ([true; 3], OVER + LAST_CLOSE));
    }

    #[tokio::test(start_paused = true)]
    async fn where_nothing_takes_over_all_is_refused_at_once() {
        let lifecycle = Lifecycle::new();
        lifecycle.spawn_live_connection(std::future::pending());
        lifecycle.stop();
        let since = Instant::now();
        lifecycle.drain(|| Duration::ZERO, Duration::ZERO).await;
        assert_eq!((steps(&lifecycle), since.elapsed()), ([true; 3], Duration::ZERO));
    }
}
