//! Start and shutdown: signals, background tasks, and the order in which they end.
//!
//! All tasks are spawned here. A shutdown has two phases: first `stopping` (accept no new connections, close
//! the live ones), then, after requests and connections have ended, `closing` (workers finish their current
//! work and end). A process that is killed loses no acknowledged data either, because that is on disk. The
//! orderly shutdown only spares clients errors.

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

/// How long a shutdown may take. Some platforms kill a process ten seconds after SIGTERM.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(4);

/// Exits the process immediately, if continuing would do harm. Acknowledged data is on disk.
pub fn abort() -> ! {
    std::process::exit(1)
}

#[derive(Clone, Default)]
pub struct Lifecycle {
    stopping: CancellationToken,
    closing: CancellationToken,
    connections: TaskTracker,
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

    /// Tracks the future of a connection, so that a shutdown waits for it. It must end soon after
    /// [`Self::stopping`].
    pub async fn track_connection(&self, task: impl Future<Output = ()>) {
        self.connections.track_future(task).await;
    }

    /// Returns the number of open connections.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// Cancelled when the server must not accept new connections.
    pub fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
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

    /// Waits for connections, then for workers. Tasks that have not ended after `SHUTDOWN_TIMEOUT` are
    /// abandoned.
    pub async fn finish(&self) {
        self.connections.close();
        self.workers.close();
        let orderly = async {
            self.connections.wait().await;
            self.closing.cancel();
            self.workers.wait().await;
        };
        if tokio::time::timeout(SHUTDOWN_TIMEOUT, orderly).await.is_err() {
            self.closing.cancel();
            tracing::warn!("stopped with connections still open");
        }
    }
}
