//! The configuration. Each setting is an environment variable with a conventional name and a flag
//! of the same name. All values are parsed here, once, into types that are valid by construction.
//!
//! Depends on no other module. The doc comments below are the help text of `patio --help`.

mod file_storage;
mod machines;

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::{fmt, fs};

use clap::builder::Resettable;
use clap::{Args, Command, FromArgMatches, ValueEnum};
use ipnet::IpNet;
use sqlx::postgres::PgConnectOptions;
use tracing_subscriber::filter::Targets;

pub use self::file_storage::{
    FilePlace, FileStorage, S3Settings, Secret, StorageUrl, WrongSetting,
};
pub use self::machines::{BusSettings, DrainSettings, DrainTimeout, MachineSettings, NatsUrls};

/// What hashing a password costs, and so guessing one from a stolen hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PasswordCost {
    /// The minimum of OWASP: 19 MiB, two passes, one lane.
    #[default]
    Full,
    /// The least that Argon2 allows: for tests that sign in many users and are about something else.
    Least,
}

/// Where the server listens. Shared by `serve` and `healthcheck`.
#[derive(Args, Clone, Debug)]
pub struct Address {
    /// Port: a number from 1 to 65535.
    #[arg(long, env = "PORT", default_value = "3000", value_parser = parse_port)]
    pub port: u16,

    /// Address: `::` means all addresses, IPv4 included (`0.0.0.0` if the machine has no IPv6).
    #[arg(long, env = "LISTEN", default_value = "::", value_parser = parse_ip)]
    pub listen: IpAddr,
}

/// Where all data is stored. Shared by all commands that work on it.
#[derive(Args, Clone, Debug)]
pub struct Storage {
    /// Directory for the database and all other data; created if it does not exist.
    #[arg(long, env = "DATA_DIR", default_value = "./data", global = true)]
    pub data_dir: PathBuf,

    /// Database: `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/NAME`. Without it: `patio.db` in
    /// the data directory.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, global = true)]
    pub database_url: Option<DatabaseUrl>,

    /// File that contains the `DATABASE_URL`, to keep its password out of the environment.
    #[arg(long, env = "DATABASE_URL_FILE", conflicts_with = "database_url", global = true)]
    pub database_url_file: Option<FromFile<DatabaseUrl>>,

    /// `on` allows a network file system (NFS, SMB, FUSE …), where databases get corrupted.
    #[arg(long, env = "ANY_FILESYSTEM", value_enum, default_value = "off", global = true)]
    pub any_filesystem: Switch,

    #[command(flatten)]
    pub files: Box<FileStorage>,
}

impl Storage {
    /// The settings for a data directory with the default database.
    pub fn in_directory(data_dir: PathBuf) -> Self {
        let (database_url, database_url_file, any_filesystem) = (None, None, Switch::Off);
        let files = Box::default();
        Self { data_dir, database_url, database_url_file, any_filesystem, files }
    }

    /// The configured database, if there is one.
    pub fn database(&self) -> Option<&DatabaseUrl> {
        self.database_url.as_ref().or(self.database_url_file.as_ref().map(|file| &file.0))
    }
}

#[derive(Args, Clone, Debug)]
pub struct Config {
    #[command(flatten)]
    pub address: Address,

    #[command(flatten)]
    pub storage: Storage,

    #[command(flatten)]
    pub machines: Box<MachineSettings>,

    /// Public address, for example `https://chat.example.org`. Without it, the origin of a request
    /// is compared with the host it was sent to.
    #[arg(long, env = "BASE_URL")]
    pub base_url: Option<BaseUrl>,

    /// Networks whose `X-Forwarded-*` headers count, separated by commas, or `none`.
    #[arg(
        long,
        env = "TRUSTED_PROXIES",
        default_value = "127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,fc00::/7,169.254.0.0/16,fe80::/10"
    )]
    pub trusted_proxies: Networks,

    /// Who can register: everyone (`open`) or no one (`closed`). The first account can always be
    /// created; it becomes the administrator.
    #[arg(long, env = "SIGNUP", value_enum, default_value = "open")]
    pub signup: Signup,

    /// Name of this installation, 1 to 64 characters.
    #[arg(long, env = "SITE_NAME", default_value = "Patio", value_parser = parse_site_name)]
    pub site_name: String,

    /// Largest file that users send: bytes, or a number with `K`, `M` or `G`.
    #[arg(long, env = "MAX_UPLOAD", default_value = "100M", value_parser = parse_size)]
    pub max_upload: u64,

    /// Space for all files of a user, as above; `0` means no limit.
    #[arg(long, env = "UPLOAD_QUOTA", default_value = "5G", value_parser = parse_size)]
    pub upload_quota: u64,

    /// Space for all files of the installation, as above; `0` means no limit.
    #[arg(long, env = "STORAGE_QUOTA", default_value = "0", value_parser = parse_size)]
    pub storage_quota: u64,

    /// Rate limits; `off` only for load tests.
    #[arg(long, env = "RATE_LIMIT", value_enum, default_value = "on")]
    pub rate_limit: Switch,

    /// Previews of the pages that messages link to; with `off`, Patio sends no request to them.
    #[arg(long, env = "LINK_PREVIEWS", value_enum, default_value = "on")]
    pub link_previews: Switch,

    /// Bearer token for `/metrics`, at least 16 visible ASCII characters. Without it, /metrics
    /// answers this machine only, and not through a proxy.
    #[arg(long, env = "METRICS_TOKEN", hide_env_values = true)]
    pub metrics_token: Option<MetricsToken>,

    /// File that contains this token.
    #[arg(long, env = "METRICS_TOKEN_FILE", value_parser = read_metrics_token)]
    pub metrics_token_file: Option<MetricsToken>,

    /// The program that decodes pictures; by default this program. Not a flag: only tests set it,
    /// because a test's own executable cannot decode.
    #[arg(skip)]
    pub executable: Option<PathBuf>,

    /// What hashing a new password costs. Not a flag: only tests set it.
    #[arg(skip)]
    pub password_cost: PasswordCost,
}

impl Config {
    /// The configuration of `patio serve` without any flag or environment variable.
    ///
    /// # Errors
    /// If a default value is not valid.
    pub fn defaults() -> Result<Self, clap::Error> {
        let command = Self::augment_args(Command::new("patio"));
        let without_environment = command.mut_args(|argument| argument.env(Resettable::Reset));
        Self::from_arg_matches(&without_environment.try_get_matches_from(["patio"])?)
    }
}

/// Logging options. The log always goes to standard error.
#[derive(Args, Clone, Debug)]
pub struct Logging {
    /// What to log: `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `patio=debug`.
    #[arg(long, env = "LOG", default_value = "info", value_parser = parse_log_filter)]
    pub log: Targets,

    /// Format of the log. Default: text on a terminal, otherwise JSON lines.
    #[arg(long, env = "LOG_FORMAT", value_enum)]
    pub log_format: Option<LogFormat>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Signup {
    Open,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    On,
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// The location of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    Sqlite(PathBuf),
    Postgres(PostgresUrl),
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let postgres = ["postgres://", "postgresql://"].iter().any(|head| text.starts_with(head));
        match text.strip_prefix("sqlite:") {
            Some(path) if !path.trim_start_matches('/').is_empty() => {
                Ok(Self::Sqlite(path.strip_prefix("//").unwrap_or(path).into()))
            }
            None if postgres && PgConnectOptions::from_str(text).is_ok() => {
                Ok(Self::Postgres(PostgresUrl(text.to_owned())))
            }
            _ => Err("sqlite:PATH, for example sqlite:/var/lib/patio/patio.db, or postgres://USER:PASSWORD@HOST/NAME"
                .to_owned()),
        }
    }
}

/// The URL of a `PostgreSQL` server. It contains a password, so it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

impl PostgresUrl {
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresUrl(…)")
    }
}

/// A value read from a file, which is how platforms provide secrets. Surrounding white space is
/// removed.
#[derive(Clone, Debug)]
pub struct FromFile<T>(pub T);

impl<T: FromStr<Err = String>> FromStr for FromFile<T> {
    type Err = String;

    fn from_str(path: &str) -> Result<Self, String> {
        let text =
            fs::read_to_string(path).map_err(|error| format!("a readable file ({error})"))?;
        text.trim().parse().map(Self).map_err(|allowed| format!("a file that contains {allowed}"))
    }
}

/// A public address: scheme and host, no path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// In the form of an `Origin` header: without a trailing slash.
    pub fn origin(&self) -> &str {
        &self.0
    }

    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl FromStr for BaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = || {
            "http:// or https:// with a host and no path, for example https://chat.example.org"
                .to_owned()
        };
        let origin = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
        let host = origin
            .strip_prefix("https://")
            .or_else(|| origin.strip_prefix("http://"))
            .ok_or_else(allowed)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        if host.is_empty() || !host.chars().all(plain) {
            return Err(allowed());
        }
        Ok(Self(origin))
    }
}

/// The bearer token of `/metrics`. Never printed.
#[derive(Clone)]
pub struct MetricsToken(String);

impl MetricsToken {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MetricsToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MetricsToken(…)")
    }
}

impl FromStr for MetricsToken {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let token = text.trim();
        if token.len() >= 16 && token.chars().all(|c| c.is_ascii_graphic()) {
            Ok(Self(token.to_owned()))
        } else {
            Err("16 or more visible ASCII characters".to_owned())
        }
    }
}

fn read_metrics_token(path: &str) -> Result<MetricsToken, String> {
    let text = fs::read_to_string(path);
    text.map_err(|error| format!("a readable file ({error})"))?.parse()
}

pub(crate) fn parse_port(text: &str) -> Result<u16, String> {
    let port = text.parse().ok().filter(|port| *port > 0);
    port.ok_or_else(|| "a number from 1 to 65535".to_owned())
}

pub(crate) fn parse_ip(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| "an IP address, for example 127.0.0.1 or ::".to_owned())
}

/// Networks and single addresses.
#[derive(Clone, Debug)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    pub fn contain(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&ip))
    }
}

impl FromStr for Networks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "none" {
            return Ok(Self(Vec::new()));
        }
        let network = |text: &str| {
            let text = text.trim();
            text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        };
        let networks: Result<_, _> = text.split(',').map(network).collect();
        networks.map(Self).map_err(|_| {
            "networks separated by commas, for example 10.0.0.0/8,192.168.1.7, or none".to_owned()
        })
    }
}

fn parse_site_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if (1..=64).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        Ok(name.to_owned())
    } else {
        Err("1 to 64 characters on one line".to_owned())
    }
}

/// A number of bytes: `104857600`, `100M`, `5G`.
fn parse_size(text: &str) -> Result<u64, String> {
    let text = text.trim().to_ascii_uppercase();
    let text = text.strip_suffix('B').unwrap_or(&text);
    let (number, unit) = match text.strip_suffix(['K', 'M', 'G']) {
        Some(number) if text.ends_with('K') => (number, 1 << 10),
        Some(number) if text.ends_with('M') => (number, 1 << 20),
        Some(number) => (number, 1 << 30),
        None => (text, 1),
    };
    let bytes = number.trim().parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    let bytes = bytes.filter(|bytes| i64::try_from(*bytes).is_ok());
    bytes.ok_or_else(|| "a number of bytes, for example 104857600, 100M or 5G".to_owned())
}

fn parse_log_filter(text: &str) -> Result<Targets, String> {
    text.parse()
        .map_err(|_| "error, warn, info, debug, trace, or a filter such as patio=debug".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_an_origin() {
        for (text, origin) in [
            ("https://chat.example.org", "https://chat.example.org"),
            ("https://Chat.Example.org/", "https://chat.example.org"),
            ("http://192.168.1.5:3000", "http://192.168.1.5:3000"),
        ] {
            assert_eq!(text.parse::<BaseUrl>().expect(text).origin(), origin);
        }
        for bad in ["chat.example.org", "https://", "ftp://x", "https://x/y", "https://u@x"] {
            assert!(bad.parse::<BaseUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_database_url_names_a_file_or_a_server() {
        let parse = |text: &str| text.parse::<DatabaseUrl>();
        assert_eq!(parse("sqlite:data/x.db"), Ok(DatabaseUrl::Sqlite("data/x.db".into())));
        assert_eq!(parse("sqlite:///srv/x.db"), Ok(DatabaseUrl::Sqlite("/srv/x.db".into())));
        for good in [
            "postgres://patio:secret@db.example.org/patio?sslmode=verify-full",
            "postgresql://patio@[::1]:5433/patio",
            "postgres:///patio?host=/run/postgresql&user=patio",
        ] {
            let url = DatabaseUrl::Postgres(PostgresUrl(good.to_owned()));
            assert_eq!(parse(good), Ok(url), "{good}");
        }
        for bad in [
            "sqlite:",
            "mysql://x",
            "",
            "patio.db",
            "postgres:x",
            "postgres://x:port/y",
            "postgres://x/y?sslmode=maybe",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_database_url_does_not_print_its_password() {
        let url: DatabaseUrl = "postgres://patio:hunter2@db/patio".parse().expect("a URL");
        assert_eq!(format!("{url:?}"), "Postgres(PostgresUrl(…))");
    }

    #[test]
    fn a_size_is_a_number_with_or_without_a_unit() {
        for (text, bytes) in
            [("0", 0), ("123", 123), ("8K", 8_192), ("100M", 104_857_600), ("5 gb", 5_368_709_120)]
        {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for bad in ["", "M", "-1", "1.5M", "1T", "99999999999G"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_trusted_proxy_is_a_network_or_one_address() {
        let trusts = |text: &str, ip: &str| -> Result<bool, String> {
            Ok(text.parse::<Networks>()?.contain(ip.parse().expect("an address")))
        };
        assert_eq!(trusts("10.0.0.0/8, 192.168.1.7", "10.9.9.9"), Ok(true));
        assert_eq!(trusts("10.0.0.0/8, 192.168.1.7", "192.168.1.7"), Ok(true));
        assert_eq!(trusts("10.0.0.0/8, 192.168.1.7", "192.168.1.8"), Ok(false));
        assert_eq!(trusts("none", "127.0.0.1"), Ok(false));
        assert!(trusts("everybody", "127.0.0.1").is_err());
    }
}
