//! Who gets a turn at slow work, and who waits: hashing and judging passwords keep a core busy for
//! milliseconds each, and strangers can ask for them.
//!
//! Each kind of work has a line of its own with a fixed number of places. People who signed in here
//! before go first; the other lines take turns. When a line is full, whoever holds most of its places
//! loses the newest of them to a newcomer, so that a flood from one network pushes out only itself.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::kernel::{ServiceError, UserId};
use crate::limits::passwords as limits;

/// The lines, with the number of places in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Priority {
    /// Passwords of people who signed in from the same address or device before.
    Known,
    /// All other passwords that are compared.
    Unknown,
    /// Hashes of new passwords.
    New,
    /// Judging how easily a new password is guessed.
    Strength,
}

impl Priority {
    /// Those that take turns behind [`Lane::Known`].
    const OTHERS: [Self; 3] = [Self::Unknown, Self::New, Self::Strength];

    fn places(self) -> usize {
        match self {
            Self::Known => limits::WAITING_KNOWN,
            Self::Unknown => limits::WAITING_UNKNOWN,
            Self::New => limits::WAITING_NEW,
            Self::Strength => limits::WAITING_STRENGTH,
        }
    }
}

/// Whose places in a line are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    User(UserId),
    Network(IpAddr),
    /// This machine: the command line, and administrators.
    Own,
}

#[derive(Clone)]
pub(super) struct SlowWorkQueue(Arc<Mutex<WaitLists>>);

struct WaitLists {
    /// How many may work at the same time, minus those who do.
    free: usize,
    waiting: [VecDeque<Waiter>; 4],
    /// Which of [`Lane::OTHERS`] is next.
    next: usize,
}

struct Waiter {
    share: Share,
    called: oneshot::Sender<Permit>,
}

/// The right to work now. Dropped, it goes to the next who waits.
pub(super) struct Permit(SlowWorkQueue);

impl SlowWorkQueue {
    pub fn new(at_once: usize) -> Self {
        let waiting = std::array::from_fn(|_| VecDeque::new());
        Self(Arc::new(Mutex::new(WaitLists { free: at_once, waiting, next: 0 })))
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// [`Fault::Busy`] when there is no place in the line, or somebody with fewer places took it.
    pub async fn turn(&self, lane: Priority, share: Share) -> Result<Permit, ServiceError> {
        let called = {
            let mut lines = self.lock();
            if lines.free > 0 {
                lines.free -= 1;
                return Ok(Permit(self.clone()));
            }
            lines.enqueue(lane, share)
        };
        let busy = || ServiceError::Unavailable { retry_after: limits::RETRY_AFTER };
        called.ok_or_else(busy)?.await.map_err(|_| busy())
    }

    fn pass_on(&self) {
        let next = {
            let mut lines = self.lock();
            let next = lines.call();
            lines.free += usize::from(next.is_none());
            next
        };
        // Whoever left in this moment gives the turn back by dropping it.
        if let Some(waiter) = next {
            drop(waiter.called.send(Permit(self.clone())));
        }
    }

    fn lock(&self) -> MutexGuard<'_, WaitLists> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WaitLists {
    fn enqueue(&mut self, lane: Priority, share: Share) -> Option<oneshot::Receiver<Permit>> {
        let line = &mut self.waiting[lane as usize];
        if line.len() >= lane.places() {
            line.retain(|waiter| !waiter.called.is_closed());
        }
        if line.len() >= lane.places() && !evict(line, share) {
            return None;
        }
        let (called, turn) = oneshot::channel();
        line.push_back(Waiter { share, called });
        Some(turn)
    }

    /// Who is next.
    fn call(&mut self) -> Option<Waiter> {
        let known = present(&mut self.waiting[Priority::Known as usize]);
        known.or_else(|| {
            (0..Priority::OTHERS.len()).find_map(|_| {
                let lane = Priority::OTHERS[self.next];
                self.next = (self.next + 1) % Priority::OTHERS.len();
                present(&mut self.waiting[lane as usize])
            })
        })
    }
}

/// The first of a line who still waits.
fn present(line: &mut VecDeque<Waiter>) -> Option<Waiter> {
    while let Some(waiter) = line.pop_front() {
        if !waiter.called.is_closed() {
            return Some(waiter);
        }
    }
    None
}

/// Sends away the newest of those whose share is the largest, if a newcomer's stays smaller.
fn evict(line: &mut VecDeque<Waiter>, newcomer: Share) -> bool {
    let places = |share: Share| line.iter().filter(|waiter| waiter.share == share).count();
    let Some(most) = line.iter().map(|waiter| places(waiter.share)).max() else { return false };
    if places(newcomer) + 1 >= most {
        return false;
    }
    let newest = line.iter().rposition(|waiter| places(waiter.share) == most);
    newest.and_then(|at| line.remove(at)).is_some()
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.pass_on();
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

    /// Stands in the line from here on, unless it is served or refused at once.
    fn stand(admission: &SlowWorkQueue, lane: Priority, share: Share) -> (Waiting, Option<bool>) {
        let admission = admission.clone();
        let mut waiting: Waiting = Box::pin(async move { admission.turn(lane, share).await });
        let at_once = waiting.as_mut().now_or_never().map(|turn| turn.is_ok());
        (waiting, at_once)
    }

    fn served(waiting: &mut Waiting) -> Option<Permit> {
        let turn = waiting.as_mut().now_or_never();
        turn.map(|turn| turn.unwrap_or_else(|_| panic!("a refusal")))
    }

    #[test]
    fn those_who_were_here_before_go_first_and_no_other_line_starves() {
        let admission = SlowWorkQueue::new(1);
        let mut work = admission.turn(Priority::New, network(1)).now_or_never().expect("free").ok();
        let lanes = [
            Priority::Strength,
            Priority::New,
            Priority::Unknown,
            Priority::Unknown,
            Priority::New,
            Priority::Known,
        ];
        let mut waiting: Vec<_> =
            lanes.into_iter().map(|lane| (lane, stand(&admission, lane, network(1)).0)).collect();
        let mut order = Vec::new();
        while !waiting.is_empty() {
            drop(work.take());
            let at = waiting.iter_mut().position(|(_, waiting)| {
                work = served(waiting);
                work.is_some()
            });
            order.push(waiting.remove(at.expect("somebody is served")).0);
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
    fn a_flood_of_one_network_pushes_out_itself_and_nobody_else() {
        let admission = SlowWorkQueue::new(1);
        let work = admission.turn(Priority::New, Share::Own).now_or_never().expect("free").ok();
        let flood: Vec<_> = (0..limits::WAITING_UNKNOWN * 3)
            .map(|_| stand(&admission, Priority::Unknown, network(1)))
            .collect();
        let refused = flood.iter().filter(|(_, at_once)| *at_once == Some(false)).count();
        assert_eq!(refused, limits::WAITING_UNKNOWN * 2, "there are so many places and no more");
        let (mut other, at_once) = stand(&admission, Priority::Unknown, network(2));
        assert_eq!(at_once, None, "another network has a place");
        let (mut known, at_once) = stand(&admission, Priority::Known, network(1));
        assert_eq!(at_once, None, "and who is known here has one whatever happens");
        drop(work);
        let first = served(&mut known);
        assert!(first.is_some(), "and goes first");
        drop((first, flood));
        assert!(served(&mut other).is_some());
    }

    #[test]
    fn a_full_line_of_many_networks_refuses_the_next_and_those_who_leave_make_room() {
        let admission = SlowWorkQueue::new(1);
        let _work = admission.turn(Priority::New, Share::Own).now_or_never().expect("free").ok();
        let places = u8::try_from(limits::WAITING_STRENGTH).expect("few");
        let mut line: Vec<_> =
            (0..places).map(|n| stand(&admission, Priority::Strength, network(n))).collect();
        assert_eq!(stand(&admission, Priority::Strength, network(200)).1, Some(false));
        drop(line.pop());
        assert_eq!(stand(&admission, Priority::Strength, network(200)).1, None);
    }

    #[test]
    fn a_turn_is_never_lost_with_somebody_who_left() {
        let admission = SlowWorkQueue::new(2);
        let turns = [(), ()].map(|()| admission.turn(Priority::New, Share::Own).now_or_never());
        let left = stand(&admission, Priority::Known, network(1));
        let (mut stays, _) = stand(&admission, Priority::Unknown, network(1));
        drop((left, turns));
        assert!(served(&mut stays).is_some());
        let again = [(), ()].map(|()| stand(&admission, Priority::New, Share::Own).1);
        assert_eq!(again, [Some(true), Some(true)]);
    }
}
