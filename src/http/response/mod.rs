//! What an answer needs: problems, security headers, content coding, deadlines and a bound on memory.

pub mod encoding;
pub mod pending_answers;
pub mod problem;
pub mod security_headers;
