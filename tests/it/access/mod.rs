//! Who may use what: public addresses, rate limits, the audit log and protection from other sites.

mod audit;
mod isolation;
mod public_address;
mod rate_limit;
mod shared_attempts;
mod web_security;
