//! Messages as HTML: the template that pages and live connections share, and pages of history with
//! grouped messages and day dividers.

use askama::Template;
use jiff::civil::Date;

use crate::chat::messages::Messages;
use crate::chat::messages::model::threads::{Participant, ThreadSummary};
use crate::chat::messages::model::{DeletedBy, Kind, Message, Pinner, Quote, Reactions, Window};
use crate::chat::rooms::model::{Reader, Visibility};
use crate::chat::saved::SavedMessages;
use crate::http::{Language, Problem};
use crate::kernel::paging::Limit;
use crate::kernel::{MessageId, RoomId, Timestamp};
use crate::pages::files::attachments::AttachmentsView;
use crate::pages::layout::calendar::{Calendar, Moment};
use crate::pages::layout::user_view::{hue_of, initials};
use crate::pages::messages::empty_room::Step;
use crate::pages::messages::previews::{self, PreviewView};

const PARAGRAPH_END: &str = "</p>";

/// The fields of a message for its template.
struct MessageView<'a> {
    id: i64,
    seq: i64,
    rev: i64,
    author_id: i64,
    author: &'a str,
    /// The handle of the author.
    author_name: &'a str,
    hue: i64,
    initials: String,
    photo: Option<&'a str>,
    /// When it was written: RFC 3339 in UTC.
    iso: String,
    /// The same in words: the time of day where a day divider names the day.
    at: String,
    html: &'a str,
    /// The end of the HTML, which follows the note that the message was edited: the tag that closes the last
    /// paragraph.
    html_end: &'a str,
    /// What it replies to. A deleted message does not show it.
    reply: Option<ReplyView<'a>>,
    pinned_by: Option<&'a Pinner>,
    /// When the message was last edited.
    edited: Option<Moment>,
    /// The text that replaces a deleted message.
    deleted: Option<&'static str>,
    reactions: Vec<ReactionView<'a>>,
    nonce: Option<&'a str>,
    /// Follows a message of the same author closely, so the name is omitted.
    continues: bool,
    /// A message that describes what its author does, such as "/me waves".
    action: bool,
    /// The thread of which it is the head, if anything was replied.
    thread: Option<ThreadView>,
    /// The reply of which it is the copy.
    twin_of: Option<i64>,
    previews: Vec<PreviewView<'a>>,
    files: Option<AttachmentsView<'a>>,
}

/// What a message shows of its thread.
struct ThreadView {
    room: i64,
    /// The number of replies in words.
    replies: String,
    faces: Vec<Face>,
    last: Option<Moment>,
}

impl ThreadView {
    fn new(thread: &ThreadSummary, calendar: &Calendar) -> Self {
        let count = usize::try_from(thread.replies).unwrap_or_default();
        Self {
            room: thread.room.0,
            replies: calendar.t.count("thread-replies", count),
            faces: faces(thread),
            last: thread.last_reply_at.map(|at| calendar.moment(at)),
        }
    }
}

/// The avatar of a user who replied in a thread.
pub(in crate::pages) struct Face {
    pub hue: i64,
    pub initials: String,
    pub photo: Option<String>,
}

/// The last three who replied, the last one last.
pub(in crate::pages) fn faces(thread: &ThreadSummary) -> Vec<Face> {
    let face = |participant: &Participant| Face {
        hue: hue_of(participant.id),
        initials: initials(&participant.display_name),
        photo: participant.avatar.clone(),
    };
    thread.participants.iter().take(3).rev().map(face).collect()
}

/// What a message replies to.
struct ReplyView<'a> {
    /// `None` if that is deleted.
    quote: Option<QuoteView<'a>>,
}

/// A message as its replies show it.
pub(super) struct QuoteView<'a> {
    pub id: i64,
    pub author_id: i64,
    /// The handle of its author: a style sheet of theirs highlights the reply.
    pub name: &'a str,
    pub author: &'a str,
    pub hue: i64,
    pub initials: String,
    pub photo: Option<&'a str>,
    pub excerpt: &'a str,
}

impl<'a> From<&'a Quote> for QuoteView<'a> {
    fn from(Quote { id, author, excerpt }: &'a Quote) -> Self {
        Self {
            id: id.0,
            author_id: author.id.0,
            name: &author.name,
            author: &author.display_name,
            hue: hue_of(author.id),
            initials: initials(&author.display_name),
            photo: author.avatar.as_deref(),
            excerpt,
        }
    }
}

struct ReactionView<'a> {
    emoji: &'a str,
    /// The name of a custom emoji, whose image is shown.
    custom: Option<&'a str>,
    count: usize,
    /// The number of users in words.
    people: String,
    /// User ids separated by spaces, from which the browser finds the user's own reaction.
    users: String,
}

impl<'a> ReactionView<'a> {
    fn new(Reactions { emoji, users }: &'a Reactions, t: Language) -> Self {
        let count = users.len();
        let ids: Vec<String> = users.iter().map(ToString::to_string).collect();
        let custom = emoji.strip_prefix(':').and_then(|rest| rest.strip_suffix(':'));
        Self {
            emoji,
            custom,
            count,
            people: t.count("reaction-count", count),
            users: ids.join(" "),
        }
    }
}

#[derive(Template)]
#[template(path = "messages/_message.html")]
struct MessageTemplate<'a> {
    m: MessageView<'a>,
    t: Language,
}

/// A message as pages and live connections show it.
///
/// # Errors
/// If the template cannot be rendered.
pub fn fragment(message: &Message, t: Language) -> askama::Result<String> {
    render(message, &Calendar::utc(t), Setting::List { continues: false })
}

/// A message outside a list, with times in the time zone of the user.
pub(in crate::pages) fn single_message(
    message: &Message,
    calendar: &Calendar,
) -> askama::Result<String> {
    render(message, calendar, Setting::Alone)
}

/// What surrounds a message.
#[derive(Clone, Copy)]
enum Setting {
    /// Messages under the divider of their day.
    List {
        continues: bool,
    },
    Alone,
}

fn render(message: &Message, calendar: &Calendar, setting: Setting) -> askama::Result<String> {
    let t = calendar.t;
    let (at, continues) = match setting {
        Setting::List { continues } => (calendar.clock(message.created_at), continues),
        Setting::Alone => (calendar.moment(message.created_at).full, false),
    };
    let edited = message.edited_at.filter(|_| !message.is_deleted());
    let (html, html_end) = match message.html.strip_suffix(PARAGRAPH_END) {
        Some(html) if edited.is_some() => (html, PARAGRAPH_END),
        _ => (&*message.html, ""),
    };
    let is_reply = message.reply_to.is_some() && !message.is_deleted();
    let reply = is_reply.then(|| ReplyView { quote: message.quote.as_ref().map(QuoteView::from) });
    let m = MessageView {
        id: message.id.0,
        seq: message.seq.0,
        rev: message.rev.0,
        author_id: message.author.id.0,
        author: &message.author.display_name,
        author_name: &message.author.name,
        hue: hue_of(message.author.id),
        initials: initials(&message.author.display_name),
        photo: message.author.avatar.as_deref(),
        iso: message.created_at.rfc3339(),
        at,
        html,
        html_end,
        reply,
        pinned_by: message.pinned_by.as_ref(),
        edited: edited.map(|at| calendar.moment(at)),
        deleted: message.deleted_by.map(|by| deletion(by, t)),
        reactions: message.reactions.iter().map(|one| ReactionView::new(one, t)).collect(),
        nonce: message.nonce.as_deref(),
        continues,
        action: message.kind == Kind::Action,
        thread: message
            .thread
            .as_ref()
            .filter(|thread| thread.replies > 0)
            .map(|thread| ThreadView::new(thread, calendar)),
        twin_of: message.twin_of.map(|reply| reply.0).filter(|_| !message.is_deleted()),
        previews: previews::views(message),
        files: AttachmentsView::new(&message.attachments, t),
    };
    MessageTemplate { m, t }.render()
}

/// The text that replaces a deleted message.
fn deletion(by: DeletedBy, t: Language) -> &'static str {
    match by {
        DeletedBy::Author => t.text("message-deleted"),
        DeletedBy::Moderator => t.text("message-removed"),
    }
}

/// A page of history.
#[derive(Template)]
#[template(path = "messages/_page.html")]
pub(in crate::pages) struct MessageList {
    t: Language,
    room_id: i64,
    /// The heading at the beginning of the room.
    start: String,
    start_text: &'static str,
    /// Suggested next steps, if the room is empty.
    steps: Vec<Step>,
    /// The `before` of the next older page. `None` if this page reaches the beginning of the room.
    older: Option<i64>,
    /// The page is appended to one that is already shown, so it has no heading.
    goes_on: bool,
    items: Vec<Item>,
}

impl MessageList {
    /// A room without messages.
    pub fn empty(room: RoomId, visibility: Visibility, name: &str, t: Language) -> Self {
        let (start, start_text) = match visibility {
            Visibility::Direct | Visibility::Group => ("direct-start", "direct-start-text"),
            Visibility::Public | Visibility::Private | Visibility::Thread => {
                ("room-start", "room-start-text")
            }
        };
        // A thread begins with its head.
        let has_start = visibility != Visibility::Thread;
        Self {
            t,
            room_id: room.0,
            start: if has_start { t.name(start, name) } else { String::new() },
            start_text: if has_start { t.text(start_text) } else { "" },
            steps: Vec::new(),
            older: None,
            goes_on: false,
            items: Vec::new(),
        }
    }

    /// Whether there are no messages.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub fn offering(self, steps: Vec<Step>) -> Self {
        Self { steps, ..self }
    }

    /// The text for the first user of the installation.
    pub fn welcoming(self) -> Self {
        Self { start_text: self.t.text("lobby-alone-text"), ..self }
    }
}

struct Item {
    /// The day divider before this message.
    day: Option<Day>,
    /// The first unread message.
    is_new: bool,
    /// The user has saved it. The mark stands before the message, whose HTML is the same for all users.
    is_saved: bool,
    html: String,
}

struct Day {
    date: String,
    label: String,
}

/// The messages before or after a `seq`, or the newest ones.
pub(in crate::pages) async fn history(
    messages: &Messages,
    saved: &SavedMessages,
    reader: &Reader,
    window: Window,
    calendar: &Calendar,
) -> Result<MessageList, Problem> {
    let goes_on = matches!(window, Window::After(_));
    let found = messages.page(reader, window, Limit::DEFAULT).await?;
    let read = reader.room().last_read_seq;
    let unread = |message: &&Message| read.is_some_and(|read| message.seq > read);
    let first_unread = found.items.iter().find(unread).map(|message| message.seq);
    let oldest = found.items.first().map(|message| message.seq.0);
    let ids: Vec<MessageId> = found.items.iter().map(|message| message.id).collect();
    let saved = if ids.is_empty() { Vec::new() } else { saved.among(reader.user(), &ids).await? };
    let mut items = Vec::with_capacity(found.items.len());
    let mut previous: Option<(&Message, Date)> = None;
    for message in &found.items {
        let date = calendar.day(message.created_at);
        let same_day = previous.is_some_and(|(_, day)| day == date);
        let continues = same_day && previous.is_some_and(|(other, _)| is_run(other, message));
        let html = render(message, calendar, Setting::List { continues });
        let html = html.map_err(|error| Problem::internal(&error))?;
        let day = (!same_day).then(|| Day { date: date.to_string(), label: calendar.label(date) });
        let is_new = first_unread == Some(message.seq);
        let is_saved = saved.contains(&message.id);
        items.push(Item { day, is_new, is_saved, html });
        previous = Some((message, date));
    }
    let older = oldest.filter(|_| found.more && !goes_on);
    let room = reader.room();
    let empty = MessageList::empty(room.id, room.visibility, &room.name, calendar.t);
    Ok(MessageList { older, goes_on, items, ..empty })
}

/// Whether both have the same author and less than five minutes between them.
fn is_run(earlier: &Message, later: &Message) -> bool {
    const FIVE_MINUTES: i64 = 5 * 60 * 1000;
    let Timestamp(apart) = Timestamp(later.created_at.0 - earlier.created_at.0);
    earlier.author.id == later.author.id && apart < FIVE_MINUTES
}
