//! The public interface of the pub/sub core. Methods put a command into the inbox and, but for
//! [`Hub::channels`] and [`Hub::subscribed`], never wait. One task, the dispatcher, executes all commands in the order
//! of arrival.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::command::{Command, Protocol, Publication};
use super::connection::Connection;
use super::dispatcher::{Dispatcher, TICK};
use super::inbox::Inbox;
use super::outbox::Outbox;
use super::subscriber::{Encode, Encoding};
use crate::lifecycle::Lifecycle;
use crate::websocket::{SocketMetrics, Stream};

/// Makes a heartbeat of five seconds.
const TICKS_PER_HEARTBEAT: u32 = 20;

/// Broadcast channels of one process. Clones share them.
pub struct Hub<P: Protocol> {
    inbox: Arc<Inbox<P>>,
    last_id: Arc<AtomicU64>,
    metrics: SocketMetrics,
}

impl<P: Protocol> Clone for Hub<P> {
    fn clone(&self) -> Self {
        Self {
            inbox: self.inbox.clone(),
            last_id: self.last_id.clone(),
            metrics: self.metrics.clone(),
        }
    }
}

impl<P: Protocol> Hub<P> {
    /// Starts the dispatcher's task. It ends with the other workers. At [`Lifecycle::draining`] it asks
    /// every connection to close, over a time.
    pub fn start(encode: Encode<P::Event>, drained_over: Duration, lifecycle: &Lifecycle) -> Self {
        let (hub, dispatcher) = Self::build(encode);
        let inbox = hub.inbox.clone();
        let draining = (lifecycle.draining(), drained_over);
        let task = run(inbox, dispatcher, draining, lifecycle.closing());
        lifecycle.spawn_worker("dispatcher", task);
        hub
    }

    pub(super) fn build(encode: Encode<P::Event>) -> (Self, Dispatcher<P>) {
        let inbox = Arc::new(Inbox::new());
        let metrics = SocketMetrics::default();
        let dispatcher = Dispatcher::new(encode, metrics.clone(), inbox.present.clone());
        (Self { inbox, last_id: Arc::default(), metrics }, dispatcher)
    }

    /// Adds a connection without subscriptions. Nothing is written to it before
    /// [`Connection::start_with`]. `early` holds bytes of the client that were read with its HTTP request.
    pub fn connect(&self, encoding: Encoding, stream: Stream, early: &[u8]) -> Connection<P> {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed);
        let outbox = Arc::new(Outbox::new(stream, &self.metrics));
        self.inbox.put(Command::Connect { id, encoding, outbox: outbox.clone() });
        Connection::new(id, self.inbox.clone(), outbox, early)
    }

    /// Sends an event to all subscribers of a channel. Positions increase with every event of a channel
    /// that clients catch up on ([`Connection::subscribe_catching_up`]); other channels need none.
    pub fn broadcast(&self, channel: P::Channel, position: i64, event: &P::Event) {
        let publication = Publication::new(channel, event);
        self.publish(Publication { position: Some(position), ..publication });
    }

    /// Sends an event without a position to the subscribers of a channel that have caught up. The others read the
    /// current state when they have.
    pub fn broadcast_unnumbered(&self, channel: P::Channel, event: &P::Event) {
        self.publish(Publication::new(channel, event));
    }

    /// Sends an event to the subscribers of `channel` that do not subscribe to `exclude`: the first
    /// immediately, then the newest every 250 ms. Subscribers of `fallback.0` receive the signal `fallback.1`
    /// instead, because the event is not correct for them.
    pub fn broadcast_coalesced(
        &self,
        channel: P::Channel,
        exclude: P::Channel,
        event: &P::Event,
        fallback: (P::Channel, P::Signal),
    ) {
        self.publish(Publication {
            exclude: Some(exclude),
            fallback: Some(fallback),
            coalesce: true,
            ..Publication::new(channel, event)
        });
    }

    /// Sends a signal to all subscribers of a channel.
    pub fn notify(&self, channel: P::Channel, signal: P::Signal) {
        self.inbox.put(Command::Notify { channel, exclude: None, signal });
    }

    /// Sends a signal to all subscribers of a channel: the first immediately, then the newest every 250 ms.
    pub fn notify_coalesced(&self, channel: P::Channel, signal: P::Signal) {
        self.inbox.put(Command::NotifyCoalesced { channel, signal });
    }

    /// Sends a signal to the subscribers of `channel` that do not subscribe to `exclude`.
    pub fn notify_except(&self, channel: P::Channel, exclude: P::Channel, signal: P::Signal) {
        self.inbox.put(Command::Notify { channel, exclude: Some(exclude), signal });
    }

    /// Subscribes all current subscribers of `who` to `channel`, too.
    pub fn subscribe_all(&self, who: P::Channel, channel: P::Channel) {
        self.inbox.put(Command::SubscribeAll { who, channel });
    }

    /// Unsubscribes all subscribers of `who` from `channel`. They receive nothing that is broadcast later.
    pub fn unsubscribe_all(&self, who: P::Channel, channel: P::Channel) {
        self.inbox.put(Command::UnsubscribeAll { who, channel });
    }

    /// Asks all connections to close, so that the clients reconnect.
    pub fn disconnect_all(&self) {
        self.inbox.put(Command::DisconnectAll);
    }

    /// Returns the channels that have subscribers. Empty after the dispatcher has ended.
    pub async fn channels(&self) -> Vec<P::Channel> {
        let (answer, channels) = oneshot::channel();
        self.inbox.put(Command::ListChannels { answer });
        channels.await.unwrap_or_default()
    }

    /// Returns those of the channels that have subscribers. Empty after the dispatcher has ended.
    pub async fn subscribed(&self, channels: Vec<P::Channel>) -> HashSet<P::Channel> {
        let (answer, subscribed) = oneshot::channel();
        self.inbox.put(Command::FindSubscribed { channels, answer });
        subscribed.await.unwrap_or_default()
    }

    pub fn metrics(&self) -> &SocketMetrics {
        &self.metrics
    }

    fn publish(&self, publication: Publication<P>) {
        self.inbox.put(Command::Broadcast(publication));
    }

    #[cfg(test)]
    pub(super) fn take(&self, commands: &mut Vec<Command<P>>) -> bool {
        self.inbox.take(commands)
    }
}

async fn run<P: Protocol>(
    inbox: Arc<Inbox<P>>,
    mut dispatcher: Dispatcher<P>,
    (draining, drained_over): (CancellationToken, Duration),
    closing: CancellationToken,
) {
    let queues_full = dispatcher.queues_full();
    let mut commands = Vec::new();
    let mut ticks: u32 = 0;
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = closing.cancelled() => return inbox.close(),
            () = draining.cancelled(), if !dispatcher.is_stopping() => {
                dispatcher.stop(drained_over);
            }
            _ = tick.tick() => {
                dispatcher.tick().await;
                ticks = (ticks + 1) % TICKS_PER_HEARTBEAT;
                if ticks == 0 {
                    dispatcher.beat().await;
                }
            }
            () = queues_full.notified() => dispatcher.shed_if_full(),
            () = inbox.filled() => {
                let overflowed = inbox.take(&mut commands);
                dispatcher.process(&mut commands).await;
                if overflowed {
                    tracing::warn!("the hub's inbox overflowed: all clients reconnect");
                    dispatcher.stop_all();
                }
            }
        }
    }
}
