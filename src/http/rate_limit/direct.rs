//! Opening a conversation of two people. Only one that is new counts, which no route can tell by its
//! address, so that all doors come through here.

use super::Action;
use crate::chat::accounts::model::User;
use crate::chat::rooms::model::Member;
use crate::http::{AppState, Problem};

/// The conversation of two people, made if there is none.
///
/// # Errors
/// 429 when somebody makes too many.
pub async fn open_direct(site: &AppState, me: &User, other: &User) -> Result<Member, Problem> {
    if site.rooms.find_direct(me, other).await?.is_none() {
        site.rates.spend(me.id, Action::NewRoom)?;
    }
    Ok(site.rooms.direct(me, other).await?)
}
