//! Start and stop: signals, the tasks that run beside the server, and the order in which they end.
//!
//! Nothing else spawns a task. A stop has two steps: first `stopping` (accept nothing new, say
//! goodbye to sockets), then, once requests and sockets are through, `closing` (workers finish
//! what they hold and end). A process killed without warning loses nothing either: what was
//! acknowledged is on disk. The orderly way is only kinder.

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a stop may take. Platforms give as little as ten seconds between asking and killing.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(4);

/// Ends the process where going on would do harm. What was acknowledged is on disk.
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

    /// Runs a task for as long as the server runs. It ends after [`Self::closing`].
    pub fn spawn_worker(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.workers.spawn(task);
    }

    /// Runs a connection beside the others. A stop waits for it.
    pub fn spawn_connection(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.connections.spawn(task);
    }

    /// Keeps count of a connection's future, so that a stop can wait for it.
    /// It ends soon after [`Self::stopping`].
    pub async fn track_connection(&self, task: impl Future<Output = ()>) {
        self.connections.track_future(task).await;
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// Becomes ready when the server shall accept nothing new.
    pub fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Becomes ready when workers shall finish what they hold.
    pub fn closing(&self) -> CancellationToken {
        self.closing.clone()
    }

    /// Asks everything to stop.
    pub fn stop(&self) {
        self.stopping.cancel();
    }

    /// Waits for SIGTERM, SIGINT or SIGHUP (a terminal that was closed), then asks everything to stop.
    /// A second signal ends the process at once.
    ///
    /// # Errors
    /// When the signals cannot be listened to.
    #[expect(clippy::disallowed_methods, reason = "no worker: a stop must not wait for signals")]
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

    /// Waits for connections, then for workers. What has not ended within the budget is left.
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
            tracing::warn!("stopped before every connection had ended");
        }
    }
}
