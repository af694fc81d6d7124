//! Links in messages: previews of other sites.

mod previews;
