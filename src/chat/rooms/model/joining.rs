//! The one rule for joining a room, for all ways to join.

use crate::chat::rooms::model::{Code, Visibility};
use crate::kernel::UserId;

/// How a user joins a room.
#[derive(Clone, Debug)]
pub(in crate::chat) enum JoinMethod {
    /// A public room: with the button, a post or a reaction.
    Public,
    Code(Code),
    /// Invited by this member.
    Invitation(UserId),
}

/// The state of a room that decides whether a non-member may join it.
#[derive(Clone, Debug)]
pub(in crate::chat::rooms) struct JoinState {
    pub visibility: Visibility,
    pub code: Option<Code>,
    /// Whether the inviting user is a member.
    pub host: bool,
    /// Whether the user was removed and not invited since.
    pub removed: bool,
    /// Whether a user with an open account is a member of the room.
    pub inhabited: bool,
}

/// Why a user may not join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinRefusal {
    /// They were removed. Only an invitation makes them a member again.
    Removed,
    /// The room cannot be joined in this way.
    Shut,
}

/// Checks whether a non-member may join. A room whose members have all left belongs to no one, so its
/// code no longer works. A removed user can only join by invitation.
pub(in crate::chat::rooms) fn may_join(
    state: &JoinState,
    method: &JoinMethod,
) -> Result<(), JoinRefusal> {
    let allowed = match method {
        JoinMethod::Public => state.visibility == Visibility::Public,
        JoinMethod::Code(code) => state.inhabited && state.code.as_ref() == Some(code),
        JoinMethod::Invitation(_) => state.host && !state.visibility.has_fixed_members(),
    };
    match method {
        _ if !allowed => Err(JoinRefusal::Shut),
        JoinMethod::Public | JoinMethod::Code(_) if state.removed => Err(JoinRefusal::Removed),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_join_method_admits_exactly_the_right_users() {
        use Visibility::{Direct, Group, Private, Public};
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
        let removed = |state: &JoinState| JoinState { removed: true, ..state.clone() };
        let empty =
            |state: &JoinState| JoinState { inhabited: false, host: false, ..state.clone() };
        let (in_, shut, out) = (Ok(()), Err(JoinRefusal::Shut), Err(JoinRefusal::Removed));
        for (state, method, expected) in [
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
            (JoinState { visibility: Group, ..plain.clone() }, invited.clone(), shut),
            (JoinState { visibility: Group, ..plain.clone() }, JoinMethod::Public, shut),
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
            // All users may read it, but joining it does not make them its owner.
            (empty(&plain), JoinMethod::Public, in_),
        ] {
            assert_eq!(may_join(&state, &method), expected, "{state:?} {method:?}");
        }
    }
}
