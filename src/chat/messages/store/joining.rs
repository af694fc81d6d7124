//! Becoming a member of a public room by what one says there, in the transaction that stores it.

use crate::changefeed::model::ChangeMeta;
use crate::chat::accounts::model::User;
use crate::chat::rooms::model::{JoinMethod, JoinRefusal, Member};
use crate::chat::rooms::{Joined, insert_joined as let_in};
use crate::db::Transaction;

/// Makes a member of who is none yet. Answers who that is, or why they may not.
pub(super) async fn admit(
    change: &mut Transaction,
    member: &Member,
    stamp: ChangeMeta,
) -> Result<Result<Option<User>, JoinRefusal>, sqlx::Error> {
    if !member.joins() {
        return Ok(Ok(None));
    }
    let place = (member.user().id, member.room());
    Ok(match let_in(change, place, &JoinMethod::Public, stamp).await? {
        Joined::Now => Ok(Some(member.user().clone())),
        Joined::Before => Ok(None),
        Joined::Refused(refusal) => Err(refusal),
    })
}
