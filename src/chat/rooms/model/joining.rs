//! Who may join a room: one rule for every way in.

use crate::chat::rooms::model::{Code, Visibility};
use crate::kernel::UserId;

/// The way in that somebody takes.
#[derive(Clone, Debug)]
pub(in crate::chat) enum JoinMethod {
    /// Of a public room: the button, a post, a reaction.
    Public,
    Code(Code),
    /// Brought along by this member.
    Invitation(UserId),
}

/// How somebody who is no member stands to a room.
#[derive(Clone, Debug)]
pub(in crate::chat::rooms) struct JoinState {
    pub visibility: Visibility,
    pub code: Option<Code>,
    /// Whether who invites them is a member.
    pub host: bool,
    /// Whether they were removed and not invited since.
    pub removed: bool,
    /// Whether anybody with an open account is in the room.
    pub inhabited: bool,
}

/// Why somebody may not join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinRefusal {
    /// They were removed, and only an invitation lets them in again.
    Removed,
    /// This door does not open the room.
    Shut,
}

/// A room that everybody has left belongs to nobody: its code opens nothing. Only an invitation lets in
/// who was removed.
pub(in crate::chat::rooms) fn may_join(
    standing: &JoinState,
    door: &JoinMethod,
) -> Result<(), JoinRefusal> {
    let opens = match door {
        JoinMethod::Public => standing.visibility == Visibility::Public,
        JoinMethod::Code(code) => standing.inhabited && standing.code.as_ref() == Some(code),
        JoinMethod::Invitation(_) => standing.host && standing.visibility != Visibility::Direct,
    };
    match door {
        _ if !opens => Err(JoinRefusal::Shut),
        JoinMethod::Public | JoinMethod::Code(_) if standing.removed => Err(JoinRefusal::Removed),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_door_lets_in_whom_it_should_and_nobody_else() {
        use Visibility::{Direct, Private, Public};
        let (right, wrong) = (Code::parse("0000-0000-0000"), Code::parse("1111-1111-1111"));
        let code = |code: &Option<Code>| JoinMethod::Code(code.clone().expect("a code"));
        let invited = JoinMethod::Invitation(UserId(1));
        let plain = JoinState {
            visibility: Public,
            code: right.clone(),
            host: true,
            removed: false,
            inhabited: true,
        };
        let private = JoinState { visibility: Private, ..plain.clone() };
        let removed = |standing: &JoinState| JoinState { removed: true, ..standing.clone() };
        let empty =
            |standing: &JoinState| JoinState { inhabited: false, host: false, ..standing.clone() };
        let (in_, shut, out) = (Ok(()), Err(JoinRefusal::Shut), Err(JoinRefusal::Removed));
        for (standing, door, expected) in [
            (plain.clone(), JoinMethod::Public, in_),
            (plain.clone(), code(&right), in_),
            (plain.clone(), code(&wrong), shut),
            (plain.clone(), invited.clone(), in_),
            (private.clone(), JoinMethod::Public, shut),
            (private.clone(), code(&right), in_),
            (private.clone(), code(&wrong), shut),
            (private.clone(), invited.clone(), in_),
            (JoinState { host: false, ..private.clone() }, invited.clone(), shut),
            (JoinState { visibility: Direct, ..plain.clone() }, invited.clone(), shut),
            (removed(&plain), JoinMethod::Public, out),
            (removed(&plain), code(&right), out),
            (removed(&plain), code(&wrong), shut),
            (removed(&plain), invited.clone(), in_),
            (removed(&private), JoinMethod::Public, shut),
            (removed(&private), code(&right), out),
            (removed(&private), code(&wrong), shut),
            (removed(&private), invited.clone(), in_),
            (empty(&private), code(&right), shut),
            (empty(&private), invited.clone(), shut),
            (empty(&plain), code(&right), shut),
            // Everybody may read it; who joins it does not own it.
            (empty(&plain), JoinMethod::Public, in_),
        ] {
            assert_eq!(may_join(&standing, &door), expected, "{standing:?} {door:?}");
        }
    }
}
