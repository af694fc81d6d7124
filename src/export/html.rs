//! The export as web pages: an index and each room's history, a thousand messages per page. They
//! open from a folder, without a server.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use askama::Template;
use jiff::tz::TimeZone;

use crate::chat::messages::render;
use crate::export::jsonl::{Kind, Row, Value};
use crate::http::Language;
use crate::kernel::Timestamp;

const STYLE: &str = include_str!("../../templates/export/style.css");
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
    /// Rendered like on the server's pages.
    html: String,
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
            page: None,
        })
    }

    /// Processes a row. Users and rooms must come before messages, and messages room by room in
    /// order.
    ///
    /// # Errors
    /// If a page cannot be written.
    pub fn add_row(&mut self, kind: &Kind, row: &Row) -> anyhow::Result<()> {
        let get = |field: &str| kind.place(field).and_then(|place| row.get(place));
        let number = |field: &str| get(field).map_or(0, Value::number);
        let text = |field: &str| get(field).map_or("", Value::text);
        match kind.name {
            "people" => {
                self.users.insert(number("id"), text("display_name").to_owned());
            }
            "rooms" => {
                let name = match text("pair").split_once(':') {
                    Some((one, two)) => format!("{} – {}", self.user(one), self.user(two)),
                    None => text("name").to_owned(),
                };
                self.rooms.push(Room {
                    id: number("id"),
                    name,
                    topic: text("topic").to_owned(),
                    visibility: text("visibility").to_owned(),
                    messages: number("last_seq"),
                });
            }
            "messages" => {
                let room = number("room_id");
                let seq = number("seq");
                let at = Timestamp(number("created_at"));
                let is_set = |field: &str| get(field).is_some_and(|value| !value.is_null());
                let message = Message {
                    seq,
                    author: self.users.get(&number("author_id")).cloned().unwrap_or_default(),
                    at: minute(at, &self.zone),
                    at_iso: at.rfc3339(),
                    action: text("kind") == "action",
                    edited: is_set("edited_at"),
                    deleted: is_set("deleted_at"),
                    html: render::render(text("body"), render::no_mentions),
                };
                self.add_message(room, (seq - 1) / PAGE + 1, message)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn user(&self, id: &str) -> &str {
        let id = id.parse::<i64>().ok();
        id.and_then(|id| self.users.get(&id)).map_or("?", String::as_str)
    }

    fn add_message(&mut self, room: i64, number: i64, message: Message) -> anyhow::Result<()> {
        let same = |page: &Page| page.room.id == room && page.number == number;
        if !self.page.as_ref().is_some_and(same) {
            self.write_page()?;
            let found = self.rooms.iter().find(|found| found.id == room).cloned();
            self.page = found.map(|room| Page { room, number, messages: Vec::new() });
        }
        if let Some(page) = &mut self.page {
            page.messages.push(message);
        }
        Ok(())
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
