//! The rate limit for direct messages. Only a new one counts, which the route does not show. So every
//! handler that opens a direct message must use this function.

use super::Action;
use crate::chat::accounts::model::User;
use crate::chat::rooms::model::Member;
use crate::http::{AppState, Problem};

/// Returns the direct message of two users, and creates it if it does not exist.
///
/// # Errors
/// 429 if the user creates too many.
pub async fn open_direct(state: &AppState, me: &User, other: &User) -> Result<Member, Problem> {
    if state.rooms.find_direct(me, other).await?.is_none() {
        state.rate_limiter.spend(me.id, Action::NewRoom)?;
    }
    Ok(state.rooms.direct(me, other).await?)
}
