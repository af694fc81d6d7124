//! The export as web pages: an index and each room's history, a thousand messages per page, and the images of
//! custom emoji. They open from a folder, without a server.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use askama::Template;
use jiff::tz::TimeZone;

use crate::chat::emoji::model::EmojiImage;
use crate::chat::messages::model::{Kind, excerpt};
use crate::export::jsonl::CONTENTS;
use crate::export::records;
use crate::http::Language;
use crate::kernel::Timestamp;
use crate::text::render::{self, Place};

const STYLE: &str = include_str!("../../templates/export/style.css");
/// The folder of the images of custom emoji.
const EMOJI: &str = "emoji";
/// Messages per page.
const PAGE: i64 = 1000;

/// Collects the data for the pages while the export reads rows. Keeps at most one page of messages
/// in memory.
pub struct Pages {
    folder: PathBuf,
    t: Language,
    zone: TimeZone,
    site: String,
    until: String,
    users: HashMap<i64, String>,
    rooms: Vec<Room>,
    /// The threads, by the id of the message.
    threads: HashMap<i64, i64>,
    /// The versions of the custom emoji whose images are in the folder, by name.
    emoji: HashMap<String, String>,
    page: Option<Page>,
}

/// A room in the index and on its pages.
#[derive(Clone)]
struct Room {
    id: i64,
    name: String,
    topic: String,
    visibility: String,
    messages: i64,
}

struct Page {
    room: Room,
    number: i64,
    messages: Vec<Message>,
}

struct Message {
    seq: i64,
    author: String,
    at: String,
    at_iso: String,
    action: bool,
    edited: bool,
    deleted: bool,
    /// The room that is its thread.
    thread: Option<i64>,
    reply: Option<Reply>,
    /// Rendered like on the server's pages.
    html: String,
    files: Vec<LinkedFile>,
}

/// A file of a message.
struct LinkedFile {
    /// Relative to the page.
    path: String,
    name: String,
}

/// What a message replies to.
struct Reply {
    /// `None` if that is deleted.
    quote: Option<Quote>,
}

struct Quote {
    /// A link to the message.
    place: String,
    author: String,
    excerpt: String,
}

#[derive(Template)]
#[template(path = "export/index.html")]
struct IndexPage<'a> {
    t: Language,
    site: &'a str,
    until: &'a str,
    rooms: &'a [Room],
}

#[derive(Template)]
#[template(path = "export/room.html")]
struct RoomPage<'a> {
    t: Language,
    site: &'a str,
    room: &'a Room,
    messages: &'a [Message],
    older: Option<i64>,
    newer: Option<i64>,
}

impl Pages {
    /// # Errors
    /// If the folder cannot be written.
    pub fn new(
        folder: &Path,
        (t, zone): (Language, TimeZone),
        site: &str,
        now: Timestamp,
    ) -> std::io::Result<Self> {
        let folder = folder.to_owned();
        fs::create_dir(folder.join("rooms"))?;
        fs::create_dir(folder.join(EMOJI))?;
        fs::write(folder.join("style.css"), STYLE)?;
        let until = minute(now, &zone);
        Ok(Self {
            folder,
            t,
            zone,
            site: site.to_owned(),
            until,
            users: HashMap::new(),
            rooms: Vec::new(),
            threads: HashMap::new(),
            emoji: HashMap::new(),
            page: None,
        })
    }

    /// Adds a custom emoji, whose image becomes a file. They must come before messages.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn add_emoji(&mut self, emoji: &records::CustomEmoji) -> anyhow::Result<()> {
        let Some(image) = EmojiImage::stored(emoji.image.clone().into()) else { return Ok(()) };
        let version = image.version();
        let file = self.folder.join(EMOJI).join(format!("{}.{version}.png", &*emoji.name));
        fs::write(file, image.as_bytes())?;
        self.emoji.insert((*emoji.name).to_owned(), version);
        Ok(())
    }

    /// Adds a user. Users and rooms must come before messages.
    pub fn add_user(&mut self, user: &records::User) {
        self.users.insert(user.id.0, (*user.display_name).to_owned());
    }

    /// Adds a room to the index.
    pub fn add_room(&mut self, room: &records::Room) {
        let name = match room.pair.as_deref() {
            Some(ids) => ids.split(':').map(|id| self.user(id)).collect::<Vec<_>>().join(" – "),
            None => (*room.name).to_owned(),
        };
        self.rooms.push(Room {
            id: room.id.0,
            name,
            topic: (*room.topic).to_owned(),
            visibility: room.visibility.as_str().to_owned(),
            messages: room.last_seq.0,
        });
    }

    /// Adds a thread: its message leads to it.
    pub fn add_thread(&mut self, thread: &records::Thread) {
        self.threads.insert(thread.message_id.0, thread.room_id.0);
        let parent = self.rooms.iter().find(|room| room.id == thread.parent_room_id.0);
        let name = parent.map(|parent| self.t.name("thread-in", &parent.name)).unwrap_or_default();
        if let Some(room) = self.rooms.iter_mut().find(|room| room.id == thread.room_id.0) {
            room.name = name;
        }
    }

    /// Adds a message to the page of its room. Messages must come room by room in order.
    ///
    /// # Errors
    /// If a page cannot be written.
    pub fn add_message(&mut self, message: &records::Message) -> anyhow::Result<()> {
        let seq = message.seq.0;
        let number = page_of(seq);
        let is_same = |page: &Page| page.room.id == message.room_id.0 && page.number == number;
        if !self.page.as_ref().is_some_and(is_same) {
            self.write_page()?;
            let room = self.rooms.iter().find(|room| room.id == message.room_id.0).cloned();
            self.page = room.map(|room| Page { room, number, messages: Vec::new() });
        }
        let shown = self.shown(message);
        if let Some(page) = &mut self.page {
            page.messages.push(shown);
        }
        Ok(())
    }

    fn shown(&self, message: &records::Message) -> Message {
        Message {
            seq: message.seq.0,
            author: self.users.get(&message.author_id.0).cloned().unwrap_or_default(),
            at: minute(message.created_at, &self.zone),
            at_iso: message.created_at.rfc3339(),
            action: message.kind == Kind::Action,
            edited: message.edited_at.is_some(),
            deleted: message.deleted_at.is_some(),
            thread: self.threads.get(&message.id.0).copied(),
            reply: self.reply(message),
            html: self.html(message),
            files: files(message),
        }
    }

    /// The body with the images of the custom emoji that are still there.
    fn html(&self, message: &records::Message) -> String {
        let emoji = message.emoji.versions().unwrap_or_default();
        let is_there = |name: &str, version: &str| {
            self.emoji.get(name).is_some_and(|current| current == version)
        };
        let find = |name: &str, place| {
            let version = emoji.get(name).filter(|_| place == Place::Code)?;
            is_there(name, version).then(|| (*version).to_owned())
        };
        let html = render::render(&message.body, message.markup, find);
        render::with_emoji_files(&html, &format!("../{EMOJI}/"))
    }

    fn reply(&self, message: &records::Message) -> Option<Reply> {
        if message.deleted_at.is_some() {
            return None;
        }
        message.reply_to?;
        let quote = || {
            let records::QuotedMessage { seq, author_id, html } = &message.quoted;
            let (seq, author) = (seq.as_ref()?.0, author_id.as_ref()?.0);
            Some(Quote {
                place: format!("{}-{}.html#m{seq}", message.room_id.0, page_of(seq)),
                author: self.users.get(&author).cloned().unwrap_or_default(),
                excerpt: excerpt(&render::text_of(html.as_deref()?)),
            })
        };
        Some(Reply { quote: quote() })
    }

    fn user(&self, id: &str) -> &str {
        let id = id.parse::<i64>().ok();
        id.and_then(|id| self.users.get(&id)).map_or("?", String::as_str)
    }

    /// Writes the current page.
    fn write_page(&mut self) -> anyhow::Result<()> {
        let Some(Page { room, number, messages }) = self.page.take() else { return Ok(()) };
        let page = RoomPage {
            t: self.t,
            site: &self.site,
            room: &room,
            messages: &messages,
            older: (number > 1).then_some(number - 1),
            newer: (number * PAGE < room.messages).then_some(number + 1),
        };
        let file = self.folder.join(format!("rooms/{}-{number}.html", room.id));
        Ok(File::create_new(file)?.write_all(page.render()?.as_bytes())?)
    }

    /// Writes the last page and the index.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn finish(mut self) -> anyhow::Result<()> {
        self.write_page()?;
        let zone = self.zone.iana_name().unwrap_or("UTC");
        let until = self.t.fill("export-until", [("name", self.until.as_str()), ("zone", zone)]);
        let index = IndexPage { t: self.t, site: &self.site, until: &until, rooms: &self.rooms };
        Ok(File::create_new(self.folder.join("index.html"))?
            .write_all(index.render()?.as_bytes())?)
    }
}

fn files(message: &records::Message) -> Vec<LinkedFile> {
    let linked = |(hash, name): &(String, String)| {
        let (path, name) = (format!("../{CONTENTS}/{hash}"), name.clone());
        LinkedFile { path, name }
    };
    message.files.0.iter().map(linked).collect()
}

/// The number of the page that has the message.
fn page_of(seq: i64) -> i64 {
    (seq - 1) / PAGE + 1
}

impl Room {
    /// The number of the page with the newest messages; 0 for a room without messages.
    fn last_page(&self) -> i64 {
        (self.messages + PAGE - 1) / PAGE
    }
}

/// A timestamp with minutes, in a format that is the same for all languages.
fn minute(at: Timestamp, zone: &TimeZone) -> String {
    at.in_zone(zone).strftime("%Y-%m-%d %H:%M").to_string()
}
