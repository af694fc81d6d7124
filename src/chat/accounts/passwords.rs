//! Hashing and judging passwords: slow on purpose, so bounded on purpose.

use std::sync::Arc;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use super::model::PlainPassword;
use crate::kernel::Fault;

/// How many may wait for a turn; a hash takes some 35 ms of a core.
const WAITING: usize = 64;

/// Below this nothing offline is needed to find it: zxcvbn's 3 of 4 is "safely unguessable
/// against a slow hash" (Wheeler, USENIX Security 2016).
const LEAST_SCORE: zxcvbn::Score = zxcvbn::Score::Three;

/// What is checked when there is no such person, so that the answer takes as long as a wrong
/// password takes. Nothing is known to have this hash.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$cGF0aW8tbm9ib2R5LTAwMDE\
                      $WmrH9t3mXx0o2gBh0nq3y7v1e5d8s4k6u2w9z1c3b5M";

/// Argon2id with 19 MiB, two passes, one lane (the OWASP minimum), a core's worth of threads at
/// a time.
#[derive(Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Passwords {
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let at_once = cores.saturating_sub(1).max(1);
        Self {
            turns: Arc::new(Semaphore::new(at_once)),
            waiting: Arc::new(Semaphore::new(at_once + WAITING)),
        }
    }

    /// The hash as a PHC string, with a salt of its own.
    ///
    /// # Errors
    /// [`Fault::Busy`] when too many wait already.
    pub async fn hash(&self, password: &PlainPassword) -> Result<String, Fault> {
        let password = password.clone();
        self.in_turn(move || {
            let hash = Argon2::default().hash_password(password.as_str().as_bytes());
            hash.map(|hash| hash.to_string()).map_err(|e| Fault::internal(e.to_string()))
        })
        .await?
    }

    /// Whether the password has this hash. Without one the same work is done for nothing.
    ///
    /// # Errors
    /// [`Fault::Busy`] when too many wait already.
    pub async fn verify(&self, password: &str, hash: Option<String>) -> Result<bool, Fault> {
        let password = password.to_owned();
        self.in_turn(move || {
            let found = hash.is_some();
            let hash = hash.as_deref().unwrap_or(NOBODY);
            let right = Argon2::default().verify_password(password.as_bytes(), hash).is_ok();
            found && right
        })
        .await
    }

    /// Whether the password is too easy to guess for somebody who knows `about` its owner.
    ///
    /// # Errors
    /// [`Fault::Busy`] when too many wait already.
    pub async fn is_guessable(
        &self,
        password: &PlainPassword,
        about: Vec<String>,
    ) -> Result<bool, Fault> {
        let password = password.clone();
        self.in_turn(move || {
            let about: Vec<&str> = about.iter().map(String::as_str).collect();
            zxcvbn::zxcvbn(password.as_str(), &about).score() < LEAST_SCORE
        })
        .await
    }

    async fn in_turn<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, Fault> {
        let Ok(_place) = self.waiting.try_acquire() else {
            return Err(Fault::Busy { retry_after: Duration::from_secs(5) });
        };
        let turn = self.turns.clone().acquire_owned().await.map_err(Fault::internal)?;
        // The turn goes along: work that nobody waits for any more still fills its core.
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        done.await.map_err(Fault::internal)
    }
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
        let hash = passwords.hash(&plain("correcto-caballo-42")).await.expect("a hash");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let verify = async |text, hash| passwords.verify(text, hash).await.expect("an answer");
        assert!(verify("correcto-caballo-42", Some(hash.clone())).await);
        assert!(!verify("correcto-caballo-43", Some(hash)).await);
        assert!(!verify("correcto-caballo-42", None).await);
    }

    #[test]
    fn the_hash_of_nobody_can_be_checked_so_that_it_costs_the_same() {
        use argon2::password_hash::Error;
        let checked = Argon2::default().verify_password(b"x", NOBODY);
        assert_eq!(checked, Err(Error::PasswordInvalid));
    }

    #[tokio::test]
    async fn common_words_and_ones_own_name_are_guessable_and_a_phrase_is_not() {
        let passwords = Passwords::new();
        for (text, guessable) in [
            ("password1", true),
            ("qwertyuiop", true),
            ("12345678", true),
            ("anaortega1", true),
            ("correcto-caballo-42-grapa", false),
            ("huerto vecinal con manguera", false),
        ] {
            let about = vec!["anaortega".to_owned()];
            let judged = passwords.is_guessable(&plain(text), about).await.expect("a judgement");
            assert_eq!(judged, guessable, "{text}");
        }
    }
}
