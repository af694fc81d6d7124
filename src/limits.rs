//! Every limit on what others may do to Patio or make it keep, by whom it counts: a user, an
//! address, a connection, a request, an upload, a picture, the whole installation.
//!
//! Numbers only: each is enforced where its resource is. Rates are lifted by `RATE_LIMIT=off`;
//! limits on memory, size and time never are. SECURITY.md lists them for operators.

use std::time::Duration;

/// How often something may happen: `burst` times at once, then once in each `every`.
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

/// What a rate of one address is for a network with a prefix of that length: larger networks have more
/// people in them, and less room for each.
pub const fn network(rate: Rate, prefix: u8) -> Rate {
    match prefix {
        24 => rate.times(5),
        48 => rate.times(4),
        56 => rate.times(2),
        _ => rate,
    }
}

/// Per user, over pages, API and all of their live connections together.
pub mod user {
    use super::{Duration, Rate};

    /// Posts, edits, deletions, reactions: 200, then 50 a second.
    pub const WRITES: Rate = Rate::new(200, Duration::from_millis(20));
    /// Joining rooms: 20, then one a second.
    pub const JOINS: Rate = Rate::new(20, Duration::from_secs(1));
    /// New rooms and new direct conversations: 20, then one a minute.
    pub const NEW_ROOMS: Rate = Rate::new(20, Duration::from_mins(1));
    /// Searches: 20, then two a second.
    pub const SEARCHES: Rate = Rate::new(20, Duration::from_millis(500));
    /// Searches that run at the same time.
    pub const SEARCHES_AT_ONCE: usize = 2;
    /// Uploads that run at the same time.
    pub const UPLOADS_AT_ONCE: usize = 1;
    /// Live connections. A rate: `RATE_LIMIT=off` lifts it.
    pub const LIVE_CONNECTIONS: usize = 20;
    /// Bytes of answers that are not read yet, over all connections: 429 for one more.
    pub const UNREAD_ANSWERS: usize = 8 * 1024 * 1024;
    /// Sign-ins with the right password.
    pub const SIGN_INS: Rate = Rate::new(60, Duration::from_secs(1));
    /// Wrong passwords for one name, from addresses and devices from which its user never signed in.
    pub const WRONG_PASSWORDS: Rate = Rate::new(20, Duration::from_mins(1));
    /// Addresses and devices that are remembered, the latest of all.
    pub const KNOWN_DEVICES: i64 = 50;
    /// How long they are remembered after a sign-in.
    pub const KNOWN_DEVICE_KEPT: Duration = Duration::from_hours(365 * 24);
    /// API tokens; one more ends the one that was used least recently.
    pub const TOKENS: usize = 20;
    /// How long an API token with an end of its own may live.
    pub const TOKEN_LIFETIME: Duration = Duration::from_hours(10 * 365 * 24);
}

/// Per device: a browser from which a user signed in before. It has a cookie of its own.
pub mod device {
    use super::{Duration, Rate};

    /// Wrong passwords.
    pub const WRONG_PASSWORDS: Rate = Rate::new(20, Duration::from_secs(15));
}

/// Per address, which for IPv6 is a /64. The networks around it have more: [`network`].
pub mod address {
    use super::{Duration, Rate};

    /// Wrong passwords: a family has room for its mistakes; a machine that guesses gets some 5,700 guesses
    /// a day.
    pub const WRONG_PASSWORDS: Rate = Rate::new(20, Duration::from_secs(15));
    /// Tries to register: a class that registers together from one school does it with ease.
    pub const SIGN_UPS: Rate = Rate::new(40, Duration::from_secs(30));
    /// Questions whether a name or an e-mail address is free: a few people who fill in the form at once
    /// ask that often, and who collects addresses is no faster than by trying to register.
    pub const AVAILABILITY: Rate = Rate::new(120, Duration::from_secs(30));
    /// Connections that are no live ones; half of what open files allow, if that is less. A trusted
    /// proxy is no address: it speaks for many.
    pub const CONNECTIONS: usize = 1_000;
    /// Live connections of signed-in users. A rate: `RATE_LIMIT=off` lifts it.
    pub const LIVE_CONNECTIONS: usize = 1_000;
    /// Live connections before their user is known. A rate: `RATE_LIMIT=off` lifts it.
    pub const LIVE_CONNECTIONS_BEFORE_SIGN_IN: usize = 50;
}

/// Per search. One that has used its budget answers with what it found and a place to go on from.
pub mod search {
    /// Messages whose text is compared with the query.
    pub const MESSAGES: usize = 4_000;
    /// Bytes of their texts, counted once for each word that they are compared with.
    pub const BYTES: usize = 4 * 1024 * 1024;
    /// Words of a query, equal ones once; what is typed beyond them is not looked for. As many names
    /// behind each operator.
    pub const WORDS: usize = 32;
}

/// Per connection. What a live one keeps stays below 1 MiB together, in every state of it.
pub mod connection {
    use super::{Duration, Rate};

    /// Frames of any kind, pieces of messages and control frames included; who sends more is cut off
    /// (4429). An outbox that comes back from a long tunnel passes at once.
    pub const FRAMES: Rate = Rate::new(200, Duration::from_millis(20));
    /// A message of the client, over all its pieces: 16,000 characters, whatever they become as JSON.
    pub const FRAME: usize = 128 * 1024;
    /// What waits to be sent. Beyond it the connection is cut.
    pub const SEND_QUEUE: usize = 256 * 1024;
    /// One run of frames may be so long where nothing waits.
    pub const SEND_AT_ONCE: usize = 512 * 1024;
    /// What is read at a time of what a client missed, if no single message is longer.
    pub const CHUNK: usize = 64 * 1024;
    /// What was published while a client catches up: so many bytes and so many frames.
    pub const REPLAY_BUFFER: usize = 128 * 1024;
    pub const REPLAY_FRAMES: usize = 128;
    /// Posts that are not stored yet: so many, or one more than so many bytes.
    pub const PENDING_POSTS: usize = 64;
    pub const PENDING_POST_BYTES: usize = 64 * 1024;
    /// Signals that wait for the connection's task.
    pub const SIGNALS: usize = 256;
    /// Rooms in which the user types at the same time.
    pub const TYPING_ROOMS: usize = 16;
    /// The head of a request: 431 above.
    pub const HEAD_BYTES: usize = 32 * 1024;
    /// What the system keeps for a reader before an answer has to wait.
    pub const UNSENT: u32 = 128 * 1024;
    /// From the first byte of a head to its last, and from the connection to its first byte.
    pub const HEAD_WITHIN: Duration = Duration::from_secs(30);
    /// Between two requests: longer than proxies and load balancers keep theirs (up to 10 minutes).
    pub const IDLE: Duration = Duration::from_mins(11);
    /// How far a reader of answers may fall behind the slowest pace: who takes nothing is cut after this.
    pub const WRITE_STALL: Duration = Duration::from_secs(25);
    /// The slowest pace, in bytes a second, over all answers of a connection: a phone at the edge of
    /// its network.
    pub const SLOWEST_READER: u32 = 4 * 1024;
    /// What an idle connection that has to go still waits for a request that is on its way.
    pub const LAST_CALL: Duration = Duration::from_secs(1);
    /// What is read away after the last answer, for a peer that still sends.
    pub const LINGER: Duration = Duration::from_secs(5);
    /// For which there is no room, from the connection to its end.
    pub const REFUSAL_WITHIN: Duration = Duration::from_secs(3);
}

/// Per request.
pub mod request {
    use super::Duration;

    /// A body: 413 above.
    pub const BODY: usize = 64 * 1024;
    /// One that carries a message: 16,000 characters of four bytes each, percent-encoded or escaped,
    /// are 192 KB.
    pub const MESSAGE_BODY: usize = 256 * 1024;
    /// Texts and HTML of the messages in an answer, if no single one is longer. What is left is on the
    /// next page.
    pub const MESSAGES: usize = 512 * 1024;
    /// From its head to the head of the answer. The slowest, signing in, waits its turn for a few
    /// seconds.
    pub const ANSWER_WITHIN: Duration = Duration::from_secs(30);
    /// Of a body that the answer did not need, what is read away to keep the connection.
    pub const DISCARDED: u64 = 1024 * 1024;
    /// How long that may take.
    pub const DISCARD_WITHIN: Duration = Duration::from_secs(5);
}

/// Over the whole installation.
pub mod installation {
    use super::{Duration, Rate};

    /// Tries to register, from wherever: 400, then one in two seconds.
    pub const SIGN_UPS: Rate = Rate::new(400, Duration::from_secs(2));
    /// What waits to be sent, over all live connections. From three quarters on those are cut who took
    /// nothing for a second, the longest first; from seven eighths on others after them.
    pub const SEND_QUEUES: usize = 64 * 1024 * 1024;
    /// Uploads that are received or worked on at the same time.
    pub const UPLOADS_AT_ONCE: usize = 32;
    /// Connections that wait for their next request; half of what open files allow, if that is less.
    pub const IDLE_CONNECTIONS: usize = 2_000;
    /// Open files that are not for connections: database, log, what runs beside.
    pub const SPARE_FILES: usize = 128;
    /// Connections without room that are being told so.
    pub const REFUSALS_AT_ONCE: usize = 32;
}

/// Per upload.
pub mod upload {
    use super::Duration;

    /// The largest request with a picture: a photo as phones make them.
    pub const PICTURE_BYTES: usize = 12 * 1024 * 1024;
    /// What is gathered in memory before it is written to the disk.
    pub const BUFFER_BYTES: usize = 128 * 1024;
    /// What may be read of a form that is not yet known to belong to a file: names of fields,
    /// and what stands between them.
    pub const FORM_BYTES: usize = 1024 * 1024;
    /// How long a refused upload is read and thrown away, so that its sender sees the answer.
    pub const DISCARD_WITHIN: Duration = Duration::from_secs(5);
}

/// Per picture that is decoded. The process that decodes it sets its limits itself.
pub mod picture {
    use super::Duration;

    /// 50 megapixels.
    pub const PIXELS: u64 = 50_000_000;
    /// Width and height, in pixels.
    pub const SIDE: u32 = 20_000;
    /// How many times as long as the short side the long one may be.
    pub const RATIO: u32 = 20;
    /// Decoded pixels of PNG, GIF and WebP. JPEG is scaled while it is decoded.
    pub const DECODED_BYTES: u64 = 128 * 1024 * 1024;
    /// What a progressive JPEG keeps until its last scan: 48 megapixels have 144 MB.
    pub const COEFFICIENT_BYTES: u64 = 210_000_000;
    /// The result.
    pub const RESULT_BYTES: u64 = 4 * 1024 * 1024;
    /// Address space of the process.
    pub const PROCESS_BYTES: u64 = 320_000_000;
    /// Processor time of the process.
    pub const PROCESS_CPU: Duration = Duration::from_secs(2);
    /// Open files of the process.
    pub const PROCESS_FILES: u64 = 8;
    /// From the last byte of an upload to its answer; then the process is killed.
    pub const DEADLINE: Duration = Duration::from_millis(2_500);
    /// Pictures that are decoded at the same time, over the installation.
    pub const AT_ONCE: usize = 2;
    /// How long a picture waits for its turn, before it is refused.
    pub const TURN_WITHIN: Duration = Duration::from_secs(2);
}

/// Work with passwords, over the whole installation. It is slow, and strangers can ask for it.
pub mod passwords {
    use super::Duration;

    /// Who may wait for a turn at a time: people who signed in from the same address or device before.
    pub const WAITING_KNOWN: usize = 64;
    /// Everybody else who signs in. When a line is full, the network with most places in it gives way.
    pub const WAITING_UNKNOWN: usize = 64;
    /// New passwords to be hashed.
    pub const WAITING_NEW: usize = 32;
    /// New passwords to be judged.
    pub const WAITING_STRENGTH: usize = 32;
    /// Tries that wait for the outcome of others from the same network, for the same account.
    pub const WAITING_FOR_OUTCOMES: usize = 256;
    /// When to come again if there is no place.
    pub const RETRY_AFTER: Duration = Duration::from_secs(5);
    /// How much of a password is judged.
    pub const JUDGED_CHARACTERS: usize = 50;
    /// In how many ways signs are read as letters while it is judged.
    pub const JUDGED_READINGS: usize = 24;
}

/// What is deleted.
pub mod deletion {
    use super::Duration;

    /// How long a deleted room can be restored.
    pub const ROOM_RESTORABLE: Duration = Duration::from_hours(24);
    /// Messages in one transaction of a job.
    pub const PIECE: u8 = 100;
    /// Ids of messages that are looked at for one author at a time: there is no index of authors.
    pub const WINDOW: i64 = 10_000;
    /// Such pieces until others get their turn.
    pub const PIECES: usize = 50;
}
