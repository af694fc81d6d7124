//! Limits on pictures and files that users send.

/// Per file that users send. How large it may be is a setting: `MAX_UPLOAD`.
pub mod file {
    use std::time::Duration;

    /// Files in a message.
    pub const PER_MESSAGE: usize = 10;
    /// Bytes of a name. The end of a longer one is kept, because it says the type.
    pub const NAME_BYTES: usize = 255;
    /// Characters of a description.
    pub const ALT: usize = 1_000;
    /// Bytes of the picture that a browser sends for a film.
    pub const POSTER_BYTES: usize = 1024 * 1024;
    /// Bytes gathered in memory before they are written, and read at once.
    pub const BUFFER_BYTES: usize = 128 * 1024;
    /// How far a sender may fall behind the slowest pace.
    pub const READ_STALL: Duration = Duration::from_secs(25);
    /// The slowest pace of a sender, in bytes per second.
    pub const SLOWEST_SENDER: u32 = 4 * 1024;
    /// How long a request may send. What has arrived stays, and another request goes on.
    pub const SENT_WITHIN: Duration = Duration::from_hours(1);
    /// The slowest pace of a download, in bytes per second, beyond its first minute.
    pub const SLOWEST_DOWNLOAD: u64 = 16 * 1024;
    /// How long an upload of which nothing arrives is kept.
    pub const UNSTARTED_KEPT: Duration = Duration::from_hours(1);
    /// How long an upload is kept after its last bytes, and a file that is in no message.
    pub const UNPOSTED_KEPT: Duration = Duration::from_hours(24);
    /// How long the bytes of deleted files stay in storage, so that a running backup is complete.
    pub const UNUSED_KEPT: Duration = Duration::from_hours(24);
    /// How often storage and database are compared.
    pub const CHECKED_EVERY: Duration = Duration::from_hours(24);
    /// How long the same bytes are not accepted while they are deleted from storage, if that does not end.
    pub const DELETED_WITHIN: Duration = Duration::from_mins(2);
}

/// Per upload.
pub mod upload {
    use std::time::Duration;

    /// A request with a picture. Fits the photos of phones.
    pub const PICTURE_BYTES: usize = 12 * 1024 * 1024;
    /// Bytes gathered in memory before they are written to disk.
    pub const BUFFER_BYTES: usize = 128 * 1024;
    /// Bytes of a form outside its file: field names and separators.
    pub const FORM_BYTES: usize = 1024 * 1024;
    /// Bytes of all texts in a form with a file.
    pub const TEXT_BYTES: usize = 4 * 1024;
    /// How long a refused upload is read and discarded, so that its sender sees the response.
    pub const DISCARD_WITHIN: Duration = Duration::from_secs(5);
}

/// Per file that is received for a message: its type is recognized, and its metadata are removed.
pub mod inspection {
    use std::time::Duration;

    /// CPU time of the process that reads the file.
    pub const PROCESS_CPU: Duration = Duration::from_secs(20);
    /// Time for the file. Then the process is killed.
    pub const DEADLINE: Duration = Duration::from_mins(1);
    /// Files that are read at once in the installation.
    pub const AT_ONCE: usize = 1;
    /// How long a file waits for its turn before it is refused.
    pub const TURN_WITHIN: Duration = Duration::from_mins(2);
}

/// Per request to an S3 server that stores files.
pub mod storage {
    use std::time::Duration;

    /// How long the server may take to answer, beyond the time for the bytes of the request.
    pub const ANSWER_WITHIN: Duration = Duration::from_secs(10);
    /// The slowest pace at which it may take them, in bytes per second.
    pub const SLOWEST_PUT: u32 = 256 * 1024;
    /// How long it may be silent within an answer.
    pub const SILENCE: Duration = Duration::from_secs(20);
    /// How often a failed request is repeated.
    pub const RETRIES: usize = 2;
    /// When a failed request is not repeated any more.
    pub const RETRY_WITHIN: Duration = Duration::from_secs(8);
    /// `Retry-After` while the server is away.
    pub const RETRY_AFTER: Duration = Duration::from_secs(10);
    /// Files that are sent to it at the same time.
    pub const PUTS_AT_ONCE: usize = 4;
    /// Bytes of a file that are in memory while it is sent. Files of more than 50 GB have larger parts.
    pub const PART_BYTES: u64 = 5 * 1024 * 1024;
    /// Parts of a file.
    pub const PARTS: u64 = 10_000;
}
