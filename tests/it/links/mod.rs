//! Links in messages: previews of other sites, and quotes of messages.

mod previews;
mod quotes;
