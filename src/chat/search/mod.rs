//! Search: what people type finds what was said, the newest first, in rooms that they may read now.

pub mod model;
pub(in crate::chat) mod store;

use std::ops::Range;

use self::model::{Hit, Mark, Query, plain_name};
use self::store::{Scope, Wanted};
use super::accounts::model::Person;
use super::rooms::Rooms;
use super::rooms::model::{Room, Visibility};
use crate::db::Db;
use crate::kernel::paging::{Limit, Page};
use crate::kernel::{Fault, MessageId, UserId};
use crate::lifecycle::Lifecycle;

/// How many messages are read at a time at most, where the text decides and not the index.
const PIECE: usize = 256;

/// What begins with what is typed is looked for among so many messages first, without the index.
const GLANCE: usize = 64;

/// A page on its way.
struct Finding {
    hits: Vec<Hit>,
    /// Hits that are wanted.
    enough: usize,
    /// Messages that were held against the query.
    looked: usize,
    /// The last of them; what comes next is older.
    before: MessageId,
    /// There are no more.
    ended: bool,
}

impl Finding {
    fn is_done(&self) -> bool {
        self.ended || self.hits.len() >= self.enough
    }

    /// As many messages as will fill the page, if it goes on like this.
    fn next_piece(&self) -> usize {
        let missing = self.enough.saturating_sub(self.hits.len());
        let each = self.looked.checked_div(self.hits.len()).unwrap_or(self.looked);
        (missing * (each + 1)).clamp(missing, PIECE)
    }

    /// Whether the page will be full sooner than the index would answer, if it goes on like this: with
    /// as much to gather as there are messages of these words, and ids that count them all, both should
    /// cost the same at about this square root (by arithmetic).
    fn is_promising(&self) -> bool {
        let farthest = usize::try_from(self.before.0.unsigned_abs().isqrt() / 2).unwrap_or(0);
        self.looked < GLANCE || self.hits.len() * farthest >= self.enough * self.looked
    }
}

#[derive(Clone)]
pub struct Search {
    db: Db,
    rooms: Rooms,
}

impl Search {
    /// Indexes beside the server what was there before search was.
    pub fn start(db: Db, rooms: Rooms, lifecycle: &Lifecycle) -> Self {
        let closing = lifecycle.closing();
        let earlier = index_earlier(db.clone());
        lifecycle.spawn_worker(async move {
            if let Some(Err(error)) = closing.run_until_cancelled(earlier).await {
                tracing::error!(%error, "earlier messages are not all indexed: the next start goes on");
            }
        });
        Self { db, rooms }
    }

    /// What fits a query, the newest first; `before` goes on behind a page's last message.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn find(
        &self,
        reader: &Person,
        query: &Query,
        before: Option<MessageId>,
        limit: Limit,
    ) -> Result<Page<Hit>, Fault> {
        let scope = store::scope(&self.db, reader.id).await?;
        let span = self.span(query, &scope).await?;
        let Some(wanted) = self.wanted(reader, query, &scope, span.start).await? else {
            return Ok(Page::cut(Vec::new(), limit));
        };
        let mut finding = Finding {
            hits: Vec::new(),
            enough: limit.get() + 1,
            looked: 0,
            before: before.map_or(span.end, |before| before.min(span.end)),
            ended: false,
        };
        if let Some(loose) = store::at_first(&self.db, &wanted) {
            while !finding.is_done() && finding.is_promising() {
                let piece = finding.next_piece().max(GLANCE);
                self.look(&loose, query, piece, &mut finding).await?;
            }
        }
        while !finding.is_done() {
            let piece = finding.next_piece();
            self.look(&wanted, query, piece, &mut finding).await?;
        }
        Ok(Page::cut(finding.hits, limit))
    }

    /// Holds the next messages that the index names against the query.
    async fn look(
        &self,
        wanted: &Wanted,
        query: &Query,
        piece: usize,
        finding: &mut Finding,
    ) -> Result<(), Fault> {
        let found = store::find(&self.db, wanted, finding.before, piece).await?;
        finding.looked += found.len();
        finding.ended = found.len() < piece;
        finding.before = found.last().map_or(finding.before, |(id, _)| *id);
        let fitting = found.into_iter().filter(|(_, body)| query.hits(body).is_some());
        finding.hits.extend(fitting.map(|(message, _)| Hit { message }));
        Ok(())
    }

    /// Among which messages those of the query's days are.
    async fn span(&self, query: &Query, scope: &Scope) -> Result<Range<MessageId>, Fault> {
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
        reader: &Person,
        query: &Query,
        scope: &Scope,
        lowest: MessageId,
    ) -> Result<Option<Wanted>, Fault> {
        if query.is_empty() {
            return Ok(None);
        }
        let mut marks = Vec::new();
        if !query.from.is_empty() {
            marks.push(self.authors(reader, query).await?);
        }
        if query.direct || !query.rooms.is_empty() {
            marks.push(self.places(reader, query).await?);
        } else if let Some(rooms) = scope.few_rooms() {
            marks.push(rooms.iter().copied().map(Mark::Room).collect());
        }
        if query.link {
            marks.push(vec![Mark::Link]);
        }
        if marks.iter().any(Vec::is_empty) {
            return Ok(None);
        }
        let phrases = query.phrases();
        if phrases.is_empty() && marks.is_empty() {
            marks.push(vec![Mark::Any]);
        }
        Ok(Some(Wanted { reader: reader.id, phrases, marks, lowest, days: query.days() }))
    }

    async fn authors(&self, reader: &Person, query: &Query) -> Result<Vec<Mark>, Fault> {
        let people = store::people(&self.db).await?;
        let found = query.from.iter().flat_map(|name| called(reader, &people, name));
        Ok(found.map(Mark::Author).collect())
    }

    /// Rooms that the query names. A conversation is named like the other one.
    async fn places(&self, reader: &Person, query: &Query) -> Result<Vec<Mark>, Fault> {
        let people = store::people(&self.db).await?;
        let named = |room: &Room| {
            query.rooms.is_empty()
                || query.rooms.iter().any(|name| {
                    plain_name(&room.name) == plain_name(name)
                        || called(reader, &people, name).any(|user| room.other == Some(user))
                })
        };
        let mut rooms = self.rooms.list(reader).await?;
        rooms.retain(|room| !query.direct || room.visibility == Visibility::Direct);
        Ok(rooms.iter().filter(|room| named(room)).map(|room| Mark::Room(room.id)).collect())
    }
}

/// Who has this name, as a handle or as the name shown; `me` is oneself.
fn called<'a>(
    reader: &Person,
    people: &'a [(UserId, String, String)],
    name: &str,
) -> impl Iterator<Item = UserId> + 'a {
    let (sought, me) = (plain_name(name), (name == "me").then_some(reader.id));
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
