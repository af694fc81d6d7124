//! Every limit on what clients can do to Patio or make it store, grouped by what it applies to: a user,
//! an address, a connection, a request, an upload, a picture, the whole installation.
//!
//! Numbers only: each is enforced where its resource is. `RATE_LIMIT=off` lifts rates, never limits on
//! memory, size and time. SECURITY.md lists them for operators, with the comments below as text.

mod files;
mod links;
mod live;

use std::time::Duration;

pub use self::files::{file, inspection, storage, upload};
pub use self::links::{link_preview, outgoing};
pub use self::live::{greeting, read_marks};

/// How often something is allowed: `burst` times at once, then once per `every`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub burst: u32,
    pub every: Duration,
}

impl Rate {
    const fn new(burst: u32, every: Duration) -> Self {
        Self { burst, every }
    }

    const fn times(self, factor: u32) -> Self {
        let every = match self.every.checked_div(factor) {
            Some(every) => every,
            None => self.every,
        };
        Self { burst: self.burst * factor, every }
    }
}

/// The rate of one address, scaled to a network with this prefix length: a larger network has more
/// users, and less room for each.
pub const fn network(rate: Rate, prefix: u8) -> Rate {
    match prefix {
        24 => rate.times(5),
        48 => rate.times(4),
        56 => rate.times(2),
        _ => rate,
    }
}

/// Of threads.
pub mod threads {
    use super::Duration;

    /// How often replies give the head of a thread a new `rev`, which all who have its room open receive.
    pub const HEAD_EVERY: Duration = Duration::from_secs(1);
    /// Threads that are listed for a user, with what is unread in them: of those they follow, the last active. A live
    /// connection subscribes to as many.
    pub const LISTED: i64 = 200;
}

/// Per user, over pages, API and all of their live connections together.
pub mod user {
    use super::{Duration, Rate};

    /// Posts, edits, deletions and reactions.
    pub const WRITES: Rate = Rate::new(200, Duration::from_millis(20));
    /// Joining rooms.
    pub const JOINS: Rate = Rate::new(20, Duration::from_secs(1));
    /// Creating rooms, direct messages and groups.
    pub const NEW_ROOMS: Rate = Rate::new(20, Duration::from_mins(1));
    /// Messages that mention all members of a room, or all who are online (`@room`, `@here`).
    pub const WIDE_MENTIONS: Rate = Rate::new(20, Duration::from_secs(15));
    /// Searches.
    pub const SEARCHES: Rate = Rate::new(20, Duration::from_millis(500));
    /// Concurrent searches.
    pub const SEARCHES_AT_ONCE: usize = 2;
    /// Concurrent uploads of pictures.
    pub const UPLOADS_AT_ONCE: usize = 1;
    /// New files.
    pub const NEW_FILES: Rate = Rate::new(100, Duration::from_secs(2));
    /// Files that arrive at the same time.
    pub const FILES_AT_ONCE: usize = 4;
    /// Files that have not arrived completely or are in no message yet.
    pub const WAITING_FILES: i64 = 50;
    /// Downloads of files at the same time.
    pub const DOWNLOADS_AT_ONCE: usize = 32;
    /// Live connections. Counts as a rate: `RATE_LIMIT=off` lifts it.
    pub const LIVE_CONNECTIONS: usize = 20;
    /// Bytes of responses the user has not read yet, over all connections. More requests get a 429.
    pub const UNREAD_ANSWERS: usize = 8 * 1024 * 1024;
    /// Sign-ins with the correct password.
    pub const SIGN_INS: Rate = Rate::new(60, Duration::from_secs(1));
    /// Wrong passwords for one account, from addresses and devices where its user never signed in.
    pub const WRONG_PASSWORDS: Rate = Rate::new(20, Duration::from_mins(1));
    /// Known addresses and devices; the most recent ones are kept.
    pub const KNOWN_DEVICES: i64 = 50;
    /// How long an address or device stays known after a sign-in.
    pub const KNOWN_DEVICE_KEPT: Duration = Duration::from_hours(365 * 24);
    /// Saved messages.
    pub const SAVED: i64 = 5_000;
    /// Drafts, one for each room.
    pub const DRAFTS: i64 = 200;
    /// Characters of a draft. Longer than a message may be: a text that is too long is kept, too.
    pub const DRAFT_CHARACTERS: usize = 64_000;
    /// Bytes of all drafts together.
    pub const DRAFT_BYTES: i64 = 2 * 1024 * 1024;
    /// API tokens. One more revokes the least recently used.
    pub const TOKENS: i64 = 20;
    /// The longest lifetime of an API token that expires.
    pub const TOKEN_LIFETIME: Duration = Duration::from_hours(10 * 365 * 24);
}

/// Per user: what they say about themselves, in characters.
pub mod profile {
    /// The text about themselves.
    pub const ABOUT: usize = 500;
    /// The text of a status.
    pub const STATUS: usize = 80;
}

/// Per group.
pub mod group {
    /// Members, the one who created it included.
    pub const MEMBERS: usize = 20;
}

/// Per message that mentions users.
pub mod mention {
    /// Mentioned users outside the room of whom the author learns.
    pub const OUTSIDERS: usize = 20;
    /// Above this many mentioned members, pages ask before they post `@room` or `@here`.
    pub const ASKS_ABOVE: usize = 20;
}

/// Per session.
pub mod session {
    use super::Duration;

    /// Its data, as JSON.
    pub const DATA: usize = 4 * 1024;
    /// How long an anonymous one lasts: its user is not known yet.
    pub const ANONYMOUS: Duration = Duration::from_mins(10);
    /// How long the current password, once entered, is not asked for again.
    pub const PASSWORD_CONFIRMED: Duration = Duration::from_mins(5);
}

/// Per device: a browser in which a user signed in before, known by its own cookie.
pub mod device {
    use super::{Duration, Rate};

    /// Wrong passwords.
    pub const WRONG_PASSWORDS: Rate = Rate::new(20, Duration::from_secs(15));
}

/// Per address; for IPv6, per /64. Larger networks have more: [`network`].
pub mod address {
    use super::{Duration, Rate};

    /// Wrong passwords. Enough for a family's typing mistakes; a guessing machine gets about 5,700 guesses
    /// a day.
    pub const WRONG_PASSWORDS: Rate = Rate::new(20, Duration::from_secs(15));
    /// Registrations. Enough for a school class that registers together.
    pub const SIGN_UPS: Rate = Rate::new(40, Duration::from_secs(30));
    /// Checks whether a name or e-mail address is free. Enough for several people who fill in the form at
    /// once, and no faster for collecting addresses than registering.
    pub const AVAILABILITY: Rate = Rate::new(120, Duration::from_secs(30));
    /// Anonymous sessions: their user is not known yet. One more ends the oldest.
    pub const ANONYMOUS_SESSIONS: i64 = 20;
    /// Invitation links that are kept until the sign-in. Later ones are kept in the address of the sign-in
    /// page.
    pub const INVITATIONS: Rate = Rate::new(20, Duration::from_secs(30));
    /// HTTP connections, or half of what open files allow if that is less. Trusted proxies are exempt:
    /// they speak for many clients.
    pub const CONNECTIONS: usize = 1_000;
    /// Live connections of signed-in users. Counts as a rate: `RATE_LIMIT=off` lifts it.
    pub const LIVE_CONNECTIONS: usize = 1_000;
    /// Live connections before authentication. Counts as a rate: `RATE_LIMIT=off` lifts it.
    pub const LIVE_CONNECTIONS_BEFORE_SIGN_IN: usize = 50;
}

/// Per message.
pub mod message {
    /// Former versions of an edited message; the oldest go first, but the original stays.
    pub const VERSIONS: i64 = 20;
    /// Replies that are updated in the transaction that edits or deletes the message they quote. A job updates the
    /// others, as many at a time.
    pub const QUOTES_AT_ONCE: i64 = 100;
}

/// Per room.
pub mod room {
    /// Pinned messages.
    pub const PINS: i64 = 100;
}

/// Per search. A search that has used its budget returns what it found and a cursor to continue.
pub mod search {
    /// Messages compared with the query.
    pub const MESSAGES: usize = 4_000;
    /// Bytes of message text compared, counted once per word of the query.
    pub const BYTES: usize = 4 * 1024 * 1024;
    /// Different words in a query; more are ignored. Also the number of names per operator.
    pub const WORDS: usize = 32;
}

/// Per connection. A live connection uses less than 1 MiB in every state.
pub mod connection {
    use super::{Duration, Rate};

    /// Frames of any kind, fragments and control frames included. Faster clients are disconnected (4429).
    /// An outbox that was offline for long still passes at once.
    pub const FRAMES: Rate = Rate::new(200, Duration::from_millis(20));
    /// A client's message over all its fragments. Fits 16,000 characters in any JSON encoding.
    pub const FRAME: usize = 128 * 1024;
    /// Bytes in the send queue. A client that exceeds it is disconnected.
    pub const SEND_QUEUE: usize = 256 * 1024;
    /// Bytes written in one run of frames when the send queue is empty.
    pub const SEND_AT_ONCE: usize = 512 * 1024;
    /// Bytes of history per step of a catch-up, unless a single message is longer.
    pub const CHUNK: usize = 64 * 1024;
    /// Bytes in the replay buffer: events published while a client catches up.
    pub const REPLAY_BUFFER: usize = 128 * 1024;
    /// Frames in the replay buffer.
    pub const REPLAY_FRAMES: usize = 128;
    /// Bytes of a draft in a frame. A longer one comes without its text.
    pub const DRAFT: usize = 32 * 1024;
    /// Posts that were received and are not stored yet.
    pub const PENDING_POSTS: usize = 64;
    /// Bytes of these posts; the last one may exceed it.
    pub const PENDING_POST_BYTES: usize = 64 * 1024;
    /// Signals that wait for the connection's task.
    pub const SIGNALS: usize = 256;
    /// Rooms in which one connection shows a typing indicator.
    pub const TYPING_ROOMS: usize = 16;
    /// A request head. Larger ones get a 431.
    pub const HEAD_BYTES: usize = 32 * 1024;
    /// Bytes the operating system buffers for a reader before a response has to wait.
    pub const UNSENT: u32 = 128 * 1024;
    /// Time for a request head: to its first byte, and from there to its last.
    pub const HEAD_WITHIN: Duration = Duration::from_secs(30);
    /// Time between two requests. Longer than proxies and load balancers keep connections (10 minutes).
    pub const IDLE: Duration = Duration::from_mins(11);
    /// How far a reader of responses may fall behind the slowest pace before it is disconnected.
    pub const WRITE_STALL: Duration = Duration::from_secs(25);
    /// The slowest pace, in bytes per second over all responses: a phone with bad reception.
    pub const SLOWEST_READER: u32 = 4 * 1024;
    /// How long an idle connection that must close waits for a request that is already on its way.
    pub const LAST_CALL: Duration = Duration::from_secs(1);
    /// How long input is discarded after the last response.
    pub const LINGER: Duration = Duration::from_secs(5);
    /// How long a connection that exceeds a limit is kept for its refusal.
    pub const REFUSAL_WITHIN: Duration = Duration::from_secs(3);
}

/// Per request.
pub mod request {
    use super::Duration;

    /// A request body. Larger ones get a 413.
    pub const BODY: usize = 64 * 1024;
    /// A request body with a message. 16,000 characters of four bytes, percent-encoded, are 192 KB.
    pub const MESSAGE_BODY: usize = 256 * 1024;
    /// A form with a draft. 64,000 characters of four bytes, percent-encoded, are 768 KB.
    pub const DRAFT_BODY: usize = 1024 * 1024;
    /// Text and HTML of the messages in one response, unless a single one is longer. The rest is on the
    /// next page.
    pub const MESSAGES: usize = 512 * 1024;
    /// Users or rooms on one page of a list. The rest is on the next page.
    pub const LIST_ENTRIES: usize = 100;
    /// Time from the request head to the response head. Signing in is slowest: it may wait for seconds.
    pub const ANSWER_WITHIN: Duration = Duration::from_secs(30);
    /// Bytes of an unneeded request body that are discarded to keep the connection.
    pub const DISCARDED: u64 = 1024 * 1024;
    /// Time for discarding them.
    pub const DISCARD_WITHIN: Duration = Duration::from_secs(5);
}

/// Over the whole installation.
pub mod installation {
    use super::{Duration, Rate};

    /// Registrations from all addresses together.
    pub const SIGN_UPS: Rate = Rate::new(400, Duration::from_secs(2));
    /// Anonymous sessions: their user is not known yet. One more ends the oldest.
    pub const ANONYMOUS_SESSIONS: i64 = 1_000;
    /// Bytes in all send queues. Above three quarters, clients that took no byte for a second are
    /// disconnected, the slowest first; above seven eighths, others too.
    pub const SEND_QUEUES: usize = 64 * 1024 * 1024;
    /// Concurrent uploads of pictures.
    pub const UPLOADS_AT_ONCE: usize = 32;
    /// Files that arrive at the same time.
    pub const FILES_AT_ONCE: usize = 64;
    /// The same without a data directory that can be written.
    pub const FILES_WITHOUT_DISK: usize = 8;
    /// Downloads of files at the same time.
    pub const DOWNLOADS_AT_ONCE: usize = 256;
    /// Bytes that files leave free on the disk.
    pub const DISK_RESERVE: u64 = 256 * 1024 * 1024;
    /// Nodes on the page of machines, and in the API: those that were seen last.
    pub const NODES_LISTED: i64 = 256;
    /// Idle connections, or half of what open files allow if that is less.
    pub const IDLE_CONNECTIONS: usize = 2_000;
    /// Open files reserved for the database, the log and background work.
    pub const SPARE_FILES: usize = 128;
    /// Connections above the limits that are being refused at the same time.
    pub const REFUSALS_AT_ONCE: usize = 32;
}

/// Markdown of one message. Beyond these limits it is shown as plain text.
pub mod markdown {
    /// Lists, quotes and marks inside each other.
    pub const DEPTH: usize = 16;
    /// Cells of tables.
    pub const CELLS: usize = 2_000;
    /// Lines times cells of the longest row that may begin a table: the parser fills up each row.
    pub const TABLE: usize = 20_000;
    /// `>` at the beginning of a line.
    pub const QUOTE_MARKS: usize = 40;
    /// How many times longer than its text the HTML may be, beyond 4 KiB.
    pub const GROWTH: usize = 10;
}

/// Per decoded picture. The decoding process limits itself.
pub mod picture {
    use super::Duration;

    /// Pixels: 50 megapixels.
    pub const PIXELS: u64 = 50_000_000;
    /// Width or height in pixels.
    pub const SIDE: u32 = 20_000;
    /// Ratio of the long side to the short side.
    pub const RATIO: u32 = 20;
    /// Decoded pixels of PNG, GIF and WebP. JPEG is scaled during decoding.
    pub const DECODED_BYTES: u64 = 128 * 1024 * 1024;
    /// Coefficients of a progressive JPEG, kept until its last scan. 48 megapixels need 144 MB.
    pub const COEFFICIENT_BYTES: u64 = 210_000_000;
    /// The re-encoded picture.
    pub const RESULT_BYTES: u64 = 4 * 1024 * 1024;
    /// Address space of the decoding process.
    pub const PROCESS_BYTES: u64 = 320_000_000;
    /// CPU time of the decoding process.
    pub const PROCESS_CPU: Duration = Duration::from_secs(2);
    /// Open files of the decoding process.
    pub const PROCESS_FILES: u64 = 8;
    /// Time from the last byte of an upload to the response. Then the process is killed.
    pub const DEADLINE: Duration = Duration::from_millis(2_500);
    /// Concurrent decodings in the installation.
    pub const AT_ONCE: usize = 2;
    /// How long a picture waits for a decoder before it is refused.
    pub const TURN_WITHIN: Duration = Duration::from_secs(2);
}

/// Custom emoji.
pub mod emoji {
    /// Custom emoji in the installation.
    pub const PER_INSTALLATION: i64 = 500;
    /// Bytes of an image after it is made small.
    pub const IMAGE_BYTES: usize = 64 * 1024;
}

/// Password hashing and checks in the whole installation. They are slow, and anyone can cause them.
pub mod passwords {
    use super::Duration;

    /// Queue for users who signed in from the same address or device before.
    pub const WAITING_KNOWN: usize = 64;
    /// Queue for all other sign-ins. In a full queue, the network with the most places loses one.
    pub const WAITING_UNKNOWN: usize = 64;
    /// Queue for hashing new passwords.
    pub const WAITING_NEW: usize = 32;
    /// Queue for judging the strength of new passwords.
    pub const WAITING_STRENGTH: usize = 32;
    /// Attempts that wait for the outcome of others for the same account or network.
    pub const WAITING_FOR_OUTCOMES: usize = 256;
    /// `Retry-After` when the queue is full.
    pub const RETRY_AFTER: Duration = Duration::from_secs(5);
    /// Characters of a password whose strength is judged.
    pub const JUDGED_CHARACTERS: usize = 50;
    /// Readings of symbols as letters that are tried while judging.
    pub const JUDGED_READINGS: usize = 24;
}

/// Deletion of rooms and of a user's messages.
pub mod deletion {
    use super::Duration;

    /// How long a deleted room can be restored.
    pub const ROOM_RESTORABLE: Duration = Duration::from_hours(24);
    /// Messages deleted in one transaction of a job.
    pub const PIECE: u8 = 100;
    /// Message ids scanned for one author at a time; there is no index of authors.
    pub const WINDOW: i64 = 10_000;
    /// Such transactions before other jobs get a turn.
    pub const PIECES: usize = 50;
}
