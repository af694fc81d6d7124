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
/// Routes that begin an upload, or send a file whole. The composer's form counts each of its files.
const NEW_FILES: [&str; 2] = ["/uploads", "/files"];
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
    NewFile,
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
            _ if NEW_FILES.contains(&route) => Self::NewFile,
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
            Self::NewFile => Some(Action::NewFile),
        }
    }

    fn slow(self) -> Option<SlowAction> {
        match self {
            Self::Search => Some(SlowAction::Search),
            Self::Free | Self::Write | Self::Join | Self::NewRoom | Self::NewFile => None,
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

#[cfg(test)]
mod tests {
    use std::future::pending;

    use axum::body::Body;
    use axum::http::StatusCode;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use axum::{Extension, Router};
    use futures_util::FutureExt as _;
    use jiff::tz::TimeZone;
    use tower::ServiceExt as _;

    use super::*;
    use crate::attempts::Attempts;
    use crate::chat::accounts::model::{Authenticated, BearerSecret, Profile, Role, User};
    use crate::config::Switch;
    use crate::kernel::{Clock, Timestamp};

    #[test]
    fn a_user_runs_two_searches_at_once() {
        let user = User {
            id: UserId(1),
            name: String::new(),
            display_name: String::new(),
            bot: false,
            role: Role::Member,
            avatar: None,
            profile: Profile::default(),
        };
        let credential = BearerSecret::new("secret").credential();
        let me =
            Viewer(Authenticated { user, zone: TimeZone::UTC, credential, confirmation: None });
        let clock = Clock::from_fn(|| Timestamp(0));
        let attempts = Attempts::in_memory(clock.clone());
        let rate_limiter = RateLimiter::new(Switch::On, clock, attempts);
        let router = Router::new()
            .route("/search", get(pending::<StatusCode>))
            .layer(from_fn_with_state(rate_limiter, by_user))
            .layer(Extension(me));
        let search = || {
            let request = Request::get("/search?q=a").body(Body::empty()).expect("a request");
            let mut answer = Box::pin(router.clone().oneshot(request));
            let status = answer.as_mut().now_or_never().map(|Ok(answer)| answer.status());
            (answer, status)
        };
        let running = [search(), search()];
        assert!(running.iter().all(|(_, status)| status.is_none()), "both run");
        assert_eq!(search().1, Some(StatusCode::TOO_MANY_REQUESTS));
        drop(running);
        assert_eq!(search().1, None);
    }
}
