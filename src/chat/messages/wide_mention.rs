//! Mentions of many members at once: `@room` and `@here`. Decides what they reach and how often a user may
//! use them; whom they reach is read with the message's room.

use std::sync::{Arc, Mutex, PoisonError};

use super::model::WriteError;
use crate::chat::presence::Presence;
use crate::config::Switch;
use crate::kernel::{Clock, TokenBuckets, UserId};
use crate::limits::user::WIDE_MENTIONS;

/// What mentions many members of a room at once. No user can have one of these names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WideMention {
    /// All members.
    Room,
    /// The members who are online.
    Here,
}

impl WideMention {
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "room" => Some(Self::Room),
            "here" => Some(Self::Here),
            _ => None,
        }
    }

    /// The widest mention among these words, which stand after an `@`.
    pub(super) fn among(names: &[String]) -> Option<Self> {
        let mut all = names.iter().filter_map(|name| Self::parse(name));
        let first = all.next()?;
        Some(if all.any(|other| other == Self::Room) { Self::Room } else { first })
    }
}

/// Who is online, and how often each user has mentioned many members.
#[derive(Clone)]
pub(super) struct WideMentions {
    presence: Presence,
    clock: Clock,
    /// `None` if rates are not limited.
    used: Option<Arc<Mutex<TokenBuckets<UserId>>>>,
}

impl WideMentions {
    pub fn new(presence: Presence, clock: Clock, rate_limit: Switch) -> Self {
        let used = (rate_limit == Switch::On).then(Arc::default);
        Self { presence, clock, used }
    }

    /// Counts a text with these words after an `@`. Returns who is online if the text mentions them.
    ///
    /// # Errors
    /// [`WriteError::TooMany`] if the user mentions many members too often.
    pub fn admit(&self, user: UserId, names: &[String]) -> Result<Vec<UserId>, WriteError> {
        if WideMention::among(names).is_none() {
            return Ok(Vec::new());
        }
        if let Some(used) = &self.used {
            let mut used = used.lock().unwrap_or_else(PoisonError::into_inner);
            used.take(&user, WIDE_MENTIONS, self.clock.now()).map_err(WriteError::TooMany)?;
        }
        let is_here = |name: &String| WideMention::parse(name) == Some(WideMention::Here);
        Ok(if names.iter().any(is_here) { self.online() } else { Vec::new() })
    }

    /// Who is online, in the order of their ids.
    pub fn online(&self) -> Vec<UserId> {
        self.presence.online().into_iter().collect()
    }
}
