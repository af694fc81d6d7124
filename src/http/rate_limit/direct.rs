//! The rate limit for direct messages and groups. Only a new one counts, which the route does not show. So
//! every handler that opens one must use this function.

use super::Action;
use crate::chat::accounts::model::User;
use crate::chat::rooms::Rooms;
use crate::chat::rooms::model::{FixedMembers, Member};
use crate::http::Problem;
use crate::http::rate_limit::RateLimiter;

/// Returns the direct message or group with these members, of whom the user is one, and creates it if it
/// does not exist.
///
/// # Errors
/// 429 if the user creates too many.
pub async fn open_fixed(
    rooms: &Rooms,
    rate_limiter: &RateLimiter,
    me: &User,
    members: &FixedMembers,
) -> Result<Member, Problem> {
    if rooms.find_fixed(members).await?.is_none() {
        rate_limiter.spend(me.id, Action::NewRoom)?;
    }
    Ok(rooms.fixed(me, members).await?)
}
