//! The bus over NATS. All subjects are one wildcard subscription: a subscription costs some 6 KiB of memory, a note 2 µs.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_nats::connection::State;
use async_nats::{Client, ConnectOptions, Event, ServerAddr};
use futures_util::StreamExt as _;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use super::{AwaySince, BusMetrics, Note, Subject};
use crate::config::BusSettings;
use crate::kernel::{Clock, Random};
use crate::lifecycle::Lifecycle;

/// The version of the notes, the second part of their subjects.
const VERSION: &str = "v1";
/// A server that does not answer for twice as long is away.
const PING_INTERVAL: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the client may take to accept a note. It is only that slow if its connection is stuck.
const PUBLISH_TIMEOUT: Duration = Duration::from_millis(250);
/// The longest wait between two attempts to connect, and what chance adds so that not all processes come at once.
const LONGEST_DELAY: Duration = Duration::from_secs(1);
const JITTER: u64 = 200;
/// Notes that wait in the client: at [`LONGEST_NOTE`](super::LONGEST_NOTE) each, 64 MiB.
const CAPACITY: usize = 1_024;

/// What the tasks of a connection share.
#[derive(Clone)]
pub(super) struct Link {
    pub metrics: BusMetrics,
    pub missed: Arc<Notify>,
    pub away_since: AwaySince,
    pub clock: Clock,
}

/// Returns a client at once. It connects in the background, again and again.
pub(super) async fn connect(
    settings: &BusSettings,
    link: &Link,
    random: Random,
) -> anyhow::Result<Client> {
    let link = link.clone();
    let mut options = ConnectOptions::new()
        .name(format!("patio {}", settings.node))
        .no_echo()
        .retry_on_initial_connect()
        .ping_interval(PING_INTERVAL)
        .connection_timeout(CONNECT_TIMEOUT)
        .subscription_capacity(CAPACITY)
        .client_capacity(CAPACITY)
        .reconnect_delay_callback(move |attempts| delay(attempts, &random))
        .event_callback(move |event| {
            link.note(&event);
            std::future::ready(())
        });
    options = match settings.servers.user() {
        Some((token, "")) => options.token(token.to_owned()),
        Some((user, password)) => options.user_and_password(user.to_owned(), password.to_owned()),
        None => options,
    };
    let servers = settings.servers.servers().iter().cloned().map(ServerAddr::from_url);
    let servers = servers.collect::<Result<Vec<_>, _>>().context("NATS_URL cannot be used")?;
    options.connect(servers).await.context("NATS_URL cannot be used")
}

/// No wait at first, then twice as long each time.
fn delay(attempts: usize, random: &Random) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(2)).unwrap_or(u32::MAX).min(10);
    let jitter = Duration::from_millis(u64::from(u16::from_le_bytes(random.bytes())) % JITTER);
    match attempts {
        0 | 1 => Duration::ZERO,
        _ => (Duration::from_millis(50) * 2_u32.pow(doublings)).min(LONGEST_DELAY) + jitter,
    }
}

impl Link {
    fn note(&self, event: &Event) {
        match event {
            Event::Connected => {
                self.metrics.connected.set(1);
                self.away_since.set(None);
                tracing::info!("connected to NATS");
                self.missed.notify_one();
            }
            Event::Disconnected => {
                // First: who sees that it is away finds since when.
                self.away_since.set(Some(self.clock.now()));
                self.metrics.connected.set(0);
                tracing::warn!(
                    "the connection to NATS is lost: until it is back, changes take up to a second to \
                     the other Patios"
                );
            }
            // Comes once for each note that was dropped.
            Event::SlowConsumer(_) => {
                self.metrics.slow.inc();
                self.missed.notify_one();
            }
            Event::ServerError(error) => tracing::warn!(%error, "NATS refuses something"),
            other => tracing::debug!(event = %other, "NATS"),
        }
    }
}

/// Starts the task that sends. Without a connection it leaves notes out: the client would send them late.
pub(super) fn send(
    client: &Client,
    mut notes: mpsc::Receiver<(Subject, Vec<u8>)>,
    link: Link,
    settings: &BusSettings,
    lifecycle: &Lifecycle,
) {
    let (client, prefix) = (client.clone(), settings.prefix.clone());
    let closing = lifecycle.closing();
    lifecycle.spawn_worker("bus-sender", async move {
        while let Some(Some((subject, payload))) = closing.run_until_cancelled(notes.recv()).await {
            let is_connected = client.connection_state() == State::Connected;
            let subject = format!("{prefix}.{VERSION}.{subject}");
            let publishing = client.publish(subject, payload.into());
            let is_sent =
                is_connected && matches!(timeout(PUBLISH_TIMEOUT, publishing).await, Ok(Ok(())));
            let counter = if is_sent { &link.metrics.published } else { &link.metrics.skipped };
            counter.inc();
        }
        // What was accepted just now is still in the client.
        drop(timeout(PUBLISH_TIMEOUT, client.flush()).await);
    });
}

/// Subscribes, and starts the task that receives.
pub(super) async fn receive(
    client: &Client,
    notes: mpsc::Sender<Note>,
    link: Link,
    settings: &BusSettings,
    lifecycle: &Lifecycle,
) -> anyhow::Result<()> {
    let mut messages = client.subscribe(format!("{}.{VERSION}.*", settings.prefix)).await?;
    let closing = lifecycle.closing();
    lifecycle.spawn_worker("bus-receiver", async move {
        while let Some(Some(message)) = closing.run_until_cancelled(messages.next()).await {
            link.metrics.received.inc();
            let subject = message.subject.rsplit('.').next().unwrap_or_default().to_owned();
            let note = Note { subject, payload: message.payload };
            if notes.send(note).await.is_err() {
                return;
            }
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_to_connect_wait_up_to_a_second() {
        let random = Random::system();
        let jitter = Duration::from_millis(JITTER);
        assert_eq!(delay(1, &random), Duration::ZERO);
        for (attempts, least) in [(2, 50), (3, 100), (5, 400), (7, 1_000), (1_000, 1_000)] {
            let least = Duration::from_millis(least);
            let delay = delay(attempts, &random);
            assert!(delay >= least && delay <= least + jitter, "{attempts}: {delay:?}");
        }
    }
}
