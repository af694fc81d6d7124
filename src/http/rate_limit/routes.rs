//! What a request of a signed-in user counts as, by its method and route. Every change counts as a
//! write unless it stands here as something else, so that no route can be forgotten.

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{Action, RunningGuard, SlowAction};
use crate::http::{AppState, Problem, Viewer};
use crate::kernel::UserId;

/// Routes that make a room.
const NEW_ROOMS: [&str; 1] = ["/rooms"];
/// Routes by which one joins a room that is named or whose code is known.
const JOINS: [&str; 3] = ["/join", "/join/{code}", "/rooms/{id}/join"];
/// Signing out is never refused: there is only so much to sign out of.
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

/// A request that was counted.
pub struct Admitted {
    counted: Option<(UserId, Action)>,
    running: Option<RunningGuard>,
}

/// Counts a request, if somebody signed in sent it.
///
/// # Errors
/// 429, with the time to wait.
pub fn admit(site: &AppState, request: &Request) -> Result<Admitted, Problem> {
    let kind = Kind::of(request);
    let mut admitted = Admitted { counted: None, running: None };
    if let Some(Viewer(me)) = request.extensions().get::<Viewer>() {
        let user = me.person.id;
        if let Some(slow) = kind.slow() {
            admitted.running = site.rates.start(user, slow)?;
        }
        if let Some(action) = kind.action() {
            site.rates.spend(user, action)?;
            admitted.counted = Some((user, action));
        }
    }
    Ok(admitted)
}

impl Admitted {
    /// Says how it went: a room that was not made does not count.
    pub fn answered(self, site: &AppState, response: &Response) {
        let status = response.status();
        let failed = status.is_client_error() || status.is_server_error();
        if let Some((user, Action::NewRoom)) = self.counted.filter(|_| failed) {
            site.rates.give_back(user, Action::NewRoom);
        }
        drop(self.running);
    }
}

/// Counts what programs ask for, before anything else is done for them.
pub async fn by_user(State(site): State<AppState>, request: Request, next: Next) -> Response {
    match admit(&site, &request) {
        Ok(admitted) => {
            let response = next.run(request).await;
            admitted.answered(&site, &response);
            response
        }
        Err(problem) => problem.into_response(),
    }
}
