//! The rate limit action of a request, by its method and route. Every change counts as a write unless it is
//! listed here, so that no route can be forgotten.

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{Action, RunningGuard, SlowAction};
use crate::http::rate_limit::RateLimiter;
use crate::http::{Problem, Viewer};
use crate::kernel::UserId;

/// Routes that create a room.
const NEW_ROOMS: [&str; 1] = ["/rooms"];
/// Routes that join a room by its id or code.
const JOINS: [&str; 3] = ["/join", "/join/{code}", "/rooms/{id}/join"];
/// Sign-out is never refused: a user has only a limited number of sessions and tokens.
const SIGN_OUT: [&str; 2] = ["/logout", "/tokens/current"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Free,
    Write,
    Join,
    NewRoom,
    Search,
}

impl Kind {
    fn of(request: &Request) -> Self {
        let Some(route) = request.extensions().get::<MatchedPath>() else { return Self::Free };
        let route = route.as_str();
        let route = route.strip_prefix("/api/v1").unwrap_or(route);
        match *request.method() {
            Method::GET | Method::HEAD if route == "/search" && request.uri().query().is_some() => {
                Self::Search
            }
            Method::GET | Method::HEAD | Method::OPTIONS => Self::Free,
            _ if SIGN_OUT.contains(&route) => Self::Free,
            _ if NEW_ROOMS.contains(&route) => Self::NewRoom,
            _ if JOINS.contains(&route) => Self::Join,
            _ => Self::Write,
        }
    }

    fn action(self) -> Option<Action> {
        match self {
            Self::Free => None,
            Self::Write => Some(Action::Write),
            Self::Join => Some(Action::Join),
            Self::NewRoom => Some(Action::NewRoom),
            Self::Search => Some(Action::Search),
        }
    }

    fn slow(self) -> Option<SlowAction> {
        match self {
            Self::Search => Some(SlowAction::Search),
            Self::Free | Self::Write | Self::Join | Self::NewRoom => None,
        }
    }
}

/// A counted request.
pub struct Admitted {
    counted: Option<(UserId, Action)>,
    running: Option<RunningGuard>,
}

/// Counts a request of a signed-in user.
///
/// # Errors
/// 429, with the time to wait.
pub fn admit(rate_limiter: &RateLimiter, request: &Request) -> Result<Admitted, Problem> {
    let kind = Kind::of(request);
    let mut admitted = Admitted { counted: None, running: None };
    if let Some(Viewer(me)) = request.extensions().get::<Viewer>() {
        let user = me.user.id;
        if let Some(slow) = kind.slow() {
            admitted.running = rate_limiter.start(user, slow)?;
        }
        if let Some(action) = kind.action() {
            rate_limiter.spend(user, action)?;
            admitted.counted = Some((user, action));
        }
    }
    Ok(admitted)
}

impl Admitted {
    /// Ends the request. A room that was not created does not count.
    pub fn answered(self, rate_limiter: &RateLimiter, response: &Response) {
        let status = response.status();
        let failed = status.is_client_error() || status.is_server_error();
        if let Some((user, Action::NewRoom)) = self.counted.filter(|_| failed) {
            rate_limiter.give_back(user, Action::NewRoom);
        }
        drop(self.running);
    }
}

/// Middleware that counts API requests before they are handled.
pub async fn by_user(
    State(rate_limiter): State<RateLimiter>,
    request: Request,
    next: Next,
) -> Response {
    match admit(&rate_limiter, &request) {
        Ok(admitted) => {
            let response = next.run(request).await;
            admitted.answered(&rate_limiter, &response);
            response
        }
        Err(problem) => problem.into_response(),
    }
}
