//! Makes a user a member of a public room in the transaction that stores their post or reaction.

use crate::changefeed::model::ChangeMeta;
use crate::chat::messages::model::NewMember;
use crate::chat::rooms::model::{JoinMethod, JoinRefusal, Member, Visibility};
use crate::chat::rooms::{Joined, insert_joined};
use crate::db::Transaction;

/// Makes the author a member if they are not one yet; in a thread, of the room that it belongs to. Returns the
/// user if they joined now, or why the room refused them.
pub(super) async fn admit(
    transaction: &mut Transaction,
    member: &Member,
    meta: ChangeMeta,
) -> Result<Result<Vec<NewMember>, JoinRefusal>, sqlx::Error> {
    if !member.joins() {
        return Ok(Ok(Vec::new()));
    }
    let user = member.user();
    let room = member.gate();
    let joined = insert_joined(transaction, user.id, room, &JoinMethod::Public, meta);
    Ok(match joined.await? {
        Joined::Now => {
            Ok(vec![NewMember { room, visibility: Visibility::Public, user: user.clone() }])
        }
        Joined::Before => Ok(Vec::new()),
        Joined::Refused(refusal) => Err(refusal),
    })
}
