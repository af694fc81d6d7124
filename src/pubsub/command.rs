//! Commands for the dispatcher, and the types that the application gives the hub.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::outbox::Outbox;
use super::recent::{Moment, RecentChannels};
use super::subscriber::{CatchUp, Encoding};

/// The types that travel through a hub.
pub trait Protocol: 'static {
    /// The address of a broadcast channel.
    type Channel: Copy + Eq + Hash + Send + Sync + 'static;
    /// The data that subscribers receive, encoded once per [`Encoding`].
    type Event: Clone + Send + Sync + 'static;
    /// Wakes a connection's task, which then reads the current state with its own permissions.
    type Signal: Copy + PartialEq + Send + Sync + 'static;
}

/// An event for the subscribers of a channel, with its delivery options.
pub(super) struct Publication<P: Protocol> {
    pub channel: P::Channel,
    /// Increases with every event of a channel that clients catch up on; `None` for other channels.
    pub position: Option<i64>,
    /// Subscribers of this channel do not receive the event.
    pub exclude: Option<P::Channel>,
    /// The connection that publishes the event. The event is dropped unless that connection subscribes to
    /// `channel` itself.
    pub sender: Option<u64>,
    /// Delivers only the newest of the events that arrive within [`super::dispatcher::TICK`].
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
    SubscribeSince {
        id: u64,
        channels: Vec<P::Channel>,
        moment: Moment,
        answer: oneshot::Sender<bool>,
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
    ListChannels {
        answer: oneshot::Sender<Vec<P::Channel>>,
    },
    FindSubscribed {
        channels: Vec<P::Channel>,
        answer: oneshot::Sender<HashSet<P::Channel>>,
    },
}

impl<P: Protocol> Command<P> {
    /// Takes note of the channels for which it would have made a difference that there are more subscribers.
    pub fn note_in(&self, recent: &mut RecentChannels<P::Channel>) {
        match self {
            Self::Broadcast(publication) => recent.push(publication.channel),
            Self::Notify { channel, .. }
            | Self::NotifyCoalesced { channel, .. }
            | Self::SubscribeAll { who: channel, .. } => recent.push(*channel),
            // The answer decides what is published at all.
            Self::FindSubscribed { channels, .. } => {
                for channel in channels {
                    recent.push(*channel);
                }
            }
            Self::ListChannels { .. } => recent.push_all(),
            _ => {}
        }
    }

    /// The channels whose events this connection receives from now on.
    pub fn subscribed(&self) -> &[P::Channel] {
        match self {
            Self::Subscribe { channel, .. } => std::slice::from_ref(channel),
            Self::SubscribeSince { channels, .. } => channels,
            _ => &[],
        }
    }
}
