//! Hashing and judging passwords: slow on purpose, so everything takes turns ([`super::admission`]).

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, PasswordHash};

use super::model::PlainPassword;
use super::password_strength;
use super::slow_work::{Priority, Share, SlowWorkQueue};
use crate::kernel::ServiceError;

/// What is checked when there is no such person, so that the answer takes as long as a wrong
/// password takes. Nothing is known to have this hash.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$cGF0aW8tbm9ib2R5LTAwMDE\
                      $WmrH9t3mXx0o2gBh0nq3y7v1e5d8s4k6u2w9z1c3b5M";

/// Argon2id with 19 MiB, two passes, one lane (the OWASP minimum), a core's worth of threads at
/// a time: a hash takes some 35 ms of one.
#[derive(Clone)]
pub struct Passwords(SlowWorkQueue);

impl Passwords {
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self(SlowWorkQueue::new(cores.saturating_sub(1).max(1)))
    }

    /// The hash as a PHC string, with a salt of its own.
    ///
    /// # Errors
    /// [`Fault::Busy`] when too many wait already.
    pub(super) async fn hash(
        &self,
        password: &PlainPassword,
        by: Share,
    ) -> Result<String, ServiceError> {
        let password = password.clone();
        self.in_turn((Priority::New, by), move || {
            let hash = Argon2::default().hash_password(password.as_str().as_bytes());
            hash.map(|hash| hash.to_string()).map_err(|e| ServiceError::internal(e.to_string()))
        })
        .await?
    }

    /// Whether the password has this hash. Without one the same work is done for nothing.
    ///
    /// # Errors
    /// [`Fault::Busy`] when too many wait already.
    pub(super) async fn verify(
        &self,
        password: &str,
        hash: Option<String>,
        place: (Priority, Share),
    ) -> Result<bool, ServiceError> {
        let password = password.to_owned();
        self.in_turn(place, move || {
            let (hash, known) = comparable(hash.as_deref());
            let right = Argon2::default().verify_password(password.as_bytes(), hash).is_ok();
            known && right
        })
        .await
    }

    /// Whether the password is too easy to guess for somebody who knows `about` its owner.
    ///
    /// # Errors
    /// [`Fault::Busy`] when too many wait already.
    pub(super) async fn is_guessable(
        &self,
        password: &PlainPassword,
        about: Vec<String>,
        by: Share,
    ) -> Result<bool, ServiceError> {
        let password = password.clone();
        self.in_turn((Priority::Strength, by), move || {
            password_strength::is_guessable(&password, &about)
        })
        .await
    }

    async fn in_turn<R: Send + 'static>(
        &self,
        (lane, share): (Priority, Share),
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, ServiceError> {
        let turn = self.0.turn(lane, share).await?;
        // The turn goes along: work that nobody waits for any more still fills its core.
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        done.await.map_err(ServiceError::internal)
    }
}

/// The hash to compare with, and whether it is the user's. A user without a usable hash, as after an
/// import without passwords, gets one that never matches: otherwise the shorter response time would tell
/// strangers which accounts cannot sign in.
fn comparable(hash: Option<&str>) -> (&str, bool) {
    let whole = |hash: &&str| {
        PasswordHash::new(hash).is_ok_and(|hash| hash.salt.is_some() && hash.hash.is_some())
    };
    hash.filter(whole).map_or((NOBODY, false), |hash| (hash, true))
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> PlainPassword {
        PlainPassword::parse(text).expect("a password")
    }

    #[tokio::test]
    async fn the_right_password_is_verified_and_no_other() {
        let passwords = Passwords::new();
        let hash = passwords.hash(&plain("correcto-caballo-42"), Share::Own).await.expect("a hash");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let place = (Priority::Known, Share::Own);
        let verify =
            async |text, hash| passwords.verify(text, hash, place).await.expect("an answer");
        assert!(verify("correcto-caballo-42", Some(hash.clone())).await);
        assert!(!verify("correcto-caballo-43", Some(hash)).await);
        assert!(!verify("correcto-caballo-42", None).await);
    }

    #[test]
    fn whatever_cannot_be_compared_with_is_replaced_by_what_costs_as_much() {
        let whole = "$argon2id$v=19$m=19456,t=2,p=1$cGF0aW8tc2FsdC0x$WmrH9t3mXx0o2gBh0nq3y7v1e5d8s4k6u2w9z1c3b5M";
        assert_eq!(comparable(Some(whole)), (whole, true));
        for none in [None, Some(""), Some("$"), Some("x"), Some("$argon2id$v=19$m=19456,t=2,p=1")] {
            assert_eq!(comparable(none), (NOBODY, false), "{none:?}");
        }
    }

    #[test]
    fn the_hash_of_nobody_can_be_checked_so_that_it_costs_the_same() {
        use argon2::password_hash::Error;
        let checked = Argon2::default().verify_password(b"x", NOBODY);
        assert_eq!(checked, Err(Error::PasswordInvalid));
    }
}
