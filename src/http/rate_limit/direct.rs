//! The rate limit for direct messages. Only a new one counts, which the route does not show. So every
//! handler that opens a direct message must use this function.

use super::Action;
use crate::chat::accounts::model::User;
use crate::chat::rooms::Rooms;
use crate::chat::rooms::model::Member;
use crate::http::Problem;
use crate::http::rate_limit::RateLimiter;

/// Returns the direct message of two users, and creates it if it does not exist.
///
/// # Errors
/// 429 if the user creates too many.
pub async fn open_direct(
    rooms: &Rooms,
    rate_limiter: &RateLimiter,
    me: &User,
    other: &User,
) -> Result<Member, Problem> {
    if rooms.find_direct(me, other).await?.is_none() {
        rate_limiter.spend(me.id, Action::NewRoom)?;
    }
    Ok(rooms.direct(me, other).await?)
}
