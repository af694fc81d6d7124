//! Search: what people type finds what was said, the newest first, in rooms that they may read now.

pub mod model;
pub(in crate::chat) mod store;

use std::ops::Range;
use std::sync::Arc;

use tokio::sync::Semaphore;

use self::model::{
    Candidate, Cursor, Filter, Found, Hit, IndexTerm, Query, SnippetPart, plain_name,
};
use self::store::{Criteria, Scope};
use super::accounts::model::User;
use super::rooms::Rooms;
use super::rooms::model::{Room, Visibility};
use crate::db::Db;
use crate::kernel::paging::Limit;
use crate::kernel::{MessageId, RoomId, ServiceError, UserId};
use crate::lifecycle::Lifecycle;
use crate::limits::search as limits;
use crate::text::normalize::folded;
use crate::text::snippet::snippet;

/// How many messages are read at a time at most, where the text decides and not the index.
const PIECE: usize = 256;
/// And at least: fewer cost as much to ask for.
const SMALLEST_PIECE: usize = 16;

/// What begins with what is typed is looked for among so many messages first, without the index.
const SCAN_FIRST: usize = 64;

/// A page on its way.
struct SearchCursor {
    filter: Arc<Filter>,
    hits: Vec<Hit>,
    /// Hits that are wanted.
    enough: usize,
    /// Messages that were held against the query, and the bytes of their texts for each of its words.
    looked: usize,
    read: usize,
    /// The last of them; what comes next is older.
    before: MessageId,
    /// There are no more.
    ended: bool,
}

impl SearchCursor {
    fn is_done(&self) -> bool {
        self.ended || self.hits.len() >= self.enough || self.is_spent()
    }

    /// Every text is compared with every word.
    fn count(&mut self, found: &[Candidate]) {
        self.looked += found.len();
        let bytes: usize = found.iter().map(|candidate| candidate.body.len()).sum();
        self.read += bytes * self.filter.query.weight();
    }

    /// Whether this request has done its share of work: the next goes on.
    fn is_spent(&self) -> bool {
        self.looked >= limits::MESSAGES || self.read >= limits::BYTES
    }

    /// As many messages as will fill the page, if it goes on like this, and the budget allows.
    fn next_piece(&self) -> usize {
        let missing = self.enough.saturating_sub(self.hits.len());
        let each = self.looked.checked_div(self.hits.len()).unwrap_or(self.looked);
        let length = self.read.checked_div(self.looked).unwrap_or(0).max(1);
        let affordable = limits::BYTES.saturating_sub(self.read) / length + 1;
        (missing * (each + 1)).clamp(missing, PIECE).min(affordable.max(SMALLEST_PIECE))
    }

    /// The page, and where the next begins.
    fn page(mut self, limit: Limit, complete: bool) -> Found {
        let next = if self.hits.len() > limit.get() {
            self.hits.truncate(limit.get());
            self.hits.last().map(|hit| Cursor::behind(hit.message))
        } else {
            (!self.ended).then_some(Cursor::behind(self.before))
        };
        Found { hits: self.hits, next, complete }
    }

    /// Whether the page will be full sooner than the index would answer, if it goes on like this: with
    /// as much to gather as there are messages of these words, and ids that count them all, both should
    /// cost the same at about this square root (by arithmetic).
    fn is_promising(&self) -> bool {
        let farthest = usize::try_from(self.before.0.unsigned_abs().isqrt() / 2).unwrap_or(0);
        self.looked < SCAN_FIRST || self.hits.len() * farthest >= self.enough * self.looked
    }
}

#[derive(Clone)]
pub struct Search {
    db: Db,
    rooms: Rooms,
    /// Comparing texts takes a core. One stays free for everybody else.
    turns: Arc<Semaphore>,
}

impl Search {
    /// Indexes beside the server what was there before search was, or before its words were as now.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn start(db: Db, rooms: Rooms, lifecycle: &Lifecycle) -> Result<Self, ServiceError> {
        store::renew(&db).await?;
        let closing = lifecycle.closing();
        let earlier = index_earlier(db.clone());
        lifecycle.spawn_worker(async move {
            if let Some(Err(error)) = closing.run_until_cancelled(earlier).await {
                tracing::error!(%error, "earlier messages are not all indexed: the next start goes on");
            }
        });
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let turns = Arc::new(Semaphore::new(cores.saturating_sub(1).max(1)));
        Ok(Self { db, rooms, turns })
    }

    /// What fits a query, the newest first; `from` goes on where a page ended. A request that has used
    /// its budget ([`limits`]) answers with what it found so far.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn find(
        &self,
        reader: &User,
        query: &Query,
        from: Option<Cursor>,
        limit: Limit,
    ) -> Result<Found, ServiceError> {
        let scope = store::scope(&self.db, reader.id).await?;
        let span = self.span(query, &scope).await?;
        let Some(wanted) = self.wanted(reader, query, &scope, span.start).await? else {
            return Ok(Found { hits: Vec::new(), next: None, complete: scope.complete });
        };
        let mut finding = SearchCursor {
            filter: Arc::new(self.filter(reader, query).await?),
            hits: Vec::new(),
            enough: limit.get() + 1,
            looked: 0,
            read: 0,
            // From outside: below the first message there is nothing to go on behind.
            before: from.map_or(span.end, |Cursor(before)| before.min(span.end).max(MessageId(0))),
            ended: false,
        };
        if let Some(loose) = store::at_first(&self.db, &wanted) {
            while !finding.is_done() && finding.is_promising() {
                let piece = finding.next_piece().max(SCAN_FIRST);
                self.scan(&loose, piece, &mut finding).await?;
            }
        }
        while !finding.is_done() {
            let piece = finding.next_piece();
            self.scan(&wanted, piece, &mut finding).await?;
        }
        Ok(finding.page(limit, scope.complete))
    }

    /// The text of each message around its first hit.
    ///
    /// # Errors
    /// When the work could not be done.
    pub async fn snippets(
        &self,
        query: &Query,
        texts: Vec<String>,
    ) -> Result<Vec<Vec<SnippetPart>>, ServiceError> {
        let query = query.clone();
        self.compute(move || {
            let piece = |text: &String| snippet(text, &query.hits(text).unwrap_or_default());
            texts.iter().map(piece).collect()
        })
        .await
    }

    /// Does what takes a core beside the threads that serve connections.
    async fn compute<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, ServiceError> {
        let turn = self.turns.clone().acquire_owned().await.map_err(ServiceError::internal)?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        done.await.map_err(ServiceError::internal)
    }

    /// Holds the next messages that the index names against the query.
    async fn scan(
        &self,
        wanted: &Criteria,
        piece: usize,
        finding: &mut SearchCursor,
    ) -> Result<(), ServiceError> {
        let found = store::find(&self.db, wanted, finding.before, piece).await?;
        finding.count(&found);
        finding.ended = found.len() < piece;
        finding.before = found.last().map_or(finding.before, |candidate| candidate.id);
        let filter = finding.filter.clone();
        let fitting = self
            .compute(move || {
                let fitting = found.into_iter().filter(|candidate| filter.fits(candidate));
                fitting.map(|candidate| Hit { message: candidate.id }).collect::<Vec<_>>()
            })
            .await?;
        finding.hits.extend(fitting);
        Ok(())
    }

    /// Who and where is left out. A name that nobody has leaves out nothing.
    async fn filter(&self, reader: &User, query: &Query) -> Result<Filter, ServiceError> {
        let not = &query.not;
        let mut filter = Filter { query: query.clone(), ..Filter::default() };
        if !not.from.is_empty() {
            filter.authors = self.authors(reader, &not.from).await?;
        }
        if !not.rooms.is_empty() {
            filter.rooms = self.places(reader, &not.rooms, false).await?;
        }
        if not.direct {
            filter.rooms.extend(self.places(reader, &[], true).await?);
        }
        Ok(filter)
    }

    /// Among which messages those of the query's days are.
    async fn span(&self, query: &Query, scope: &Scope) -> Result<Range<MessageId>, ServiceError> {
        let all = MessageId(0)..MessageId(scope.newest.0 + 1);
        if query.after.or(query.before).is_none() {
            return Ok(all);
        }
        let days = store::span(&self.db, query.days()).await?;
        Ok(days.start.min(all.end)..days.end.min(all.end))
    }

    /// What the index is asked; `None` when nothing can be found.
    async fn wanted(
        &self,
        reader: &User,
        query: &Query,
        scope: &Scope,
        lowest: MessageId,
    ) -> Result<Option<Criteria>, ServiceError> {
        if query.is_empty() {
            return Ok(None);
        }
        let mut marks = Vec::new();
        if !query.from.is_empty() {
            let authors = self.authors(reader, &query.from).await?;
            marks.push(authors.into_iter().map(IndexTerm::Author).collect());
        }
        if query.direct || !query.rooms.is_empty() {
            let rooms = self.places(reader, &query.rooms, query.direct).await?;
            marks.push(rooms.into_iter().map(IndexTerm::Room).collect());
        } else if let Some(rooms) = scope.few_rooms() {
            marks.push(rooms.iter().copied().map(IndexTerm::Room).collect());
        }
        if query.link {
            marks.push(vec![IndexTerm::Link]);
        }
        if marks.iter().any(Vec::is_empty) {
            return Ok(None);
        }
        let phrases = query.phrases();
        if phrases.is_empty() && marks.is_empty() {
            marks.push(vec![IndexTerm::Any]);
        }
        let (days, links) = (query.days(), query.not.link);
        Ok(Some(Criteria { reader: reader.id, phrases, marks, lowest, days, links }))
    }

    async fn authors(&self, reader: &User, names: &[String]) -> Result<Vec<UserId>, ServiceError> {
        let people = store::people(&self.db).await?;
        Ok(names.iter().flat_map(|name| called(reader, &people, name)).collect())
    }

    /// The rooms with these names, all where there are none; `direct`: only conversations. A
    /// conversation is named like the other one.
    async fn places(
        &self,
        reader: &User,
        names: &[String],
        direct: bool,
    ) -> Result<Vec<RoomId>, ServiceError> {
        let people = store::people(&self.db).await?;
        let named = |room: &Room| {
            names.is_empty()
                || names.iter().any(|name| {
                    plain_name(&room.name) == plain_name(name)
                        || called(reader, &people, name).any(|user| room.other == Some(user))
                })
        };
        let mut rooms = self.rooms.list(reader).await?;
        rooms.retain(|room| !direct || room.visibility == Visibility::Direct);
        Ok(rooms.iter().filter(|room| named(room)).map(|room| room.id).collect())
    }
}

/// Who has this name, as a handle or as the name shown; `me` is oneself.
fn called<'a>(
    reader: &User,
    people: &'a [(UserId, String, String)],
    name: &str,
) -> impl Iterator<Item = UserId> + 'a {
    let (sought, me) = (plain_name(name), (folded(name) == "me").then_some(reader.id));
    let found = people.iter().filter(move |(_, name, shown)| {
        [name, shown].iter().any(|name| plain_name(name) == sought)
    });
    found.map(|(id, ..)| *id).chain(me)
}

async fn index_earlier(db: Db) -> Result<(), sqlx::Error> {
    let (mut count, mut said) = (0, 0);
    while let Some(indexed) = store::index_earlier(&db).await? {
        count += indexed;
        if count >= said {
            tracing::info!(messages = count, "indexing earlier messages for search");
            said = count + 100_000;
        }
    }
    if count > 0 {
        tracing::info!(messages = count, "all earlier messages can be searched");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_with_more_words_has_done_its_share_sooner() {
        let spent = |query: &str, messages: usize| {
            let query = Query::parse(query, &jiff::tz::TimeZone::UTC);
            let mut finding = SearchCursor {
                filter: Arc::new(Filter { query, ..Filter::default() }),
                hits: Vec::new(),
                enough: 50,
                looked: 0,
                read: 0,
                before: MessageId(1),
                ended: false,
            };
            let message = Candidate {
                id: MessageId(1),
                body: "a".repeat(16 * 1024),
                author: UserId(1),
                room: RoomId(1),
                at: crate::kernel::Timestamp(0),
                link: false,
            };
            finding.count(&vec![message; messages]);
            finding.is_spent()
        };
        assert!(!spent("one", 255) && spent("one", 256));
        assert!(!spent("one two four -five", 63) && spent("one two four -five", 64));
        assert!(!spent(&"alpha ".repeat(160), 127));
    }
}
