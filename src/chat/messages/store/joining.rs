//! Makes a user a member of a public room in the transaction that stores their post or reaction.

use crate::changefeed::model::ChangeMeta;
use crate::chat::accounts::model::User;
use crate::chat::rooms::model::{JoinMethod, JoinRefusal, Member};
use crate::chat::rooms::{Joined, insert_joined};
use crate::db::Transaction;

/// Makes the author a member if they are not one yet. Returns the user if they joined now, or why the
/// room refused them.
pub(super) async fn admit(
    transaction: &mut Transaction,
    member: &Member,
    meta: ChangeMeta,
) -> Result<Result<Option<User>, JoinRefusal>, sqlx::Error> {
    if !member.joins() {
        return Ok(Ok(None));
    }
    let user = member.user();
    let joined = insert_joined(transaction, user.id, member.room(), &JoinMethod::Public, meta);
    Ok(match joined.await? {
        Joined::Now => Ok(Some(user.clone())),
        Joined::Before => Ok(None),
        Joined::Refused(refusal) => Err(refusal),
    })
}
