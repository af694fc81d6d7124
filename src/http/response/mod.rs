//! Responses: problems, security headers, content coding, and the limit on unread responses.

pub mod encoding;
pub mod pending_answers;
pub mod problem;
pub mod security_headers;
pub mod streamed;
