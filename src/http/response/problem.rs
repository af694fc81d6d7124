//! Error responses (RFC 9457).
//!
//! A handler returns a `Problem`. It becomes a response with only a status, which carries the `Problem` in its
//! extensions. The outer layer of pages or API renders it as HTML or JSON in the user's language. Server errors
//! are logged here once, with an id that the user also sees.

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::chat::accounts::SignInError;
use crate::chat::drafts::DraftError;
use crate::chat::emoji::model::AddEmojiError;
use crate::chat::files::model::FileName;
use crate::chat::messages::WriteError;
use crate::chat::rooms::{AccessError, RoomError};
use crate::chat::saved::SaveError;
use crate::i18n::Language;
use crate::kernel::{FieldError, Random, ServiceError};
use crate::media::ImageError;

/// When a picture may be sent again that no decoder was free for.
const DECODER_FREE_AFTER: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub struct Problem {
    pub status: StatusCode,
    /// The catalogue key of the explanation; `None` if the status is enough.
    pub detail: Option<&'static str>,
    pub fields: Vec<FieldError>,
    /// The id of the log entry.
    pub id: Option<String>,
    pub retry_after: Option<Duration>,
    /// A number of bytes in the explanation.
    pub size: Option<u64>,
    /// It is one of a file: without that file, or with another one, the rest may succeed.
    pub is_of_file: bool,
    /// The file of several that it is one of.
    pub file_name: Option<Box<FileName>>,
}

impl Problem {
    pub fn new(status: StatusCode) -> Self {
        Self {
            status,
            detail: None,
            fields: Vec::new(),
            id: None,
            retry_after: None,
            size: None,
            is_of_file: false,
            file_name: None,
        }
    }

    pub fn with_detail(status: StatusCode, detail: &'static str) -> Self {
        Self { detail: Some(detail), ..Self::new(status) }
    }

    pub fn invalid(fields: impl Into<Vec<FieldError>>) -> Self {
        Self { fields: fields.into(), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY) }
    }

    pub fn signed_out() -> Self {
        Self::new(StatusCode::UNAUTHORIZED)
    }

    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND)
    }

    /// The form is not read, so only the browser has its content.
    pub fn form_too_large() -> Self {
        Self::with_detail(StatusCode::PAYLOAD_TOO_LARGE, "form-too-large")
    }

    pub fn too_many(wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..Self::new(StatusCode::TOO_MANY_REQUESTS) }
    }

    /// The problem with a number of bytes that its explanation names.
    #[must_use]
    pub fn of_size(self, bytes: u64) -> Self {
        Self { size: Some(bytes), ..self }
    }

    /// An error of the server while it stored a file. If its own disk is full, another request will not help: it is
    /// logged for the operator.
    pub fn from_storage(error: ServiceError) -> Self {
        match error {
            ServiceError::StorageFull { .. } => Self {
                status: StatusCode::INSUFFICIENT_STORAGE,
                detail: Some("disk-full"),
                ..Self::internal(&error)
            },
            error => error.into(),
        }
    }

    /// The explanation in the reader's language.
    pub fn explanation(&self, t: Language) -> String {
        let (_, detail) = message_keys(self);
        let text = match self.size {
            Some(bytes) => t.name(detail, t.size(bytes)),
            None => t.text(detail).to_owned(),
        };
        match &self.file_name {
            Some(name) => format!("{}: {text}", name.as_str()),
            None => text,
        }
    }

    /// Converts a wait to whole seconds for clients: rounded up, and at least 1.
    pub fn seconds(wait: Duration) -> u64 {
        u64::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX).max(1)
    }

    /// A server error. It is logged, and the client receives only the id.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        let id = Random::system().token();
        tracing::error!(error.id = id, %error, "a request failed");
        Self { id: Some(id), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR) }
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Unavailable { retry_after } => Self {
                retry_after: Some(retry_after),
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE)
            },
            ServiceError::StorageFull { retry_after } => Self {
                retry_after: Some(retry_after),
                ..Self::with_detail(StatusCode::SERVICE_UNAVAILABLE, "error-not-stored")
            },
            ServiceError::Internal(error) => Self::internal(&error),
        }
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::NotFound => Self::not_found(),
            AccessError::Forbidden => Self::with_detail(StatusCode::FORBIDDEN, "not-the-owner"),
            AccessError::Permanent => Self::with_detail(StatusCode::CONFLICT, "thread-fixed"),
            AccessError::Removed => Self::with_detail(StatusCode::FORBIDDEN, "room-removed"),
            AccessError::Service(error) => error.into(),
        }
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Wrong => Self::with_detail(StatusCode::UNAUTHORIZED, "login-wrong"),
            SignInError::TooMany(wait) => Self::too_many(wait),
            SignInError::Service(error) => error.into(),
        }
    }
}

impl From<RoomError> for Problem {
    fn from(error: RoomError) -> Self {
        match error {
            RoomError::NameTaken => {
                let taken = FieldError::new("name", "room-name-taken");
                Self { status: StatusCode::CONFLICT, ..taken.into() }
            }
            RoomError::Permanent => Self::with_detail(StatusCode::CONFLICT, "room-permanent"),
            RoomError::NeverArchived => {
                Self::with_detail(StatusCode::CONFLICT, "room-never-archived")
            }
            RoomError::Gone => Self::not_found(),
            RoomError::NoMember => Self::with_detail(StatusCode::CONFLICT, "room-no-member"),
            RoomError::Outsider => Self::with_detail(StatusCode::FORBIDDEN, "room-outsider"),
            RoomError::SameUser => Self::with_detail(StatusCode::CONFLICT, "room-oneself"),
            RoomError::Service(error) => error.into(),
        }
    }
}

impl From<AddEmojiError> for Problem {
    fn from(error: AddEmojiError) -> Self {
        let image = |code| Self::invalid([FieldError::new("image", code)]);
        let conflict = |code| Self {
            status: StatusCode::CONFLICT,
            ..Self::invalid([FieldError::new("name", code)])
        };
        match error {
            AddEmojiError::Taken => conflict("emoji-name-taken"),
            AddEmojiError::TooMany => conflict("emoji-too-many"),
            AddEmojiError::Image(ImageError::Unreadable) => image("picture-unreadable"),
            AddEmojiError::Image(ImageError::TooLarge) => image("picture-too-large"),
            AddEmojiError::Image(ImageError::TooCostly) => image("picture-too-costly"),
            AddEmojiError::Image(ImageError::Busy) => {
                Self { detail: Some("uploads-busy"), ..Self::too_many(DECODER_FREE_AFTER) }
            }
            AddEmojiError::Image(ImageError::Service(error)) => error.into(),
        }
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::NonceReused => Self::with_detail(StatusCode::CONFLICT, "nonce-reused"),
            WriteError::Invalid(error) => Self::invalid([error]),
            WriteError::NotFound => Self::not_found(),
            WriteError::JoinRefused(refusal) => AccessError::from(refusal).into(),
            WriteError::NotTheAuthor => Self::with_detail(StatusCode::FORBIDDEN, "not-the-author"),
            WriteError::NotAModerator => {
                Self::with_detail(StatusCode::FORBIDDEN, "not-a-moderator")
            }
            WriteError::Archived => Self::with_detail(StatusCode::CONFLICT, "room-is-archived"),
            WriteError::Deleted => Self::with_detail(StatusCode::CONFLICT, "message-is-deleted"),
            WriteError::TooMany(wait) => Self::too_many(wait),
            WriteError::ThreadInThread => {
                Self::with_detail(StatusCode::CONFLICT, "message-is-reply")
            }
            WriteError::Service(error) => error.into(),
        }
    }
}

impl From<DraftError> for Problem {
    fn from(error: DraftError) -> Self {
        match error {
            DraftError::TooMany => Self::with_detail(StatusCode::CONFLICT, "drafts-full"),
            DraftError::Service(error) => error.into(),
        }
    }
}

impl From<SaveError> for Problem {
    fn from(error: SaveError) -> Self {
        match error {
            SaveError::Deleted => Self::with_detail(StatusCode::CONFLICT, "message-is-deleted"),
            SaveError::TooMany => Self::with_detail(StatusCode::CONFLICT, "saved-full"),
            SaveError::Service(error) => error.into(),
        }
    }
}

impl From<FieldError> for Problem {
    fn from(error: FieldError) -> Self {
        Self::invalid([error])
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(wait) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(Self::seconds(wait)));
        }
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// Returns the problem that a response carries, or one made from its status; `None` if the response is not an
/// error.
pub fn of(response: &Response) -> Option<Arc<Problem>> {
    let carried = response.extensions().get::<Arc<Problem>>().cloned();
    carried.or_else(|| {
        let status = response.status();
        let bare = status.is_client_error() || status.is_server_error();
        (bare && response.extensions().get::<AlreadyRendered>().is_none())
            .then(|| Arc::new(Problem::new(status)))
    })
}

/// Marks an error response that must not be rendered again, such as a form with its field errors.
#[derive(Clone)]
pub struct AlreadyRendered;

/// Returns the catalogue keys of the texts for a problem: `(title, detail)`.
pub fn message_keys(problem: &Problem) -> (&'static str, &'static str) {
    let (title, detail) = match problem.status.as_u16() {
        401 => ("error-401", "error-401-detail"),
        403 => ("error-403", "error-403-detail"),
        404 => ("error-404", "error-404-detail"),
        405 => ("error-405", "error-405-detail"),
        408 => ("error-408", "error-408-detail"),
        409 => ("error-409", "error-409-detail"),
        413 => ("error-413", "error-413-detail"),
        415 => ("error-415", "error-415-detail"),
        421 => ("error-421", "error-421-detail"),
        422 => ("error-422", "error-422-detail"),
        429 => ("error-429", "error-429-detail"),
        503 => ("error-503", "error-503-detail"),
        507 => ("error-507", "disk-full"),
        400..500 => ("error-400", "error-400-detail"),
        _ => ("error-500", "error-500-detail"),
    };
    (title, problem.detail.unwrap_or(detail))
}
