//! The hub: who listens to what, and the hand-over to each connection's bounded queue.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// Frames a connection may have waiting. Whoever falls further behind is cut and comes back:
/// catching up from the database costs less than memory for the slow.
const QUEUE: usize = 256;

/// How a connection wants its events written. A small number that only the encoder understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Form(pub u8);

/// Writes an event in a form.
pub type Encode<E> = Arc<dyn Fn(&E, Form) -> Bytes + Send + Sync>;

/// What a connection receives.
#[derive(Debug)]
pub enum Delivery<T, N> {
    /// An event of a topic. `mark` is the number it was published with.
    Frame { topic: T, mark: i64, bytes: Bytes },
    /// Something to act upon.
    Notice(N),
}

/// Topics `T`, events `E` that are written down once for all, notices `N` that each connection
/// understands for itself.
pub struct Hub<T, E, N> {
    state: Arc<Mutex<State<T, N>>>,
    encode: Encode<E>,
}

struct State<T, N> {
    next: u64,
    connections: HashMap<u64, Listener<T, N>>,
    topics: HashMap<T, HashSet<u64>>,
}

struct Listener<T, N> {
    form: Form,
    queue: mpsc::Sender<Delivery<T, N>>,
    topics: HashSet<T>,
}

impl<T, E, N> Clone for Hub<T, E, N> {
    fn clone(&self) -> Self {
        Self { state: self.state.clone(), encode: self.encode.clone() }
    }
}

impl<T: Copy + Eq + Hash, E, N: Copy> Hub<T, E, N> {
    pub fn new(encode: Encode<E>) -> Self {
        let state = State { next: 0, connections: HashMap::new(), topics: HashMap::new() };
        Self { state: Arc::new(Mutex::new(state)), encode }
    }

    /// A new connection that listens to nothing yet. Dropping it ends all it listens to.
    pub fn connect(&self, form: Form) -> Connection<T, N> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let mut state = lock(&self.state);
        state.next += 1;
        let id = state.next;
        state.connections.insert(id, Listener { form, queue, topics: HashSet::new() });
        Connection { id, state: self.state.clone(), waiting }
    }

    /// Hands an event to everybody who listens to the topic. Never waits. `mark` travels along
    /// with each frame; a topic's marks are expected not to fall.
    pub fn publish(&self, topic: T, mark: i64, event: &E) {
        let mut encoded: HashMap<Form, Bytes> = HashMap::new();
        lock(&self.state).hand_out(topic, |form| {
            let bytes = encoded.entry(form).or_insert_with(|| (self.encode)(event, form));
            Delivery::Frame { topic, mark, bytes: bytes.clone() }
        });
    }

    /// Hands a notice to everybody who listens to the topic. Never waits.
    pub fn tell(&self, topic: T, notice: N) {
        lock(&self.state).hand_out(topic, |_| Delivery::Notice(notice));
    }
}

impl<T: Copy + Eq + Hash, N> State<T, N> {
    fn hand_out(&mut self, topic: T, mut delivery: impl FnMut(Form) -> Delivery<T, N>) {
        let Some(listeners) = self.topics.get(&topic) else {
            return;
        };
        let mut behind = Vec::new();
        for id in listeners {
            let Some(listener) = self.connections.get(id) else {
                continue;
            };
            match listener.queue.try_send(delivery(listener.form)) {
                Ok(()) => {}
                Err(TrySendError::Full(_) | TrySendError::Closed(_)) => behind.push(*id),
            }
        }
        for id in behind {
            self.forget(id);
        }
    }

    fn forget(&mut self, id: u64) {
        let Some(listener) = self.connections.remove(&id) else {
            return;
        };
        for topic in listener.topics {
            self.leave(id, topic);
        }
    }

    fn leave(&mut self, id: u64, topic: T) {
        if let Some(listeners) = self.topics.get_mut(&topic) {
            listeners.remove(&id);
            if listeners.is_empty() {
                self.topics.remove(&topic);
            }
        }
    }
}

/// One connection's end of the hub.
pub struct Connection<T: Copy + Eq + Hash, N> {
    id: u64,
    state: Arc<Mutex<State<T, N>>>,
    waiting: mpsc::Receiver<Delivery<T, N>>,
}

impl<T: Copy + Eq + Hash, N> Connection<T, N> {
    pub fn listen(&self, topic: T) {
        let mut state = lock(&self.state);
        if let Some(listener) = state.connections.get_mut(&self.id) {
            listener.topics.insert(topic);
            state.topics.entry(topic).or_default().insert(self.id);
        }
    }

    pub fn ignore(&self, topic: T) {
        let mut state = lock(&self.state);
        if let Some(listener) = state.connections.get_mut(&self.id) {
            listener.topics.remove(&topic);
            state.leave(self.id, topic);
        }
    }

    /// The next delivery; `None` when this connection fell too far behind and was cut.
    pub async fn next(&mut self) -> Option<Delivery<T, N>> {
        self.waiting.recv().await
    }
}

impl<T: Copy + Eq + Hash, N> Drop for Connection<T, N> {
    fn drop(&mut self) {
        lock(&self.state).forget(self.id);
    }
}

/// A panic while the lock was held leaves nothing half done that could not be used.
fn lock<T, N>(state: &Mutex<State<T, N>>) -> MutexGuard<'_, State<T, N>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn hub() -> (Hub<u8, &'static str, u16>, Arc<AtomicUsize>) {
        let encoded = Arc::new(AtomicUsize::new(0));
        let count = encoded.clone();
        let encode = move |event: &&'static str, form: Form| {
            count.fetch_add(1, Ordering::Relaxed);
            Bytes::from(format!("{}:{event}", form.0))
        };
        (Hub::new(Arc::new(encode)), encoded)
    }

    async fn text(connection: &mut Connection<u8, u16>) -> String {
        match connection.next().await {
            Some(Delivery::Frame { bytes, .. }) => String::from_utf8_lossy(&bytes).into_owned(),
            other => format!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn an_event_reaches_those_who_listen_to_its_topic_and_nobody_else() {
        let (hub, _) = hub();
        let (mut here, mut elsewhere) = (hub.connect(Form(0)), hub.connect(Form(0)));
        here.listen(1);
        elsewhere.listen(2);
        hub.publish(1, 0, &"one");
        hub.publish(2, 0, &"two");
        assert_eq!(text(&mut here).await, "0:one");
        assert_eq!(text(&mut elsewhere).await, "0:two");
    }

    #[tokio::test]
    async fn an_event_is_encoded_once_per_form() {
        let (hub, encoded) = hub();
        let listeners: Vec<_> = (0..9).map(|n| hub.connect(Form(n % 3))).collect();
        for listener in &listeners {
            listener.listen(1);
        }
        hub.publish(1, 0, &"x");
        assert_eq!(encoded.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn who_falls_too_far_behind_is_cut_and_the_others_are_not() {
        let (hub, _) = hub();
        let (mut slow, mut quick) = (hub.connect(Form(0)), hub.connect(Form(0)));
        slow.listen(1);
        quick.listen(1);
        for _ in 0..=QUEUE {
            hub.publish(1, 0, &"x");
            assert_eq!(text(&mut quick).await, "0:x");
        }
        for _ in 0..QUEUE {
            assert_eq!(text(&mut slow).await, "0:x");
        }
        assert!(slow.next().await.is_none());
    }

    #[tokio::test]
    async fn a_topic_nobody_listens_to_takes_no_memory() {
        let (hub, encoded) = hub();
        let (one, two) = (hub.connect(Form(0)), hub.connect(Form(0)));
        one.listen(1);
        two.listen(1);
        one.ignore(1);
        drop(two);
        hub.publish(1, 0, &"x");
        assert_eq!(encoded.load(Ordering::Relaxed), 0);
        assert!(lock(&hub.state).topics.is_empty());
    }

    #[tokio::test]
    async fn a_notice_reaches_the_topic_too() {
        let (hub, _) = hub();
        let mut connection = hub.connect(Form(0));
        connection.listen(7);
        hub.tell(7, 4401);
        assert!(matches!(connection.next().await, Some(Delivery::Notice(4401))));
    }
}
