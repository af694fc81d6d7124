//! Becoming a member of a public room by what one says there, in the transaction that stores it.

use crate::chat::accounts::model::Person;
use crate::chat::news::model::Stamp;
use crate::chat::rooms::model::{Door, Member, Refusal};
use crate::chat::rooms::{Joined, admit as let_in};
use crate::db::Change;

/// Makes a member of who is none yet. Answers who that is, or why they may not.
pub(super) async fn admit(
    change: &mut Change,
    member: &Member,
    stamp: Stamp,
) -> Result<Result<Option<Person>, Refusal>, sqlx::Error> {
    if !member.joins() {
        return Ok(Ok(None));
    }
    let place = (member.person().id, member.room());
    Ok(match let_in(change, place, &Door::Public, stamp).await? {
        Joined::Now => Ok(Some(member.person().clone())),
        Joined::Before => Ok(None),
        Joined::Refused(refusal) => Err(refusal),
    })
}
