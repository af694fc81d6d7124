//! A queue with limits for slow work. Hashing passwords and rating their strength keep a core busy for
//! milliseconds each, and unauthenticated clients can request both.
//!
//! Each kind of work has its own wait list with a fixed number of slots. Passwords from known devices
//! and addresses come first; the other lists take turns. If a list is full, the share that holds most
//! slots loses its newest one to a newcomer, so a flood from one network only displaces itself.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::kernel::{ServiceError, UserId};
use crate::limits::passwords as limits;

/// The wait lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Priority {
    /// Password checks from a known device or address.
    Known,
    /// All other password checks.
    Unknown,
    /// Hashes of new passwords.
    New,
    /// Rating how easy a new password is to guess.
    Strength,
}

impl Priority {
    /// The lists that take turns after [`Priority::Known`].
    const OTHERS: [Self; 3] = [Self::Unknown, Self::New, Self::Strength];

    fn slots(self) -> usize {
        match self {
            Self::Known => limits::WAITING_KNOWN,
            Self::Unknown => limits::WAITING_UNKNOWN,
            Self::New => limits::WAITING_NEW,
            Self::Strength => limits::WAITING_STRENGTH,
        }
    }
}

/// Whose slots in a list are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    User(UserId),
    Network(IpAddr),
    /// This machine: the command line and administrators.
    Own,
}

#[derive(Clone)]
pub(super) struct SlowWorkQueue(Arc<Mutex<WaitLists>>);

struct WaitLists {
    /// How many more jobs may run now.
    free: usize,
    waiting: [VecDeque<Waiter>; 4],
    /// Which of [`Priority::OTHERS`] is next.
    next: usize,
}

struct Waiter {
    share: Share,
    permit: oneshot::Sender<Permit>,
}

/// The permission to work now. When it is dropped, the next waiter gets it.
pub(super) struct Permit(SlowWorkQueue);

impl SlowWorkQueue {
    pub fn new(concurrency: usize) -> Self {
        let waiting = std::array::from_fn(|_| VecDeque::new());
        Self(Arc::new(Mutex::new(WaitLists { free: concurrency, waiting, next: 0 })))
    }

    /// Waits for a permit.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`] if the list is full, or a newcomer with fewer slots took this one.
    pub async fn acquire(&self, priority: Priority, share: Share) -> Result<Permit, ServiceError> {
        let permit = {
            let mut lists = self.lock();
            if lists.free > 0 {
                lists.free -= 1;
                return Ok(Permit(self.clone()));
            }
            lists.enqueue(priority, share)
        };
        let busy = || ServiceError::Unavailable { retry_after: limits::RETRY_AFTER };
        permit.ok_or_else(busy)?.await.map_err(|_| busy())
    }

    fn release(&self) {
        let next = {
            let mut lists = self.lock();
            let next = lists.next_waiter();
            lists.free += usize::from(next.is_none());
            next
        };
        // If the waiter just left, sending fails, and dropping the permit releases it again.
        if let Some(waiter) = next {
            drop(waiter.permit.send(Permit(self.clone())));
        }
    }

    fn lock(&self) -> MutexGuard<'_, WaitLists> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WaitLists {
    fn enqueue(&mut self, priority: Priority, share: Share) -> Option<oneshot::Receiver<Permit>> {
        let list = &mut self.waiting[priority as usize];
        if list.len() >= priority.slots() {
            list.retain(|waiter| !waiter.permit.is_closed());
        }
        if list.len() >= priority.slots() && !evict(list, share) {
            return None;
        }
        let (permit, receiver) = oneshot::channel();
        list.push_back(Waiter { share, permit });
        Some(receiver)
    }

    /// The next waiter, by priority.
    fn next_waiter(&mut self) -> Option<Waiter> {
        let known = pop_waiting(&mut self.waiting[Priority::Known as usize]);
        known.or_else(|| {
            (0..Priority::OTHERS.len()).find_map(|_| {
                let priority = Priority::OTHERS[self.next];
                self.next = (self.next + 1) % Priority::OTHERS.len();
                pop_waiting(&mut self.waiting[priority as usize])
            })
        })
    }
}

/// The first waiter of a list that still waits.
fn pop_waiting(list: &mut VecDeque<Waiter>) -> Option<Waiter> {
    while let Some(waiter) = list.pop_front() {
        if !waiter.permit.is_closed() {
            return Some(waiter);
        }
    }
    None
}

/// Removes the newest waiter of the largest share, if the newcomer's share stays smaller than that.
fn evict(list: &mut VecDeque<Waiter>, newcomer: Share) -> bool {
    let slots_of = |share: Share| list.iter().filter(|waiter| waiter.share == share).count();
    let Some(most) = list.iter().map(|waiter| slots_of(waiter.share)).max() else { return false };
    if slots_of(newcomer) + 1 >= most {
        return false;
    }
    let newest = list.iter().rposition(|waiter| slots_of(waiter.share) == most);
    newest.and_then(|at| list.remove(at)).is_some()
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.release();
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;

    use futures_util::FutureExt as _;

    use super::*;

    type Waiting = Pin<Box<dyn Future<Output = Result<Permit, ServiceError>>>>;

    fn network(last: u8) -> Share {
        Share::Network(IpAddr::from([192, 0, 2, last]))
    }

    /// Joins the list, unless the request is served or refused immediately.
    fn enqueue(queue: &SlowWorkQueue, priority: Priority, share: Share) -> (Waiting, Option<bool>) {
        let queue = queue.clone();
        let mut waiting: Waiting = Box::pin(async move { queue.acquire(priority, share).await });
        let immediate = waiting.as_mut().now_or_never().map(|permit| permit.is_ok());
        (waiting, immediate)
    }

    fn served(waiting: &mut Waiting) -> Option<Permit> {
        let permit = waiting.as_mut().now_or_never();
        permit.map(|permit| permit.unwrap_or_else(|_| panic!("a refusal")))
    }

    #[test]
    fn known_clients_go_first_and_no_list_starves() {
        let queue = SlowWorkQueue::new(1);
        let mut work = queue.acquire(Priority::New, network(1)).now_or_never().expect("free").ok();
        let priorities = [
            Priority::Strength,
            Priority::New,
            Priority::Unknown,
            Priority::Unknown,
            Priority::New,
            Priority::Known,
        ];
        let mut waiting: Vec<_> = priorities
            .into_iter()
            .map(|priority| (priority, enqueue(&queue, priority, network(1)).0))
            .collect();
        let mut order = Vec::new();
        while !waiting.is_empty() {
            drop(work.take());
            let at = waiting.iter_mut().position(|(_, waiting)| {
                work = served(waiting);
                work.is_some()
            });
            order.push(waiting.remove(at.expect("one waiter is served")).0);
        }
        let expected = [
            Priority::Known,
            Priority::Unknown,
            Priority::New,
            Priority::Strength,
            Priority::Unknown,
            Priority::New,
        ];
        assert_eq!(order, expected);
    }

    #[test]
    fn a_flood_from_one_network_displaces_only_itself() {
        let queue = SlowWorkQueue::new(1);
        let work = queue.acquire(Priority::New, Share::Own).now_or_never().expect("free").ok();
        let flood: Vec<_> = (0..limits::WAITING_UNKNOWN * 3)
            .map(|_| enqueue(&queue, Priority::Unknown, network(1)))
            .collect();
        let refused = flood.iter().filter(|(_, immediate)| *immediate == Some(false)).count();
        assert_eq!(refused, limits::WAITING_UNKNOWN * 2, "the list has a fixed number of slots");
        let (mut other, immediate) = enqueue(&queue, Priority::Unknown, network(2));
        assert_eq!(immediate, None, "another network gets a slot");
        let (mut known, immediate) = enqueue(&queue, Priority::Known, network(1));
        assert_eq!(immediate, None, "a known client gets a slot in any case");
        drop(work);
        let first = served(&mut known);
        assert!(first.is_some(), "and goes first");
        drop((first, flood));
        assert!(served(&mut other).is_some());
    }

    #[test]
    fn a_full_list_refuses_newcomers_until_waiters_leave() {
        let queue = SlowWorkQueue::new(1);
        let _work = queue.acquire(Priority::New, Share::Own).now_or_never().expect("free").ok();
        let slots = u8::try_from(limits::WAITING_STRENGTH).expect("few");
        let mut list: Vec<_> =
            (0..slots).map(|n| enqueue(&queue, Priority::Strength, network(n))).collect();
        assert_eq!(enqueue(&queue, Priority::Strength, network(200)).1, Some(false));
        drop(list.pop());
        assert_eq!(enqueue(&queue, Priority::Strength, network(200)).1, None);
    }

    #[test]
    fn a_permit_is_not_lost_if_its_waiter_left() {
        let queue = SlowWorkQueue::new(2);
        let permits = [(), ()].map(|()| queue.acquire(Priority::New, Share::Own).now_or_never());
        let left = enqueue(&queue, Priority::Known, network(1));
        let (mut stays, _) = enqueue(&queue, Priority::Unknown, network(1));
        drop((left, permits));
        assert!(served(&mut stays).is_some());
        let again = [(), ()].map(|()| enqueue(&queue, Priority::New, Share::Own).1);
        assert_eq!(again, [Some(true), Some(true)]);
    }
}
