//! Hashing and checking passwords. Both are slow on purpose, so all of it goes through the queue of
//! [`super::slow_work`].

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};

use super::model::PlainPassword;
use super::password_strength;
use super::slow_work::{Priority, Share, SlowWorkQueue};
use crate::config::PasswordCost;
use crate::kernel::ServiceError;

/// The hash checked if there is no such user, so that the response takes as long as for a wrong
/// password. No known password has this hash.
const DUMMY_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$cGF0aW8tbm9ib2R5LTAwMDE\
                      $WmrH9t3mXx0o2gBh0nq3y7v1e5d8s4k6u2w9z1c3b5M";

/// The parameters of [`PasswordCost::Least`].
const LEAST: Params = match Params::new(Params::MIN_M_COST, Params::MIN_T_COST, 1, None) {
    Ok(least) => least,
    Err(_) => Params::DEFAULT,
};

/// Argon2id with 19 MiB, two passes, one lane (the OWASP minimum). At most one hash per core but one
/// runs at a time; each takes about 35 ms.
#[derive(Clone)]
pub struct Passwords {
    queue: SlowWorkQueue,
    cost: PasswordCost,
}

impl Passwords {
    pub fn new(cost: PasswordCost) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { queue: SlowWorkQueue::new(cores.saturating_sub(1).max(1)), cost }
    }

    /// Hashes a password with a new salt, as a PHC string.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`] if the queue is full.
    pub(super) async fn hash(
        &self,
        password: &PlainPassword,
        share: Share,
    ) -> Result<String, ServiceError> {
        let (password, cost) = (password.clone(), self.cost);
        self.run_queued(Priority::New, share, move || {
            let hash = hasher(cost).hash_password(password.as_str().as_bytes());
            hash.map(|hash| hash.to_string()).map_err(|e| ServiceError::internal(e.to_string()))
        })
        .await?
    }

    /// Whether the password matches this hash. Without a hash the same work is done and the result is
    /// false.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`] if the queue is full.
    pub(super) async fn verify(
        &self,
        password: &str,
        hash: Option<String>,
        priority: Priority,
        share: Share,
    ) -> Result<bool, ServiceError> {
        let password = password.to_owned();
        self.run_queued(priority, share, move || {
            let (hash, known) = hash_or_dummy(hash.as_deref());
            let matches = Argon2::default().verify_password(password.as_bytes(), hash).is_ok();
            known && matches
        })
        .await
    }

    /// Whether the password is easy to guess for someone who knows `about` (handle and address of the
    /// user).
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`] if the queue is full.
    pub(super) async fn is_guessable(
        &self,
        password: &PlainPassword,
        about: Vec<String>,
        share: Share,
    ) -> Result<bool, ServiceError> {
        let password = password.clone();
        self.run_queued(Priority::Strength, share, move || {
            password_strength::is_guessable(&password, &about)
        })
        .await
    }

    async fn run_queued<R: Send + 'static>(
        &self,
        priority: Priority,
        share: Share,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, ServiceError> {
        let permit = self.queue.acquire(priority, share).await?;
        // The permit moves into the task: if the caller stops waiting, the work still occupies its core
        // until it ends.
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        done.await.map_err(ServiceError::internal)
    }
}

fn hasher(cost: PasswordCost) -> Argon2<'static> {
    match cost {
        PasswordCost::Full => Argon2::default(),
        PasswordCost::Least => Argon2::new(Algorithm::default(), Version::default(), LEAST),
    }
}

/// The hash to compare with, and whether it is the user's. A user without a usable hash (after an
/// import without passwords, for example) gets one that never matches. Otherwise the shorter response
/// time would show an attacker which accounts cannot sign in.
fn hash_or_dummy(hash: Option<&str>) -> (&str, bool) {
    let is_usable = |hash: &&str| {
        PasswordHash::new(hash).is_ok_and(|hash| hash.salt.is_some() && hash.hash.is_some())
    };
    hash.filter(is_usable).map_or((DUMMY_HASH, false), |hash| (hash, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> PlainPassword {
        PlainPassword::parse(text).expect("a password")
    }

    #[tokio::test]
    async fn only_the_right_password_is_verified() {
        let passwords = Passwords::new(PasswordCost::default());
        let hash = passwords.hash(&plain("correcto-caballo-42"), Share::Own).await.expect("a hash");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let verify = async |text, hash| {
            passwords.verify(text, hash, Priority::Known, Share::Own).await.expect("an answer")
        };
        assert!(verify("correcto-caballo-42", Some(hash.clone())).await);
        assert!(!verify("correcto-caballo-43", Some(hash)).await);
        assert!(!verify("correcto-caballo-42", None).await);
    }

    #[test]
    fn an_unusable_hash_is_replaced_by_one_that_costs_as_much() {
        let whole = "$argon2id$v=19$m=19456,t=2,p=1$cGF0aW8tc2FsdC0x$WmrH9t3mXx0o2gBh0nq3y7v1e5d8s4k6u2w9z1c3b5M";
        assert_eq!(hash_or_dummy(Some(whole)), (whole, true));
        for none in [None, Some(""), Some("$"), Some("x"), Some("$argon2id$v=19$m=19456,t=2,p=1")] {
            assert_eq!(hash_or_dummy(none), (DUMMY_HASH, false), "{none:?}");
        }
    }

    #[test]
    fn the_dummy_hash_can_be_verified() {
        use argon2::password_hash::Error;
        let checked = Argon2::default().verify_password(b"x", DUMMY_HASH);
        assert_eq!(checked, Err(Error::PasswordInvalid));
    }
}
