//! What the dispatcher is asked to do, and the types that the application gives the hub.

use std::hash::Hash;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::outbox::Outbox;
use super::subscriber::{CatchUp, Encoding};

/// The types that travel through a hub.
pub trait Protocol: 'static {
    /// The address of a broadcast channel.
    type Channel: Copy + Eq + Hash + Send + Sync + 'static;
    /// What subscribers receive, encoded once for all of them.
    type Event: Clone + Send + Sync + 'static;
    /// What a connection must act upon by itself, with its own permissions.
    type Signal: Copy + PartialEq + Send + Sync + 'static;
}

/// An event on its way to the subscribers of a channel.
pub(super) struct Publication<P: Protocol> {
    pub channel: P::Channel,
    /// Increases with every event of a channel that clients catch up on; `None` for other channels.
    pub position: Option<i64>,
    /// Subscribers of this channel are left out.
    pub exclude: Option<P::Channel>,
    /// The connection that sends it. Delivered only if that connection is a subscriber itself.
    pub sender: Option<u64>,
    /// Of several within [`super::hub::COALESCE_INTERVAL`] only the newest is delivered.
    pub coalesce: bool,
    /// Subscribers of this channel receive the signal instead of the event.
    pub fallback: Option<(P::Channel, P::Signal)>,
    pub event: P::Event,
}

impl<P: Protocol> Publication<P> {
    pub fn new(channel: P::Channel, event: &P::Event) -> Self {
        Self {
            channel,
            position: None,
            exclude: None,
            sender: None,
            coalesce: false,
            fallback: None,
            event: event.clone(),
        }
    }
}

pub(super) enum Command<P: Protocol> {
    Broadcast(Publication<P>),
    Notify {
        channel: P::Channel,
        exclude: Option<P::Channel>,
        signal: P::Signal,
    },
    NotifyCoalesced {
        channel: P::Channel,
        signal: P::Signal,
    },
    SubscribeAll {
        who: P::Channel,
        channel: P::Channel,
    },
    UnsubscribeAll {
        who: P::Channel,
        channel: P::Channel,
    },
    Connect {
        id: u64,
        encoding: Encoding,
        outbox: Arc<Outbox<P::Signal>>,
    },
    Subscribe {
        id: u64,
        channel: P::Channel,
    },
    SubscribeCatchingUp {
        id: u64,
        channel: P::Channel,
    },
    GoLive {
        id: u64,
        channel: P::Channel,
        after: i64,
        first: Bytes,
        answer: oneshot::Sender<CatchUp>,
    },
    Unsubscribe {
        id: u64,
        channel: P::Channel,
    },
    Disconnect {
        id: u64,
    },
    DisconnectAll,
}
