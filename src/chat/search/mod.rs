//! Search: finds the messages that match a query in the rooms the reader may read now, the newest
//! first.
//!
//! The index names candidates; the texts themselves decide.

pub mod model;
pub(in crate::chat) mod store;

use std::ops::Range;
use std::sync::Arc;

use tokio::sync::Semaphore;

use self::model::{
    Candidate, Cursor, Filter, Found, Has, Hit, IndexTerm, Query, SnippetPart, plain_name,
};
use self::store::{Criteria, Scope, UserNames};
use super::accounts::model::User;
use super::rooms::Rooms;
use super::rooms::model::{Reader, Room};
use crate::db::Db;
use crate::kernel::paging::Limit;
use crate::kernel::{MessageId, RoomId, ServiceError, UserId};
use crate::lifecycle::Lifecycle;
use crate::limits::search as limits;
use crate::text::normalize::folded;
use crate::text::snippet::snippet;

/// The largest number of candidates read at a time.
const MAX_BATCH: usize = 256;
/// The smallest number: fewer cost as much to query.
const MIN_BATCH: usize = 16;

/// For prefixes of words, this many of the newest messages are scanned first, without the index.
const SCAN_FIRST: usize = 64;

/// The state of a search while it fills one page.
struct SearchCursor {
    filter: Arc<Filter>,
    hits: Vec<Hit>,
    /// The number of hits to find: one more than the page holds.
    target: usize,
    /// The number of candidates compared with the query, and the bytes of their texts times the words
    /// of the query.
    scanned: usize,
    bytes_read: usize,
    /// The id of the last candidate; the next ones are older.
    before: MessageId,
    /// No older messages are left.
    exhausted: bool,
}

impl SearchCursor {
    fn is_done(&self) -> bool {
        self.exhausted || self.hits.len() >= self.target || self.is_spent()
    }

    /// Every text is compared with every word.
    fn count(&mut self, found: &[Candidate]) {
        self.scanned += found.len();
        let bytes: usize = found.iter().map(Candidate::length).sum();
        self.bytes_read += bytes * self.filter.query.weight();
    }

    /// Whether this request has used its budget. The next request continues.
    fn is_spent(&self) -> bool {
        self.scanned >= limits::MESSAGES || self.bytes_read >= limits::BYTES
    }

    /// The number of candidates that will probably fill the page, within the budget.
    fn next_batch_size(&self) -> usize {
        let missing = self.target.saturating_sub(self.hits.len());
        let scanned_per_hit = self.scanned.checked_div(self.hits.len()).unwrap_or(self.scanned);
        let bytes_per_candidate = self.bytes_read.checked_div(self.scanned).unwrap_or(0).max(1);
        let affordable = limits::BYTES.saturating_sub(self.bytes_read) / bytes_per_candidate + 1;
        (missing * (scanned_per_hit + 1)).clamp(missing, MAX_BATCH).min(affordable.max(MIN_BATCH))
    }

    /// The page, and the cursor of the next one.
    fn page(mut self, limit: Limit, complete: bool) -> Found {
        let next = if self.hits.len() > limit.get() {
            self.hits.truncate(limit.get());
            self.hits.last().map(|hit| Cursor::behind(hit.message))
        } else {
            (!self.exhausted).then_some(Cursor::behind(self.before))
        };
        Found { hits: self.hits, next, complete }
    }

    /// Whether scanning will fill the page sooner than the index would answer. The index has to collect
    /// all messages of the prefixes; ids count all messages; by calculation both cost the same at about
    /// this square root.
    fn is_promising(&self) -> bool {
        let break_even = usize::try_from(self.before.0.unsigned_abs().isqrt() / 2).unwrap_or(0);
        self.scanned < SCAN_FIRST || self.hits.len() * break_even >= self.target * self.scanned
    }
}

#[derive(Clone)]
pub struct Search {
    db: Db,
    rooms: Rooms,
    /// Permits for comparing texts, which occupies a core. One core stays free for everything else.
    compute_permits: Arc<Semaphore>,
}

impl Search {
    /// Starts a task that indexes the messages from before search existed, or that an older version of
    /// the tokenizer indexed.
    pub async fn start(db: Db, rooms: Rooms, lifecycle: &Lifecycle) -> Result<Self, ServiceError> {
        store::renew(&db).await?;
        let closing = lifecycle.closing();
        let indexing = index_old(db.clone());
        lifecycle.spawn_worker("search-index", async move {
            if let Some(Err(error)) = closing.run_until_cancelled(indexing).await {
                tracing::error!(%error, "indexing old messages stopped; it continues at the next start");
            }
        });
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let compute_permits = Arc::new(Semaphore::new(cores.saturating_sub(1).max(1)));
        Ok(Self { db, rooms, compute_permits })
    }

    /// The messages that match a query, newest first; `from` continues after a page. A request that has
    /// used its budget ([`limits`]) returns the hits it has.
    pub async fn find(
        &self,
        reader: &User,
        query: &Query,
        from: Option<Cursor>,
        limit: Limit,
    ) -> Result<Found, ServiceError> {
        let scope = store::scope(&self.db, reader.id).await?;
        let span = self.span(query, &scope).await?;
        let Some(criteria) = self.criteria(reader, query, &scope, span.start).await? else {
            return Ok(Found { hits: Vec::new(), next: None, complete: scope.complete });
        };
        let mut cursor = SearchCursor {
            filter: Arc::new(self.filter(reader, query).await?),
            hits: Vec::new(),
            target: limit.get() + 1,
            scanned: 0,
            bytes_read: 0,
            // The cursor comes from the client: limit it to the existing messages.
            before: from.map_or(span.end, |Cursor(before)| before.min(span.end).max(MessageId(0))),
            exhausted: false,
        };
        if let Some(relaxed) = store::relaxed_criteria(&self.db, &criteria) {
            while !cursor.is_done() && cursor.is_promising() {
                let batch_size = cursor.next_batch_size().max(SCAN_FIRST);
                self.scan(&relaxed, batch_size, &mut cursor).await?;
            }
        }
        while !cursor.is_done() {
            let batch_size = cursor.next_batch_size();
            self.scan(&criteria, batch_size, &mut cursor).await?;
        }
        Ok(cursor.page(limit, scope.complete))
    }

    /// The messages of a room and its threads with a link, newest first, before a message.
    pub async fn with_links(
        &self,
        reader: &Reader,
        before: Option<MessageId>,
        limit: Limit,
    ) -> Result<Found, ServiceError> {
        let scope = store::scope(&self.db, reader.user().id).await?;
        let room = IndexTerm::Room(reader.room().gate());
        let criteria = Criteria {
            reader: reader.user().id,
            phrases: Vec::new(),
            terms: vec![vec![room], vec![IndexTerm::Has(Has::Link)]],
            lowest: MessageId(0),
            days: Query::default().days(),
            links: false,
            files: false,
        };
        let end = scope.newest.next();
        let before = before.map_or(end, |before| before.clamp(MessageId(0), end));
        let found = store::find(&self.db, &criteria, before, limit.get() + 1).await?;
        let mut hits: Vec<Hit> = found.iter().map(|found| Hit { message: found.id }).collect();
        let more = hits.len() > limit.get();
        hits.truncate(limit.get());
        let next = hits.last().filter(|_| more).map(|hit| Cursor::behind(hit.message));
        Ok(Found { hits, next, complete: scope.complete })
    }

    /// The part of each text around its first hit.
    pub async fn snippets(
        &self,
        query: &Query,
        texts: Vec<String>,
    ) -> Result<Vec<Vec<SnippetPart>>, ServiceError> {
        let query = query.clone();
        self.compute(move || {
            let snippet_of = |text: &String| snippet(text, &query.hits(text).unwrap_or_default());
            texts.iter().map(snippet_of).collect()
        })
        .await
    }

    /// Runs CPU-bound work on a blocking thread, so that it does not delay connections.
    async fn compute<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, ServiceError> {
        let permit =
            self.compute_permits.clone().acquire_owned().await.map_err(ServiceError::internal)?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        done.await.map_err(ServiceError::internal)
    }

    /// Compares the next candidates with the query.
    async fn scan(
        &self,
        criteria: &Criteria,
        batch_size: usize,
        cursor: &mut SearchCursor,
    ) -> Result<(), ServiceError> {
        let found = store::find(&self.db, criteria, cursor.before, batch_size).await?;
        cursor.count(&found);
        cursor.exhausted = found.len() < batch_size;
        cursor.before = found.last().map_or(cursor.before, |candidate| candidate.id);
        let filter = cursor.filter.clone();
        let fitting = self
            .compute(move || {
                let fitting = found.into_iter().filter(|candidate| filter.fits(candidate));
                fitting.map(|candidate| Hit { message: candidate.id }).collect::<Vec<_>>()
            })
            .await?;
        cursor.hits.extend(fitting);
        Ok(())
    }

    /// The authors and rooms that are excluded, by id. An unknown name excludes nothing.
    async fn filter(&self, reader: &User, query: &Query) -> Result<Filter, ServiceError> {
        let not = &query.not;
        let mut filter = Filter { query: query.clone(), ..Filter::default() };
        if !not.from.is_empty() {
            filter.authors = self.authors(reader, &not.from).await?;
        }
        if !not.rooms.is_empty() {
            filter.rooms = self.rooms_named(reader, &not.rooms, false).await?;
        }
        if not.direct {
            filter.rooms.extend(self.rooms_named(reader, &[], true).await?);
        }
        Ok(filter)
    }

    /// The range of message ids that the days of the query can be in.
    async fn span(&self, query: &Query, scope: &Scope) -> Result<Range<MessageId>, ServiceError> {
        let all = MessageId(0)..scope.newest.next();
        if query.after.or(query.before).is_none() {
            return Ok(all);
        }
        let days = store::span(&self.db, query.days()).await?;
        Ok(days.start.min(all.end)..days.end.min(all.end))
    }

    /// The criteria for the index; `None` if nothing can match.
    async fn criteria(
        &self,
        reader: &User,
        query: &Query,
        scope: &Scope,
        lowest: MessageId,
    ) -> Result<Option<Criteria>, ServiceError> {
        if query.is_empty() {
            return Ok(None);
        }
        let mut terms = Vec::new();
        if !query.from.is_empty() {
            let authors = self.authors(reader, &query.from).await?;
            terms.push(authors.into_iter().map(IndexTerm::Author).collect());
        }
        if query.direct || !query.rooms.is_empty() {
            let rooms = self.rooms_named(reader, &query.rooms, query.direct).await?;
            terms.push(rooms.into_iter().map(IndexTerm::Room).collect());
        } else if let Some(rooms) = scope.few_rooms() {
            terms.push(rooms.iter().copied().map(IndexTerm::Room).collect());
        }
        let file = query.names_files().then_some(Has::File);
        let has = query.has.iter().copied().chain(file);
        terms.extend(has.map(|has| vec![IndexTerm::Has(has)]));
        if terms.iter().any(Vec::is_empty) {
            return Ok(None);
        }
        let phrases = query.phrases();
        if phrases.is_empty() && terms.is_empty() {
            terms.push(vec![IndexTerm::Any]);
        }
        let days = query.days();
        let links = query.not.has.contains(&Has::Link);
        let files = query.compares_files();
        Ok(Some(Criteria { reader: reader.id, phrases, terms, lowest, days, links, files }))
    }

    async fn authors(&self, reader: &User, names: &[String]) -> Result<Vec<UserId>, ServiceError> {
        let user_names = store::user_names(&self.db).await?;
        Ok(names.iter().flat_map(|name| users_named(reader, &user_names, name)).collect())
    }

    /// The rooms with these names, or all if there are none; with `direct` only direct messages. A
    /// direct message has the name of the other user.
    async fn rooms_named(
        &self,
        reader: &User,
        names: &[String],
        direct: bool,
    ) -> Result<Vec<RoomId>, ServiceError> {
        let user_names = store::user_names(&self.db).await?;
        let named = |room: &Room| {
            names.is_empty()
                || names.iter().any(|name| {
                    plain_name(&room.name) == plain_name(name)
                        || users_named(reader, &user_names, name)
                            .any(|user| room.other == Some(user))
                })
        };
        let mut rooms = self.rooms.list(reader).await?;
        rooms.retain(|room| !direct || room.visibility.has_fixed_members());
        Ok(rooms.iter().filter(|room| named(room)).map(|room| room.id).collect())
    }
}

/// The users with this handle or display name; `me` is the reader.
fn users_named<'a>(
    reader: &User,
    user_names: &'a [UserNames],
    name: &str,
) -> impl Iterator<Item = UserId> + 'a {
    let sought = plain_name(name);
    let me = (folded(name) == "me").then_some(reader.id);
    let found = user_names.iter().filter(move |user| {
        plain_name(&user.name) == sought || plain_name(&user.display_name) == sought
    });
    found.map(|user| user.id).chain(me)
}

async fn index_old(db: Db) -> Result<(), sqlx::Error> {
    let mut count = 0;
    let mut next_log = 0;
    while let Some(indexed) = store::index_old(&db).await? {
        count += indexed;
        if count >= next_log {
            tracing::info!(messages = count, "indexing old messages for search");
            next_log = count + 100_000;
        }
    }
    if count > 0 {
        tracing::info!(messages = count, "all old messages are indexed for search");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a request has used its budget after that many messages of `bytes` bytes.
    fn is_spent(query: &str, messages: usize, bytes: usize) -> bool {
        let query = Query::parse(query, &jiff::tz::TimeZone::UTC);
        let mut cursor = SearchCursor {
            filter: Arc::new(Filter { query, ..Filter::default() }),
            hits: Vec::new(),
            target: 50,
            scanned: 0,
            bytes_read: 0,
            before: MessageId(1),
            exhausted: false,
        };
        let message = Candidate {
            id: MessageId(1),
            body: "a".repeat(bytes),
            author: UserId(1),
            room: RoomId(1),
            at: crate::kernel::Timestamp(0),
            contents: model::Contents::default(),
        };
        cursor.count(&vec![message; messages]);
        cursor.is_spent()
    }

    #[test]
    fn a_request_compares_a_limited_number_of_messages() {
        assert!(!is_spent("one", 3_999, 1) && is_spent("one", 4_000, 1));
    }

    #[test]
    fn a_request_with_more_words_uses_its_budget_sooner() {
        let spent = |query: &str, messages: usize| is_spent(query, messages, 16 * 1024);
        assert!(!spent("one", 255) && spent("one", 256));
        assert!(!spent("one two four -five", 63) && spent("one two four -five", 64));
        assert!(!spent(&"alpha ".repeat(160), 127));
    }
}
